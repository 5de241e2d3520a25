//! Machine actions by the clock, and what they do.

use super::*;

const WINDOWS: &str = "lark-ws-014.corp.larkmoor.example";

fn ask(desk: &Desk, machine: &str, what: &str, more: &str) -> Answer {
    desk.post(&format!("/api/machines/{machine}/{what}"), &format!("{{'Comment':'case 42','ExternalId':'T-1'{more}}}"))
}

fn named(desk: &Desk, host: &str) -> String {
    desk.get(&format!("/api/machines/{host}.corp.larkmoor.example")).at("id")
}

#[test]
fn actions_follow_the_clock_and_keep_the_callers_id() {
    let desk = Desk::open();
    let made = ask(&desk, WINDOWS, "restrictCodeExecution", "");
    assert_eq!((made.status, made.at("status"), made.at("externalId")), (201, "Pending".into(), "T-1".into()));
    let listed = || desk.get("/api/machineactions").at("value/0/status");
    assert_eq!(listed(), "Pending");
    desk.sandbox.advance(6);
    assert_eq!(listed(), "InProgress");
    desk.sandbox.advance(20);
    let list = desk.get("/api/machineactions");
    assert_eq!((list.at("value/0/status"), list.at("value/0/externalId")), ("Succeeded".into(), "T-1".into()));
    // The service spells this key in two ways.
    let item = &list.items()[0];
    assert!(item.get("lastUpdateTimeUtc").is_some() && item.get("lastUpdateDateTimeUtc").is_none());
    assert_ne!(desk.get(&format!("/api/machineactions/{}", made.at("id"))).at("lastUpdateDateTimeUtc"), "null");
}

#[test]
fn a_silent_machine_lets_its_actions_wait() {
    let desk = samples::patient();
    let silent = named(&desk, "lark-lt-019");
    assert_eq!(desk.get(&format!("/api/machines/{silent}")).at("healthStatus"), "Inactive");
    let made = ask(&desk, &silent, "isolate", "");
    desk.sandbox.advance(600);
    let get = || desk.get(&format!("/api/machineactions/{}", made.at("id")));
    assert_eq!((get().at("status"), get().at("status")), ("Pending".into(), "Pending".into()));
    desk.sandbox.advance(3 * 86_400);
    assert_eq!(get().at("status"), "TimeOut");
}

#[test]
fn what_is_possible_follows_what_was_done() {
    let desk = Desk::open();
    let machine = named(&desk, "lark-ws-014");
    let possible = || {
        let answer = desk.get(&format!("/api/machines/{machine}/availablemachineactions"));
        let is = |item: &Value| item.get("isAvailable").unwrap().as_bool().unwrap();
        let name = |item: &Value| item.get("action").unwrap().as_str().unwrap().to_owned();
        answer.items().iter().filter(|i| is(i)).map(name).collect::<Vec<_>>()
    };
    assert!(possible().contains(&"FullIsolation".to_owned()) && !possible().contains(&"Unisolation".to_owned()));
    ask(&desk, &machine, "isolate", "");
    assert!(!possible().contains(&"FullIsolation".to_owned()), "in progress");
    desk.sandbox.advance(30);
    assert!(possible().contains(&"Unisolation".to_owned()) && !possible().contains(&"SelectiveIsolation".to_owned()));
    ask(&desk, &machine, "unisolate", "");
    desk.sandbox.advance(30);
    ask(&desk, &machine, "isolate", "");
    assert_eq!(column(&desk.get(&format!("/api/machines/{machine}/machineactions")), "type"), ["Isolate", "Unisolate", "Isolate"]);
    assert_eq!(column(&desk.get(&format!("/api/machines/{machine}/latestmachineactions")), "type"), ["Isolate", "Unisolate"]);
    assert_eq!(desk.get("/api/machines/x/latestmachineactions").status, 404);
}

#[test]
fn offboarding_ends_it_all_and_is_for_windows() {
    let desk = samples::patient();
    let mac = ask(&desk, &named(&desk, "lark-mac-04"), "offboard", "");
    assert_eq!((mac.status, mac.at("error/code")), (400, "OsPlatformNotSupported".into()));
    let machine = named(&desk, "lark-ws-014");
    assert_eq!(ask(&desk, &machine, "offboard", "").at("type"), "Offboard");
    desk.sandbox.advance(30);
    assert_eq!(desk.get(&format!("/api/machines/{machine}")).at("onboardingStatus"), "CanBeOnboarded");
    assert_eq!(desk.get("/api/machines?$filter=onboardingStatus%20eq%20'CanBeOnboarded'").items().len(), 1);
    assert_eq!(ask(&desk, &machine, "isolate", "").status, 400);
    desk.sandbox.reset();
    assert_eq!(desk.get(&format!("/api/machines/{machine}")).at("onboardingStatus"), "Onboarded");
}

