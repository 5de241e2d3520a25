//! Rows that are put into hunting tables: columns by the table's schema, cells of the columns' types.

use super::{Taken, guess, objects};
use crate::json::{Object, Value as Json, object};
use crate::kql::{self, Catalog, Column, Table, Type, Value, format_datetime, format_timespan};
use crate::sandbox::House;
use std::sync::Arc;

/// `{"table": …, "rows": […], "columns": {name: type}}`; `columns` says what a table is that is not there yet.
pub(super) fn add(house: &House, given: &Json) -> Taken<Json> {
    let name = given.get("table").and_then(Json::as_str).ok_or("table: takes the name of a table")?;
    let items = objects("rows", given.get("rows").unwrap_or(&Json::Null))?;
    let mut store = house.store();
    let columns = match store.tenant.tables.table(name) {
        Some(table) => table.columns.iter().map(|c| (c.name.clone(), c.ty)).collect(),
        None => match given.get("columns").and_then(Json::as_object).filter(|c| !c.is_empty()) {
            Some(columns) => types(name, columns)?,
            None => {
                let names = store.tenant.tables.table_names();
                let near = guess(name, names.iter().map(String::as_str));
                return Err(format!("table: there is no table {name:?}; give columns= with their types to make it.{near}"));
            }
        },
    };
    // A row without a time happened just now.
    let rows = table(&columns, &items, 0, Some(house.clock.now() - 1))?;
    store.tenant.tables.add(name, &rows);
    Ok(object([("rows", (rows.rows as i64).into())]))
}

/// `{"table": …}`
pub(super) fn clear(house: &House, given: &Json) -> Taken<Json> {
    let name = given.get("table").and_then(Json::as_str).unwrap_or_default();
    let mut store = house.store();
    let cleared = store.tenant.tables.clear(name);
    let names = store.tenant.tables.table_names();
    let near = || format!("table: there is no table {name:?}.{}", guess(name, names.iter().map(String::as_str)));
    Ok(object([("rows", (cleared.ok_or_else(near)? as i64).into())]))
}

/// Columns and their types as somebody gives them.
pub(super) fn types(table: &str, columns: &Object) -> Taken<Vec<(Arc<str>, Type)>> {
    let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !plain(table) || table.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("table: {table:?} is no name of a table"));
    }
    let one = |(name, ty): (&String, &Json)| {
        let word = ty.as_str().unwrap_or_default();
        let ty = Type::parse(word).ok_or_else(|| format!("columns: {name}: there is no type {word:?}.{}", guess(word, TYPES)))?;
        Ok((name.as_str().into(), ty))
    };
    columns.iter().map(one).collect()
}

const TYPES: [&str; 10] = ["bool", "int", "long", "real", "decimal", "string", "datetime", "timespan", "guid", "dynamic"];

/// The types that the values of rows have, where nobody says them.
pub(super) fn inferred(rows: &[&Object]) -> Vec<(Arc<str>, Type)> {
    let mut out: Vec<(Arc<str>, Option<Type>)> = Vec::new();
    for (name, value) in rows.iter().flat_map(|row| row.iter()) {
        let ty = match value {
            Json::Null => None,
            Json::Bool(_) => Some(Type::Bool),
            Json::Array(_) | Json::Object(_) => Some(Type::Dynamic),
            Json::String(_) if name == "Timestamp" => Some(Type::DateTime),
            Json::String(_) => Some(Type::String),
            other => Some(if other.as_i64().is_some() { Type::Long } else { Type::Real }),
        };
        match out.iter_mut().find(|(own, _)| **own == **name) {
            None => out.push((name.as_str().into(), ty)),
            Some((_, known)) if known.is_none() || (*known == Some(Type::Long) && ty == Some(Type::Real)) => *known = ty,
            Some((_, known)) if ty.is_some() && ty != *known && !(*known == Some(Type::Real) && ty == Some(Type::Long)) => {
                *known = Some(Type::String);
            }
            Some(_) => {}
        }
    }
    out.into_iter().map(|(name, ty)| (name, ty.unwrap_or(Type::String))).collect()
}

