//! What a column of a file may hold: the types that the converters make, and no others.

use arrow_schema::{DataType, Field, TimeUnit};
use std::sync::Arc;

/// What Parquet calls an item of a list.
pub const ELEMENT: &str = "element";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Long,
    Double,
    Text,
    View,
    Nanoseconds,
    Microseconds,
    Span,
    Texts,
    Longs,
}

const ALL: [(Kind, &str); 11] = [
    (Kind::Bool, "bool"),
    (Kind::Int, "int32"),
    (Kind::Long, "int64"),
    (Kind::Double, "double"),
    (Kind::Text, "utf8"),
    (Kind::View, "utf8_view"),
    (Kind::Nanoseconds, "timestamp_ns"),
    (Kind::Microseconds, "timestamp_us"),
    (Kind::Span, "duration_ns"),
    (Kind::Texts, "list_utf8"),
    (Kind::Longs, "list_int64"),
];

impl Kind {
    /// Of an Arrow type, if it is one of ours.
    pub(super) fn of(ty: &DataType) -> Option<Kind> {
        Some(match ty {
            DataType::Boolean => Kind::Bool,
            DataType::Int32 => Kind::Int,
            DataType::Int64 => Kind::Long,
            DataType::Float64 => Kind::Double,
            DataType::Utf8 => Kind::Text,
            DataType::Utf8View => Kind::View,
            DataType::Timestamp(TimeUnit::Nanosecond, Some(zone)) if **zone == *"UTC" => Kind::Nanoseconds,
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if **zone == *"UTC" => Kind::Microseconds,
            DataType::Duration(TimeUnit::Nanosecond) => Kind::Span,
            DataType::List(item) if *item.data_type() == DataType::Utf8 => Kind::Texts,
            DataType::List(item) if *item.data_type() == DataType::Int64 => Kind::Longs,
            _ => return None,
        })
    }

    /// The Arrow type.
    pub(super) fn arrow(self) -> DataType {
        match self {
            Kind::Bool => DataType::Boolean,
            Kind::Int => DataType::Int32,
            Kind::Long => DataType::Int64,
            Kind::Double => DataType::Float64,
            Kind::Text => DataType::Utf8,
            Kind::View => DataType::Utf8View,
            Kind::Nanoseconds => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Kind::Microseconds => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Span => DataType::Duration(TimeUnit::Nanosecond),
            Kind::Texts => DataType::List(Arc::new(Field::new(ELEMENT, DataType::Utf8, true))),
            Kind::Longs => DataType::List(Arc::new(Field::new(ELEMENT, DataType::Int64, true))),
        }
    }

    /// The word for it in a file of ours.
    pub(super) fn word(self) -> &'static str {
        ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// By its word.
    pub(super) fn from_word(word: &str) -> Option<Kind> {
        ALL.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}
