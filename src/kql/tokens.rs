//! A query's tokens, for those who must read a query without understanding all of it.
//!
//! What is done to queries from outside (a window written into them, the judgement whether they can be cut in pieces) must see operators that
//! the parser does not know as well, so it works on tokens.

use super::KqlError;
use super::error::{Span, syntax};
use super::lexer::{Tok, lex};
use super::value::Value;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A name, a keyword, or a name in `['…']`.
    Word,
    /// A literal.
    Literal,
    /// An operator's sign or punctuation.
    Sign,
}

/// One token of a query.
#[derive(Clone, Copy, Debug)]
pub struct Token<'q> {
    /// What it is.
    pub kind: TokenKind,
    /// As written; of a name in brackets, the name.
    pub text: &'q str,
    /// Byte offset in the query.
    pub start: usize,
    /// Byte offset behind it.
    pub end: usize,
    /// Of an opening bracket, the closing one's index; of all others, its own.
    pub partner: usize,
    /// Whether it is a name in `['…']`.
    pub quoted: bool,
}

impl Token<'_> {
    /// Whether it is this sign.
    pub fn is_sign(&self, sign: &str) -> bool {
        self.kind == TokenKind::Sign && self.text == sign
    }

    /// Whether it is this word.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && !self.quoted && self.text == word
    }
}

/// Takes a query apart. Brackets are matched; comments are left out.
///
/// # Errors
///
/// A text that no query can have, and brackets that do not match.
pub fn tokens(query: &str) -> Result<Vec<Token<'_>>, KqlError> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let lexed = lex(query).map_err(|e| e.locate(query))?;
    let tok = |at: usize| lexed.get(at).map(|t| &t.tok);
    // Where the argument of `dynamic(…)` was opened: inside, a bracket is a list.
    let mut dynamic = None;
    let mut at = 0;
    while let Some(token) = lexed.get(at).filter(|t| t.tok != Tok::End) {
        let text = |span: Span| query.get(span.start..span.end).unwrap_or_default();
        let Span { start, end } = token.span;
        let index = found.len();
        let mut new = Token { kind: TokenKind::Sign, text: text(token.span), start, end, partner: index, quoted: false };
        match token.tok {
            Tok::Ident => new.kind = TokenKind::Word,
            Tok::Literal(..) => new.kind = TokenKind::Literal,
            Tok::Sign("[") if dynamic.is_none() && names(found.last(), tok(at + 1), tok(at + 2)) => {
                let inner = lexed.get(at + 1).map_or(token.span, |t| t.span);
                new.kind = TokenKind::Word;
                new.quoted = true;
                new.text = text(Span { start: inner.start + 1, end: inner.end.saturating_sub(1) });
                new.end = lexed.get(at + 2).map_or(end, |t| t.span.end);
                at += 2;
            }
            Tok::Sign("(" | "[" | "{") => {
                if dynamic.is_none() && found.last().is_some_and(|b| b.is_word("dynamic")) {
                    dynamic = Some(index);
                }
                open.push(index);
            }
            Tok::Sign(sign @ (")" | "]" | "}")) => {
                let opened = open.pop();
                dynamic = dynamic.filter(|d| opened != Some(*d));
                let fits = |o: &&mut Token<'_>| matches!((o.text, sign), ("(", ")") | ("[", "]") | ("{", "}"));
                let Some(opening) = opened.and_then(|at| found.get_mut(at)).filter(fits) else {
                    return Err(syntax(token.span, format!("'{sign}' closes nothing")).locate(query));
                };
                opening.partner = index;
            }
            Tok::Sign(_) | Tok::End => {}
        }
        found.push(new);
        at += 1;
    }
    if let Some(at) = open.pop().and_then(|at| found.get(at)) {
        return Err(syntax(Span { start: at.start, end: at.end }, format!("'{}' is not closed", at.text)).locate(query));
    }
    Ok(found)
}

/// Whether a bracket begins a name, `['…']`, and no index of what stands before it.
fn names(before: Option<&Token<'_>>, next: Option<&Tok>, after: Option<&Tok>) -> bool {
    let index = before.is_some_and(|b| {
        (b.kind == TokenKind::Word && !NO_VALUE.contains(&b.text)) || matches!(b.text, ")" | "]") || b.kind == TokenKind::Literal
    });
    !index && matches!((next, after), (Some(Tok::Literal(Value::String(_), _)), Some(Tok::Sign("]"))))
}

/// Words behind which a name may stand, so that a bracket behind them is no index.
const NO_VALUE: &[&str] = &[
    "and",
    "or",
    "by",
    "on",
    "where",
    "extend",
    "project",
    "away",
    "keep",
    "rename",
    "reorder",
    "summarize",
    "distinct",
    "union",
    "join",
    "lookup",
    "let",
    "sort",
    "order",
    "top",
    "in",
    "has",
    "contains",
    "startswith",
    "endswith",
    "expand",
    "parse",
    "with",
    "print",
    "as",
    "filter",
];

/// The line and the character of a byte offset, both from 1.
pub fn place(query: &str, offset: usize) -> (usize, usize) {
    let located = syntax(Span { start: offset, end: offset }, "").locate(query);
    (located.line, located.column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(query: &str) -> Vec<&str> {
        tokens(query).unwrap().iter().map(|t| t.text).collect()
    }

    #[test]
    fn names_in_brackets_are_words_and_lists_are_not() {
        assert_eq!(texts("['Device Events'] | where A['b'] == 1"), ["Device Events", "|", "where", "A", "[", "'b'", "]", "==", "1"]);
        assert_eq!(texts("T | where A in (dynamic(['DeviceEvents']))").iter().filter(|t| **t == "DeviceEvents").count(), 0);
        assert_eq!(texts("x // DeviceEvents\n| y"), ["x", "|", "y"]);
    }

    #[test]
    fn brackets_know_their_partners() {
        let found = tokens("f(a, (b)) | g").unwrap();
        assert_eq!(found[1].partner, 7);
        assert_eq!(found[4].partner, 6);
        for bad in ["(a", "a)", "(a]", "a | where \"x"] {
            assert!(tokens(bad).is_err(), "{bad}");
        }
        assert_eq!(place("a\n bc", 3), (2, 2));
    }
}
