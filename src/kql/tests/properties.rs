//! What must hold for every query and every table.

use super::*;
use proptest::prelude::*;

const WORDS: [&str; 70] = [
    "DeviceProcessEvents",
    "DeviceEvents",
    "FileName",
    "ProcessId",
    "Timestamp",
    "AdditionalFields",
    "|",
    "where",
    "project",
    "extend",
    "summarize",
    "by",
    "join",
    "kind=inner",
    "on",
    "union",
    "let",
    "=",
    ";",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "==",
    "!=",
    "=~",
    "!",
    "in",
    "~",
    "has",
    "has_any",
    "and",
    "or",
    "not",
    "+",
    "-",
    "*",
    "/",
    "%",
    "..",
    ".",
    ":",
    "'a'",
    "\"b\"",
    "1",
    "2.5",
    "1d",
    "datetime(2026-01-01)",
    "dynamic([1,'a'])",
    "count()",
    "dcount(FileName)",
    "arg_max(Timestamp, *)",
    "strcat",
    "tostring",
    "bin",
    "sort",
    "top",
    "take",
    "mv-expand",
    "parse",
    "with",
    "datatable(a:long)[1]",
    "print",
    "range x from 1 to 3 step 1",
    "toscalar",
    "between",
    "$left.a",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_soup_of_words_panics(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..24)) {
        let query = words.join(" ");
        if let Err(e) = try_run(&query) {
            prop_assert!(!e.message.contains("fault of the sandbox"), "{}", query);
            prop_assert!(e.start <= query.len() && e.line >= 1 && e.column >= 1);
        }
        let piped = format!("DeviceProcessEvents | {query}");
        if let Err(e) = try_run(&piped) {
            prop_assert!(!e.message.contains("fault of the sandbox"), "{}", piped);
        }
    }

    #[test]
    fn no_text_panics(query in "\\PC{0,40}") {
        if let Err(e) = try_run(&query) {
            prop_assert!(!e.message.contains("fault of the sandbox"));
        }
    }

    #[test]
    fn where_keeps_what_a_plain_filter_keeps(cells in prop::collection::vec((prop::option::of(-5i64..5), "[abAB]{0,3}"), 0..40), bound in -5i64..5, text in "[abAB]{1,2}") {
        let numbers = cells.iter().map(|(n, _)| n.map_or(Value::Null, Value::Long)).collect();
        let texts = cells.iter().map(|(_, t)| s(t)).collect();
        let table = Table { columns: vec![column("n", Type::Long, numbers), column("t", Type::String, texts)], rows: cells.len() };
        let mut tables = Tables::default();
        tables.0.insert("T".into(), Arc::new(table));
        let query = format!("T | where (n > {bound} and t contains '{text}') or t =~ '{text}' | project n, t");
        let output = run(&query, &tables, &Options::at(now())).unwrap();
        let lower = text.to_lowercase();
        let kept: Vec<String> = cells
            .iter()
            .filter(|(n, t)| (n.is_some_and(|n| n > bound) && t.to_lowercase().contains(&lower)) || t.to_lowercase() == lower)
            .map(|(n, t)| format!("{},{t}", n.map_or("null".to_owned(), |n| n.to_string())))
            .collect();
        let got: Vec<String> = (0..output.table.rows).map(|r| format!("{},{}", cell(&output.table.columns[0].cells.get(r).unwrap()), cell(&output.table.columns[1].cells.get(r).unwrap()))).collect();
        prop_assert_eq!(got, kept);
    }

    #[test]
    fn dates_survive_their_text(t in 0..=datetime::MAX_DATETIME) {
        prop_assert_eq!(parse_datetime(&format_datetime(t)), Some(t));
        let p = datetime::parts(t);
        prop_assert_eq!(datetime::ticks(p.year, p.month, p.day, p.of_day), Some(t));
    }

    #[test]
    fn timespans_survive_their_text(t in -datetime::MAX_DATETIME..datetime::MAX_DATETIME) {
        prop_assert_eq!(parse_timespan(&format_timespan(t)), Some(t));
    }
}
