//! Domains, files, addresses, people and machines: what REST says is what hunting finds.

use super::*;

fn ask(desk: &Desk, query: &str) -> Answer {
    let body = json::object([("Query", query.into())]).to_string();
    desk.go("POST", "/api/advancedqueries/run", &body)
}

fn sorted(mut items: Vec<String>) -> Vec<String> {
    items.sort();
    items
}

#[test]
fn a_file_is_known_by_its_hash() {
    let desk = Desk::open();
    let row = ask(&desk, "DeviceFileEvents | where isnotempty(SHA1) | top 1 by Timestamp | project SHA1, SHA256, FileName");
    let (sha1, sha256) = (row.at("Results/0/SHA1"), row.at("Results/0/SHA256"));
    let file = desk.get(&format!("/api/files/{sha1}"));
    assert_eq!((file.status, file.at("sha256")), (200, sha256.clone()));
    assert_eq!(desk.get(&format!("/api/files/{sha256}")).at("sha1"), sha1);
    let query = format!(
        "union DeviceFileEvents, DeviceProcessEvents, DeviceImageLoadEvents, DeviceEvents | where SHA1 == '{sha1}' | distinct DeviceId"
    );
    let hunted: Vec<String> = ask(&desk, &query)
        .json()
        .get("Results")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r.get("DeviceId").unwrap().as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sorted(column(&desk.get(&format!("/api/files/{sha1}/machines")), "id")), sorted(hunted.clone()));
    let stats = desk.get(&format!("/api/files/{sha1}/stats"));
    assert_eq!((stats.at("orgPrevalence"), stats.at("organizationPrevalence")), (hunted.len().to_string(), hunted.len().to_string()));
    assert!(stats.at("topFileNames").contains(&row.at("Results/0/FileName")));
    assert_eq!(desk.get(&format!("/api/files/{sha1}/stats?lookBackHours=721")).status, 400);
    let none = "a".repeat(40);
    for (path, status, code) in [
        (none.clone(), 404, "ResourceNotFound"),
        (format!("{none}/stats"), 404, "ResourceNotFound"),
        ("abc".into(), 400, "InvalidHashValue"),
        (format!("{sha256}/alerts"), 400, "InvalidHashValue"),
        (format!("{sha256}/machines"), 400, "InvalidHashValue"),
    ] {
        let answer = desk.get(&format!("/api/files/{path}"));
        assert_eq!((answer.status, answer.at("error/code").as_str()), (status, code), "{path}");
    }
    for list in ["alerts", "machines"] {
        assert_eq!(desk.get(&format!("/api/files/{none}/{list}")).items().len(), 0);
    }
}

#[test]
fn what_the_intruder_left_leads_to_alerts() {
    let desk = Desk::open();
    let alerts = desk.get("/api/alerts?$expand=evidence").items();
    let evidence = |key: &str| {
        let all = alerts.iter().flat_map(|a| a.get("evidence").unwrap().as_array().unwrap().iter().map(move |e| (a, e)));
        let mut found = all.filter_map(|(a, e)| Some((a.get("id")?.as_str()?.to_owned(), e.get(key)?.as_str()?.to_owned())));
        found.next().unwrap()
    };
    let (alert, sha1) = evidence("sha1");
    assert!(column(&desk.get(&format!("/api/files/{sha1}/alerts")), "id").contains(&alert));
    let (alert, ip) = evidence("ipAddress");
    assert!(column(&desk.get(&format!("/api/ips/{ip}/alerts")), "id").contains(&alert));
    let (alert, url) = evidence("url");
    let host = super::super::entities::host_of(&url);
    assert!(column(&desk.get(&format!("/api/domains/{host}/alerts")), "id").contains(&alert));
    let (alert, account) = evidence("accountName");
    assert!(column(&desk.get(&format!("/api/users/{account}/alerts")), "id").contains(&alert));
    assert_eq!(desk.get(&format!("/api/users/{account}%40larkmoor.example/alerts")).items().len(), 0, "the account's name alone");
}

