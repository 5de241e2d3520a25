//! `externaldata` and `invoke`, over registered fixtures.

use super::*;
use crate::json;

struct Known;

impl Outside for Known {
    fn external(&self, url: &str) -> Option<Arc<str>> {
        let text = match url {
            "https://files.test/a.csv" => "ip,score,when\n1.2.3.4,5,2026-01-02\n\"quoted, \"\"x\"\"\",no,\n\nlast",
            "https://files.test/b.tsv?sig=secret" => "a\t1\r\nb\t\r\n",
            "https://files.test/list.txt" => "one\n\ntwo, three\n",
            "https://files.test/o.json" => "{\"a\":\"x\",\"n\":1.5,\"d\":{\"k\":[1]}}\n{\"a\":7,\"b\":true}\n",
            "https://files.test/m.json" => " [ {\"a\":\"x\"},\n {\"a\":null} ]",
            _ => return None,
        };
        Some(text.into())
    }

    fn file_profile(&self, hash: &str) -> Option<Arc<json::Value>> {
        let text: &[u8] = match hash {
            "aa" => br#"{"SHA1":"aa","SHA256":"ff","GlobalPrevalence":7,"IsExecutable":true,"GlobalFirstSeen":"2026-01-02T00:00:00Z"}"#,
            "bb" => br#"{"Signer":"S","ProfileAvailability":"Error"}"#,
            _ => return None,
        };
        Some(Arc::new(json::parse(text).unwrap()))
    }

