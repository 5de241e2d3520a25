//! Values in and out.

use crate::{
    error::{Error, Result},
    json::{Object, Value},
    secret::Secret,
};
use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Texts of keys as Python has them. Answers repeat theirs in every item and every call.
static KEYS: PyOnceLock<Mutex<HashMap<Box<str>, Py<PyString>>>> = PyOnceLock::new();
/// What is no member's name (such as a machine's id in a map) is not kept for ever.
const KEYS_KEPT: usize = 4096;
const KEY_LENGTH: usize = 64;

fn key<'py>(py: Python<'py>, text: &str) -> Bound<'py, PyString> {
    let keys = KEYS.get_or_init(py, Mutex::default);
    // Nothing of Python is made while the lock is held: that could collect garbage, and so run anything.
    let known = keys.lock().unwrap_or_else(PoisonError::into_inner).get(text).map(|known| known.clone_ref(py));
    known.map_or_else(
        || {
            let made = PyString::intern(py, text);
            let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
            if text.len() <= KEY_LENGTH && keys.len() < KEYS_KEPT {
                keys.insert(text.into(), made.clone().unbind());
            }
            drop(keys);
            made
        },
        |known| known.into_bound(py),
    )
}

/// A JSON value as native objects; keys are interned, since lists repeat them in every item.
pub(super) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(b) => PyBool::new(py, *b).to_owned().into_any(),
        Value::Int(i) => i.into_pyobject(py)?.into_any(),
        Value::Float(f) => PyFloat::new(py, *f).into_any(),
        Value::BigInt(digits) => big_int(py, digits)?,
        Value::String(s) => PyString::new(py, s).into_any(),
        Value::Array(items) => {
            let items = items.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(object) => {
            let dict = PyDict::new(py);
            for (name, member) in object {
                dict.set_item(key(py, name), to_python(py, member)?)?;
            }
            dict.into_any()
        }
    })
}

/// An integer of any size.
pub(super) fn big_int<'py>(py: Python<'py>, digits: &str) -> PyResult<Bound<'py, PyAny>> {
    py.get_type::<PyInt>().call1((digits,))
}

/// A Python object as JSON; `name` is the argument that an error names.
pub(super) fn from_python(object: &Bound<'_, PyAny>, name: &str) -> Result<Value> {
    convert(object, name, 0)
}

