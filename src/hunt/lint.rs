//! What is wrong with a query, offline: the engine's own judgement of names and types against a schema, and what hunters regret later.
//!
//! What the engine lacks is no mistake of the query: it is said once, from where on nothing was checked.

use super::{
    reads::{self, Scan},
    schema::{Schema, TIME},
};
use crate::kql::{self, ErrorKind, KqlError, Token, TokenKind, place};
use std::collections::HashSet;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The service will refuse the query.
    Error,
    /// It will run, and may be slow, or not mean what was meant.
    Warning,
    /// Good to know.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

/// One thing to know about a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Which kind of thing it is, such as `unknown-column`.
    pub code: &'static str,
    /// Byte offset.
    pub start: usize,
    /// Byte offset behind it.
    pub end: usize,
    /// What to write instead.
    pub suggestion: Option<String>,
}

/// The most mistakes that are told of one query.
const MOST: usize = 20;

/// Operators without which the ones behind them still find their columns.
const LEFT_OUT: &[&str] = &["where", "filter", "sort", "order", "take", "limit", "top", "extend", "parse", "render", "mv"];

/// Everything there is to say about a query, in the order of the text.
pub fn lint(query: &str, schema: &Schema) -> Vec<Problem> {
    let mut problems = errors(query, schema);
    let readable = !problems.iter().any(|p| p.code == "syntax");
    if let (true, Ok(scan)) = (readable, reads::scan(query)) {
        warn(&scan, &mut problems);
        unused(&scan, &mut problems);
        without_terms(&scan, &mut problems);
    }
    problems.sort_by_key(|p| (p.start, p.end));
    problems
}

/// Mistakes: where one is found, its part of the query is left out and the rest judged again.
fn errors(query: &str, schema: &Schema) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut text = query.to_owned();
    let mut lost: HashSet<String> = HashSet::new();
    for _ in 0..2 * MOST {
        let Err(error) = kql::describe(&text, schema) else { break };
        let named = query.get(error.start..error.end).unwrap_or_default();
        // It needs what was left out.
        let follows = lost.iter().any(|name| named == name || error.message.contains(&format!("'{name}'")));
        let problem = judged(query, &error);
        let unknown = problem.severity == Severity::Info;
        let told_before = unknown && problems.iter().any(|p| p.severity == Severity::Info);
        if !follows && !told_before {
            problems.push(problem);
        }
        if problems.len() >= MOST || !leave_out(&mut text, error.start, &mut lost, unknown) {
            break;
        }
    }
    problems
}

/// Puts blanks in place of the statement or the operator at an offset; false if nothing behind it could be judged then.
fn leave_out(text: &mut String, at: usize, lost: &mut HashSet<String>, unknown: bool) -> bool {
    let Ok(scan) = reads::scan(text) else { return false };
    let whole = (0, scan.tokens.len());
    let inside = |(a, b): &(usize, usize)| b > a && scan.start(*a) <= at && at < scan.end(b - 1).max(scan.start(*a) + 1);
    let Some(statement) = scan.parts(whole, ";").into_iter().find(inside) else { return false };
    let is_let = scan.text(statement.0) == "let";
    let part = if is_let {
        statement
    } else {
        let parts = scan.parts(statement, "|");
        let Some(index) = parts.iter().position(inside).filter(|i| *i > 0) else { return false };
        let Some((a, b)) = parts.get(index).copied().filter(|(a, _)| LEFT_OUT.contains(&scan.text(*a))) else { return false };
        if unknown && index + 1 == parts.len() {
            return false;
        }
        (a - 1, b)
    };
    for at in part.0..part.1 {
        if scan.text(at + 1) == "=" {
            lost.insert(scan.text(at).to_owned());
        }
    }
    // A let's semicolon goes with it.
    let last = if is_let { part.1 } else { part.1 - 1 };
    let (from, to) = (scan.start(part.0), scan.end(last.min(scan.tokens.len().saturating_sub(1))));
    let blank: String = text
        .get(from..to)
        .unwrap_or_default()
        .chars()
        .map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) })
        .collect();
    if blank.len() != to - from || blank.is_empty() {
        return false;
    }
    text.replace_range(from..to, &blank);
    true
}

