//! THE DECLARATION: every operation of the three services, once, as const data. No logic beyond looking one up.

pub mod model;
pub mod types;

mod actions;
mod alerts;
mod graph;
mod hunting;
mod incidents;
mod machines;

use model::{Method, Operation};

/// The advanced hunting tables with their columns and types, as JSON: `{"tables": {table: {column: type}}, …}`.
pub const HUNTING_SCHEMA: &str = include_str!("hunting-schema.json");

const GROUPS: &[&[Operation]] =
    &[hunting::OPERATIONS, incidents::OPERATIONS, alerts::OPERATIONS, machines::OPERATIONS, actions::OPERATIONS, graph::OPERATIONS];

const _: () = model::check(GROUPS);

/// Every operation.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    GROUPS.iter().copied().flatten()
}

/// The operation of that id.
pub fn by_id(id: &str) -> Option<&'static Operation> {
    all().find(|op| op.id == id)
}

/// The first operation whose method and path template fit a request path, with the values of its placeholders (as they stand in the
/// path, still percent-encoded). The services ignore the path's letter case, and their `v1.0` under `/api`.
pub fn by_path<'p>(method: &str, path: &'p str) -> Option<(&'static Operation, Vec<(&'static str, &'p str)>)> {
    all().filter(|op| op.method.name() == method).find_map(|op| match_path(op.path, path).map(|values| (op, values)))
}

/// Whether any operation has this path, whatever its method.
pub fn methods_of(path: &str) -> Vec<Method> {
    all().filter(|op| match_path(op.path, path).is_some()).map(|op| op.method).collect()
}

fn match_path<'p>(template: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let mut wanted = template.split('/');
    let mut given = path.split('/').peekable();
    let mut values = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(want), Some(have)) => match want.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
                Some(name) if !have.is_empty() => values.push((name, have)),
                None if want.eq_ignore_ascii_case(have) => {
                    if want == "api" && given.peek() == Some(&"v1.0") {
                        given.next();
                    }
                }
                _ => return None,
            },
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_path_finds_its_operation_whatever_its_case_and_version() {
        for path in ["/api/machines/abc/isolate", "/api/Machines/abc/Isolate", "/api/v1.0/machines/abc/isolate"] {
            let (op, values) = by_path("POST", path).unwrap();
            assert_eq!((op.id, values), ("machines.isolate", vec![("id", "abc")]));
        }
        assert!(by_path("GET", "/api/machines/abc/isolate").is_none());
        assert!(by_path("GET", "/api/machines/").is_none());
        assert!(by_path("GET", "/api/machines/a/b").is_none());
    }

    #[test]
    fn every_type_that_is_named_is_declared() {
        let known: HashSet<_> = types::ENTITIES.iter().map(|e| e.name).chain(types::ENUMS.iter().map(|e| e.name)).collect();
        let primitive = ["String", "Boolean", "Int32", "Int64", "DateTimeOffset", "Guid", "Double", "Single", "Stream", "Object"];
        for entity in types::ENTITIES {
            assert!(entity.base.is_none_or(|b| known.contains(b)), "{}", entity.name);
            for property in entity.properties {
                let ty = property.ty.trim_start_matches("Collection(").trim_end_matches(')');
                assert!(primitive.contains(&ty) || known.contains(ty), "{}.{}: {ty}", entity.name, property.name);
            }
        }
        for op in all() {
            if let model::Returns::One(ty) | model::Returns::Many(ty) = op.returns {
                assert!(known.contains(ty), "{}: {ty}", op.id);
            }
        }
    }

    #[test]
    fn the_hunting_schema_is_read() {
        let schema = crate::json::parse(HUNTING_SCHEMA.as_bytes()).unwrap();
        assert!(schema.get("tables").and_then(|t| t.get("DeviceProcessEvents")).is_some());
    }
}
