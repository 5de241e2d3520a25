//! From a request to the handler of its operation.
//!
//! Routes come from the declaration: an operation that is declared has a route, with its permissions, its parameters and its errors for
//! wrong ones. Anything else is a loud 404, since a sandbox that answers what the service does not have hides a mistake.

use http::Method;

use crate::json::{self, Object, Value, object};
use crate::ops;
use crate::ops::model::{Kind, Operation, Place, Service};

use super::access::{self, Caller};
use super::failure::Failure;
use super::odata;
use super::wire::{Reply, Request, field, guid, unescape};
use super::{House, alerts, clock, entra, faults, graph, hunting, incidents, lock, machines, managed};

/// A call of an operation that was let in: all that a handler needs.
pub(super) struct Call<'a> {
    pub(super) house: &'a House,
    pub(super) op: &'static Operation,
    pub(super) request: &'a Request,
    pub(super) caller: Caller,
    /// The values of the path's placeholders, decoded.
    path: Vec<(&'static str, String)>,
    /// The query options.
    pub(super) options: odata::Options,
    /// The body, by the declared names; empty for a GET.
    pub(super) body: Object,
}

impl Call<'_> {
    /// The path's only id.
    pub(super) fn id(&self) -> &str {
        self.path.first().map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// A text of the body.
    pub(super) fn text(&self, wire: &str) -> Option<&str> {
        self.body.get(wire).and_then(Value::as_str)
    }

    /// Scheme and host for links and contexts.
    pub(super) fn origin(&self) -> String {
        self.request.origin(&self.house.base)
    }

    pub(super) fn now(&self) -> i64 {
        self.house.clock.now()
    }

    /// One object, with the context that OData puts first.
    pub(super) fn one(&self, status: u16, set: &str, item: Value) -> Reply {
        let root = if self.op.service == Service::Graph { "v1.0" } else { "api" };
        let mut body = Object::new();
        body.insert("@odata.context".into(), format!("{}/{root}/$metadata#{set}/$entity", self.origin()).into());
        if let Value::Object(members) = item {
            body.extend(members);
        }
        Reply::json(status, &Value::Object(body))
    }
}

/// The operation that a request is for. Two that share a path differ in a fixed member of their bodies.
pub(super) fn operation(request: &Request) -> Option<(&'static Operation, Vec<(&'static str, String)>)> {
    let (first, values) = ops::by_path(request.method.as_str(), &request.path)?;
    let values = values.into_iter().map(|(name, value)| (name, unescape(value))).collect();
    if first.params.iter().all(|p| p.fixed.is_none()) {
        return Some((first, values));
    }
    let mut twins = ops::all().filter(|op| op.method == first.method && op.path == first.path);
    let body = json::parse(&request.body).unwrap_or_default();
    let fits = |op: &&'static Operation| op.params.iter().all(|p| p.fixed.is_none() || p.fixed == body.get(p.wire).and_then(Value::as_str));
    Some((twins.find(fits).unwrap_or(first), values))
}

/// Answers a request. Handlers run here and nowhere else; they neither wait nor talk to anybody.
pub(super) fn answer(house: &House, request: &Request) -> Reply {
    if let Some(rest) = request.path.strip_prefix("/_sandbox/") {
        return control(house, request, rest);
    }
    if let Some(reply) = managed::answer(house, request).or_else(|| entra::answer(house, request)) {
        return reply;
    }
    let request_id = guid();
    let client_request_id = request.header("client-request-id").map_or_else(|| request_id.clone(), str::to_owned);
    let found = operation(request);
    let service = found.as_ref().map_or_else(|| service_of_path(&request.path), |(op, _)| op.service);
    let outcome = match found {
        Some((op, path)) => call(house, request, op, path),
        None => Err(unrouted(request)),
    };
    let reply = outcome.unwrap_or_else(|failure| failure.reply(service, &request_id, &client_request_id, house.clock.now()));
    let reply = reply.header("request-id", request_id.as_str()).header("OData-Version", "4.0").header("Cache-Control", "no-cache");
    match service {
        Service::Graph => reply.header("client-request-id", client_request_id),
        _ => reply.header("x-ms-request-id", request_id),
    }
}

/// Whose error shape an unknown path gets.
pub(super) fn service_of_path(path: &str) -> Service {
    if path.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("/v1.0/")) || path.starts_with("/beta/") {
        Service::Graph
    } else {
        Service::Endpoint
    }
}

