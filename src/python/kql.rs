//! The query language, offline: what a query reads, what is wrong with it, and queries over tables that are here.

use crate::hunt::{Verdict, reads};
use pyo3::{prelude::*, types::PyDict};

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
