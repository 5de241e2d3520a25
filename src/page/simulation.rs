//! Walks through simulated services whose rows come, go, change and stand in any order: everything arrives, and once.

use super::*;
use crate::json::object;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::HashMap;

const KEY: &str = "lastUpdateDateTime";

#[derive(Clone, Copy, Debug)]
enum Order {
    /// As the rows stand: changes do not move them.
    Own,
    Rising,
    Falling,
}

#[derive(Clone, Copy, Debug)]
enum Links {
    None,
    Skip,
    Broken,
}

#[derive(Clone, Debug)]
enum Change {
    /// A new row at this place.
    Insert(usize),
    Remove(usize),
    /// The row gets a new time.
    Touch(usize),
}

#[derive(Clone, Debug)]
struct Row {
    id: u64,
    at: i64,
    /// Whether it was there from the start and was never taken away.
    constant: bool,
}

struct Service {
    rows: Vec<Row>,
    order: Order,
    links: Links,
    skip_max: Option<usize>,
    now: i64,
    ids: u64,
    counts: bool,
    requests: usize,
}

fn moment(at: i64) -> String {
    (Timestamp::UNIX_EPOCH + SignedDuration::from_secs(at)).to_string()
}

impl Service {
    fn new(times: &[i64], order: Order, links: Links) -> Service {
        let rows = times.iter().enumerate().map(|(i, at)| Row { id: i as u64, at: *at, constant: true }).collect();
        Service { rows, order, links, skip_max: None, now: 2_000_000, ids: 1_000_000, counts: true, requests: 0 }
    }

    fn change(&mut self, change: &Change) {
        self.now += 1;
        let n = self.rows.len();
        match change {
            Change::Insert(i) => {
                self.ids += 1;
                self.rows.insert(i % (n + 1), Row { id: self.ids, at: self.now, constant: false });
            }
            Change::Remove(i) if n > 0 => drop(self.rows.remove(i % n)),
            Change::Touch(i) if n > 0 => self.rows[i % n].at = self.now,
            _ => {}
        }
    }

    fn answer(&mut self, request: &Request) -> Result<Value> {
        self.requests += 1;
        let query: HashMap<String, String> = request.url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        let number = |name: &str| query.get(name).map(|n| n.parse::<usize>().unwrap());
        let (top, skip) = (number("$top").unwrap_or(usize::MAX), number("$skip").unwrap_or(0));
        if self.skip_max.is_some_and(|max| skip > max) {
            return Err(Error::new(Kind::BadRequest, "The limit of '500' for Skip query has been exceeded."));
        }
        let mut rows: Vec<&Row> = self.rows.iter().filter(|r| query.get("$filter").is_none_or(|f| fits(r, f))).collect();
        match self.order {
            Order::Own => {}
            Order::Rising => rows.sort_by_key(|r| r.at),
            Order::Falling => rows.sort_by_key(|r| std::cmp::Reverse(r.at)),
        }
        let page: Vec<Value> =
            rows.iter().skip(skip).take(top).map(|r| object([("id", Value::from(r.id.to_string())), (KEY, moment(r.at).into())])).collect();
        let end = skip + page.len();
        let mut answer = Object::from_iter([("value".to_owned(), Value::Array(page))]);
        if end < rows.len() {
            match self.links {
                Links::None => {}
                Links::Skip => {
                    let mut url = request.url.clone();
                    let kept: Vec<(String, String)> =
                        query.iter().filter(|(k, _)| *k != "$skip").map(|(k, v)| (k.clone(), v.clone())).collect();
                    url.query_pairs_mut().clear().extend_pairs(kept).append_pair("$skip", &end.to_string());
                    answer.insert("@odata.nextLink".to_owned(), url.as_str().into());
                }
                Links::Broken => drop(answer.insert("@odata.nextLink".to_owned(), "https://api.example/api/machines?=10000".into())),
            }
        }
        if self.counts && query.get("$count").is_some_and(|c| c == "true") {
            answer.insert("@odata.count".to_owned(), Value::Int(rows.len() as i64));
        }
        Ok(Value::Object(answer))
    }
}

