//! From a request to the handler of its operation.
//!
//! Routes come from the declaration: an operation that is declared has a route, with its permissions, its parameters and its errors for
//! wrong ones. Anything else is a loud 404, since a sandbox that answers what the service does not have hides a mistake.

use std::borrow::Cow;

use crate::json::{self, Object, Value};
use crate::ops;
use crate::ops::model::{Operation, Returns, Service};

use super::access::{self, Caller};
use super::body::{self, Upload};
use super::failure::Failure;
use super::wire::{Reply, Request, guid, unescape};
use super::{House, control, entra, managed, odata, page, quotas, storage};
use super::{
    actions, alerts, baselines, detection_rules, entities, exports, graph, hunting, incidents, indicators, investigations, library,
    live_response, machines, recommendations, scans, scores, settings, software, vulnerabilities,
};

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
    /// The body or the form, by the declared names; empty for a GET.
    pub(super) body: Object,
    /// The file of a form.
    pub(super) upload: Option<Upload>,
}

impl Call<'_> {
    /// The path's only id.
    pub(super) fn id(&self) -> &str {
        self.path.first().map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The value of a placeholder of the path.
    pub(super) fn in_path(&self, wire: &str) -> &str {
        self.path.iter().find(|(name, _)| *name == wire).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// A query option without a `$`, whatever the letter case of its name.
    pub(super) fn query(&self, wire: &str) -> Option<String> {
        self.request.fields().into_iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(wire)).map(|(_, value)| value)
    }

    /// A list of objects of the body.
    pub(super) fn objects(&self, wire: &str) -> Vec<Object> {
        let items = self.body.get(wire).and_then(Value::as_array).unwrap_or_default();
        items.iter().filter_map(Value::as_object).cloned().collect()
    }

    /// A list of texts of the body, if there is one.
    pub(super) fn texts(&self, wire: &str) -> Option<Vec<String>> {
        let items = self.body.get(wire)?.as_array().unwrap_or_default();
        Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
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

    /// The first part of the service's paths.
    pub(super) fn root(&self) -> &'static str {
        self.op.path.split('/').nth(1).unwrap_or_default()
    }

    /// A text, wrapped as OData wraps it.
    pub(super) fn value(&self, text: &str) -> Reply {
        let context = format!("{}/api/$metadata#Edm.String", self.origin());
        Reply::json(200, &json::object([("@odata.context", context.into()), ("value", text.into())]))
    }

    /// One object, with the context that OData puts first.
    pub(super) fn one(&self, status: u16, set: &str, item: Value) -> Reply {
        let root = self.root();
        let mut body = Object::new();
        body.insert("@odata.context".into(), format!("{}/{root}/$metadata#{set}/$entity", self.origin()).into());
        if let Value::Object(members) = item {
            body.extend(members);
        }
        Reply::json(status, &Value::Object(body))
    }
}

/// The operation that a request is for. Two that share a path differ in a fixed member of their bodies, or they are two services' and differ
/// in the audience of the token.
pub(super) fn operation(request: &Request) -> Option<(&'static Operation, Vec<(&'static str, String)>)> {
    let path = usual(&request.path);
    let (first, values) = ops::by_path(request.method.as_str(), &path)?;
    let values = values.into_iter().map(|(name, value)| (name, unescape(value))).collect();
    let mut twins = ops::all().filter(|op| op.method == first.method && op.path == first.path);
    let shared = |op: &Operation| op.method == first.method && op.path == first.path && op.service != first.service;
    if ops::all().any(shared) {
        let service = access::service_of(request);
        return Some((twins.find(|op| Some(op.service) == service).unwrap_or(first), values));
    }
    if first.params.iter().all(|p| p.fixed.is_none()) {
        return Some((first, values));
    }
    let body = json::parse(&request.body).unwrap_or_default();
    let fits = |op: &&'static Operation| op.params.iter().all(|p| p.fixed.is_none() || p.fixed == body.get(p.wire).and_then(Value::as_str));
    Some((twins.find(fits).unwrap_or(first), values))
}

