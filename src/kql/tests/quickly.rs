//! What is computed for many rows at once is what the rows say one by one.

use super::*;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const TEXTS: [&str; 9] = ["", "alpha", "Alpha", "ALPHA beta", "beta", "power-shell", "äß", "7", "[1,2]"];
const REALS: [f64; 8] = [0.0, -0.0, 1.5, -1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3.0];
const LONGS: [i64; 9] = [0, 1, 2, 3, -1, 7, i64::MAX, i64::MIN, 1 << 60];

/// Stands for the null of a dictionary until its number is known.
const NULL: u32 = u32::MAX - 1;

/// The same cells, kept in one of the ways in which cells are kept: with values that are in no row, or in the dictionary twice.
fn kept(values: Vec<Option<Value>>, way: u8, ty: Type) -> Cells {
    let plain = || values.iter().map(|v| v.clone().unwrap_or_else(|| Value::absent(ty).clone())).collect::<Vec<Value>>();
    match (way % 4, ty) {
        (0, _) => plain().into(),
        (1, Type::Long | Type::DateTime) => Cells::optional(ty, values.iter().map(|v| v.as_ref().and_then(Value::as_i64))),
        (1, Type::Real) => Cells::reals(values.iter().map(|v| v.as_ref().and_then(Value::as_f64))),
        (2, _) => {
            // Few values, each kept twice, and one that no row has.
            let mut known: Vec<Value> = Vec::new();
            let code = |(row, value): (usize, &Option<Value>)| {
                let Some(value) = value else { return if row % 2 == 0 { u32::MAX } else { NULL } };
                let same = |v: &Value| format!("{v:?}") == format!("{value:?}");
                let at = known.iter().position(same).unwrap_or_else(|| {
                    known.push(value.clone());
                    known.len() - 1
                });
                (at * 2 + row % 2) as u32
            };
            let mut codes: Vec<u32> = values.iter().enumerate().map(code).collect();
            let null = known.len() as u32 * 2;
            codes.iter_mut().filter(|code| **code == NULL).for_each(|code| *code = null);
            let twice = known.iter().flat_map(|v| [v.clone(), v.clone()]);
            Cells::dict(twice.chain([Value::Null, s("in no row")]).collect(), codes)
        }
        _ => Cells::dict(plain(), (0..values.len() as u32).collect()),
    }
}

type Cell = (Index, Index, Index, Index, u8);

fn table(rows: &[Cell], way: u8) -> Table {
    let column = |name: &str, ty, at: u8, of: &dyn Fn(&Cell) -> Option<Value>| {
        let values = rows.iter().map(|row| of(row).filter(|_| row.4.rotate_left(u32::from(at)) % 8 != 0)).collect();
        Column { name: name.into(), ty, cells: kept(values, way.wrapping_add(at), ty) }
    };
    let text = |i: &Index| Some(s(TEXTS[i.index(TEXTS.len())]));
    let hour = |i: &Index| Some(Value::DateTime(now() - i.index(50) as i64 * 6_000_000_000));
    let columns = vec![
        column("S", Type::String, 0, &|r| text(&r.0)),
        column("P", Type::String, 1, &|r| text(&r.1)),
        column("L", Type::Long, 2, &|r| Some(Value::Long(LONGS[r.2.index(LONGS.len())]))),
        column("R", Type::Real, 3, &|r| Some(Value::Real(REALS[r.3.index(REALS.len())]))),
        column("D", Type::DateTime, 4, &|r| hour(&r.2)),
        column("B", Type::Bool, 5, &|r| Some(Value::Bool(r.3.index(2) == 0))),
        column("K", Type::Long, 6, &|r| Some(Value::Long(r.1.index(4) as i64))),
    ];
    Table { columns, rows: rows.len() }
}

