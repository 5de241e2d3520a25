//! From the core's error to the Python class of the same name.

use super::{convert, table::PyTable};
use crate::error::{Error, Kind};
use pyo3::{exceptions::PyRuntimeError, prelude::*, types::PyDict};

/// The exception to raise. If the class cannot be made, what went wrong is raised instead of nothing.
pub(super) fn raise(py: Python<'_>, error: Error) -> PyErr {
    make(py, &error).map_or_else(|e| e, |instance| PyErr::from_value(instance))
}

fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let facts = error.facts();
    let class = py.import("xdrkit.errors")?.getattr(facts.kind.class_name())?;
    let known = PyDict::new(py);
    for (name, value) in &facts.details {
        known.set_item(name, convert::to_python(py, value)?)?;
    }
    known.set_item("status", facts.status)?;
    known.set_item("code", facts.code.as_deref())?;
    known.set_item("request_id", facts.request_id.as_deref())?;
    known.set_item("retry_after", facts.retry_after)?;
    known.set_item("method", facts.method.as_deref())?;
    known.set_item("url", facts.url.as_deref())?;
    known.set_item("attempts", facts.attempts)?;
    known.set_item("retryable", facts.retryable)?;
    known.set_item("hint", facts.hint.as_deref())?;
    if let Some(body) = &facts.body {
        known.set_item("body", convert::bytes(py, body))?;
    }
    if let Some(partial) = &facts.partial {
        let table = Py::new(py, PyTable::new(partial.clone()))?;
        known.set_item("partial", py.import("xdrkit.results")?.getattr("HuntResult")?.call1((table,))?)?;
    }
    class.call((facts.message.as_str(),), Some(&known))
}

/// An exception of somebody else's code, as text for an error of ours.
pub(super) fn describe(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map_or_else(|_| "error".to_owned(), |n| n.to_string());
    let text = error.value(py).to_string();
    if text.is_empty() { name } else { format!("{name}: {text}") }
}

/// An exception of somebody else's code as an error of ours: of the same kind, if it or a parent of it is one of ours or of azure-identity's.
pub(super) fn lower(py: Python<'_>, error: &PyErr, what: &str) -> Error {
    let named = |name: &str| match name {
        "CredentialUnavailableError" => Some(Kind::CredentialUnavailable),
        "InteractionRequiredError" | "AuthenticationRequiredError" => Some(Kind::InteractionRequired),
        _ => None,
    };
    let parents: Vec<String> =
        error.get_type(py).mro().iter().filter_map(|class| class.getattr("__name__").ok().map(|name| name.to_string())).collect();
    let kind = parents.iter().find_map(|name| named(name)).unwrap_or(Kind::Authentication);
    let text = |name: &str| error.value(py).getattr(name).ok().and_then(|text| text.extract::<String>().ok());
    match text("message").filter(|_| parents.iter().any(|name| name == "XdrError")) {
        // Ours says by itself what happened and what to do.
        Some(message) => Error::new(kind, message).with(|facts| facts.hint = text("hint")),
        None => Error::new(kind, format!("{what}: {}", describe(py, error))),
    }
}

/// The core's result as Python's.
pub(super) fn lift<T>(py: Python<'_>, result: crate::error::Result<T>) -> PyResult<T> {
    result.map_err(|e| raise(py, e))
}

/// Only for what cannot be said better.
pub(super) fn plain(text: impl Into<String>) -> PyErr {
    PyRuntimeError::new_err(text.into())
}
