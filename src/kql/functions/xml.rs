//! XML as property bags, the way `parse_xml` documents it.
//!
//! Attributes become `@name`, text beside them `#text`, elements of one name an array. Malformed text is null; what the documentation
//! leaves open (CDATA, text in pieces, space at the edge of a text) is refused.

use super::super::scalar::{Answer, Trouble};
use super::super::value::Value;
use crate::json;

const MAX_TEXT: usize = 1 << 20;
const MAX_DEPTH: usize = 200;

enum Stop {
    Malformed,
    Unclear(&'static str),
}

type Read<T> = Result<T, Stop>;

/// A text of more than 1 MB is null, as documented.
pub(super) fn parse(text: &str) -> Answer {
    if text.len() > MAX_TEXT {
        return Ok(Value::Null);
    }
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}').trim() };
    match reader.document() {
        Ok(root) => Ok(Value::dynamic(root)),
        Err(Stop::Malformed) => Ok(Value::Null),
        Err(Stop::Unclear(what)) => Err(Trouble::Unsupported(format!("{what} in parse_xml"))),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn until(&mut self, token: &str) -> Read<&'t str> {
        let (before, rest) = self.rest.split_once(token).ok_or(Stop::Malformed)?;
        self.rest = rest;
        Ok(before)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Comments and processing instructions; whether there was one.
    fn skip(&mut self) -> Read<bool> {
        if self.take("<!--") {
            self.until("-->").map(|_| true)
        } else if self.take("<?") {
            self.until("?>").map(|_| true)
        } else if self.rest.starts_with("<!") {
            Err(Stop::Unclear("CDATA or a document type"))
        } else {
            Ok(false)
        }
    }

    fn document(&mut self) -> Read<json::Value> {
        while self.skip()? {
            self.space();
        }
        if !self.take("<") {
            return Err(Stop::Malformed);
        }
        let (name, value) = self.element(0)?;
        self.space();
        while self.skip()? {
            self.space();
        }
        if self.rest.is_empty() { Ok(json::object([(name, value)])) } else { Err(Stop::Malformed) }
    }

    fn name(&mut self) -> Read<String> {
        let end = self.rest.find(|c: char| c.is_whitespace() || "<>/='\"&".contains(c)).ok_or(Stop::Malformed)?;
        let (name, rest) = self.rest.split_at_checked(end).ok_or(Stop::Malformed)?;
        let begins = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_' || c == ':');
        self.rest = rest;
        if begins { Ok(name.to_owned()) } else { Err(Stop::Malformed) }
    }

    /// Behind its `<`.
    fn element(&mut self, depth: usize) -> Read<(String, json::Value)> {
        if depth > MAX_DEPTH {
            return Err(Stop::Unclear("elements too deep"));
        }
        let name = self.name()?;
        let mut members = json::Object::new();
        loop {
            self.space();
            if self.take("/>") {
                return Ok((name, if members.is_empty() { json::Value::Null } else { json::Value::Object(members) }));
            }
            if self.take(">") {
                break;
            }
            let key = self.name()?;
            self.space();
            let quote = if self.take("=") { self.quote()? } else { return Err(Stop::Malformed) };
            let value = plain(self.until(quote)?)?;
            if value.contains('<') || members.insert(format!("@{key}"), scalar(&value)?).is_some() {
                return Err(Stop::Malformed);
            }
        }
        let value = self.content(&name, members, depth)?;
        Ok((name, value))
    }

    fn quote(&mut self) -> Read<&'static str> {
        self.space();
        ["\"", "'"].into_iter().find(|q| self.take(q)).ok_or(Stop::Malformed)
    }

    fn content(&mut self, name: &str, mut members: json::Object, depth: usize) -> Read<json::Value> {
        let mut texts: Vec<String> = Vec::new();
        let mut children = false;
        let mut blank = false;
        loop {
            let end = self.rest.find('<').ok_or(Stop::Malformed)?;
            let (text, rest) = self.rest.split_at_checked(end).ok_or(Stop::Malformed)?;
            self.rest = rest;
            if text.trim().is_empty() {
                blank |= !text.is_empty();
            } else {
                texts.push(plain(text)?);
            }
            if self.take("</") {
                if self.name()? != name {
                    return Err(Stop::Malformed);
                }
                self.space();
                if !self.take(">") {
                    return Err(Stop::Malformed);
                }
                break;
            }
            if self.skip()? {
                continue;
            }
            self.take("<");
            let (key, value) = self.element(depth + 1)?;
            children = true;
            match members.get_mut(&key) {
                None => {
                    members.insert(key, value);
                }
                Some(json::Value::Array(items)) => items.push(value),
                Some(first) => *first = json::Value::Array(vec![std::mem::take(first), value]),
            }
        }
        let text = match texts.as_slice() {
            [] if !children && blank => return Err(Stop::Unclear("an element that holds only space")),
            [] => None,
            [text] if !children && text.trim() != text => return Err(Stop::Unclear("space at the edge of a text")),
            [text] => Some(scalar(text.trim())?),
            _ => return Err(Stop::Unclear("a text in several pieces")),
        };
        Ok(match text {
            None if members.is_empty() => json::Value::Null,
            None => json::Value::Object(members),
            Some(text) if members.is_empty() => text,
            Some(text) => {
                members.insert("#text".to_owned(), text);
                json::Value::Object(members)
            }
        })
    }
}

/// Text with its entities resolved.
fn plain(text: &str) -> Read<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, tail) = after.split_once(';').ok_or(Stop::Malformed)?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            number => {
                let digits = number.strip_prefix('#').ok_or(Stop::Malformed)?;
                let code = match digits.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => digits.parse(),
                };
                code.ok().and_then(char::from_u32).ok_or(Stop::Malformed)?
            }
        });
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// Numbers are numbers, as the documented example shows; how one is read that is not in its shortest form, it does not.
fn scalar(text: &str) -> Read<json::Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) || text.parse::<f64>().is_err() {
        return Ok(json::Value::String(text.to_owned()));
    }
    let read = json::parse(text.as_bytes()).ok();
    let kept = read.filter(|value| super::super::compare::to_text(&Value::dynamic(value.clone())).as_ref() == text);
    kept.ok_or(Stop::Unclear("a number that is not in its shortest form"))
}
