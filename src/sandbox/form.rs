//! Multipart forms.
//!
//! The service takes the parts by the names of its documentation's example. The names of the documentation's table it does not know, and
//! it says nothing about them: what is sent under them is lost. A client must not learn here that they work.

use crate::json::{Object, Value};
use crate::ops::model::{Kind, Operation, Place};

use super::body::Upload;
use super::failure::Failure;
use super::wire::Request;

struct Part<'a> {
    name: String,
    file: Option<String>,
    content: &'a [u8],
}

/// The fields of a form by their declared names, and its file.
pub(super) fn read(op: &Operation, request: &Request) -> Result<(Object, Option<Upload>), Failure> {
    let kind = request.header("content-type").unwrap_or_default();
    let boundary = kind.to_ascii_lowercase().starts_with("multipart/form-data").then(|| attribute(kind, "boundary")).flatten();
    let Some(boundary) = boundary else {
        return Err(Failure::new(415, "UnsupportedMediaType", "The request's content type is not supported; send multipart/form-data."));
    };
    let Some(parts) = parts(&request.body, boundary.as_bytes()) else {
        return Err(Failure::new(400, "InvalidRequestBody", "Your request body is incorrect: it is no multipart form."));
    };
    let (mut fields, mut upload) = (Object::new(), None);
    for part in parts {
        let Some(param) = op.params.iter().find(|p| p.place == Place::Form && p.wire == part.name) else { continue };
        let text = String::from_utf8_lossy(part.content).trim().to_owned();
        match param.kind {
            Kind::File => {
                let name = part.file.filter(|name| !name.is_empty());
                upload = name.map(|name| Upload { name, content: part.content.to_vec() });
            }
            Kind::Bool => {
                let value = text.to_ascii_lowercase().parse::<bool>();
                let wrong = || Failure::new(400, "InvalidRequestBody", format!("The value '{text}' is not valid for {}.", param.wire));
                fields.insert(param.wire.into(), value.map_err(|_| wrong())?.into());
            }
            _ => {
                fields.insert(param.wire.into(), Value::from(text));
            }
        }
    }
    let absent = op.params.iter().find(|p| {
        let there = if p.kind == Kind::File { upload.is_some() } else { fields.contains_key(p.wire) };
        p.place == Place::Form && p.required && !there
    });
    match absent {
        Some(p) => Err(Failure::new(400, "MissingRequiredParameter", format!("Parameter {} is missing", p.wire))),
        None => Ok((fields, upload)),
    }
}

/// The value of an attribute of a header, with or without quotation marks.
fn attribute(header: &str, name: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once(';') {
        let (key, value) = after.trim_start().split_once('=')?;
        let (value, left) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = left;
    }
    None
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// The parts between the boundaries; none if the closing one is missing.
fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Option<Vec<Part<'a>>> {
    let mark = [b"--", boundary].concat();
    let next = [b"\r\n--", boundary].concat();
    let mut rest = body.get(find(body, &mark)? + mark.len()..)?;
    let mut out = Vec::new();
    while !rest.starts_with(b"--") {
        let content = rest.strip_prefix(b"\r\n")?;
        let end = find(content, &next)?;
        out.extend(part(content.get(..end)?));
        rest = content.get(end + next.len()..)?;
    }
    Some(out)
}

/// One part; a file's name may come percent-encoded or in the `filename*` form.
fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let head_end = find(bytes, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..head_end)?).into_owned();
    let content = bytes.get(head_end + 4..)?;
    let line = head.lines().find(|l| l.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let extended = attribute(line, "filename*").and_then(|v| v.rsplit_once('\'').map(|(_, name)| super::wire::unescape(name)));
    let file = extended.or_else(|| attribute(line, "filename"));
    Some(Part { name: attribute(line, "name")?, file, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_by_the_boundary_alone() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"Description\"\r\n\r\na; b\r\n--b\r\n\
                     content-disposition: form-data; name=\"file\"; filename=\"a;b.ps1\"\r\nContent-Type: x/y\r\n\r\n\x00\r\n-b\r\n--b--\r\n";
        let parts = parts(body, b"b").unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].content), ("Description", &b"a; b"[..]));
        assert_eq!((parts[1].file.as_deref(), parts[1].content), (Some("a;b.ps1"), &b"\x00\r\n-b"[..]));
        assert!(super::parts(b"--b\r\n\r\nx", b"b").is_none(), "torn");
    }

    #[test]
    fn attributes_may_be_quoted() {
        let of = |header| attribute(header, "boundary");
        assert_eq!(of("multipart/form-data; charset=x; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(of("multipart/form-data;Boundary=ab; x=y").as_deref(), Some("ab"));
        assert_eq!(of("multipart/form-data"), None);
    }
}