    fn seen_by(&self, device: &str) -> Option<Arc<json::Value>> {
        (device == "d1").then(|| Arc::new(json::parse(br#"[{"DeviceId":"d9"}]"#).unwrap()))
    }

    fn devices_of(&self, address: &str, at: i64) -> Option<Arc<json::Value>> {
        let late = at >= now();
        let found: &[u8] = if late { br#"[{"DeviceId":"d1"},{"DeviceId":"d2"}]"# } else { br#"[{"DeviceId":"d0"}]"# };
        (address == "10.0.0.1").then(|| Arc::new(json::parse(found).unwrap()))
    }
}

struct With(Tables);

impl Catalog for With {
    fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.0.table(name)
    }
    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }
    fn outside(&self) -> Option<Arc<dyn Outside>> {
        Some(Arc::new(Known))
    }
}

fn known(query: &str) -> Result<Output, KqlError> {
    run(query, &With(tables()), &Options::at(now()))
}

#[track_caller]
fn shows(query: &str, expected: &str) {
    let output = known(query).unwrap_or_else(|e| panic!("{query}\n{e} {:?}", e.kind));
    assert_eq!(show(&output), expected, "{query}");
}

#[test]
fn external_texts_become_rows() {
    shows(
        "externaldata(ip:string, score:long, when:datetime)[@'https://files.test/a.csv'] with (format='csv', ignoreFirstRecord=true)",
        "ip:string,score:long,when:datetime | 1.2.3.4,5,2026-01-02T00:00:00.0000000Z | quoted, \"x\",null,null | last,null,null",
    );
    shows("externaldata(a:string, b:int)[h'https://files.test/b.tsv?sig=secret']", "a:string,b:int | a,1 | b,null");
    shows("externaldata(l:string)['https://files.test/list.txt'] with (format=txt)", "l:string | one |  | two, three");
    shows("externaldata(l:string)['https://files.test/list.txt'] with (format=raw) | extend n = strlen(l) | project n", "n:long | 16");
    shows(
        "externaldata(a:string, n:real, d:dynamic, b:bool)['https://files.test/o.json'] with (format='multijson')",
        "a:string,n:real,d:dynamic,b:bool | x,1.5,{\"k\":[1]},null | 7,null,null,true",
    );
    shows("externaldata(a:string)['https://files.test/m.json', 'https://files.test/m.json']", "a:string | x |  | x | ");
    shows(
        "let l = externaldata(ip:string)['https://files.test/a.csv']; print x = '1.2.3.4' in (l), y = toscalar(l | count)",
        "x:bool,y:long | true,4",
    );
}

#[test]
fn external_texts_that_nobody_registered_are_refused_without_their_address() {
    let e = known("externaldata(a:string)[@'https://user@other.test:8443/x.csv?sig=abc'] | count").unwrap_err();
    assert_eq!(e.missing.as_deref(), Some("externaldata from other.test:8443, whose text is not registered"));
    assert!(!e.message.contains("abc"), "{}", e.message);
    let described = describe("externaldata(a:string, b:int)['https://other.test/x'] | extend c = 1", &tables()).unwrap();
    let names: Vec<String> = described.iter().map(|(n, t)| format!("{n}:{}", t.name())).collect();
    assert_eq!(names, ["a:string", "b:int", "c:long"]);
    for (query, missing) in [
        ("externaldata(a:string)['https://x.test/a.parquet']", "the format 'parquet' of externaldata"),
        ("externaldata(a:string)['https://x.test/a'] with (format='avro')", "the format 'avro' of externaldata"),
        ("externaldata(a:string)['https://x.test/a'] with (zipPattern='*')", "the property 'zipPattern' of externaldata"),
    ] {
        assert_eq!(known(query).unwrap_err().missing.as_deref(), Some(missing), "{query}");
    }
    assert_eq!(known("externaldata(a:string)['https://files.test/a.csv'] with (format='json')").unwrap_err().kind, ErrorKind::Semantic);
}

#[test]
fn files_get_their_profiles() {
    let t = "datatable(SHA1:string, Who:string)['AA', 'x', 'bb', 'y', 'cc', 'z', '', 'w']";
    shows(
        &format!("{t} | invoke FileProfile(SHA1, 3) | project Who, SHA256, GlobalPrevalence, IsExecutable, Signer, ProfileAvailability"),
        "Who:string,SHA256:string,GlobalPrevalence:int,IsExecutable:bool,Signer:string,ProfileAvailability:string | \
         x,ff,7,true,,Available | y,,null,null,S,Error | z,,null,null,,Missing | w,,null,null,,",
    );
    let wide = known(&format!("{t} | invoke FileProfile() | getschema | count")).unwrap();
    assert_eq!(show(&wide), "Count:long | 19");
    shows(
        &format!(
            "{t} | invoke FileProfile('SHA1') | where GlobalPrevalence < 10 or isempty(GlobalPrevalence) | project SHA1, GlobalFirstSeen"
        ),
        "SHA1:string,GlobalFirstSeen:datetime | AA,2026-01-02T00:00:00.0000000Z | bb,null | cc,null | ,null",
    );
    assert_eq!(err(&format!("{t} | invoke FileProfile()")).missing.as_deref(), Some("FileProfile where nothing is registered for it"));
    for wrong in ["FileProfile(SHA2)", "FileProfile(SHA1, 0)", "FileProfile(strcat(SHA1))"] {
        assert_eq!(known(&format!("{t} | invoke {wrong}")).unwrap_err().kind, ErrorKind::Semantic, "{wrong}");
    }
    // More records than are documented: as long as there are no more rows, it makes no difference.
    shows(&format!("{t} | invoke FileProfile(SHA1, 10000) | where GlobalPrevalence == 7 | project Who"), "Who:string | x");
    let many = known("range i from 1 to 1001 step 1 | extend SHA1 = 'aa' | invoke FileProfile(SHA1, 10000)").unwrap_err();
    assert_eq!(many.missing.as_deref(), Some("FileProfile of more than 1000 rows"));
    assert!(known("range i from 1 to 1001 step 1 | extend SHA1 = 'aa' | invoke FileProfile(SHA1, 1000)").is_ok());
    assert!(describe(&format!("{t} | invoke FileProfile() | project Publisher"), &tables()).is_ok());
}

#[test]
fn devices_are_looked_up() {
    shows(
        "datatable(DeviceId:string)['d1', 'd2'] | invoke SeenBy()",
        "DeviceId:string,SeenBy:dynamic | d1,[{\"DeviceId\":\"d9\"}] | d2,[]",
    );
    shows("print IP = '10.0.0.1' | invoke DeviceFromIP()", "IP:string,DeviceId:string | 10.0.0.1,d1 | 10.0.0.1,d2");
    shows(
        "datatable(A:string, T:datetime)['10.0.0.1', datetime(2026-01-01), '10.0.0.2', datetime(2026-01-01)] | invoke DeviceFromIP(A, T)",
        "IP:string,DeviceId:string | 10.0.0.1,d0",
    );
    shows("print IP = '10.0.0.1' | invoke DeviceFromIP(IP, ago(1h)) | project DeviceId", "DeviceId:string | d0");
    assert_eq!(known("print X = 1 | invoke SeenBy()").unwrap_err().kind, ErrorKind::Semantic);
}

#[test]
fn functions_of_the_query_are_invoked() {
    check(
        "let f = (t:(a:long), n:long = 1) { t | where a > n | extend z = a * n }; datatable(a:long, b:string)[1, 'x', 2, 'y'] | invoke f()",
        "a:long,b:string,z:long | 2,y,2",
    );
    check("let f = (t:(*)) { t | count }; DeviceProcessEvents | invoke f()", "Count:long | 3");
    assert_eq!(err("let f = (t:(q:long)) { t }; DeviceProcessEvents | invoke f()").kind, ErrorKind::Semantic);
    assert_eq!(err("DeviceProcessEvents | invoke nobody()").missing.as_deref(), Some("invoke of 'nobody', which no let statement defines"));
}