#[test]
fn a_file_is_quarantined_where_it_is() {
    let desk = Desk::open();
    let query = "DeviceFileEvents | where isnotempty(SHA1) | take 1 | project DeviceId, SHA1";
    let row = desk.post("/api/advancedqueries/run", &format!("{{'Query':'{query}'}}"));
    let (machine, sha1) = (row.at("Results/0/DeviceId"), row.at("Results/0/SHA1"));
    let end = |made: Answer| {
        desk.sandbox.advance(30);
        desk.get(&format!("/api/machineactions/{}", made.at("id")))
    };
    let there = end(ask(&desk, &machine, "StopAndQuarantineFile", &format!(",'Sha1':'{sha1}'")));
    assert_eq!((there.at("status"), there.at("relatedFileInfo/fileIdentifier")), ("Succeeded".into(), sha1));
    let absent = end(ask(&desk, &machine, "StopAndQuarantineFile", &format!(",'Sha1':'{}'", "a".repeat(40))));
    assert_eq!((absent.at("status"), absent.at("errorHResult")), ("Failed".into(), "-2147024894".into()));
    assert_eq!(ask(&desk, &machine, "StopAndQuarantineFile", ",'Sha1':'abc'").at("error/code"), "InvalidHashValue");
}

#[test]
fn the_package_is_there_when_it_is_collected_and_its_link_is_a_text_in_a_text() {
    let desk = Desk::open();
    let made = ask(&desk, WINDOWS, "collectInvestigationPackage", "");
    let uri = || desk.get(&format!("/api/machineactions/{}/getPackageUri", made.at("id")));
    assert_eq!((uri().status, uri().at("error/code")), (404, "ResourceNotFound".into()));
    desk.sandbox.advance(30);
    let value = uri().at("value");
    assert!(value.starts_with("\"http") && value.ends_with('"'), "{value}");
    let (status, head, body) = fetch(&desk, value.trim_matches('"'), &[]);
    assert!(status == 200 && head.contains("application/zip") && body.starts_with(b"PK\x03\x04"), "{head}");
    let processes = String::from_utf8_lossy(&body);
    assert!(processes.contains("Processes/Processes.csv") && processes.contains("ProcessId,FileName"));
    desk.sandbox.advance(1000);
    assert_eq!(fetch(&desk, value.trim_matches('"'), &[]).0, 403);
    let logs = ask(&desk, WINDOWS, "logscollection", "");
    assert_eq!(desk.get(&format!("/api/machineactions/{}/getPackageUri", logs.at("id"))).status, 400);
    desk.sandbox.advance(30);
    let link = desk.get(&format!("/api/machineactions/{}/getlogspackageuri", logs.at("id"))).at("value");
    assert_eq!(fetch(&desk, &link, &[]).0, 200);
}

#[test]
fn cancelling_any_kind_needs_its_own_permission() {
    let permissions = [
        "Machine.Isolate",
        "Machine.Scan",
        "Machine.RestrictExecution",
        "Machine.CollectForensics",
        "Machine.Offboard",
        "Machine.StopAndQuarantine",
        "Machine.LiveResponse",
    ];
    let desk = Desk::open();
    let command = ",'Commands':[{'type':'GetFile','params':[{'key':'Path','value':'x'}]}]";
    let sha1 = format!(",'Sha1':'{}'", "a".repeat(40));
    for (what, more, permission) in [
        ("isolate", "", "Machine.Isolate"),
        ("restrictCodeExecution", "", "Machine.RestrictExecution"),
        ("collectInvestigationPackage", "", "Machine.CollectForensics"),
        ("runAntiVirusScan", ",'ScanType':'Quick'", "Machine.Scan"),
        ("StopAndQuarantineFile", sha1.as_str(), "Machine.StopAndQuarantine"),
        ("runliveresponse", command, "Machine.LiveResponse"),
        ("offboard", "", "Machine.Offboard"),
    ] {
        let path = format!("/api/machineactions/{}/cancel", ask(&desk, WINDOWS, what, more).at("id"));
        desk.sandbox.revoke(permission);
        let others = app_token(&desk.sandbox, ENDPOINT);
        let refused = call(&desk.sandbox, &others, "POST", &path, r#"{"Comment":"x"}"#);
        assert_eq!(refused.status, 403, "{what}");
        assert!(refused.at("error/message").contains(&format!("required roles: {permission},")), "{what}");
        for other in permissions.iter().filter(|p| **p != permission) {
            desk.sandbox.revoke(other);
        }
        desk.sandbox.grant(permission);
        let own = app_token(&desk.sandbox, ENDPOINT);
        assert_eq!(call(&desk.sandbox, &own, "POST", &path, r#"{"Comment":"x"}"#).at("status"), "Cancelled", "{what}");
        for permission in permissions {
            desk.sandbox.grant(permission);
        }
    }
}