/// A path of Graph as it is documented. Its own library puts a slash too many and says whose actions it means
/// (`/v1.0//security/microsoft.graph.security.runHuntingQuery`), and the service takes that.
fn usual(path: &str) -> Cow<'_, str> {
    const NAMESPACE: &str = "microsoft.graph.security.";
    if service_of_path(path) != Service::Graph || !(path.contains("//") || path.contains(NAMESPACE)) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/').enumerate().filter(|(at, segment)| *at == 0 || !segment.is_empty());
    Cow::Owned(segments.map(|(_, segment)| segment.strip_prefix(NAMESPACE).unwrap_or(segment)).collect::<Vec<&str>>().join("/"))
}

/// Answers a request. Handlers run here and nowhere else; they neither wait nor talk to anybody.
pub(super) fn answer(house: &House, request: &Request) -> Reply {
    if let Some(reply) = page::answer(house, request) {
        return reply;
    }
    if let Some(rest) = request.path.strip_prefix("/_sandbox/") {
        return control::answer(house, request, rest);
    }
    if let Some(rest) = request.path.strip_prefix(storage::ROOT) {
        return storage::answer(house, request, rest);
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
    let told = |failure: Failure| failure.documented(service, house.options.quirks);
    let reply = outcome.unwrap_or_else(|failure| told(failure).reply(service, &request_id, &client_request_id, house.clock.now()));
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
    quotas::admit(house, op)?;
    let options = odata::options(op, &request.fields()).map_err(|r| Failure::of(op.service, r))?;
    let (body, upload) = body::read(op, request)?;
    handle(&Call { house, op, request, caller, path, options, body, upload })
}

/// Whether an operation asks the tables, which takes long when they are asked for the first time.
pub(super) fn takes_long(op: &Operation) -> bool {
    let resource = op.id.split('.').next().unwrap_or_default();
    let asks = ["alerts.create", "alerts.user", "machines.logon_users", "machines.quarantine_file", "live_response.start"];
    op.returns == Returns::Rows || ["domains", "files", "ips", "users"].contains(&resource) || asks.contains(&op.id)
}

/// Every operation's handler, by its resource. A test walks the declaration, so that none is missing.
fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    let (resource, _) = call.op.id.rsplit_once('.').unwrap_or_default();
    match resource {
        "alerts" => alerts::handle(call),
        "machines" => machines::handle(call),
        "machine_actions" => actions::handle(call),
        "live_response" => live_response::handle(call),
        "library" => library::handle(call),
        "investigations" => investigations::handle(call),
        "indicators" => indicators::handle(call),
        "domains" | "files" | "ips" | "users" => entities::handle(call),
        "device_groups" | "data_exports" => settings::handle(call),
        "incidents" | "endpoint_incidents" => incidents::handle(call),
        "software" => software::handle(call),
        "vulnerabilities" => vulnerabilities::handle(call),
        "recommendations" | "remediations" => recommendations::handle(call),
        "scores" | "av_health" => scores::handle(call),
        "exports" => exports::handle(call),
        "baselines" => baselines::handle(call),
        "scans" => scans::handle(call),
        "hunting" | "graph.hunting" => hunting::handle(call),
        "graph.incidents" | "graph.alerts" => graph::handle(call),
        "graph.detection_rules" => detection_rules::handle(call),
        _ => not_yet(call),
    }
}

/// What an operation without a handler answers: louder than anything that could pass for an answer.
pub(super) fn not_yet(call: &Call<'_>) -> Result<Reply, Failure> {
    let id = call.op.id;
    Err(Failure::new(501, "NotImplemented", format!("The sandbox has no handler for '{id}' yet.")).header("x-sandbox-unsupported", id))
}

#[cfg(test)]
mod tests {
    use super::usual;

    #[test]
    fn graph_s_own_library_writes_paths_its_own_way() {
        let documented = "/v1.0/security/runHuntingQuery";
        assert_eq!(usual(documented), documented);
        assert_eq!(usual("/v1.0//security/microsoft.graph.security.runHuntingQuery"), documented);
        assert_eq!(usual("/api//machines"), "/api//machines");
    }
}
