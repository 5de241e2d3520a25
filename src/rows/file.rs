//! A list as a file, a page at a time.

use super::{
    columns::Columns,
    frame,
    layout::{Keys, Layout},
};
use crate::{
    error::{Error, Result},
    files::{Format, Sink, Whole},
    json::Value,
    ops::model::Operation,
};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that a list is written to. Lines and fields hold what the service sent, Parquet and Arrow typed columns.
pub struct ListFile {
    path: PathBuf,
    layout: Arc<Layout>,
    to: To,
}

enum To {
    Lines(Whole),
    Fields(Whole, Keys),
    Columns(Box<Columns>, Sink<Whole>),
}

impl ListFile {
    /// Begins it.
    pub fn create(path: &Path, format: Format, op: &Operation) -> Result<ListFile> {
        let layout = Arc::new(Layout::of_operation(op));
        let begin = || -> io::Result<To> {
            let mut out = Whole::create(path)?;
            Ok(match format {
                Format::Ndjson => To::Lines(out),
                Format::Csv => {
                    let mut heading = String::new();
                    frame::heading(&layout, &mut heading);
                    out.write_all(heading.as_bytes())?;
                    To::Fields(out, Keys::default())
                }
                Format::Arrow | Format::Parquet => {
                    To::Columns(Box::new(Columns::new(layout.clone())), Sink::new(format, out, &layout.schema(), None)?)
                }
            })
        };
        let to = begin().map_err(|e| Error::file(path, &e))?;
        Ok(ListFile { path: path.to_owned(), layout, to })
    }

    /// Adds a page.
    pub fn add(&mut self, rows: &[Value]) -> Result<()> {
        let mut text = String::new();
        let written = match &mut self.to {
            To::Lines(out) => {
                frame::ndjson(rows, &mut text);
                out.write_all(text.as_bytes())
            }
            To::Fields(out, keys) => {
                frame::csv(&self.layout, keys, rows, &mut text);
                out.write_all(text.as_bytes())
            }
            To::Columns(columns, sink) => {
                rows.iter().for_each(|row| columns.add(row));
                sink.write(&columns.take()?)
            }
        };
        written.map_err(|e| Error::file(&self.path, &e))
    }

    /// Gives it its name.
    pub fn keep(self) -> Result<()> {
        let whole = match self.to {
            To::Lines(out) | To::Fields(out, _) => Ok(out),
            To::Columns(_, sink) => sink.finish(),
        };
        whole.and_then(Whole::keep).map_err(|e| Error::file(&self.path, &e))
    }
}