fn convert(object: &Bound<'_, PyAny>, name: &str, depth: usize) -> Result<Value> {
    if depth > crate::json::MAX_DEPTH {
        return Err(Error::argument(name, "is nested too deeply"));
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    // Plain text before all else: what a text has no attribute for costs an exception.
    if let Ok(s) = object.cast_exact::<PyString>() {
        return text(s, name);
    }
    if let Ok(member) = object.getattr("value")
        && object.hasattr("_name_").unwrap_or(false)
    {
        return convert(&member, name, depth + 1); // an Enum stands for its value
    }
    if let Ok(b) = object.cast::<PyBool>() {
        return Ok(Value::Bool(b.is_true()));
    }
    if let Ok(i) = object.cast::<PyInt>() {
        let text = || i.str().map(|s| s.to_string()).map_err(|_| Error::argument(name, "is an integer that cannot be written"));
        return i.extract::<i64>().map(Value::Int).or_else(|_| Ok(Value::BigInt(text()?.into())));
    }
    if let Ok(f) = object.cast::<PyFloat>() {
        let f = f.value();
        return if f.is_finite() {
            Ok(Value::Float(f))
        } else {
            Err(Error::argument(name, format!("{f} is no number that JSON can hold")))
        };
    }
    if let Ok(s) = object.cast::<PyString>() {
        return text(s, name);
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return from_dict(dict, name, depth).map(Value::Object);
    }
    if object.cast::<PyList>().is_ok() || object.cast::<PyTuple>().is_ok() {
        let items = object.try_iter().map_err(|_| unsupported(object, name))?;
        let items: Result<Vec<_>> = items.map(|i| convert(&i.map_err(|_| unsupported(object, name))?, name, depth + 1)).collect();
        return items.map(Value::Array);
    }
    if object.hasattr("tzinfo").unwrap_or(false) && object.hasattr("isoformat").unwrap_or(false) {
        if object.getattr("tzinfo").is_ok_and(|zone| zone.is_none()) {
            return Err(Error::argument(name, "is a time without a zone; make it aware, such as datetime.now(timezone.utc)"));
        }
        return object.call_method0("isoformat").map(|t| Value::from(t.to_string())).map_err(|_| unsupported(object, name));
    }
    if object.hasattr("__odata__").unwrap_or(false) {
        let text = object.call_method0("__odata__").map_err(|_| unsupported(object, name))?;
        return convert(&text, name, depth + 1);
    }
    // UUIDs, paths and the like have one obvious text.
    let kind = object.get_type().name().map(|n| n.to_string()).unwrap_or_default();
    if kind == "UUID" || object.hasattr("__fspath__").unwrap_or(false) {
        return Ok(Value::from(object.to_string()));
    }
    Err(unsupported(object, name))
}

fn text(text: &Bound<'_, PyString>, name: &str) -> Result<Value> {
    text.extract::<String>().map(Value::from).map_err(|_| Error::argument(name, "holds half a surrogate pair, which cannot be sent"))
}

fn from_dict(dict: &Bound<'_, PyDict>, name: &str, depth: usize) -> Result<Object> {
    dict.iter()
        .map(|(key, value)| {
            let key = key.cast::<PyString>().ok().and_then(|k| k.extract::<String>().ok());
            let key = key.ok_or_else(|| Error::argument(name, "has a key that is no text"))?;
            let value = convert(&value, if depth == 0 && name.is_empty() { &key } else { name }, depth + 1)?;
            Ok((key, value))
        })
        .collect()
}

fn unsupported(object: &Bound<'_, PyAny>, name: &str) -> Error {
    let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
    Error::argument(name, format!("takes no {kind}"))
}

/// The arguments of a call: each error names its own.
pub(super) fn arguments(dict: &Bound<'_, PyDict>) -> Result<Object> {
    from_dict(dict, "", 0)
}

/// Options by name, taken out one after the other; what is left over at the end was misspelt.
pub(super) struct Options<'py> {
    dict: Option<Bound<'py, PyDict>>,
    allowed: Vec<&'static str>,
}

