//! What a query may spend: it ends when its caller says so, when its time is over, and before it fills the machine.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Cells that stop the query when they are looked at: what goes on then goes on too long.
struct Stopping {
    cells: [Cells; 3],
    stop: Arc<AtomicBool>,
}

impl Lazy for Stopping {
    fn id(&self) -> usize {
        0
    }

    fn cells(&self, column: usize) -> &Cells {
        self.stop.store(true, Ordering::Relaxed);
        &self.cells[column]
    }
}

struct House(Arc<Stopping>);

impl House {
    fn new() -> House {
        let rows = 300_000;
        let text = |n: usize| s(&format!("text {n}"));
        let cells = [
            Cells::dict((0..50_000).map(text).collect(), (0..rows).map(|row| row % 50_000).collect()),
            Cells::whole(Type::Long, (0..i64::from(rows)).rev().collect()),
            Cells::from((0..rows).map(|row| text(row as usize)).collect::<Vec<Value>>()),
        ];
        House(Arc::new(Stopping { cells, stop: Arc::new(AtomicBool::new(false)) }))
    }
}

impl Catalog for House {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        let column = |(name, ty): (&str, Type)| Column { name: name.into(), ty, cells: Cells::new() };
        let columns = [("D", Type::String), ("L", Type::Long), ("P", Type::String)].into_iter().map(column).collect();
        (name == "T").then(|| Arc::new(Table { columns, rows: 300_000 }))
    }

    fn table_names(&self) -> Vec<String> {
        vec!["T".to_owned()]
    }

    fn lazy(&self, _: &str) -> Option<Arc<dyn Lazy>> {
        Some(self.0.clone())
    }
}

#[test]
fn every_long_way_ends_when_it_is_told_to() {
    let house = House::new();
    for query in [
        "T | where L > 7",
        "T | where D has '7'",
        "T | where P matches regex 'x.*7$'",
        "T | where strlen(P) > L or D == P",
        "T | extend X = strcat(P, D)",
        "T | extend X = toupper(D)",
        "T | summarize count() by P",
        "T | summarize make_list(L), dcount(D)",
        "T | summarize max(L) by bin(L, 3)",
        "T | distinct D, L",
        "T | distinct P",
        "T | sort by P asc",
        "T | sort by L asc",
        "T | top 5 by D",
        "T | join kind=inner (T) on D",
        "T | join kind=leftouter (T) on P, L",
        "T | where D in ((T | project P))",
        "T | parse P with * 'text ' X:long",
        "T | mv-expand X = split(P, ' ')",
    ] {
        house.0.stop.store(false, Ordering::Relaxed);
        let options = Options { stop: Some(house.0.stop.clone()), ..Options::at(now()) };
        let error = pick(query, &house, &options).expect_err(query);
        assert_eq!(error.kind, ErrorKind::Stopped, "{query}: {error}");
    }
    let quiet = Options::at(now());
    assert_eq!(pick("T | where D has '7' | count", &house, &quiet).unwrap().rows, 1);
}

#[test]
fn time_runs_out() {
    let options = Options { deadline: Some(Instant::now()), ..Options::at(now()) };
    let error = run("range X from 1 to 100000 step 1 | where X % 7 == 1", &tables(), &options).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Stopped, "the query ran longer than it may"));
}

#[test]
fn memory_is_granted_and_not_more() {
    let options = Options { max_bytes: 8 << 20, ..Options::at(now()) };
    let squared = "range X from 1 to 2000 step 1 | extend K = 1 | join kind=inner (range Y from 1 to 2000 step 1 | extend K = 1) on K";
    let doubled = "range X from 1 to 20000 step 1 | extend T = strcat(strrep('x', 1000), X)";
    for query in [squared, doubled] {
        let error = run(query, &tables(), &options).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Limit, "{query}: {error}");
        assert!(error.message.contains("more than 8 MiB of memory"), "{error}");
        assert!(run(query, &tables(), &Options::at(now())).is_ok(), "{query}");
    }
}
