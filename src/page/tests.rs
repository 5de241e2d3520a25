//! What a walk asks and takes, page by page.

use super::*;
use crate::json::object;

fn base() -> Url {
    Url::parse("https://graph.example").unwrap()
}

fn pager(id: &str, arguments: Value, page_size: Option<u32>) -> Pager {
    Pager::new(request::operation(id).unwrap(), arguments.as_object().unwrap(), page_size, &base(), &[]).unwrap()
}

fn none() -> Value {
    Value::Object(Object::new())
}

fn page(range: std::ops::Range<i64>, link: Option<&str>) -> Value {
    let items: Vec<Value> = range.map(|i| object([("id", Value::Int(i))])).collect();
    match link {
        Some(link) => object([("value", items.into()), ("@odata.nextLink", link.into())]),
        None => object([("value", items.into())]),
    }
}

fn query(pager: &Pager) -> Option<String> {
    pager.next_request().unwrap().map(|r| r.url.query().unwrap_or_default().to_owned())
}

#[test]
fn skip_goes_on_until_a_page_is_short() {
    let mut p = pager("machines.list", none(), Some(3));
    assert_eq!(query(&p).unwrap(), "$top=3");
    assert_eq!(p.accept(page(0..3, None)).unwrap().len(), 3);
    // One more, and one back: the last row shows that nothing went away in front.
    assert_eq!(query(&p).unwrap(), "$top=4&$skip=2");
    assert_eq!(p.accept(page(2..5, None)).unwrap().len(), 2);
    assert_eq!(query(&p), None);
}

#[test]
fn where_rows_went_away_in_front_it_reaches_back() {
    let mut p = pager("machines.list", none(), Some(20));
    p.accept(page(0..20, None)).unwrap();
    assert_eq!(query(&p).unwrap(), "$top=21&$skip=19");
    // Three went away: number 19 stands in place 16 now, and 20 to 21 would be missed.
    assert_eq!(p.accept(page(22..43, None)).unwrap(), []);
    assert_eq!(query(&p).unwrap(), "$top=28&$skip=12");
    assert_eq!(p.accept(page(15..30, None)).unwrap().len(), 10);
    assert_eq!(query(&p), None);
}

#[test]
fn where_rows_came_in_front_it_looks_again_at_the_start() {
    let mut p = pager("machines.list", none(), Some(4));
    p.accept(page(0..4, None)).unwrap();
    // Number 9 was behind and moved to the front.
    assert_eq!(p.accept(page(2..6, None)).unwrap().len(), 2);
    assert_eq!(query(&p).unwrap(), "$top=4");
    let items = p.accept(object([("value", [9, 0, 1, 2].map(|i| object([("id", Value::Int(i))])).to_vec().into())])).unwrap();
    assert_eq!(items, [object([("id", Value::Int(9))])]);
    // Some way further, since others may have come in front of it meanwhile.
    assert_eq!(query(&p).unwrap(), "$top=5&$skip=3");
    assert_eq!(p.accept(page(2..5, None)).unwrap(), []);
    assert_eq!(query(&p), None);
}

#[test]
fn rows_without_a_key_are_plainly_skipped_and_never_dropped() {
    let ids = object([("ids", vec![Value::from("s")].into())]);
    let mut p = pager("scans.history", ids, Some(2));
    let rows = |names: [&str; 2]| object([("value", names.map(|n| object([("sessionId", n.into())])).to_vec().into())]);
    assert_eq!(p.accept(rows(["a", "a"])).unwrap().len(), 2);
    assert_eq!(query(&p).unwrap(), "$top=2&$skip=2");
    assert_eq!(p.accept(rows(["a", "b"])).unwrap().len(), 2);
    assert_eq!(p.accept(rows(["a", "b"])).unwrap_err().kind(), Kind::Paging);
}

