//! From rows to columns whose types never change.
//!
//! The columns of a file follow from the declared type alone, not from the rows that it happens to hold, so that all parts of an export, and the
//! exports of every day, can be read as one table. What does not fit its column, and members that the declaration does not know, are kept as
//! JSON in the last column, `_more`: nothing is lost, and nothing changes a type.

use crate::{
    error::{Error, Kind, Result},
    json::{Object, Value},
    ops::{model::Property, types::ENTITIES},
};
use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, TimestampNanosecondBuilder},
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use jiff::{Timestamp, civil};
use std::{collections::HashMap, sync::Arc};

/// The column of what has no column.
pub(super) const MORE: &str = "_more";
/// Keys that are remembered: a type has some dozens.
const MOST_KEYS: usize = 1000;
/// What Parquet calls an item of a list.
pub(super) const ELEMENT: &str = "element";

/// What the documentation tells of the files that hold gathered information; no type of theirs is declared anywhere.
const GATHERED: &[Property] = &[
    Property { name: "deviceId", ty: "String" },
    Property { name: "deviceName", ty: "String" },
    Property { name: "osPlatform", ty: "String" },
    Property { name: "osVersion", ty: "String" },
    Property { name: "rbacGroupId", ty: "Int64" },
    Property { name: "rbacGroupName", ty: "String" },
    Property { name: "lastSeenTime", ty: "DateTimeOffset" },
    Property { name: "timestamp", ty: "DateTimeOffset" },
    Property { name: "deviceGatheredInfo", ty: "Object" },
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Text,
    Int,
    Float,
    Bool,
    Time,
    Texts,
    Json,
}

impl Type {
    fn of(property: &Property) -> Type {
        match property.ty {
            // Declared as texts, and filled with moments.
            "String" if property.name.to_ascii_lowercase().ends_with("timestamp") => Type::Time,
            "Int16" | "Int32" | "Int64" => Type::Int,
            "Double" | "Single" | "Decimal" => Type::Float,
            "Boolean" => Type::Bool,
            "DateTimeOffset" => Type::Time,
            "Collection(String)" => Type::Texts,
            "String" | "Guid" => Type::Text,
            other if other.starts_with("Collection(") || other == "Object" || ENTITIES.iter().any(|e| e.name == other) => Type::Json,
            _ => Type::Text,
        }
    }

    fn arrow(self) -> DataType {
        match self {
            Type::Text | Type::Json => DataType::Utf8,
            Type::Int => DataType::Int64,
            Type::Float => DataType::Float64,
            Type::Bool => DataType::Boolean,
            Type::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Type::Texts => DataType::List(Arc::new(element())),
        }
    }
}

fn element() -> Field {
    Field::new(ELEMENT, DataType::Utf8, true)
}

/// The columns of a file.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<(&'static str, Type)>,
    schema: SchemaRef,
}

impl Layout {
    /// The columns of a declared type; without one, those of gathered information.
    pub(super) fn of(entity: Option<&str>) -> Layout {
        let mut properties = Vec::new();
        let mut next = entity;
        while let Some(entity) = next.and_then(|name| ENTITIES.iter().find(|e| e.name == name)) {
            properties.splice(0..0, entity.properties);
            next = entity.base;
        }
        if properties.is_empty() {
            properties.extend(GATHERED);
        }
        let columns: Vec<_> = properties.into_iter().map(|p| (p.name, Type::of(p))).collect();
        let mut fields: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(*name, ty.arrow(), true)).collect();
        fields.push(Field::new(MORE, DataType::Utf8, true));
        Layout { columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// As Arrow knows it.
    pub(super) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampNanosecondBuilder),
    Texts(ListBuilder<StringBuilder>),
    Json(StringBuilder),
}

/// Rows on their way into columns.
pub(super) struct Columns {
    layout: Arc<Layout>,
    builders: Vec<Builder>,
    more: StringBuilder,
    /// From the keys as the service writes them, in whatever letter case, to columns.
    keys: HashMap<String, Option<usize>>,
    /// The row that each column was last filled for.
    filled: Vec<usize>,
    rows: usize,
}

