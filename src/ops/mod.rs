//! THE DECLARATION: every operation of the three services, once, as const data. No logic beyond looking one up.

pub mod model;
pub mod types;

mod actions;
mod alerts;
mod baselines;
mod device_groups;
mod entities;
mod exports;
mod graph;
mod hunting;
mod incidents;
mod indicators;
mod investigations;
mod live_response;
mod machines;
mod recommendations;
mod scans;
mod scores;
mod software;
mod vulnerabilities;

use model::{Method, Operation};

/// The advanced hunting tables with their columns and types, as JSON: `{"tables": {table: {column: type}}, …}`.
pub const HUNTING_SCHEMA: &str = include_str!("hunting-schema.json");

const GROUPS: &[&[Operation]] = &[
    hunting::OPERATIONS,
    incidents::OPERATIONS,
    alerts::OPERATIONS,
    machines::OPERATIONS,
    actions::OPERATIONS,
    live_response::OPERATIONS,
    investigations::OPERATIONS,
    indicators::OPERATIONS,
    entities::OPERATIONS,
    software::OPERATIONS,
    vulnerabilities::OPERATIONS,
    recommendations::OPERATIONS,
    scores::OPERATIONS,
    exports::OPERATIONS,
    baselines::OPERATIONS,
    scans::OPERATIONS,
    device_groups::OPERATIONS,
    graph::OPERATIONS,
];

const _: () = model::check(GROUPS);

/// Every operation.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    GROUPS.iter().copied().flatten()
}

/// The operation of that id.
pub fn by_id(id: &str) -> Option<&'static Operation> {
    all().find(|op| op.id == id)
}

/// The operation whose method and path template fit a request path, with the values of its placeholders (as they stand in the path, still
/// percent-encoded). The services ignore the path's letter case, and their `v1.0` under `/api`. Of several that fit, the one whose template
/// says more; of those, the first.
pub fn by_path<'p>(method: &str, path: &'p str) -> Option<(&'static Operation, Vec<(&'static str, &'p str)>)> {
    let fits = all().filter(|op| op.method.name() == method).filter_map(|op| match_path(op.path, path).map(|values| (op, values)));
    fits.reduce(|best, next| if literals(next.0.path) > literals(best.0.path) { next } else { best })
}

/// The methods that a path is known with.
pub fn methods_of(path: &str) -> Vec<Method> {
    all().filter(|op| match_path(op.path, path).is_some()).map(|op| op.method).collect()
}

/// How much of a template is no placeholder.
fn literals(template: &str) -> usize {
    template.split(['{', '}']).step_by(2).map(str::len).sum()
}

fn match_path<'p>(template: &'static str, path: &'p str) -> Option<Vec<(&'static str, &'p str)>> {
    let mut wanted = template.split('/');
    let mut given = path.split('/').peekable();
    let mut values = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(values),
            (Some(want), Some(have)) => {
                match_segment(want, have, &mut values)?;
                if want == "api" && given.peek() == Some(&"v1.0") {
                    given.next();
                }
            }
            _ => return None,
        }
    }
}

/// One segment, which may hold placeholders between other text: `findbyip(ip='{ip}',timestamp={timestamp})`.
fn match_segment<'p>(want: &'static str, have: &'p str, values: &mut Vec<(&'static str, &'p str)>) -> Option<()> {
    let (mut want, mut have) = (want, have);
    while let Some((text, rest)) = want.split_once('{') {
        let (name, after) = rest.split_once('}')?;
        have = strip_ignoring_case(have, text)?;
        let until = after.split_once('{').map_or(after, |(text, _)| text);
        let end = match until {
            "" => have.len(),
            until => have.to_ascii_lowercase().find(&until.to_ascii_lowercase())?,
        };
        let (value, left) = have.split_at_checked(end)?;
        if value.is_empty() {
            return None;
        }
        values.push((name, value));
        (want, have) = (after, left);
    }
    want.eq_ignore_ascii_case(have).then_some(())
}

fn strip_ignoring_case<'p>(text: &'p str, prefix: &str) -> Option<&'p str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
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
    fn the_template_that_says_more_wins() {
        let found = |path| by_path("GET", path).map(|(op, values)| (op.id, values)).unwrap();
        assert_eq!(found("/api/machines/SoftwareInventoryByMachine").0, "exports.software_inventory");
        assert_eq!(found("/api/machines/abc"), ("machines.get", vec![("id", "abc")]));
        let values = vec![("ip", "10.0.0.1"), ("timestamp", "2026-01-01T00%3A00%3A00Z")];
        assert_eq!(found("/api/machines/FindByIp(ip='10.0.0.1',timestamp=2026-01-01T00%3A00%3A00Z)"), ("machines.find_by_ip", values));
        assert_eq!(found("/api/incidents/7").0, "incidents.get");
    }

    #[test]
    fn every_type_that_is_named_is_declared() {
        let known: HashSet<_> = types::ENTITIES.iter().map(|e| e.name).chain(types::ENUMS.iter().map(|e| e.name)).collect();
        let primitive =
            ["String", "Boolean", "Int32", "Int64", "DateTimeOffset", "Guid", "Double", "Single", "Stream", "Object", "TimeOfDay", "Byte"];
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
            for ty in op.params.iter().filter_map(|p| p.kind.entity()) {
                assert!(known.contains(ty), "{}: {ty}", op.id);
            }
        }
    }

    /// A declaration that holds together, to spoil.
    const GOOD: Operation = Operation::new("things.get", model::Service::Endpoint, Method::Get, "/api/things/{id}")
        .summary("Get a thing.")
        .params(&[model::id("id", "id", "Its id.")])
        .one("Machine")
        .permissions(&["Thing.Read.All"], &["Thing.Read"])
        .doc("https://learn.microsoft.com/");

    /// What the compiler would say.
    fn refusal(operations: &[Operation]) -> String {
        let panic = std::panic::catch_unwind(|| model::check(&[operations])).unwrap_err();
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned()).unwrap()
    }

    #[test]
    fn a_declaration_that_does_not_hold_together_does_not_build() {
        model::check(&[&[GOOD]]);
        assert!(refusal(&[GOOD, GOOD]).contains("same id"));
        assert!(refusal(&[Operation { path: "/api/things", ..GOOD }]).contains("stands in the template once"));
        assert!(refusal(&[Operation { path: "/api/things/{id}/{other}", ..GOOD }]).contains("do not match the template"));
        assert!(refusal(&[Operation { app_permissions: &[], delegated_permissions: &[], ..GOOD }]).contains("names its permissions"));
        assert!(refusal(&[Operation { summary: "", ..GOOD }]).contains("has a summary"));
        assert!(refusal(&[Operation { doc: "", ..GOOD }]).contains("documentation page"));
        assert!(refusal(&[Operation { returns: model::Returns::Many("Machine"), ..GOOD }]).contains("lists have pages"));
        const TWICE: &[model::Param] = &[model::id("id", "id", "Its id."), model::query("id", "x", model::Kind::Text, "Again.")];
        assert!(refusal(&[Operation { params: TWICE, ..GOOD }]).contains("same name"));
        const BODY: &[model::Param] = &[model::id("id", "id", "Its id."), model::body("x", "x", model::Kind::Text, "In a GET.")];
        assert!(refusal(&[Operation { params: BODY, ..GOOD }]).contains("no body"));
    }

    #[test]
    fn the_hunting_schema_is_read() {
        let schema = crate::json::parse(HUNTING_SCHEMA.as_bytes()).unwrap();
        assert!(schema.get("tables").and_then(|t| t.get("DeviceProcessEvents")).is_some());
    }
}
