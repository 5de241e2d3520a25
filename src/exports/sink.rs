//! Where rows go: lines of JSON, or columns.

use super::{
    Format,
    columns::{Columns, Layout},
    tables::ParquetFile,
};
use crate::{
    error::{Error, Kind, Result},
    files::Summed,
    json,
};
use arrow_array::RecordBatch;
use arrow_ipc::writer::FileWriter;
use std::{
    fmt::Display,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Rows that become columns together; less if they are long.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// What a file is to look like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    format: Format,
    layout: Arc<Layout>,
}

impl Shape {
    /// In that format, with the columns of that type.
    pub(super) fn new(format: Format, entity: Option<&str>) -> Shape {
        Shape { format, layout: Arc::new(Layout::of(entity)) }
    }
}

/// A file that rows are put into.
pub(super) enum Sink {
    /// As they came.
    Lines(Summed, PathBuf),
    /// As columns.
    Columns {
        /// Rows on their way.
        columns: Columns,
        /// The bytes of text in them.
        held: usize,
        /// The file.
        file: Tabular,
        /// Its name.
        path: PathBuf,
    },
}

pub(super) enum Tabular {
    Arrow(Box<FileWriter<Summed>>),
    Parquet(Box<ParquetFile>),
}

impl Sink {
    /// Begins a file anew.
    pub(super) fn create(shape: &Shape, path: &Path) -> Result<Sink> {
        let out = Summed::create(path).map_err(|e| Error::file(path, &e))?;
        let schema = shape.layout.schema();
        let file = match shape.format {
            Format::Ndjson => return Ok(Sink::Lines(out, path.to_owned())),
            Format::Arrow => Tabular::Arrow(Box::new(FileWriter::try_new(out, &schema).map_err(|e| failed(path, e))?)),
            Format::Parquet => Tabular::Parquet(Box::new(ParquetFile::create(out, &schema).map_err(|e| failed(path, e))?)),
        };
        Ok(Sink::Columns { columns: Columns::new(shape.layout.clone()), held: 0, file, path: path.to_owned() })
    }

    /// Adds a row: the text of a JSON object.
    pub(super) fn row(&mut self, text: &[u8]) -> Result<()> {
        match self {
            Sink::Lines(out, path) => out.write_all(text).and_then(|()| out.write_all(b"\n")).map_err(|e| Error::file(path, &e)),
            Sink::Columns { columns, held, file, path } => {
                let row = json::parse(text).map_err(|e| Error::new(Kind::BadResponse, format!("a row is no JSON: {e}")))?;
                columns.add(row);
                *held += text.len();
                if columns.len() >= BATCH_ROWS || *held >= BATCH_BYTES {
                    *held = 0;
                    file.write(columns.take()?, path)?;
                }
                Ok(())
            }
        }
    }

    /// Waits until all of it lies on the disk; gives its length and its SHA-256.
    pub(super) fn finish(self) -> Result<(u64, String)> {
        let (out, path) = match self {
            Sink::Lines(out, path) => (out, path),
            Sink::Columns { mut columns, mut file, path, .. } => {
                if columns.len() > 0 {
                    file.write(columns.take()?, &path)?;
                }
                (file.finish(&path)?, path)
            }
        };
        out.finish().map_err(|e| Error::file(&path, &e))
    }
}

impl Tabular {
    fn write(&mut self, batch: RecordBatch, path: &Path) -> Result<()> {
        match self {
            Tabular::Arrow(file) => file.write(&batch).map_err(|e| failed(path, e)),
            Tabular::Parquet(file) => file.write(batch).map_err(|e| failed(path, e)),
        }
    }

    fn finish(self, path: &Path) -> Result<Summed> {
        match self {
            Tabular::Arrow(file) => file.into_inner().map_err(|e| failed(path, e)),
            Tabular::Parquet(file) => file.finish().map_err(|e| failed(path, e)),
        }
    }
}

fn failed(path: &Path, error: impl Display) -> Error {
    Error::new(Kind::File, format!("{}: {error}", path.display())).detail("filename", path.display().to_string())
}
