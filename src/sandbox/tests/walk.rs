//! Over the declaration: every operation has a handler, wants its service's token and its permission.

use crate::ops::model::{Kind, Method, Param, Place, Service};

use super::*;

/// A machine that reports, with alerts.
const MACHINE: &str = "lark-ws-014.corp.larkmoor.example";

fn first(desk: &Desk, path: &str, key: &str) -> String {
    desk.get(path).at(&format!("value/0/{key}"))
}

/// An action of the machine that has come to its end.
fn ended(desk: &Desk, asked: &str, body: &str) -> String {
    let id = desk.post(&format!("/api/machines/{MACHINE}/{asked}"), body).at("id");
    desk.sandbox.advance(60);
    id
}

/// A piece of evidence of some alert.
fn evident(desk: &Desk, key: &str) -> String {
    let alerts = desk.get("/api/alerts?$expand=evidence").items();
    let evidence = alerts.iter().flat_map(|a| a.get("evidence").unwrap().as_array().unwrap().to_vec());
    evidence.filter_map(|e| e.get(key)?.as_str().map(str::to_owned)).next().unwrap()
}

/// What stands for a placeholder of the path.
fn hole(desk: &Desk, op: &Operation, p: &Param) -> String {
    let resource = op.id.rsplit_once('.').unwrap().0;
    match (op.id, p.wire) {
        (_, "ip") if resource == "machines" => "10.20.1.35".to_owned(),
        (_, "ip") => "198.51.100.7".to_owned(),
        (_, "timestamp") => super::super::clock::iso(desk.sandbox.now() - 3600 * super::super::clock::SECOND),
        (_, "index") => "0".to_owned(),
        (_, "domain") => "updates-cdn.example".to_owned(),
        (_, "fileName") => "Get-Persistence.ps1".to_owned(),
        ("machine_actions.package_uri", _) => ended(desk, "collectInvestigationPackage", "{'Comment':'x'}"),
        ("machine_actions.logs_uri", _) => ended(desk, "logscollection", "{'Comment':'x'}"),
        ("machine_actions.get" | "machine_actions.cancel", _) => {
            desk.post(&format!("/api/machines/{MACHINE}/isolate"), "{'Comment':'x'}").at("id")
        }
        ("live_response.result_link", _) => {
            let command = "{'type':'GetFile','params':[{'key':'Path','value':'C:\\\\x.txt'}]}";
            ended(desk, "runliveresponse", &format!("{{'Comment':'x','Commands':[{command}]}}"))
        }
        ("investigations.start", _) => MACHINE.to_owned(),
        ("data_exports.get" | "data_exports.delete", _) => {
            desk.post("/api/dataexportsettings", "{'id':'x','logs':[],'workspaceProperties':{'name':'w'}}").at("id")
        }
        _ if samples::id(desk, op).is_some() => samples::id(desk, op).unwrap(),
        _ => match resource {
            "machines" | "live_response" => MACHINE.to_owned(),
            "files" => evident(desk, "sha1"),
            "users" => evident(desk, "accountName"),
            "alerts" => {
                let alerts = desk.get("/api/alerts").items();
                let own = alerts.iter().find(|a| a.get("relatedUser").is_some_and(|u| u.as_object().is_some())).unwrap();
                own.get("id").unwrap().as_str().unwrap().to_owned()
            }
            "incidents" | "endpoint_incidents" => first(desk, "/api/incidents?$top=1", "incidentId"),
            "graph.incidents" => first(desk, "/v1.0/security/incidents?$top=1", "id"),
            "graph.alerts" => first(desk, "/v1.0/security/alerts_v2?$top=1", "id"),
            _ => {
                let list = ops::by_id(&format!("{resource}.list")).unwrap();
                first(desk, list.path, "id")
            }
        },
    }
}

