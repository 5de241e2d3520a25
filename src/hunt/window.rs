//! When to hunt: the half-open window [since, until).
//!
//! Graph takes a window beside the query. The older endpoints know none, so there the window is written into the query: each table that the
//! query reads is replaced by `(Table | where Timestamp >= … and Timestamp < …)`. That keeps the meaning whatever follows (aggregates, joins,
//! takes), which a filter at the end would not. Where the tables cannot be seen from the text alone (`find`, `search`, wildcards), it says
//! so instead of guessing.

use crate::{
    error::{Error, Result},
    json::{self, Value},
    ops::{HUNTING_SCHEMA, model::Service},
};
use jiff::{Span, Timestamp};
use std::{collections::HashSet, sync::LazyLock};

/// The tables that have a `Timestamp`.
static TABLES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let schema = json::parse(HUNTING_SCHEMA.as_bytes()).unwrap_or_default();
    let tables = schema.get("tables").and_then(Value::as_object).cloned().unwrap_or_default();
    tables.into_iter().filter(|(_, columns)| columns.get("Timestamp").is_some()).map(|(name, _)| name).collect()
});

/// A window; open ends are the service's own limits (30 days back, now).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    since: Option<String>,
    until: Option<String>,
    timespan: Option<String>,
}

impl Window {
    /// Checks the three; `since` and `until` are ISO 8601 with a zone, `timespan` is an ISO 8601 duration or interval.
    pub fn new(since: Option<&str>, until: Option<&str>, timespan: Option<&str>) -> Result<Window> {
        if timespan.is_some() && (since.is_some() || until.is_some()) {
            return Err(Error::argument("timespan", "goes alone: leave since and until out, or timespan"));
        }
        let instant = |name: &str, text: Option<&str>| match text {
            None => Ok(None),
            Some(text) => match text.trim().parse::<Timestamp>() {
                Ok(at) => Ok(Some((at, text.trim().to_owned()))),
                Err(_) => Err(Error::argument(name, format!("{text:?} is no point in time with a zone, such as \"2026-11-01T00:00:00Z\""))),
            },
        };
        let (since, until) = (instant("since", since)?, instant("until", until)?);
        if let (Some((a, _)), Some((b, text))) = (&since, &until)
            && a >= b
        {
            return Err(Error::argument("until", format!("{text:?} is not after since; the window [since, until) is empty")));
        }
        if let Some(timespan) = timespan {
            check_timespan(timespan)?;
        }
        Ok(Window { since: since.map(|s| s.1), until: until.map(|u| u.1), timespan: timespan.map(str::to_owned) })
    }

    /// The ends, as text.
    pub fn ends(&self) -> (Option<&str>, Option<&str>) {
        (self.since.as_deref(), self.until.as_deref())
    }

    /// Graph's `Timespan`.
    pub fn timespan(&self) -> Option<String> {
        match (&self.timespan, &self.since, &self.until) {
            (Some(timespan), _, _) => Some(timespan.clone()),
            (None, Some(since), Some(until)) => Some(format!("{since}/{until}")),
            (None, Some(since), None) => Some(since.clone()),
            (None, None, Some(until)) => Some(format!("P30D/{until}")),
            (None, None, None) => None,
        }
    }

    /// The query with the window written into it.
    pub fn bake(&self, query: &str, service: Service) -> Result<String> {
        if self.timespan.is_some() {
            let message = format!("the {} endpoint takes no timespan; use since and until, or api=\"graph\"", service.name());
            return Err(Error::argument("timespan", message));
        }
        let condition = match self.ends() {
            (None, None) => return Ok(query.to_owned()),
            (Some(a), None) => format!("Timestamp >= datetime({a})"),
            (None, Some(b)) => format!("Timestamp < datetime({b})"),
            (Some(a), Some(b)) => format!("Timestamp >= datetime({a}) and Timestamp < datetime({b})"),
        };
        bake(query, &condition).map_err(|why| {
            let message = format!("cannot be applied on the {} endpoint: {why}", service.name());
            Error::argument(if self.since.is_some() { "since" } else { "until" }, message)
                .hint("put the time filter into the query, or use api=\"graph\"")
        })
    }
}

