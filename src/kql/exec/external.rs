//! The rows of `externaldata`, out of texts that somebody registered.

use super::super::Outside;
use super::super::compare::{convert, from_json, parse_json};
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::plan::Step;
use super::super::scalar::{Batch, Col};
use super::super::value::{Type, Value};
use super::Run;
use crate::json;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Format {
    /// Fields between these characters, in quotes where they hold one.
    Delimited(char),
    /// One record a line in one field.
    Lines,
    /// The whole text in one field.
    Raw,
    /// Objects, or arrays of objects, one behind the other.
    Json,
}

pub(in super::super) struct External {
    pub(in super::super) outside: Option<Arc<dyn Outside>>,
    pub(in super::super) urls: Vec<(Arc<str>, Span)>,
    pub(in super::super) columns: Vec<(Arc<str>, Type)>,
    pub(in super::super) format: Format,
    pub(in super::super) skip_first: bool,
}

impl Step for External {
    fn run(&self, _: Batch, run: &Run) -> Try<Batch> {
        let mut made: Vec<Vec<Value>> = self.columns.iter().map(|_| Vec::new()).collect();
        for (url, span) in &self.urls {
            let text = self.outside.as_ref().and_then(|o| o.external(url));
            let text = text.ok_or_else(|| unsupported(*span, format!("externaldata from {}, whose text is not registered", host(url))))?;
            let text = text.trim_start_matches('\u{feff}');
            run.charge(text.len() / 8)?;
            if self.format == Format::Json {
                self.objects(text, *span, run, &mut made)?;
                continue;
            }
            let records = match self.format {
                Format::Delimited(sign) => delimited(text, sign),
                Format::Lines => text.lines().map(|l| vec![l.to_owned()]).collect(),
                Format::Raw | Format::Json => vec![vec![text.to_owned()]],
            };
            for record in records.into_iter().skip(usize::from(self.skip_first)) {
                run.charge(made.len())?;
                let mut fields = record.into_iter();
                for (column, (_, ty)) in made.iter_mut().zip(&self.columns) {
                    column.push(fields.next().map_or_else(|| Value::absent(*ty).clone(), |field| typed(field, *ty)));
                }
            }
        }
        let rows = made.first().map_or(0, Vec::len);
        let cols = made.into_iter().zip(&self.columns).map(|(cells, (_, ty))| Col::own(cells, *ty)).collect();
        Ok(Batch { cols, rows })
    }
}

impl External {
    fn objects(&self, text: &str, span: Span, run: &Run, made: &mut [Vec<Value>]) -> Try<()> {
        let broken = || semantic(span, "the external text is no JSON of objects");
        let whole = json::parse(text.as_bytes());
        let objects = match whole {
            Ok(json::Value::Array(items)) => items,
            Ok(one) => vec![one],
            Err(_) => {
                let lines = text.lines().filter(|l| !l.trim().is_empty());
                lines.map(|l| json::parse(l.as_bytes()).map_err(|_| broken())).collect::<Try<Vec<json::Value>>>()?
            }
        };
        for object in objects {
            if object.as_object().is_none() {
                return Err(broken());
            }
            run.charge(made.len())?;
            for (column, (name, ty)) in made.iter_mut().zip(&self.columns) {
                let member = object.get(name).unwrap_or(&json::Value::Null);
                column.push(member_as(member, *ty));
            }
        }
        Ok(())
    }
}

/// The host of a URL: the rest may hold a signature.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', ';', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn typed(field: String, ty: Type) -> Value {
    match ty {
        Type::String => Value::text(field),
        Type::Dynamic => parse_json(&field),
        _ => convert(&Value::text(field), ty),
    }
}

/// A member of an object as a column's cell.
pub(super) fn member_as(member: &json::Value, ty: Type) -> Value {
    match (member, ty) {
        (json::Value::Null, _) => Value::absent(ty).clone(),
        (_, Type::Dynamic) => Value::dynamic(member.clone()),
        (json::Value::Array(_) | json::Value::Object(_), Type::String) => Value::text(member.to_string()),
        _ => convert(&from_json(member), ty),
    }
}

/// Records of fields; a field in double quotes may hold the sign, line ends and doubled quotes. Empty lines are no records.
fn delimited(text: &str, sign: char) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut written = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => {
                quoted = true;
                written = true;
            }
            _ if quoted => field.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => {
                if written || !record.is_empty() || !field.is_empty() {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
                written = false;
            }
            _ if c == sign => record.push(std::mem::take(&mut field)),
            _ => field.push(c),
        }
    }
    if written || !record.is_empty() || !field.is_empty() {
        record.push(field);
        records.push(record);
    }
    records
}
