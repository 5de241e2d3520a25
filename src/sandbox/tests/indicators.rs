//! Indicators.

use super::*;

const OTHERS: usize = 3;

fn item(kind: &str, value: &str, more: &str) -> String {
    format!("{{'indicatorValue':'{value}','indicatorType':'{kind}','action':'Block','title':'t','description':'d'{more}}}")
}

fn import(desk: &Desk, items: &[String]) -> Answer {
    desk.post("/api/indicators/import", &format!("{{'Indicators':[{}]}}", items.join(",")))
}

fn list(desk: &Desk) -> Answer {
    desk.get("/api/indicators")
}

#[test]
fn an_indicator_is_made_once_and_updated_after() {
    let desk = Desk::open();
    let put = |more: &str| desk.post("/api/indicators", &item("DomainName", "Evil.example", more));
    let made = put(",'application':'mine','externalID':'T-9'");
    assert_eq!((made.status, made.at("application"), made.at("externalId")), (200, "mine".into(), "T-9".into()), "{made:?}");
    assert_eq!((made.at("createdByDisplayName"), made.at("createdBySource")), ("Sandbox automation".into(), "PublicApi".into()));
    let again = desk.post("/api/indicators", &item("DomainName", "evil.example", ",'application':'other','severity':'High'"));
    assert_eq!((again.at("id"), again.at("severity"), again.at("application")), (made.at("id"), "High".into(), "mine".into()));
    assert_eq!(list(&desk).items().len(), OTHERS + 1);
    assert_eq!(desk.get(&format!("/api/indicators/{}", made.at("id"))).at("severity"), "High");
    let filtered = desk.get("/api/indicators?$filter=indicatorType%20eq%20'DomainName'%20and%20severity%20eq%20'High'&$top=1&$skip=1");
    assert_eq!(filtered.items().len(), 1);
    let changed = desk.post("/api/indicators/batchupdate", &format!("{{'Indicators':[{{'id':'{}','title':'new'}}]}}", made.at("id")));
    assert_eq!((changed.at("value/0/title"), changed.at("value/0/severity")), ("new".into(), "High".into()));
    assert_eq!(desk.go("DELETE", &format!("/api/indicators/{}", made.at("id")), "").status, 204);
    assert_eq!(desk.go("DELETE", &format!("/api/indicators/{}", made.at("id")), "").status, 404);
}

#[test]
fn what_an_indicator_may_not_be() {
    let desk = Desk::open();
    for (body, words) in [
        (item("IpAddress", "203.0.113.0/24", ""), "is no IpAddress"),
        (item("FileSha256", "abc", ""), "is no FileSha256"),
        (item("DomainName", "a.example", "").replace("'Block'", "'Audit'"), "generateAlert"),
        (item("DomainName", "a.example", ",'expirationTime':'2001-01-01T00:00:00Z'"), "future"),
    ] {
        let answer = desk.post("/api/indicators", &body);
        assert_eq!((answer.status, answer.at("error/code")), (400, "InvalidInput".into()), "{body}");
        assert!(answer.at("error/message").contains(words), "{answer:?}");
    }
    let audit = item("DomainName", "a.example", ",'generateAlert':true").replace("'Block'", "'Audit'");
    assert_eq!(desk.post("/api/indicators", &audit).status, 200);
    assert_eq!(desk.post("/api/indicators", "{'indicatorValue':'a.example'}").at("error/code"), "MissingRequiredParameter");
}