/// A mistake that the engine found, in the words of a problem.
fn judged(query: &str, error: &KqlError) -> Problem {
    let (said, suggestion) = match error.message.split_once(". Did you mean '") {
        Some((said, rest)) => (said.to_owned(), Some(rest.trim_end_matches("'?").to_owned())),
        None => (error.message.clone(), None),
    };
    let (severity, code, message) = match error.kind {
        ErrorKind::Unsupported => {
            let part = error.missing.as_deref().unwrap_or("this");
            (Severity::Info, "not-checked", format!("not checked from here on: {part}"))
        }
        ErrorKind::Limit | ErrorKind::Stopped | ErrorKind::Fault => (Severity::Info, "not-checked", format!("not checked: {said}")),
        ErrorKind::Syntax => (Severity::Error, "syntax", said),
        ErrorKind::Semantic if said.starts_with("malformed regular expression") || said.starts_with("regular expressions have") => {
            let (start, end) = pattern_in(query, error).unwrap_or((error.start, error.end));
            return Problem { severity: Severity::Error, message: said, code: "regex", start, end, suggestion };
        }
        ErrorKind::Semantic => {
            let named =
                |kind: &str| said.starts_with(&format!("no {kind}")).then(|| said.split('\'').nth(1).unwrap_or_default().to_owned());
            if let Some(name) = named("table named") {
                (Severity::Error, "unknown-table", format!("no table '{name}'"))
            } else if let Some(name) = named("column") {
                (Severity::Error, "unknown-column", format!("no column '{name}'{}", among(query)))
            } else if let Some(name) = named("function named") {
                if suggestion.is_none() {
                    let message = format!("no function '{name}' is known here; one that is saved in the tenant cannot be checked");
                    (Severity::Warning, "unknown-function", message)
                } else {
                    (Severity::Error, "unknown-function", format!("no function '{name}'"))
                }
            } else {
                (Severity::Error, "type", said)
            }
        }
    };
    let message = suggestion.as_ref().map_or(message.clone(), |s| format!("{message}; did you mean {s}?"));
    Problem { severity, message, code, start: error.start, end: error.end.max(error.start), suggestion }
}

/// The place of the pattern that a mistake is about: the text behind `regex`, or the only one.
fn pattern_in(query: &str, error: &KqlError) -> Option<(usize, usize)> {
    let scan = reads::scan(query).ok()?;
    let texts = scan.tokens.iter().enumerate().filter(|(_, t)| t.start >= error.start && t.end <= error.end && is_text(t));
    let behind = |at: usize| at.checked_sub(1).and_then(|at| scan.tokens.get(at)).is_some_and(|t| t.is_word("regex"));
    let (patterns, others): (Vec<_>, Vec<_>) = texts.partition(|(at, _)| behind(*at));
    let [(_, only)] = (if patterns.is_empty() { others } else { patterns })[..] else { return None };
    Some((only.start, only.end))
}

fn is_text(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Literal && token.text.contains(['"', '\'', '`', '~']) && !token.text.ends_with(')')
}

/// ` in DeviceEvents`, if the query reads that table alone.
fn among(query: &str) -> String {
    let names = reads::scan(query).map(|s| s.sources.iter().map(|t| t.name.to_owned()).collect::<HashSet<_>>()).unwrap_or_default();
    match names.len() {
        1 => names.iter().next().map_or(String::new(), |name| format!(" in {name}")),
        _ => String::new(),
    }
}

fn warn(scan: &Scan<'_>, problems: &mut Vec<Problem>) {
    let mut add = |severity, code, at: usize, message: String, suggestion: Option<String>| {
        problems.push(Problem { severity, message, code, start: scan.start(at), end: scan.end(at), suggestion });
    };
    let sign = |at: usize, any: &[&str]| scan.tokens.get(at).is_some_and(|t| t.kind == TokenKind::Sign && any.contains(&t.text));
    let word = |at: usize| scan.tokens.get(at).filter(|t| t.kind == TokenKind::Word).map_or("", |t| t.text);
    let all = 0..scan.tokens.len();
    let compares = ["<", ">", "<=", ">=", "=="];
    let is_time = |at: usize| matches!(word(at), TIME | "TimeGenerated");
    let timed = |at: &usize| {
        is_time(*at)
            && (sign(at + 1, &compares) || word(at + 1) == "between" || at.checked_sub(1).is_some_and(|before| sign(before, &compares)))
    };
    let first = scan.sources.iter().find(|s| s.timed).and_then(|s| all.clone().find(|at| scan.start(*at) == s.start));
    let parts = scan.parts(scan.main, "|");
    if let Some(at) = first {
        let bare = parts.iter().skip(1).all(|(a, _)| {
            let name = word(*a);
            name.is_empty() || matches!(name, "project" | "extend" | "sort" | "order" | "render" | "as" | "parse" | "serialize" | "mv")
        });
        if bare && scan.sources.len() == 1 && at == scan.main.0 {
            let message = "no filter and no limit: every row of the table is asked for, and the service answers 100,000 at most";
            add(Severity::Warning, "no-limit", at, message.to_owned(), None);
        }
        if !all.clone().any(|at| timed(&at)) {
            let message = "no filter on Timestamp: without since= or timespan= the service reads 30 days";
            add(Severity::Warning, "no-time-filter", at, message.to_owned(), None);
        }
    }
    for at in all.clone() {
        let literal = scan.tokens.get(at + 1).filter(|t| t.kind == TokenKind::Literal).map_or("", |t| t.text.trim_matches(['"', '\'']));
        let term = literal.len() >= 4 && literal.chars().all(|c| c.is_ascii_alphanumeric());
        if matches!(word(at), "contains" | "contains_cs") && term {
            let has = if word(at) == "contains" { "has" } else { "has_cs" };
            let message = format!("{} looks inside of every word; {has} is much faster where {literal:?} is meant as a word", word(at));
            add(Severity::Warning, "contains", at, message, Some(has.to_owned()));
        }
        let begins = at == scan.main.0 || at.checked_sub(1).is_some_and(|b| sign(b, &["(", "|", ";"]));
        let everywhere = match word(at) {
            "union" => {
                let rest = at + 1..scan.tokens.len();
                let alone = |i: usize| sign(i, &["*"]) && (sign(i - 1, &[","]) || i == at + 1 || scan.text(i - 2) == "=");
                rest.take_while(|i| !sign(*i, &["|", ")", ";"])).any(alone)
            }
            "search" => at == scan.main.0 && word(at + 1) != "in",
            _ => false,
        };
        if begins && everywhere {
            add(Severity::Warning, "every-table", at, format!("{} reads every table that there is", word(at)), None);
        }
    }
}

