//! Authenticated scans.

use super::*;

const SCANS: &str = "/api/DeviceAuthenticatedScanDefinitions";

fn body(machine: &str) -> String {
    format!(
        r##"{{"scanType":"Windows","scanName":"Night","isActive":true,"target":"lark-fs-01, lark-dc-01","intervalInHours":1,
            "targetType":"Hostname","scannerAgent":{{"machineId":"{machine}"}},
            "scanAuthenticationParams":{{"@odata.type":"#microsoft.windowsDefenderATP.api.WindowsAuthParams","type":"Kerberos","username":"u","password":"hunter2"}}}}"##
    )
}

#[test]
fn a_scan_is_made_listed_changed_and_deleted() {
    let desk = Desk::open();
    let agents = desk.get("/api/DeviceAuthenticatedScanAgents").items();
    let machine = agents[0].get("machineId").and_then(Value::as_str).unwrap().to_owned();
    let made = desk.go("POST", SCANS, &body(&machine));
    assert_eq!((made.status, made.at("scanName"), made.at("scannerAgent/machineId")), (200, "Night".into(), machine.clone()));
    assert!(!made.body.contains("hunter2"), "{}", made.body);
    let id = made.at("id");
    assert_eq!(desk.get(SCANS).items().len(), 3);
    let changed = desk.go("PATCH", &format!("{SCANS}/{id}"), r#"{"isActive":false}"#);
    assert_eq!((changed.at("isActive"), changed.at("scanName")), ("false".into(), "Night".into()));
    let delete = |ids: &str| desk.go("POST", &format!("{SCANS}/BatchDelete"), &format!(r#"{{"ScanDefinitionIds":[{ids}]}}"#));
    assert_eq!(delete(&format!(r#""{id}","0""#)).status, 404);
    assert_eq!(desk.get(SCANS).items().len(), 3, "nothing goes if one is unknown");
    let gone = delete(&format!(r#""{id}""#));
    assert_eq!((gone.status, gone.body.as_str()), (200, ""));
    assert_eq!(desk.get(SCANS).items().len(), 2);
    assert_eq!(desk.go("PATCH", &format!("{SCANS}/{id}"), r#"{"isActive":false}"#).status, 404);
    assert_eq!(desk.go("POST", SCANS, &body("nowhere")).at("error/code"), "InvalidInput");
    assert_eq!(desk.go("POST", SCANS, &body(&machine).replace("WindowsAuthParams", "Trust")).at("error/code"), "InvalidInput");
}

#[test]
fn one_agent_is_a_list_whatever_its_context_says() {
    let desk = Desk::open();
    let id = desk.get("/api/DeviceAuthenticatedScanAgents").at("value/1/id");
    let one = desk.get(&format!("/api/DeviceAuthenticatedScanAgents/{id}"));
    assert!(one.at("@odata.context").ends_with("/$entity"));
    assert_eq!((one.items().len(), one.at("value/0/id")), (1, id));
    assert!(one.json().get("value").unwrap().as_array().unwrap()[0].get("AssignedApplicationId").is_some());
    assert_eq!(desk.get("/api/DeviceAuthenticatedScanAgents/x").status, 404);
}

#[test]
fn history_grows_with_time_and_is_paged_by_options_of_the_query() {
    let desk = samples::patient();
    let id = desk.get(SCANS).at("value/0/id");
    let body = format!(r#"{{"ScanDefinitionIds":["{id}"]}}"#);
    let history = |query: &str| desk.go("POST", &format!("{SCANS}/GetScanHistoryByScanDefinitionId{query}"), &body);
    let all = history("").items();
    assert_eq!(all.len(), 18, "three days of a scan every four hours");
    assert_eq!(history("?$top=5&$skip=2").items(), all[2..7]);
    assert_eq!(history("?$top=4097").status, 400);
    assert!(all.iter().any(|h| h.get("scanStatus").unwrap().as_str() == Some("PartialSuccess")));
    desk.sandbox.advance(4 * 3600);
    assert_eq!(history("").items().len(), 19);
    let session = history("").at("value/0/sessionId");
    let found = desk.go("POST", &format!("{SCANS}/GetScanHistoryBySessionId"), &format!(r#"{{"SessionIds":["{session}"]}}"#));
    assert_eq!((found.items().len(), found.at("value/0/scanDefinitionId")), (1, id));
}
