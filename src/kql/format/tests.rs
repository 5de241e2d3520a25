use super::super::tests::grammar::Grammar;
use super::super::tokens;
use super::*;
use proptest::prelude::*;

#[track_caller]
fn laid_out(query: &str, expected: &str) {
    let found = format(query, 60, 4).unwrap();
    assert_eq!(found, expected, "\n{found}");
    steady(query, 60, 4);
}

/// Laid out again it stays as it is, and nothing but white space has changed.
#[track_caller]
fn steady(query: &str, width: usize, indent: usize) {
    let once = format(query, width, indent).unwrap();
    let again = format(&once, width, indent).unwrap_or_else(|e| panic!("{query}\n---\n{once}\n{e}"));
    assert_eq!(once, again, "\n{query}\n---\n{once}\n---\n{again}");
    let texts = |text: &str| tokens(text).unwrap().iter().map(|t| text[t.start..t.end].to_owned()).collect::<Vec<_>>();
    assert_eq!(texts(query), texts(&once), "\n{query}\n---\n{once}");
    let ink = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '\u{feff}').collect::<String>();
    assert_eq!(ink(query), ink(&once), "\n{query}\n---\n{once}");
}

#[test]
fn an_operator_a_line() {
    laid_out(
        "DeviceEvents|where A==1 and  B has'x'|project-away C ,D*|take 5;",
        "DeviceEvents\n| where A == 1 and B has 'x'\n| project-away C, D*\n| take 5;",
    );
    laid_out("T", "T");
    laid_out("", "");
    laid_out("union kind = inner A,B|count", "union kind=inner A, B\n| count");
    laid_out("| where f (x)", "| where f (x)");
}

#[test]
fn long_lists_and_conditions_are_broken() {
    laid_out(
        "T | where FileName in~ ('powershell.exe','cmd.exe','wscript.exe','cscript.exe') and (A or B) | project Timestamp, DeviceName, FileName, FolderPath, SHA256",
        "T\n| where FileName in~ (\n        'powershell.exe', 'cmd.exe', 'wscript.exe',\n        'cscript.exe'\n    )\n    and (A or B)\n| project Timestamp, DeviceName, FileName, FolderPath,\n    SHA256",
    );
    laid_out(
        "T | summarize Count = count(), First = min(Timestamp), Last = max(Timestamp) by DeviceName, bin(Timestamp, 1h)",
        "T\n| summarize Count = count(),\n    First = min(Timestamp),\n    Last = max(Timestamp)\n    by DeviceName, bin(Timestamp, 1h)",
    );
    laid_out(
        "let big = dynamic(['aaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'cccccccccccccccc']);\nT",
        "let big = dynamic([\n    'aaaaaaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbb',\n    'cccccccccccccccc'\n]);\nT",
    );
}

#[test]
fn statements_and_pipelines_in_brackets_have_their_lines() {
    laid_out(
        "let a=T|where x;let f=(n:string,m:long=5){U|where y==n};\n\n\nT|join kind=leftouter(U|where c|project d)on $left.e==$right.f,g",
        "let a = T\n    | where x;\nlet f = (n:string, m:long = 5) {\n    U\n    | where y == n\n};\n\nT\n| join kind=leftouter (\n    U\n    | where c\n    | project d\n) on $left.e == $right.f, g",
    );
    laid_out("T | where x in (U | project y)", "T\n| where x in (U | project y)");
}

#[test]
fn comments_and_the_spelling_of_literals_stay() {
    laid_out(
        "// what\n// it does\n\nlet a = 5; // five\nT // all\n| where a == h'x' // here\n  // below\n  and b == @\"c:\\\" | take /*no*/ 5 // end\n// over",
        "// what\n// it does\n\nlet a = 5; // five\nT // all\n| where a == h'x' // here\n    // below\n    and b == @\"c:\\\"\n| take /*no*/ 5 // end\n// over",
    );
    laid_out("T | where a in (1, // one\n 2)\n\n// last\n", "T\n| where a in (\n    1, // one\n    2\n)\n\n// last");
    laid_out("print ```a\n  b``` , \"x\\ty\"  ", "print ```a\n  b```, \"x\\ty\"");
}

#[test]
fn what_the_engine_lacks_is_laid_out_as_well() {
    laid_out(
        "G|graph-match (a)-[e*1..3]->(b)<--(c) where a.x>1|mv-apply z on (take 1)",
        "G\n| graph-match (a)-[e*1 .. 3]->(b)<--(c) where a.x > 1\n| mv-apply z on (take 1)",
    );
    laid_out(
        "externaldata(a:string)[@'x:y']with(format=\"csv\",h=1)|scan declare(n:long=0)with(step s:true=>n=1;)",
        "externaldata(a:string)[@'x:y'] with (format=\"csv\", h=1)\n| scan declare(n:long = 0) with (step s:true => n=1;)",
    );
}

#[test]
fn bad_text_is_told_with_its_place() {
    for (query, line, column) in [("T |\n where (a", 2, 8), ("T | where a == 'x", 1, 16), ("a\n\n ?", 3, 2), ("T)", 1, 2)] {
        let error = format(query, 100, 4).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{query}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_laid_out_stays_so(choices in prop::collection::vec(any::<u8>(), 0..200), width in 20usize..120, indent in 0usize..6) {
        steady(&Grammar::query(&choices), width, indent);
    }

    #[test]
    fn whatever_stands_between_the_tokens(choices in prop::collection::vec(any::<u8>(), 0..80), gaps in prop::collection::vec(0usize..9, 1..40)) {
        let query = Grammar::query(&choices);
        let mut text = String::new();
        let mut end = 0;
        for (token, gap) in tokens(&query).unwrap().iter().zip(gaps.iter().cycle()) {
            let old = &query[end..token.start];
            text.push_str(match gap {
                0..4 => old,
                4 => "\n",
                5 => " // a note\n",
                6 => "\n\n  // on its own\n",
                7 => " // two\n // lines\n\n",
                _ => if old.is_empty() { "" } else { " \t " },
            });
            text.push_str(&query[token.start..token.end]);
            end = token.end;
        }
        prop_assume!(tokens(&text).is_ok());
        steady(&text, 80, 4);
    }
}
