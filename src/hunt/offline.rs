//! What can be said of a query without running it: the errors are those of a query that ran here.

use super::{local::refused, schema::Schema};
use crate::{
    error::{Error, Result},
    kql::{self, Completion, Type},
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

/// The query laid out, with lines of at most `width` characters where they can be broken.
///
/// # Errors
///
/// A text that no query can have; a width or an indentation that makes no sense.
pub fn format(query: &str, width: i64, indent: i64) -> Result<String> {
    let within = |name: &'static str, value: i64, least: i64, most: i64| match usize::try_from(value) {
        Ok(good) if (least..=most).contains(&value) => Ok(good),
        _ => Err(Error::argument(name, format!("{value} is not from {least} to {most}"))),
    };
    let (width, indent) = (within("width", width, 20, 10_000)?, within("indent", indent, 0, 16)?);
    kql::format(query, width, indent).map_err(|error| refused(query, error, None))
}

/// What may stand behind so many characters of a query, or at its end; places are counted in characters.
pub fn complete(query: &str, cursor: Option<usize>, schema: &Schema) -> Vec<Completion> {
    let at = cursor.and_then(|chars| query.char_indices().nth(chars)).map_or(query.len(), |(at, _)| at);
    let chars = |at: usize| query.get(..at).map_or(0, |head| head.chars().count());
    let mut found = kql::complete(query, at, schema);
    // All replace the same word.
    if let Some((start, end)) = found.first().map(|c| (chars(c.start), chars(c.end))) {
        found.iter_mut().for_each(|c| (c.start, c.end) = (start, end));
    }
    found
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
    fn places_are_counted_in_characters() {
        let found = complete("print 'üü', strl", None, Schema::bundled());
        assert_eq!(found.iter().map(|c| (c.text.as_str(), c.start, c.end)).collect::<Vec<_>>(), [("strlen", 12, 16)]);
        assert!(complete("print 'üü', strl", Some(8), Schema::bundled()).is_empty());
        assert!(complete("DeviceEvents | ", Some(15), Schema::bundled()).iter().any(|c| c.text == "where"));
    }

    #[test]
    fn a_layout_has_bounds() {
        for (width, indent, named) in [(19, 4, "width: 19 is not from 20"), (100, -1, "indent: -1"), (100, 17, "indent: 17")] {
            assert!(format("T", width, indent).unwrap_err().to_string().contains(named));
        }
        assert_eq!(format("T|take 1", 100, 4).unwrap(), "T\n| take 1");
        assert!(format("T | where (a", 100, 4).unwrap_err().to_string().contains("(line 1, column 11)\n  T | where (a\n            ^"));
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
