//! Bodies of requests: JSON and forms, checked against the declared parameters.

use crate::json::{self, Object, Value};
use crate::ops::model::{Kind, Operation, Param, Place, Returns, Service};

use super::failure::Failure;
use super::form;
use super::wire::Request;

/// A file that came in a form.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// Reads the body and checks it against the declared parameters. A form's fields are members like those of a JSON body.
pub(super) fn read(op: &Operation, request: &Request) -> Result<(Object, Option<Upload>), Failure> {
    let places = |place: Place| op.params.iter().any(|p| p.place == place);
    if places(Place::Form) {
        form::read(op, request)
    } else if places(Place::Body) {
        Ok((members(op, request)?, None))
    } else {
        Ok((Object::new(), None))
    }
}

fn members(op: &Operation, request: &Request) -> Result<Object, Failure> {
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
    let hunting = graph && op.returns == Returns::Rows;
    let mut out = Object::new();
    for (name, value) in given {
        let same = |p: &&Param| p.place == Place::Body && (p.wire == name || (hunting && p.wire.eq_ignore_ascii_case(&name)));
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
    let absent = |p: &&Param| {
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

fn checked(param: &Param, value: Value, invalid: &dyn Fn(String) -> Failure) -> Result<Value, Failure> {
    let wrong = || invalid(format!("Your request body is incorrect: the value of '{}' has the wrong type.", param.wire));
    let allowed = |members: &[&'static str], text: &str| members.iter().find(|m| m.eq_ignore_ascii_case(text)).copied();
    match (param.kind, &value) {
        (_, Value::Null) => Ok(value),
        _ if param.fixed.is_some() => match value.as_str() {
            Some("Add" | "Remove") => Ok(value),
            Some(text) if param.fixed == Some(text.trim_start_matches('#')) => Ok(value),
            _ if param.fixed.is_some_and(|f| f != "Add" && f != "Remove") => Err(wrong()),
            _ => Err(Failure::new(400, "InvalidInput", format!("Invalid input: {} must be 'Add' or 'Remove'.", param.wire))),
        },
        (Kind::Text | Kind::Id | Kind::Moment | Kind::Hash(_) | Kind::Ip, Value::String(_))
        | (Kind::Count | Kind::Range(..), Value::Int(0..))
        | (Kind::Bool, Value::Bool(_))
        | (Kind::Object(_) | Kind::Json, Value::Object(_)) => Ok(value),
        (Kind::Texts | Kind::Ints | Kind::Objects(_), Value::Array(items)) if param.most.is_some_and(|most| items.len() > most) => {
            let (given, most) = (items.len(), param.most.unwrap_or_default());
            Err(Failure::new(400, "MaximumBatchSizeExceeded", format!("Maximum batch size exceeded. Received: {given}, allowed: {most}")))
        }
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
