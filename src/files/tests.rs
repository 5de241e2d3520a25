//! What is written is what is read, and what is damaged is known.

use super::{kind::Kind, *};
use crate::json::object;
use arrow_array::{
    ArrayRef, BooleanArray, DurationNanosecondArray, Float64Array, Int32Array, Int64Array, RecordBatchOptions, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    builder::{Int64Builder, ListBuilder, StringBuilder},
};
use arrow_schema::{DataType, Field};
use proptest::prelude::*;
use std::{fs, sync::Arc};

fn element(kind: Kind) -> Arc<Field> {
    let DataType::List(field) = kind.arrow() else { panic!("no list") };
    field
}

type Row = (Option<bool>, Option<i32>, Option<i64>, Option<f64>, Option<String>, Option<Vec<Option<String>>>, Option<Vec<Option<i64>>>);

/// Rows in columns of every kind there is.
fn batch(rows: &[Row]) -> RecordBatch {
    let longs = || rows.iter().map(|r| r.2);
    let texts = || rows.iter().map(|r| r.4.as_deref());
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element(Kind::Texts));
    let mut numbers = ListBuilder::new(Int64Builder::new()).with_field(element(Kind::Longs));
    for row in rows {
        lists.append_option(row.5.clone());
        numbers.append_option(row.6.clone());
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|r| r.0).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|r| r.1).collect::<Int32Array>()),
        Arc::new(longs().collect::<Int64Array>()),
        Arc::new(rows.iter().map(|r| r.3).collect::<Float64Array>()),
        Arc::new(texts().collect::<StringArray>()),
        Arc::new(texts().collect::<StringViewArray>()),
        Arc::new(longs().collect::<TimestampNanosecondArray>().with_timezone("UTC")),
        Arc::new(longs().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        Arc::new(longs().collect::<DurationNanosecondArray>()),
        Arc::new(lists.finish()),
        Arc::new(numbers.finish()),
    ];
    let fields: Vec<Field> =
        columns.iter().enumerate().map(|(i, c)| Field::new(format!("column {i}, \"odd\""), c.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let text = || prop_oneof!["[a-c]{0,3}", "\\PC{0,40}"];
    let row = (
        any::<Option<bool>>(),
        any::<Option<i32>>(),
        any::<Option<i64>>(),
        any::<Option<f64>>().prop_map(|f| f.filter(|f| !f.is_nan())),
        prop::option::of(text()),
        prop::option::of(prop::collection::vec(prop::option::of(text()), 0..4)),
        prop::option::of(prop::collection::vec(any::<Option<i64>>(), 0..4)),
    );
    prop::collection::vec(row, 0..40)
}

fn parquet(batches: &[RecordBatch], schema: &Schema, about: Option<&Value>) -> Vec<u8> {
    let mut sink = Sink::new(Format::Parquet, Vec::new(), schema, about).unwrap();
    batches.iter().for_each(|b| sink.write(b).unwrap());
    sink.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<Read> {
    let folder = tempfile::tempdir().map_err(|e| Error::file(Path::new("."), &e))?;
    let path = folder.path().join("x.parquet");
    fs::write(&path, bytes).map_err(|e| Error::file(&path, &e))?;
    read_parquet(&path)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever the rows are and however they come cut, the same come back, with the same types and what was said about them.
    #[test]
    fn parquet_gives_back_what_it_got(rows in rows(), cut in 0usize..40) {
        let whole = batch(&rows);
        let cut = cut.min(rows.len());
        let pieces = [whole.slice(0, cut), whole.slice(cut, rows.len() - cut)];
        let about = object([("query", Value::from("Device | \"x\"\n")), ("n", Value::Int(7))]);
        let found = read(&parquet(&pieces, &whole.schema(), Some(&about))).unwrap();
        prop_assert_eq!(&found.schema, &whole.schema());
        prop_assert_eq!(&found.about, &about);
        prop_assert_eq!(found.batches, if rows.is_empty() { vec![] } else { vec![whole] });
    }

    /// Lines of JSON say what the columns hold.
    #[test]
    fn lines_are_json(rows in rows()) {
        let whole = batch(&rows);
        let mut sink = Sink::new(Format::Ndjson, Vec::new(), &whole.schema(), None).unwrap();
        sink.write(&whole).unwrap();
        let text = String::from_utf8(sink.finish().unwrap()).unwrap();
        prop_assert_eq!(text.lines().count(), rows.len());
        for (line, row) in text.lines().zip(&rows) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let cell = |i: usize| line.get(format!("column {i}, \"odd\"")).unwrap().clone();
            prop_assert_eq!(cell(0), serde_json::json!(row.0));
            prop_assert_eq!(cell(1), serde_json::json!(row.1));
            prop_assert_eq!(cell(2), serde_json::json!(row.2));
            if row.3.is_none_or(f64::is_finite) {
                prop_assert_eq!(cell(3), serde_json::json!(row.3));
            }
            prop_assert_eq!(cell(4), serde_json::json!(row.4));
            prop_assert_eq!(cell(5), serde_json::json!(row.4));
            prop_assert_eq!(cell(9), serde_json::json!(row.5));
            prop_assert_eq!(cell(10), serde_json::json!(row.6));
        }
    }
}

fn few() -> RecordBatch {
    let row = |i: i64| -> Row {
        let text = Some(format!("a text that is longer than twelve bytes {}", i % 7));
        (Some(i % 2 == 0), Some(1), Some(i), Some(0.5), text.clone(), Some(vec![text, None]), None)
    };
    batch(&(0..300).map(row).collect::<Vec<_>>())
}

#[test]
fn a_damaged_file_is_an_error_wherever_it_is_damaged() {
    let whole = few();
    let bytes = parquet(std::slice::from_ref(&whole), &whole.schema(), Some(&Value::from("about")));
    assert_eq!(read(&bytes).unwrap().batches.as_slice(), std::slice::from_ref(&whole));
    for cut in (0..bytes.len()).step_by(37) {
        let message = read(&bytes[..cut]).unwrap_err().to_string();
        assert!(message.contains("x.parquet: "), "{message}");
    }
    for at in (0..bytes.len()).step_by(11) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        // What the footer says twice, or says only to other readers, may be lost without harm.
        if let Ok(found) = read(&damaged) {
            assert_eq!((found.batches, found.about), (vec![whole.clone()], Value::from("about")), "byte {at}");
        }
    }
}

