//! One JSON object a line, in UTF-8.

use super::cell::Cells;
use crate::json::write_string;
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use std::io::{self, Write};

const GATHERED: usize = 64 << 10;

/// A file that is being written.
pub struct Ndjson<W> {
    out: W,
    /// What stands in front of each value.
    keys: Vec<String>,
}

impl<W: Write> Ndjson<W> {
    pub(super) fn new(out: W, schema: &Schema) -> Ndjson<W> {
        let key = |(i, name): (usize, &str)| {
            let mut key = String::from(if i > 0 { "," } else { "" });
            write_string(name, &mut key);
            key.push(':');
            key
        };
        let keys = schema.fields().iter().map(|f| f.name().as_str()).enumerate().map(key).collect();
        Ndjson { out, keys }
    }

    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns: Vec<Cells<'_>> = batch.columns().iter().map(Cells::of).collect::<io::Result<_>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            text.push('{');
            for (key, column) in self.keys.iter().zip(&columns) {
                text.push_str(key);
                column.json(row, &mut text);
            }
            text.push_str("}\n");
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
