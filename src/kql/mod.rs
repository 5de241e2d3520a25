//! The engine that runs the Kusto Query Language: behind the sandbox's hunting, and for results that are here already.
//!
//! A hunting query must be tried without a tenant, and a fake that answers wrongly is worse than none. So this engine runs the part of
//! the Kusto Query Language that hunting uses, by the language's documented rules, and refuses everything else by name and place: a
//! query either gets the right answer or an error that says what the engine lacks.
//!
//! A query goes through [`lexer`] and [`parser`] to a syntax tree, through [`bind`] to a plan in which every name and type is resolved,
//! and through [`exec`] to rows. Limits (rows, cells of work, depth, size) keep a hostile query from exhausting its host.

mod aggregate;
mod ast;
mod bind;
mod cells;
mod compare;
mod complete;
mod coverage;
mod datetime;
mod error;
mod exec;
mod format;
mod functions;
mod lexer;
mod parser;
mod plan;
mod scalar;
mod text;
mod tokens;
pub mod value;

#[cfg(test)]
mod tests;

pub use cells::{Cells, Nulls};
pub use complete::{Completion, complete};
pub use coverage::{Part, coverage};
pub use datetime::{format_datetime, format_timespan, parse_datetime, parse_timespan};
pub use error::{ErrorKind, KqlError};
pub use format::format;
pub use tokens::{Token, TokenKind, place, tokens};
pub use value::{Column, Table, Type, Value};

use crate::json::Value as Json;
use error::{Fail, fault};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// The stack of the thread that binds and runs a query: its depth limits are set for this size, whoever calls.
const STACK: usize = 64 << 20;

/// Where the tables are. A table without rows still has its columns.
pub trait Catalog: Send + Sync {
    /// A table by its name, case-sensitive.
    fn table(&self, name: &str) -> Option<Arc<Table>>;
    /// All names, for wildcards and suggestions.
    fn table_names(&self) -> Vec<String>;
    /// The cells of a table that makes them when they are asked for; then the columns of [`Catalog::table`] have none.
    fn lazy(&self, _name: &str) -> Option<Arc<dyn Lazy>> {
        None
    }
    /// What queries look up beside the tables.
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        None
    }
}

/// What queries look up beside the tables: each answer is known by registration, and what is not registered is not known.
pub trait Outside: Send + Sync {
    /// The text at a URL of `externaldata`; without one the query is refused.
    fn external(&self, _url: &str) -> Option<Arc<str>> {
        None
    }
    /// What `FileProfile` adds to a file of that hash (SHA1, SHA256 or MD5 in small letters): an object by column name.
    fn file_profile(&self, _hash: &str) -> Option<Arc<Json>> {
        None
    }
    /// What `geo_info_from_ip_address` answers: an object with `country`, `state`, `city`, `latitude` and `longitude`.
    fn geo(&self, _address: &str) -> Option<Arc<Json>> {
        None
    }
    /// What `SeenBy` answers for a device's id: an array of objects by column name.
    fn seen_by(&self, _device: &str) -> Option<Arc<Json>> {
        None
    }
    /// The devices that had an address within the hour before a moment (ticks): an array of objects by column name (`DeviceFromIP`).
    fn devices_of(&self, _address: &str, _at: i64) -> Option<Arc<Json>> {
        None
    }
}

/// Cells that are made when a query looks at their column.
pub trait Lazy: Send + Sync {
    /// Which table this is, for [`Passed::Of`].
    fn id(&self) -> usize;
    /// One cell a row.
    fn cells(&self, column: usize) -> &Cells;
    /// The cells of these few rows, where that is cheaper than the whole column.
    fn few(&self, _column: usize, _rows: &[usize]) -> Option<Vec<Value>> {
        None
    }
}

/// The cells of a column of an answer.
#[derive(Clone, Debug)]
pub enum Passed {
    /// Values that the query made.
    Own(Cells),
    /// Cells of a [`Lazy`] table as they are there, in this order; `None` stands for a row that had no match.
    Of {
        /// The table's id.
        table: usize,
        /// The column.
        column: usize,
        /// The rows; all of them, in their order, if there are none.
        rows: Option<Vec<Option<usize>>>,
    },
}

/// What a query over [`Lazy`] tables answered.
#[derive(Clone, Debug)]
pub struct Picked {
    /// Name, type and cells.
    pub columns: Vec<(Arc<str>, Type, Passed)>,
    /// How many rows.
    pub rows: usize,
}

