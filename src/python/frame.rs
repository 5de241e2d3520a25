//! Rows of a list as typed columns: Arrow, texts for files, and lists for data frames that know no Arrow.

use super::{
    convert::{from_python, to_python},
    errors::{lift, plain},
};
use crate::{
    files::{moment, moment_of_microseconds},
    json::Value,
    request,
    rows::Frame,
};
use arrow_array::{
    Array, ArrayRef, RecordBatchIterator, StructArray,
    cast::AsArray,
    ffi::FFI_ArrowArray,
    ffi_stream::FFI_ArrowArrayStream,
    types::{Float64Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType},
};
use arrow_schema::{DataType, TimeUnit, ffi::FFI_ArrowSchema};
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

    /// Name, type and values of each column; times are texts.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, &'static str, Bound<'py, PyList>)>> {
        let batch = py.detach(|| self.frame.batch(self.same));
        let batch = lift(py, batch)?;
        let fields = batch.schema();
        fields
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(f, column)| values(py, column).map(|(ty, list)| (f.name().clone(), ty, list)))
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

/// What pandas calls the type, and the values.
fn values<'py>(py: Python<'py>, column: &ArrayRef) -> PyResult<(&'static str, Bound<'py, PyList>)> {
    let said = |at: i64, say: fn(i64, &mut String)| {
        let mut text = String::new();
        say(at, &mut text);
        text
    };
    Ok(match column.data_type() {
        DataType::Boolean => ("bool", PyList::new(py, column.as_boolean().iter().collect::<Vec<_>>())?),
        DataType::Int64 => ("int", PyList::new(py, column.as_primitive::<Int64Type>().iter().collect::<Vec<_>>())?),
        DataType::Float64 => ("float", PyList::new(py, column.as_primitive::<Float64Type>().iter().collect::<Vec<_>>())?),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let times = column.as_primitive::<TimestampNanosecondType>().iter().map(|at| at.map(|at| said(at, moment)));
            ("datetime", PyList::new(py, times.collect::<Vec<_>>())?)
        }
        DataType::Timestamp(..) => {
            let times = column.as_primitive::<TimestampMicrosecondType>().iter().map(|at| at.map(|at| said(at, moment_of_microseconds)));
            ("datetime", PyList::new(py, times.collect::<Vec<_>>())?)
        }
        DataType::List(item) if *item.data_type() == DataType::Int64 => {
            let lists = column.as_list::<i32>().iter().map(|l| l.map(|l| l.as_primitive::<Int64Type>().iter().collect::<Vec<_>>()));
            ("object", PyList::new(py, lists.collect::<Vec<_>>())?)
        }
        DataType::List(_) => {
            let list = PyList::empty(py);
            for texts in column.as_list::<i32>().iter() {
                match texts {
                    Some(texts) => list.append(PyList::new(py, texts.as_string::<i32>().iter().collect::<Vec<_>>())?)?,
                    None => list.append(py.None())?,
                }
            }
            ("object", list)
        }
        _ => ("text", PyList::new(py, column.as_string::<i32>().iter().collect::<Vec<_>>())?),
    })
}