#[test]
fn a_file_of_somebody_else_is_refused() {
    assert!(read(b"").unwrap_err().to_string().contains("no whole Parquet file"));
    let whole = few();
    let mut bytes = parquet(std::slice::from_ref(&whole), &whole.schema(), None);
    let at = bytes.windows(6).rposition(|w| w == b"xdrkit").unwrap();
    let key = bytes.windows(7).position(|w| w == b"\x06xdrkit").unwrap();
    assert!(key < at);
    bytes[key + 1] = b'y';
    assert!(read(&bytes).unwrap_err().to_string().contains("not written by xdrkit"));
}

#[test]
fn row_groups_are_bounded_and_rows_without_columns_are_counted() {
    let texts: StringViewArray = (0..70_000).map(|i| Some(format!("{i} {}", "x".repeat(500)))).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("T", DataType::Utf8View, true)]));
    let whole = RecordBatch::try_new(schema.clone(), vec![Arc::new(texts)]).unwrap();
    let found = read(&parquet(std::slice::from_ref(&whole), &schema, None)).unwrap();
    assert!(found.batches.iter().all(|b| b.num_rows() < 40_000), "groups of 16 MiB");
    assert_eq!(found.batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 70_000);
    assert_eq!(
        found.batches.last().unwrap().columns(),
        whole.slice(70_000 - found.batches.last().unwrap().num_rows(), found.batches.last().unwrap().num_rows()).columns()
    );

    let none = Arc::new(Schema::empty());
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let rows = RecordBatch::try_new_with_options(none.clone(), vec![], &options).unwrap();
    assert_eq!(read(&parquet(&[rows], &none, None)).unwrap().batches[0].num_rows(), 3);
}

#[test]
fn fields_survive_what_is_in_them() {
    let mut rows: Vec<Row> =
        vec![(Some(true), None, Some(-1), Some(1.5), Some("x, \"y\"\nz".to_owned()), Some(vec![Some("a".to_owned()), None]), Some(vec![]))];
    rows.push((None, Some(7), None, Some(f64::NAN), Some(String::new()), None, Some(vec![Some(1)])));
    let whole = batch(&rows);
    let mut sink = Sink::new(Format::Csv, Vec::new(), &whole.schema(), None).unwrap();
    sink.write(&whole).unwrap();
    let text = String::from_utf8(sink.finish().unwrap()).unwrap();
    let (heading, rest) = text.split_once("\r\n").unwrap();
    assert!(heading.starts_with(r#""column 0, ""odd""","column 1, ""odd""","#), "{heading}");
    assert_eq!(
        rest,
        "true,,-1,1.5,\"x, \"\"y\"\"\nz\",\"x, \"\"y\"\"\nz\",1969-12-31T23:59:59.999999999Z,1969-12-31T23:59:59.999999Z,-00:00:00.000000001,\"[\"\"a\"\",null]\",[]\r\n\
         ,7,,NaN,\"\",\"\",,,,,[1]\r\n"
    );
}

#[test]
fn a_file_that_fails_leaves_nothing_behind_and_the_old_one_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list");
    fs::write(&path, "old").unwrap();
    let whole = few();
    let wrong = RecordBatch::try_new(
        Arc::new(Schema::new(vec![Field::new("T", DataType::UInt8, true)])),
        vec![Arc::new(arrow_array::UInt8Array::from(vec![1]))],
    )
    .unwrap();
    for format in [Format::Ndjson, Format::Csv] {
        let error = write(&path, format, &whole.schema(), [&whole, &wrong], None).unwrap_err().to_string();
        assert!(error.ends_with("columns of type UInt8 cannot be written"), "{error}");
    }
    assert!(write(&path, Format::Parquet, &wrong.schema(), [&wrong], None).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(write(folder.path(), Format::Csv, &whole.schema(), [&whole], None).is_err());
    write(&path, Format::Csv, &whole.schema(), [&whole], None).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with("\"column 0"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
