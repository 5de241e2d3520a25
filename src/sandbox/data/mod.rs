//! What is put into a running sandbox: machines, alerts, incidents, rows, and what queries look up beside the tables.
//!
//! A test is about its own case, and the seeded story is seldom it. All of it goes through one door, for Python and for every other
//! language: an action with JSON, checked whole before anything is changed, and gone again with a reset.

mod alerts;
mod answers;
mod engine;
mod incidents;
mod machines;
mod outside;
mod props;
mod rows;
mod words;
mod world;

use super::House;
use super::wire::{Reply, Request, field};
use crate::json::{self, Value, object};

pub(super) use answers::{Answers, Said};
pub(super) use engine::said;
pub use engine::{Asked, Engine, Plugged};
pub(super) use outside::{Fixtures, Lookup};
pub(super) use world::read as read_world;

/// Why something is not taken: the argument with what is allowed.
pub(super) type Refusal = String;
type Taken<T> = Result<T, Refusal>;

/// Words that are near a wrong one.
fn guess<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = known.into_iter().map(|k| (strsim::damerau_levenshtein(&given.to_lowercase(), &k.to_lowercase()), k)).min();
    match near {
        Some((distance, word)) if distance <= 1 + given.len() / 4 => format!(" Did you mean {word:?}?"),
        _ => String::new(),
    }
}

/// The objects of a list, or one of them alone.
fn objects<'v>(argument: &str, given: &'v Value) -> Taken<Vec<&'v json::Object>> {
    let wrong = || format!("{argument}: takes a list of objects");
    match given {
        Value::Object(one) => Ok(vec![one]),
        Value::Array(items) => items.iter().map(|i| i.as_object().ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

/// Does what is asked; the answer is JSON.
pub(super) fn apply(house: &House, action: &str, given: &Value) -> Taken<Value> {
    match action {
        "machines" => machines::add(house, given),
        "alerts" => alerts::add(house, given),
        "incidents" => incidents::add(house, given),
        "rows" => rows::add(house, given),
        "clear_rows" => rows::clear(house, given),
        "geo" => outside::geo(house, given),
        "file_profiles" => outside::file_profiles(house, given),
        "external" => outside::external(house, given),
        "answers" => answers::add(house, given),
        "answers_used" => Ok(answers::used(house)),
        "clear_answers" => Ok(answers::clear(house)),
        "dump" => world::dump(house),
        "run" => engine::run(house, given),
        "load" => world::load(house, given),
        _ => Err(format!("action: no {action:?}")),
    }
}

/// Whether what is asked for may take a while.
pub(super) fn takes_long(path: &str) -> bool {
    ["/_sandbox/world", "/_sandbox/rows"].contains(&path)
}

/// Answers requests to these parts of `/_sandbox/`; none: the path is not one of them.
pub(super) fn answer(house: &House, request: &Request, rest: &str) -> Option<Reply> {
    let table = || field(&request.fields(), "table").map(str::to_owned).unwrap_or_default();
    let action = match (request.method.as_str(), rest) {
        ("POST", "machines" | "alerts" | "incidents" | "rows" | "geo" | "file_profiles" | "external" | "answers") => rest,
        ("DELETE", "rows") => "clear_rows",
        ("GET", "answers") => "answers_used",
        ("DELETE", "answers") => "clear_answers",
        ("GET", "world") => "dump",
        ("POST", "world") => "load",
        (_, "machines" | "alerts" | "incidents" | "rows" | "geo" | "file_profiles" | "external" | "answers" | "world") => {
            return Some(Reply::empty(405));
        }
        _ => return None,
    };
    let given = match (action, request.body.is_empty()) {
        ("clear_rows", _) => Ok(object([("table", table().into())])),
        (_, true) => Ok(Value::Null),
        _ => json::parse(&request.body),
    };
    let outcome = given.map_err(|e| format!("body: no JSON: {e}")).and_then(|given| apply(house, action, &given));
    Some(match outcome {
        Ok(answer) => Reply::json(if request.method == http::Method::POST { 201 } else { 200 }, &answer),
        Err(message) => Reply::json(400, &object([("error", message.into())])),
    })
}