fn member(desk: &Desk, op: &Operation, p: &Param) -> Value {
    let json = |text: &str| json::parse(text.replace('\'', "\"").as_bytes()).unwrap();
    let event = || hunt_one(desk, "DeviceProcessEvents | take 1 | project DeviceId, ReportId, Timestamp");
    match (op.id, p.wire) {
        _ if p.fixed.is_some() => p.fixed.unwrap().into(),
        (_, "Query") => "DeviceInfo | take 1".into(),
        ("alerts.create", "machineId") => event().get("DeviceId").unwrap().clone(),
        ("alerts.create", "reportId") => event().get("ReportId").unwrap().to_string().into(),
        ("alerts.create", "eventTime") => event().get("Timestamp").unwrap().clone(),
        ("alerts.update_many", _) => vec!["da1_1"].into(),
        ("indicators.upsert", "indicatorValue") => "3395856ce81f2b7382dee72602f798b642f14140".into(),
        ("indicators.import_batch", _) => json("[{'indicatorValue':'x'}]"),
        ("indicators.update_batch", _) => json("[{'id':'991','title':'t'}]"),
        ("indicators.delete_batch", _) => vec!["991"].into(),
        ("device_groups.add" | "device_groups.replace", "deviceGroups") => json("[{'deviceGroupName':'n'}]"),
        ("device_groups.replace", "additionsCount") => 1i64.into(),
        ("device_groups.replace", "deletionsCount") => (desk.get("/api/devicegroups").items().len() as i64).into(),
        ("data_exports.create", "logs") => Value::Array(Vec::new()),
        (_, "MachineIds") => vec![MACHINE].into(),
        (_, "Sha1") => "3395856ce81f2b7382dee72602f798b642f14140".into(),
        (_, "Commands") => json("[{'type':'RunScript','params':[{'key':'ScriptName','value':'Get-Persistence.ps1'}]}]"),
        _ => match p.kind {
            Kind::Enum(members) => members[0].into(),
            Kind::Bool => true.into(),
            Kind::Count | Kind::Range(..) => 1i64.into(),
            Kind::Texts => vec!["case 42"].into(),
            Kind::Ints => Value::Array(vec![first(desk, "/api/devicegroups", "id").parse::<i64>().unwrap().into()]),
            _ => "case 42".into(),
        },
    }
}

fn hunt_one(desk: &Desk, query: &str) -> Value {
    let answer = desk.post("/api/advancedqueries/run", &format!("{{'Query':'{query}'}}"));
    answer.json().get("Results").unwrap().as_array().unwrap()[0].clone()
}

/// A request that an operation accepts, on things that are there.
pub(super) fn sample(desk: &Desk, op: &Operation) -> (String, String) {
    let mut path = op.path.to_owned();
    for p in op.params.iter().filter(|p| p.place == Place::Path) {
        path = path.replace(&format!("{{{}}}", p.wire), &hole(desk, op, p));
    }
    let query = |p: &&Param| p.place == Place::Query && p.required;
    let given = |p: &Param| match p.wire {
        "key" => "key=DeviceInfo%7Ctake%201".to_owned(),
        "sinceTime" => format!("sinceTime={}", super::super::clock::iso(desk.sandbox.now() - super::super::clock::DAY)),
        wire => format!("{wire}=VIP"),
    };
    let query: Vec<String> = op.params.iter().filter(query).map(given).collect();
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    if op.params.iter().any(|p| p.place == Place::Form) {
        return (path, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.ps1\"\r\n\r\nx\r\n--b--\r\n".to_owned());
    }
    if let Some(body) = samples::body(desk, op) {
        return (path, body);
    }
    let mut wanted: Vec<&Param> = op.params.iter().filter(|p| p.place == Place::Body && (p.required || p.fixed.is_some())).collect();
    if op.id == "data_exports.create" {
        wanted.extend(op.wire("workspaceProperties"));
    }
    let value = |p: &Param| if p.wire == "workspaceProperties" { json::object([("name", "w".into())]) } else { member(desk, op, p) };
    let body: json::Object = wanted.into_iter().map(|p| (p.wire.to_owned(), value(p))).collect();
    let body = if [Method::Get, Method::Delete].contains(&op.method) { String::new() } else { Value::Object(body).to_string() };
    (path, body)
}

/// The operations that a request for this one could also be for: they have its path, and another service or nothing tells them apart.
fn twins(op: &Operation) -> impl Iterator<Item = &'static Operation> {
    let (path, method) = (op.path, op.method);
    ops::all().filter(move |o| o.path == path && o.method == method)
}

#[test]
fn every_declared_operation_answers_applications_and_people() {
    let desk = Desk::open();
    let people = [ENDPOINT, XDR, GRAPH].map(|r| user_token(&desk.sandbox, r));
    for op in ops::all() {
        for person in [false, true] {
            desk.sandbox.reset();
            let (path, body) = sample(&desk, op);
            let place = Service::ALL.iter().position(|s| *s == op.service).unwrap();
            let token = if person { &people[place] } else { [&desk.endpoint, &desk.xdr, &desk.graph][place] };
            let answer = call(&desk.sandbox, token, op.method.name(), &path, &body);
            let needed = if person { op.delegated_permissions } else { op.app_permissions };
            if needed.is_empty() {
                assert_eq!(answer.status, 403, "{}", op.id);
                continue;
            }
            assert!([200, 201, 204].contains(&answer.status), "{} {path} {body}: {answer:?}", op.id);
            match op.returns {
                Returns::Many(_) => assert!(answer.json().get("value").unwrap().as_array().is_some(), "{}", op.id),
                Returns::One(_) => assert!(answer.json().get("@odata.context").is_some(), "{}", op.id),
                Returns::Rows => assert!(answer.json().get_ignore_case("results").is_some(), "{}", op.id),
                Returns::Text => assert!(!answer.at("value").is_empty(), "{}", op.id),
                Returns::Number => assert!(answer.json().as_i64().is_some(), "{}", op.id),
                Returns::Nothing => assert!(answer.body.is_empty(), "{}", op.id),
            }
            let record = desk.sandbox.requests().pop().unwrap();
            let named = twins(op).any(|o| o.service == op.service && Some(o.id) == record.operation);
            assert!(named, "{}: recorded as {:?}", op.id, record.operation);
            assert_eq!((record.status, record.user.is_some()), (answer.status, person), "{}", op.id);
            assert!(record.authorization);
            assert_eq!(answer.header("OData-Version"), Some("4.0"));
            assert_eq!(answer.header("request-id").unwrap().len(), 36);
        }
    }
}

