//! Which columns a declared type has.

use crate::{
    files::ELEMENT,
    ops::{
        model::{Entity, Operation, Property, Returns},
        types::ENTITIES,
    },
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::{collections::HashMap, sync::Arc};

/// The column of what has no column.
pub const MORE: &str = "_more";
/// Keys that are remembered: a type has some dozens.
const MOST_KEYS: usize = 1000;

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

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Text; whatever else comes, as JSON text.
    Text,
    /// JSON text.
    Json,
    Bool,
    Int,
    Float,
    /// A point in time, in nanoseconds: from 1677 to 2262.
    Time,
    /// A point in time that may lie further away, in microseconds. Services write the end of the year 9999.
    FarTime,
    Texts,
    Ints,
}

impl Type {
    /// The type of a property, by its declared type and by its name: exports declare times as texts, and antivirus health truth values.
    fn of(property: &Property) -> Type {
        let name = property.name.to_ascii_lowercase();
        match property.ty {
            "Boolean" => Type::Bool,
            "Int16" | "Int32" | "Int64" | "Byte" => Type::Int,
            "Double" | "Single" | "Decimal" => Type::Float,
            "DateTimeOffset" => Type::Time,
            "String" if name.starts_with("avis") && name.ends_with("uptodate") => Type::Bool,
            "String" if ["timestamp", "timeoffset", "date"].iter().any(|end| name.ends_with(end)) => Type::Time,
            "Collection(Int32)" | "Collection(Int64)" => Type::Ints,
            "Object" => Type::Json,
            ty => match ty.strip_prefix("Collection(").and_then(|t| t.strip_suffix(')')) {
                Some(inner) if inner != "Object" && !is_entity(inner) => Type::Texts,
                Some(_) => Type::Json,
                None if is_entity(ty) => Type::Json,
                None => Type::Text,
            },
        }
    }

    fn arrow(self) -> DataType {
        match self {
            Type::Text | Type::Json => DataType::Utf8,
            Type::Bool => DataType::Boolean,
            Type::Int => DataType::Int64,
            Type::Float => DataType::Float64,
            Type::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Type::FarTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Type::Texts => DataType::List(Arc::new(element(DataType::Utf8))),
            Type::Ints => DataType::List(Arc::new(element(DataType::Int64))),
        }
    }

    /// What a column becomes in which something did not fit.
    pub(super) fn wider(self) -> Type {
        if self == Type::Time { Type::FarTime } else { Type::Text }
    }
}

pub(super) fn element(ty: DataType) -> Field {
    Field::new(ELEMENT, ty, true)
}

fn is_entity(name: &str) -> bool {
    ENTITIES.iter().any(|e| e.name == name)
}

/// The columns of a type.
#[derive(Clone, Debug)]
pub struct Layout {
    pub(super) columns: Vec<(&'static str, Type)>,
    schema: SchemaRef,
}

impl Layout {
    /// Of the items that an operation answers.
    pub fn of_operation(op: &Operation) -> Layout {
        let entity = match op.returns {
            Returns::Many(ty) | Returns::One(ty) => ENTITIES.iter().find(|e| e.name == ty),
            _ => None,
        };
        Layout::new(entity.map_or_else(|| vec![("value", Type::Text)], properties))
    }

    /// Of the rows of an export; without a declared type, those of gathered information.
    pub fn of_export(entity: Option<&str>) -> Layout {
        let entity = entity.and_then(|name| ENTITIES.iter().find(|e| e.name == name));
        Layout::new(entity.map_or_else(|| GATHERED.iter().map(|p| (p.name, Type::of(p))).collect(), properties))
    }

    pub(super) fn new(columns: Vec<(&'static str, Type)>) -> Layout {
        let mut fields: Vec<Field> = columns.iter().map(|(name, ty)| Field::new(*name, ty.arrow(), true)).collect();
        fields.push(Field::new(MORE, DataType::Utf8, true));
        Layout { columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// As Arrow knows it, with [`MORE`] as the last column.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

fn properties(entity: &'static Entity) -> Vec<(&'static str, Type)> {
    let mut all = entity.base.and_then(|base| ENTITIES.iter().find(|e| e.name == base)).map_or_else(Vec::new, properties);
    all.extend(entity.properties.iter().map(|p| (p.name, Type::of(p))));
    all
}

/// From the keys as a service writes them, in whatever letter case, to columns.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<String, Option<usize>>);

impl Keys {
    pub(super) fn column(&mut self, layout: &Layout, key: &str) -> Option<usize> {
        if let Some(known) = self.0.get(key) {
            return *known;
        }
        let found = layout.columns.iter().position(|(name, _)| name.eq_ignore_ascii_case(key));
        if self.0.len() < MOST_KEYS {
            self.0.insert(key.to_owned(), found);
        }
        found
    }
}
