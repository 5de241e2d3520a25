//! The answers that faults bring along.

use crate::ops::model::Service;

use super::super::part::Part;
use super::super::wire::{Reply, Request, guid};
use super::super::{House, access, clock, entra, failure, router, storage};
use super::{Fault, FaultKind, RetryForm, presets};

/// The answer of a fault that takes the place of what was asked.
pub(in crate::sandbox) fn planned(house: &House, request: &Request, part: Option<Part>, fault: &Fault) -> Reply {
    match fault.kind {
        FaultKind::Empty => return Reply::empty(200).header("Content-Type", "application/json; charset=utf-8"),
        FaultKind::Html => {
            let page = "<!DOCTYPE html><html><head><title>Sign in to the network</title></head><body>Sign in to go on.</body></html>";
            return Reply::empty(200).header("Content-Type", "text/html; charset=utf-8").with_body(page);
        }
        FaultKind::LinkExpired => return expired_link(house),
        _ => {}
    }
    let found = router::operation(request).map(|(op, _)| op);
    let service = match (found, part) {
        (Some(op), _) => op.service,
        (None, Some(Part::Service(service))) => service,
        (None, _) => router::service_of_path(&request.path),
    };
    let id = guid();
    let mut reply = match (&fault.body, fault.aadsts.and_then(|number| presets::aadsts(number).ok().map(|known| (number, known)))) {
        (Some(body), _) => Reply::empty(status(fault)).with_body(body.as_str()),
        (None, Some((number, (status, error, words)))) => {
            let status = if fault.status == 0 { status } else { fault.status };
            entra::refusal(house, request, status, error, number, fault.message.as_deref().unwrap_or(words))
        }
        (None, None) => {
            let refused = match fault.kind {
                FaultKind::TokenExpired => access::expired(house, service),
                _ if fault.missing_role => found.map_or_else(|| failure::usual(403), |op| access::missing_role(request, op)),
                _ => failure::usual(status(fault)).documented(service, house.options.quirks),
            };
            refused.say(fault.code.as_deref(), fault.message.as_deref()).reply(service, &id, &id, house.clock.now())
        }
    };
    if let Some(seconds) = fault.retry_after {
        let (name, value) = match fault.retry_form {
            RetryForm::Seconds => ("Retry-After", seconds.to_string()),
            RetryForm::Date => ("Retry-After", clock::http_date(house.clock.now() + (seconds * clock::SECOND as f64).ceil() as i64)),
            RetryForm::Milliseconds => ("x-ms-retry-after-ms", (seconds * 1000.0).ceil().to_string()),
        };
        reply = reply.header(name, value);
    }
    for (name, value) in &fault.headers {
        reply.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        reply = reply.header(name, value);
    }
    let json = if service == Service::Graph { "application/json" } else { "application/json; charset=utf-8" };
    reply.default_header("Content-Type", json).default_header("request-id", id)
}

fn status(fault: &Fault) -> u16 {
    if fault.status == 0 { 500 } else { fault.status }
}

/// What the storage says to a link that is over.
fn expired_link(house: &House) -> Reply {
    storage::over(house, house.clock.now() - clock::SECOND)
}
