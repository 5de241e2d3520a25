//! Results as files. A file appears under its name when it is whole, not before.

use super::decode::{Cell, Table};
use crate::json;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
};

/// Writes with `write` to `path.part` and renames that.
pub fn to_file(table: &Table, path: &str, write: impl FnOnce(&Table, &mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let part = format!("{path}.part");
    let written = File::create(&part).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(table, &mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&part, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// One JSON object a line.
pub fn ndjson(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    for row in &table.rows {
        let mut line = String::from("{");
        for (i, (column, cell)) in table.columns.iter().zip(row).enumerate() {
            if i > 0 {
                line.push(',');
            }
            json::write_string(&column.name, &mut line);
            line.push(':');
            match cell {
                Cell::Null => line.push_str("null"),
                Cell::Bool(b) => line.push_str(if *b { "true" } else { "false" }),
                Cell::Int(n) => line.push_str(&n.to_string()),
                Cell::BigInt(digits) => line.push_str(digits),
                Cell::Float(f) => json::Value::Float(*f).write(&mut line),
                Cell::Text(text) => json::write_string(text, &mut line),
            }
        }
        line.push_str("}\n");
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// RFC 4180: a header, commas, CRLF; null is an empty field, an empty text is `""`.
pub fn csv(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<String> = table.columns.iter().map(|c| quoted(&c.name)).collect();
    write!(out, "{}\r\n", names.join(","))?;
    for row in &table.rows {
        let fields: Vec<String> = row
            .iter()
            .map(|cell| match cell {
                Cell::Null => String::new(),
                Cell::Bool(b) => b.to_string(),
                Cell::Int(n) => n.to_string(),
                Cell::BigInt(digits) => digits.to_string(),
                Cell::Float(f) => f.to_string(),
                Cell::Text(text) => quoted(text),
            })
            .collect();
        write!(out, "{}\r\n", fields.join(","))?;
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    if !text.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunt::decode::decode;

    fn table() -> Table {
        decode(br#"{"Schema":[{"Name":"A","Type":"String"},{"Name":"B","Type":"Int32"}],"Results":[{"A":"x, \"y\"\nz","B":1},{"A":"","B":null}]}"#).unwrap()
    }

    #[test]
    fn lines_and_fields_survive_what_is_in_them() {
        let mut out = Vec::new();
        ndjson(&table(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"A\":\"x, \\\"y\\\"\\nz\",\"B\":1}\n{\"A\":\"\",\"B\":null}\n");
        let mut out = Vec::new();
        csv(&table(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A,B\r\n\"x, \"\"y\"\"\nz\",1\r\n\"\",\r\n");
    }

    #[test]
    fn a_file_that_fails_leaves_nothing_behind() {
        let path = std::env::temp_dir().join(format!("xdrkit-export-{}", std::process::id()));
        let path = path.to_str().unwrap();
        assert!(to_file(&table(), path, |_, _| Err(io::Error::other("disk full"))).is_err());
        assert!(!fs::exists(path).unwrap() && !fs::exists(format!("{path}.part")).unwrap());
    }
}