fn check_timespan(text: &str) -> Result<()> {
    let is_span = |t: &str| t.starts_with('P') && t.parse::<Span>().is_ok();
    let is_time = |t: &str| t.parse::<Timestamp>().is_ok();
    let fine = match text.split_once('/') {
        None => is_span(text) || is_time(text),
        Some((a, b)) => {
            (is_span(a) && is_time(b))
                || (is_time(a) && is_span(b))
                || (is_time(a) && is_time(b) && a.parse::<Timestamp>().ok() < b.parse::<Timestamp>().ok())
        }
    };
    if fine {
        return Ok(());
    }
    Err(Error::argument(
        "timespan",
        format!("{text:?} is no ISO 8601 duration or interval, such as \"P7D\", \"start/end\", \"P7D/end\" or \"start/P7D\""),
    ))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Mark(char),
    /// A string literal.
    Text,
}

/// The words and marks of a query with their places; strings and comments are passed over.
fn tokens(query: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let at = query.len() - rest.len();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(body) = rest.strip_prefix("```") {
            found.push((at, Token::Text));
            body.find("```").map_or(rest.len(), |end| end + 6)
        } else if c == '"' || c == '\'' || (matches!(c, '@' | 'h' | 'H') && starts_string(rest)) {
            found.push((at, Token::Text));
            string_length(rest)
        } else if is_word(c) {
            let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            found.push((at, Token::Word(rest.get(..length).unwrap_or_default())));
            length
        } else {
            if !c.is_whitespace() {
                found.push((at, Token::Mark(c)));
            }
            c.len_utf8()
        };
        rest = rest.get(length.max(1)..).unwrap_or_default();
    }
    found
}

fn starts_string(rest: &str) -> bool {
    let body = rest.trim_start_matches(['@', 'h', 'H']);
    rest.len() - body.len() <= 2 && body.starts_with(['"', '\''])
}

