//! Whether the decoder and the reference say the same of a body. For the tests and the fuzzer.

use super::{
    Decoded, Decoder,
    reference::{self, Cell},
};
use crate::{
    error::Result,
    json::{self, Value},
    table::{self, Chunk, Table, Texts, WireType},
};

/// Decodes a body that comes in these pieces.
pub(super) fn decoded(pieces: &[&[u8]], chunk: usize) -> Result<Decoded> {
    let mut decoder = Decoder::hunting().chunked(chunk);
    for piece in pieces {
        decoder.push(piece)?;
    }
    decoder.finish().map_err(|failed| failed.0)
}

pub(super) fn cells(table: &Table) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for chunk in table.chunks() {
        for row in 0..chunk.rows {
            rows.push((0..table.columns().len()).map(|i| cell(table, chunk, i, row)).collect());
        }
    }
    rows
}

fn cell(table: &Table, chunk: &Chunk, i: usize, row: usize) -> Cell {
    if let Some(odd) = chunk.odd[i].iter().find(|o| o.row as usize == row) {
        return match json::parse(odd.json.as_bytes()).unwrap() {
            Value::Bool(b) => Cell::Bool(b),
            Value::Int(n) => Cell::Int(n),
            Value::Float(f) => Cell::Float(f),
            Value::BigInt(digits) => Cell::Big(digits.to_string()),
            Value::String(text) => Cell::Text(text),
            other => panic!("{other}"),
        };
    }
    let ty = table.columns()[i].ty;
    let mut text = String::new();
    if !table::write_cell(ty, &chunk.arrays[i], row, &mut text) {
        return Cell::Null;
    }
    match ty {
        WireType::Bool => Cell::Bool(text == "true"),
        WireType::Int | WireType::Long => Cell::Int(text.parse().unwrap()),
        WireType::Double => Cell::Float(text.parse().unwrap()),
        _ => Cell::Text(text),
    }
}

fn is_same(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::Float(a), Cell::Float(b)) if a.is_nan() && b.is_nan() => true,
        // Numbers inside of a dynamic value keep the digits with which they came; the reference writes them its own way.
        (Cell::Text(a), Cell::Text(b)) if a != b => {
            matches!((json::parse(a.as_bytes()), json::parse(b.as_bytes())), (Ok(a), Ok(b)) if a == b)
        }
        (a, b) => a == b,
    }
}

/// Both decoders say the same of a body, however it is cut.
pub fn agree(body: &[u8], cuts: &[usize], chunk: usize) {
    let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (body.len() + 1)).chain([0, body.len()]).collect();
    cuts.sort_unstable();
    let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &body[w[0]..w[1]]).collect();
    let shown = String::from_utf8_lossy(body);
    match (reference::decode(body), decoded(&pieces, chunk)) {
        (None, Err(_)) => {}
        // Of two lists of rows none is the right one.
        (Some(_), Err(e)) if e.to_string().contains("come twice") => {}
        (Some((columns, rows)), Ok(Decoded { table, .. })) => {
            let found: Vec<(String, WireType)> = table.columns().iter().map(|c| (c.name.to_string(), c.ty)).collect();
            assert_eq!(found, columns, "{shown}");
            let ours = cells(&table);
            assert_eq!(ours.len(), rows.len(), "{shown}");
            for (ours, theirs) in ours.iter().flatten().zip(rows.iter().flatten()) {
                assert!(is_same(ours, theirs), "{ours:?} is not {theirs:?} in {shown}");
            }
            for batch in table.batches(Texts::View).unwrap() {
                assert_eq!(batch.num_columns(), columns.len());
            }
        }
        (theirs, ours) => panic!("{theirs:?}\n{ours:?}\n{shown}"),
    }
}

/// However a body is cut into pieces, it means the same.
pub fn same_however_cut(body: &[u8], cut: usize, chunk: usize) {
    let (left, right) = body.split_at(cut % (body.len() + 1));
    match (decoded(&[body], 1000), decoded(&[left, right], chunk)) {
        (Err(whole), Err(cut)) => assert_eq!(whole.to_string(), cut.to_string()),
        (Ok(whole), Ok(cut)) => {
            assert_eq!(whole.table.columns(), cut.table.columns());
            let (whole, cut) = (cells(&whole.table), cells(&cut.table));
            assert_eq!(whole.len(), cut.len());
            assert!(whole.iter().flatten().zip(cut.iter().flatten()).all(|(a, b)| is_same(a, b)));
        }
        (whole, cut) => panic!("{whole:?}\n{cut:?}"),
    }
}