#[test]
fn an_export_is_never_asked_for_top_which_would_end_it_early() {
    let mut p = pager("exports.software_inventory", object([("top", Value::Int(5))]), Some(3));
    assert_eq!(query(&p).unwrap(), "pageSize=3");
    p.accept(page(0..3, Some("https://graph.example/api/x?pagesize=3&$skiptoken=t"))).unwrap();
    assert_eq!(query(&p).unwrap(), "pagesize=3&$skiptoken=t");
    assert_eq!(p.accept(page(3..6, Some("/more"))).unwrap().len(), 2);
    assert_eq!(query(&p), None);
    assert_eq!(query(&pager("exports.software_inventory", none(), None)).unwrap(), "pageSize=50000");
    let since = object([("since", "2026-11-01T00:00:00Z".into())]);
    assert_eq!(query(&pager("exports.vulnerability_changes", since, Some(7))).unwrap(), "sinceTime=2026-11-01T00%3A00%3A00Z&pageSize=7");
}

#[test]
fn a_list_that_comes_as_a_whole_is_asked_for_nothing_but_its_links_count() {
    let mut p = pager("machines.alerts", object([("id", "m".into())]), None);
    assert_eq!(query(&p).unwrap(), "");
    assert_eq!(p.accept(page(0..2, Some("/api/rest"))).unwrap().len(), 2);
    assert_eq!(p.next_request().unwrap().unwrap().url.path(), "/api/rest");
    assert_eq!(p.accept(page(2..3, None)).unwrap().len(), 1);
    assert_eq!(query(&p), None);
}

#[test]
fn rows_are_found_however_they_are_wrapped() {
    let rows = || Value::Array(vec![object([("key", "k".into())])]);
    let inner = || object([("@odata.context", "c".into()), ("value", rows())]);
    for answer in [rows(), object([("value", rows())]), object([("value", inner())]), object([("value", Value::Array(vec![inner()]))])] {
        assert_eq!(pager("exports.browser_permissions", none(), None).accept(answer).unwrap().len(), 1);
    }
    // One row that has a property of that name is a row.
    let row = object([("key", "k".into()), ("value", Value::Array(vec![]))]);
    assert_eq!(pager("exports.browser_permissions", none(), None).accept(object([("value", vec![row].into())])).unwrap().len(), 1);
}

#[test]
fn a_refused_skip_goes_on_by_time() {
    let refusal = Error::new(Kind::BadRequest, "The limit of '500' for Skip query has been exceeded.");
    let mut p = pager("graph.incidents.list", object([("filter", "status eq 'active' or status eq 'resolved'".into())]), Some(2));
    let row = |id: i64, at: &str| object([("id", Value::Int(id)), ("lastUpdateDateTime", at.into())]);
    let page = |rows: Vec<Value>| object([("value", rows.into())]);
    assert!(!p.refused(&refusal), "the first page skips nothing");
    p.accept(page(vec![row(1, "2026-11-03T00:00:00.1234567Z"), row(2, "2026-11-02T00:00:00Z")])).unwrap();
    assert!(!p.refused(&Error::new(Kind::BadRequest, "Invalid filter clause")));
    assert!(p.refused(&refusal));
    let filter = |p: &Pager| p.next_request().unwrap().unwrap().url.query_pairs().find(|(k, _)| k == "$filter").unwrap().1.into_owned();
    let user = "(status eq 'active' or status eq 'resolved') and lastUpdateDateTime";
    assert_eq!(filter(&p), format!("{user} gt 2026-11-02T00:00:00Z"));
    assert!(query(&p).unwrap().contains("$count=true"));
    p.accept(object([("value", Value::Array(vec![])), ("@odata.count", Value::Int(1))])).unwrap();
    assert_eq!(filter(&p), format!("{user} le 2026-11-02T00:00:00Z"));
    assert_eq!(p.accept(page(vec![row(2, "2026-11-02T00:00:00Z")])).unwrap(), []);
    // What changed meanwhile came up in front.
    assert_eq!(filter(&p), format!("{user} ge 2026-11-03T00:00:00.1234567Z"));
    p.accept(page(vec![row(1, "2026-11-03T00:00:00.1234567Z")])).unwrap();
    assert_eq!(query(&p), None);
}

