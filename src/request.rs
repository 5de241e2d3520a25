//! From an operation and its arguments to an HTTP request. Pure: nothing is sent here, and nothing wrong gets past here.
//!
//! What is checked before anything is sent costs the user nothing; what the service refuses costs a round trip, a part of the quota and a
//! message that often does not name the argument. Ids are refused, not escaped, when they hold separators or dot segments: URL parsers
//! resolve even encoded dots, and `/api/machines/../isolate` is another operation.

use crate::{
    error::{Error, Kind as ErrorKind, Result, did_you_mean, listed},
    json::{Object, Value},
    ops::{
        self,
        model::{Kind, Method, Operation, Param, Place, Service},
    },
};
use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// GET, POST, …
    pub method: http::Method,
    /// Where to.
    pub url: Url,
    /// Headers beyond those that the pipeline adds.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: http::Method, url: Url) -> Request {
        Request { method, url, headers: HeaderMap::new(), body: None }
    }

    /// Adds a JSON body.
    pub fn json(mut self, body: &Value) -> Request {
        // Without the charset the hunting service misreads what is beyond ANSI.
        self.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json; charset=utf-8"));
        self.body = Some(Bytes::from(body.to_string()));
        self
    }
}

const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes everything but unreserved characters.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The operation of that id, or an error that names the nearest.
pub fn operation(id: &str) -> Result<&'static Operation> {
    ops::by_id(id).ok_or_else(|| {
        let message = format!("there is no operation {id:?}.{}", did_you_mean(id, ops::all().map(|op| op.id)));
        Error::new(ErrorKind::UnknownOperation, message).detail("argument", "operation").hint("xdrkit.operations() lists them all")
    })
}

/// Builds the request of a call.
pub fn build(op: &'static Operation, arguments: &Object, base: &Url) -> Result<Request> {
    check_names(op, arguments)?;
    let mut path = op.path.to_owned();
    let mut query = Vec::new();
    let mut body = Object::new();
    let mut given = 0;
    for param in op.params {
        let value = match param.fixed {
            Some(text) => Value::from(text),
            None => match arguments.get(param.name).filter(|v| !v.is_null()) {
                Some(value) => check_value(param, value)?,
                None if param.required => return Err(missing(op, param)),
                None => continue,
            },
        };
        match param.place {
            Place::Path => path = path.replace(&format!("{{{}}}", param.wire), &encode(&text_of(&value))),
            Place::Query => query.push(format!("{}={}", param.wire, encode(&text_of(&value)))),
            Place::Body => {
                given += 1;
                body.insert(param.wire.to_owned(), value);
            }
        }
    }
    if op.method == Method::Patch && given == 0 {
        let names: Vec<_> = op.params.iter().filter(|p| p.place == Place::Body).map(|p| p.name).collect();
        return Err(Error::argument(names.first().unwrap_or(&""), format!("{} needs a change: give {}", op.id, listed(&names))));
    }
    let url = join(base, &path, &query.join("&"))?;
    let method = match op.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    };
    let mut request = Request::new(method, url);
    if op.service == Service::Graph {
        // Without it Graph answers `unknownFutureValue` for the newer members of its enumerations.
        request.headers.insert("prefer", http::HeaderValue::from_static("include-unknown-enum-members"));
    }
    Ok(if op.params.iter().any(|p| p.place == Place::Body) { request.json(&Value::Object(body)) } else { request })
}

/// Appends a path and a query to a base URL; the base may have a path of its own.
pub fn join(base: &Url, path: &str, query: &str) -> Result<Url> {
    let mut url = base.clone();
    let whole = format!("{}{path}", base.path().trim_end_matches('/'));
    url.set_path(&whole);
    // The parser resolves dot segments, in any spelling: then the path is not the one that was meant.
    if url.path().split('/').count() != whole.split('/').count() {
        return Err(Error::argument("path", format!("{path:?} does not stay where it is: it holds dot segments")));
    }
    url.set_query((!query.is_empty()).then_some(query));
    Ok(url)
}

