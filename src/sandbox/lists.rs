//! Pages.
//!
//! How a list is cut differs by service, and two of the ways are wrong in the real services: `$top` switches next links off on the
//! Endpoint service, and the machines' next link loses its parameters' names from the second page on, so that whoever follows it reads the
//! second page for ever. A client must survive both, so both are here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::json::{Object, Value, object};
use crate::ops::model::Service;

use super::GraphLinks;
use super::failure::Failure;
use super::jwt;
use super::quirks::Quirk;
use super::router::Call;
use super::wire::Reply;

/// Graph goes no further with `$skip`.
const GRAPH_SKIP_MAX: usize = 500;
/// Antivirus health comes in pages of so many where nobody asks for more,
const HEALTH_PAGE: usize = 20;
/// and its links end there, whether or not there is more.
const HEALTH_END: usize = 10_000;
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'$').remove(b',').remove(b'\'');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

pub(super) fn too_many(option: &str, limit: usize, given: usize) -> Failure {
    Failure::layer(format!(
        "The limit of '{limit}' for {option} query has been exceeded. The value from the incoming request is '{given}'."
    ))
}

/// The page of these items that the options ask for.
pub(super) fn page(call: &Call<'_>, set: &str, items: Vec<Value>) -> Result<Reply, Failure> {
    Ok(Reply::json(200, &Value::Object(cut(call, set, items)?)))
}

/// The same, as one operation answers it: the list inside the list.
pub(super) fn nested_page(call: &Call<'_>, set: &str, items: Vec<Value>) -> Result<Reply, Failure> {
    let mut body = cut(call, set, items)?;
    let inner = body.insert("value".into(), Value::Null).unwrap_or_default();
    body.insert("value".into(), Value::Array(vec![object([("value", inner)])]));
    Ok(Reply::json(200, &Value::Object(body)))
}

fn cut(call: &Call<'_>, set: &str, items: Vec<Value>) -> Result<Object, Failure> {
    let options = &call.options;
    let graph = call.op.service == Service::Graph;
    let max = call.op.paging.page_max().map_or(usize::MAX, |n| n as usize);
    if let Some(top) = options.top.filter(|top| *top > max) {
        return Err(too_many("Top", max, top));
    }
    if let Some(skip) = options.skip.filter(|skip| graph && *skip > GRAPH_SKIP_MAX) {
        return Err(too_many("Skip", GRAPH_SKIP_MAX, skip));
    }
    let items = options.sift(items);
    let machines = call.op.id == "machines.list";
    if machines && items.is_empty() {
        return Err(Failure::new(404, "ResourceNotFound", "No machines were found"));
    }
    let total = items.len();
    let start = match &options.skiptoken {
        None => options.skip.unwrap_or(0),
        Some(token) => untoken(token).ok_or_else(|| Failure::new(400, "BadRequest", "Invalid skip token."))?,
    };
    let quirks = call.house.options.quirks;
    let health = call.op.id == "av_health.list";
    let usual = if health { HEALTH_PAGE } else { max };
    let size = options.top.unwrap_or_else(|| call.house.options.page_size.unwrap_or(usual).clamp(1, max));
    let page: Vec<Value> = items.into_iter().skip(start).take(size).map(|item| options.project(item)).collect();
    let end = start.saturating_add(page.len());
    let more =
        end < total && size > 0 && (graph || options.top.is_none()) && !(health && quirks.has(Quirk::HealthEnds) && end >= HEALTH_END);
    let more =
        more || (quirks.has(Quirk::EmptyLastPage) && options.top.is_none() && end == total && !page.is_empty() && page.len() == size);

    let mut body = Object::new();
    body.insert("@odata.context".into(), format!("{}/{}/$metadata#{set}", call.origin(), call.root()).into());
    if options.count {
        body.insert("@odata.count".into(), (total as i64).into());
    }
    if more {
        let skips = call.op.wire("$skip").is_some() && (!graph || call.house.options.graph_links == GraphLinks::Skip);
        let link = if machines && start > 0 && quirks.has(Quirk::NamelessNextLink) {
            nameless_link(call, size, start)
        } else if skips {
            link(call, &["$skip"], format!("$skip={end}"))
        } else {
            link(call, &["$skip", "$skiptoken"], format!("$skiptoken={}", encode(&token(end))))
        };
        body.insert("@odata.nextLink".into(), link.into());
    }
    body.insert("value".into(), Value::Array(page));
    Ok(body)
}

fn token(offset: usize) -> String {
    jwt::encode(format!("page:{offset}").as_bytes())
}

fn untoken(token: &str) -> Option<usize> {
    String::from_utf8(jwt::decode(token)?).ok()?.strip_prefix("page:")?.parse().ok()
}

fn link(call: &Call<'_>, without: &[&str], last: String) -> String {
    let mut query: Vec<String> = call
        .request
        .fields()
        .iter()
        .filter(|(name, _)| !name.is_empty() && !without.iter().any(|w| w.eq_ignore_ascii_case(name)))
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    query.push(last);
    format!("{}{}?{}", call.origin(), call.request.path, query.join("&"))
}

/// The broken one: values without names, and the page that the caller has already.
fn nameless_link(call: &Call<'_>, size: usize, start: usize) -> String {
    let filter = call.request.fields().into_iter().find(|(name, _)| name.is_empty() || name.eq_ignore_ascii_case("$filter"));
    let filter = filter.map_or_else(String::new, |(_, value)| format!("={}&", encode(&value)));
    format!("{}{}?{filter}={size}&$skip={start}", call.origin(), call.request.path)
}
