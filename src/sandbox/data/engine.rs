//! Which engine answers queries.
//!
//! The one that is built in answers by the language's rules. A test may want none of it: what it wrote down, or an engine of its own.

use super::answers::answered;
use super::{Taken, rows};
use crate::json::Value;
use crate::kql::Table;
use crate::sandbox::{House, hunting};
use std::fmt;
use std::sync::Arc;

/// A query with its circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'q> {
    /// The text.
    pub query: &'q str,
    /// The present, in ticks since year 1.
    pub now: i64,
    /// From and to, in ticks.
    pub window: (i64, i64),
    /// `graph`, `xdr` or `endpoint`.
    pub api: &'static str,
}

/// An engine that somebody plugs in. It answers JSON: `{"rows": …, "columns": …}` or `{"error": …, "status": …}`.
pub type Plugged = Arc<dyn Fn(&Asked<'_>) -> Value + Send + Sync>;

/// Which engine answers queries.
#[derive(Clone, Default)]
pub enum Engine {
    /// The one of this crate.
    #[default]
    Builtin,
    /// None: what is registered alone.
    Canned,
    /// Somebody else's.
    Plugged(Plugged),
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Builtin => "Builtin",
            Engine::Canned => "Canned",
            Engine::Plugged(_) => "Plugged",
        })
    }
}

/// What a plugged engine said: rows, or status and message.
pub(in crate::sandbox) fn said(answer: &Value) -> Result<Table, (u16, String)> {
    if let Some(message) = answer.get("error").and_then(Value::as_str) {
        let status = answer.get("status").and_then(Value::as_i64).and_then(|s| u16::try_from(s).ok());
        return Err((status.unwrap_or(400), message.to_owned()));
    }
    answered(answer.get("rows").unwrap_or(&Value::Null), answer.get("columns")).map_err(|e| (500, format!("The engine's answer: {e}")))
}

/// `{"query": …}`: what the built-in engine answers on the tenant's tables, whatever the engine.
pub(super) fn run(house: &House, given: &Value) -> Taken<Value> {
    let query = given.get("query").and_then(Value::as_str).ok_or("query: takes KQL text")?;
    let output = hunting::ask(house, query).map_err(|e| format!("query: {e}"))?;
    Ok(rows::shown(&output.table))
}
