use super::super::window::{Part, Window};
use super::*;
use crate::kql::{Catalog, Column, Options, Table, Value, format_datetime, parse_datetime, run};
use crate::ops::model::Service;
use proptest::prelude::*;

fn verdict(query: &str) -> Verdict {
    reads(query).verdict
}

/// The operator that is to blame, its place, and how to merge.
fn blamed(query: &str) -> (String, usize, usize, Option<String>) {
    match verdict(query) {
        Verdict::Unsafe(u) => (u.operator, u.line, u.column, u.merge),
        other => panic!("{query}\n{other:?}"),
    }
}

#[test]
fn operators_that_look_at_one_row_are_safe() {
    for query in [
        "DeviceEvents",
        "// DeviceEvents | count\nDeviceEvents | where ActionType == 'a | count' | project Timestamp, DeviceName",
        "let a = ago(7d); let l = dynamic(['x']); DeviceEvents | where Timestamp > a and DeviceName in (l) | extend X = tolower(DeviceName)",
        "let t = DeviceEvents | where ActionType has 'x'; union t, (DeviceFileEvents | where FileName endswith '.exe')",
        "DeviceEvents | union DeviceFileEvents | project-away DeviceId | parse FileName with * '.' Ext:string",
        "DeviceEvents | mv-expand X = parse_json(AdditionalFields) limit 3 | render table",
        "DeviceEvents | mv-apply X = parse_json(AdditionalFields) on (summarize count() | where count_ > 1)",
        "let bad = datatable(h:string)['a', 'b']; DeviceFileEvents | where SHA1 in (bad)",
        "let bad = externaldata(h:string)[@'https://x/y.csv'] with (format='csv'); DeviceFileEvents | where SHA1 in ((bad | distinct h))",
        "DeviceEvents | lookup (DeviceTvmSoftwareInventory | summarize n = count() by DeviceId) on DeviceId",
        "DeviceEvents | join kind=leftanti (DeviceTvmSoftwareInventory) on DeviceId",
        "let f = (n:long) { DeviceEvents | where InitiatingProcessId == n }; f(3)",
        "let f = (T:(*), s:string) { T | where DeviceName == s }; f(DeviceEvents, 'x') | project DeviceName",
        "DeviceEvents | as hits | where DeviceName != ''",
        "let n = toscalar(DeviceTvmSoftwareInventory | count); DeviceEvents | where InitiatingProcessId > n",
        "materialize(DeviceEvents | where DeviceName has 'x') | project DeviceName",
        "DeviceEvents | where DeviceName in ('DeviceEvents', DeviceId)",
    ] {
        assert_eq!(verdict(query), Verdict::Safe, "{query}");
    }
}

#[test]
fn what_is_sorted_can_be_sorted_again() {
    for (query, order) in [
        ("DeviceEvents | project Timestamp, DeviceName | sort by Timestamp desc", "sort by Timestamp desc"),
        (
            "DeviceEvents | order by DeviceName asc, Timestamp nulls last | where DeviceName != ''",
            "order by DeviceName asc, Timestamp nulls last",
        ),
        ("DeviceEvents | sort by tolower(DeviceName)", "sort by tolower(DeviceName)"),
        ("DeviceEvents | sort by Timestamp | project Timestamp, A = DeviceName | extend B = 1 | project-away A", "sort by Timestamp"),
        ("let t = DeviceEvents | sort by Timestamp; t | where true", "sort by Timestamp"),
    ] {
        assert_eq!(verdict(query), Verdict::Ordered(order.to_owned()), "{query}");
    }
    for query in [
        "DeviceEvents | sort by Timestamp | project DeviceName",
        "DeviceEvents | sort by Timestamp | project Timestamp = 1",
        "DeviceEvents | sort by Timestamp | extend Timestamp = DeviceName",
        "DeviceEvents | sort by Timestamp | extend tostring(Timestamp)",
        "DeviceEvents | sort by Timestamp | project-rename T = Timestamp",
        "DeviceEvents | sort by tolower(DeviceName) | project DeviceName",
        "DeviceEvents | sort by Timestamp | mv-expand X = parse_json(AdditionalFields)",
    ] {
        assert_eq!(blamed(query).0, "sort", "{query}");
    }
    assert_eq!(verdict("union (DeviceEvents | sort by Timestamp), DeviceFileEvents"), Verdict::Safe);
}