const TESTS: [&str; 43] = [
    "S == 'alpha'",
    "S =~ 'ALPHA'",
    "S has 'beta'",
    "S contains 'A'",
    "S !has 'alpha'",
    "S in~ ('alpha', '')",
    "tolower(S) != P",
    "S =~ P",
    "isempty(S)",
    "S matches regex 'a.*a'",
    "strlen(S) > K",
    "L > 1",
    "L <= R",
    "L == 7",
    "L between (0 .. 3)",
    "isnull(L)",
    "L * 4611686018427387904 > 0",
    "tolong(S) + 9223372036854775801 > 0",
    "R < 1.5",
    "R == 0.0",
    "isnan(R)",
    "D >= datetime(2026-11-21T10:00:00Z)",
    "D == datetime(2026-11-21T10:00:00Z)",
    "D != datetime(2026-11-21T10:00:00Z)",
    "D between (datetime(2026-11-21T09:00:00Z) .. 30m)",
    "datetime(2026-11-21T10:00:00Z) < D",
    "L != 7",
    "L < 3",
    "L <= 3",
    "3 >= L",
    "1 < L",
    "L >= 1152921504606846976",
    "L > 1.5",
    "K !between (int(1) .. 2)",
    "R != 1.5",
    "R >= -1.5",
    "R <= real(nan)",
    "B",
    "not(B)",
    "iff(S == 'alpha', L > 1, B)",
    "S in ((U | where K > 1 | project S))",
    "K > toscalar(U | summarize min(K))",
    "todynamic(S)[0] == 1",
];

const KEYS: [&str; 16] = [
    "S",
    "tolower(S)",
    "P",
    "L",
    "bin(K, 3)",
    "bin(D, 1h)",
    "bin(L, 3)",
    "bin(L, 9223372036854775807)",
    "floor(D, 7m)",
    "bin(L, K)",
    "R",
    "B",
    "K",
    "strcat(S, P)",
    "isempty(S)",
    "case(S == '', 'x', S has 'a', P, 'y')",
];

const AGGREGATES: [&str; 33] = [
    "count()",
    "countif(S has 'beta')",
    "countif(L * 4611686018427387904 > 0)",
    "dcount(S)",
    "dcount(L)",
    "dcount(R)",
    "dcountif(P, B)",
    "sum(K)",
    "sum(R)",
    "sumif(K, S == 'alpha')",
    "avg(K)",
    "avg(D)",
    "sum(L)",
    "avg(L)",
    "avg(R)",
    "sum(K - 2)",
    "avgif(R, K > 1)",
    "min(L)",
    "max(D)",
    "min(R)",
    "max(K + 1)",
    "max(L + 1)",
    "maxif(D, K > 1)",
    "make_set(S)",
    "make_set(tolower(P))",
    "make_set(R)",
    "make_set(S, 2)",
    "make_set_if(P, B)",
    "make_set_if(L, B)",
    "make_list(L)",
    "arg_max(D, S, L)",
    "take_any(S)",
    "percentile(K, 50)",
];

fn condition() -> impl Strategy<Value = String> {
    let leaf = select(&TESTS[..]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 8, 3, |inner| {
        (prop::collection::vec(inner, 2..4), any::<bool>())
            .prop_map(|(parts, and)| format!("({})", parts.join(if and { " and " } else { " or " })))
    })
}

fn some(of: &'static [&'static str], least: usize) -> impl Strategy<Value = String> {
    prop::sample::subsequence(of, least..4).prop_map(|parts| parts.join(", "))
}

fn named(of: &'static [&'static str], prefix: &'static str, least: usize) -> impl Strategy<Value = String> {
    prop::sample::subsequence(of, least..4)
        .prop_map(move |parts| parts.iter().enumerate().map(|(at, p)| format!("{prefix}{at} = {p}")).collect::<Vec<_>>().join(", "))
}

