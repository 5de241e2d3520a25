//! The declaration as dicts, for the generator and for whoever wants to look.

use super::convert::to_python;
use crate::{
    json::{self, Object, Value, object},
    ops::{self, model::*, types as declared},
    permissions,
};
use pyo3::prelude::*;

/// Every operation that xdrkit knows, as a list of dicts.
#[pyfunction]
pub(super) fn operations(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    to_python(py, &Value::Array(ops::all().map(operation).collect()))
}

/// Every type that answers are made of, as dicts.
#[pyfunction]
pub(super) fn types(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let entities = declared::ENTITIES.iter().map(|e| {
        let properties = e.properties.iter().map(|p| object([("name", p.name.into()), ("type", p.ty.into())])).collect();
        object([("name", e.name.into()), ("base", e.base.into()), ("key", e.key.into()), ("properties", Value::Array(properties))])
    });
    let enums = declared::ENUMS.iter().map(|e| object([("name", e.name.into()), ("members", e.members.to_vec().into())]));
    to_python(py, &object([("entities", Value::Array(entities.collect())), ("enums", Value::Array(enums.collect()))]))
}

/// The advanced hunting tables, their columns and types.
#[pyfunction]
pub(super) fn hunting_schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    to_python(py, &json::parse(ops::HUNTING_SCHEMA.as_bytes()).unwrap_or_default())
}

/// The least permissions for operations and helpers: what to grant on which service, and the same as text.
#[pyfunction]
pub(super) fn permissions_for(py: Python<'_>, names: Vec<String>) -> PyResult<Bound<'_, PyAny>> {
    let named = permissions::operations(names.iter().map(String::as_str)).map_err(|e| super::errors::raise(py, e))?;
    let grants = permissions::least(&named);
    let dicts = grants.iter().map(|grant| {
        let each = grant.permissions.iter().map(|(name, operations)| ((*name).to_owned(), operations.clone().into())).collect();
        object([
            ("service", grant.service.name().into()),
            ("app", grant.service.app_name().into()),
            ("context", grant.context.name().into()),
            ("permissions", Value::Object(each)),
            ("impossible", grant.impossible.clone().into()),
        ])
    });
    to_python(py, &object([("grants", Value::Array(dicts.collect())), ("text", permissions::text(&grants).into())]))
}

/// Every name that `permissions_for` takes.
#[pyfunction]
pub(super) fn permission_names() -> Vec<&'static str> {
    permissions::names().collect()
}

fn operation(op: &Operation) -> Value {
    let (group, method) = op.id.rsplit_once('.').unwrap_or(("", op.id));
    let returns = match op.returns {
        Returns::One(ty) => object([("kind", "one".into()), ("type", ty.into())]),
        Returns::Many(ty) => object([("kind", "many".into()), ("type", ty.into())]),
        Returns::Rows => object([("kind", "rows".into()), ("type", Value::Null)]),
        Returns::Text => object([("kind", "text".into()), ("type", Value::Null)]),
        Returns::Number => object([("kind", "number".into()), ("type", Value::Null)]),
        Returns::Nothing => object([("kind", "nothing".into()), ("type", Value::Null)]),
    };
    let quota = object([
        ("name", op.quota.name.into()),
        ("per_minute", i64::from(op.quota.per_minute).into()),
        ("per_hour", i64::from(op.quota.per_hour).into()),
    ]);
    let mut all = Object::new();
    let mut set = |name: &str, value: Value| all.insert(name.to_owned(), value);
    set("id", op.id.into());
    set("service", op.service.name().into());
    set("group", group.into());
    set("verb", method.into());
    set("method", op.method.name().into());
    set("path", op.path.into());
    set("summary", op.summary.into());
    set("notes", op.notes.into());
    set("params", Value::Array(op.params.iter().filter(|p| p.fixed.is_none()).map(param).collect()));
    set("app", op.service.app_name().into());
    set("app_permissions", op.app_permissions.to_vec().into());
    set("delegated_permissions", op.delegated_permissions.to_vec().into());
    set("paging", op.paging.name().into());
    set("page_max", op.paging.page_max().map(i64::from).into());
    set("safety", op.safety.name().into());
    set("effect", op.effect.name().into());
    set("documented", op.documented.into());
    set("quota", quota);
    set("deprecated", op.deprecated.into());
    set("filterable", op.filterable.to_vec().into());
    set("returns", returns);
    set("doc", op.doc.into());
    Value::Object(all)
}

fn param(p: &Param) -> Value {
    let members = p.kind.members();
    object([
        ("name", p.name.into()),
        ("wire", p.wire.into()),
        ("in", p.place.name().into()),
        ("type", p.kind.name().into()),
        ("required", p.required.into()),
        ("enum", if members.is_empty() { Value::Null } else { members.to_vec().into() }),
        ("entity", p.kind.entity().into()),
        ("most", p.most.map(|n| n as i64).into()),
        ("doc", p.doc.into()),
    ])
}