#[test]
fn what_means_the_whole_window_is_blamed_at_its_place() {
    for (query, operator, line, column) in [
        ("DeviceEvents | summarize avg(InitiatingProcessId)", "summarize", 1, 16),
        ("DeviceEvents\n| where true\n| sample 5", "sample", 3, 3),
        ("DeviceEvents | top-nested 3 of DeviceName by count()", "top-nested", 1, 16),
        ("DeviceEvents | make-series count() on Timestamp step 1h", "make-series", 1, 16),
        ("DeviceEvents | join DeviceFileEvents on DeviceId", "join", 1, 16),
        ("DeviceEvents | join (DeviceTvmSoftwareInventory) on DeviceId", "join", 1, 16),
        ("DeviceEvents | lookup (DeviceInfo) on DeviceId", "lookup", 1, 16),
        ("DeviceEvents | where DeviceId in (DeviceInfo)", "where", 1, 16),
        ("DeviceEvents | where DeviceId in ((DeviceInfo | project DeviceId))", "where", 1, 16),
        ("let ids = DeviceInfo | project DeviceId; DeviceEvents | where DeviceId in (ids)", "where", 1, 57),
        ("let n = toscalar(DeviceInfo | count); DeviceEvents | where InitiatingProcessId > n", "toscalar", 1, 9),
        ("DeviceEvents | serialize | extend n = row_number()", "serialize", 1, 16),
        ("DeviceEvents | sort by Timestamp | extend n = prev(DeviceName)", "prev", 1, 47),
        ("DeviceEvents | evaluate bag_unpack(AdditionalFields)", "evaluate", 1, 16),
        ("DeviceEvents | invoke FileProfile()", "invoke", 1, 16),
        ("DeviceEvents | wizardry X", "wizardry", 1, 16),
        ("DeviceEvents | partition by DeviceId (top 1 by Timestamp)", "partition", 1, 16),
        ("DeviceEvents | getschema", "getschema", 1, 16),
        ("search 'x'", "search", 1, 1),
        ("find in (DeviceEvents) where DeviceName == 'x'", "find", 1, 1),
        ("union Device* | where DeviceName == 'x'", "union", 1, 7),
        ("union DeviceEvents, DeviceTvmSoftwareInventory", "union", 1, 21),
        ("DeviceEvents | union (print DeviceName = 'x')", "union", 1, 22),
        ("table('DeviceEvents') | where true", "table", 1, 1),
        ("Custom_CL | where true", "Custom_CL", 1, 1),
        ("union DeviceEvents, Custom_CL", "Custom_CL", 1, 21),
        ("DeviceEvents | where DeviceName in (Custom_CL)", "Custom_CL", 1, 37),
        ("DeviceEvents | where DeviceName in ((Custom_CL | project X))", "Custom_CL", 1, 38),
        ("let t = DeviceEvents | take 5; t | where true", "take", 1, 24),
        ("let f = () { DeviceEvents | distinct DeviceName }; f() | where true", "distinct", 1, 29),
        ("let f = (T:(*)) { T | where true }; f(DeviceTvmSoftwareInventory)", "f", 1, 37),
        ("set x = 1; DeviceEvents", "set", 1, 1),
        ("DeviceEvents; DeviceFileEvents", "DeviceEvents", 1, 1),
        ("print 1", "", 1, 1),
        ("DeviceTvmSoftwareInventory | where true", "", 1, 1),
        ("DeviceEvents | where DeviceName == \"x", "", 1, 36),
        ("", "", 1, 1),
    ] {
        let (o, l, c, _) = blamed(query);
        assert_eq!((o.as_str(), l, c), (operator, line, column), "{query}");
    }
    let deep = format!("DeviceEvents | where {}true{}", "(".repeat(5000), ")".repeat(5000));
    assert_eq!(blamed(&deep).0, "(");
}

#[test]
fn tables_are_named_once() {
    let query =
        "let x = DeviceInfo; union DeviceEvents, (DeviceEvents | where DeviceId in ((DeviceTvmSoftwareInventory | project DeviceId)))";
    assert_eq!(reads(query).tables, ["DeviceInfo", "DeviceEvents", "DeviceTvmSoftwareInventory"]);
}

