//! What stands in a `$filter`: refused before it is sent where the service would refuse it. Pure.
//!
//! A filter is written by hand, and the service answers a wrong one with a sentence about its own grammar. What is provably wrong is told
//! here, by name. Whatever may be right passes: functions and types that nobody here has heard of, lambdas, casts, aliases.

mod lex;

use crate::{
    error::{Error, Result, did_you_mean},
    ops::{
        model::{Operation, Returns},
        types::ENTITIES,
    },
};
use lex::{Token, tokens};

const ARGUMENT: &str = "filter";
const COMPARISONS: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le"];
const OPERATORS: &[&str] =
    &["and", "or", "not", "eq", "ne", "gt", "ge", "lt", "le", "in", "has", "add", "sub", "mul", "div", "divby", "mod"];
const LITERALS: &[&str] = &["null", "true", "false", "NaN", "INF"];

/// Refuses a filter that the service would refuse.
pub fn check(op: &Operation, filter: &str) -> Result<()> {
    let tokens = tokens(filter)?;
    let variables: Vec<&str> = tokens
        .windows(2)
        .filter_map(|pair| match pair {
            [Token::Word(name), Token::Colon] => Some(*name),
            _ => None,
        })
        .collect();
    let at = |i: Option<usize>| i.and_then(|i| tokens.get(i));
    for (i, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let (before, after) = (at(i.checked_sub(1)), at(Some(i + 1)));
        let is_no_property = matches!(before, Some(Token::Slash))
            || matches!(after, Some(Token::Open | Token::Colon))
            || is_operator(word)
            || is_literal(word)
            || word.starts_with(['$', '@'])
            || word.contains('.')
            || variables.contains(word);
        if is_no_property {
            continue;
        }
        let compared = matches!(before, Some(t) if is_comparison(t)) && matches!(at(i.checked_sub(2)), Some(Token::Word(_) | Token::Close));
        known(op, word, compared)?;
        let others = [(after, at(Some(i + 2))), (before, at(i.checked_sub(2)))];
        for (between, other) in others {
            if matches!(between, Some(t) if is_comparison(t)) && is_moment(op, word) {
                no_text(word, other)?;
            }
        }
    }
    match tokens.last() {
        Some(Token::Word(word)) if is_operator(word) && tokens.len() > 1 => {
            Err(refused(format!("ends with {word:?}, and something has to follow it")))
        }
        _ => Ok(()),
    }
}

fn refused(message: impl std::fmt::Display) -> Error {
    Error::argument(ARGUMENT, message)
}

fn is_operator(word: &str) -> bool {
    OPERATORS.iter().any(|o| o.eq_ignore_ascii_case(word))
}

fn is_comparison(token: &Token<'_>) -> bool {
    matches!(token, Token::Word(word) if COMPARISONS.iter().any(|c| c.eq_ignore_ascii_case(word)))
}

fn is_literal(word: &str) -> bool {
    LITERALS.iter().any(|l| l.eq_ignore_ascii_case(word))
        || word.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
        || is_guid(word)
}

fn is_guid(word: &str) -> bool {
    let lengths = word.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && word.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// Whether the operation says that the property can be filtered by; one that says nothing takes all.
fn known(op: &Operation, word: &str, compared: bool) -> Result<()> {
    let names = op.filterable;
    if names.is_empty() || names.iter().any(|n| n.eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    let error = if compared {
        refused(format!("{word} stands without quotes and is no property; text is written '{word}'"))
    } else {
        let guess = did_you_mean(word, names.iter().copied());
        refused(format!("{} cannot be filtered by {word:?}; it can be by {}.{guess}", op.id, names.join(", ")))
            .hint("leave the condition away and choose among the items; or send any text with client.request(…, params={\"$filter\": …})")
    };
    Err(error.detail("property", word).detail("allowed", names.to_vec()))
}

/// Whether the property is declared as a point in time.
fn is_moment(op: &Operation, word: &str) -> bool {
    let (Returns::Many(name) | Returns::One(name)) = op.returns else { return false };
    let entity = |name: &str| ENTITIES.iter().find(|e| e.name == name);
    let own = entity(name);
    let base = own.and_then(|e| e.base).and_then(entity);
    own.into_iter().chain(base).flat_map(|e| e.properties).any(|p| p.name.eq_ignore_ascii_case(word) && p.ty == "DateTimeOffset")
}

/// A point in time is compared with a point in time.
fn no_text(property: &str, other: Option<&Token<'_>>) -> Result<()> {
    let builder = format!("xdrkit.field(\"{property}\").gt(\"-7d\") writes it, from a datetime too");
    match other {
        Some(Token::Text(text)) => Err(refused(format!("{property} is a point in time: write it without quotes, not '{text}'"))
            .detail("property", property)
            .hint(format!("such as {property} gt 2026-05-01T00:00:00Z; {builder}"))),
        Some(Token::Word(word)) if is_ago(word) => {
            Err(refused(format!("{property} is a point in time, and the service does not know what {word} is"))
                .detail("property", property)
                .hint(builder))
        }
        _ => Ok(()),
    }
}

/// `7d`, `-15m`: how the rest of xdrkit writes "so long ago".
fn is_ago(word: &str) -> bool {
    let digits = word.trim_start_matches('-').trim_end_matches(['s', 'm', 'h', 'd', 'w']);
    !digits.is_empty() && digits.len() < word.trim_start_matches('-').len() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;
