use super::super::tests::grammar::catalog;
use super::*;

/// What is offered at `^`: those of a kind.
fn offers(query: &str, kind: &str) -> Vec<String> {
    let at = query.find('^').unwrap();
    complete(&query.replacen('^', "", 1), at, &catalog()).into_iter().filter(|c| c.kind == kind).map(|c| c.text).collect()
}

#[track_caller]
fn has(query: &str, kind: &str, wanted: &[&str]) {
    let found = offers(query, kind);
    for text in wanted {
        assert!(found.iter().any(|f| f == text), "{query}: no {kind} {text} in {found:?}");
    }
}

#[track_caller]
fn lacks(query: &str, kind: &str) {
    assert_eq!(offers(query, kind), Vec::<String>::new(), "{query}");
}

const COLUMNS: [&str; 5] = ["Timestamp", "DeviceName", "FileName", "ProcessId", "AdditionalFields"];

#[test]
fn tables_stand_where_a_pipeline_begins() {
    for query in [
        "^",
        "Dev^",
        "DeviceEvents | join (^",
        "union ^",
        "union DeviceEvents, ^",
        "let a = ^",
        "let a = 1;\n^",
        "T | join kind=inner ^",
        "print x = toscalar(^",
    ] {
        has(query, "table", &["DeviceEvents", "DeviceProcessEvents"]);
    }
    has("let mine = DeviceEvents;\nlet f = () { 1 };\nm^", "name", &["mine"]);
    assert_eq!(offers("DeviceP^", "table"), ["DeviceProcessEvents"]);
    assert_eq!(offers("process^", "table"), ["DeviceProcessEvents"]);
    lacks("DeviceEvents | where ^", "table");
}

#[test]
fn operators_stand_behind_a_bar() {
    has("DeviceEvents | ^", "operator", &["where", "summarize", "project-away", "mv-expand"]);
    assert_eq!(offers("DeviceEvents\n| project-a^", "operator"), ["project-away"]);
    has("DeviceEvents | join (DeviceEvents | ^", "operator", &["where"]);
    has("let x = DeviceEvents | ^; DeviceEvents", "operator", &["where"]);
    lacks("DeviceEvents | where ^", "operator");
}

#[test]
fn columns_are_those_at_that_point() {
    has("DeviceProcessEvents | where ^", "column", &COLUMNS);
    assert_eq!(offers("DeviceProcessEvents | project a = FileName, Timestamp | where ^", "column"), ["a", "Timestamp"]);
    assert_eq!(
        offers("DeviceProcessEvents | summarize n = count(), max(Timestamp) by DeviceName | sort by ^", "column"),
        ["DeviceName", "n", "max_Timestamp"]
    );
    assert_eq!(offers("DeviceProcessEvents | where tolower(File^", "column"), ["FileName"]);
    assert_eq!(offers("let f = (n: long, T: (a: string)) { T | where ^", "column"), ["a"]);
    has("let f = (n: long, T: (a: string)) { T | where ^", "name", &["n"]);
    has("let p = DeviceProcessEvents | project FileName;\np | where ^", "column", &["FileName"]);
    has("DeviceProcessEvents | project-away ^", "column", &COLUMNS);
    // An operator that is not right yet, and one behind the cursor.
    has("DeviceProcessEvents | where nonsense(1) | where ^ | project FileName", "column", &COLUMNS);
    assert_eq!(offers("DeviceProcessEvents | extend ['a b'] = 1 | project ['a b'] | where ^", "column"), ["['a b']"]);
}

#[test]
fn joins_offer_what_both_sides_have() {
    assert_eq!(offers("DeviceProcessEvents | join kind=inner (DeviceEvents) on ^", "column"), ["Timestamp", "DeviceName"]);
    assert_eq!(offers("DeviceProcessEvents | join (DeviceEvents | project x = 1) on $left.FileName == $right.^", "column"), ["x"]);
    has("DeviceProcessEvents | join DeviceEvents on $left.^", "column", &["FileName"]);
    has("DeviceProcessEvents | join kind=^", "keyword", &["leftanti", "inner"]);
    has("DeviceProcessEvents | join (DeviceEvents) ^", "keyword", &["on"]);
}

#[test]
fn values_and_what_stands_behind_them() {
    has("DeviceProcessEvents | where strl^", "function", &["strlen"]);
    has("DeviceProcessEvents | summarize ^", "aggregate", &["count", "dcount", "arg_max"]);
    lacks("DeviceProcessEvents | summarize count() by ^", "aggregate");
    has("DeviceProcessEvents | summarize count() ^", "keyword", &["by"]);
    has("DeviceProcessEvents | where FileName ^", "keyword", &["has", "in~", "and", "matches regex"]);
    has("DeviceProcessEvents | where Timestamp ^", "keyword", &["between", "and"]);
    assert!(!offers("DeviceProcessEvents | where Timestamp ^", "keyword").contains(&"has".to_owned()));
    has("DeviceProcessEvents | sort by Timestamp ^", "keyword", &["asc", "desc"]);
    has("DeviceProcessEvents | render ^", "keyword", &["timechart"]);
    has("DeviceProcessEvents | extend x = extract('a', 1, FileName, typeof(^", "keyword", &["long"]);
    let substring = complete("print substr", 12, &catalog()).into_iter().find(|c| c.text == "substring").unwrap();
    assert_eq!((substring.start, substring.end, substring.kind), (6, 12, "function"));
    assert!(substring.detail.starts_with("substring("));
}

#[test]
fn nothing_stands_in_texts_and_comments() {
    for query in [
        "DeviceEvents // ^",
        "DeviceEvents | where DeviceName == 'D^",
        "DeviceEvents | where DeviceName == \"^\"",
        "print ? ^",
        "DeviceEvents | as ^",
    ] {
        let at = query.find('^').unwrap();
        let found = complete(&query.replacen('^', "", 1), at, &catalog());
        assert!(found.is_empty() || query.ends_with("as ^"), "{query} {found:?}");
    }
}
