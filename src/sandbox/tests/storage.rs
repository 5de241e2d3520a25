//! Links to files, as Azure keeps them.

use super::*;
use crate::sandbox::storage::{self, Blob};

fn linked(desk: &Desk, content: &'static [u8]) -> String {
    storage::put(&desk.sandbox.house, "exports/a=1/part 1.json.gz", Blob::Whole(content.into()));
    storage::link(&desk.sandbox.house, "exports/a=1/part 1.json.gz", 3600)
}

#[test]
fn a_link_is_good_by_itself_and_a_token_spoils_it() {
    let desk = Desk::open();
    let url = linked(&desk, b"0123456789");
    let (status, head, body) = fetch(&desk, &url, &[]);
    assert_eq!((status, body.as_slice()), (200, &b"0123456789"[..]), "{head}");
    assert!(head.to_lowercase().contains("content-length: 10") && head.contains("application/gzip"), "{head}");
    let bearer = format!("Bearer {}", desk.endpoint);
    let (status, head, body) = fetch(&desk, &url, &[("Authorization", &bearer)]);
    assert_eq!(status, 400);
    assert!(head.contains("x-ms-error-code: InvalidAuthenticationInfo"), "{head}");
    assert!(String::from_utf8(body).unwrap().contains("<Code>InvalidAuthenticationInfo</Code>"));
    let record = desk.sandbox.requests().pop().unwrap();
    assert_eq!((record.operation, record.authorization, record.query.as_str()), (None, true, ""), "a signature is a secret");
}

#[test]
fn a_link_that_is_over_or_altered_or_leads_nowhere_is_refused() {
    let desk = Desk::open();
    let url = linked(&desk, b"x");
    let code = |url: &str| {
        let (status, head, _) = fetch(&desk, url, &[]);
        let code = head.lines().find_map(|l| l.strip_prefix("x-ms-error-code: ")).unwrap_or_default().to_owned();
        (status, code)
    };
    let failed = (403, "AuthenticationFailed".to_owned());
    assert_eq!(code(&url.replace("part", "path")), failed);
    let year = url.split("se=").nth(1).unwrap()[..4].to_owned();
    assert_eq!(code(&url.replace(&format!("se={year}"), "se=2999")), failed, "its end is signed");
    assert_eq!(code(url.split('?').next().unwrap()), failed);
    let nowhere = storage::link(&desk.sandbox.house, "exports/none", 60);
    assert_eq!(code(&nowhere), (404, "BlobNotFound".to_owned()));
    desk.sandbox.advance(3599);
    assert_eq!(code(&url).0, 200);
    desk.sandbox.advance(2);
    assert_eq!(code(&url), failed);
}

#[test]
fn a_part_of_a_file_can_be_asked_for() {
    let desk = Desk::open();
    let url = linked(&desk, b"0123456789");
    let part = |range: &str| fetch(&desk, &url, &[("Range", range)]);
    let (status, head, body) = part("bytes=7-");
    assert_eq!((status, body.as_slice()), (206, &b"789"[..]));
    assert!(head.to_lowercase().contains("content-range: bytes 7-9/10"), "{head}");
    assert_eq!(part("bytes=2-3").2, b"23");
    assert_eq!(part("bytes=10-").0, 416);
    let tag = head.lines().find_map(|l| l.to_lowercase().starts_with("etag: ").then(|| l[6..].to_owned())).unwrap();
    assert_eq!(fetch(&desk, &url, &[("Range", "bytes=7-"), ("If-Match", &tag)]).0, 206);
    assert_eq!(fetch(&desk, &url, &[("Range", "bytes=7-"), ("If-Range", "\"other\"")]).0, 200);
    linked(&desk, b"9876543210");
    assert_eq!(fetch(&desk, &url, &[("Range", "bytes=7-"), ("If-Match", &tag)]).0, 412, "it has changed");
    desk.sandbox.reset();
    assert_eq!(fetch(&desk, &url, &[]).0, 404);
}
