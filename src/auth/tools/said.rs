//! What a program said, as it may be shown: the error without the noise around it, and without a token in it.

use crate::json::{self, Value};

/// As long as a message may get.
const MAX: usize = 400;
/// No word of a message is this long; tokens are.
const LONG: usize = 80;

/// The error in what a program wrote, on one line; empty if there is none.
pub(super) fn said(output: &str) -> String {
    let lines: Vec<String> = output.lines().map(message).filter(|line| !line.is_empty() && !line.starts_with("WARNING")).collect();
    let first = lines.iter().position(|line| line.starts_with("ERROR")).unwrap_or_default();
    let text = lines.get(first..).unwrap_or_default().join(" ");
    let shown = redacted(text.strip_prefix("ERROR:").unwrap_or(&text).trim());
    match shown.char_indices().nth(MAX) {
        Some((end, _)) => format!("{} …", shown.get(..end).unwrap_or_default().trim_end()),
        None => shown,
    }
}

/// A line without control characters. The Azure Developer CLI wraps its lines into JSON.
fn message(line: &str) -> String {
    let wrapped = json::parse(line.trim().as_bytes()).ok();
    let inner = wrapped.as_ref().and_then(|w| w.get("data").unwrap_or(w).get("message")).and_then(Value::as_str);
    let words = inner.unwrap_or(line).split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The text with stars for what is or may be a token.
fn redacted(text: &str) -> String {
    let text = without_members(text);
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c| !in_token(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        shown.push_str(if is_token(word) { "***" } else { word });
        let gap = after.find(in_token).unwrap_or(after.len());
        shown.push_str(after.get(..gap).unwrap_or_default());
        rest = after.get(gap..).unwrap_or_default();
    }
    shown
}

fn in_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

/// A JWT begins with the coded form of `{"`.
fn is_token(word: &str) -> bool {
    word.len() >= LONG || word.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part.len() > 9 && part.starts_with("eyJ"))
}

/// The text with stars for the values of JSON members whose name ends in "token".
fn without_members(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.to_ascii_lowercase().find("token\"") {
        let (before, after) = rest.split_at(at + "token\"".len());
        shown.push_str(before);
        let value = after.trim_start_matches([' ', ':']);
        rest = match value.strip_prefix('"') {
            Some(value) if value.len() + 1 < after.len() => {
                shown.push_str(": \"***");
                value.find('"').and_then(|end| value.get(end..)).unwrap_or_default()
            }
            _ => after,
        };
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_error_is_taken_out_of_the_noise_around_it() {
        assert_eq!(
            said("WARNING: new version\n\nERROR: Please run 'az login'\r\n  to setup account.\n"),
            "Please run 'az login' to setup account."
        );
        let azd =
            r#"{"type":"consoleMessage","timestamp":"2026-01-01T00:00:00Z","data":{"message":"\nERROR: fetching token: not logged in\n"}}"#;
        assert_eq!(said(azd), "fetching token: not logged in");
        assert_eq!(said("\u{1b}\u{7}plain"), "plain");
        assert_eq!(said(" \n\t"), "");
        assert!(said(&"word ".repeat(500)).chars().count() <= MAX + 2);
    }

    #[test]
    fn tokens_are_starred_and_words_are_not() {
        let jwt = "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln";
        let long = "0.AXoA".to_owned() + &"x".repeat(100);
        for (text, shown) in [
            (format!("bad {jwt}, again"), "bad ***, again".to_owned()),
            (format!("at https://x/?t={jwt} end"), "at https://x/?*** end".to_owned()),
            (format!("refresh {long}"), "refresh ***".to_owned()),
            (
                r#"{"accessToken": "canary", "tokenType": "Bearer"}"#.to_owned(),
                r#"{"accessToken": "***", "tokenType": "Bearer"}"#.to_owned(),
            ),
            (r#"{"token":"canary"#.to_owned(), r#"{"token": "***"#.to_owned()),
            ("the keyJson of 11111111-2222-3333-4444-555555555555".to_owned(), String::new()),
            (r#"no "token" there"#.to_owned(), String::new()),
        ] {
            assert_eq!(said(&text), if shown.is_empty() { text } else { shown });
        }
    }

    proptest! {
        #[test]
        fn a_token_is_never_shown_wherever_it_stands(before in ".{0,40}", after in "\\PC{0,40}") {
            let token = "eyJhbGciOiJub25lIn0.CANARY.c2ln";
            let text = said(&format!("{before} {token} {after} \"refresh_token\": \"CANARY\""));
            prop_assert!(!text.contains("CANARY"), "{}", text);
        }

        #[test]
        fn anything_can_be_shown(text in "\\PC{0,600}") {
            prop_assert!(said(&text).chars().count() <= MAX + 2);
        }
    }
}