fn string_length(rest: &str) -> usize {
    let verbatim = rest.split(['"', '\'']).next().is_some_and(|prefix| prefix.contains('@'));
    let Some(open) = rest.find(['"', '\'']) else { return rest.len() };
    let quote = rest.get(open..).and_then(|r| r.chars().next()).unwrap_or('"');
    let mut chars = rest.char_indices().skip_while(|(i, _)| *i <= open).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if !verbatim => {
                chars.next();
            }
            c if c == quote => {
                if verbatim && chars.peek().is_some_and(|(_, next)| *next == quote) {
                    chars.next();
                } else {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    rest.len()
}

/// Words that read tables in a way that the text does not show.
const OPAQUE: &[&str] = &["find", "search", "table", "externaldata", "invoke", "withsource", "macro", "cluster", "database", "workspace"];

fn bake(query: &str, condition: &str) -> Result<String, String> {
    let tokens = tokens(query);
    let mut out = String::new();
    let mut copied = 0;
    let mut baked = 0;
    for (i, (at, token)) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let before = i.checked_sub(1).and_then(|p| tokens.get(p)).map(|t| t.1);
        let after = tokens.get(i + 1).map(|t| t.1);
        let stands_for_source = source_position(&tokens, i);
        if OPAQUE.contains(word)
            && before != Some(Token::Mark('.'))
            && (stands_for_source || before == Some(Token::Mark('|')) || *word == "withsource" || after == Some(Token::Mark('(')))
        {
            return Err(format!("{word:?} reads tables that cannot be seen from the query's text"));
        }
        if stands_for_source && after == Some(Token::Mark('*')) {
            return Err(format!("\"{word}*\" stands for tables that cannot be seen from the query's text"));
        }
        if !TABLES.contains(*word) || !stands_for_source || matches!(after, Some(Token::Mark('.' | '('))) {
            continue;
        }
        out.push_str(query.get(copied..*at).unwrap_or_default());
        out.push_str(&format!("({word} | where {condition})"));
        copied = at + word.len();
        baked += 1;
    }
    if baked == 0 {
        return Err("the query reads no table with a Timestamp".to_owned());
    }
    out.push_str(query.get(copied..).unwrap_or_default());
    Ok(out)
}

/// Whether the word at `i` stands where a query's source stands: at the start of a statement, behind an opening parenthesis, in a union or join.
fn source_position(tokens: &[(usize, Token<'_>)], i: usize) -> bool {
    let at = |k: usize| i.checked_sub(k).and_then(|p| tokens.get(p)).map(|t| t.1);
    match at(1) {
        None | Some(Token::Mark(';' | '(')) => true,
        Some(Token::Word("union" | "join" | "lookup")) => true,
        // let x = Table
        Some(Token::Mark('=')) => matches!((at(2), at(3)), (Some(Token::Word(_)), Some(Token::Word("let")))),
        // { Table | … } and: union A, B
        Some(Token::Mark('{')) => true,
        Some(Token::Mark(',')) => in_union(tokens, i),
        // join kind=inner Table, union isfuzzy=true Table, lookup kind=leftouter Table
        Some(Token::Word(_)) => {
            at(2) == Some(Token::Mark('=')) && matches!(at(3), Some(Token::Word("kind" | "isfuzzy" | "hint" | "strategy" | "remote")))
        }
        _ => false,
    }
}

/// Whether the comma before `i` separates the tables of a union: only commas, words, parentheses and options stand between.
fn in_union(tokens: &[(usize, Token<'_>)], i: usize) -> bool {
    let mut depth = 0i32;
    for (_, token) in tokens.iter().take(i).rev() {
        match token {
            Token::Mark(')') => depth += 1,
            Token::Mark('(') if depth == 0 => return false,
            Token::Mark('(') => depth -= 1,
            _ if depth > 0 => {}
            Token::Word("union") => return true,
            Token::Mark('|' | ';' | '{') => return false,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "(DeviceEvents | where T)";

    #[test]
    fn every_source_gets_the_window_and_nothing_else_does() {
        for (query, expected) in [
            ("DeviceEvents | take 1", format!("{T} | take 1")),
            ("DeviceEvents", T.to_owned()),
            ("// DeviceEvents\nDeviceEvents | where A == \"DeviceEvents\"", format!("// DeviceEvents\n{T} | where A == \"DeviceEvents\"")),
            (
                "let x = DeviceEvents | take 1; x | join kind=inner (DeviceEvents) on A",
                format!("let x = {T} | take 1; x | join kind=inner ({T}) on A"),
            ),
            ("DeviceEvents | join kind=leftanti DeviceEvents on A", format!("{T} | join kind=leftanti {T} on A")),
            ("union DeviceEvents, DeviceEvents | count", format!("union {T}, {T} | count")),
            ("union isfuzzy=true DeviceEvents, (DeviceEvents | take 1)", format!("union isfuzzy=true {T}, ({T} | take 1)")),
            ("let f = (n:int) { DeviceEvents | take n }; f(3)", format!("let f = (n:int) {{ {T} | take n }}; f(3)")),
            (
                "DeviceEvents | extend DeviceEvents = 1 | project DeviceEvents, B",
                format!("{T} | extend DeviceEvents = 1 | project DeviceEvents, B"),
            ),
            (
                "DeviceEvents | where P has @\"c:\\\" and Q has 'a\\'DeviceEvents'",
                format!("{T} | where P has @\"c:\\\" and Q has 'a\\'DeviceEvents'"),
            ),
        ] {
            assert_eq!(bake(query, "T").unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_rather_than_guessed() {
        for query in [
            "search \"x\"",
            "find in (DeviceEvents) where A == 1",
            "union Device* | count",
            "table(\"DeviceEvents\")",
            "union withsource=S DeviceEvents",
            "print 1",
            "DeviceTvmSoftwareInventory",
        ] {
            assert!(bake(query, "T").is_err(), "{query}");
        }
    }

    #[test]
    fn windows_are_checked() {
        let w = |a, b, t| Window::new(a, b, t);
        let (a, b) = (Some("2026-11-01T00:00:00Z"), Some("2026-11-02T00:00:00.1234567Z"));
        assert_eq!(w(a, b, None).unwrap().timespan().unwrap(), "2026-11-01T00:00:00Z/2026-11-02T00:00:00.1234567Z");
        assert_eq!(w(None, b, None).unwrap().timespan().unwrap(), "P30D/2026-11-02T00:00:00.1234567Z");
        assert!(w(b, a, None).is_err() && w(a, a, None).is_err() && w(a, None, Some("P7D")).is_err());
        assert!(w(Some("2026-11-01"), None, None).is_err() && w(Some("2026-11-01T00:00:00"), None, None).is_err());
        for good in [
            "P7D",
            "PT12H",
            "P30D/2026-11-02T00:00:00Z",
            "2026-11-02T00:00:00Z/P1D",
            "2026-11-02T00:00:00Z",
            "2026-11-01T00:00:00Z/2026-11-02T00:00:00Z",
        ] {
            assert!(w(None, None, Some(good)).is_ok(), "{good}");
        }
        for bad in ["", "7d", "P", "P7D/P7D", "2026-11-02T00:00:00Z/2026-11-01T00:00:00Z", "x/y"] {
            assert!(w(None, None, Some(bad)).is_err(), "{bad}");
        }
    }
}