impl Columns {
    /// No rows yet.
    pub(super) fn new(layout: Arc<Layout>) -> Columns {
        let builder = |(_, ty): &(&str, Type)| match ty {
            Type::Text => Builder::Text(StringBuilder::new()),
            Type::Int => Builder::Int(Int64Builder::new()),
            Type::Float => Builder::Float(Float64Builder::new()),
            Type::Bool => Builder::Bool(BooleanBuilder::new()),
            Type::Time => Builder::Time(TimestampNanosecondBuilder::new().with_timezone("UTC")),
            Type::Texts => Builder::Texts(ListBuilder::new(StringBuilder::new()).with_field(element())),
            Type::Json => Builder::Json(StringBuilder::new()),
        };
        let builders: Vec<_> = layout.columns.iter().map(builder).collect();
        let filled = vec![0; builders.len()];
        Columns { layout, builders, more: StringBuilder::new(), keys: HashMap::new(), filled, rows: 0 }
    }

    /// How many rows are held.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Adds a row.
    pub(super) fn add(&mut self, row: Value) {
        let members = match row {
            Value::Object(members) => members,
            other => Object::from_iter([("value".to_owned(), other)]),
        };
        self.rows += 1;
        let mut more = Object::new();
        for (key, value) in members {
            let column = match self.keys.get(&key) {
                Some(known) => *known,
                None => {
                    let found = self.layout.columns.iter().position(|(name, _)| name.eq_ignore_ascii_case(&key));
                    if self.keys.len() < MOST_KEYS {
                        self.keys.insert(key.clone(), found);
                    }
                    found
                }
            };
            let place = column.and_then(|i| Some((self.builders.get_mut(i)?, self.filled.get_mut(i)?)));
            let fits = place.is_some_and(|(builder, filled)| {
                let fits = *filled < self.rows && builder.add(&value);
                *filled = if fits { self.rows } else { *filled };
                fits
            });
            if !fits {
                more.insert(key, value);
            }
        }
        for (builder, filled) in self.builders.iter_mut().zip(&self.filled) {
            if *filled < self.rows {
                builder.add(&Value::Null);
            }
        }
        self.more.append_option((!more.is_empty()).then(|| Value::Object(more).to_string()));
    }

    /// The rows so far as one batch; the next row begins another.
    pub(super) fn take(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        self.filled.fill(0);
        let mut arrays: Vec<ArrayRef> = self.builders.iter_mut().map(Builder::finish).collect();
        arrays.push(Arc::new(self.more.finish()));
        RecordBatch::try_new(self.layout.schema(), arrays).map_err(|e| Error::new(Kind::Internal, e.to_string()))
    }
}

