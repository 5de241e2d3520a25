//! Facts about rows that came in several answers.

use super::{convert::from_python, errors::lift, table::PyTable};
use crate::hunt::Hunted;
use pyo3::{prelude::*, types::PyDict};

/// The rows of a table with other facts, by the words of a kept file: `api`, `query`, `since`, `until`, `elapsed`, `request_ids`, `requests`,
/// `waited`, `bytes`, `stats`, `truncated`, `byte_cap`, `missing`.
#[pyfunction]
pub(super) fn stitched(py: Python<'_>, table: &Bound<'_, PyTable>, about: &Bound<'_, PyDict>) -> PyResult<PyTable> {
    let about = lift(py, from_python(about.as_any(), "about"))?;
    let rows = table.get().hunted().table.clone();
    lift(py, Hunted::told(rows, &about)).map(PyTable::new)
}
