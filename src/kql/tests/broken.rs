//! Queries that were broken on the way: no panic, no endless loop, and every error lies inside of the text.

use super::grammar::Grammar;
use super::*;
use proptest::prelude::*;

const QUERIES: [&str; 6] = [
    "let bad = dynamic(['a', \"b\"]);\nlet f = (t: string, n: long = 5) { DeviceEvents | where DeviceName has t | take n };\nf('x')\n| join kind=leftouter (DeviceProcessEvents | summarize n = count(), arg_max(Timestamp, *) by DeviceName) on DeviceName // why",
    "DeviceProcessEvents\n| where Timestamp > ago(7d) and FileName in~ ('cmd.exe', @'c:\\x', h\"s\") and not(FileName matches regex @'^a.*')\n| extend j = parse_json(AdditionalFields), k = AdditionalFields.a['b'][0]\n| mv-expand k to typeof(string) limit 5\n| project-away j*\n| sort by Timestamp asc nulls last",
    "union isfuzzy=true withsource=T Device*, (print a = 1.5e3, b = 1d, c = datetime(2026-01-01 10:00))\n| parse kind=relaxed FileName with * 'a=' x:long ',' *\n| make-series n = count() default=0 on Timestamp from ago(7d) to now() step 1h by DeviceName\n| render timechart with (title='t')",
    "datatable(a: string, b: real)[\"x\", 1.0, ```y\nz```, real(nan)] | where a between ('a' .. 'b') | top 3 by b desc | evaluate pivot(a)",
    "search in (DeviceEvents, DeviceProcessEvents) 'evil' and FileName:'x' | top-nested 3 of DeviceName by n = count()",
    "range x from 1 to 10 step 1 | serialize r = row_number() | scan declare (s: long = 0) with (step a: true => s = a.s + x;) | mv-apply y = range(1, x) to typeof(long) on (where y > 2)",
];

fn survives(query: &str) {
    let told = [describe(query, &tables()).err(), format(query, 80, 4).err()];
    for error in told.into_iter().flatten() {
        assert!(error.start <= error.end && error.end <= query.len(), "{query}\n{error:?}");
        assert!(query.is_char_boundary(error.start) && query.is_char_boundary(error.end), "{query}\n{error:?}");
        assert!(error.line <= query.matches('\n').count() + 1, "{query}\n{error:?}");
        assert!(!error.message.contains("fault of the engine"), "{query}\n{error:?}");
    }
    if let Ok(tidy) = format(query, 60, 4) {
        let words = |text: &str| crate::kql::tokens(text).unwrap().iter().map(|t| text[t.start..t.end].to_owned()).collect::<Vec<_>>();
        assert_eq!(words(&tidy), words(query), "{query}");
        assert_eq!(format(&tidy, 60, 4).as_deref(), Ok(tidy.as_str()), "{query}");
    }
    for offered in complete(query, query.len() * 2 / 3, &tables()) {
        assert!(offered.start <= offered.end && offered.end <= query.len());
    }
}

#[test]
fn nesting_has_an_end() {
    for (open, close) in
        [("(", ")"), ("[", "]"), ("{", "}"), ("f(", ")"), ("-", ""), ("not(", ")"), ("T | join (", ") on a"), ("dynamic([", "])")]
    {
        for depth in [90, 101, 600] {
            survives(&std::format!("print {}1{}", open.repeat(depth), close.repeat(depth)));
            survives(&std::format!("print {}", open.repeat(depth)));
        }
    }
    survives(&"| ".repeat(500));
    survives(&std::format!("T | where a;and {} or b", "b == 1 and ".repeat(20)));
    survives(&std::format!("print {}", "1 + ".repeat(500)));
    survives(&std::format!("DeviceEvents {}", "| where true ".repeat(200)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn queries_with_bytes_dropped_swapped_and_repeated(which in 0..QUERIES.len(), cuts in prop::collection::vec((0usize..1000, 0usize..6, 0usize..40), 1..6)) {
        let mut chars: Vec<char> = QUERIES[which].chars().collect();
        for (at, how, len) in cuts {
            let at = at % chars.len().max(1);
            let end = (at + len).min(chars.len());
            match how {
                0 => drop(chars.drain(at..end)),
                1 => chars[at..end].reverse(),
                2 => { let part = chars[at..end].to_vec(); chars.splice(at..at, part); }
                3 => chars.insert(at, ['"', '(', ')', '|', '\u{1F600}', '`', ';', '\\'][len % 8]),
                4 => chars.truncate(end),
                _ => { let part: Vec<char> = chars.drain(at..end).collect(); chars.extend(part); }
            }
            if chars.is_empty() {
                break;
            }
        }
        survives(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn queries_of_the_grammar_with_a_hole(choices in prop::collection::vec(any::<u8>(), 0..150), from in 0usize..500, len in 0usize..9) {
        let query: Vec<char> = Grammar::query(&choices).chars().collect();
        let from = from % query.len();
        survives(&query[..from].iter().chain(&query[(from + len).min(query.len())..]).collect::<String>());
    }
}