fn check_names(op: &'static Operation, arguments: &Object) -> Result<()> {
    for name in arguments.keys() {
        if op.param(name).is_none() {
            let known: Vec<_> = op.params.iter().filter(|p| p.fixed.is_none()).map(|p| p.name).collect();
            let guess = did_you_mean(name, known.iter().copied());
            let takes = if known.is_empty() { "no arguments".to_owned() } else { known.join(", ") };
            return Err(Error::argument(name, format!("{} has no such argument; it takes {takes}.{guess}", op.id)).detail("allowed", known));
        }
    }
    Ok(())
}

fn missing(op: &Operation, param: &Param) -> Error {
    let error = Error::argument(param.name, format!("{} needs it: {}", op.id, param.doc));
    if param.kind.members().is_empty() { error } else { error.detail("allowed", param.kind.members().to_vec()) }
}

/// The value as it goes out, or what is wrong with it.
fn check_value(param: &Param, value: &Value) -> Result<Value> {
    let name = param.name;
    match param.kind {
        Kind::Id => check_id(name, value),
        Kind::Text => match value {
            Value::String(s) if s.trim().is_empty() && (param.required || param.place == Place::Query) => {
                Err(Error::argument(name, if s.is_empty() { "is empty" } else { "is blank" }))
            }
            Value::String(_) => Ok(value.clone()),
            other => Err(wrong_type(name, "text", other)),
        },
        Kind::Count => match value {
            Value::Int(i) if *i >= i64::from(param.wire == "$top") => Ok(value.clone()),
            Value::Int(i) => Err(Error::argument(name, format!("{i} is too small; it is {} or more", i64::from(param.wire == "$top")))),
            other => Err(wrong_type(name, "a whole number", other)),
        },
        Kind::Texts => match value.as_array() {
            Some(items) => match items.iter().find(|i| i.as_str().is_none_or(str::is_empty)) {
                None => Ok(value.clone()),
                Some(item) => Err(Error::argument(name, format!("every item is a text that is not empty, not {item}"))),
            },
            None => Err(wrong_type(name, "a list of texts", value)),
        },
        Kind::Enum(members) | Kind::OpenEnum(members) => {
            let Value::String(s) = value else { return Err(wrong_type(name, "text", value)) };
            match members.iter().find(|m| m.eq_ignore_ascii_case(s)) {
                Some(member) => Ok(Value::from(*member)),
                None if matches!(param.kind, Kind::OpenEnum(_)) && !s.is_empty() => Ok(value.clone()),
                None => {
                    let guess = did_you_mean(s, members.iter().copied());
                    let message = format!("{s:?} is not allowed; it is {}.{guess}", listed(members));
                    Err(Error::argument(name, message).detail("allowed", members.to_vec()))
                }
            }
        }
    }
}

fn wrong_type(name: &str, wanted: &str, value: &Value) -> Error {
    let got = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a dict",
    };
    Error::argument(name, format!("takes {wanted}, not {got}"))
}

fn check_id(name: &str, value: &Value) -> Result<Value> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Int(i) => i.to_string(),
        other => return Err(wrong_type(name, "an id", other)),
    };
    let reason = if text.is_empty() {
        "is empty".to_owned()
    } else if text.trim() != text {
        format!("{text:?} has white space at an end")
    } else if let Some(c) = text.chars().find(|c| "/\\?#%".contains(*c) || c.is_control() || is_invisible(*c)) {
        format!("{text:?} holds {c:?}, which no id has")
    } else if text.chars().all(|c| c == '.') {
        format!("{text:?} is a dot segment, not an id")
    } else if text.len() > 512 {
        format!("is {} bytes long; an id has at most 512", text.len())
    } else {
        return Ok(Value::String(text));
    };
    Err(Error::argument(name, reason))
}

