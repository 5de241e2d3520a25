//! Refusals in the words and shapes of the services.
//!
//! There are three shapes: the Endpoint and XDR services', the one of the OData layer before them (no code, no target), and Graph's. A
//! client that knows one of them reads nothing out of the others, so each refusal here is written in the shape in which it really comes.

use crate::json::{Value, object};
use crate::ops::model::Service;

use super::clock;
use super::odata::Refusal;
use super::quirks::{Quirk, Quirks};
use super::wire::Reply;

/// Why a call is refused.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    code: String,
    message: String,
    /// The OData layer's shape, where the service has it.
    layer: bool,
    headers: Vec<(String, String)>,
}

impl Failure {
    pub(super) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure { status, code: code.into(), message: message.into(), layer: false, headers: Vec::new() }
    }

    /// The OData layer's.
    pub(super) fn layer(message: impl AsRef<str>) -> Failure {
        let message = format!("The query specified in the URI is not valid. {}", message.as_ref());
        Failure { layer: true, ..Failure::new(400, "BadRequest", message) }
    }

    pub(super) fn of(service: Service, refusal: Refusal) -> Failure {
        match refusal {
            Refusal::Layer(message) => Failure::layer(message),
            Refusal::Filter(message) if service == Service::Graph => {
                Failure::new(400, "BadRequest", format!("Invalid filter clause: {message}"))
            }
            Refusal::Filter(message) => Failure::new(400, "ODataError", format!("Invalid OData URI query: {message}")),
        }
    }

    /// No such thing.
    pub(super) fn not_found(service: Service, kind: &str, id: &str) -> Failure {
        let code = if service == Service::Graph { "NotFound" } else { "ResourceNotFound" };
        Failure::new(404, code, format!("{kind} {id} was not found"))
    }

    /// The same in other words.
    pub(super) fn say(mut self, code: Option<&str>, message: Option<&str>) -> Failure {
        self.code = code.map_or(self.code, str::to_owned);
        self.message = message.map_or(self.message, str::to_owned);
        self
    }

    /// With the codes that are documented, where they are not observed.
    pub(super) fn documented(mut self, service: Service, quirks: Quirks) -> Failure {
        let documented = service == Service::Graph || !quirks.has(Quirk::ErrorCode429);
        if self.status == 429 && self.code == "429" && documented {
            "TooManyRequests".clone_into(&mut self.code);
        }
        if self.layer && !quirks.has(Quirk::LayerErrors) {
            self.layer = false;
            if service != Service::Graph {
                "ODataError".clone_into(&mut self.code);
                self.message = self.message.replacen("The query specified in the URI is not valid.", "Invalid OData URI query:", 1);
            }
        }
        self
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Failure {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn reply(self, service: Service, request_id: &str, client_request_id: &str, now: i64) -> Reply {
        let message = Value::from(self.message);
        let error = match service {
            Service::Graph => object([
                ("code", self.code.into()),
                ("message", message),
                (
                    "innerError",
                    object([
                        ("date", clock::unzoned(now).into()),
                        ("request-id", request_id.into()),
                        ("client-request-id", client_request_id.into()),
                    ]),
                ),
            ]),
            _ if self.layer => {
                object([("code", "".into()), ("message", message), ("details", Value::Array(Vec::new())), ("innererror", Value::Null)])
            }
            _ => object([("code", self.code.into()), ("message", message), ("target", request_id.into())]),
        };
        let mut reply = Reply::json(self.status, &object([("error", error)]));
        reply.headers.extend(self.headers);
        reply
    }
}

/// What the service itself says with a status, for faults that bring no body.
pub(super) fn usual(status: u16) -> Failure {
    match status {
        400 => Failure::new(400, "BadRequest", "The request is not valid."),
        401 => Failure::new(401, "Unauthorized", "The authorization header is missing, invalid or expired."),
        403 => Failure::new(403, "Forbidden", "The token's permissions do not suffice."),
        404 => Failure::new(404, "ResourceNotFound", "The resource was not found."),
        409 => Failure::new(409, "Conflict", "The resource was changed by somebody else."),
        // The code is the number, whatever the documentation says.
        429 => Failure::new(429, "429", "API calls quota exceeded! maximum allowed 45 per 00:01:00"),
        503 => Failure::new(503, "ServiceUnavailable", "The service is unavailable."),
        504 => Failure::new(504, "UnknownError", ""),
        status => Failure::new(status, "InternalServerError", ""),
    }
}
