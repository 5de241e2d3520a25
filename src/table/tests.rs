use super::*;
use crate::decode::Decoder;
use arrow_array::{Array, StringViewArray};
use arrow_schema::DataType;

fn table(body: &str) -> Table {
    let mut decoder = Decoder::hunting();
    decoder.push(body.as_bytes()).unwrap();
    decoder.finish().map_err(|e| e.0).unwrap().table
}

fn types(body: &str) -> Vec<String> {
    table(body).batches(Texts::View).unwrap()[0].schema().fields().iter().map(|f| f.data_type().to_string()).collect()
}

#[test]
fn columns_have_the_schemas_types() {
    let body = r#"{"Schema":[{"Name":"T","Type":"DateTime"},{"Name":"B","Type":"SByte"},{"Name":"I","Type":"Int32"},{"Name":"L","Type":"Int64"},{"Name":"F","Type":"Double"},{"Name":"S","Type":"String"},{"Name":"P","Type":"TimeSpan"}],
        "Results":[{"T":"2026-11-01T00:00:00.1234567Z","B":1,"I":1,"L":2,"F":1.5,"S":"x","P":"1.00:00:00"},{"T":null,"B":null,"I":null,"L":null,"F":null,"S":null,"P":null}]}"#;
    assert_eq!(types(body), ["Timestamp(ns, \"UTC\")", "Boolean", "Int32", "Int64", "Float64", "Utf8View", "Duration(ns)"]);
}

#[test]
fn a_column_with_a_misfit_becomes_text_and_loses_nothing() {
    let table = table(r#"{"Schema":[{"Name":"I","Type":"Int64"}],"Results":[{"I":1},{"I":"x"},{"I":null}]}"#);
    let batch = &table.batches(Texts::View).unwrap()[0];
    assert_eq!(batch.column(0).data_type(), &DataType::Utf8View);
    assert_eq!(batch.column(0).as_ref(), &StringViewArray::from(vec![Some("1"), Some("x"), None]) as &dyn Array);
}

#[test]
fn the_year_one_is_kept() {
    let body = r#"{"Schema":[{"Name":"T","Type":"DateTime"}],"Results":[{"T":"0001-01-01T00:00:00Z"}]}"#;
    assert_eq!(types(body), ["Timestamp(µs, \"UTC\")"]);
}

#[test]
fn rows_without_columns_keep_their_count() {
    let table = table(r#"{"Schema":[],"Results":[{},{}]}"#);
    assert_eq!((table.rows(), table.batches(Texts::View).unwrap()[0].num_rows()), (2, 2));
}

fn numbered(from: i64, to: i64) -> Table {
    let rows: Vec<String> = (from..to).map(|n| format!(r#"{{"N":{n},"S":"text number {n} which is long"}}"#)).collect();
    let body = format!(r#"{{"schema":[{{"name":"N","type":"Int64"}},{{"name":"S","type":"String"}}],"results":[{}]}}"#, rows.join(","));
    let mut decoder = Decoder::hunting().chunked(10);
    decoder.push(body.as_bytes()).unwrap();
    decoder.finish().map_err(|e| e.0).unwrap().table
}

fn cells(table: &Table, i: usize) -> Vec<String> {
    let ty = table.columns()[i].ty;
    let mut found = Vec::new();
    for chunk in table.chunks() {
        for row in 0..chunk.rows {
            let mut text = String::new();
            let there = arrow::write_cell(ty, &chunk.arrays[i], row, &mut text);
            found.push(if there { text } else { "null".to_owned() });
        }
    }
    found
}

#[test]
fn slices_and_sums_have_the_rows_that_they_name() {
    let whole = numbered(0, 95);
    assert_eq!((whole.rows(), whole.chunks().len()), (95, 10));
    let (left, right) = (whole.slice(0, 33), whole.slice(33, 1000));
    assert_eq!((left.rows(), right.rows()), (33, 62));
    let again = Table::concat(&[left, whole.slice(95, 5), right]);
    assert_eq!((cells(&again, 0), cells(&again, 1)), (cells(&whole, 0), cells(&whole, 1)));
    assert_eq!(whole.find(94).map(|(chunk, row)| (chunk.rows, row)), Some((5, 4)));
    assert!(whole.find(95).is_none());
}

#[test]
fn tables_that_disagree_become_one_of_texts() {
    let odd = table(r#"{"schema":[{"name":"N","type":"String"},{"name":"X","type":"Double"}],"results":[{"N":"seven","X":1.5}]}"#);
    let both = Table::concat(&[numbered(1, 3), odd]);
    assert_eq!(
        both.columns().iter().map(|c| (&*c.name, c.ty)).collect::<Vec<_>>(),
        [("N", WireType::Text), ("S", WireType::Text), ("X", WireType::Double)]
    );
    assert_eq!(
        (cells(&both, 0), cells(&both, 2)),
        (vec!["1".into(), "2".into(), "seven".into()], vec!["null".into(), "null".into(), "1.5".into()])
    );
}

#[test]
fn batches_come_back_as_the_same_table() {
    let body = r#"{"Schema":[{"Name":"T","Type":"DateTime"},{"Name":"Y","Type":"DateTime"},{"Name":"B","Type":"SByte"},{"Name":"P","Type":"TimeSpan"},{"Name":"D","Type":"Object"},{"Name":"I","Type":"Int64"}],
        "Results":[{"T":"2026-11-01T00:00:00.1234567Z","Y":"0001-01-01T00:00:00Z","B":1,"P":"-00:00:01","D":"{\"a\":1}","I":1},{"I":"x"}]}"#;
    let table = table(body);
    let batches = table.batches(Texts::Plain).unwrap();
    let wires: Vec<String> = table.columns().iter().map(|c| c.wire.to_string()).collect();
    let again = Table::from_batches(&batches[0].schema(), &batches, Some(&wires)).unwrap();
    assert_eq!(again.columns(), table.columns());
    for i in 0..5 {
        assert_eq!(cells(&again, i), cells(&table, i));
    }
    let texts = |t: &Table| t.batches(Texts::View).unwrap()[0].column(5).clone();
    assert_eq!(&texts(&again), &texts(&table));
}