/// Characters that reorder or hide their neighbours.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;
    use proptest::prelude::*;

    fn base() -> Url {
        Url::parse("https://api.example").unwrap()
    }

    fn try_build(id: &str, arguments: Value) -> Result<Request> {
        build(operation(id)?, arguments.as_object().unwrap_or(&Object::new()), &base())
    }

    fn refused(id: &str, arguments: Value) -> String {
        try_build(id, arguments).unwrap_err().to_string()
    }

    #[test]
    fn a_call_becomes_its_documented_request() {
        let request =
            try_build("machines.isolate", object([("id", "abc".into()), ("comment", "c".into()), ("isolation_type", "full".into())]))
                .unwrap();
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://api.example/api/machines/abc/isolate"));
        assert_eq!(request.body.unwrap(), r#"{"Comment":"c","IsolationType":"Full"}"#);
        let request = try_build("machines.add_tag", object([("id", "abc".into()), ("tag", "t".into())])).unwrap();
        assert_eq!(request.body.unwrap(), r#"{"Value":"t","Action":"Add"}"#);
        let request = try_build("alerts.list", object([("filter", "status eq 'New'".into()), ("top", Value::Int(5))])).unwrap();
        assert_eq!(request.url.query(), Some("$filter=status%20eq%20%27New%27&$top=5"));
    }

    #[test]
    fn wrong_arguments_are_refused_by_name_with_what_is_allowed() {
        let isolate = |more: Value| {
            let mut all = object([("id", "abc".into()), ("comment", "c".into())]).as_object().unwrap().clone();
            all.extend(more.as_object().unwrap().clone());
            refused("machines.isolate", Value::Object(all))
        };
        let message = isolate(object([("isolation_type", "Ful".into())]));
        assert!(
            message
                .contains(r#"isolation_type: "Ful" is not allowed; it is "Full", "Selective" or "UnManagedDevice". Did you mean "Full"?"#),
            "{message}"
        );
        assert!(isolate(object([("isolaton_type", "Full".into())])).contains("Did you mean \"isolation_type\"?"));
        assert!(isolate(object([("comment", Value::Null)])).starts_with("comment: machines.isolate needs it"));
        assert!(isolate(object([("comment", " ".into())])).contains("blank"));
        assert!(isolate(object([("comment", Value::Int(1))])).contains("takes text, not a number"));
        assert!(refused("alerts.list", object([("top", Value::Int(0))])).contains("1 or more"));
        assert!(refused("alerts.update", object([("id", "a".into())])).contains("needs a change"));
        assert!(operation("machines.isolat").unwrap_err().to_string().contains("machines.isolate"));
    }

    #[test]
    fn an_open_enumeration_passes_unknown_members_on() {
        let request = try_build("alerts.update", object([("id", "a".into()), ("determination", "newThing".into())])).unwrap();
        assert_eq!(request.body.unwrap(), r#"{"determination":"newThing"}"#);
    }

    #[test]
    fn ids_that_would_move_the_path_are_refused() {
        for bad in ["", ".", "..", "a/b", "..\\x", "a?b", "a#b", "%2e%2e", "a\r\nb", "a\0", " a", "a\u{202e}b"] {
            assert!(try_build("machines.get", object([("id", bad.into())])).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn the_path_always_has_the_templates_segments(id in any::<String>()) {
            if let Ok(request) = try_build("machines.isolate", object([("id", id.as_str().into()), ("comment", "c".into())])) {
                let segments: Vec<_> = request.url.path().split('/').collect();
                prop_assert_eq!(segments.len(), 5);
                prop_assert_eq!((segments[1], segments[2], segments[4]), ("api", "machines", "isolate"));
                let back = percent_encoding::percent_decode_str(segments[3]).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(back, id);
            }
        }

        #[test]
        fn a_filter_arrives_as_it_was_written(filter in "\\PC*[a-z]") {
            let request = try_build("alerts.list", object([("filter", filter.as_str().into())])).unwrap();
            let pairs: Vec<_> = request.url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
            prop_assert_eq!(pairs, vec![("$filter".to_owned(), filter)]);
        }
    }
}
