//! Tables of other libraries, through the Arrow C stream that they all speak.
//!
//! It is the one place where a pointer that somebody else made is followed. The protocol is what makes that sound: a capsule with the name
//! `arrow_array_stream` holds a stream by the C ABI that Arrow has fixed, whoever takes it moves it out and leaves it marked as released,
//! and the arrays keep their own memory alive. What the protocol does not promise is looked at here: the name, whether the stream was released
//! before, and, since texts and offsets are believed from then on, whether every array is one.

#![allow(unsafe_code, reason = "the C stream is a pointer; see above")]

use super::errors::lift;
use crate::{
    error::{Error, Result},
    table::{Table, taken},
};
use arrow_array::{
    Array, RecordBatch, RecordBatchReader,
    ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader},
};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyCapsule};

/// The table that an object tells by `__arrow_c_stream__`.
pub(super) fn table_of(object: &Bound<'_, PyAny>) -> PyResult<Table> {
    let py = object.py();
    let Some(export) = object.getattr_opt("__arrow_c_stream__")? else {
        let name = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "table: a {name} has no __arrow_c_stream__; it is a table of pyarrow, polars, pandas or DuckDB"
        )));
    };
    let capsule = export.call0()?;
    let capsule = capsule.cast::<PyCapsule>().map_err(|_| PyTypeError::new_err("table: __arrow_c_stream__ did not give a capsule"))?;
    let stream = capsule.pointer_checked(Some(c"arrow_array_stream"))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: the capsule has the protocol's name, so it holds a stream, which lives as long as the capsule does; it is moved out and the
    // capsule's own is marked as released, so that the capsule's destructor leaves it alone. Nobody else looks at it meanwhile: we are attached.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
    if stream.release().is_none() {
        return Err(PyTypeError::new_err("table: its Arrow stream was read before"));
    }
    let table = py.detach(move || read(stream));
    lift(py, table)
}

fn read(stream: FFI_ArrowArrayStream) -> Result<Table> {
    let refused = |why: String| Error::argument("table", why);
    let reader = RecordBatchStreamReader::try_new(stream).map_err(|e| refused(format!("is no table: {e}")))?;
    let schema = reader.schema();
    let mut batches: Vec<RecordBatch> = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| refused(format!("could not be read: {e}")))?;
        for (field, column) in schema.fields().iter().zip(batch.columns()) {
            column.to_data().validate_full().map_err(|e| refused(format!("column {:?} is no Arrow array: {e}", field.name())))?;
        }
        batches.push(batch);
    }
    taken(&schema, &batches)
}