fn operator() -> impl Strategy<Value = String> {
    let orders = ["asc", "desc", "asc nulls last", "desc nulls first"];
    let order = (select(&KEYS[..]), select(orders.to_vec())).prop_map(|(key, order)| format!("{key} {order}"));
    let kinds = ["inner", "innerunique", "leftouter", "rightouter", "fullouter", "leftsemi", "leftanti", "rightsemi", "rightanti"];
    let joins = (select(kinds.to_vec()), some(&["S", "K", "R", "D"], 1)).prop_map(|(kind, on)| format!("join kind={kind} (U) on {on}"));
    prop_oneof![
        condition().prop_map(|c| format!("where {c}")),
        (named(&AGGREGATES, "A", 1), named(&KEYS, "G", 0)).prop_map(|(what, by)| if by.is_empty() {
            format!("summarize {what}")
        } else {
            format!("summarize {what} by {by}")
        }),
        named(&KEYS, "G", 1).prop_map(|keys| format!(
            "distinct {}",
            keys.split(", G")
                .map(|k| k.trim_start_matches(|c| c != '=').trim_start_matches("= ").to_owned())
                .collect::<Vec<_>>()
                .join(", ")
        )),
        prop::collection::vec(order.clone(), 1..3).prop_map(|by| format!("sort by {}", by.join(", "))),
        (0usize..9, order).prop_map(|(count, by)| format!("top {count} by {by}")),
        joins,
        named(&KEYS, "X", 1).prop_map(|keys| format!("extend {keys}")),
    ]
}

fn said(answer: Result<Output, KqlError>) -> String {
    match answer {
        Ok(output) => {
            let cells = output.table.columns.iter().map(|c| format!("{} {:?} {:?}", c.name, c.ty, c.cells.iter().collect::<Vec<_>>()));
            format!("{}: {}", output.table.rows, cells.collect::<Vec<_>>().join("\n"))
        }
        Err(e) => format!("{:?}: {}", e.kind, e.message),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn many_rows_at_once_say_what_each_says(
        rows in prop::collection::vec(any::<Cell>(), 0..60),
        others in prop::collection::vec(any::<Cell>(), 0..12),
        way in any::<u8>(),
        before in prop::option::of(operator()),
        then in operator(),
    ) {
        let tables = Tables(HashMap::from([
            ("T".to_owned(), Arc::new(table(&rows, way))),
            ("U".to_owned(), Arc::new(table(&others, way.rotate_right(4)))),
        ]));
        let query = ["T".to_owned()].into_iter().chain(before).chain([then]).collect::<Vec<_>>().join(" | ");
        let options = Options::at(now());
        let quick = run(&query, &tables, &options);
        let plain = apart(&query, || run_with(&query, &tables, &options, exec::Run::new(&options).plainly()));
        prop_assert_eq!(said(quick), said(plain), "{}", query);
    }
}

/// Each condition, key and aggregate once, however the cells are kept: what chance might leave out.
#[test]
fn every_part_says_what_each_row_says() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let rows = prop::collection::vec(any::<Cell>(), 60).new_tree(&mut runner).unwrap().current();
    for way in 0..4 {
        let whole = Arc::new(table(&rows, way));
        let tables = Tables(HashMap::from([("T".to_owned(), whole.clone()), ("U".to_owned(), whole)]));
        let conditions = TESTS.iter().map(|test| format!("T | where {test}"));
        let keys = KEYS.iter().map(|key| format!("T | extend X = {key}"));
        let aggregates = AGGREGATES.iter().map(|what| format!("T | summarize X = {what} by K"));
        for query in conditions.chain(keys).chain(aggregates) {
            let options = Options::at(now());
            let plain = apart(&query, || run_with(&query, &tables, &options, exec::Run::new(&options).plainly()));
            assert_eq!(said(run(&query, &tables, &options)), said(plain), "{query} {way}");
        }
    }
}

#[test]
fn nulls_and_nans_of_a_dictionary_keep_their_order() {
    let values = [None, Some(2.0), Some(f64::NAN), Some(-1.0), Some(f64::NAN), None];
    let rows: Vec<Option<Value>> = values.iter().cycle().take(24).map(|v| v.map(Value::Real)).collect();
    let table =
        |way| Table { columns: vec![Column { name: "R".into(), ty: Type::Real, cells: kept(rows.clone(), way, Type::Real) }], rows: 24 };
    for order in ["asc", "desc", "asc nulls last", "desc nulls first"] {
        let sorted = |way| {
            let tables = Tables(HashMap::from([("T".to_owned(), Arc::new(table(way)))]));
            said(run(&format!("T | sort by R {order}"), &tables, &Options::at(now())))
        };
        assert_eq!(sorted(2), sorted(0), "{order}");
    }
}