#[test]
fn a_batch_succeeds_even_where_its_items_fail() {
    let desk = Desk::open();
    let items = [
        item("DomainName", "good.example", ""),
        item("IpAddress", "10.0.0.0/8", ""),
        item("DomainName", "no title.example", ""),
        "{'indicatorValue':'x.example','indicatorType':'DomainName','action':'Block','description':'d'}".to_owned(),
        item("DomainName", "y.example", ",'Title':'wrong case'"),
    ];
    let answer = import(&desk, &items);
    assert_eq!(answer.status, 200);
    assert_eq!(column(&answer, "isFailed"), ["false", "true", "true", "true", "true"]);
    assert_eq!((answer.at("value/0/failureReason"), answer.at("value/1/indicator")), ("null".into(), "10.0.0.0/8".into()));
    assert!(answer.at("value/3/failureReason").contains("title") && answer.at("value/4/failureReason").contains("'Title'"));
    assert_eq!(list(&desk).items().len(), OTHERS + 1);
    let many: Vec<String> = (0..501).map(|n| item("DomainName", &format!("d{n}.example"), "")).collect();
    let large = import(&desk, &many);
    assert_eq!((large.status, large.at("error/code")), (400, "MaximumBatchSizeExceeded".into()));
    assert_eq!(import(&desk, &[]).status, 400);
}

#[test]
fn a_batch_is_deleted_whole_or_not() {
    let desk = Desk::open();
    let ids = column(&list(&desk), "id");
    let delete = |ids: &str| desk.post("/api/indicators/BatchDelete", &format!("{{'IndicatorIds':[{ids}]}}"));
    assert_eq!(delete(&format!("'{}','4711'", ids[0])).status, 404);
    assert_eq!(list(&desk).items().len(), OTHERS);
    assert_eq!((delete("").status, delete("'x'").status), (400, 400));
    assert_eq!(delete(&vec!["'1'"; 501].join(",")).at("error/code"), "MaximumBatchSizeExceeded");
    let gone = delete(&format!("'{}','{}'", ids[0], ids[1]));
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(column(&list(&desk), "id"), [ids[2].clone()]);
}

#[test]
fn an_application_may_see_its_own_alone() {
    let desk = Desk::open();
    assert_eq!(list(&desk).items().len(), OTHERS);
    let theirs = list(&desk).at("value/0/id");
    let value = list(&desk).at("value/1/indicatorValue");
    desk.sandbox.revoke("Ti.ReadWrite.All");
    let own = app_token(&desk.sandbox, ENDPOINT);
    let go = |method: &str, path: &str, body: &str| call(&desk.sandbox, &own, method, path, &body.replace('\'', "\""));
    assert_eq!(go("GET", "/api/indicators", "").items().len(), 0);
    assert_eq!(go("POST", "/api/indicators", &item("DomainName", "mine.example", "")).status, 200);
    assert_eq!(column(&go("GET", "/api/indicators", ""), "indicatorValue"), ["mine.example"]);
    assert_eq!(go("GET", &format!("/api/indicators/{theirs}"), "").status, 404);
    assert_eq!(go("DELETE", &format!("/api/indicators/{theirs}"), "").status, 404);
    assert_eq!(go("POST", "/api/indicators", &item("DomainName", &value, "")).status, 400);
}

#[test]
fn there_is_room_for_fifteen_thousand_until_some_expire() {
    let desk = samples::patient();
    let end = super::super::clock::iso(desk.sandbox.now() + super::super::clock::DAY);
    let ip = |n: usize| format!("198.{}.{}.{}", 18 + (n >> 16), (n >> 8) & 255, n & 255);
    for batch in 0..30 {
        let items: Vec<String> = (0..500).map(|n| item("IpAddress", &ip(batch * 500 + n), &format!(",'expirationTime':'{end}'"))).collect();
        let failed = column(&import(&desk, &items), "isFailed").iter().filter(|f| *f == "true").count();
        assert_eq!(failed, if batch == 29 { OTHERS } else { 0 });
    }
    let full = desk.post("/api/indicators", &item("DomainName", "late.example", ""));
    assert_eq!(full.status, 400);
    assert!(full.at("error/message").contains("15000"));
    assert_eq!(desk.post("/api/indicators", &item("IpAddress", &ip(0), "")).status, 200, "an update needs no room");
    desk.sandbox.advance(86_401);
    assert_eq!(list(&desk).items().len(), OTHERS, "what has expired is gone");
}