/// Names that `let` makes and nothing behind it names; a view may be meant by a wildcard.
fn unused(scan: &Scan<'_>, problems: &mut Vec<Problem>) {
    let is = |at: usize, signs: &[&str]| signs.iter().any(|sign| scan.tokens.get(at).is_some_and(|t| t.is_sign(sign)));
    for (at, _) in scan.tokens.iter().enumerate().filter(|(_, t)| t.is_word("let")) {
        let begins = at.checked_sub(1).is_none_or(|before| is(before, &[";", "{"]));
        let Some(name) = scan.tokens.get(at + 1).filter(|t| t.kind == TokenKind::Word && is(at + 2, &["="])) else { continue };
        let view = scan.tokens.get(at + 3).is_some_and(|t| t.is_word("view"));
        // A text may name a column or a table.
        let named = |t: &Token<'_>| t.text == name.text || (t.kind == TokenKind::Literal && t.text.contains(name.text));
        if !begins || view || scan.tokens.iter().skip(at + 2).any(named) {
            continue;
        }
        let message = format!("nothing uses '{}'", name.text);
        let (severity, code) = (Severity::Warning, "unused-let");
        problems.push(Problem { severity, message, code, start: name.start, end: name.end, suggestion: None });
    }
}

/// `has` with a text that holds no word: where all is ASCII and no escape hides a letter, that is certain.
fn without_terms(scan: &Scan<'_>, problems: &mut Vec<Problem>) {
    for pair in scan.tokens.windows(2) {
        let [operator, text] = pair else { continue };
        let contains = match operator.text {
            "has" => "contains",
            "has_cs" => "contains_cs",
            _ => continue,
        };
        let bare = text.text.strip_prefix('@').unwrap_or(text.text).trim_matches(['"', '\'']);
        let wordless = !bare.is_empty() && bare.chars().all(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '\\');
        if operator.quoted || operator.kind != TokenKind::Word || !is_text(text) || !wordless {
            continue;
        }
        let message = format!("{} looks for words of letters and digits, and {} has none; {contains} says so", operator.text, text.text);
        let (severity, code) = (Severity::Warning, "has-no-word");
        problems.push(Problem { severity, message, code, start: text.start, end: text.end, suggestion: Some(contains.to_owned()) });
    }
}

