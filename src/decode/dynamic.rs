//! Dynamic values as compact JSON text, whatever form an endpoint sends them in.
//!
//! Graph sends an open type: objects full of `@odata.type`, and lists whose items are JSON in texts. The older endpoints send JSON text. Both
//! become the same text here, copied as it is read: numbers keep their digits, and nothing is built in between.

use super::scan::{Cursor, Raw, Scan, Stop, Token, unescape};
use crate::json::write_string;

/// What Graph calls a list whose items are JSON in texts.
const ENCODED: &[u8] = b"#Collection(String)";

/// Whether a key only tells about another.
pub(crate) fn is_annotation(key: &[u8]) -> bool {
    memchr::memmem::find(key, b"@odata.").is_some() || memchr::memmem::find(key, b"@OData.").is_some()
}

/// Whether an annotation's value says that its list holds JSON in texts.
pub(crate) fn says_encoded(value: &Token<'_>) -> bool {
    matches!(value, Token::Text(raw) if raw.bytes == ENCODED)
}

/// Whether a value that nobody wants is one at all: what is no JSON is no answer, wherever it stands.
pub(crate) fn pass_over(token: Token<'_>) -> Result<(), (usize, &'static str)> {
    match token {
        Token::Nested(_) | Token::Text(Raw { escaped: true, .. }) => compact(token, false, &mut String::new()),
        _ => Ok(()),
    }
}

/// Appends the compact text of a value. `encoded` is for a list of which an annotation said so.
pub(crate) fn compact(token: Token<'_>, encoded: bool, out: &mut String) -> Result<(), (usize, &'static str)> {
    match token {
        Token::Null => out.push_str("null"),
        Token::Bool(b) => out.push_str(if b { "true" } else { "false" }),
        Token::Number(digits) => out.push_str(&String::from_utf8_lossy(digits)),
        Token::Text(raw) => return text(raw, out),
        Token::Nested(bytes) => {
            let mut cursor = Cursor::new(bytes);
            return nested(&mut cursor, encoded, out).map_err(|stop| match stop {
                Stop::Bad(at, message) => (at, message),
                Stop::More => (bytes.len(), "unexpected end"),
            });
        }
    }
    Ok(())
}

/// Appends the compact text of what a text holds, if that is JSON; says whether it was.
pub(crate) fn compact_inside(inside: &str, out: &mut String) -> bool {
    let from = out.len();
    // A value may end with the text: a number has to be told so.
    let padded = format!("{inside} ");
    let mut cursor = Cursor::new(padded.as_bytes());
    let whole = match cursor.value() {
        Ok(token) => compact(token, false, out).is_ok() && matches!(cursor.solid(), Err(Stop::More)),
        Err(_) => false,
    };
    if !whole {
        out.truncate(from);
    }
    whole
}

fn text(raw: Raw<'_>, out: &mut String) -> Result<(), (usize, &'static str)> {
    let mut plain = String::new();
    unescape(raw, &mut plain)?;
    write_string(&plain, out);
    Ok(())
}

/// The cursor stands on the opening bracket. Brackets match: that was seen when the value was found.
fn nested(cursor: &mut Cursor<'_>, encoded: bool, out: &mut String) -> Scan<()> {
    let is_object = cursor.peek()? == b'{';
    let close = if is_object { b'}' } else { b']' };
    out.push(if is_object { '{' } else { '[' });
    cursor.skip(1);
    let mut first = true;
    let mut announced: Option<&[u8]> = None;
    if cursor.solid()? == close {
        cursor.skip(1);
        out.push(char::from(close));
        return Ok(());
    }
    loop {
        let mut list_is_encoded = false;
        let mut dropped = false;
        let from = out.len();
        if !first {
            out.push(',');
        }
        if is_object {
            cursor.space();
            let key = cursor.text("expected a key")?;
            cursor.expect(b':', "expected a colon")?;
            if is_annotation(key.bytes) {
                dropped = true;
                cursor.space();
                let at = cursor.at();
                let value = cursor.value()?;
                pass_over(value).map_err(|(offset, message)| Stop::Bad(at + offset, message))?;
                let about = key.bytes.strip_suffix(b"@odata.type");
                announced = about.filter(|_| says_encoded(&value));
            } else {
                list_is_encoded = announced == Some(key.bytes);
                text(key, out).map_err(|(at, message)| Stop::Bad(cursor.at() + at, message))?;
                out.push(':');
            }
        }
        if !dropped {
            member(cursor, list_is_encoded, encoded && !is_object, out)?;
        }
        if dropped {
            out.truncate(from);
        } else {
            first = false;
        }
        match cursor.solid()? {
            b',' => cursor.skip(1),
            byte if byte == close => {
                cursor.skip(1);
                out.push(char::from(close));
                return Ok(());
            }
            _ => return cursor.bad(if is_object { "expected a comma or a brace" } else { "expected a comma or a bracket" }),
        }
    }
}

/// One value inside of another. `item` is an item of a list that holds JSON in texts.
fn member(cursor: &mut Cursor<'_>, list_is_encoded: bool, item: bool, out: &mut String) -> Scan<()> {
    if matches!(cursor.solid()?, b'{' | b'[') {
        return nested(cursor, list_is_encoded, out);
    }
    let at = cursor.at();
    let token = cursor.value()?;
    if let (true, Token::Text(raw)) = (item, token) {
        let mut plain = String::new();
        if unescape(raw, &mut plain).is_ok() && compact_inside(&plain, out) {
            return Ok(());
        }
    }
    compact(token, false, out).map_err(|(offset, message)| Stop::Bad(at + offset, message))
}