/// The few forms of filter that windows are made of.
fn fits(row: &Row, filter: &str) -> bool {
    let filter = filter.strip_prefix("(status ne 'none') and ").unwrap_or(filter);
    filter == "status ne 'none'"
        || filter.split(" and ").all(|part| {
            let words: Vec<&str> = part.split(' ').collect();
            assert_eq!(words[0], KEY, "{filter}");
            let at = words[2].parse::<Timestamp>().unwrap().as_second();
            match words[1] {
                "ge" => row.at >= at,
                "gt" => row.at > at,
                "le" => row.at <= at,
                "lt" => row.at < at,
                other => panic!("{other}"),
            }
        })
}

/// Walks to the end, with changes between the requests, and gives the ids in their order.
fn walk(pager: &mut Pager, service: &mut Service, changes: &[Vec<Change>]) -> Result<Vec<u64>> {
    let mut got = Vec::new();
    let mut changes = changes.iter();
    while let Some(request) = pager.next_request()? {
        assert!(service.requests < 5_000, "no end");
        let page = match service.answer(&request) {
            Ok(page) => page,
            Err(e) if pager.refused(&e) => continue,
            Err(e) => return Err(e),
        };
        got.extend(pager.accept(page)?.iter().map(|i| i.get("id").unwrap().as_str().unwrap().parse::<u64>().unwrap()));
        changes.next().into_iter().flatten().for_each(|c| service.change(c));
    }
    Ok(got)
}

fn pager(id: &str, page_size: u32, arguments: &Value) -> Pager {
    let base = Url::parse("https://api.example").unwrap();
    Pager::new(request::operation(id).unwrap(), arguments.as_object().unwrap(), Some(page_size), &base, &[]).unwrap()
}

/// What was there all the time arrived, and nothing arrived twice.
fn check(got: &[u64], service: &Service) -> std::result::Result<(), TestCaseError> {
    let once: HashSet<u64> = got.iter().copied().collect();
    prop_assert_eq!(once.len(), got.len(), "something came twice");
    let missing: Vec<u64> = service.rows.iter().filter(|r| r.constant && !once.contains(&r.id)).map(|r| r.id).collect();
    prop_assert!(missing.is_empty(), "missing {:?}", missing);
    Ok(())
}

fn none() -> Value {
    Value::Object(Object::new())
}

fn coming_and_going() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![
        (0..300usize).prop_map(Change::Insert),
        (0..300usize).prop_map(Change::Remove),
        Just(Change::Insert(0)),
        Just(Change::Remove(0))
    ];
    prop::collection::vec(prop::collection::vec(change, 0..6), 0..30)
}