fn unrouted(request: &Request) -> Failure {
    let methods: Vec<&str> = ops::methods_of(&request.path).into_iter().map(|m| m.name()).collect();
    let Request { method, path, .. } = request;
    if methods.is_empty() {
        let message = format!("The sandbox knows no operation {method} {path}. Operations are declared in src/ops.");
        Failure::new(404, "NotFound", message).header("x-sandbox-unsupported", "route")
    } else {
        Failure::new(405, "MethodNotAllowed", format!("The resource does not support {method}.")).header("Allow", methods.join(", "))
    }
}

fn call(house: &House, request: &Request, op: &'static Operation, path: Vec<(&'static str, String)>) -> Result<Reply, Failure> {
    let caller = access::authenticate(house, request, op.service)?;
    access::authorize(&caller, op)?;
    let options = odata::options(op, &request.fields()).map_err(|r| Failure::of(op.service, r))?;
    let body = if request.method == Method::GET { Object::new() } else { body(op, request)? };
    handle(&Call { house, op, request, caller, path, options, body })
}

/// Every operation's handler. A test walks the declaration, so that none is missing.
fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "machines.list" => machines::list(call),
        "machines.get" => machines::get(call),
        "machines.isolate" => machines::act(call, "Isolate", call.text("IsolationType").unwrap_or("Full")),
        "machines.unisolate" => machines::act(call, "Unisolate", ""),
        "machines.scan" => machines::act(call, "RunAntiVirusScan", call.text("ScanType").unwrap_or_default()),
        "machines.add_tag" => machines::tag(call, true),
        "machines.remove_tag" => machines::tag(call, false),
        "machine_actions.list" => machines::actions(call),
        "machine_actions.get" => machines::action(call),
        "machine_actions.cancel" => machines::cancel(call),
        "alerts.list" => alerts::list(call),
        "alerts.get" => alerts::get(call),
        "alerts.update" => alerts::update(call),
        "incidents.list" => incidents::list(call),
        "incidents.get" => incidents::get(call),
        "incidents.update" => incidents::update(call),
        "graph.incidents.list" => graph::incidents(call),
        "graph.incidents.get" => graph::incident(call),
        "graph.incidents.update" => graph::update_incident(call),
        "graph.alerts.list" => graph::alerts(call),
        "graph.alerts.get" => graph::alert(call),
        "graph.alerts.update" => graph::update_alert(call),
        "graph.hunting.run" | "hunting.run_xdr" | "hunting.run_endpoint" => hunting::run(call),
        id => {
            Err(Failure::new(501, "NotImplemented", format!("The sandbox has no handler for '{id}' yet."))
                .header("x-sandbox-unsupported", id))
        }
    }
}

/// Reads the body and checks it against the declared parameters.
fn body(op: &Operation, request: &Request) -> Result<Object, Failure> {
    let graph = op.service == Service::Graph;
    let invalid = |message: String| Failure::new(400, if graph { "BadRequest" } else { "InvalidRequestBody" }, message);
    if request.header("content-type").is_some_and(|t| !t.to_ascii_lowercase().contains("json")) {
        return Err(Failure::new(415, "UnsupportedMediaType", "The request's content type is not supported; send application/json."));
    }
    let given = match json::parse(&request.body) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(invalid("Your request body is incorrect: it is no JSON object.".into())),
        Err(error) => return Err(invalid(format!("Your request body is incorrect: {error}."))),
    };
    // Graph's action parameters are taken in any letter case; the others insist.
    let hunting = graph && op.returns == ops::model::Returns::Rows;
    let mut out = Object::new();
    for (name, value) in given {
        let same = |p: &&ops::model::Param| p.place == Place::Body && (p.wire == name || (hunting && p.wire.eq_ignore_ascii_case(&name)));
        match op.params.iter().find(same) {
            Some(param) => {
                out.insert(param.wire.to_owned(), checked(param, value, &invalid)?);
            }
            None if name.starts_with('@') => {}
            None => {
                // Required members first: a wrong letter case reads as a missing one.
                missing(op, &out, graph, Some(&name))?;
                let message = if graph {
                    format!(
                        "The property '{name}' does not exist on the type. Make sure to only use property names that are defined by the type."
                    )
                } else {
                    format!("Your request body is incorrect: unknown parameter '{name}'. Parameter names are case-sensitive.")
                };
                return Err(invalid(message));
            }
        }
    }
    missing(op, &out, graph, None)?;
    Ok(out)
}

fn missing(op: &Operation, body: &Object, graph: bool, misspelt: Option<&str>) -> Result<(), Failure> {
    let there = |wire: &str| body.get(wire).is_some_and(|v| v.as_str() != Some("") && !v.is_null());
    let absent = |p: &&ops::model::Param| {
        let hit = p.place == Place::Body && (p.required || p.fixed.is_some()) && !there(p.wire);
        hit && misspelt.is_none_or(|name| p.wire.eq_ignore_ascii_case(name))
    };
    match op.params.iter().find(absent) {
        None => Ok(()),
        Some(p) => {
            let code = if graph { "BadRequest" } else { "MissingRequiredParameter" };
            Err(Failure::new(400, code, format!("Parameter {} is missing", p.wire)))
        }
    }
}

