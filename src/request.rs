//! From an operation and its arguments to an HTTP request. Pure: nothing is sent here, and nothing wrong gets past here.
//!
//! What is checked before anything is sent costs the user nothing; what the service refuses costs a round trip, a part of the quota and a
//! message that often does not name the argument. Ids are refused, not escaped, when they hold separators or dot segments: URL parsers
//! resolve even encoded dots, and `/api/machines/../isolate` is another operation.

use crate::{
    argument,
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

/// The parts of a request, by place.
#[derive(Default)]
struct Parts {
    path: String,
    query: Vec<String>,
    body: Object,
    form: Vec<(&'static str, String)>,
}

/// Checks the arguments and sorts them by place.
fn parts(op: &'static Operation, arguments: &Object) -> Result<Parts> {
    check_names(op, arguments)?;
    let mut parts = Parts { path: op.path.to_owned(), ..Parts::default() };
    for param in op.params.iter().filter(|p| p.kind != Kind::File) {
        let value = match param.fixed {
            Some(text) => Value::from(text),
            None => match arguments.get(param.name).filter(|v| !v.is_null()) {
                Some(value) => argument::check(op, param, value)?,
                None if param.required => return Err(missing(op, param)),
                None => continue,
            },
        };
        match param.place {
            Place::Path => parts.path = parts.path.replace(&format!("{{{}}}", param.wire), &encode(&text_of(&value))),
            Place::Query => parts.query.push(format!("{}={}", param.wire, encode(&text_of(&value)))),
            Place::Body => {
                parts.body.insert(param.wire.to_owned(), value);
            }
            Place::Form => parts.form.push((param.wire, text_of(&value))),
        }
    }
    if op.method == Method::Patch && parts.body.is_empty() {
        let names: Vec<_> = op.params.iter().filter(|p| p.place == Place::Body).map(|p| p.name).collect();
        return Err(Error::argument(names.first().unwrap_or(&""), format!("{} needs a change: give {}", op.id, listed(&names))));
    }
    Ok(parts)
}

/// Builds the request of a call.
pub fn build(op: &'static Operation, arguments: &Object, base: &Url) -> Result<Request> {
    let parts = parts(op, arguments)?;
    let url = join(base, &parts.path, &parts.query.join("&"))?;
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
    Ok(if op.params.iter().any(|p| p.place == Place::Body) { request.json(&Value::Object(parts.body)) } else { request })
}

/// Builds the request of a call that sends a file. `boundary` must not stand in the content.
pub fn build_form(op: &'static Operation, arguments: &Object, file: (&str, &[u8]), base: &Url, boundary: &str) -> Result<Request> {
    let parts = parts(op, arguments)?;
    let (name, content) = file;
    let field = op.params.iter().find(|p| p.kind == Kind::File).map_or("file", |p| p.wire);
    if name.is_empty() || name.chars().any(|c| c.is_control() || "/\\\"".contains(c)) {
        return Err(Error::argument("name", format!("{name:?} is no file name")));
    }
    let mut body = Vec::with_capacity(content.len() + 1024);
    for (wire, text) in &parts.form {
        body.extend_from_slice(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{wire}\"\r\n\r\n{text}\r\n").as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let mut request = Request::new(http::Method::POST, join(base, &parts.path, &parts.query.join("&"))?);
    let kind = http::HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"));
    request.headers.insert(http::header::CONTENT_TYPE, kind.map_err(|_| Error::argument("boundary", "is no token"))?);
    request.body = Some(Bytes::from(body));
    Ok(request)
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
            let known: Vec<_> = op.params.iter().filter(|p| p.fixed.is_none() && p.kind != Kind::File).map(|p| p.name).collect();
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
        fn a_filter_arrives_as_it_was_written(text in "\\PC*") {
            let filter = format!("status eq '{}'", text.replace('\'', "''"));
            let request = try_build("alerts.list", object([("filter", filter.as_str().into())])).unwrap();
            let pairs: Vec<_> = request.url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
            prop_assert_eq!(pairs, vec![("$filter".to_owned(), filter)]);
        }
    }
}