fn touches() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = prop_oneof![3 => (0..3000usize).prop_map(Change::Touch), 1 => Just(Change::Insert(0))];
    prop::collection::vec(prop::collection::vec(change, 0..4), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn skipping_misses_nothing_while_rows_come_and_go(
        n in 0..200usize, size in 1..40u32, changes in coming_and_going(), broken in any::<bool>(),
    ) {
        let mut service = Service::new(&vec![0; n], Order::Own, if broken { Links::Broken } else { Links::None });
        let got = walk(&mut pager("machines.list", size, &none()), &mut service, &changes).unwrap();
        check(&got, &service)?;
    }

    #[test]
    fn skipping_misses_nothing_while_rows_move(
        n in 1..200i64, size in 1..40u32, falling in any::<bool>(), changes in touches(),
    ) {
        let times: Vec<i64> = (0..n).collect();
        let order = if falling { Order::Falling } else { Order::Rising };
        let mut service = Service::new(&times, order, Links::None);
        let got = walk(&mut pager("machines.list", size, &none()), &mut service, &changes).unwrap();
        check(&got, &service)?;
    }

    #[test]
    fn top_and_skip_count_rows(n in 0..100usize, size in 1..20u32, top in 1..120i64, skip in 0..120i64) {
        for id in ["machines.list", "graph.incidents.list"] {
            let mut service = Service::new(&vec![0; n], Order::Own, Links::None);
            let wanted = object([("top", Value::Int(top)), ("skip", Value::Int(skip))]);
            let got = walk(&mut pager(id, size, &wanted), &mut service, &[]).unwrap();
            let expected: Vec<u64> = (0..n as u64).skip(skip as usize).take(top as usize).collect();
            prop_assert_eq!(got, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn windows_miss_nothing(
        times in prop::collection::vec(0..900i64, 0..2500),
        size in 20..50u32,
        order in prop_oneof![Just(Order::Own), Just(Order::Rising), Just(Order::Falling)],
        links in prop_oneof![Just(Links::None), Just(Links::Skip)],
        (filtered, refuses, counts) in (any::<bool>(), any::<bool>(), any::<bool>()),
        changes in touches(),
    ) {
        let mut service = Service::new(&times, order, links);
        service.skip_max = refuses.then_some(500);
        service.counts = counts;
        let arguments = if filtered { object([("filter", "status ne 'none'".into())]) } else { none() };
        let got = walk(&mut pager("graph.incidents.list", size, &arguments), &mut service, &changes).unwrap();
        check(&got, &service)?;
    }

    #[test]
    fn windows_miss_nothing_where_the_order_only_seems_to_hold(
        sorted in 600..1500i64, rest in prop::collection::vec(0..3000i64, 1..600), falling in any::<bool>(),
    ) {
        let mut times: Vec<i64> = if falling { (0..sorted).rev().collect() } else { (0..sorted).collect() };
        times.extend(rest);
        let mut service = Service::new(&times, Order::Own, Links::Skip);
        service.skip_max = Some(500);
        let got = walk(&mut pager("graph.incidents.list", 50, &none()), &mut service, &[]).unwrap();
        check(&got, &service)?;
        prop_assert_eq!(got.len(), times.len());
    }
}

#[test]
fn a_long_list_in_windows_costs_few_requests() {
    let times: Vec<i64> = (0..12_345).rev().collect();
    let mut service = Service::new(&times, Order::Falling, Links::Skip);
    service.skip_max = Some(500);
    let got = walk(&mut pager("graph.alerts.list", 1000, &none()), &mut service, &[]).unwrap();
    assert_eq!(got, (0..12_345).collect::<Vec<u64>>());
    assert!(service.requests < 30, "{}", service.requests);
}

#[test]
fn too_many_rows_of_one_moment_are_an_error_that_names_it() {
    let mut times = vec![7; 600];
    let mut service = Service::new(&times, Order::Own, Links::Skip);
    service.skip_max = Some(500);
    // All that the service gives of them is more than it takes to end the list.
    assert_eq!(walk(&mut pager("graph.incidents.list", 50, &none()), &mut service, &[]).unwrap_err().kind(), Kind::Paging);
    times = vec![7; 1200];
    let mut service = Service::new(&times, Order::Own, Links::Skip);
    service.skip_max = Some(500);
    assert_eq!(walk(&mut pager("graph.alerts.list", 1000, &none()), &mut service, &[]).unwrap().len(), 1200);
    let mut service = Service::new(&[7; 2000], Order::Own, Links::Skip);
    service.skip_max = Some(500);
    let mut pager = pager("graph.alerts.list", 1000, &none());
    let error = walk(&mut pager, &mut service, &[]).unwrap_err();
    assert_eq!(error.kind(), Kind::Paging);
    assert!(error.to_string().contains("1970-01-01T00:00:07Z"), "{error}");
    assert_eq!(pager.next_request().unwrap_err().kind(), Kind::Paging, "it does not end as if it were complete");
}

#[test]
fn rows_in_another_order_each_time_are_found_all_the_same() {
    let mut service = Service::new(&[0; 100], Order::Own, Links::None);
    let mut pager = pager("machines.list", 20, &none());
    let (mut got, mut turn) = (HashSet::new(), 0);
    while let Some(request) = pager.next_request().unwrap() {
        let items = pager.accept(service.answer(&request).unwrap()).unwrap();
        for item in items {
            assert!(got.insert(item.to_string()), "twice");
        }
        turn += 1;
        assert!(turn < 1000);
        service.rows.rotate_left(37 + turn % 5);
    }
    assert_eq!(got.len(), 100);
}
