//! Exports as pages and as files.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::*;
use crate::sandbox::clock;

fn of(item: &Value, name: &str) -> String {
    let value = item.get_ignore_case(name).unwrap_or_else(|| panic!("no {name} in {item}"));
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

const SOFTWARE: &str = "/api/machines/SoftwareInventoryByMachine";
const FILES: &str = "/api/machines/SoftwareInventoryExport";

/// A file of the storage: its status, and its bytes.
fn fetch(desk: &Desk, link: &str, headers: &[(&str, &str)]) -> (u16, Vec<u8>) {
    let path = link.strip_prefix(desk.sandbox.url()).unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let bytes = raw(&desk.sandbox, format!("{request}\r\n").as_bytes());
    let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&bytes[9..12]).parse().unwrap(), bytes[at + 4..].to_vec())
}

fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

fn links(desk: &Desk, path: &str) -> Vec<String> {
    let answer = desk.get(path);
    let files = answer.json().get("exportFiles").and_then(Value::as_array).unwrap_or_else(|| panic!("{answer:?}")).to_vec();
    files.iter().map(|f| f.as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_go_on_by_links_with_a_token_and_the_size_in_lower_case() {
    let desk = Desk::open();
    let whole = desk.get(SOFTWARE).items();
    let first = desk.get(&format!("{SOFTWARE}?pageSize=100"));
    let link = first.at("@odata.nextLink");
    assert!(link.contains("pagesize=100&$skiptoken=") && !link.contains("pageSize"), "{link}");
    let (all, links) = follow(&desk, &format!("{SOFTWARE}?pageSize=100"), 9);
    assert_eq!((all.len(), links.len()), (whole.len(), whole.len() / 100));
    assert_eq!(all, whole);
    for wrong in ["0", "200001", "many", ""] {
        assert_eq!(desk.get(&format!("{SOFTWARE}?pageSize={wrong}")).at("error/code"), "InvalidInput", "{wrong}");
    }
    assert_eq!(desk.get(&format!("{SOFTWARE}?pageSize=200000")).status, 200);
    assert_eq!(desk.get(&format!("{SOFTWARE}?$skiptoken=x")).status, 400);
    assert_eq!(desk.get(&format!("{SOFTWARE}?$filter=osPlatform%20eq%20'Linux'")).status, 400);
}

#[test]
fn top_suppresses_the_next_link() {
    let desk = Desk::open();
    let cut = desk.get(&format!("{SOFTWARE}?$top=3"));
    assert_eq!(cut.items().len(), 3);
    assert!(cut.json().get("@odata.nextLink").is_none());
    let both = desk.get(&format!("{SOFTWARE}?$top=7&pageSize=4"));
    assert_eq!(both.items().len(), 4);
    assert!(both.json().get("@odata.nextLink").is_none());
}

#[test]
fn a_walk_stays_in_its_snapshot() {
    let desk = samples::patient();
    let before = desk.get(SOFTWARE).items();
    let first = desk.get(&format!("{SOFTWARE}?pageSize=100"));
    desk.sandbox.advance(6 * 3600);
    let after = desk.get(SOFTWARE).items();
    assert_eq!(after.len(), before.len() + 1, "one more machine has a tool");
    let link = first.at("@odata.nextLink");
    let (rest, _) = follow(&desk, link.strip_prefix("http://127.0.0.1").unwrap(), 9);
    assert_eq!(first.items().len() + rest.len(), before.len());
}

#[test]
fn changes_need_a_time_within_two_weeks_and_show_a_move_twice() {
    let desk = Desk::open();
    let path = "/api/machines/SoftwareVulnerabilityChangesByMachine";
    let since = |days: i64| clock::iso(desk.sandbox.now() - days * clock::DAY + clock::SECOND * 60);
    assert_eq!(desk.get(path).at("error/code"), "MissingRequiredParameter");
    assert_eq!(desk.get(&format!("{path}?sinceTime=yesterday")).at("error/code"), "InvalidInput");
    assert_eq!(desk.get(&format!("{path}?sinceTime={}", since(15))).status, 400);
    let all = desk.get(&format!("{path}?sinceTime={}", since(14))).items();
    let (paged, links) = follow(&desk, &format!("{path}?sinceTime={}&pageSize=10", since(14)), 99);
    assert!(links.len() > 2 && links[0].contains("sinceTime="));
    assert_eq!(paged, all);
    let mut by_id: HashMap<String, Vec<&Value>> = HashMap::new();
    for row in &all {
        by_id.entry(of(row, "id")).or_default().push(row);
    }
    let moved: Vec<_> = by_id.values().filter(|rows| rows.len() > 1 && of(rows[0], "rbacGroupId") != of(rows[1], "rbacGroupId")).collect();
    assert_eq!(moved.len(), 3, "each vulnerability of the machine that moved");
    for rows in moved {
        assert!(rows.iter().any(|r| of(r, "status") == "Fixed" && of(r, "rbacGroupName") == "Plant floor"));
        assert!(rows.iter().any(|r| of(r, "status") == "New" && of(r, "rbacGroupName") == "Workstations"));
    }
    for status in ["New", "Fixed", "Updated"] {
        assert!(all.iter().any(|r| of(r, "status") == status), "{status}");
    }
    let later = desk.get(&format!("{path}?sinceTime={}", since(4))).items();
    assert!(later.len() < all.len() && !later.is_empty());
}

#[test]
fn each_export_has_the_spelling_and_the_times_of_its_page() {
    let desk = Desk::open();
    let vulnerability = &desk.get("/api/machines/SoftwareVulnerabilitiesByMachine").items()[0];
    let seen = of(vulnerability, "lastSeenTimestamp");
    assert!(seen.len() == 21 && seen.as_bytes()[10] == b' ' && seen.ends_with(".0"), "{seen}");
    assert_eq!(of(vulnerability, "firstSeenTimestamp").len(), 19);
    let extension = &desk.get("/api/Machines/BrowserExtensionsInventoryByMachine").items()[0];
    assert!(extension.as_object().unwrap().keys().all(|k| k.starts_with(|c: char| c.is_ascii_uppercase())));
    assert!(extension.get("Permissions").unwrap().as_array().unwrap()[0].get("IsRequired").is_some());
    let certificates = desk.get("/api/machines/certificateAssessmentByMachine").items();
    assert!(certificates.iter().any(|c| of(c, "expirationDate") == "0001-01-01T00:00:00Z"));
    assert!(certificates.iter().any(|c| of(c, "expirationDate") != "0001-01-01T00:00:00Z"));
    let firmware = &desk.get("/api/machines/HardwareFirmwareInventoryByMachine").items()[0];
    assert!(json::parse(firmware.get("additionalFields").and_then(Value::as_str).unwrap().as_bytes()).unwrap().as_object().is_some());
    let baseline = &desk.get("/api/machines/baselineComplianceAssessmentByMachine").items()[0];
    assert!(baseline.get("recommendedValue").unwrap().as_array().is_some());
    let permissions = desk.get("/api/browserextensions/permissionsinfo");
    assert_eq!((permissions.items().len(), permissions.at("value/0/value/0/key")), (1, "activeTab".into()));
}

#[test]
fn files_hold_the_rows_of_the_pages_by_group_in_several_parts() {
    let desk = Desk::open();
    for (pages, files) in [
        (SOFTWARE, FILES),
        ("/api/machines/SoftwareVulnerabilitiesByMachine", "/api/machines/SoftwareVulnerabilitiesExport"),
        ("/api/machines/SecureConfigurationsAssessmentByMachine", "/api/machines/SecureConfigurationsAssessmentExport"),
        ("/api/machines/SoftwareInventoryNoProductCodeByMachine", "/api/machines/SoftwareInventoryNonCpeExport"),
        ("/api/Machines/BrowserExtensionsInventoryByMachine", "/api/machines/browserextensionsinventoryExport"),
        ("/api/machines/certificateAssessmentByMachine", "/api/machines/certificateAssessmentExport"),
        ("/api/machines/HardwareFirmwareInventoryByMachine", "/api/machines/HardwareFirmwareInventoryExport"),
        ("/api/machines/baselineComplianceAssessmentByMachine", "/api/machines/BaselineComplianceAssessmentExport"),
    ] {
        let mut wanted: Vec<String> = desk.get(pages).items().iter().map(Value::to_string).collect();
        let mut found: Vec<String> = Vec::new();
        for link in links(&desk, files) {
            let group = link.split("/_RbacGroupId=").nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
            assert!(link.contains("/part-0000") && link.contains(".json.gz?"), "{link}");
            let (status, bytes) = fetch(&desk, &link, &[]);
            assert_eq!(status, 200);
            for line in unzipped(&bytes).lines() {
                let row = json::parse(line.as_bytes()).unwrap();
                assert_eq!(of(&row, "rbacGroupId"), group);
                found.push(row.to_string());
            }
        }
        wanted.sort();
        found.sort();
        assert!(wanted == found, "{pages}");
    }
    let gathered = links(&desk, "/api/machines/InfoGatheringExport");
    let first = unzipped(&fetch(&desk, &gathered[0], &[]).1);
    assert!(first.contains("\"DeviceGatheredInfo\":{") && first.contains("\"AvMode\":\""), "{first}");
}

#[test]
fn some_file_has_several_members_and_no_line_end_at_its_end() {
    let desk = Desk::open();
    let (_, bytes) = fetch(&desk, &links(&desk, FILES)[0], &[]);
    let mut first = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut first).unwrap();
    let whole = unzipped(&bytes);
    assert!(first.len() < whole.len() && !first.ends_with('\n'), "a line goes from one member into the next");
    assert!(!whole.ends_with('\n'));
}

#[test]
fn links_want_no_token_and_end_after_an_hour_or_as_asked() {
    let desk = samples::patient();
    let link = links(&desk, FILES)[0].clone();
    let longer = links(&desk, &format!("{FILES}?sasValidHours=6"))[0].clone();
    assert_eq!(fetch(&desk, &link, &[]).0, 200);
    assert!(fetch(&desk, &link, &[("Authorization", "Bearer x")]).0 > 399);
    desk.sandbox.advance(3601);
    assert_eq!((fetch(&desk, &link, &[]).0, fetch(&desk, &longer, &[]).0), (403, 200));
    desk.sandbox.advance(5 * 3600);
    assert_eq!(fetch(&desk, &longer, &[]).0, 403);
    for wrong in ["0", "7", "x"] {
        assert_eq!(desk.get(&format!("{FILES}?sasValidHours={wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(desk.get("/api/machines/certificateAssessmentExport?sasValidHours=24").status, 200);
    let dollar = desk.get(&format!("{FILES}?$sasValidHours=1"));
    assert_eq!(dollar.status, 400, "the example of the page is wrong: there is no $ before it");
}

#[test]
fn a_snapshot_is_made_every_six_hours() {
    let desk = samples::patient();
    let [first, again] = [desk.get(FILES), desk.get(FILES)];
    assert_eq!(first.at("generatedTime"), again.at("generatedTime"));
    let name = |link: String| link.split('?').next().unwrap().to_owned();
    assert_eq!(name(first.at("exportFiles/0")), name(again.at("exportFiles/0")));
    desk.sandbox.advance(6 * 3600);
    let next = desk.get(FILES);
    let moment = |a: &Answer| clock::parse(&a.at("generatedTime")).unwrap();
    assert_eq!(moment(&next) - moment(&first), clock::DAY / 4);
    assert_ne!(name(first.at("exportFiles/0")), name(next.at("exportFiles/0")));
}

#[test]
fn rows_can_be_had_in_any_number_each_once() {
    let desk = Desk::new(Options { export_rows: Some(1234), ..Options::default() });
    let (pages, _) = follow(&desk, &format!("{SOFTWARE}?pageSize=500"), 9);
    let key = |row: &Value| ["deviceId", "softwareVendor", "softwareName", "softwareVersion"].map(|k| of(row, k)).join("|");
    let keys: HashSet<String> = pages.iter().map(key).collect();
    assert_eq!((pages.len(), keys.len()), (1234, 1234));
    let mut lines = HashSet::new();
    for link in links(&desk, FILES) {
        lines.extend(unzipped(&fetch(&desk, &link, &[]).1).lines().map(str::to_owned));
    }
    let wanted: HashSet<String> = pages.iter().map(Value::to_string).collect();
    assert!(lines == wanted);
}
