//! What must hold for every query and every table.

use super::*;
use proptest::prelude::*;

const WORDS: [&str; 102] = [
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
    "externaldata(a:string)['u']",
    "invoke",
    "FileProfile()",
    "evaluate",
    "bag_unpack(AdditionalFields)",
    "pivot(FileName)",
    "narrow()",
    "make-series",
    "default=0",
    "from",
    "to",
    "step",
    "mv-apply",
    "e=AdditionalFields",
    "to typeof(long)",
    "search",
    "find in (DeviceEvents) where",
    "top-nested",
    "of",
    "with others='x'",
    "top-hitters",
    "partition",
    "(take 1)",
    "scan",
    "with_match_id=m",
    "declare (n:long=0)",
    "(step s: true => n = 1;)",
    "sample",
    "sample-distinct",
    "serialize",
    "as Z",
    "* has 'x'",
    "$left.a",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_soup_of_words_panics(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..24)) {
        let query = words.join(" ");
        if let Err(e) = try_run(&query) {
            prop_assert!(!e.message.contains("fault of the engine"), "{}", query);
            prop_assert!(e.start <= query.len() && e.line >= 1 && e.column >= 1);
        }
        let piped = format!("DeviceProcessEvents | {query}");
        if let Err(e) = try_run(&piped) {
            prop_assert!(!e.message.contains("fault of the engine"), "{}", piped);
        }
    }

    #[test]
    fn no_text_panics(query in "\\PC{0,40}") {
        if let Err(e) = try_run(&query) {
            prop_assert!(!e.message.contains("fault of the engine"));
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

/// Keys and values of a table, nulls and doubles among them.
type Side = Vec<(Option<i64>, i64)>;

fn sides() -> impl Strategy<Value = (Side, Side)> {
    let side = || prop::collection::vec((prop::option::of(0i64..4), 0i64..100), 0..8);
    (side(), side())
}

fn keyed(rows: &[(Option<i64>, i64)], value: &str) -> Arc<Table> {
    let keys: Vec<Value> = rows.iter().map(|(k, _)| k.map_or(Value::Null, Value::Long)).collect();
    let values: Vec<Value> = rows.iter().map(|(_, v)| Value::Long(*v)).collect();
    Arc::new(Table { columns: vec![column("k", Type::Long, keys), column(value, Type::Long, values)], rows: rows.len() })
}

fn sorted(output: &Output) -> Vec<String> {
    let text = show(output);
    let mut rows: Vec<String> = text.split(" | ").skip(1).map(str::to_owned).collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn joins_are_what_nested_loops_say((left, right) in sides()) {
        let mut tables = Tables::default();
        tables.0.insert("L".into(), keyed(&left, "a"));
        tables.0.insert("R".into(), keyed(&right, "b"));
        let n = |k: Option<i64>| k.map_or("null".to_owned(), |k| k.to_string());
        let meets = |l: Option<i64>, r: Option<i64>| l == r;
        let pairs = |l: &(Option<i64>, i64)| right.iter().filter(|r| meets(l.0, r.0)).map(|r| format!("{},{},{},{}", n(l.0), l.1, n(r.0), r.1)).collect::<Vec<_>>();
        let inner: Vec<String> = left.iter().flat_map(&pairs).collect();
        let lonely_left: Vec<&(Option<i64>, i64)> = left.iter().filter(|l| !right.iter().any(|r| meets(l.0, r.0))).collect();
        let lonely_right: Vec<&(Option<i64>, i64)> = right.iter().filter(|r| !left.iter().any(|l| meets(l.0, r.0))).collect();
        let left_nulls: Vec<String> = lonely_left.iter().map(|l| format!("{},{},null,null", n(l.0), l.1)).collect();
        let right_nulls: Vec<String> = lonely_right.iter().map(|r| format!("null,null,{},{}", n(r.0), r.1)).collect();
        let bare = |rows: Vec<&(Option<i64>, i64)>| rows.into_iter().map(|(k, v)| format!("{},{v}", n(*k))).collect::<Vec<_>>();
        let mut once = std::collections::HashSet::new();
        let unique: Vec<String> = left.iter().filter(|l| once.insert(l.0)).flat_map(&pairs).collect();
        let expected = [
            ("inner", inner.clone()),
            ("innerunique", unique),
            ("leftouter", [inner.clone(), left_nulls.clone()].concat()),
            ("rightouter", [inner.clone(), right_nulls.clone()].concat()),
            ("fullouter", [inner.clone(), left_nulls, right_nulls].concat()),
            ("leftanti", bare(lonely_left.clone())),
            ("rightanti", bare(lonely_right.clone())),
            ("leftsemi", bare(left.iter().filter(|l| right.iter().any(|r| meets(l.0, r.0))).collect())),
            ("rightsemi", bare(right.iter().filter(|r| left.iter().any(|l| meets(l.0, r.0))).collect())),
        ];
        for (kind, mut rows) in expected {
            rows.sort();
            let output = run(&format!("L | join kind={kind} R on k"), &tables, &Options::at(now())).unwrap();
            prop_assert_eq!(sorted(&output), rows, "{}", kind);
        }
        let united = run("union L, R | project k, a, b", &tables, &Options::at(now())).unwrap();
        let rows = left.iter().map(|(k, v)| format!("{},{v},null", n(*k))).chain(right.iter().map(|(k, v)| format!("{},null,{v}", n(*k))));
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        prop_assert_eq!(sorted(&united), rows);
    }

    #[test]
    fn expanding_and_applying_are_loops(lists in prop::collection::vec(prop::collection::vec(0i64..50, 0..5), 0..6), bound in 0i64..50) {
        let cells: Vec<Value> = lists.iter().map(|l| Value::dynamic(crate::json::Value::Array(l.iter().map(|n| crate::json::Value::Int(*n)).collect()))).collect();
        let ids: Vec<Value> = (0..lists.len() as i64).map(Value::Long).collect();
        let mut tables = Tables::default();
        let table = Table { columns: vec![column("id", Type::Long, ids), column("l", Type::Dynamic, cells)], rows: lists.len() };
        tables.0.insert("T".into(), Arc::new(table));
        let rows = |query: &str| {
            let text = show(&run(query, &tables, &Options::at(now())).unwrap());
            text.split(" | ").skip(1).map(str::to_owned).collect::<Vec<String>>()
        };
        let flat: Vec<(usize, i64)> = lists.iter().enumerate().flat_map(|(id, l)| l.iter().map(move |n| (id, *n))).collect();
        let shown = |rows: &[(usize, i64)]| rows.iter().map(|(id, n)| format!("{id},{n}")).collect::<Vec<_>>();
        prop_assert_eq!(rows("T | mv-expand l to typeof(long)"), shown(&flat));
        let kept: Vec<(usize, i64)> = flat.iter().filter(|(_, n)| *n > bound).copied().collect();
        prop_assert_eq!(rows(&format!("T | mv-apply e=l to typeof(long) on (where e > {bound}) | project id, e")), shown(&kept));
        let sums: Vec<(usize, i64)> = lists.iter().enumerate().filter(|(_, l)| !l.is_empty()).map(|(id, l)| (id, l.iter().sum())).collect();
        prop_assert_eq!(rows("T | mv-apply e=l to typeof(long) on (summarize s=sum(e)) | project id, s"), shown(&sums));
        prop_assert_eq!(rows("T | mv-expand e=l to typeof(long) | partition hint.strategy=native by id (summarize s=sum(e), id=take_any(id)) | project id, s"), shown(&sums));
    }
}
