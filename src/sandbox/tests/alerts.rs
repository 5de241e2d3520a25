//! Alerts made of events, what belongs to an alert, many changes at once; investigations; the Endpoint service's own incidents.

use super::*;

fn event(desk: &Desk) -> (String, String, String) {
    let query = "DeviceProcessEvents | where FileName =~ 'powershell.exe' | top 1 by Timestamp | project DeviceId, ReportId, Timestamp";
    let row = desk.go("POST", "/api/advancedqueries/run", &format!("{{\"Query\":\"{query}\"}}"));
    (row.at("Results/0/DeviceId"), row.at("Results/0/ReportId"), row.at("Results/0/Timestamp"))
}

fn create(desk: &Desk, machine: &str, report: &str, time: &str, title: &str) -> Answer {
    desk.post(
        "/api/alerts/CreateAlertByReference",
        &format!(
            "{{'machineId':'{machine}','reportId':'{report}','eventTime':'{time}','title':'{title}','description':'d',\
             'recommendedAction':'look','severity':'Low','category':'Exploit'}}"
        ),
    )
}

#[test]
fn an_alert_is_made_of_an_event_that_hunting_found_to_the_last_digit() {
    let desk = Desk::open();
    let (machine, report, time) = event(&desk);
    let made = create(&desk, &machine, &report, &time, "Mine");
    assert_eq!((made.status, made.at("title"), made.at("severity")), (200, "Mine".into(), "Low".into()), "{made:?}");
    assert_eq!((made.at("category"), made.at("machineId"), made.at("status")), ("Exploit".into(), machine.clone(), "New".into()));
    assert!(made.at("evidence").to_lowercase().contains("powershell.exe"));
    let id = made.at("id");
    // It is there everywhere, with an incident and an investigation of its own.
    assert_eq!(desk.get(&format!("/v1.0/security/alerts_v2/{id}")).at("title"), "Mine");
    assert_eq!(desk.get(&format!("/api/incidents/{}", made.at("incidentId"))).at("alerts/0/alertId"), id);
    assert_eq!(desk.get(&format!("/api/investigations/{id}")).at("id"), made.at("investigationId"));
    let again = create(&desk, &machine, &report, &time, "Mine");
    assert_eq!(again.at("id"), id, "an open alert of the same title on the same machine takes it in");
    assert_ne!(create(&desk, &machine, &report, &time, "Other").at("id"), id);
    let digits = time.trim_end_matches('Z');
    let cut = format!("{}Z", &digits[..digits.len() - 1]);
    for (m, r, t) in [(machine.as_str(), report.as_str(), cut.as_str()), (&machine, "1", &time), (&"a".repeat(40), &report, &time)] {
        let refused = create(&desk, m, r, t, "x");
        assert_eq!((refused.status, refused.at("error/code")), (404, "ResourceNotFound".into()), "{m} {r} {t}");
    }
    assert_eq!(create(&desk, &machine, "x", &time, "x").at("error/code"), "InvalidInput");
}

#[test]
fn many_alerts_are_changed_at_once_without_a_word() {
    let desk = Desk::open();
    let ids = column(&desk.get("/api/alerts?$top=2&$filter=status%20eq%20'New'"), "id");
    let body = format!("{{'alertIds':['{}','{}','unknown'],'status':'InProgress','comment':'mine'}}", ids[0], ids[1]);
    let answer = desk.post("/api/alerts/batchUpdate", &body);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    for id in &ids {
        let alert = desk.get(&format!("/api/alerts/{id}"));
        assert_eq!(alert.at("status"), "InProgress");
        assert!(alert.at("comments").contains("mine"));
    }
    let misfit = format!("{{'alertIds':['{}'],'classification':'FalsePositive','determination':'Malware'}}", ids[0]);
    assert_eq!(desk.post("/api/alerts/batchUpdate", &misfit).status, 400);
    assert_eq!(desk.post("/api/alerts/batchUpdate", "{'alertIds':[],'status':'New'}").status, 400);
}

