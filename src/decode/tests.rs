use super::{
    agree::{agree, cells, decoded, same_however_cut},
    reference::Cell,
    *,
};
use crate::json::object;
use proptest::prelude::*;

#[test]
fn the_three_endpoints_mean_the_same() {
    let old = r#"{"Stats":{"ExecutionTime":0.1},"Schema":[{"Name":"T","Type":"DateTime"},{"Name":"B","Type":"SByte"},{"Name":"N","Type":"Int64"},{"Name":"D","Type":"Object"},{"Name":"L","Type":"Object"}],
        "Results":[{"T":"2026-11-01T00:00:00.1234567Z","B":1,"N":null,"D":"{\"a\": 1}","L":"[\"x\", 2]"}]}"#;
    let graph = r##"{"@odata.context":"c","schema":[{"name":"T","type":"DateTime"},{"name":"B","type":"SByte"},{"name":"N","type":"Int64"},{"name":"D","type":"Object"},{"name":"L","type":"Object"}],
        "results":[{"T":"2026-11-01T00:00:00.1234567Z","B@odata.type":"#SByte","B":1,"N":{},"D":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","a":1},"L@odata.type":"#Collection(String)","L":["\"x\"","2"]}]}"##;
    let (old_answer, graph) = (decoded(&[old.as_bytes()], 10).unwrap(), decoded(&[graph.as_bytes()], 10).unwrap());
    assert_eq!(cells(&old_answer.table), cells(&graph.table));
    let text = |t: &str| Cell::Text(t.to_owned());
    let row = [text("2026-11-01T00:00:00.1234567Z"), Cell::Bool(true), Cell::Null, text(r#"{"a":1}"#), text(r#"["x",2]"#)];
    assert_eq!(cells(&old_answer.table), [row]);
    assert_eq!(old_answer.members.keys().collect::<Vec<_>>(), ["Stats"]);
    assert_eq!(old_answer.bytes, old.len() as u64);
}

#[test]
fn each_oddity_is_decoded_by_its_rule_wherever_the_body_is_cut() {
    let types = ["String", "Int64", "Int32", "Double", "SByte", "DateTime", "TimeSpan", "Object", "Guid", "Decimal"];
    let values = [
        "null",
        "{}",
        "{ }",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "7",
        "1.5",
        "1e3",
        "-0",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "18446744073709551615",
        "2147483648",
        r#""""#,
        r#""x""#,
        r#""12""#,
        r#""12x""#,
        r#"" 12""#,
        r#""NaN""#,
        r#""-Infinity""#,
        r#""True""#,
        r#""2026-11-01T00:00:00Z""#,
        r#""2026-11-01T00:00:00.1Z""#,
        r#""2026-11-01T00:00:00.1234567Z""#,
        r#""2026-11-01T00:00:00.12345678Z""#,
        r#""0001-01-01T00:00:00Z""#,
        r#""9999-12-31T23:59:59.9999999Z""#,
        r#""2026-11-01T02:00:00+02:00""#,
        r#""1.02:03:04.0000001""#,
        r#""00:00:00""#,
        r#""a \"quoted\" \\ text / \u00e4\n""#,
        r#""\ud83d\ude00 whole and half \ud83d""#,
        r#""a long text with half a \udc00 surrogate""#,
        r#"[]"#,
        r#"[1,"2",{"a":null}]"#,
        r##"{"a@odata.type":"#Collection(String)","a":["{\"b\":1}","x","3"],"@odata.type":"t","c":{"d":[[]]}}"##,
        r#""{\"a\" : [1, 2.50]}""#,
        r#""[1,""#,
        r#""\"x\"""#,
        "\"a raw \u{1} control character and a\ttab\"",
        r#""8d6a5b0e-0e6f-4f2e-9c9e-2f7f3f4f5f6f""#,
        r#""0.1""#,
    ];
    for ty in types {
        for value in values {
            for second in ["\"a second row\"", "5", "null"] {
                let body = format!(r#"{{"Schema":[{{"Name":"A","Type":"{ty}"}}],"Results":[{{"A":{value}}},{{"A":{second}}}]}}"#);
                agree(body.as_bytes(), &[], 100);
                agree(body.as_bytes(), &[7, 45, 53, 55, 58, 60, 61, 70], 1);
            }
        }
    }
    for rest in [
        r#""results":[{"A":1},{"B":2,"A":3},{},{"A":4,"B":5,"C":{"x":1}},{"C":"text","A":6,"A":7}]"#,
        r#""Results":[{"A@odata.type":"x","A":1,"Z@odata.bind":2},{"A":"2","a":3}]"#,
        r#""RESULTS" : [ { "A" : 1 } , { "A" : 2 , "B" : [ ] } ] , "later" : { } "#,
        r#""results":[],"x":1"#,
        r#""results":[{"A@odata.x":[1 2],"A":1}]"#,
        r#""results":[{"A@odata.x":"\q","A":1}]"#,
        r##""results":[{"A":1,"D@odata.type":"#Collection(String)","D":["{\"a\":1}"]},{"D@odata.type":"#Collection(String)","D":["[2]"]},{"D":["3"]}]"##,
        r#""results":{}"#,
        r#""results":[{"A":1}"#,
        r#""results":[{"A":1},]"#,
        r#""results":[{"A":1,}]"#,
        r#""results":[{"A":1}{"A":2}]"#,
        r#""results":[{"A":01}]"#,
        r#""results":[{"A":tru}]"#,
        r#""results":[{"A":"\x"}]"#,
        r#""results":[1]"#,
        r#""other":[]"#,
    ] {
        for body in [
            format!(r#"{{"schema":[{{"name":"A","type":"Int64"}}],{rest}}}"#),
            format!(r#"{{{rest},"schema":[{{"name":"A","type":"Int64"}}]}}"#),
            format!("{{{rest}}}"),
        ] {
            for cut in 0..body.len() {
                agree(body.as_bytes(), &[cut], 2);
            }
        }
    }
    for body in ["", "[]", "{}", "nonsense", "\u{feff}{\"results\":[]}", "{\"results\":[]} ", "{\"results\":[]} x", "<html>"] {
        agree(body.as_bytes(), &[1, 2, 3], 10);
    }
    agree(b"{\"results\":[{\"A\":\"no \xff UTF-8, and long enough\",\"B\":\"\xc3\"}]}", &[20], 10);
}

#[test]
fn numbers_keep_their_digits() {
    let body = r#"{"schema":[{"name":"D","type":"Object"},{"name":"F","type":"Double"}],"results":[{"D":{"a":[1.50,1e400,12345678901234567890123]},"F":1e400}]}"#;
    let table = decoded(&[body.as_bytes()], 10).unwrap().table;
    assert_eq!(cells(&table)[0][0], Cell::Text(r#"{"a":[1.50,1e400,12345678901234567890123]}"#.into()));
    assert_eq!(*table.chunks()[0].odd[1][0].json, *"1e400");
}

#[test]
fn an_error_says_where_and_what_was_not_read_is_left() {
    let body = br#"{"schema":[{"name":"A","type":"Int64"}],"results":[{"A":1},{"A":2},{"A":x},{"A":4}]}"#;
    let mut decoder = Decoder::hunting();
    let error = decoder.push(body).unwrap_err();
    assert_eq!(error.to_string(), "the answer is no JSON: unexpected character at byte 72, in row 3");
    assert_eq!((error.facts().details.get("offset"), error.facts().details.get("rows")), (Some(&72i64.into()), Some(&2i64.into())));
    assert_eq!(decoder.unread(), (66, br#",{"A":x},{"A":4}]}"#.to_vec()));
    assert_eq!(cells(&decoder.so_far()), [[Cell::Int(1)], [Cell::Int(2)]]);
}

#[test]
fn nesting_has_an_end_and_no_stack_pays_for_it() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(10_000), close.repeat(10_000));
        for body in [format!(r#"{{"results":[{{"A":{deep}}}]}}"#), format!(r#"{{"x":{deep},"results":[]}}"#)] {
            let error = decoded(&[body.as_bytes()], 10).unwrap_err();
            assert!(error.to_string().contains("too many levels"), "{error}");
        }
        // In a text it is text, however deep.
        let body = object([
            ("schema", Value::Array(vec![object([("name", "A".into()), ("type", "Object".into())])])),
            ("results", Value::Array(vec![object([("A", deep.as_str().into())])])),
        ]);
        assert_eq!(cells(&decoded(&[body.to_string().as_bytes()], 10).unwrap().table), [[Cell::Text(deep)]]);
    }
}

#[test]
fn a_value_of_many_pieces_is_not_read_over_and_over() {
    let text = "x".repeat(8 << 20);
    let body = format!(r#"{{"results":[{{"A":"{text}"}}]}}"#);
    let mut decoder = Decoder::hunting();
    let began = std::time::Instant::now();
    for piece in body.as_bytes().chunks(1000) {
        decoder.push(piece).unwrap();
    }
    assert_eq!(decoder.finish().map_err(|e| e.0).unwrap().table.rows(), 1);
    // Every piece once more would be 33 GB.
    assert!(began.elapsed().as_secs() < 20);
}

#[test]
fn equal_texts_of_a_chunk_are_one() {
    let rows: Vec<String> =
        (0..1000).map(|n| format!(r#"{{"A":"the text number {} which is long and the same at its ends"}}"#, n % 3)).collect();
    let body = format!(r#"{{"results":[{}]}}"#, rows.join(","));
    let table = decoded(&[body.as_bytes()], 1000).unwrap().table;
    let array = table.chunks()[0].arrays[0].to_data();
    assert_eq!(
        array.buffers()[1..].iter().map(|b| b.len()).sum::<usize>(),
        3 * "the text number 0 which is long and the same at its ends".len()
    );
}

fn value() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        Just("null".to_owned()),
        Just("{}".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        (-1000i64..1000).prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| format!("{f:?}")),
        any::<String>().prop_map(|s| Value::from(s).to_string()),
        "[a-z]{0,40}".prop_map(|s| format!("\"{s}\"")),
        "(\\\\u[dD][89abcdefABCDEF][0-9a-f]{2}|\\\\[nrtbf/\\\\\"]|[a-z]){0,20}".prop_map(|s| format!("\"{s}\"")),
        (0i64..4_000_000_000, 0u32..10_000_000, 0usize..8).prop_map(|(s, f, digits)| {
            let at = jiff::Timestamp::new(s, 0).unwrap().to_string();
            let fraction = format!("{f:07}");
            let fraction = if digits == 0 { String::new() } else { format!(".{}", &fraction[..digits]) };
            format!("\"{}{fraction}Z\"", at.trim_end_matches('Z'))
        }),
    ];
    plain.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            prop::collection::vec(("[a-c]", inner.clone()), 0..4).prop_map(members),
            prop::collection::vec(("[a-c](@odata.type)?", inner), 0..4).prop_map(members),
        ]
    })
}

fn members(members: Vec<(String, String)>) -> String {
    // Of a key that comes twice inside a dynamic value, both are kept here and the last by the reference: so each comes once.
    let mut seen = std::collections::HashSet::new();
    let members: Vec<String> = members.iter().filter(|(k, _)| seen.insert(k.clone())).map(|(k, v)| format!("\"{k}\":{v}")).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    #[test]
    fn both_decoders_agree_on_any_answer(
        schema in prop::collection::vec(("[A-D]", prop::sample::select(vec!["String", "Int64", "Int32", "Double", "SByte", "DateTime", "Object", "Guid", "Decimal"])), 0..4),
        rows in prop::collection::vec(prop::collection::vec(("[A-F]", value()), 0..6), 0..8),
        cuts in prop::collection::vec(0usize..10_000, 0..8),
        chunk in 1usize..5,
        late in any::<bool>(),
    ) {
        let mut names = std::collections::HashSet::new();
        let schema: Vec<String> = schema.iter().filter(|(n, _)| names.insert(n.clone())).map(|(n, t)| format!(r#"{{"name":"{n}","type":"{t}"}}"#)).collect();
        let schema = format!(r#""schema":[{}]"#, schema.join(","));
        // Of a key that is new and comes twice at once, the type is the first value's here and the last one's in a tree: so that comes once.
        let mut known = names.clone();
        let rows: Vec<Vec<(String, String)>> = rows.into_iter().map(|row| {
            let mut new = std::collections::HashSet::new();
            let row: Vec<_> = row.into_iter().filter(|(k, _)| known.contains(k) || new.insert(k.clone())).collect();
            known.extend(new);
            row
        }).collect();
        let rows: Vec<String> = rows.iter().map(|row| format!("{{{}}}", row.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect::<Vec<_>>().join(","))).collect();
        let rows = format!(r#""results":[{}]"#, rows.join(","));
        let body = if late { format!("{{{rows},{schema}}}") } else { format!("{{{schema},{rows}}}") };
        agree(body.as_bytes(), &cuts, chunk);
    }

    /// Whatever is done to the bytes: an answer or an error, never a panic and never two opinions on whether it is JSON.
    #[test]
    fn damaged_bytes_never_panic(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200, end in 0usize..200) {
        let mut body = br##"{"schema":[{"name":"A","type":"Int64"},{"name":"D","type":"Object"}],"results":[{"A":1,"D@odata.type":"#Collection(String)","D":["{\"a\":1}"]},{"A":"2","D":null}]}"##.to_vec();
        let n = body.len();
        body[at % n] = byte;
        body.truncate(end.max(1));
        same_however_cut(&body, cut, 1);
    }
}
