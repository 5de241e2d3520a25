//! A result as a file that can become the same result again: what is known beside the rows, as JSON.

use super::{Hunted, TruncatedBy, Window};
use crate::{
    error::{Error, Kind, Result},
    files::{self, Format, Read},
    json::{Value, object},
    ops::model::Service,
    table::{Table, Texts},
};
use std::{path::Path, time::Duration};

impl Hunted {
    /// Writes the rows; a Parquet file also keeps what is known beside them.
    pub fn write(&self, path: &Path, format: Format) -> Result<()> {
        let batches = self.table.batches(Texts::View)?;
        let about = self.about();
        files::write(path, format, &self.table.arrow_schema(Texts::View), &batches, Some(&about))
    }

    /// Reads a Parquet file that [`Hunted::write`] wrote.
    pub fn read(path: &Path) -> Result<Hunted> {
        let Read { schema, batches, about } = files::read_parquet(path)?;
        let wires = texts(&about, "types").filter(|types| types.len() == schema.fields().len());
        let wires = wires.ok_or_else(|| Error::new(Kind::File, format!("{}: this is no file of a hunting result", path.display())))?;
        Hunted::told(Table::from_batches(&schema, &batches, Some(&wires))?, &about)
    }

    /// Rows with what is known about them, in the words of `about`.
    pub fn told(table: Table, about: &Value) -> Result<Hunted> {
        let text = |key: &str| about.get(key).and_then(Value::as_str);
        let number = |key: &str| about.get(key).and_then(Value::as_f64).unwrap_or_default();
        let seconds = |key: &str| Duration::try_from_secs_f64(number(key)).unwrap_or_default();
        let api = text("api").and_then(Service::from_name);
        let truncated = match text("truncated") {
            Some("rows") => Some(TruncatedBy::Rows),
            Some("bytes") => {
                let told = about.get("byte_cap").and_then(Value::as_i64).and_then(|n| u64::try_from(n).ok());
                Some(TruncatedBy::Bytes(told.unwrap_or(super::byte_cap(api.unwrap_or(Service::Graph)))))
            }
            _ => None,
        };
        Ok(Hunted {
            table,
            api,
            query: text("query").unwrap_or_default().to_owned(),
            elapsed: seconds("elapsed"),
            request_ids: texts(about, "request_ids").unwrap_or_default(),
            window: Window::new(text("since"), text("until"), text("timespan"))?,
            stats: about.get("stats").filter(|stats| !stats.is_null()).cloned(),
            truncated,
            bytes: number("bytes") as u64,
            tries: number("requests") as u32,
            waited: seconds("waited"),
            missing: about.get("missing").filter(|missing| !missing.is_null()).cloned(),
        })
    }

    fn about(&self) -> Value {
        let (since, until) = self.window.ends();
        let whole = self.window.given_timespan();
        let types: Vec<&str> = self.table.columns().iter().map(|c| &*c.wire).collect();
        let cap = match self.truncated {
            Some(TruncatedBy::Bytes(most)) => Value::from(most as i64),
            _ => Value::Null,
        };
        object([
            ("types", types.into()),
            ("api", self.api.map(Service::name).into()),
            ("query", self.query.as_str().into()),
            ("elapsed", self.elapsed.as_secs_f64().into()),
            ("request_ids", self.request_ids.clone().into()),
            ("since", since.into()),
            ("until", until.into()),
            ("timespan", whole.into()),
            ("stats", self.stats.clone().unwrap_or_default()),
            ("truncated", self.truncated.map(TruncatedBy::reason).into()),
            ("byte_cap", cap),
            ("bytes", (self.bytes as i64).into()),
            ("requests", i64::from(self.tries).into()),
            ("waited", self.waited.as_secs_f64().into()),
            ("missing", self.missing.clone().unwrap_or_default()),
        ])
    }
}

fn texts(about: &Value, key: &str) -> Option<Vec<String>> {
    about.get(key)?.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
