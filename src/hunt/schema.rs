//! The bundled hunting schema: which tables there are, with their columns and types.
//!
//! As a catalog of tables without rows it lets the query engine judge names and types offline.

use crate::{
    json::{self, Value},
    kql::{Catalog, Cells, Column, Table, Type},
    ops::HUNTING_SCHEMA,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock},
};

/// The column by which a window limits a table.
pub const TIME: &str = "Timestamp";

/// Tables without rows.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    tables: HashMap<String, Arc<Table>>,
}

static BUNDLED: LazyLock<Schema> = LazyLock::new(|| {
    let schema = json::parse(HUNTING_SCHEMA.as_bytes()).unwrap_or_default();
    let mut bundled = Schema::default();
    for (name, columns) in schema.get("tables").and_then(Value::as_object).into_iter().flatten() {
        let columns = columns.as_object().into_iter().flatten();
        bundled.add(name, columns.map(|(name, ty)| (name.as_str(), ty.as_str().and_then(Type::parse).unwrap_or(Type::String))));
    }
    bundled
});

static COLUMNS: LazyLock<HashSet<Arc<str>>> =
    LazyLock::new(|| BUNDLED.tables.values().flat_map(|t| t.columns.iter().map(|c| c.name.clone())).collect());

impl Schema {
    /// The one that is compiled in.
    pub fn bundled() -> &'static Schema {
        &BUNDLED
    }

    /// Adds a table, or replaces it.
    pub fn add<'c>(&mut self, name: &str, columns: impl Iterator<Item = (&'c str, Type)>) {
        let columns = columns.map(|(name, ty)| Column { name: name.into(), ty, cells: Cells::new() }).collect();
        self.tables.insert(name.to_owned(), Arc::new(Table { columns, rows: 0 }));
    }

    /// Whether a table is known.
    pub fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// The type of a table's column.
    pub fn column(&self, table: &str, column: &str) -> Option<Type> {
        self.tables.get(table)?.columns.iter().find(|c| *c.name == *column).map(|c| c.ty)
    }
}

/// Whether any bundled table has a column of this name.
pub(super) fn is_column(name: &str) -> bool {
    COLUMNS.contains(name)
}

impl Catalog for Schema {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.tables.get(name).cloned()
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }
}
