//! The page, and who may not come to it.

use super::*;

const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A request as it is, with nothing put into it.
fn bare(sandbox: &Sandbox, head: &str, body: &str) -> Answer {
    let length = body.len();
    let bytes = raw(sandbox, format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
}

#[test]
fn browsers_get_a_page_and_programs_what_they_got_before() {
    let sandbox = start();
    let page = send(&sandbox, "GET", "/", &[HTML], "");
    assert_eq!((page.status, page.header("Content-Type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("Content-Security-Policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    assert_eq!((page.header("X-Frame-Options"), page.header("X-Content-Type-Options")), (Some("DENY"), Some("nosniff")));
    for accept in ["*/*", "application/json"] {
        assert_eq!(send(&sandbox, "GET", "/", &[("Accept", accept)], "").at("error/code"), "NotFound");
    }
    assert_eq!(send(&sandbox, "POST", "/", &[HTML], "").status, 404);
    // Looking at the page is no request to the tenant; the three others are.
    assert_eq!(sandbox.requests().len(), 3);
}

#[test]
fn the_page_is_told_who_is_there_and_what_is_asked() {
    let sandbox = start();
    let facts = send(&sandbox, "GET", "/_sandbox/page", &[], "");
    assert_eq!((facts.at("tenant"), facts.at("identity/0/value")), (sandbox.identity().tenant_name, sandbox.url().to_owned()));
    assert_eq!(facts.json().get("operations").and_then(Value::as_array).unwrap().len(), ops::all().count());
    let live = |since: &str| send(&sandbox, "GET", &format!("/_sandbox/live?since={since}"), &[], "");
    assert_eq!((live("0").at("total"), live("0").at("requests")), ("0".to_owned(), "[]".to_owned()));
    for _ in 0..3 {
        send(&sandbox, "GET", "/api/machines", &[], "");
    }
    let news = live("1");
    assert_eq!((news.at("from"), news.at("total"), news.at("calls/machines.list")), ("1".into(), "3".into(), "3".into()));
    assert_eq!((news.at("requests/1/path"), news.at("requests/1/status")), ("/api/machines".into(), "401".into()));
    // Nothing new: nothing is counted again.
    assert_eq!((live("3").at("calls"), live("99").at("requests")), ("null".to_owned(), "[]".to_owned()));
    sandbox.reset();
    send(&sandbox, "GET", "/api/alerts", &[], "");
    let after = live("3");
    assert_eq!((after.at("first"), after.at("from"), after.at("total")), ("3".into(), "3".into(), "4".into()));
    assert_eq!(after.at("requests/0/operation"), "alerts.list");
    assert_eq!(live("x").status, 400);
}

#[test]
fn the_page_asks_the_engine() {
    let sandbox = start();
    let ask = |body: &str| send(&sandbox, "POST", "/_sandbox/query", &[("Content-Type", "application/json")], body);
    let answer = ask(r#"{"query":"DeviceInfo | summarize N = dcount(DeviceId)"}"#);
    assert_eq!((answer.status, answer.at("columns/0/name"), answer.at("columns/0/type")), (200, "N".into(), "long".into()));
    assert!(answer.at("rows/0/0").parse::<u32>().unwrap() > 0);
    let many = ask(r#"{"query":"range x from 1 to 2500 step 1"}"#);
    assert_eq!((many.at("total"), many.json().get("rows").and_then(Value::as_array).unwrap().len()), ("2500".into(), 1000));
    let wrong = ask(r#"{"query":"DeviceInfo\n| where Nothing == 1"}"#);
    assert_eq!((wrong.status, wrong.at("line"), wrong.at("column"), wrong.at("unsupported")), (400, "2".into(), "9".into(), "null".into()));
    for body in ["", "{}", r#"{"query":1}"#] {
        assert_eq!(ask(body).status, 400, "{body}");
    }
    assert_eq!(send(&sandbox, "POST", "/_sandbox/query", &[("Content-Type", "text/plain")], r#"{"query":"print 1"}"#).status, 400);
    assert_eq!(send(&sandbox, "GET", "/_sandbox/query", &[], "").status, 405);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn pages_of_other_origins_and_names_of_others_are_refused() {
    let sandbox = start();
    let port = sandbox.url().rsplit(':').next().unwrap().to_owned();
    for host in ["evil.example", "127.0.0.1.evil.example"] {
        for (path, accept) in [("/", HTML.1), ("/_sandbox/page", "*/*"), ("/_sandbox/health", "*/*"), ("/_sandbox/requests", "*/*")] {
            let answer = bare(&sandbox, &format!("GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: {accept}"), "");
            assert_eq!(answer.status, 421, "{host} {path}");
            assert!(!answer.body.contains(&sandbox.identity().client_id));
        }
        assert_eq!(bare(&sandbox, &format!("POST /_sandbox/reset HTTP/1.1\r\nHost: {host}"), "").status, 421);
    }
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let own =
            format!("GET /_sandbox/page HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nSec-Fetch-Site: same-origin");
        assert_eq!(bare(&sandbox, &own, "").status, 200, "{host}");
    }
    for said in ["Origin: http://localhost:1", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"] {
        for (method, path) in
            [("GET", "page"), ("GET", "live"), ("POST", "query"), ("POST", "reset"), ("POST", "advance?seconds=1"), ("GET", "faults")]
        {
            let head = format!("{method} /_sandbox/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{said}");
            assert_eq!(bare(&sandbox, &head, r#"{"query":"print 1"}"#).status, 403, "{said} {path}");
        }
    }
}
