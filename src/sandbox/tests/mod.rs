//! The sandbox from outside: raw HTTP over a socket, and no client that could agree with it by mistake.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::json::{self, Value};
use crate::ops::model::{Operation, Returns};
use crate::ops::{self};

use super::{Fault, FaultKind, GraphLinks, Limits, Options, Sandbox, jwt};

mod actions;
mod alerts;
mod entities;
mod exports;
mod graph;
mod indicators;
mod live_response;
mod managed;
mod page;
mod samples;
mod scans;
mod settings;
mod shapes;
mod sign_in;
mod storage;
mod tls;
mod vulnerability_management;
mod walk;
mod worlds;

const ENDPOINT: &str = "https://api.securitycenter.microsoft.com";
const XDR: &str = "https://api.security.microsoft.com";
const GRAPH: &str = "https://graph.microsoft.com";

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        json::parse(self.body.as_bytes()).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|l| l.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v))
    }

    /// A text inside the body, by a path of keys and indices.
    fn at(&self, path: &str) -> String {
        let mut value = self.json();
        for key in path.split('/') {
            let next = match key.parse::<usize>() {
                Ok(index) => value.as_array().and_then(|a| a.get(index)).cloned(),
                Err(_) => value.get(key).cloned(),
            };
            value = next.unwrap_or_else(|| panic!("no {path} in {}", self.body));
        }
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    fn items(&self) -> Vec<Value> {
        self.json().get("value").and_then(Value::as_array).unwrap_or_else(|| panic!("no list: {}", self.body)).to_vec()
    }
}

