//! Tables as files, and back: batches of columns go in, bytes come out, and a file appears under its name when it is whole, not before.
//!
//! One batch is in memory at a time, or for Parquet the rows of one group. Every face that writes a table goes through [`Sink`]: hunting
//! results, lists and exports.

mod cell;
mod csv;
mod kind;
mod ndjson;
mod parquet;
mod parquet_read;
#[cfg(test)]
mod tests;
mod text;
mod whole;

pub(crate) use cell::{Cells, quoted};
pub use kind::ELEMENT;
pub use parquet_read::{Read, read_parquet};
pub use text::{moment, moment_of_microseconds, span};
pub use whole::Whole;
pub(crate) use whole::{Beside, Summed, hex, sync_folder};

use crate::{
    error::{Error, Result, listed},
    json::Value,
};
use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use arrow_schema::Schema;
use std::{
    io::{self, Write},
    path::Path,
};

/// How a table is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a heading.
    Csv,
    /// Arrow's file format.
    Arrow,
    /// Parquet.
    Parquet,
}

impl Format {
    /// By its name.
    pub fn from_name(name: &str) -> Result<Format> {
        let all = [("ndjson", Format::Ndjson), ("csv", Format::Csv), ("arrow", Format::Arrow), ("parquet", Format::Parquet)];
        all.into_iter().find(|(known, _)| *known == name).map(|(_, format)| format).ok_or_else(|| {
            let names = all.map(|(known, _)| known);
            Error::argument("format", format!("{name:?} is not allowed; it is {}", listed(&names))).detail("allowed", names.to_vec())
        })
    }
}

/// Where batches of one schema become the bytes of a format.
pub enum Sink<W: Write + Send> {
    /// One JSON object a line.
    Ndjson(ndjson::Ndjson<W>),
    /// Comma-separated values.
    Csv(csv::Csv<W>),
    /// Arrow's file format.
    Arrow(Box<FileWriter<W>>),
    /// Parquet.
    Parquet(Box<parquet::ParquetFile<W>>),
}

impl<W: Write + Send> Sink<W> {
    /// Begins. `about` is what a Parquet file keeps beside its rows; the other formats have no room for it.
    pub fn new(format: Format, out: W, schema: &Schema, about: Option<&Value>) -> io::Result<Sink<W>> {
        Ok(match format {
            Format::Ndjson => Sink::Ndjson(ndjson::Ndjson::new(out, schema)),
            Format::Csv => Sink::Csv(csv::Csv::new(out, schema)?),
            Format::Arrow => Sink::Arrow(Box::new(FileWriter::try_new(out, schema).map_err(io::Error::other)?)),
            Format::Parquet => Sink::Parquet(Box::new(parquet::ParquetFile::new(out, schema, about)?)),
        })
    }

    /// Adds rows.
    pub fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Sink::Ndjson(file) => file.write(batch),
            Sink::Csv(file) => file.write(batch),
            Sink::Arrow(file) => file.write(batch).map_err(io::Error::other),
            Sink::Parquet(file) => file.write(batch),
        }
    }

    /// Writes the end; gives back what was written to.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Sink::Ndjson(file) => Ok(file.finish()),
            Sink::Csv(file) => Ok(file.finish()),
            Sink::Arrow(file) => file.into_inner().map_err(io::Error::other),
            Sink::Parquet(file) => file.finish(),
        }
    }
}

/// Writes a whole file, or none.
pub fn write<'b>(
    path: &Path,
    format: Format,
    schema: &Schema,
    batches: impl IntoIterator<Item = &'b RecordBatch>,
    about: Option<&Value>,
) -> Result<()> {
    let all = || -> io::Result<()> {
        let mut sink = Sink::new(format, Whole::create(path)?, schema, about)?;
        for batch in batches {
            sink.write(batch)?;
        }
        sink.finish()?.keep()
    };
    all().map_err(|e| Error::file(path, &e))
}
