//! What is put into a sandbox from Python, and the engine that a Python function is.

use super::{errors::raise, gate};
use crate::{
    error::{Error, did_you_mean},
    json::{self, Value, object},
    kql::format_datetime,
    sandbox::{Asked, Engine},
};
use pyo3::{prelude::*, types::PyString};
use std::sync::Arc;

/// JSON text as a value; Python has written it.
pub(super) fn read(py: Python<'_>, name: &'static str, text: &str) -> PyResult<Value> {
    json::parse(text.as_bytes()).map_err(|e| raise(py, Error::argument(name, format!("is no JSON: {e}"))))
}

/// A refusal whose message begins with the argument's name.
pub(super) fn refused(py: Python<'_>, message: &str) -> PyErr {
    let (argument, rest) = message.split_once(": ").unwrap_or(("data", message));
    let name: String = argument.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let place = argument.get(name.len()..).unwrap_or_default();
    let rest = if place.is_empty() { rest.to_owned() } else { format!("{place}: {rest}") };
    raise(py, Error::argument(&name, rest.trim_start_matches(['.'])))
}

/// `None` or `"builtin"`, `"canned"`, or a function of query, now, from, until and api that answers JSON text.
pub(super) fn engine(py: Python<'_>, given: Option<Bound<'_, PyAny>>) -> PyResult<Engine> {
    let Some(given) = given else { return Ok(Engine::Builtin) };
    if given.is_instance_of::<PyString>() {
        return match given.extract::<String>()?.as_str() {
            "builtin" => Ok(Engine::Builtin),
            "canned" => Ok(Engine::Canned),
            other => {
                let guess = did_you_mean(other, ["builtin", "canned"]);
                let message = format!("{other:?} is not allowed; it is \"builtin\", \"canned\" or a function.{guess}");
                Err(raise(py, Error::argument("engine", message)))
            }
        };
    }
    let function = given.unbind();
    Ok(Engine::Plugged(Arc::new(move |asked: &Asked<'_>| {
        let call = |py: Python<'_>| -> PyResult<String> {
            let (from, until) = asked.window;
            let times = [asked.now, from, until].map(format_datetime);
            let [now, from, until] = times;
            function.call1(py, (asked.query, now, from, until, asked.api))?.extract(py)
        };
        let failed = |message: String| object([("error", message.into()), ("status", 500i64.into())]);
        match gate::attach(|py| call(py).map_err(|e| e.to_string())) {
            None => failed("the interpreter is going".to_owned()),
            Some(Err(message)) => failed(format!("The engine failed: {message}")),
            Some(Ok(text)) => json::parse(text.as_bytes()).unwrap_or_else(|e| failed(format!("The engine's answer is no JSON: {e}"))),
        }
    })))
}