/// Whatever comes until the other side closes.
fn raw(sandbox: &Sandbox, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(sandbox.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = stream.write_all(request);
    let mut out = Vec::new();
    let _ = stream.read_to_end(&mut out);
    out
}

fn send(sandbox: &Sandbox, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let bytes = raw(sandbox, format!("{request}\r\n{body}").as_bytes());
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {method} {path}: {text:?}"));
    Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
}

fn start() -> Sandbox {
    Sandbox::start(Options::default()).unwrap()
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn post_form(sandbox: &Sandbox, path: &str, fields: &[(&str, &str)]) -> Answer {
    let tenant = sandbox.identity().tenant_id;
    let path = path.replace("{t}", &tenant);
    send(sandbox, "POST", &path, &[("Content-Type", "application/x-www-form-urlencoded")], &form(fields))
}

fn sign_in(sandbox: &Sandbox, scope: &str, more: &[(&str, &str)]) -> Answer {
    let id = sandbox.identity();
    let mut fields = vec![
        ("grant_type", "client_credentials"),
        ("client_id", id.client_id.as_str()),
        ("client_secret", id.client_secret.as_str()),
        ("scope", scope),
    ];
    fields.retain(|(name, _)| !more.iter().any(|(n, _)| n == name));
    fields.extend(more.iter().filter(|(_, v)| *v != "-"));
    post_form(sandbox, "/{t}/oauth2/v2.0/token", &fields)
}

fn app_token(sandbox: &Sandbox, resource: &str) -> String {
    sign_in(sandbox, &format!("{resource}/.default"), &[]).at("access_token")
}

fn device_code(sandbox: &Sandbox, scope: &str) -> Answer {
    let id = sandbox.identity();
    post_form(sandbox, "/{t}/oauth2/v2.0/devicecode", &[("client_id", &id.public_client_id), ("scope", scope)])
}

fn poll(sandbox: &Sandbox, code: &str) -> Answer {
    let id = sandbox.identity();
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let fields = [("grant_type", grant), ("client_id", &id.public_client_id), ("device_code", code), ("code", code), ("client_info", "1")];
    post_form(sandbox, "/{t}/oauth2/v2.0/token", &fields)
}

fn user_sign_in(sandbox: &Sandbox, resource: &str) -> Answer {
    let code = device_code(sandbox, &format!("{resource}/.default openid profile offline_access"));
    assert!(sandbox.approve(&code.at("user_code"), None));
    poll(sandbox, &code.at("device_code"))
}

fn user_token(sandbox: &Sandbox, resource: &str) -> String {
    user_sign_in(sandbox, resource).at("access_token")
}

fn call(sandbox: &Sandbox, token: &str, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    if body.starts_with("--") {
        headers.push(("Content-Type", "multipart/form-data; boundary=b"));
    } else if !body.is_empty() {
        headers.push(("Content-Type", "application/json"));
    }
    send(sandbox, method, path, &headers, body)
}

/// Ids and the like of a list.
fn column(answer: &Answer, key: &str) -> Vec<String> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    answer.items().iter().map(|item| text(item.get(key).unwrap())).collect()
}

/// Fetches a link: status, head, body.
fn fetch(desk: &Desk, url: &str, headers: &[(&str, &str)]) -> (u16, String, Vec<u8>) {
    let path = url.strip_prefix(desk.sandbox.url()).unwrap_or_else(|| panic!("a link elsewhere: {url}"));
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let bytes = raw(&desk.sandbox, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n").as_bytes());
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head, bytes[end + 4..].to_vec())
}

fn claims(token: &str) -> Value {
    jwt::verify(token).unwrap()
}

fn claim(token: &str, name: &str) -> String {
    let value = claims(token).get(name).cloned().unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An app's and a service's tokens, once a test.
struct Desk {
    sandbox: Sandbox,
    endpoint: String,
    xdr: String,
    graph: String,
}

impl Desk {
    fn new(options: Options) -> Desk {
        let sandbox = Sandbox::start(options).unwrap();
        let [endpoint, xdr, graph] = [ENDPOINT, XDR, GRAPH].map(|r| app_token(&sandbox, r));
        Desk { sandbox, endpoint, xdr, graph }
    }

    fn open() -> Desk {
        Desk::new(Options::default())
    }

    fn go(&self, method: &str, path: &str, body: &str) -> Answer {
        let token = if path.starts_with("/v1.0") || path.starts_with("/beta") {
            &self.graph
        } else if path.to_lowercase().contains("/incidents") || path.contains("advancedhunting") {
            &self.xdr
        } else {
            &self.endpoint
        };
        call(&self.sandbox, token, method, path, body)
    }

    /// A body from JSON whose quotation marks are single ones.
    fn post(&self, path: &str, body: &str) -> Answer {
        self.go("POST", path, &body.replace('\'', "\""))
    }

    fn get(&self, path: &str) -> Answer {
        self.go("GET", path, "")
    }

    fn machine(&self) -> String {
        self.get("/api/machines?$top=1").at("value/0/id")
    }
}

#[test]
fn an_unknown_permission_does_not_start() {
    let error = Sandbox::start(Options { permissions: Some(vec!["Machine.Fly".into()]), ..Options::default() }).err().unwrap();
    assert!(error.to_string().contains("Machine.Fly"));
}

#[test]
fn expired_forged_and_foreign_tokens_are_refused() {
    let desk = Desk::open();
    let list = |token: &str| call(&desk.sandbox, token, "GET", "/api/machines", "");
    assert_eq!(list(&desk.endpoint).status, 200);
    let parts: Vec<&str> = desk.endpoint.split('.').collect();
    let altered = |name: &str, value: Value| {
        let mut claims = claims(&desk.endpoint).as_object().unwrap().clone();
        claims.insert(name.into(), value);
        Value::Object(claims)
    };
    let forged =
        format!("{}.{}.{}", parts[0], jwt::encode(altered("roles", vec!["Machine.Isolate"].into()).to_string().as_bytes()), parts[2]);
    for (token, words) in [
        ("x.y.z".to_owned(), "signature"),
        ("opaque".to_owned(), "well formed"),
        (forged, "signature"),
        (format!("{}.{}.", jwt::encode(br#"{"alg":"none"}"#), parts[1]), "signature"),
        (jwt::sign(&altered("tid", "11111111-1111-1111-1111-111111111111".into())), "tenant"),
        (jwt::sign(&altered("aud", GRAPH.into())), "audience"),
        (jwt::sign(&altered("aud", Value::Null)), "audience"),
        (jwt::sign(&altered("exp", 0i64.into())), "expired"),
        (jwt::sign(&altered("exp", "x".into())), "expired"),
        (jwt::sign(&altered("nbf", 99_999_999_999i64.into())), "not yet"),
    ] {
        let answer = list(&token);
        assert_eq!(answer.status, 401, "{words}");
        assert!(answer.at("error/message").contains(words), "{words}: {answer:?}");
    }
    desk.sandbox.advance(3601);
    assert!(list(&desk.endpoint).at("error/message").contains("expired"));
    assert_eq!(list(&app_token(&desk.sandbox, ENDPOINT)).status, 200);
}

#[test]
fn an_action_moves_on_with_each_look_and_excludes_a_second() {
    let desk = Desk::open();
    let machine = desk.machine();
    let isolate = |body: &str| desk.go("POST", &format!("/api/machines/{machine}/isolate"), body);
    let made = isolate(r#"{"Comment":"case 42","IsolationType":"selective"}"#);
    assert_eq!(
        (made.status, made.at("status"), made.at("type"), made.at("scope")),
        (201, "Pending".into(), "Isolate".into(), "Selective".into())
    );
    assert_eq!(
        (made.at("requestorComment"), made.at("machineId"), made.at("requestSource")),
        ("case 42".into(), machine.clone(), "PublicApi".into())
    );
    let second = isolate(r#"{"Comment":"again"}"#);
    assert_eq!(
        (second.status, second.at("error/code"), second.at("error/message")),
        (400, "ActiveRequestAlreadyExists".into(), "Action is already in progress".into())
    );
    assert_eq!(desk.go("POST", &format!("/api/machines/{machine}/unisolate"), r#"{"Comment":"x"}"#).status, 400);
    let scan = desk.go("POST", &format!("/api/machines/{machine}/runAntiVirusScan"), r#"{"Comment":"x","ScanType":"Quick"}"#);
    assert_eq!((scan.status, scan.at("type")), (201, "RunAntiVirusScan".into()));
    let path = format!("/api/machineactions/{}", made.at("id"));
    let states: Vec<String> = (0..3).map(|_| desk.get(&path).at("status")).collect();
    assert_eq!(states, ["InProgress", "Succeeded", "Succeeded"]);
    let done = desk.go("POST", &format!("{path}/cancel"), r#"{"Comment":"too late"}"#);
    assert_eq!((done.status, done.at("error/code")), (400, "BadRequest".into()));
    let back = desk.go("POST", &format!("/api/machines/{machine}/unisolate"), r#"{"Comment":"x"}"#);
    assert_eq!(back.status, 201);
    let cancelled = desk.go("POST", &format!("/api/machineactions/{}/cancel", back.at("id")), r#"{"Comment":"no"}"#);
    assert_eq!((cancelled.status, cancelled.at("status"), cancelled.at("cancellationComment")), (200, "Cancelled".into(), "no".into()));
    assert_eq!(desk.get(&format!("/api/machineactions/{}", back.at("id"))).at("status"), "Cancelled");
    let list = desk.get("/api/machineactions?$filter=type%20eq%20'Isolate'%20and%20status%20eq%20'Succeeded'");
    assert_eq!((list.items().len(), list.at("value/0/id")), (1, made.at("id")));
    assert_eq!(desk.get("/api/machineactions").items().len(), 3);
    assert_eq!(desk.get("/api/machineactions/nope").at("error/code"), "ResourceNotFound");
    desk.sandbox.reset();
    assert_eq!(desk.get("/api/machineactions").items().len(), 0);
}

#[test]
fn cancelling_needs_the_permission_of_the_actions_kind() {
    let permissions = ["Machine.Isolate", "Machine.Scan", "Machine.Read.All"].map(str::to_owned).to_vec();
    let desk = Desk::new(Options { permissions: Some(permissions), ..Options::default() });
    let action = desk.go("POST", &format!("/api/machines/{}/isolate", desk.machine()), r#"{"Comment":"x"}"#).at("id");
    desk.sandbox.revoke("Machine.Isolate");
    let token = app_token(&desk.sandbox, ENDPOINT);
    let path = format!("/api/machineactions/{action}/cancel");
    let refused = call(&desk.sandbox, &token, "POST", &path, r#"{"Comment":"x"}"#);
    assert_eq!(refused.status, 403);
    assert!(refused.at("error/message").contains("required roles: Machine.Isolate,"));
    assert_eq!(desk.go("POST", &path, r#"{"Comment":"x"}"#).status, 200);
}

#[test]
fn tags_are_kept_and_filtered_by() {
    let desk = Desk::open();
    let machine = desk.machine();
    let tag =
        |action: &str| desk.go("POST", &format!("/api/machines/{machine}/tags"), &format!(r#"{{"Value":"it's","Action":"{action}"}}"#));
    assert!(tag("Add").at("machineTags").contains("it's"));
    tag("Add");
    let filter = "/api/machines?$filter=machineTags/any(t:%20t%20eq%20'it''s')";
    let found = desk.get(filter);
    assert_eq!((found.items().len(), found.at("value/0/id")), (1, machine.clone()));
    assert!(!tag("Remove").at("machineTags").contains("it's"));
    assert_eq!(desk.get(filter).status, 404);
    let log = desk.sandbox.requests();
    assert!(log.iter().any(|r| r.operation == Some("machines.add_tag")) && log.iter().any(|r| r.operation == Some("machines.remove_tag")));
    assert_eq!(tag("Paint").at("error/code"), "InvalidInput");
    let none = desk.go("POST", &format!("/api/machines/{machine}/tags"), r#"{"Value":"x"}"#);
    assert_eq!(none.at("error/message"), "Parameter Action is missing");
}

#[test]
fn body_names_are_case_sensitive_and_checked() {
    let desk = Desk::open();
    let path = format!("/api/machines/{}/isolate", desk.machine());
    for (body, code, words) in [
        ("", "InvalidRequestBody", ""),
        ("{", "InvalidRequestBody", ""),
        ("[]", "InvalidRequestBody", "object"),
        ("{}", "MissingRequiredParameter", "Parameter Comment is missing"),
        (r#"{"comment":"x"}"#, "MissingRequiredParameter", "Parameter Comment is missing"),
        (r#"{"Comment":""}"#, "MissingRequiredParameter", "Parameter Comment is missing"),
        (r#"{"Comment":"x","isolationType":"Full"}"#, "InvalidRequestBody", "'isolationType'"),
        (r#"{"Comment":"x","IsolationType":"Half"}"#, "InvalidInput", "Full, Selective, UnManagedDevice"),
        (r#"{"Comment":7}"#, "InvalidRequestBody", "wrong type"),
    ] {
        let answer = call(&desk.sandbox, &desk.endpoint, "POST", &path, body);
        assert_eq!((answer.status, answer.at("error/code").as_str()), (400, code), "{body}");
        assert!(answer.at("error/message").contains(words), "{body}: {answer:?}");
    }
    let headers = [("Authorization", &*format!("Bearer {}", desk.endpoint)), ("Content-Type", "text/plain")];
    assert_eq!(send(&desk.sandbox, "POST", &path, &headers, "{}").status, 415);
    let unknown = desk.go("POST", "/api/machines/123/isolate", r#"{"Comment":"x"}"#);
    assert_eq!(
        (unknown.status, unknown.at("error/code"), unknown.at("error/message")),
        (404, "ResourceNotFound".into(), "Machine 123 was not found".into())
    );
}

#[test]
fn a_change_through_one_service_shows_in_all() {
    let desk = Desk::open();
    let alert = desk.get("/api/alerts?$top=1&$filter=status%20eq%20'New'").at("value/0/id");
    let incident = desk.get(&format!("/api/alerts/{alert}")).at("incidentId");
    let changed = desk.go(
        "PATCH",
        &format!("/api/alerts/{alert}"),
        r#"{"status":"InProgress","assignedTo":"a@b.c","classification":"TruePositive","determination":"CompromisedUser","comment":"hm"}"#,
    );
    assert_eq!(
        (changed.status, changed.at("status"), changed.at("determination")),
        (200, "InProgress".into(), "CompromisedAccount".into()),
        "{changed:?}"
    );
    let on_graph = desk.get(&format!("/v1.0/security/alerts_v2/{alert}"));
    assert_eq!(
        (on_graph.at("status"), on_graph.at("determination"), on_graph.at("assignedTo")),
        ("inProgress".into(), "compromisedAccount".into(), "a@b.c".into())
    );
    assert!(on_graph.at("comments").contains("hm"));
    let of_incident = desk.get(&format!("/api/incidents/{incident}"));
    let mine = of_incident
        .json()
        .get("alerts")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a.get("alertId").unwrap().as_str() == Some(&alert))
        .cloned()
        .unwrap();
    assert_eq!(mine.get("status").unwrap().as_str(), Some("InProgress"));

    let resolved = desk.go("PATCH", &format!("/v1.0/security/incidents/{incident}"), r#"{"status":"resolved","customTags":["demo"],"resolvingComment":"done","classification":"truePositive","determination":"multiStagedAttack"}"#);
    assert_eq!(
        (resolved.status, resolved.at("status"), resolved.at("customTags")),
        (200, "resolved".into(), r#"["demo"]"#.into()),
        "{resolved:?}"
    );
    let xdr = desk.get(&format!("/api/incidents/{incident}"));
    assert_eq!(
        (xdr.at("status"), xdr.at("tags"), xdr.at("determination")),
        ("Resolved".into(), r#"["demo"]"#.into(), "MultiStagedAttack".into())
    );
    let alert_now = desk.get(&format!("/api/alerts/{alert}"));
    assert_eq!(alert_now.at("status"), "Resolved");
    assert_ne!(alert_now.at("resolvedTime"), "null");
    let reopened = desk.go("PATCH", &format!("/v1.0/security/alerts_v2/{alert}"), r#"{"status":"new","assignedTo":null}"#);
    assert_eq!((reopened.at("resolvedDateTime"), reopened.at("assignedTo")), ("null".into(), "null".into()));
    let xdr =
        desk.go("PATCH", &format!("/api/incidents/{incident}"), r#"{"status":"Active","tags":[],"comment":"again","assignedTo":"x@y.z"}"#);
    assert_eq!((xdr.at("status"), xdr.at("tags")), ("Active".into(), "[]".into()));
    let graph = desk.get(&format!("/v1.0/security/incidents/{incident}?$expand=alerts"));
    assert_eq!(
        (graph.at("status"), graph.at("assignedTo"), graph.at("resolvingComment")),
        ("active".into(), "x@y.z".into(), "done".into())
    );
    assert!(graph.at("comments").contains("again") && graph.at("alerts").contains(&alert));
    desk.sandbox.reset();
    assert_eq!(desk.get(&format!("/api/alerts/{alert}")).at("status"), "New");
}

#[test]
fn changes_that_do_not_fit_are_refused() {
    let desk = Desk::open();
    let alert = desk.get("/api/alerts?$top=1").at("value/0/id");
    let incident = desk.get("/api/incidents?$top=1").at("value/0/incidentId");
    for (path, body, code) in [
        (format!("/api/alerts/{alert}"), r#"{"status":"Gone"}"#, "InvalidInput"),
        (format!("/api/alerts/{alert}"), r#"{"Status":"New"}"#, "InvalidRequestBody"),
        (format!("/api/alerts/{alert}"), r#"{"classification":"FalsePositive","determination":"Malware"}"#, "BadRequest"),
        (format!("/api/incidents/{incident}"), r#"{"tags":"x"}"#, "InvalidRequestBody"),
        (format!("/api/incidents/{incident}"), r#"{"determination":"Bogus"}"#, "InvalidInput"),
        (format!("/v1.0/security/incidents/{incident}"), r#"{"tags":["x"]}"#, "BadRequest"),
        (format!("/v1.0/security/alerts_v2/{alert}"), r#"{"status":"gone"}"#, "BadRequest"),
    ] {
        let answer = desk.go("PATCH", &path, body);
        assert_eq!((answer.status, answer.at("error/code").as_str()), (400, code), "{path} {body}");
    }
    for path in ["/api/alerts/nope", "/api/incidents/0", "/api/incidents/x", "/v1.0/security/incidents/0", "/v1.0/security/alerts_v2/nope"]
    {
        assert_eq!(desk.go("PATCH", path, "{}").status, 404, "{path}");
        assert_eq!(desk.get(path).status, 404, "{path}");
    }
}

#[test]
fn machines_are_found_by_id_and_name_whatever_the_case_and_version() {
    let desk = Desk::open();
    let machine = desk.machine();
    let name = desk.get(&format!("/api/machines/{machine}")).at("computerDnsName");
    for path in [format!("/API/Machines/{name}"), format!("/api/v1.0/machines/{machine}"), format!("/api/machines/{}", name.to_uppercase())]
    {
        let answer = desk.get(&path);
        assert_eq!((answer.status, answer.at("id")), (200, machine.clone()), "{path}");
        assert!(answer.at("@odata.context").ends_with("/api/$metadata#Machines/$entity"));
    }
    let none = desk.get("/api/machines?$filter=riskScore%20eq%20'Purple'");
    assert_eq!((none.status, none.at("error/code")), (404, "ResourceNotFound".into()));
    assert_eq!(desk.get("/api/alerts?$filter=status%20eq%20'Purple'").items().len(), 0);
}

#[test]
fn what_is_not_declared_is_a_loud_404_and_other_methods_are_405() {
    let desk = Desk::open();
    let lost = desk.get("/api/nothing");
    assert_eq!((lost.status, lost.at("error/code"), lost.header("x-sandbox-unsupported")), (404, "NotFound".into(), Some("route")));
    assert!(lost.at("error/message").contains("GET /api/nothing"));
    assert!(desk.get("/v1.0/nothing").json().get("error").unwrap().get("innerError").is_some());
    assert_eq!(desk.get("/").status, 404);
    let wrong = desk.go("DELETE", "/api/machines", "");
    assert_eq!((wrong.status, wrong.header("Allow")), (405, Some("GET")));
}

/// Follows next links, at most so many.
fn follow(desk: &Desk, first: &str, most: usize) -> (Vec<Value>, Vec<String>) {
    let (mut items, mut links, mut path) = (Vec::new(), Vec::new(), first.to_owned());
    for _ in 0..most {
        let answer = desk.get(&path);
        items.extend(answer.items());
        let Some(link) = answer.json().get("@odata.nextLink").and_then(|l| l.as_str().map(str::to_owned)) else { break };
        path = link.strip_prefix("http://127.0.0.1").unwrap_or_else(|| panic!("another origin: {link}")).to_owned();
        links.push(path.clone());
    }
    (items, links)
}

fn ids(items: &[Value]) -> Vec<String> {
    let of = |v: &Value| v.get("id").or_else(|| v.get("incidentId")).unwrap().to_string();
    items.iter().map(of).collect()
}

#[test]
fn lists_come_in_pages_with_next_links() {
    let desk = Desk::new(Options { page_size: Some(7), ..Options::default() });
    for path in ["/api/alerts", "/api/incidents", "/v1.0/security/incidents", "/v1.0/security/alerts_v2"] {
        let (items, links) = follow(&desk, path, 100);
        assert!(items.len() > 7 && links.len() == items.len().div_ceil(7) - 1, "{path}: {} in {}", items.len(), links.len());
        let mut unique = ids(&items);
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), items.len(), "{path}");
        assert_eq!(links[0].contains("$skiptoken="), path.starts_with("/v1.0"), "{links:?}");
    }
    // `$top` is a limit on the Endpoint service and a page size on Graph.
    assert!(desk.get("/api/alerts?$top=3").json().get("@odata.nextLink").is_none());
    assert!(desk.get("/api/incidents?$top=3").json().get("@odata.nextLink").is_none());
    let (all, links) = follow(&desk, "/v1.0/security/alerts_v2?$top=20&$count=true&$orderby=createdDateTime%20desc", 100);
    assert_eq!(links.len(), all.len().div_ceil(20) - 1);
    assert!(links[0].contains("$top=20") && links[0].contains("$orderby="));
    assert_eq!(desk.get("/v1.0/security/alerts_v2?$top=2&$count=true").at("@odata.count"), all.len().to_string());
    let skipped = desk.get("/api/alerts?$top=2&$skip=1");
    assert_eq!(ids(&skipped.items()), ids(&desk.get("/api/alerts?$top=3").items())[1..]);
    assert_eq!(desk.get("/v1.0/security/alerts_v2?$skiptoken=xyz").status, 400);
    let filtered = follow(&desk, "/v1.0/security/alerts_v2?$filter=severity%20eq%20'high'", 100).0;
    assert!(!filtered.is_empty() && filtered.iter().all(|a| a.get("severity").unwrap().as_str() == Some("high")));
}

#[test]
fn the_machines_next_link_loses_its_names_and_loops() {
    let desk = Desk::new(Options { page_size: Some(5), ..Options::default() });
    let first = desk.get("/api/machines?$filter=healthStatus%20ne%20'x'");
    let link = |a: &Answer| a.at("@odata.nextLink").strip_prefix("http://127.0.0.1").unwrap().to_owned();
    assert!(link(&first).contains("$filter=healthStatus") && link(&first).ends_with("$skip=5"), "{}", link(&first));
    let second = desk.get(&link(&first));
    assert!(link(&second).contains("?=healthStatus%20ne%20'x'&=5&$skip=5"), "{}", link(&second));
    let third = desk.get(&link(&second));
    assert_eq!(ids(&third.items()), ids(&second.items()));
    assert_eq!(link(&third), link(&second));
    let by_hand: Vec<String> = (0..20)
        .flat_map(|n| {
            let page = desk.get(&format!("/api/machines?$top=5&$skip={}", n * 5));
            if page.status == 200 { ids(&page.items()) } else { Vec::new() }
        })
        .collect();
    assert!(by_hand.len() > 10);
}

#[test]
fn options_beyond_the_limits_are_refused_by_the_odata_layer() {
    let desk = Desk::open();
    for (path, limit, given) in [("/api/machines?$top=10001", 10_000, 10_001), ("/api/incidents?$top=101", 100, 101)] {
        let answer = desk.get(path);
        assert_eq!(
            (answer.status, answer.at("error/code"), answer.at("error/details"), answer.at("error/innererror")),
            (400, String::new(), "[]".into(), "null".into())
        );
        assert_eq!(
            answer.at("error/message"),
            format!(
                "The query specified in the URI is not valid. The limit of '{limit}' for Top query has been exceeded. The value from the incoming request is '{given}'."
            )
        );
        assert!(answer.json().get("error").unwrap().get("target").is_none());
    }
    for path in [
        "/v1.0/security/incidents?$top=51",
        "/v1.0/security/alerts_v2?$top=1001",
        "/v1.0/security/alerts_v2?$skip=501",
        "/v1.0/security/alerts_v2?$filter=title%20eq%20'x'",
        "/v1.0/security/incidents?$stop=1",
    ] {
        let answer = desk.get(path);
        assert_eq!((answer.status, answer.at("error/code")), (400, "BadRequest".into()), "{path}");
        assert!(!answer.at("error/innerError/request-id").is_empty());
    }
    assert_eq!(desk.get("/v1.0/security/incidents?$top=50").status, 200);
    assert!(desk.get("/api/machines?$stop=5").at("error/message").contains("'$stop' is not supported"));
    for (path, words) in [
        ("/api/machines?$filter=osBuild%20eq%205", "'osBuild'"),
        ("/api/machines?$filter=lastSeen%20gt%20'2026-01-01T00:00:00Z'", "Edm.DateTimeOffset"),
        ("/api/incidents?$filter=severity%20eq%20'High'", "'severity'"),
        ("/api/alerts?$filter=status%20eq", "Syntax error at position 9"),
    ] {
        let answer = desk.get(path);
        assert_eq!((answer.status, answer.at("error/code")), (400, "ODataError".into()), "{path}");
        assert!(answer.at("error/message").contains(words), "{path}: {answer:?}");
    }
    assert_eq!(desk.get("/api/alerts?$top=1").at("value/0/evidence"), "[]");
    assert_ne!(desk.get("/api/alerts?$top=1&$expand=evidence").at("value/0/evidence"), "[]");
}

fn hunt(desk: &Desk, path: &str, query: &str, timespan: Option<&str>) -> Answer {
    let mut body = vec![("Query", Value::from(query))];
    body.extend(timespan.map(|t| ("Timespan", t.into())));
    let body: json::Object = body.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    desk.go("POST", path, &Value::Object(body).to_string())
}

const ON_ENDPOINT: &str = "/api/advancedqueries/run";
const ON_XDR: &str = "/api/advancedhunting/run";
const ON_GRAPH: &str = "/v1.0/security/runHuntingQuery";

#[test]
fn hunting_answers_in_three_shapes() {
    let desk = Desk::open();
    let query = "print Yes = true, No = bool(null), N = 5, L = long(null), R = 1.5, S = 'x', T = datetime(2026-11-20T10:00:00.1234567Z), \
                 D = dynamic({\"a\":[1,{\"b\":null}],\"n\":0}), A = dynamic([\"x\",{\"y\":1}]), Z = dynamic(null)";
    for path in [ON_ENDPOINT, ON_XDR] {
        let answer = hunt(&desk, path, query, None);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.json().get("Stats").unwrap().get("resource_usage").is_some());
        assert_eq!((answer.at("Schema/0/Name"), answer.at("Schema/0/Type")), ("Yes".into(), "SByte".into()));
        let row = answer.at("Results/0");
        assert!(row.starts_with(r#"{"Yes":1,"No":null,"N":5,"L":null,"R":1.5,"S":"x","T":"2026-11-20T10:00:00.1234567Z","#), "{row}");
        assert!(row.contains(r#""A":"[\"x\",{\"y\":1}]","Z":null"#), "{row}");
    }
    let answer = hunt(&desk, ON_GRAPH, query, None);
    assert_eq!((answer.at("schema/0/name"), answer.at("schema/0/type")), ("Yes".into(), "SByte".into()));
    assert!(answer.json().get("Stats").is_none());
    let row = answer.at("results/0");
    assert!(row.starts_with(r##"{"Yes@odata.type":"#SByte","Yes":1,"No":{},"##), "{row}");
    assert!(row.contains(r#""L":{},"R":1.5,"S":"x""#), "{row}");
    assert!(row.contains(r##""D":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","a@odata.type":"#Collection(String)","a":["1","{\"b\":null}"]"##), "{row}");
    assert!(row.ends_with(r##""A@odata.type":"#Collection(String)","A":["x","{\"y\":1}"],"Z":{}}"##), "{row}");
}

#[test]
fn a_query_that_runs_too_long_is_stopped_and_its_time_counts() {
    let desk = Desk::open();
    // To its end it would be refused with 400: it makes more than a query may.
    let query = "range n from 1 to 10000000000 step 1 | count";
    desk.sandbox.set_limits(Limits { seconds: Some(0.001), ..Limits::default() });
    desk.sandbox.set_execution_time(Some(7.0));
    for path in [ON_ENDPOINT, ON_XDR, ON_GRAPH] {
        let answer = hunt(&desk, path, query, None);
        assert_eq!((answer.status, answer.at("error/code")), (504, "UnknownError".into()), "{answer:?}");
    }
    assert_eq!(desk.sandbox.run_time_used(), 7.0);
    let asked = crate::sandbox::hunting::ask(&desk.sandbox.house, query);
    assert_eq!(asked.unwrap_err().kind, crate::kql::ErrorKind::Stopped);
}

#[test]
fn the_window_is_thirty_days_and_graph_narrows_it() {
    let desk = Desk::open();
    let count = |timespan: Option<&str>| {
        let answer = hunt(&desk, ON_GRAPH, "DeviceProcessEvents | count", timespan);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.at("results/0/Count").parse::<i64>().unwrap()
    };
    let all = count(None);
    let week = count(Some("P7D"));
    assert!(all > week && week > 0, "{all} {week}");
    assert_eq!(count(Some("P90D")), all);
    assert_eq!(count(Some("2001-01-01/2001-01-02")), 0);
    let wrong = hunt(&desk, ON_GRAPH, "DeviceProcessEvents | count", Some("a week"));
    assert_eq!((wrong.status, wrong.at("error/code")), (400, "BadRequest".into()));
    // The others know no Timespan.
    assert_eq!(hunt(&desk, ON_XDR, "DeviceInfo | count", Some("P7D")).at("error/code"), "InvalidRequestBody");
    // Graph's SDKs write small letters.
    assert_eq!(desk.go("POST", ON_GRAPH, r#"{"query":"DeviceInfo | count"}"#).status, 200);
    assert_eq!(desk.go("POST", ON_XDR, r#"{"query":"DeviceInfo | count"}"#).at("error/code"), "MissingRequiredParameter");
}

#[test]
fn wrong_queries_are_refused_with_their_place() {
    let desk = Desk::open();
    for path in [ON_ENDPOINT, ON_XDR, ON_GRAPH] {
        let answer = hunt(&desk, path, "DeviceInfo | where Nonsense == 1", None);
        assert_eq!((answer.status, answer.at("error/code")), (400, "BadRequest".into()), "{answer:?}");
        assert!(answer.at("error/message").contains("Nonsense") && answer.at("error/message").contains("column 20"), "{answer:?}");
        assert_eq!(hunt(&desk, path, "", None).status, 400);
    }
    let unsupported = hunt(&desk, ON_XDR, "DeviceInfo | evaluate basket()", None);
    assert_eq!(unsupported.status, 400);
    assert!(unsupported.header("x-sandbox-unsupported").is_some(), "{unsupported:?}");
    assert_eq!(hunt(&desk, ON_XDR, "EmailEvents | take 1", None).status, 200);
    assert_eq!(hunt(&desk, ON_ENDPOINT, "EmailEvents | take 1", None).status, 400);
}

#[test]
fn faults_answer_hang_up_stall_and_tear() {
    let desk = Desk::open();
    let fault = |f: Fault| desk.sandbox.fault(f);
    fault(Fault {
        operation: Some("machines.list".into()),
        status: 429,
        headers: vec![("Retry-After".into(), "3".into())],
        times: Some(1),
        ..Fault::default()
    });
    let throttled = desk.get("/api/machines");
    assert_eq!((throttled.status, throttled.header("Retry-After"), throttled.at("error/code")), (429, Some("3"), "429".into()));
    assert_eq!(throttled.at("error/message"), "API calls quota exceeded! maximum allowed 45 per 00:01:00");
    assert_eq!(desk.get("/api/machines").status, 200);

    fault(Fault {
        path: Some("/api/machines".into()),
        status: 503,
        body: Some("<html>".into()),
        headers: vec![("Content-Type".into(), "text/html".into())],
        times: Some(1),
        ..Fault::default()
    });
    let html = desk.get("/api/machines");
    assert_eq!((html.status, html.body.as_str(), html.header("Content-Type")), (503, "<html>", Some("text/html")));

    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n", desk.endpoint);
    fault(Fault { operation: Some("machines.list".into()), kind: FaultKind::Reset, times: Some(1), ..Fault::default() });
    assert!(raw(&desk.sandbox, request("/api/machines").as_bytes()).is_empty());

    fault(Fault { operation: Some("machines.list".into()), kind: FaultKind::Truncate, times: Some(1), ..Fault::default() });
    let torn = String::from_utf8(raw(&desk.sandbox, request("/api/machines").as_bytes())).unwrap();
    let (head, body) = torn.split_once("\r\n\r\n").unwrap();
    let promised: usize = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap())).unwrap();
    assert!(!body.is_empty() && body.len() == promised / 2, "{} of {promised}", body.len());

    fault(Fault { operation: Some("machines.list".into()), kind: FaultKind::Stall, times: Some(1), ..Fault::default() });
    let mut stream = TcpStream::connect(desk.sandbox.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all(request("/api/machines").as_bytes()).unwrap();
    assert!(stream.read(&mut [0; 1]).is_err());
    assert_eq!(desk.get("/api/machines").status, 200, "the others go on");

    let log: Vec<u16> = desk.sandbox.requests().iter().filter(|r| r.operation == Some("machines.list")).map(|r| r.status).collect();
    assert_eq!(log, [429, 200, 503, 0, 200, 0, 200]);

    fault(Fault { path: Some(format!("/{}/oauth2", desk.sandbox.identity().tenant_id)), status: 500, ..Fault::default() });
    assert_eq!(sign_in(&desk.sandbox, "x", &[]).status, 500);
    assert_eq!(sign_in(&desk.sandbox, "x", &[]).status, 500);
    desk.sandbox.reset();
    assert_eq!(sign_in(&desk.sandbox, "x", &[]).at("error_codes/0"), "70011");
}

#[test]
fn the_control_paths_serve_other_programs() {
    let desk = Desk::open();
    let ask = |method: &str, path: &str, body: &str| send(&desk.sandbox, method, path, &[], body);
    assert_eq!(ask("GET", "/_sandbox/health", "").at("status"), "ok");
    let made = ask("POST", "/_sandbox/faults", r#"{"operation":"alerts.list","status":500,"times":1}"#);
    assert_eq!((made.status, made.at("0/kind")), (201, "answer".into()));
    assert_eq!(desk.get("/api/alerts").status, 500);
    assert_eq!(desk.get("/api/alerts").status, 200);
    assert_eq!(ask("POST", "/_sandbox/faults", r#"{"statsu":1}"#).status, 400);
    assert_eq!(send(&desk.sandbox, "POST", "/_sandbox/reset", &[("Origin", "https://evil.example")], "").status, 403);
    let log = ask("GET", "/_sandbox/requests", "").json();
    let log = log.as_array().unwrap();
    assert_eq!(log.len(), 5, "three sign-ins and two lists");
    assert_eq!(log[3].get("operation").unwrap().as_str(), Some("alerts.list"));
    assert_eq!(ask("POST", "/_sandbox/reset", "").status, 204);
    assert!(desk.sandbox.requests().is_empty());
    assert_eq!(ask("GET", "/_sandbox/faults", "").body, "[]");
    assert_eq!(ask("GET", "/_sandbox/nothing", "").status, 404);
    assert_eq!(ask("POST", "/_sandbox/advance?seconds=60", "").status, 200);
}

#[test]
fn what_is_too_large_is_refused_and_nothing_falls_over() {
    let desk = Desk::open();
    let head = format!(
        "POST /api/machines/x/isolate HTTP/1.1\r\nHost: any.thing.example:99\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
        desk.endpoint
    );
    let large = format!("{head}Content-Length: {}\r\n\r\n{}", 9 << 20, " ".repeat(9 << 20));
    let answer = raw(&desk.sandbox, large.as_bytes());
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 413"), "{:?}", String::from_utf8_lossy(&answer[..60.min(answer.len())]));
    let wide = format!("{head}X-Wide: {}\r\n\r\n", "x".repeat(1 << 20));
    let answer = raw(&desk.sandbox, wide.as_bytes());
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{:?}", String::from_utf8_lossy(&answer));
    for junk in [
        &b"\x16\x03\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/machines/x/isolate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(desk.sandbox.url().strip_prefix("http://").unwrap()).unwrap();
        let _ = stream.write_all(junk);
        drop(stream);
    }
    let host = raw(
        &desk.sandbox,
        format!(
            "GET /api/alerts?$top=1 HTTP/1.1\r\nHost: any.thing.example:99\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            desk.endpoint
        )
        .as_bytes(),
    );
    assert!(String::from_utf8(host).unwrap().contains("http://any.thing.example:99/api/$metadata#Alerts"));
    assert_eq!(desk.get("/api/machines").status, 200);
}

#[test]
fn a_stalled_caller_that_leaves_is_let_go() {
    let sandbox = start();
    sandbox.fault(Fault { path: Some("/api/".into()), kind: FaultKind::Stall, ..Fault::default() });
    for _ in 0..50 {
        let mut stream = TcpStream::connect(sandbox.url().strip_prefix("http://").unwrap()).unwrap();
        stream.write_all(b"GET /api/machines HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    let begun = Instant::now();
    // Every open connection holds the shared state.
    while std::sync::Arc::strong_count(&sandbox.house) > 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "connections are kept: {}", std::sync::Arc::strong_count(&sandbox.house));
        std::thread::yield_now();
    }
}

#[test]
fn connections_are_kept_and_many_are_served_at_once() {
    let desk = Desk::open();
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(desk.sandbox.url().strip_prefix("http://").unwrap()).unwrap();
                for _ in 0..5 {
                    stream.write_all(b"GET /_sandbox/health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
                    let mut seen = Vec::new();
                    while !seen.ends_with(b"}") {
                        let mut chunk = [0; 1024];
                        let n = stream.read(&mut chunk).unwrap();
                        assert!(n > 0);
                        seen.extend_from_slice(&chunk[..n]);
                    }
                }
            });
        }
    });
}

#[test]
fn it_starts_quickly_stops_at_once_and_leaves_the_port() {
    drop(start());
    let begun = Instant::now();
    let mut sandbox = start();
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(250), "{took:?}");
    let address = sandbox.url().strip_prefix("http://").unwrap().to_owned();
    let _open = TcpStream::connect(&address).unwrap();
    let begun = Instant::now();
    sandbox.stop();
    sandbox.stop();
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert!(TcpStream::connect(&address).is_err());
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let again = Sandbox::start(Options { port, ..Options::default() });
    assert!(again.is_ok() || again.err().unwrap().kind() == std::io::ErrorKind::AddrInUse);
}

#[test]
fn time_is_the_sandboxs_own() {
    let now = super::clock::parse("2031-05-06T07:08:09Z").unwrap();
    let sandbox = Sandbox::start(Options { now: Some(now), ..Options::default() }).unwrap();
    let token = app_token(&sandbox, ENDPOINT);
    assert_eq!(claims(&token).get("iat").unwrap().as_i64().unwrap() / 60, 1_935_817_689 / 60);
    let answer = call(&sandbox, &token, "GET", "/api/machines?$top=1", "");
    assert!(answer.header("date").unwrap().contains("06 May 2031 07:08"), "{answer:?}");
    assert!(answer.at("value/0/lastSeen").starts_with("2031-0"), "{answer:?}");
    let twice = |seed| {
        let sandbox = Sandbox::start(Options { now: Some(now), seed, ..Options::default() }).unwrap();
        let token = app_token(&sandbox, ENDPOINT);
        call(&sandbox, &token, "GET", "/api/machines", "").body.replace(sandbox.url(), "")
    };
    assert_eq!(twice(1), twice(1));
}