#[test]
fn domains_and_addresses_are_counted_and_nobodys_are_nought() {
    let desk = Desk::open();
    let row = ask(
        &desk,
        "DeviceNetworkEvents | where RemoteUrl startswith 'http' and RemoteIPType == 'Public' | top 1 by Timestamp | project RemoteUrl, RemoteIP, DeviceId",
    );
    let row = if row.json().get("Results").unwrap().as_array().unwrap().is_empty() {
        ask(
            &desk,
            "DeviceNetworkEvents | where isnotempty(RemoteUrl) and RemoteIPType == 'Public' | top 1 by Timestamp | project RemoteUrl, RemoteIP, DeviceId",
        )
    } else {
        row
    };
    let (url, ip, machine) = (row.at("Results/0/RemoteUrl"), row.at("Results/0/RemoteIP"), row.at("Results/0/DeviceId"));
    let host = super::super::entities::host_of(&url);
    assert!(column(&desk.get(&format!("/api/domains/{host}/machines")), "id").contains(&machine));
    let machines = desk.get(&format!("/api/domains/{host}/machines")).items().len();
    let stats = desk.get(&format!("/api/domains/{host}/stats"));
    assert_eq!((stats.at("host"), stats.at("organizationPrevalence")), (host.to_owned(), machines.to_string()));
    assert!(desk.get(&format!("/api/ips/{ip}/stats")).at("organizationPrevalence").parse::<i64>().unwrap() > 0);
    for (path, key) in [("domains/nobody.example", "host"), ("ips/203.0.113.250", "ipAddress")] {
        let stats = desk.get(&format!("/api/{path}/stats"));
        assert_eq!((stats.status, stats.at("orgPrevalence"), stats.at("organizationPrevalence")), (200, "0".into(), "0".into()), "{path}");
        assert!(!stats.at(key).is_empty() && stats.at("orgFirstSeen") == "null");
        assert_eq!(desk.get(&format!("/api/{path}/alerts")).items().len(), 0);
    }
    assert_eq!(desk.get("/api/ips/1.2.3/stats").at("error/code"), "InvalidIpAddress");
    assert_eq!(desk.get("/api/domains/nothing/stats").at("error/code"), "InvalidDomainName");
}

#[test]
fn people_are_known_where_they_logged_on() {
    let desk = Desk::open();
    let row = ask(&desk, "DeviceLogonEvents | where ActionType == 'LogonSuccess' | top 1 by Timestamp | project DeviceId, AccountName");
    let (machine, account) = (row.at("Results/0/DeviceId"), row.at("Results/0/AccountName"));
    let users = desk.get(&format!("/api/machines/{machine}/logonusers"));
    assert!(column(&users, "accountName").contains(&account));
    assert!(column(&desk.get(&format!("/api/users/{account}/machines")), "id").contains(&machine));
    let user = desk.get(&format!("/api/users/{account}"));
    assert!(user.at("id").ends_with(&format!("\\{account}")), "{user:?}");
    assert_eq!(desk.get("/api/users/nobody").status, 404);
    assert_eq!(desk.get("/api/users/nobody/machines").items().len(), 0);
}

#[test]
fn machines_are_found_by_address_and_tag() {
    let desk = samples::patient();
    let machine = desk.get("/api/machines?$top=1").items()[0].clone();
    let text = |key: &str| machine.get(key).unwrap().as_str().unwrap().to_owned();
    let (id, ip, seen) = (text("id"), text("lastIpAddress"), text("lastSeen"));
    let by_ip = |ip: &str, at: &str| desk.get(&format!("/api/machines/findbyip(ip='{ip}',timestamp={at})"));
    assert_eq!(column(&by_ip(&ip, &seen), "id").concat(), id);
    let at =
        |minutes: i64| super::super::clock::iso(super::super::clock::parse(&seen).unwrap() + minutes * 60 * super::super::clock::SECOND);
    desk.sandbox.advance(3600);
    assert_eq!(by_ip(&ip, &at(14)).items().len(), 1);
    assert_eq!(by_ip(&ip, &at(16)).items().len(), 0, "it was silent by then");
    assert_eq!(desk.get(&format!("/api/machines/find(timestamp={},key='{ip}')", at(15))).items().len(), 1);
    let old = super::super::clock::iso(desk.sandbox.now() - 31 * super::super::clock::DAY);
    assert_eq!((by_ip(&ip, &old).status, by_ip("x", &seen).at("error/code")), (400, "InvalidIpAddress".into()));
    let tagged = |query: &str| desk.get(&format!("/api/machines/findbytag?{query}")).items().len();
    assert!(tagged("tag=Crown%20jewels&useStartsWithFilter=false") > 0);
    assert_eq!(tagged("tag=Crown"), 0);
    assert!(tagged("tag=Crown&useStartsWithFilter=true") > 0);
    assert_eq!(desk.get("/api/machines/findbytag").at("error/code"), "MissingRequiredParameter");
    assert!(desk.get("/api/machines/untaggedmachines").items().iter().all(|m| m.get("machineTags").unwrap().to_string() == "[]"));
    assert!(column(&desk.get("/api/machines/dlp"), "configStatus").contains(&"Valid".to_owned()));
}