#[test]
fn every_operation_wants_its_own_services_token() {
    let desk = Desk::open();
    for op in ops::all() {
        desk.sandbox.reset();
        let (path, body) = sample(&desk, op);
        let method = op.method.name();
        for service in Service::ALL {
            let token = [&desk.endpoint, &desk.xdr, &desk.graph][Service::ALL.iter().position(|s| *s == service).unwrap()];
            let answer = call(&desk.sandbox, token, method, &path, &body);
            let meant = twins(op).any(|o| o.service == service);
            assert_eq!(answer.status == 401, !meant, "{} with {}: {answer:?}", op.id, service.name());
            if answer.status == 401 {
                assert!(answer.header("WWW-Authenticate").unwrap().contains("authorization_uri"));
                assert!(answer.at("error/message").contains("audience"));
            }
        }
        let nobody = send(&desk.sandbox, method, &path, &[], &body);
        assert_eq!(nobody.status, 401, "{}", op.id);
        let code = if op.service == Service::Graph { "InvalidAuthenticationToken" } else { "Unauthorized" };
        assert_eq!(nobody.at("error/code"), code);
    }
}

/// A path with something in each hole.
fn filled(op: &Operation) -> String {
    op.params.iter().filter(|p| p.place == Place::Path).fold(op.path.to_owned(), |path, p| path.replace(&format!("{{{}}}", p.wire), "1"))
}

#[test]
fn every_operation_is_refused_without_its_permission_and_says_which() {
    let sandbox =
        Sandbox::start(Options { permissions: Some(vec!["Machine.Scan".into(), "Alert.Read".into()]), ..Options::default() }).unwrap();
    let apps = [ENDPOINT, XDR, GRAPH].map(|r| app_token(&sandbox, r));
    let people = [ENDPOINT, XDR, GRAPH].map(|r| user_token(&sandbox, r));
    assert_eq!(claim(&apps[0], "roles"), r#"["Machine.Scan"]"#);
    assert_eq!(claim(&people[0], "scp"), "Alert.Read Machine.Scan");
    for op in ops::all().filter(|op| !op.app_permissions.contains(&"Machine.Scan")) {
        let place = Service::ALL.iter().position(|s| *s == op.service).unwrap();
        let path = filled(op);
        // Whose permissions are asked for: of several with the path, the first.
        let asked = twins(op).find(|o| o.service == op.service).unwrap();
        let app = call(&sandbox, &apps[place], op.method.name(), &path, "{}");
        assert_eq!((app.status, app.at("error/code")), (403, "Forbidden".into()), "{}", op.id);
        let (needed, message) = (asked.app_permissions.join(", "), app.at("error/message"));
        assert!(message.starts_with(&format!("Missing application roles. API required roles: {needed}, application roles: ")), "{message}");
        if op.service == Service::Graph {
            assert_eq!(app.at("error/innerError/request-id"), app.header("request-id").unwrap());
        } else {
            assert_eq!(app.at("error/target"), app.header("request-id").unwrap());
        }
        if !asked.delegated_permissions.contains(&"Alert.Read") {
            let person = call(&sandbox, &people[place], op.method.name(), &path, "{}");
            assert_eq!(person.status, 403, "{}", op.id);
            assert!(person.at("error/message").contains(&format!("API required scopes: {}", asked.delegated_permissions.join(", "))));
        }
    }
    assert!(sandbox.grant("Machine.Read.All") && !sandbox.grant("Machine.Fly"));
    assert_eq!(call(&sandbox, &apps[0], "GET", "/api/machines", "").status, 403);
    assert_eq!(call(&sandbox, &app_token(&sandbox, ENDPOINT), "GET", "/api/machines", "").status, 200);
    assert!(sandbox.revoke("Machine.Read.All") && !sandbox.revoke("Machine.Read.All"));
    assert_eq!(call(&sandbox, &app_token(&sandbox, ENDPOINT), "GET", "/api/machines", "").status, 403);
}