impl Builder {
    /// Adds a value, if it fits.
    fn add(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Builder::Text(b), Value::String(s)) => b.append_value(s),
            // Objects come as they are here, and as text there.
            (Builder::Json(b), Value::String(s)) if s.starts_with(['{', '[']) => b.append_value(s),
            (Builder::Text(b), Value::Null) | (Builder::Json(b), Value::Null) => b.append_null(),
            (Builder::Text(b), other) | (Builder::Json(b), other) => b.append_value(other.to_string()),
            (Builder::Int(b), Value::Null) => b.append_null(),
            (Builder::Int(b), value) => return whole(value).map(|n| b.append_value(n)).is_some(),
            (Builder::Float(b), Value::Null) => b.append_null(),
            (Builder::Float(b), value) => return number(value).map(|n| b.append_value(n)).is_some(),
            (Builder::Bool(b), Value::Null) => b.append_null(),
            (Builder::Bool(b), value) => return truth(value).map(|v| b.append_value(v)).is_some(),
            (Builder::Time(b), Value::Null) => b.append_null(),
            (Builder::Time(b), value) => return value.as_str().and_then(moment).map(|t| b.append_option(t)).is_some(),
            (Builder::Texts(b), Value::Null) => b.append_null(),
            (Builder::Texts(b), Value::Array(items)) if items.iter().all(|i| matches!(i, Value::String(_) | Value::Null)) => {
                b.append_value(items.iter().map(Value::as_str));
            }
            (Builder::Texts(_), _) => return false,
        }
        true
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(b) | Builder::Json(b) => Arc::new(b.finish()),
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Float(b) => Arc::new(b.finish()),
            Builder::Bool(b) => Arc::new(b.finish()),
            Builder::Time(b) => Arc::new(b.finish()),
            Builder::Texts(b) => Arc::new(b.finish()),
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        Value::String(s) => s.parse().ok().filter(|n: &i64| n.to_string() == **s),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    const EXACT: i64 = 1 << 53;
    match value {
        Value::Float(f) => Some(*f),
        Value::Int(n) if (-EXACT..=EXACT).contains(n) => Some(*n as f64),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::String(s) if s.eq_ignore_ascii_case("true") => Some(true),
        Value::String(s) if s.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// A moment in nanoseconds. Without a zone it is UTC; an empty text and the year 1 mean that there is none.
fn moment(text: &str) -> Option<Option<i64>> {
    if text.is_empty() || text.starts_with("0001-01-01") {
        return Some(None);
    }
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        Err(_) => text.parse::<civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(),
    };
    i64::try_from(instant.as_nanosecond()).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;
    use arrow_array::{Array, cast::AsArray, types::TimestampNanosecondType};

    fn batch(entity: Option<&str>, rows: &[&str]) -> RecordBatch {
        let mut columns = Columns::new(Arc::new(Layout::of(entity)));
        rows.iter().for_each(|r| columns.add(parse(r.as_bytes()).unwrap()));
        columns.take().unwrap()
    }

    fn text(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
        let array = batch.column_by_name(column)?.as_string::<i32>();
        (!array.is_null(row)).then(|| array.value(row).to_owned())
    }

    #[test]
    fn what_does_not_fit_is_kept_beside_and_no_type_changes() {
        let rows = [
            r#"{"DeviceId":"d","rbacGroupId":"9","numberOfWeaknesses":3,"diskPaths":["a","b"],"softwareFirstSeenTimestamp":"2020-12-30 14:17:26.0"}"#,
            r#"{"numberOfWeaknesses":"many","diskPaths":"a","endOfSupportDate":7,"softwareFirstSeenTimestamp":"soon","new":{"x":1}}"#,
            r#"{"softwareFirstSeenTimestamp":"0001-01-01T00:00:00Z","deviceId":"d","DEVICEID":"e"}"#,
            "{}",
        ];
        let batch = batch(Some("AssetSoftware"), &rows);
        assert_eq!(batch.schema(), Layout::of(Some("AssetSoftware")).schema());
        assert_eq!((batch.num_rows(), text(&batch, "deviceId", 0).as_deref()), (4, Some("d")));
        let times = batch.column_by_name("softwareFirstSeenTimestamp").unwrap().as_primitive::<TimestampNanosecondType>();
        assert_eq!(times.value(0), 1_609_337_846_000_000_000);
        assert!(times.is_null(1) && times.is_null(2));
        assert_eq!(text(&batch, MORE, 0), None);
        let more = r#"{"numberOfWeaknesses":"many","diskPaths":"a","softwareFirstSeenTimestamp":"soon","new":{"x":1}}"#;
        assert_eq!(text(&batch, MORE, 1).as_deref(), Some(more));
        assert_eq!(text(&batch, "endOfSupportDate", 1).as_deref(), Some("7"));
        assert_eq!(text(&batch, MORE, 2).as_deref(), Some(r#"{"DEVICEID":"e"}"#));
        let paths = batch.column_by_name("diskPaths").unwrap().as_list::<i32>();
        assert_eq!((paths.value(0).len(), paths.is_null(1)), (2, true));
    }

    #[test]
    fn moments_keep_all_their_digits_and_those_beyond_the_calendar_are_kept_as_they_came() {
        assert_eq!(moment("2026-11-21T00:00:00.1234567Z"), Some(Some(1_795_219_200_123_456_700)));
        assert_eq!(moment("2026-11-21T02:00:00+02:00"), Some(Some(1_795_219_200_000_000_000)));
        assert_eq!(moment("9999-12-31T23:59:59Z"), None);
        let batch = batch(Some("AssetCertificateAssessment"), &[r#"{"expirationDate":"9999-12-31T23:59:59Z"}"#]);
        assert_eq!(text(&batch, MORE, 0).as_deref(), Some(r#"{"expirationDate":"9999-12-31T23:59:59Z"}"#));
    }

    #[test]
    fn every_export_has_its_columns() {
        for catalog in crate::exports::catalog() {
            let schema = Layout::of(catalog.entity).schema();
            assert!(schema.column_with_name("deviceId").is_some(), "{}", catalog.name);
        }
        assert_eq!(Layout::of(Some("DeltaAssetVulnerability")).schema().field(0).name(), "id");
    }

    #[test]
    fn gathered_information_is_json_whether_it_came_as_text_or_not() {
        let batch = batch(None, &[r#"{"DeviceGatheredInfo":{"AvMode":"0"}}"#, r#"{"DeviceGatheredInfo":"{\"AvMode\":\"0\"}"}"#]);
        assert_eq!(text(&batch, "deviceGatheredInfo", 0).as_deref(), Some(r#"{"AvMode":"0"}"#));
        assert_eq!(text(&batch, "deviceGatheredInfo", 1).as_deref(), Some(r#"{"AvMode":"0"}"#));
    }
}
