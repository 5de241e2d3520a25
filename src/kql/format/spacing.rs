//! What stands between two tokens of a line: a blank or nothing.

use super::super::TokenKind;
use super::pieces::Pieces;

/// Words behind which a bracket is no call's.
const BEFORE_BRACKETS: &[&str] = &[
    "in",
    "has_any",
    "has_all",
    "and",
    "or",
    "by",
    "on",
    "where",
    "filter",
    "extend",
    "project",
    "join",
    "lookup",
    "union",
    "between",
    "with",
    "materialized",
    "print",
    "summarize",
    "from",
    "to",
    "step",
    "as",
    "fork",
    "facet",
    "has",
    "contains",
    "startswith",
    "endswith",
    "take",
    "limit",
    "top",
    "distinct",
    "reduce",
    "search",
    "find",
    "invoke",
    "evaluate",
    "let",
    "default",
    "of",
    "regex",
];

/// Operators behind which parameters stand, and parameters: `kind=inner` stays in one.
const HEADS: &[&str] = &[
    "join",
    "lookup",
    "union",
    "expand",
    "apply",
    "parse",
    "where",
    "summarize",
    "distinct",
    "series",
    "render",
    "search",
    "find",
    "partition",
    "as",
    "scan",
    "nested",
    "match",
    "mvexpand",
    "kv",
    "reduce",
    "evaluate",
    "consume",
    "materialize",
];

const PARAMETERS: &[&str] =
    &["kind", "withsource", "with_source", "isfuzzy", "bagexpansion", "with_itemindex", "flags", "with_match_id", "with_node_id", "cycles"];

const COMPARISONS: &[&str] = &["==", "!=", "<>", "<=", ">=", "=~", "!~", "<", ">", "=>"];

/// Whether the word at a place is an operator's parameter whose `=` follows.
fn is_parameter(pieces: &Pieces<'_>, at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else { return false };
    if pieces.is_sign(before, ".") {
        return before.checked_sub(1).is_some_and(|hint| pieces.word(hint) == "hint");
    }
    if !PARAMETERS.contains(&pieces.word(at)) {
        return false;
    }
    let follows = at >= 3 && pieces.is_sign(at - 2, "=") && is_parameter(pieces, at - 3);
    HEADS.contains(&pieces.word(before)) || follows
}

/// Whether the innermost bracket around a place stands behind `with`.
fn in_options(pieces: &Pieces<'_>, at: usize) -> bool {
    let mut at = at;
    while let Some(before) = at.checked_sub(1) {
        let partner = pieces.get(before).map_or(before, |p| p.partner);
        if partner > before {
            return before.checked_sub(1).is_some_and(|with| pieces.word(with) == "with");
        }
        at = partner.min(before);
    }
    false
}

/// Whether a `{` begins a function's body, and no object of `dynamic`.
pub(super) fn is_body(pieces: &Pieces<'_>, open: usize) -> bool {
    pieces.is_sign(open, "{") && open.checked_sub(1).is_some_and(|before| pieces.is_sign(before, ")"))
}

/// Whether a blank stands before the token at a place, on one line with the one before it.
pub(super) fn blank(pieces: &Pieces<'_>, at: usize) -> bool {
    let Some((left, (before, token))) = at.checked_sub(1).and_then(|l| Some((l, (pieces.get(l)?, pieces.get(at)?)))) else { return false };
    let as_written = !token.touches;
    let (l, r) = (before.text, token.text);
    let (left_sign, right_sign) = (before.kind == TokenKind::Sign, token.kind == TokenKind::Sign);
    // Edges of a graph: `-[e]->`, `<--`.
    let edge = |sign: &str| matches!(sign, "<" | ">" | "-");
    if left_sign && right_sign && token.touches && edge(l) && edge(r) {
        return false;
    }
    if right_sign {
        match r {
            // `1 .x` and `. .` would become other tokens.
            "." if left_sign || before.kind == TokenKind::Literal => return as_written,
            "," | ";" | "." | ":" => return false,
            ")" | "]" => return false,
            "}" => return is_body(pieces, token.partner) && l != "{",
            _ => {}
        }
    }
    if left_sign {
        match l {
            "(" | "[" | "." => return false,
            "{" => return is_body(pieces, left),
            "," => return true,
            ":" | "!" => return as_written,
            "|" | ";" => return true,
            _ => {}
        }
    }
    if right_sign {
        match r {
            "|" => return true,
            "(" => {
                let value = left >= 2 && pieces.is_sign(left - 1, "=") && is_parameter(pieces, left - 2);
                let calls = before.kind == TokenKind::Word && !BEFORE_BRACKETS.contains(&l);
                return if (calls && !value) || matches!(l, "-" | "*" | ">" | ")" | "]") { as_written } else { true };
            }
            "[" => return as_written,
            "{" => return is_body(pieces, at) || as_written,
            "=" if is_parameter(pieces, left) => return false,
            "=" if in_options(pieces, at) => return as_written,
            "~" | "*" | "-" => return as_written,
            ".." => return as_written || before.partner == left && !pieces.is_sign(left, "*"),
            "<" | ">" if edge(l) || pieces.get(at + 1).is_some_and(|p| p.touches && p.text == "-") => return as_written,
            _ => {}
        }
    }
    if left_sign {
        match l {
            "=" if !right_sign && left.checked_sub(1).is_some_and(|name| is_parameter(pieces, name)) => return false,
            "=" if in_options(pieces, left) => return as_written,
            "*" | "-" => return as_written,
            "~" | ")" | "]" | "}" | "=" | ".." => return true,
            sign if COMPARISONS.contains(&sign) => return true,
            _ => return as_written,
        }
    }
    if right_sign { COMPARISONS.contains(&r) || matches!(r, "=" | "!") || as_written } else { true }
}
