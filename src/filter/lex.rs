//! The words of a filter. What no OData text can hold outside quotes is refused here, with what was probably meant.

use super::refused;
use crate::error::Result;

/// A word of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, an operator, a number, a moment, a GUID.
    Word(&'t str),
    /// Text in quotes, as it stands between them.
    Text(&'t str),
    /// A literal of another kind, such as `duration'P1D'` or a list in JSON.
    Other,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `/`
    Slash,
}

/// The words of a filter in their order.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>> {
    let mut out: Vec<Token<'_>> = Vec::new();
    // For each parenthesis that is open, whether a name stands before it.
    let mut open: Vec<bool> = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let one = c.len_utf8();
        let (taken, token) = match c {
            c if c.is_whitespace() => (one, None),
            '\'' => quoted(rest).map(|(n, inner)| (n, Some(Token::Text(inner))))?,
            '(' => {
                open.push(matches!(out.last(), Some(Token::Word(w)) if !super::is_operator(w)));
                (one, Some(Token::Open))
            }
            ')' => match open.pop() {
                Some(_) => (one, Some(Token::Close)),
                None => return Err(refused("has a \")\" that closes nothing")),
            },
            ',' => (one, Some(Token::Comma)),
            ':' => (one, Some(Token::Colon)),
            '/' => (one, Some(Token::Slash)),
            '[' | '{' => (json(rest)?, Some(Token::Other)),
            '=' if open.last() == Some(&true) => {
                // A parameter by its name.
                if let Some(name) = out.last_mut() {
                    *name = Token::Other;
                }
                (one, None)
            }
            c => match foreign(c, out.last()) {
                Some(advice) => return Err(refused(advice)),
                None => word(rest)?,
            },
        };
        out.extend(token);
        rest = rest.get(taken..).unwrap_or_default();
    }
    if open.is_empty() { Ok(out) } else { Err(refused("has a \"(\" that is never closed")) }
}

/// Text in quotes, of which one inside is doubled: the length with the quotes, and what is between them.
fn quoted(rest: &str) -> Result<(usize, &str)> {
    let bytes = rest.as_bytes();
    let mut end = 1;
    while let Some(byte) = bytes.get(end) {
        match (byte, bytes.get(end + 1)) {
            (b'\'', Some(b'\'')) => end += 2,
            (b'\'', _) => return Ok((end + 1, rest.get(1..end).unwrap_or_default())),
            _ => end += 1,
        }
    }
    Err(refused("has a text that is never closed").hint("a quote inside text is doubled: 'o''neill'; xdrkit.field(…) does it by itself"))
}

/// The length of a list or an object in JSON, whose quotes are its own.
fn json(rest: &str) -> Result<usize> {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (i, c) in rest.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => {
                depth -= 1;
                if depth == 0 {
                    return Ok(i + 1);
                }
            }
            _ => {}
        }
    }
    Err(refused(format!("has a {:?} that is never closed", rest.get(..1).unwrap_or_default())))
}

fn word<'t>(rest: &'t str) -> Result<(usize, Option<Token<'t>>)> {
    let numeric = rest.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
    let ends = |c: char| c.is_whitespace() || "'(),/[{".contains(c) || (c == ':' && !numeric) || foreign(c, None).is_some();
    let length = rest.find(ends).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
    let mut pairs = word.chars().zip(word.chars().skip(1));
    if word.contains('+') && (!numeric || pairs.any(|(c, next)| c == '+' && next.is_alphabetic())) {
        return Err(refused(format!("{word:?}: write spaces, not \"+\"; xdrkit encodes the text by itself")));
    }
    if behind.starts_with('\'') && !super::is_operator(word) {
        let (inner, _) = quoted(behind)?;
        return Ok((length + inner, Some(Token::Other)));
    }
    Ok((length, Some(Token::Word(word))))
}

/// What to say about a character that no OData text has outside quotes.
fn foreign(c: char, before: Option<&Token<'_>>) -> Option<String> {
    if let ('=', Some(Token::Word(name))) = (c, before)
        && (name.starts_with('$') || name.eq_ignore_ascii_case("filter"))
    {
        let plain = name.trim_start_matches('$');
        return Some(if plain.eq_ignore_ascii_case("filter") {
            "begins with its own name: leave \"$filter=\" away".to_owned()
        } else {
            format!("holds the option {name}: give it as the argument {plain}")
        });
    }
    let meant = match c {
        '=' => "equality is written eq",
        '!' => "write ne, or not (…)",
        '<' => "write lt or le",
        '>' => "write gt or ge",
        '|' => "write or",
        '&' => "write and; other options are arguments of their own",
        '%' => "write the text itself, xdrkit encodes it",
        '"' | '`' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => "text stands in single quotes: 'High'",
        _ => return None,
    };
    Some(format!("holds {c:?} outside quotes, which no filter does: {meant}"))
}