#[test]
fn what_can_be_merged_says_how() {
    for (query, merge) in [
        ("DeviceEvents | count", Some("summarize Count = sum(Count)")),
        ("DeviceEvents | count as N", Some("summarize N = sum(N)")),
        ("DeviceEvents | distinct DeviceName, ActionType", Some("distinct *")),
        ("DeviceEvents | top 5 by Timestamp desc", Some("top 5 by Timestamp desc")),
        ("DeviceEvents | take 7", Some("take 7")),
        ("DeviceEvents | summarize count() by DeviceName", Some("summarize count_ = sum(count_) by DeviceName")),
        (
            "DeviceEvents | summarize count(), n = countif(ActionType == 'x'), max(Timestamp), sum(InitiatingProcessId) by DeviceName, bin(Timestamp, 1h) | sort by count_",
            Some(
                "summarize count_ = sum(count_), n = sum(n), max_Timestamp = max(max_Timestamp), sum_InitiatingProcessId = sum(sum_InitiatingProcessId) by DeviceName, Timestamp | sort by count_",
            ),
        ),
        ("DeviceEvents | summarize by DeviceName", Some("summarize by DeviceName")),
        (
            "DeviceEvents | summarize make_set(DeviceName) by tolower(ActionType)",
            Some("summarize set_DeviceName = make_set(set_DeviceName) by Column1"),
        ),
        ("DeviceEvents | summarize arg_max(Timestamp, *) by DeviceId", Some("summarize arg_max(Timestamp, *) by DeviceId")),
        ("DeviceEvents | summarize take_any(DeviceName) by DeviceId", Some("summarize DeviceName = take_any(DeviceName) by DeviceId")),
        ("DeviceEvents | summarize dcount(DeviceName)", None),
        ("DeviceEvents | summarize avg(InitiatingProcessId) by DeviceName", None),
        ("DeviceEvents | summarize 2 * count() by DeviceName", None),
        ("DeviceEvents | summarize make_list(DeviceName)", None),
        ("DeviceEvents | summarize make_set(DeviceName, 3)", None),
        ("DeviceEvents | summarize count() by DeviceName | where count_ > 5", None),
        ("DeviceEvents | summarize count() by DeviceName | top 5 by count_", None),
        ("DeviceEvents | summarize arg_max(Timestamp, *) by bin(Timestamp, 1h)", None),
        ("DeviceEvents | take 5 | summarize count()", None),
        ("let t = DeviceEvents | count; t", None),
        ("DeviceEvents | distinct NoSuchColumn", None),
    ] {
        assert_eq!(blamed(query).3.as_deref(), merge, "{query}");
    }
}

struct Events(Arc<Table>);

impl Catalog for Events {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        matches!(name, "DeviceEvents" | "DeviceFileEvents" | RESULT).then(|| self.0.clone())
    }
    fn table_names(&self) -> Vec<String> {
        vec!["DeviceEvents".to_owned()]
    }
}

fn start() -> i64 {
    parse_datetime("2026-11-01").unwrap()
}

/// Rows whose times are close to each other, edges among them.
fn events(rows: &[(i64, u8, i64)]) -> Events {
    let text = |n: u8| Value::String(["", "alpha", "Beta", "gamma"][usize::from(n % 4)].into());
    let column = |name: &str, ty, cells: Vec<Value>| Column { name: name.into(), ty, cells: cells.into() };
    let columns = vec![
        column("Timestamp", Type::DateTime, rows.iter().map(|r| Value::DateTime(start() + r.0)).collect()),
        column("DeviceName", Type::String, rows.iter().map(|r| text(r.1)).collect()),
        column("ActionType", Type::String, rows.iter().map(|r| text(r.1 / 4)).collect()),
        column("InitiatingProcessId", Type::Long, rows.iter().map(|r| if r.2 % 7 == 0 { Value::Null } else { Value::Long(r.2) }).collect()),
        column("AdditionalFields", Type::String, rows.iter().map(|r| Value::String(format!("[{},{}]", r.1, r.2).into())).collect()),
    ];
    Events(Arc::new(Table { columns, rows: rows.len() }))
}

fn asked(events: &dyn Catalog, query: &str) -> Table {
    run(query, events, &Options::at(start())).unwrap_or_else(|e| panic!("{query}\n{e}")).table
}

fn rows(table: &Table) -> Vec<String> {
    (0..table.rows)
        .map(|row| table.columns.iter().map(|c| format!("{:?}", c.cells.get(row).unwrap())).collect::<Vec<_>>().join(","))
        .collect()
}

fn appended(pieces: Vec<Table>) -> Table {
    let mut pieces = pieces.into_iter();
    let mut all = pieces.next().unwrap();
    for piece in pieces {
        for (into, from) in all.columns.iter_mut().zip(piece.columns) {
            assert_eq!((&into.name, into.ty), (&from.name, from.ty));
            into.cells = into.cells.iter().chain(from.cells.iter()).map(std::borrow::Cow::into_owned).collect();
        }
        all.rows += piece.rows;
    }
    all
}

/// The pieces between the edges, as the client asks for them.
fn pieces(events: &dyn Catalog, query: &str, edges: &[i64]) -> Table {
    let at = |t: i64| format_datetime(start() + t);
    let ask = |a: i64, b: i64| {
        let window = Window::new(Some(&at(a)), Some(&at(b)), None).unwrap();
        asked(events, &window.write(query, Service::Graph, true, None).unwrap().query)
    };
    appended(edges.windows(2).map(|pair| ask(pair[0], pair[1])).collect())
}

