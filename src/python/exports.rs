//! Exports via files, as an object that is asked for its progress.

use super::{
    bridge,
    convert::{Options, to_python},
    errors::lift,
    runtime,
};
use crate::{
    client::Client,
    exports::{Export, Format, Progress, Rows, Wish, catalog},
};
use pyo3::{prelude::*, types::PyDict};
use std::{path::PathBuf, sync::Arc};

const PARALLEL: u32 = 4;

/// An export under way. Ends when it is dropped.
#[pyclass(frozen, name = "Export", module = "xdrkit._core")]
pub(super) struct PyExport(Arc<Export>);

impl PyExport {
    /// Checks what is wanted; nothing is sent yet.
    pub(super) fn new(
        client: &Client,
        py: Python<'_>,
        name: String,
        to: PathBuf,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyExport> {
        let mut options = Options::new(options)?;
        let format = options.text("format")?.map(|f| lift(py, Format::from_name(&f))).transpose()?.unwrap_or(Format::Parquet);
        let hours = options.count("hours")?.map(i64::from);
        let parallel = options.count("parallel")?.unwrap_or(PARALLEL);
        let anew = options.flag("anew")?;
        lift(py, options.end(false))?;
        let wish = Wish { name, to, format, hours, parallel, resume: !anew };
        lift(py, Export::new(client, wish)).map(|export| PyExport(Arc::new(export)))
    }
}

#[pymethods]
impl PyExport {
    /// Waits until there is progress; `None` at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let export = self.0.clone();
        runtime::wait(py, async move { export.next().await })?.map(|p| progress(py, p)).transpose()
    }

    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let export = self.0.clone();
        bridge::future(py, async move { export.next().await }, |py, p| match p {
            Some(p) => progress(py, p).map(|dict| dict.into_any().unbind()),
            None => Ok(py.None()),
        })
    }

    /// Ends it. What is whole stays.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let export = self.0.clone();
        runtime::wait(py, async move {
            export.close().await;
            Ok(())
        })
    }

    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let export = self.0.clone();
        let work = async move {
            export.close().await;
            Ok(())
        };
        bridge::future(py, work, |py, ()| Ok(py.None()))
    }
}

/// A walk over the rows of an export.
#[pyclass(frozen, name = "ExportRows", module = "xdrkit._core")]
pub(super) struct PyExportRows(Arc<Rows>);

impl PyExportRows {
    /// Checks what is wanted; nothing is sent yet.
    pub(super) fn new(client: &Client, py: Python<'_>, name: &str, options: Option<&Bound<'_, PyDict>>) -> PyResult<PyExportRows> {
        let mut options = Options::new(options)?;
        let hours = options.count("hours")?.map(i64::from);
        lift(py, options.end(false))?;
        lift(py, Rows::new(client, name, hours)).map(|rows| PyExportRows(Arc::new(rows)))
    }
}

#[pymethods]
impl PyExportRows {
    /// Some more rows; `None` at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = self.0.clone();
        to_python(py, &runtime::wait(py, async move { rows.next().await })?.into())
    }

    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rows = self.0.clone();
        bridge::future(py, async move { rows.next().await }, |py, batch| to_python(py, &batch.into()).map(Bound::unbind))
    }
}

fn progress(py: Python<'_>, at: Progress) -> PyResult<Bound<'_, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("parts", at.parts)?;
    facts.set_item("done", at.done)?;
    facts.set_item("resumed", at.resumed)?;
    facts.set_item("rows", at.rows)?;
    facts.set_item("bytes", at.bytes)?;
    facts.set_item("renewed", at.renewed)?;
    facts.set_item("generated_time", at.generated)?;
    facts.set_item("files", at.files)?;
    facts.set_item("superseded", at.superseded)?;
    facts.set_item("elapsed", at.elapsed.as_secs_f64())?;
    Ok(facts)
}

/// The names of all exports that can be had as files.
#[pyfunction]
pub(super) fn exports() -> Vec<&'static str> {
    catalog().map(|n| n.name).collect()
}
