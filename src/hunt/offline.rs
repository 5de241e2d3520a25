//! What can be said of a query without running it: the errors are those of a query that ran here.

use super::{local::refused, schema::Schema};
use crate::{
    error::{Error, Result},
    kql::{self, Type},
};
use std::sync::Arc;

/// Tables without rows, of names and types as a user writes them.
///
/// # Errors
///
/// A type that the language does not have.
pub fn shapes<'t>(tables: impl IntoIterator<Item = (&'t str, &'t [(String, String)])>) -> Result<Schema> {
    let mut schema = Schema::default();
    for (table, columns) in tables {
        let mut typed = Vec::new();
        for (name, ty) in columns {
            let known = Type::parse(ty).ok_or_else(|| {
                let names = Type::NAMES.join(", ");
                Error::argument("tables", format!("the column {name:?} of {table:?} has the type {ty:?}; a type is one of {names}"))
            })?;
            typed.push((name.as_str(), known));
        }
        schema.add(table, typed.into_iter());
    }
    Ok(schema)
}

/// The columns that a query answers, with their types.
///
/// # Errors
///
/// A query that is wrong, or that needs what the engine lacks.
pub fn describe(query: &str, schema: &Schema) -> Result<Vec<(Arc<str>, Type)>> {
    kql::describe(query, schema).map_err(|error| refused(query, error, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_known_without_a_row() {
        let columns = |query: &str| {
            let columns = describe(query, Schema::bundled())?;
            Ok::<_, Error>(columns.iter().map(|(name, ty)| format!("{name}:{}", ty.name())).collect::<Vec<_>>())
        };
        let query = "DeviceProcessEvents | summarize n = count(), max(Timestamp) by DeviceName, d = bin(Timestamp, 1d)";
        assert_eq!(columns(query).unwrap(), ["DeviceName:string", "d:datetime", "n:long", "max_Timestamp:datetime"]);
        let error = columns("DeviceEvents\n| where DeviceNam == ''").unwrap_err().to_string();
        assert!(error.contains("(line 2, column 9)\n  | where DeviceNam == ''\n          ^^^^^^^^^"), "{error}");
    }

    #[test]
    fn a_type_that_the_language_lacks_is_no_guess() {
        let columns = [("a".to_owned(), "long".to_owned()), ("b".to_owned(), "blob".to_owned())];
        let error = shapes([("T", columns.as_slice())]).unwrap_err().to_string();
        assert!(error.contains("\"b\" of \"T\"") && error.contains("\"blob\"") && error.contains("timespan"), "{error}");
        let schema = shapes([("T", &columns[..1])]).unwrap();
        assert_eq!(describe("T | project b = a", &schema).unwrap(), [("b".into(), Type::Long)]);
    }
}