#[test]
fn a_short_page_with_a_link_is_not_the_end() {
    let mut p = pager("machines.list", none(), Some(3));
    p.accept(page(0..2, Some("https://graph.example/api/machines?=3"))).unwrap();
    assert_eq!(query(&p).unwrap(), "$top=4&$skip=1");
}

#[test]
fn top_is_how_many_in_all() {
    let mut p = pager("machines.list", object([("top", Value::Int(5)), ("skip", Value::Int(10))]), Some(3));
    assert_eq!(query(&p).unwrap(), "$top=3&$skip=10");
    p.accept(page(0..3, None)).unwrap();
    assert_eq!(query(&p).unwrap(), "$top=3&$skip=12");
    assert_eq!(p.accept(page(2..8, None)).unwrap().len(), 2);
    assert_eq!(query(&p), None);
    let mut p = pager("graph.alerts.list", object([("top", Value::Int(2))]), None);
    assert_eq!(query(&p).unwrap(), "$top=2");
    assert_eq!(p.accept(page(0..9, Some("/v1.0/security/alerts_v2?x"))).unwrap().len(), 2);
    assert_eq!(query(&p), None);
}

#[test]
fn links_are_followed_as_they_are() {
    let mut p = pager("graph.alerts.list", none(), None);
    p.accept(page(0..3, Some("https://graph.example/v1.0/security/alerts_v2?$skiptoken=a%20b"))).unwrap();
    assert_eq!(p.next_request().unwrap().unwrap().url.as_str(), "https://graph.example/v1.0/security/alerts_v2?$skiptoken=a%20b");
    p.accept(page(3..3, Some("https://graph.example/v1.0/security/alerts_v2?$skiptoken=c"))).unwrap();
    p.accept(page(3..4, None)).unwrap();
    assert_eq!(query(&p), None);
}

#[test]
fn next_link_to_another_origin_is_refused() {
    for link in [
        "https://evil.example/x",
        "http://graph.example/x",
        "https://graph.example:444/x",
        "https://graph.example@evil.example/x",
        "https://u@graph.example/x",
        "//evil.example/x",
        "\\\\evil.example/x",
        "https://graph.example.evil/x",
        "file:///etc/passwd",
    ] {
        let mut p = pager("graph.alerts.list", none(), None);
        assert_eq!(p.accept(page(0..1, Some(link))).unwrap_err().kind(), Kind::UnsafeUrl, "{link}");
    }
}

#[test]
fn a_repeated_link_or_page_ends_the_walk_with_an_error() {
    let mut p = pager("graph.alerts.list", none(), None);
    p.accept(page(0..1, Some("/a?x"))).unwrap();
    p.accept(page(0..1, Some("/b"))).unwrap();
    assert_eq!(p.accept(page(0..1, Some("/a?x#new"))).unwrap_err().kind(), Kind::Paging);
    let mut p = pager("machines.list", none(), Some(2));
    p.accept(page(0..2, None)).unwrap();
    let error = (0..20).find_map(|_| p.accept(page(0..3, None)).err()).unwrap();
    assert_eq!(error.kind(), Kind::Paging, "the service does not heed $skip");
}

#[test]
fn what_is_no_page_is_an_error_and_not_the_end() {
    for bad in [
        Value::Null,
        none(),
        object([("value", Value::Int(1))]),
        object([("value", Value::Array(vec![])), ("@odata.nextLink", Value::Int(1))]),
    ] {
        let mut p = pager("graph.alerts.list", none(), None);
        assert_eq!(p.accept(bad).unwrap_err().kind(), Kind::BadResponse);
    }
}
