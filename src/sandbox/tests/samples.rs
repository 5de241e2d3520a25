//! What is there to ask for: ids and bodies of the operations of vulnerability management and of Graph.

use super::*;

/// The id of something of that resource.
pub(super) fn id(desk: &Desk, op: &Operation) -> Option<String> {
    let first = |path: &str, key: &str| Some(desk.get(path).at(&format!("value/0/{key}")));
    match op.id {
        "scans.agent" => first("/api/DeviceAuthenticatedScanAgents", "id"),
        id if id.starts_with("software.") => first("/api/Software", "id"),
        id if id.starts_with("vulnerabilities.") => first("/api/vulnerabilities", "id"),
        id if id.starts_with("recommendations.") => first("/api/recommendations", "id"),
        id if id.starts_with("remediations.") => first("/api/remediationTasks", "id"),
        id if id.starts_with("scans.") => first("/api/DeviceAuthenticatedScanDefinitions", "id"),
        id if id.starts_with("graph.detection_rules.") => first("/beta/security/rules/detectionRules", "id"),
        _ => None,
    }
}

/// The body of an operation whose parameters must agree with each other or with what there is.
pub(super) fn body(desk: &Desk, op: &Operation) -> Option<String> {
    let machine = || desk.get("/api/DeviceAuthenticatedScanAgents").at("value/0/machineId");
    let scan = || desk.get("/api/DeviceAuthenticatedScanDefinitions").at("value/0/id");
    let incidents = || names(&desk.get("/v1.0/security/incidents?$top=2").items());
    Some(match op.id {
        "scans.create" => format!(
            r##"{{"scanType":"Network","scanName":"x","isActive":true,"target":"10.0.0.1","intervalInHours":4,"targetType":"Ip",
                "scannerAgent":{{"machineId":"{}"}},
                "scanAuthenticationParams":{{"@odata.type":"#microsoft.windowsDefenderATP.api.SnmpAuthParams","type":"NoAuthNoPriv"}}}}"##,
            machine()
        ),
        "scans.delete_many" | "scans.history" => format!(r#"{{"ScanDefinitionIds":["{}"]}}"#, scan()),
        "scans.history_of_sessions" => r#"{"SessionIds":["0"]}"#.to_owned(),
        "graph.incidents.merge" => {
            format!(r#"{{"incidentIds":{}}}"#, Value::Array(incidents().iter().map(|i| i.as_str().into()).collect()))
        }
        "graph.alerts.move" => {
            let alert = desk.get("/v1.0/security/alerts_v2?$top=1").at("value/0/id");
            format!(r#"{{"alertIds":["{alert}"]}}"#)
        }
        "graph.detection_rules.create" => r#"{"id":"x","displayName":"x","status":"enabled","queryCondition":{"queryText":"DeviceInfo"},
            "schedule":{"frequency":"PT1H"}}"#
            .to_owned(),
        _ => return None,
    })
}

/// The ids of items.
pub(super) fn names(items: &[Value]) -> Vec<String> {
    items.iter().map(|i| i.get("id").and_then(Value::as_str).unwrap_or_else(|| panic!("no id in {i}")).to_owned()).collect()
}

/// A desk whose tokens outlive the sandbox's leaps in time.
pub(super) fn patient() -> Desk {
    Desk::new(Options { token_lifetime: Some(1_000_000), ..Options::default() })
}
