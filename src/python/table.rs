//! A hunting result: rows as dicts on demand, columns as Arrow.

use super::{
    bridge,
    convert::to_python,
    errors::{lift, plain},
    rows, runtime,
};
use crate::{
    client::HuntStream,
    files::Format,
    hunt::Hunted,
    table::{Table, Texts},
};
use arrow_array::{RecordBatch, RecordBatchIterator, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::{ArrowError, SchemaRef, ffi::FFI_ArrowSchema};
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyDict, PyList},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A decoded hunting result. Use `xdrkit.HuntResult`.
#[pyclass(frozen, name = "Table", module = "xdrkit._core")]
pub(super) struct PyTable(Arc<Hunted>);

impl PyTable {
    pub(super) fn new(hunted: impl Into<Arc<Hunted>>) -> PyTable {
        PyTable(hunted.into())
    }

    pub(super) fn hunted(&self) -> &Arc<Hunted> {
        &self.0
    }

    /// The same facts about other rows.
    fn with(&self, table: Table) -> PyTable {
        PyTable::new(Hunted { table, ..self.0.facts() })
    }

    fn write(&self, py: Python<'_>, path: &Path, format: Format) -> PyResult<()> {
        let written = py.detach(|| self.0.write(path, format));
        lift(py, written)
    }

    fn batches(&self, py: Python<'_>, texts: Texts) -> PyResult<Vec<RecordBatch>> {
        let batches = py.detach(|| self.0.table.batches(texts));
        lift(py, batches)
    }
}

#[pymethods]
impl PyTable {
    fn __len__(&self) -> usize {
        self.0.table.rows()
    }

    #[getter]
    fn schema(&self) -> Vec<(String, String)> {
        self.0.table.columns().iter().map(|c| (c.name.to_string(), c.wire.to_string())).collect()
    }

    #[getter]
    fn api(&self) -> &'static str {
        self.0.api.map_or("local", crate::ops::model::Service::name)
    }

    #[getter]
    fn query(&self) -> &str {
        &self.0.query
    }

    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }

    #[getter]
    fn request_ids(&self) -> Vec<String> {
        self.0.request_ids.clone()
    }

    /// What it cost: `requests`, `retries`, `waited` seconds, `bytes`, and `service`, what the service says of it.
    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        stats.set_item("requests", self.0.tries)?;
        stats.set_item("retries", self.0.tries.saturating_sub(1))?;
        stats.set_item("waited", self.0.waited.as_secs_f64())?;
        stats.set_item("bytes", self.0.bytes)?;
        stats.set_item("service", self.0.stats.as_ref().map(|s| to_python(py, s)).transpose()?)?;
        Ok(stats)
    }

    /// Why rows are missing, in words, and `rows` or `bytes`.
    #[getter]
    fn truncated(&self) -> Option<(String, &'static str)> {
        self.0.truncated.map(|t| (t.to_string(), t.reason()))
    }

    #[getter]
    fn window(&self) -> (Option<&str>, Option<&str>) {
        self.0.window.ends()
    }

    /// The windows that a hunt in pieces could not read; None if there are none.
    #[getter]
    fn missing<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.missing.as_ref().map(|missing| to_python(py, missing)).transpose()
    }

    fn row<'py>(&self, py: Python<'py>, i: usize) -> PyResult<Bound<'py, PyDict>> {
        let table = &self.0.table;
        let (chunk, row) = table.find(i).ok_or_else(|| pyo3::exceptions::PyIndexError::new_err("row index out of range"))?;
        rows::dict(py, table, chunk, row)
    }

    fn rows<'py>(&self, py: Python<'py>, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
        rows::dicts(py, &self.0.table, start, stop)
    }

    /// The cells of a column, by its number.
    fn column<'py>(&self, py: Python<'py>, i: usize) -> PyResult<Bound<'py, PyList>> {
        rows::list(py, &self.0.table, i)
    }

    /// Some of the rows, without a copy.
    fn slice(&self, start: usize, stop: usize) -> PyTable {
        self.with(self.0.table.slice(start, stop.saturating_sub(start)))
    }

    /// The type that each column has outside: such as `Utf8View`, or `Timestamp(ns, "UTC")`.
    fn arrow_types(&self) -> Vec<String> {
        self.0.table.arrow_schema(Texts::View).fields().iter().map(|f| f.data_type().to_string()).collect()
    }

    fn parquet(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.write(py, &path, Format::Parquet)
    }

    fn ndjson(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.write(py, &path, Format::Ndjson)
    }

    fn csv(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.write(py, &path, Format::Csv)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = py.detach(|| self.0.table.arrow_schema(Texts::View));
        let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(|e| plain(e.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyCapsule>> {
        // The protocol lets a producer answer with its own schema.
        drop(requested_schema);
        stream(py, self.batches(py, Texts::View)?)
    }

    /// The same with texts in a form that every library can work with.
    fn plain_stream<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        stream(py, self.batches(py, Texts::Plain)?)
    }
}

fn stream(py: Python<'_>, batches: Vec<RecordBatch>) -> PyResult<Bound<'_, PyCapsule>> {
    let schema: SchemaRef = batches.first().map(RecordBatch::schema).ok_or_else(|| plain("a table without a schema"))?;
    let batches = batches.into_iter().filter(|b| b.num_rows() > 0).map(Ok::<_, ArrowError>);
    let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new(batches, schema)));
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// All rows of several results. The facts are those of the first.
#[pyfunction]
pub(super) fn concat(py: Python<'_>, tables: Vec<Bound<'_, PyTable>>) -> PyResult<PyTable> {
    let first = tables.first().ok_or_else(|| plain("there are no tables"))?.get().0.clone();
    let all: Vec<Table> = tables.iter().map(|t| t.get().0.table.clone()).collect();
    let table = py.detach(|| Table::concat(&all));
    Ok(PyTable::new(Hunted { table, ..first.facts() }))
}

/// A result that `Table.parquet` wrote, with all that is known about it.
#[pyfunction]
pub(super) fn read_parquet(py: Python<'_>, path: PathBuf) -> PyResult<PyTable> {
    let read = py.detach(|| Hunted::read(&path));
    lift(py, read).map(PyTable::new)
}

/// A table of another library, by its Arrow stream.
#[pyfunction]
pub(super) fn table_of(object: &Bound<'_, PyAny>) -> PyResult<PyTable> {
    super::arrow::table_of(object).map(|table| PyTable::new(Hunted::of(table)))
}

/// Rows of one hunt in batches, while its answer arrives.
#[pyclass(frozen, name = "HuntStream", module = "xdrkit._core")]
pub(super) struct PyHuntStream(pub(super) Arc<HuntStream>);

#[pymethods]
impl PyHuntStream {
    fn next(&self, py: Python<'_>) -> PyResult<Option<PyTable>> {
        let stream = self.0.clone();
        Ok(runtime::wait(py, async move { stream.next().await })?.map(PyTable::new))
    }

    fn next_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let stream = self.0.clone();
        bridge::future(py, async move { stream.next().await }, |py, batch| match batch {
            Some(hunted) => Ok(Py::new(py, PyTable::new(hunted))?.into_any()),
            None => Ok(py.None()),
        })
    }
}