impl<'py> Options<'py> {
    pub(super) fn new(dict: Option<&Bound<'py, PyDict>>) -> PyResult<Options<'py>> {
        Ok(Options { dict: dict.map(|d| d.copy()).transpose()?, allowed: Vec::new() })
    }

    /// The object under that name; `None` counts as not given.
    pub(super) fn object(&mut self, name: &'static str) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.allowed.push(name);
        let Some(dict) = &self.dict else { return Ok(None) };
        let found = dict.get_item(name)?;
        if found.is_some() {
            dict.del_item(name)?;
        }
        Ok(found.filter(|v| !v.is_none()))
    }

    pub(super) fn text(&mut self, name: &'static str) -> PyResult<Option<String>> {
        let found = self.object(name)?;
        let Some(value) = found else { return Ok(None) };
        let text = value.cast::<PyString>().ok().and_then(|s| s.extract::<String>().ok());
        text.map(Some).ok_or_else(|| wrong(&value, name, "text"))
    }

    /// Several texts.
    pub(super) fn texts(&mut self, name: &'static str) -> PyResult<Vec<String>> {
        let Some(value) = self.object(name)? else { return Ok(Vec::new()) };
        if value.is_instance_of::<PyString>() {
            return Err(wrong(&value, name, "a list of texts"));
        }
        let items = value.try_iter().and_then(|items| items.map(|i| i?.extract::<String>()).collect());
        items.map_err(|_| wrong(&value, name, "a list of texts"))
    }

    /// A path, as text or as `os.PathLike`.
    pub(super) fn path(&mut self, name: &'static str) -> PyResult<Option<String>> {
        let Some(value) = self.object(name)? else { return Ok(None) };
        let value = if value.hasattr("__fspath__")? { value.call_method0("__fspath__")? } else { value };
        value.extract().map(Some).map_err(|_| wrong(&value, name, "a path"))
    }

    /// Bytes, which are copied.
    pub(super) fn bytes(&mut self, name: &'static str) -> PyResult<Option<Vec<u8>>> {
        let Some(value) = self.object(name)? else { return Ok(None) };
        if value.is_instance_of::<PyString>() {
            return Err(wrong(&value, name, "bytes"));
        }
        value.extract::<Vec<u8>>().map(Some).map_err(|_| wrong(&value, name, "bytes"))
    }

    /// A secret: text, bytes, an object with `get_secret_value()`, or a function that gives one of these.
    pub(super) fn secret(&mut self, name: &'static str) -> PyResult<Option<Secret>> {
        let Some(mut value) = self.object(name)? else { return Ok(None) };
        if value.is_callable() {
            value = value.call0()?;
        }
        if value.hasattr("get_secret_value")? {
            value = value.call_method0("get_secret_value")?;
        }
        if value.is_instance_of::<PyString>() {
            return value
                .extract::<String>()
                .map(|s| Some(Secret::new(s)))
                .map_err(|_| wrong(&value, name, "text without half surrogates"));
        }
        let bytes = value.extract::<Vec<u8>>().ok().and_then(|bytes| String::from_utf8(bytes).ok());
        bytes
            .map(|s| Some(Secret::new(s)))
            .ok_or_else(|| wrong(&value, name, "text, bytes, a SecretStr, or a function that gives one of these"))
    }

    /// A number of seconds, or a timedelta.
    pub(super) fn seconds(&mut self, name: &'static str) -> PyResult<Option<f64>> {
        let Some(value) = self.object(name)? else { return Ok(None) };
        let value = if value.hasattr("total_seconds")? { value.call_method0("total_seconds")? } else { value };
        if value.is_instance_of::<PyBool>() {
            return Err(wrong(&value, name, "a number of seconds or a timedelta"));
        }
        value.extract::<f64>().map(Some).map_err(|_| wrong(&value, name, "a number of seconds or a timedelta"))
    }

    pub(super) fn count(&mut self, name: &'static str) -> PyResult<Option<u32>> {
        let Some(value) = self.object(name)? else { return Ok(None) };
        if value.is_instance_of::<PyBool>() {
            return Err(wrong(&value, name, "a whole number, zero or more"));
        }
        value.extract::<u32>().map(Some).map_err(|_| wrong(&value, name, "a whole number, zero or more"))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> PyResult<bool> {
        Ok(self.object(name)?.map(|v| v.is_truthy()).transpose()?.unwrap_or(false))
    }

    /// Pairs of texts from a dict or a list of pairs.
    pub(super) fn pairs(&mut self, name: &'static str) -> PyResult<Vec<(String, String)>> {
        let Some(value) = self.object(name)? else { return Ok(Vec::new()) };
        let items = if let Ok(dict) = value.cast::<PyDict>() { dict.items().into_any() } else { value };
        items
            .try_iter()?
            .map(|pair| pair?.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>().map(|(k, v)| (k.to_string(), v.to_string())))
            .collect()
    }

    /// Everything was taken out, or something was misspelt.
    pub(super) fn end(self, setting: bool) -> Result<()> {
        let Some(dict) = &self.dict else { return Ok(()) };
        let Some((name, _)) = dict.iter().next() else { return Ok(()) };
        let name = name.to_string();
        // What begins with an underscore is for our own tests.
        let known: Vec<&str> = self.allowed.into_iter().filter(|n| !n.starts_with('_')).collect();
        let guess = crate::error::did_you_mean(&name, known.iter().copied());
        let message = format!("is unknown; known: {}.{guess}", known.join(", "));
        Err(if setting { Error::setting(&name, message) } else { Error::argument(&name, message) })
    }
}

fn wrong(value: &Bound<'_, PyAny>, name: &str, wanted: &str) -> PyErr {
    let kind = value.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
    super::errors::raise(value.py(), Error::argument(name, format!("takes {wanted}, not {kind}")))
}

/// Bytes as they are.
pub(super) fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyAny> {
    PyBytes::new(py, bytes).into_any()
}