/// The circumstances of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What `now()` answers: ticks of 100 ns since 0001-01-01T00:00:00Z.
    pub now: i64,
    /// The half-open time `[from, to)` outside of which the rows of a table with a `Timestamp` are not seen.
    pub window: Option<(i64, i64)>,
    /// The most rows of the result; more are cut and [`Output::truncated`] is set.
    pub max_rows: usize,
    /// The most cells that the whole query may make or visit; beyond it the query fails.
    pub max_cells: usize,
    /// The most memory, in bytes, that all that the query makes may take; beyond it the query fails.
    pub max_bytes: usize,
    /// Set to stop the query, from any thread.
    pub stop: Option<Arc<AtomicBool>>,
    /// When the query is stopped.
    pub deadline: Option<Instant>,
}

impl Options {
    /// The service's limits at a moment.
    pub fn at(now: i64) -> Options {
        Options { now, window: None, max_rows: 100_000, max_cells: 200_000_000, max_bytes: 2 << 30, stop: None, deadline: None }
    }
}

/// What a query answered.
#[derive(Clone, Debug)]
pub struct Output {
    /// The rows.
    pub table: Table,
    /// Whether rows beyond [`Options::max_rows`] were cut.
    pub truncated: bool,
    /// The kind of chart that the query asked for with `render`.
    pub rendered: Option<String>,
}

/// The columns that a query answers, without running it.
///
/// # Errors
///
/// As [`run`], but for what only rows can show.
pub fn describe(query: &str, catalog: &dyn Catalog) -> Result<Vec<(Arc<str>, Type)>, KqlError> {
    apart(query, || {
        let parsed = parser::parse(query)?;
        let relation = bind::Binder::new(catalog, &Options::at(0)).query(&parsed)?;
        Ok(relation.fields.into_iter().map(|f| (f.name, f.ty)).collect())
    })
}

/// Does the work on a thread with a stack that bears it.
fn apart<T: Send>(query: &str, work: impl FnOnce() -> Result<T, Fail> + Send) -> Result<T, KqlError> {
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("kql".to_owned()).stack_size(STACK);
        match thread.spawn_scoped(scope, work) {
            Ok(handle) => handle.join().unwrap_or_else(|_| Err(fault("the query engine failed; this is a fault of the engine"))),
            Err(_) => Err(fault("no thread is free to run the query")),
        }
    });
    outcome.map_err(|fail| fail.locate(query))
}

/// Whether a word begins an operator behind a pipe; those that stand for tables as well (`union`) are not meant.
pub fn is_operator(word: &str) -> bool {
    const BEGINNINGS: [&str; 4] = ["mv", "make", "top", "sample"];
    !["union", "print", "find", "externaldata"].contains(&word)
        && [&parser::OPERATORS[..], &parser::REFUSED_OPERATORS, &BEGINNINGS].iter().any(|known| known.contains(&word))
}

/// Runs a query.
///
/// # Errors
///
/// A query that is wrong, that needs what the engine lacks, or that asks for too much is refused; the error says which and where.
pub fn run(query: &str, catalog: &dyn Catalog, options: &Options) -> Result<Output, KqlError> {
    apart(query, || run_here(query, catalog, options))
}

/// Runs a query over tables whose cells are made when they are asked for; what it passes on is not made at all.
///
/// # Errors
///
/// As [`run`].
pub fn pick(query: &str, catalog: &dyn Catalog, options: &Options) -> Result<Picked, KqlError> {
    apart(query, || {
        let parsed = parser::parse(query)?;
        let run = exec::Run::new(options);
        let relation = bind::Binder::new(catalog, options).live(&run).query(&parsed)?;
        let batch = run.rows(&relation.plan)?;
        let cells = |at: usize| batch.cols.get(at).map_or(Passed::Own(Cells::new()), |col| col.picked(batch.rows));
        let columns = relation.fields.iter().enumerate().map(|(at, f)| (f.name.clone(), f.ty, cells(at))).collect();
        Ok(Picked { columns, rows: batch.rows })
    })
}

fn run_here(text: &str, catalog: &dyn Catalog, options: &Options) -> Result<Output, Fail> {
    run_with(text, catalog, options, exec::Run::new(options))
}

fn run_with(text: &str, catalog: &dyn Catalog, options: &Options, run: exec::Run) -> Result<Output, Fail> {
    let query = parser::parse(text)?;
    let mut binder = bind::Binder::new(catalog, options).live(&run);
    let relation = binder.query(&query)?;
    let batch = run.rows(&relation.plan)?;
    let rows = batch.rows.min(options.max_rows);
    let column = |(at, field): (usize, &bind::Field)| Column {
        name: field.name.clone(),
        ty: field.ty,
        cells: batch.cols.get(at).map_or_else(Cells::new, |col| col.kept(rows)),
    };
    let columns = relation.fields.iter().enumerate().map(column).collect();
    Ok(Output { table: Table { columns, rows }, truncated: batch.rows > rows, rendered: binder.rendered })
}