fn checked(param: &ops::model::Param, value: Value, invalid: &dyn Fn(String) -> Failure) -> Result<Value, Failure> {
    let wrong = || invalid(format!("Your request body is incorrect: the value of '{}' has the wrong type.", param.wire));
    let allowed = |members: &[&'static str], text: &str| members.iter().find(|m| m.eq_ignore_ascii_case(text)).copied();
    match (param.kind, &value) {
        (_, Value::Null) => Ok(value),
        _ if param.fixed.is_some() => match value.as_str() {
            Some("Add" | "Remove") => Ok(value),
            _ => Err(Failure::new(400, "InvalidInput", format!("Invalid input: {} must be 'Add' or 'Remove'.", param.wire))),
        },
        (Kind::Text | Kind::Id | Kind::Moment | Kind::Hash(_) | Kind::Ip, Value::String(_))
        | (Kind::Count | Kind::Range(..), Value::Int(0..))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Object(_) | Kind::Json, Value::Object(_)) => Ok(value),
        (Kind::Texts, Value::Array(items)) if items.iter().all(|i| i.as_str().is_some()) => Ok(value),
        (Kind::Ints, Value::Array(items)) if items.iter().all(|i| i.as_i64().is_some()) => Ok(value),
        (Kind::Objects(_), Value::Array(items)) if items.iter().all(|i| i.as_object().is_some()) => Ok(value),
        (Kind::Enum(members), Value::String(text)) => allowed(members, text).map(Value::from).ok_or_else(|| {
            let message = format!("Invalid input: '{text}' is no value of {}; it is one of {}.", param.wire, members.join(", "));
            Failure::new(400, "InvalidInput", message)
        }),
        (Kind::OpenEnum(members), Value::String(text)) => Ok(allowed(members, text).map_or_else(|| value.clone(), Value::from)),
        _ => Err(wrong()),
    }
}

/// `/_sandbox/…`: for tests and programs in other languages.
fn control(house: &House, request: &Request, rest: &str) -> Reply {
    if request.is_cross_origin(&house.base) {
        return Reply::json(403, &object([("error", "a web page of another origin may not do this".into())]));
    }
    let fault_list = || Value::Array(lock(&house.faults).iter().map(faults::Fault::to_json).collect());
    match (request.method.as_str(), rest) {
        ("GET", "health") => Reply::json(
            200,
            &object([
                ("status", "ok".into()),
                ("now", clock::iso(house.clock.now()).into()),
                ("tenant_id", house.identity.tenant_id.as_str().into()),
                ("client_id", house.identity.client_id.as_str().into()),
                ("operations", (ops::all().count() as i64).into()),
            ]),
        ),
        ("POST", "reset") => {
            house.reset();
            Reply::empty(204)
        }
        ("GET", "requests") => Reply::json(200, &Value::Array(lock(&house.log).iter().map(record).collect())),
        ("GET", "faults") => Reply::json(200, &fault_list()),
        ("DELETE", "faults") => {
            lock(&house.faults).clear();
            Reply::empty(204)
        }
        ("POST", "faults") => match faults::parse(&request.body) {
            Ok(new) => {
                lock(&house.faults).extend(new);
                Reply::json(201, &fault_list())
            }
            Err(message) => Reply::json(400, &object([("error", message.into())])),
        },
        ("POST", "advance") => match field(&request.fields(), "seconds").and_then(|s| s.parse::<u32>().ok()) {
            Some(seconds) => {
                house.clock.advance(i64::from(seconds) * clock::SECOND);
                Reply::json(200, &object([("now", clock::iso(house.clock.now()).into())]))
            }
            None => Reply::json(400, &object([("error", "say ?seconds=…".into())])),
        },
        (_, "health" | "reset" | "requests" | "faults" | "advance") => Reply::empty(405),
        _ => Reply::json(404, &object([("error", "the sandbox has health, requests, faults, reset, advance".into())])),
    }
}

fn record(r: &super::RequestRecord) -> Value {
    object([
        ("method", r.method.as_str().into()),
        ("path", r.path.as_str().into()),
        ("query", r.query.as_str().into()),
        ("status", i64::from(r.status).into()),
        ("operation", r.operation.map(Value::from).unwrap_or_default()),
        ("user", r.user.clone().into()),
        ("duration_us", i64::try_from(r.duration_us).unwrap_or(i64::MAX).into()),
        ("authorization", r.authorization.into()),
    ])
}
