//! Graph: comments, merged incidents, moved alerts, detection rules, the hunting schema, and where its lists end.

use std::collections::HashSet;

use super::samples::names;
use super::*;

const INCIDENTS: &str = "/v1.0/security/incidents";
const ALERTS: &str = "/v1.0/security/alerts_v2";
const RULES: &str = "/beta/security/rules/detectionRules";

fn texts(ids: &[String]) -> String {
    Value::Array(ids.iter().map(|i| i.as_str().into()).collect()).to_string()
}

#[test]
fn a_comment_answers_all_comments_and_shows_in_all_services() {
    let desk = Desk::open();
    let incident = desk.get(&format!("{INCIDENTS}?$top=1")).at("value/0/id");
    let alert = desk.get(&format!("{ALERTS}?$top=1")).at("value/0/id");
    let body = |text: &str| format!(r##"{{"@odata.type":"microsoft.graph.security.alertComment","comment":"{text}"}}"##);
    for path in [format!("{INCIDENTS}/{incident}"), format!("{ALERTS}/{alert}")] {
        let before = desk.get(&path).json().get("comments").unwrap().as_array().unwrap().len();
        let answer = desk.go("POST", &format!("{path}/comments"), &body("first"));
        assert_eq!((answer.status, answer.items().len()), (200, before + 1), "{answer:?}");
        let answer = desk.go("POST", &format!("{path}/comments"), &body("second").replace("micro", "#micro"));
        assert_eq!(answer.items().len(), before + 2);
        assert_eq!(answer.items()[before + 1].get("comment").unwrap().as_str(), Some("second"));
        assert!(desk.get(&path).body.contains("\"second\""));
        assert_eq!(desk.go("POST", &format!("{path}/comments"), r#"{"comment":"x"}"#).status, 400, "no @odata.type");
        assert_eq!(desk.go("POST", &format!("{path}/comments"), &body("")).status, 400);
    }
    assert!(desk.get(&format!("/api/incidents/{incident}")).body.contains("\"second\""));
    assert_eq!(desk.go("POST", &format!("{INCIDENTS}/1/comments"), &body("x")).status, 404);
}

#[test]
fn merged_incidents_are_signposts_on_both_services() {
    let desk = Desk::open();
    let all = names(&desk.get(INCIDENTS).items());
    let wanted = &all[..3];
    let alerts = |id: &str| desk.get(&format!("{INCIDENTS}/{id}?$expand=alerts")).json().get("alerts").unwrap().as_array().unwrap().len();
    let together: usize = wanted.iter().map(|id| alerts(id)).sum();
    let merge = |ids: &[String]| {
        let body = format!(r#"{{"incidentIds":{},"incidentComment":"one campaign","mergeReasons":"sameCampaign"}}"#, texts(ids));
        desk.go("POST", &format!("{INCIDENTS}/mergeIncidents"), &body)
    };
    let answer = merge(wanted);
    let target = answer.at("targetIncidentId");
    assert_eq!((answer.status, wanted.contains(&target)), (200, true));
    assert_eq!(alerts(&target), together);
    assert!(desk.get(&format!("{INCIDENTS}/{target}")).body.contains("one campaign"));
    for source in wanted.iter().filter(|id| **id != target) {
        let graph = desk.get(&format!("{INCIDENTS}/{source}"));
        assert_eq!((graph.at("status"), graph.at("redirectIncidentId")), ("redirected".into(), target.clone()));
        let xdr = desk.get(&format!("/api/incidents/{source}"));
        assert_eq!((xdr.at("status"), xdr.at("redirectIncidentId"), xdr.at("alerts")), ("Redirected".into(), target.clone(), "[]".into()));
    }
    let redirected = desk.get(&format!("{INCIDENTS}?$filter=status%20eq%20'redirected'"));
    assert_eq!(redirected.items().len(), 2);
    assert_eq!(merge(wanted).status, 400, "merged already");
    assert_eq!(merge(&[target.clone(), target.clone()]).status, 400, "one is not several");
    assert_eq!(merge(&[target, "1".into()]).status, 404);
}

#[test]
fn alerts_move_to_an_incident_that_there_is_or_to_a_new_one() {
    let desk = Desk::open();
    let post = |body: String| desk.go("POST", &format!("{ALERTS}/moveAlerts"), &body);
    let incidents = desk.get(&format!("{INCIDENTS}?$expand=alerts")).items();
    let alerts_of = |i: &Value| names(i.get("alerts").unwrap().as_array().unwrap());
    let large = incidents.iter().find(|i| alerts_of(i).len() > 2).unwrap();
    let other = incidents.iter().find(|i| i.get("id") != large.get("id")).unwrap().get("id").unwrap().as_str().unwrap().to_owned();
    let moved = alerts_of(large)[..1].to_vec();
    let answer = post(format!(r#"{{"alertIds":{},"incidentId":"{other}","alertComment":"belongs there"}}"#, texts(&moved)));
    assert_eq!((answer.status, answer.at("targetIncidentId")), (200, other.clone()));
    let alert = desk.get(&format!("{ALERTS}/{}", moved[0]));
    assert_eq!(alert.at("incidentId"), other);
    assert!(alert.body.contains("belongs there"));
    let fresh = post(format!(r#"{{"alertIds":{}}}"#, texts(&alerts_of(large)[1..]))).at("targetIncidentId");
    assert!(!names(&incidents).contains(&fresh));
    let emptied = desk.get(&format!("{INCIDENTS}/{}", large.get("id").unwrap().as_str().unwrap()));
    assert_eq!((emptied.at("status"), emptied.at("redirectIncidentId")), ("redirected".into(), fresh));
    assert_eq!(post(r#"{"alertIds":["nothing"]}"#.into()).status, 404);
    assert_eq!(post(r#"{"alertIds":[]}"#.into()).status, 400);
    assert_eq!(post(format!(r#"{{"alertIds":{},"incidentId":"1"}}"#, texts(&moved))).status, 404);
}

#[test]
fn lists_end_where_the_service_skips_no_further() {
    let options = Options { older_alerts: 600, graph_links: GraphLinks::Skip, ..Options::default() };
    let desk = Desk::new(options);
    for (path, most, step) in [(ALERTS, 1000, 100), (INCIDENTS, 50, 50)] {
        let refused = desk.get(&format!("{path}?$top={}", most + 1));
        let message = format!(
            "The query specified in the URI is not valid. The limit of '{most}' for Top query has been exceeded. The value from the incoming \
             request is '{}'.",
            most + 1
        );
        assert_eq!((refused.status, refused.at("error/message")), (400, message));
        let refused = desk.get(&format!("{path}?$skip=501&$top=5"));
        let message = "The query specified in the URI is not valid. The limit of '500' for Skip query has been exceeded. The value from the \
                       incoming request is '501'.";
        assert_eq!((refused.status, refused.at("error/message").as_str()), (400, message));
        assert_eq!(desk.get(&format!("{path}?$skip=500&$top=5")).items().len(), 5);
        let counted = desk.get(&format!("{path}?$count=true&$top=1")).at("@odata.count").parse::<usize>().unwrap();
        assert!(counted > 600);
        let mut at = format!("{path}?$top={step}");
        let mut seen = 0;
        let end = loop {
            let page = desk.get(&at);
            if page.status != 200 {
                break page;
            }
            seen += page.items().len();
            let link = page.at("@odata.nextLink");
            assert!(link.contains("$skip="));
            at = link.strip_prefix("http://127.0.0.1").unwrap().to_owned();
        };
        assert_eq!((seen, end.status), (500 + step, 400));
        assert!(end.at("error/message").contains("Skip query"));
    }
    let tokens = Desk::new(Options { older_alerts: 600, ..Options::default() });
    let (all, _) = follow(&tokens, &format!("{ALERTS}?$top=100"), 99);
    assert_eq!(all.len(), names(&all).iter().collect::<HashSet<_>>().len());
    assert!(all.len() > 600);
    let refused = desk.get(&format!("{ALERTS}?$filter=title%20eq%20'x'"));
    assert_eq!(refused.status, 400);
}

#[test]
fn older_alerts_come_five_at_a_moment_and_are_the_same_everywhere() {
    let desk = Desk::new(Options { older_alerts: 2200, ..Options::default() });
    let all = follow(&desk, &format!("{ALERTS}?$filter=severity%20eq%20'informational'"), 99).0;
    let moments: HashSet<String> = all.iter().map(|a| a.get("lastUpdateDateTime").unwrap().to_string()).collect();
    assert!(all.len() >= 2200 && moments.len() <= 2200 / 5 + 20);
    let id = all[all.len() - 1].get("id").unwrap().as_str().unwrap();
    let incident = desk.get(&format!("/api/alerts/{id}")).at("incidentId");
    assert!(incident.parse::<i64>().unwrap() > 0);
    assert_eq!(desk.get(&format!("/api/incidents/{incident}")).at("alerts/0/alertId"), id);
}

#[test]
fn expanding_alerts_fails_for_lists_alone_where_it_is_switched_on() {
    let desk = Desk::new(Options { expand_fails: true, ..Options::default() });
    for _ in 0..3 {
        assert_eq!(desk.get(&format!("{INCIDENTS}?$expand=alerts&$filter=status%20eq%20'active'")).status, 500);
    }
    let plain = desk.get(INCIDENTS);
    assert_eq!(plain.status, 200);
    assert_eq!(desk.get(&format!("{INCIDENTS}/{}?$expand=alerts", plain.at("value/0/id"))).status, 200);
}

#[test]
fn detection_rules_are_made_changed_and_deleted() {
    let desk = Desk::open();
    let rules = desk.get(RULES);
    assert_eq!(rules.items().len(), 3);
    assert!(rules.at("@odata.context").contains("/beta/$metadata"));
    assert!(!rules.body.contains("isEnabled"));
    let body = r#"{"id":"my rule","displayName":"Mine","status":"enabled","queryCondition":{"queryText":"DeviceInfo"},
                   "schedule":{"frequency":"PT1H"}}"#;
    let made = desk.go("POST", RULES, body);
    assert_eq!((made.status, made.at("id"), made.at("description")), (201, "my rule".into(), "null".into()));
    assert!(made.header("Location").unwrap().ends_with("/beta/security/rules/detectionRules/my%20rule"));
    assert_eq!(desk.go("POST", RULES, body).status, 409);
    let path = format!("{RULES}/my%20rule");
    let changed = desk.go("PATCH", &path, r#"{"status":"disabled"}"#);
    assert_eq!(
        (changed.at("status"), changed.at("displayName"), changed.at("schedule/nextRunDateTime")),
        ("disabled".into(), "Mine".into(), "null".into())
    );
    assert_eq!(desk.go("PATCH", &path, r#"{"isEnabled":true}"#).status, 400);
    assert_eq!(desk.go("PATCH", &path, r#"{"schedule":{"frequency":"PT2H"}}"#).status, 400);
    assert_eq!(desk.go("POST", RULES, &body.replace("queryText", "text").replace("my rule", "other")).status, 400);
    let names = desk.get(&format!("{RULES}?$select=id,status&$orderby=displayName%20desc"));
    assert_eq!(names.at("value/0/id"), "shadow-copies");
    assert_eq!(names.items()[0].as_object().unwrap().len(), 2);
    assert_eq!(desk.get(&format!("{RULES}?$filter=status%20eq%20'disabled'&$count=true")).at("@odata.count"), "2");
    assert_eq!(desk.go("DELETE", &path, "").status, 204);
    assert_eq!((desk.go("DELETE", &path, "").status, desk.get(&path).status), (404, 404));
}

#[test]
fn the_hunting_schema_is_for_people_alone() {
    let desk = Desk::open();
    let path = "/beta/security/getHuntingSchema";
    assert_eq!(desk.get(path).status, 403);
    let person = user_token(&desk.sandbox, GRAPH);
    let schema = call(&desk.sandbox, &person, "GET", path, "");
    let tables = schema.json().get("tables").unwrap().as_array().unwrap().to_vec();
    let info = tables.iter().find(|t| t.get("name").unwrap().as_str() == Some("DeviceInfo")).unwrap();
    assert!(info.get("columns").unwrap().as_array().unwrap().iter().any(|c| c.get("name").unwrap().as_str() == Some("DeviceId")));
    assert!(schema.json().get("functions").unwrap().get("savedFunctions").is_some());
}

#[test]
fn a_query_may_stand_in_the_url() {
    let desk = Desk::open();
    let answer = desk.get("/api/advancedqueries?key=DeviceInfo%20%7C%20take%201%20%7C%20project%20DeviceName");
    assert_eq!((answer.status, answer.at("Schema/0/Name")), (200, "DeviceName".into()));
    assert_eq!(desk.get("/api/advancedqueries").at("error/code"), "MissingRequiredParameter");
    assert_eq!(desk.get("/api/advancedqueries?key=EmailEvents").status, 400, "the Endpoint service's own tables only");
}