#[test]
fn what_belongs_to_an_alert_agrees_with_its_evidence_and_with_hunting() {
    let desk = Desk::open();
    let alerts = desk.get("/api/alerts?$expand=evidence").items();
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (mut files, mut ips, mut domains) = (0, 0, 0);
    for alert in &alerts {
        let path = format!("/api/alerts/{}", text(alert, "id"));
        let evidence = alert.get("evidence").unwrap().as_array().unwrap();
        for file in desk.get(&format!("{path}/files")).items() {
            assert!(evidence.iter().any(|e| e.get("sha1") == file.get("sha1")), "{file}");
            files += 1;
        }
        for ip in desk.get(&format!("{path}/ips")).items() {
            assert!(evidence.iter().any(|e| e.get("ipAddress") == ip.get("id")));
            ips += 1;
        }
        for domain in desk.get(&format!("{path}/domains")).items() {
            assert!(evidence.iter().any(|e| text(e, "url").contains(&text(&domain, "host"))));
            domains += 1;
        }
        assert_eq!(desk.get(&format!("{path}/machine")).at("id"), text(alert, "machineId"));
    }
    assert!(files > 0 && ips > 0 && domains > 0, "{files} {ips} {domains}");
    let with_user = alerts.iter().find(|a| a.get("relatedUser").is_some_and(|u| !u.is_null())).unwrap();
    let name = text(with_user.get("relatedUser").unwrap(), "userName");
    assert_eq!(desk.get(&format!("/api/alerts/{}/user", text(with_user, "id"))).at("accountName"), name);
    assert_eq!(desk.get("/api/alerts/none/files").status, 404);
}

#[test]
fn investigations_are_those_of_the_alerts_and_those_that_are_started() {
    let desk = Desk::open();
    let before = desk.get("/api/investigations").items();
    assert!(!before.is_empty());
    let alert = desk.get("/api/investigations").at("value/0/triggeringAlertId");
    assert_eq!(desk.get(&format!("/api/alerts/{alert}")).at("investigationId"), desk.get(&format!("/api/investigations/{alert}")).at("id"));
    let machine = desk.machine();
    let path = format!("/api/machines/{machine}/startInvestigation");
    let made = desk.post(&path, "{'Comment':'look'}");
    assert_eq!((made.status, made.at("state"), made.at("machineId")), (201, "Running".into(), machine.clone()));
    assert_eq!(desk.post(&path, "{'Comment':'again'}").at("error/code"), "ActiveRequestAlreadyExists");
    assert_eq!(desk.get("/api/investigations").items().len(), before.len() + 1);
    let running = desk.get(&format!("/api/investigations?$filter=state%20eq%20'Running'%20and%20machineId%20eq%20'{machine}'"));
    assert_eq!(running.at("value/0/id"), made.at("id"));
    desk.sandbox.advance(61);
    let done = desk.get(&format!("/api/investigations/{}", made.at("id")));
    assert_eq!(done.at("state"), "Benign");
    assert_ne!(done.at("endTime"), "null");
    assert_eq!(desk.post("/api/machines/x/startInvestigation", "{'Comment':'x'}").status, 404);
}

#[test]
fn one_path_has_two_services_and_the_token_says_which() {
    let desk = Desk::open();
    for (token, name) in [(&desk.endpoint, "endpoint_incidents.list"), (&desk.xdr, "incidents.list")] {
        let answer = call(&desk.sandbox, token, "GET", "/api/incidents?$top=2", "");
        assert_eq!((answer.status, answer.items().len()), (200, 2));
        assert_eq!(desk.sandbox.requests().pop().unwrap().operation, Some(name));
    }
    let sandbox = Sandbox::start(Options { permissions: Some(vec!["Alert.Read.All".into()]), ..Options::default() }).unwrap();
    let list = |service| call(&sandbox, &app_token(&sandbox, service), "GET", "/api/incidents", "").status;
    assert_eq!((list(ENDPOINT), list(XDR)), (200, 403), "each with its own permissions");
}