const SAFE: &[&str] = &[
    "where InitiatingProcessId % 3 != 0",
    "where DeviceName has 'alpha' or ActionType startswith 'b'",
    "extend X = strcat(DeviceName, '|', ActionType)",
    "mv-expand Y = parse_json(AdditionalFields) to typeof(long)",
    "parse AdditionalFields with '[' P:long ',' *",
    "project-reorder DeviceName",
    "union DeviceFileEvents",
    "as hits",
    "join kind=leftouter (datatable(DeviceName:string, Z:long)['alpha', 1, 'alpha', 2]) on DeviceName",
    "lookup (datatable(DeviceName:string, W:long)['Beta', 5]) on DeviceName",
    "where ActionType !in ((datatable(A:string)['gamma'] | distinct A))",
];

const MERGED: &[&str] = &[
    "count",
    "distinct DeviceName, ActionType",
    "summarize count() by DeviceName",
    "summarize n = countif(InitiatingProcessId > 10), s = sum(InitiatingProcessId), min(Timestamp), max(InitiatingProcessId)",
    "summarize sum(InitiatingProcessId), max(Timestamp) by DeviceName, bin(Timestamp, 1s)",
    "summarize by ActionType",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_safe_queries_are_the_whole(
        data in prop::collection::vec((0i64..40, 0u8..16, 0i64..40), 0..40),
        cuts in prop::collection::btree_set(1i64..40, 0..6),
        chosen in prop::collection::vec(0usize..SAFE.len(), 0..5),
    ) {
        let events = events(&data);
        let mut operators: Vec<&str> = chosen.iter().map(|i| SAFE[*i]).collect();
        operators.dedup();
        let query = operators.iter().fold("DeviceEvents".to_owned(), |q, o| format!("{q}\n| {o}"));
        prop_assert_eq!(verdict(&query), Verdict::Safe, "{}", query);
        if kql::describe(&query, &events).is_ok() {
            let edges: Vec<i64> = [0].into_iter().chain(cuts).chain([40]).collect();
            let (mut whole, mut parts) = (rows(&asked(&events, &query)), rows(&pieces(&events, &query, &edges)));
            whole.sort();
            parts.sort();
            prop_assert_eq!(whole, parts);
            let ordered = format!("{query} | sort by Timestamp asc, DeviceName asc, ActionType asc, InitiatingProcessId asc");
            let Verdict::Ordered(sort) = verdict(&ordered) else { panic!("{ordered}") };
            let again = Events(Arc::new(pieces(&events, &ordered, &edges)));
            let keys = "project Timestamp, DeviceName, ActionType, InitiatingProcessId";
            let again = rows(&asked(&again, &format!("{RESULT} | {sort} | {keys}")));
            prop_assert_eq!(rows(&asked(&events, &format!("{ordered} | {keys}"))), again);
        }
    }

    #[test]
    fn merged_pieces_are_the_whole(
        data in prop::collection::vec((0i64..40_000_000, 0u8..16, 0i64..40), 0..60),
        cuts in prop::collection::btree_set(1i64..40_000_000, 0..6),
        chosen in 0usize..MERGED.len(),
    ) {
        let events = events(&data);
        let query = format!("DeviceEvents | where DeviceName != 'gamma' | {}", MERGED[chosen]);
        let merge = blamed(&query).3.unwrap();
        let edges: Vec<i64> = [0].into_iter().chain(cuts).chain([40_000_000]).collect();
        let parts = Events(Arc::new(pieces(&events, &query, &edges)));
        let mut merged = rows(&asked(&parts, &format!("{RESULT} | {merge}")));
        let mut whole = rows(&asked(&events, &query));
        whole.sort();
        merged.sort();
        prop_assert_eq!(whole, merged, "{}", query);
    }

    #[test]
    fn parts_by_hash_are_the_whole(
        data in prop::collection::vec((0i64..40, 0u8..16, 0i64..40), 0..60),
        of in 1u32..5,
        column in prop::sample::select(vec!["DeviceName", "InitiatingProcessId", "AdditionalFields", "Timestamp"]),
    ) {
        let events = events(&data);
        let ask = |index| {
            let part = Part::new(column, of, index).unwrap();
            asked(&events, &Window::default().write("DeviceEvents | extend X = 1", Service::Graph, true, Some(&part)).unwrap().query)
        };
        let (mut parts, mut whole) = (rows(&appended((0..of).map(ask).collect())), rows(&asked(&events, "DeviceEvents | extend X = 1")));
        whole.sort();
        parts.sort();
        prop_assert_eq!(whole, parts);
    }
}