/// A table of rows. `shift`: ticks that every time is moved by; `now`: the time of a row that has none.
pub(super) fn table(columns: &[(Arc<str>, Type)], rows: &[&Object], shift: i64, now: Option<i64>) -> Taken<Table> {
    for (at, row) in rows.iter().enumerate() {
        if let Some(name) = row.keys().find(|name| !columns.iter().any(|c| *c.0 == ***name)) {
            let near = guess(name, columns.iter().map(|c| &*c.0));
            return Err(format!("rows[{at}]: the table has no column {name:?}.{near}"));
        }
    }
    let column = |(name, ty): &(Arc<str>, Type)| {
        let one = |(at, row): (usize, &&Object)| match row.get(&**name).filter(|v| !v.is_null()) {
            Some(value) => cell(value, *ty, shift).ok_or_else(|| {
                let shown: String = value.to_string().chars().take(60).collect();
                format!("rows[{at}].{name}: {shown} is no {}", ty.name())
            }),
            None if **name == *"Timestamp" && *ty == Type::DateTime => Ok(now.map_or(Value::Null, Value::DateTime)),
            None => Ok(if *ty == Type::String { Value::String("".into()) } else { Value::Null }),
        };
        let cells: Vec<Value> = rows.iter().enumerate().map(one).collect::<Taken<_>>()?;
        Ok(Column { name: name.clone(), ty: *ty, cells: cells.into_iter().collect() })
    };
    Ok(Table { columns: columns.iter().map(column).collect::<Taken<_>>()?, rows: rows.len() })
}

/// A value as a cell of that type; none: it is not one.
fn cell(value: &Json, ty: Type, shift: i64) -> Option<Value> {
    let text = value.as_str();
    Some(match ty {
        Type::Bool => Value::Bool(match (value.as_bool(), value.as_i64(), text) {
            (Some(b), ..) => b,
            (_, Some(n @ (0 | 1)), _) => n == 1,
            (.., Some(t)) if t.eq_ignore_ascii_case("true") => true,
            (.., Some(t)) if t.eq_ignore_ascii_case("false") => false,
            _ => return None,
        }),
        Type::Int => Value::Int(i32::try_from(whole(value)?).ok()?),
        Type::Long => Value::Long(whole(value)?),
        Type::Real => Value::Real(value.as_f64().or_else(|| text?.trim().parse().ok())?),
        Type::String => match value {
            Json::String(t) => Value::String(t.as_str().into()),
            Json::Null => Value::Null,
            other => Value::String(other.to_string().into()),
        },
        Type::DateTime => Value::DateTime(kql::parse_datetime(text?)?.checked_add(shift)?),
        Type::TimeSpan => Value::TimeSpan(kql::parse_timespan(text?)?),
        Type::Guid => {
            let text = text?.trim_matches(['{', '}']).to_ascii_lowercase();
            let right = text.len() == 36
                && text.bytes().enumerate().all(|(at, b)| if [8, 13, 18, 23].contains(&at) { b == b'-' } else { b.is_ascii_hexdigit() });
            Value::String(right.then_some(text)?.into())
        }
        Type::Dynamic => {
            let nested =
                text.and_then(|t| crate::json::parse(t.as_bytes()).ok()).filter(|v| v.as_object().is_some() || v.as_array().is_some());
            Value::Dynamic(Arc::new(nested.unwrap_or_else(|| value.clone())))
        }
        // A number that is more exact than those that the sandbox keeps would be cut.
        Type::Decimal => return None,
    })
}

fn whole(value: &Json) -> Option<i64> {
    let real = || value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9.0e15).map(|f| f as i64);
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()).or_else(real)
}

/// A cell as JSON, from which it can be read again.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => i64::from(*i).into(),
        Value::Long(i) => (*i).into(),
        Value::Real(f) => (*f).into(),
        Value::String(s) => (**s).into(),
        Value::DateTime(t) => format_datetime(*t).into(),
        Value::TimeSpan(t) => format_timespan(*t).into(),
        Value::Dynamic(json) => Json::clone(json),
        #[allow(unreachable_patterns, reason = "types that the language gains")]
        other => format!("{other:?}").into(),
    }
}

/// A table as JSON: columns with their types, and rows of cells in their order.
pub(super) fn shown(table: &Table) -> Json {
    let columns = table.columns.iter().map(|c| (c.name.to_string(), c.ty.name().into())).collect();
    let row = |at: usize| Json::Array(table.columns.iter().map(|c| c.cells.get(at).map_or(Json::Null, |v| json(&v))).collect());
    object([("columns", Json::Object(columns)), ("rows", Json::Array((0..table.rows).map(row).collect()))])
}