/// Line and character of a problem's ends, from 1.
pub fn places(query: &str, problem: &Problem) -> ((usize, usize), (usize, usize)) {
    (place(query, problem.start), place(query, problem.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(query: &str) -> Vec<String> {
        let one = |p: &Problem| {
            let ((line, column), _) = places(query, p);
            format!("{line}:{column} {} {}: {}", p.severity.name(), p.code, p.message)
        };
        lint(query, Schema::bundled()).iter().map(one).collect()
    }

    fn mistakes(query: &str) -> Vec<String> {
        told(query).into_iter().filter(|p| !p.contains(" warning ")).collect()
    }

    #[test]
    fn names_are_checked_and_what_was_meant_is_suggested() {
        assert_eq!(
            mistakes("DeviceEvents\n| where DeviceNam == 'x'"),
            ["2:9 error unknown-column: no column 'DeviceNam' in DeviceEvents; did you mean DeviceName?"]
        );
        assert_eq!(mistakes("DeviceEvent | take 1"), ["1:1 error unknown-table: no table 'DeviceEvent'; did you mean DeviceEvents?"]);
        assert_eq!(mistakes("DeviceEvents | extend x = tolowr(DeviceName)").len(), 1);
        assert!(mistakes("DeviceEvents | wher true")[0].starts_with("1:16 error syntax: 'wher' is no operator"));
    }

    #[test]
    fn several_mistakes_are_told_and_none_twice() {
        let query = "let a = DeviceEvent | take 1;\nlet b = 1;\nDeviceEvents\n| where Nope == b\n| extend x = tolowr(DeviceName), y = 1\n| where x == '' and y == 1\n| where DeviceName == 1\n| join a on DeviceId";
        let found = mistakes(query);
        assert_eq!(found.len(), 4, "{found:#?}");
        assert_eq!(found.iter().map(|p| &p[..2]).collect::<Vec<_>>(), ["1:", "4:", "5:", "7:"]);
    }

    #[test]
    fn what_the_engine_lacks_is_said_once_and_is_no_mistake() {
        let query = "DeviceEvents | where Timestamp > ago(1d) | facet by DeviceName | where nonsense(count_)";
        assert_eq!(told(query), ["1:44 info not-checked: not checked from here on: the operator 'facet'"]);
        let query = "DeviceEvents | where Timestamp > ago(1d) and geo_x(1) | where rand() > 1 | where DeviceNam == ''";
        assert_eq!(mistakes(query).len(), 2, "{:?}", told(query));
    }

    #[test]
    fn hunters_are_warned() {
        for (query, codes) in [
            ("DeviceEvents", vec!["no-limit", "no-time-filter"]),
            ("DeviceEvents | where DeviceName has 'x'", vec!["no-time-filter"]),
            ("DeviceEvents | where Timestamp > ago(1d) and ActionType contains 'Started'", vec!["contains"]),
            ("DeviceEvents | where ago(1d) < Timestamp and FileName contains '.exe'", vec![]),
            ("DeviceEvents | where Timestamp between (ago(2d) .. ago(1d)) | summarize count() by bin(Timestamp, 1h)", vec![]),
            ("search 'x'", vec!["every-table"]),
            ("union * | where Timestamp > ago(1d)", vec!["every-table"]),
            ("DeviceTvmSoftwareInventory | take 10", vec![]),
        ] {
            let found: Vec<&str> = lint(query, Schema::bundled()).iter().map(|p| p.code).collect();
            assert_eq!(found, codes, "{query}");
        }
    }

    #[test]
    fn a_name_that_nothing_uses_is_told() {
        let found = |query: &str| -> Vec<String> { told(query).into_iter().filter(|p| p.contains("unused-let")).collect() };
        assert_eq!(found("let a = 1;\nlet b = 2;\nprint b"), ["1:5 warning unused-let: nothing uses 'a'"]);
        assert_eq!(found("let f = (n:long) { let c = 5; n }; let ['d'] = 1; print f(1)").len(), 2);
        for query in [
            "let a = 1; let b = a; print b",
            "let View_x = view () { DeviceEvents }; union View_* | take 1",
            "let a = DeviceEvents | take 1; table('a')",
            "let a = 1; print let = a",
            "print let = 1, a = 2",
        ] {
            assert!(found(query).is_empty(), "{query}");
        }
    }

    #[test]
    fn a_malformed_regular_expression_has_its_place() {
        let message = "regex: malformed regular expression: error: unclosed group";
        for (query, place) in [
            ("DeviceEvents | where Timestamp > ago(1d) and DeviceName matches regex '('", "1:71"),
            ("DeviceEvents | where Timestamp > ago(1d) | extend x = extract(@'a(', 0, DeviceName)", "1:63"),
            // Which of the two texts it is, is not known.
            ("DeviceEvents | where Timestamp > ago(1d) | extend x = replace_regex(DeviceName, '(', 'b')", "1:55"),
        ] {
            assert_eq!(told(query), [format!("{place} error {message}")]);
        }
        assert!(told("print x = 'a' matches regex '(?=b)'")[0].contains("1:29 error regex: regular expressions have neither look-around"));
        assert!(told("print x = 'a' matches regex @'^(\\w+)\\.exe$'").is_empty());
        assert!(told(r"print x = 'a' matches regex '(\\d{1000}){1000}'")[0].contains(" info not-checked"));
    }

    #[test]
    fn has_without_a_word_is_told() {
        let found = |text: &str| told(&format!("print a = 'b' | where a has {text}"));
        assert_eq!(
            found("'--'"),
            ["1:29 warning has-no-word: has looks for words of letters and digits, and '--' has none; contains says so"]
        );
        assert_eq!(found("@'\\'").len(), 0);
        for text in ["'-x-'", "''", "'\\t'", "a", "strcat('-', a)", "'é'"] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
        assert_eq!(lint("print a = 'b' | where a !has_cs '...'", Schema::bundled())[0].suggestion.as_deref(), Some("contains_cs"));
    }
}
