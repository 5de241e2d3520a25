//! Texts with a form of their own, taken apart: command lines, paths, records of CSV and XML.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Naming, P, Refusal, Spec, built, checked, plain, str_at, xml};
use crate::json;
use std::sync::Arc;

const D: Type = Type::Dynamic;

pub(super) const FUNCTIONS: &[Spec] = &[
    built("parse_command_line", &[P::Text, P::Str], D, |s| {
        if !s.text(1).is_some_and(|parser| parser.eq_ignore_ascii_case("windows")) {
            return Err(Refusal::Wrong("parse_command_line knows the parser \"windows\" only".to_owned()));
        }
        Ok(Arc::new(|a: &[&Value]| Ok(command_line(str_at(a, 0)))))
    }),
    plain("parse_path", &[P::Str], D, parse_path),
    checked("parse_csv", &[P::Str], D, |a| record(str_at(a, 0))).named(Naming::FirstArgument),
    checked("parse_xml", &[P::Str], D, |a| xml::parse(str_at(a, 0))).named(Naming::FirstArgument),
];

/// The first record: fields between commas, quoted where they hold commas, quotes or line ends.
fn record(text: &str) -> Answer {
    let unclear = |what: &str| Err(Trouble::Unsupported(format!("parse_csv of {what}")));
    if text.is_empty() {
        return unclear("an empty text");
    }
    let mut fields = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut fresh = true;
    while let Some(c) = chars.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match c {
            '"' if fresh => loop {
                match chars.next() {
                    Some('"') if chars.next_if_eq(&'"').is_some() => field.push('"'),
                    Some('"') => break,
                    Some(inner) => field.push(inner),
                    None => return unclear("a field whose quote is not closed"),
                }
            },
            '"' => return unclear("a quote inside a field"),
            ',' => fields.push(String::new()),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => break,
            other => field.push(other),
        }
        fresh = c == ',';
    }
    Ok(Value::dynamic(json::Value::Array(fields.into_iter().map(json::Value::String).collect())))
}

/// Splits as Windows' C runtime does: quotes group, backslashes count before a quote only.
fn command_line(text: &str) -> Value {
    let mut args: Vec<json::Value> = Vec::new();
    let mut current: Option<String> = None;
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let mut slashes = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    slashes += 1;
                }
                let arg = current.get_or_insert_default();
                if chars.peek() == Some(&'"') {
                    arg.push_str(&"\\".repeat(slashes / 2));
                    if slashes % 2 == 1 {
                        chars.next();
                        arg.push('"');
                    }
                } else {
                    arg.push_str(&"\\".repeat(slashes));
                }
            }
            '"' => {
                current.get_or_insert_default();
                if quoted && chars.next_if_eq(&'"').is_some() {
                    current.get_or_insert_default().push('"');
                }
                quoted = !quoted;
            }
            c if c.is_ascii_whitespace() && !quoted => args.extend(current.take().map(json::Value::String)),
            c => current.get_or_insert_default().push(c),
        }
    }
    args.extend(current.take().map(json::Value::String));
    if args.is_empty() { Value::Null } else { Value::dynamic(json::Value::Array(args)) }
}

fn parse_path(args: &[&Value]) -> Value {
    let text = str_at(args, 0);
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(s, r)| (s, r));
    let is_slash = |c: char| c == '\\' || c == '/';
    let root = if rest.get(1..2) == Some(":") { rest.get(..2).unwrap_or_default() } else { "" };
    let (directory, file) = rest.rfind(is_slash).map_or((root, rest.get(root.len()..).unwrap_or_default()), |at| {
        (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default())
    });
    let (file, stream) = file.split_once(':').unwrap_or((file, ""));
    let extension = file.rfind('.').map_or("", |at| file.get(at + 1..).unwrap_or_default());
    let directory_name = directory.rsplit(is_slash).next().filter(|d| *d != root).unwrap_or_default();
    let member = |name: &str, value: &str| (name.to_owned(), json::Value::from(value));
    Value::dynamic(json::Value::Object(
        [
            member("Scheme", scheme),
            member("RootPath", root),
            member("DirectoryPath", directory),
            member("DirectoryName", directory_name),
            member("Filename", file),
            member("Extension", extension),
            member("AlternateDataStreamName", stream),
        ]
        .into_iter()
        .collect(),
    ))
}
