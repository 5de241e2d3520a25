//! Comma-separated values after RFC 4180: a heading, commas, CRLF; null is an empty field, an empty text is `""`.

use super::cell::{Cells, quoted};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use std::io::{self, Write};

/// Text that is gathered before it is given on.
const GATHERED: usize = 64 << 10;

/// A file that is being written.
pub struct Csv<W> {
    out: W,
}

impl<W: Write> Csv<W> {
    pub(super) fn new(mut out: W, schema: &Schema) -> io::Result<Csv<W>> {
        let mut heading = String::new();
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                heading.push(',');
            }
            quoted(field.name(), &mut heading);
        }
        heading.push_str("\r\n");
        out.write_all(heading.as_bytes())?;
        Ok(Csv { out })
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns: Vec<Cells<'_>> = batch.columns().iter().map(Cells::of).collect::<io::Result<_>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (i, column) in columns.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                column.field(row, &mut text);
            }
            text.push_str("\r\n");
            if text.len() >= GATHERED {
                self.out.write_all(text.as_bytes())?;
                text.clear();
            }
        }
        self.out.write_all(text.as_bytes())
    }

    pub(super) fn finish(self) -> W {
        self.out
    }
}
