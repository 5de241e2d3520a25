//! Where rows go: lines of JSON, or columns.

use super::Format;
use crate::{
    error::{Error, Kind, Result},
    files::{self, Summed},
    rows::{Columns, Layout},
};
use std::{
    io::{self, Write},
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
        Shape { format, layout: Arc::new(Layout::of_export(entity)) }
    }
}

/// A file that rows are put into.
pub(super) struct Sink {
    to: To,
    path: PathBuf,
}

enum To {
    /// As they came.
    Lines(Summed),
    /// As columns.
    Columns {
        /// Rows on their way.
        columns: Box<Columns>,
        /// The bytes of text in them.
        held: usize,
        /// The file.
        file: files::Sink<Summed>,
    },
}

impl Sink {
    /// Begins a file anew.
    pub(super) fn create(shape: &Shape, path: &Path) -> Result<Sink> {
        let begin = || -> io::Result<To> {
            let out = Summed::create(path)?;
            let format = match shape.format {
                Format::Ndjson => return Ok(To::Lines(out)),
                Format::Arrow => files::Format::Arrow,
                Format::Parquet => files::Format::Parquet,
            };
            let file = files::Sink::new(format, out, &shape.layout.schema(), None)?;
            Ok(To::Columns { columns: Box::new(Columns::new(shape.layout.clone())), held: 0, file })
        };
        let to = begin().map_err(|e| Error::file(path, &e))?;
        Ok(Sink { to, path: path.to_owned() })
    }

    /// Adds a row: the text of a JSON object.
    pub(super) fn row(&mut self, text: &[u8]) -> Result<()> {
        let written = match &mut self.to {
            To::Lines(out) => out.write_all(text).and_then(|()| out.write_all(b"\n")),
            To::Columns { columns, held, file } => {
                columns.line(text).map_err(|e| Error::new(Kind::BadResponse, format!("a row is no JSON: {e}")))?;
                *held += text.len();
                if columns.len() < BATCH_ROWS && *held < BATCH_BYTES {
                    return Ok(());
                }
                *held = 0;
                file.write(&columns.take()?)
            }
        };
        written.map_err(|e| Error::file(&self.path, &e))
    }

    /// Waits until all of it lies on the disk; gives its length and its SHA-256.
    pub(super) fn finish(self) -> Result<(u64, String)> {
        let failed = |e: io::Error| Error::file(&self.path, &e);
        let out = match self.to {
            To::Lines(out) => out,
            To::Columns { mut columns, mut file, .. } => {
                if !columns.is_empty() {
                    file.write(&columns.take()?).map_err(failed)?;
                }
                file.finish().map_err(failed)?
            }
        };
        out.finish().map_err(failed)
    }
}
