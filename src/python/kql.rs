//! The query language, offline: what a query reads, what is wrong with it, and queries over tables that are here.

use super::{errors::lift, runtime, table::PyTable};
use crate::{
    decode::Decoder,
    hunt::{
        Hunted, Verdict,
        lint::{lint, places},
        local, offline, reads,
        schema::Schema,
    },
    kql::{coverage, parse_datetime},
    table::Table,
};
use pyo3::{
    exceptions::PyRuntimeError,
    prelude::*,
    types::{PyDict, PyList},
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
};

/// Columns and types by the table's name.
type Shapes = HashMap<String, Vec<(String, String)>>;

fn shapes(py: Python<'_>, tables: Option<Shapes>) -> PyResult<Option<Schema>> {
    let Some(tables) = tables else { return Ok(None) };
    lift(py, offline::shapes(tables.iter().map(|(name, columns)| (name.as_str(), columns.as_slice())))).map(Some)
}

/// What a query reads, and whether its window may be cut in pieces whose rows are put behind each other.
#[pyfunction]
pub(super) fn kql_reads<'py>(py: Python<'py>, query: &str) -> PyResult<Bound<'py, PyDict>> {
    let reads = reads(query);
    let dict = PyDict::new(py);
    dict.set_item("tables", reads.tables)?;
    dict.set_item("operators", reads.operators)?;
    let (verdict, order, blame) = match reads.verdict {
        Verdict::Safe => ("safe", None, None),
        Verdict::Ordered(order) => ("ordered", Some(order), None),
        Verdict::Unsafe(blame) => ("unsafe", None, Some(blame)),
    };
    dict.set_item("verdict", verdict)?;
    dict.set_item("order", order)?;
    dict.set_item("operator", blame.as_ref().map(|b| b.operator.as_str()))?;
    dict.set_item("line", blame.as_ref().map(|b| b.line))?;
    dict.set_item("column", blame.as_ref().map(|b| b.column))?;
    dict.set_item("why", blame.as_ref().map(|b| b.why.as_str()))?;
    dict.set_item("merge", blame.as_ref().and_then(|b| b.merge.as_deref()))?;
    Ok(dict)
}

/// Runs a query over tables; one that begins with an operator is about the table `Result`.
#[pyfunction]
#[pyo3(signature = (query, tables, now=None))]
pub(super) fn kql_run(py: Python<'_>, query: &str, tables: HashMap<String, Bound<'_, PyTable>>, now: Option<&str>) -> PyResult<PyTable> {
    let tables: Vec<(String, Table)> = tables.into_iter().map(|(name, table)| (name, table.get().hunted().table.clone())).collect();
    let now = now.and_then(parse_datetime).unwrap_or_else(local::now);
    let started = std::time::Instant::now();
    let text = query.to_owned();
    let table = apart(py, move |stop| local::run(&text, &tables, now, Some(stop)))?;
    let hunted = Hunted { query: query.to_owned(), elapsed: started.elapsed(), ..Hunted::of(lift(py, table)?) };
    Ok(PyTable::new(hunted))
}

/// Computes on another thread, and looks for signals meanwhile: Ctrl-C stops what is computed, and waits for its end.
fn apart<T: Send + 'static>(py: Python<'_>, work: impl FnOnce(Arc<AtomicBool>) -> T + Send + 'static) -> PyResult<T> {
    let stop = Arc::new(AtomicBool::new(false));
    let (news, mut waiting) = mpsc::sync_channel(1);
    let told = stop.clone();
    let worker = std::thread::Builder::new().name("kql".to_owned());
    worker.spawn(move || drop(news.send(work(told)))).map_err(|e| PyRuntimeError::new_err(format!("no thread is free: {e}")))?;
    loop {
        let received;
        (received, waiting) = py.detach(move || (runtime::slice(&waiting), waiting));
        match received {
            Ok(done) => return Ok(done),
            Err(RecvTimeoutError::Disconnected) => return Err(PyRuntimeError::new_err("the query engine failed")),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(interrupt) = py.check_signals() {
                    stop.store(true, Ordering::Relaxed);
                    py.detach(move || drop(waiting.recv()));
                    return Err(interrupt);
                }
            }
        }
    }
}

/// A table of rows as the service would answer them: JSON with `Schema` and `Results`.
#[pyfunction]
pub(super) fn kql_rows(py: Python<'_>, answer: &[u8]) -> PyResult<PyTable> {
    let decoded = py.detach(|| {
        let mut decoder = Decoder::hunting();
        decoder.push(answer)?;
        decoder.finish().map_err(|failed| failed.0)
    });
    Ok(PyTable::new(Hunted::of(lift(py, decoded)?.table)))
}

/// The columns of a query's answer, without running it; `tables` as for [`kql_lint`].
#[pyfunction]
#[pyo3(signature = (query, tables=None))]
pub(super) fn kql_describe(py: Python<'_>, query: &str, tables: Option<Shapes>) -> PyResult<Vec<(String, &'static str)>> {
    let given = shapes(py, tables)?;
    let columns = py.detach(|| offline::describe(query, given.as_ref().unwrap_or(Schema::bundled())));
    Ok(lift(py, columns)?.into_iter().map(|(name, ty)| (name.to_string(), ty.name())).collect())
}

/// A query laid out.
#[pyfunction]
pub(super) fn kql_format(py: Python<'_>, query: &str, width: i64, indent: i64) -> PyResult<String> {
    lift(py, py.detach(|| offline::format(query, width, indent)))
}

type Completed = (String, &'static str, String, usize, usize);

/// What may stand at a place of a query: text, kind, detail, start, end; `tables` as for [`kql_lint`].
#[pyfunction]
#[pyo3(signature = (query, cursor=None, tables=None))]
pub(super) fn kql_complete(py: Python<'_>, query: &str, cursor: Option<usize>, tables: Option<Shapes>) -> PyResult<Vec<Completed>> {
    let given = shapes(py, tables)?;
    let found = py.detach(|| offline::complete(query, cursor, given.as_ref().unwrap_or(Schema::bundled())));
    Ok(found.into_iter().map(|c| (c.text, c.kind, c.detail, c.start, c.end)).collect())
}

/// What the engine has and what it refuses by name: kind, name, signature, whether it has it.
#[pyfunction]
pub(super) fn kql_coverage() -> Vec<(&'static str, &'static str, String, bool)> {
    coverage().into_iter().map(|part| (part.kind, part.name, part.signature, part.supported)).collect()
}

/// What there is to say about a query; `tables` are columns and types by the table's name, or the bundled ones.
#[pyfunction]
#[pyo3(signature = (query, tables=None))]
pub(super) fn kql_lint<'py>(py: Python<'py>, query: &str, tables: Option<Shapes>) -> PyResult<Bound<'py, PyList>> {
    let given = shapes(py, tables)?;
    let problems = py.detach(|| lint(query, given.as_ref().unwrap_or(Schema::bundled())));
    let list = PyList::empty(py);
    for problem in problems {
        let ((line, column), end) = places(query, &problem);
        let dict = PyDict::new(py);
        dict.set_item("severity", problem.severity.name())?;
        dict.set_item("message", problem.message)?;
        dict.set_item("line", line)?;
        dict.set_item("column", column)?;
        dict.set_item("end", end)?;
        dict.set_item("code", problem.code)?;
        dict.set_item("suggestion", problem.suggestion)?;
        list.append(dict)?;
    }
    Ok(list)
}
