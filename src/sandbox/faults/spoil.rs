//! Answers that are spoilt on their way.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::json::{self, Value};

use super::super::wire::{Reply, Request};
use super::FaultKind;

/// How a body is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Shape {
    /// As it is.
    Whole,
    /// Half of what was promised.
    Torn,
    /// In small pieces.
    Drip,
}

/// The answer, spoilt; none: there is nothing in it that could be spoilt so.
pub(in crate::sandbox) fn spoil(kind: FaultKind, base: &str, request: &Request, reply: &mut Reply) -> Option<Shape> {
    let long = reply.body.len() >= 2;
    match kind {
        FaultKind::Truncate => return long.then_some(Shape::Torn),
        FaultKind::Drip => return long.then_some(Shape::Drip),
        FaultKind::GzipCut | FaultKind::GzipBad if long => {
            pack(reply)?;
            let length = reply.body.len();
            if kind == FaultKind::GzipCut {
                reply.body.truncate(length / 2);
            } else {
                *reply.body.get_mut(length.checked_sub(8)?)? ^= 0xff;
            }
        }
        FaultKind::JsonCut if long => reply.body.truncate(reply.body.len() / 2),
        FaultKind::JsonBom if long => drop(reply.body.splice(0..0, *b"\xef\xbb\xbf")),
        FaultKind::JsonNul => into_text(&mut reply.body, b"\0")?,
        FaultKind::JsonUtf8 => into_text(&mut reply.body, b"\xff\xfe")?,
        FaultKind::ContentType => set(reply, "Content-Type", "text/plain"),
        FaultKind::LinkHost | FaultKind::LinkRelative | FaultKind::LinkSame | FaultKind::LinkGarbage => relink(kind, base, request, reply)?,
        FaultKind::GzipCut | FaultKind::GzipBad | FaultKind::JsonCut | FaultKind::JsonBom => return None,
        _ => {}
    }
    Some(Shape::Whole)
}

fn set(reply: &mut Reply, name: &str, value: &str) {
    reply.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    reply.headers.push((name.to_owned(), value.to_owned()));
}

/// A file of an export is packed already.
fn pack(reply: &mut Reply) -> Option<()> {
    if !reply.body.starts_with(&[0x1f, 0x8b]) {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(&reply.body).ok()?;
        reply.body = packer.finish().ok()?;
        set(reply, "Content-Encoding", "gzip");
    }
    Some(())
}

/// Puts bytes at the beginning of the last text that is a member's value.
fn into_text(body: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    let at = body.windows(3).rposition(|w| w == b"\":\"")? + 3;
    body.splice(at..at, bytes.iter().copied());
    Some(())
}

/// A list's next link, or one where there was none.
fn relink(kind: FaultKind, base: &str, request: &Request, reply: &mut Reply) -> Option<()> {
    let mut body = json::parse(&reply.body).ok()?;
    let Value::Object(members) = &mut body else { return None };
    members.get("value")?.as_array()?;
    let (origin, path) = (request.origin(base), &request.path);
    let query = request.query.as_ref().map(|q| format!("?{q}")).unwrap_or_default();
    let link = match kind {
        FaultKind::LinkHost => format!("https://graph.microsoft.com.example{path}?$skiptoken=b3RoZXI"),
        FaultKind::LinkRelative => format!("{path}?$skiptoken=cGFnZToy"),
        FaultKind::LinkSame => format!("{origin}{path}{query}"),
        _ => format!("{origin}{path}?$skiptoken=%00not-a-token%ff"),
    };
    members.insert("@odata.nextLink".into(), link.into());
    reply.body = body.to_string().into_bytes();
    Some(())
}
