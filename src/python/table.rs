//! A hunting result: rows as dicts on demand, columns as Arrow.

use super::{
    convert::{big_int, to_python},
    errors::{lift, plain},
};
use crate::hunt::{Cell, Hunted, columns, export};
use arrow_array::{RecordBatchIterator, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyDict, PyList, PyString},
};
use std::{collections::HashMap, sync::Arc};

/// A decoded hunting result. Use `xdrkit.HuntResult`.
#[pyclass(frozen, name = "Table", module = "xdrkit._core")]
pub(super) struct PyTable(Hunted);

impl PyTable {
    pub(super) fn new(hunted: Hunted) -> PyTable {
        PyTable(hunted)
    }

    fn keys<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyString>> {
        self.0.table.columns.iter().map(|c| PyString::intern(py, &c.name)).collect()
    }
}

#[pymethods]
impl PyTable {
    fn __len__(&self) -> usize {
        self.0.table.rows.len()
    }

    #[getter]
    fn schema(&self) -> Vec<(String, String)> {
        self.0.table.columns.iter().map(|c| (c.name.to_string(), c.wire.to_string())).collect()
    }

    #[getter]
    fn api(&self) -> &'static str {
        self.0.api.name()
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

    #[getter]
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.table.stats.as_ref().map(|s| to_python(py, s)).transpose()
    }

    #[getter]
    fn truncated(&self) -> Option<&str> {
        self.0.table.truncated.as_deref()
    }

    #[getter]
    fn window(&self) -> (Option<&str>, Option<&str>) {
        self.0.window.ends()
    }

    fn row<'py>(&self, py: Python<'py>, i: usize) -> PyResult<Bound<'py, PyDict>> {
        let row = self.0.table.rows.get(i).ok_or_else(|| pyo3::exceptions::PyIndexError::new_err("row index out of range"))?;
        dict(py, &self.keys(py), row, &mut HashMap::new())
    }

    fn rows<'py>(&self, py: Python<'py>, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
        let (keys, mut shared, list) = (self.keys(py), HashMap::new(), PyList::empty(py));
        for row in self.0.table.rows.get(start..stop.min(self.0.table.rows.len())).unwrap_or_default() {
            list.append(dict(py, &keys, row, &mut shared)?)?;
        }
        Ok(list)
    }

    fn ndjson(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        Ok(py.detach(|| export::to_file(&self.0.table, path, export::ndjson))?)
    }

    fn csv(&self, py: Python<'_>, path: &str) -> PyResult<()> {
        Ok(py.detach(|| export::to_file(&self.0.table, path, export::csv))?)
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let batch = py.detach(|| columns::batch(&self.0.table));
        let schema = FFI_ArrowSchema::try_from(lift(py, batch)?.schema().as_ref()).map_err(|e| plain(e.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyCapsule>> {
        // The protocol lets a producer answer with its own schema.
        drop(requested_schema);
        let batch = py.detach(|| columns::batch(&self.0.table));
        let batch = lift(py, batch)?;
        let schema = batch.schema();
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

/// Texts that rows share become one Python object.
type SharedTexts<'py> = HashMap<*const u8, Bound<'py, PyString>>;

fn dict<'py>(py: Python<'py>, keys: &[Bound<'py, PyString>], row: &[Cell], shared: &mut SharedTexts<'py>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, cell) in keys.iter().zip(row) {
        match cell {
            Cell::Null => dict.set_item(key, py.None())?,
            Cell::Bool(b) => dict.set_item(key, b)?,
            Cell::Int(i) => dict.set_item(key, i)?,
            Cell::BigInt(digits) => dict.set_item(key, big_int(py, digits)?)?,
            Cell::Float(f) => dict.set_item(key, f)?,
            Cell::Text(text) => dict.set_item(key, &*shared.entry(Arc::as_ptr(text).cast()).or_insert_with(|| PyString::new(py, text)))?,
        }
    }
    Ok(dict)
}
