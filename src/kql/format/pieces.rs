//! A query's tokens with what stands between them: comments and blank lines.

use super::super::{KqlError, Token, TokenKind, tokens};

/// A comment on a line of its own.
pub(super) struct Comment<'q> {
    pub(super) text: &'q str,
    /// Whether a blank line stands before it.
    pub(super) blank: bool,
}

/// A token, as it is written.
pub(super) struct Piece<'q> {
    pub(super) kind: TokenKind,
    pub(super) text: &'q str,
    /// A name in `['…']`.
    pub(super) quoted: bool,
    /// The other bracket's number; of all else, its own.
    pub(super) partner: usize,
    /// Comments on lines before it.
    pub(super) before: Vec<Comment<'q>>,
    /// Whether a blank line stands before it, behind those comments.
    pub(super) blank: bool,
    /// The comment behind it on its line.
    pub(super) trailing: Option<&'q str>,
    /// Whether nothing stands between it and the token before it.
    pub(super) touches: bool,
}

/// All that is in a query.
pub(super) struct Pieces<'q> {
    pub(super) pieces: Vec<Piece<'q>>,
    /// Comments behind the last token's line.
    pub(super) after: Vec<Comment<'q>>,
}

impl<'q> Pieces<'q> {
    pub(super) fn get(&self, at: usize) -> Option<&Piece<'q>> {
        self.pieces.get(at)
    }

    pub(super) fn is_sign(&self, at: usize, sign: &str) -> bool {
        self.get(at).is_some_and(|p| p.kind == TokenKind::Sign && p.text == sign)
    }

    /// The word at a place, or nothing.
    pub(super) fn word(&self, at: usize) -> &'q str {
        self.get(at).filter(|p| p.kind == TokenKind::Word && !p.quoted).map_or("", |p| p.text)
    }

    /// How many brackets are open at most.
    pub(super) fn depth(&self) -> usize {
        let (mut open, mut most) = (0usize, 0);
        for (at, piece) in self.pieces.iter().enumerate() {
            match piece.partner.cmp(&at) {
                std::cmp::Ordering::Greater => open += 1,
                std::cmp::Ordering::Less => open = open.saturating_sub(1),
                std::cmp::Ordering::Equal => {}
            }
            most = most.max(open);
        }
        most
    }

    pub(super) fn partner(&self, at: usize) -> usize {
        self.get(at).map_or(at, |p| p.partner.max(at))
    }
}

pub(super) fn pieces(query: &str) -> Result<Pieces<'_>, KqlError> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut end = 0;
    for token in tokens(query)? {
        let Token { kind, quoted, partner, start, .. } = token;
        let gap = query.get(end..start).unwrap_or_default();
        let (trailing, before, blank) = comments(gap, pieces.is_empty());
        if let Some(last) = pieces.last_mut() {
            last.trailing = trailing;
        }
        let text = query.get(start..token.end).unwrap_or_default();
        let touches = gap.is_empty() && !pieces.is_empty();
        pieces.push(Piece { kind, text, quoted, partner, before, blank, trailing: None, touches });
        end = token.end;
    }
    let (trailing, after, _) = comments(query.get(end..).unwrap_or_default(), pieces.is_empty());
    if let Some(last) = pieces.last_mut() {
        last.trailing = trailing;
    }
    let mut found = Pieces { pieces, after };
    // A closing bracket's partner is its opening one.
    for at in 0..found.pieces.len() {
        let partner = found.partner(at);
        if let Some(closing) = found.pieces.get_mut(partner).filter(|_| partner > at) {
            closing.partner = at;
        }
    }
    Ok(found)
}

/// What a gap between tokens holds: the comment on the first line, those on lines of their own, and whether a blank line ends it.
fn comments(gap: &str, begins: bool) -> (Option<&str>, Vec<Comment<'_>>, bool) {
    let (mut trailing, mut own, mut blank) = (None, Vec::new(), false);
    let mut lines = gap.split('\n').map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')).peekable();
    let mut first = !begins;
    while let Some(text) = lines.next() {
        let last = lines.peek().is_none();
        if text.is_empty() {
            blank |= !first && !last;
        } else if first {
            trailing = Some(text);
        } else {
            own.push(Comment { text, blank });
            blank = false;
        }
        first = false;
    }
    (trailing, own, blank)
}