#[test]
fn what_is_written_down_of_machines_is_kept() {
    let desk = Desk::open();
    let ids = column(&desk.get("/api/machines?$top=2"), "id");
    let many = |ids: &str, action: &str| {
        let body = format!("{{'Value':'wave 1','MachineIds':[{ids}],'Action':'{action}'}}");
        desk.post("/api/machines/AddOrRemoveTagForMultipleMachines", &body)
    };
    let both = format!("'{}','{}'", ids[0], ids[1]);
    assert_eq!(many(&both, "Add").items().len(), 2);
    assert_eq!(desk.get("/api/machines/findbytag?tag=wave%201").items().len(), 2);
    assert_eq!(many(&format!("{both},'x'"), "Remove").status, 404);
    assert_eq!(desk.get("/api/machines/findbytag?tag=wave%201").items().len(), 2, "all or none");
    assert_eq!(many(&both, "Remove").status, 200);
    let large = many(&vec!["'x'"; 501].join(","), "Add");
    assert_eq!((large.status, large.at("error/code")), (400, "MaximumBatchSizeExceeded".into()));
    assert!(large.at("error/message").contains("Received: 501, allowed: 500"));
    let path = format!("/api/machines/{}", ids[0]);
    assert_eq!(desk.post(&format!("{path}/setDeviceValue"), "{'DeviceValue':'high'}").at("deviceValue"), "High");
    let patched = desk.go("PATCH", &path, r#"{"machineTags":["only"],"deviceValue":"Low"}"#);
    assert_eq!((patched.at("machineTags"), patched.at("deviceValue")), (r#"["only"]"#.into(), "Low".into()), "tags are replaced");
    let out = desk.post(&format!("{path}/setexclusion"), "{'IsExcluded':true,'ExclusionReason':'DuplicateDevice'}");
    assert_eq!((out.at("isExcluded"), out.at("exclusionReason")), ("true".into(), "DuplicateDevice".into()));
    assert_eq!(desk.post(&format!("{path}/setexclusion"), "{'IsExcluded':false}").at("exclusionReason"), "null");
}

#[test]
fn a_machines_alerts_are_filtered_and_counted() {
    let desk = Desk::open();
    let machine = desk.get("/api/alerts?$top=1").at("value/0/machineId");
    let all = desk.get(&format!("/api/machines/{machine}/alerts")).items();
    assert!(!all.is_empty() && all.iter().all(|a| a.get("machineId").unwrap().as_str() == Some(&machine)));
    let open = desk.get(&format!("/api/machines/{machine}/alerts?$filter=status%20ne%20'Resolved'")).items().len();
    let count = desk.get(&format!("/api/machines/{machine}/alerts/$count?$filter=status%20ne%20'Resolved'"));
    assert_eq!((count.status, count.body), (200, open.to_string()));
    assert_eq!(desk.get(&format!("/api/machines/{machine}/alerts/$count")).body, all.len().to_string());
    assert_eq!(desk.get(&format!("/api/machines/{machine}/alerts/$count?$filter=title%20eq%20'x'")).at("error/code"), "ODataError");
}
