//! Rows of a list as typed columns: Arrow, texts for files, and lists for data frames that know no Arrow.

use super::{
    convert::{from_python, to_python},
    errors::{lift, plain},
};
use crate::{
    frame::{Cell, Frame},
    json::Value,
    request,
};
use arrow_array::{Array, RecordBatchIterator, StructArray, ffi::FFI_ArrowArray, ffi_stream::FFI_ArrowArrayStream};
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::{
    prelude::*,
    types::{PyCapsule, PyList, PyTuple},
};

/// Rows of a list. Use `xdrkit.Pages`.
#[pyclass(name = "Frame", module = "xdrkit._core")]
pub(super) struct PyFrame {
    frame: Frame,
    /// Whether the columns are those of every page of the list.
    same: bool,
}

impl PyFrame {
    pub(super) fn page(mut frame: Frame, rows: Vec<Value>) -> PyFrame {
        frame.extend(rows);
        PyFrame { frame, same: true }
    }
}

#[pymethods]
impl PyFrame {
    /// Rows of what an operation answers; none at first, if none are given.
    #[new]
    #[pyo3(signature = (operation, same=false, rows=None))]
    fn new(py: Python<'_>, operation: &str, same: bool, rows: Option<Vec<Bound<'_, PyAny>>>) -> PyResult<PyFrame> {
        let op = lift(py, request::operation(operation))?;
        let rows = rows.unwrap_or_default().iter().map(|row| lift(py, from_python(row, "rows"))).collect::<PyResult<_>>()?;
        let mut frame = Frame::new(op);
        frame.extend(rows);
        Ok(PyFrame { frame, same })
    }

    fn __len__(&self) -> usize {
        self.frame.rows().len()
    }

    /// Adds the rows of another.
    fn extend(&mut self, other: &PyFrame) {
        self.frame.extend(other.frame.rows().to_vec());
    }

    /// The rows as dicts.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let list = PyList::empty(py);
        for row in self.frame.rows() {
            list.append(to_python(py, row)?)?;
        }
        Ok(list.into_any())
    }

    fn ndjson(&self, py: Python<'_>) -> String {
        py.detach(|| self.frame.ndjson())
    }

    fn csv(&self, py: Python<'_>, heading: bool) -> String {
        py.detach(|| self.frame.csv(heading))
    }

    /// Name, type and values of each column; times are texts.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, &'static str, Bound<'py, PyList>)>> {
        let columns = py.detach(|| self.frame.columns(self.same));
        columns
            .into_iter()
            .map(|column| {
                let list = PyList::empty(py);
                for cell in &column.cells {
                    match cell {
                        Cell::Null => list.append(py.None())?,
                        Cell::Text(text) => list.append(text)?,
                        Cell::Bool(b) => list.append(b)?,
                        Cell::Int(i) => list.append(i)?,
                        Cell::Float(f) => list.append(f)?,
                        Cell::Time(at) => list.append(format!("{at}Z"))?,
                        Cell::Texts(items) => list.append(items)?,
                        Cell::Ints(items) => list.append(items)?,
                    }
                }
                Ok((column.name, column.ty.name(), list))
            })
            .collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let batch = py.detach(|| self.frame.batch(self.same));
        let schema = FFI_ArrowSchema::try_from(lift(py, batch)?.schema().as_ref()).map_err(|e| plain(e.to_string()))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyTuple>> {
        // The protocol lets a producer answer with its own schema.
        drop(requested_schema);
        let batch = py.detach(|| self.frame.batch(self.same));
        let batch = lift(py, batch)?;
        let schema = FFI_ArrowSchema::try_from(batch.schema().as_ref()).map_err(|e| plain(e.to_string()))?;
        let array = FFI_ArrowArray::new(&StructArray::from(batch).to_data());
        let schema = PyCapsule::new_with_value(py, schema, c"arrow_schema")?;
        let array = PyCapsule::new_with_value(py, array, c"arrow_array")?;
        PyTuple::new(py, [schema, array])
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(&self, py: Python<'py>, requested_schema: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batch = py.detach(|| self.frame.batch(self.same));
        let batch = lift(py, batch)?;
        let schema = batch.schema();
        let stream = FFI_ArrowArrayStream::new(Box::new(RecordBatchIterator::new([Ok(batch)], schema)));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}
