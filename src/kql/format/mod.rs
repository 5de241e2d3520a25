//! A query laid out: an operator a line, long lists wrapped, comments and the spelling of literals kept.
//!
//! It works on tokens and not on the syntax tree, so that operators which the engine lacks are laid out as well, and so that nothing but
//! white space can change. Two tokens whose distance means something (`project-away`, `Device*`, `-[edge]->`) keep it.

mod layout;
mod pieces;
mod spacing;

#[cfg(test)]
mod tests;

use super::KqlError;
use super::error::{Span, limit};
use layout::Printer;

/// How many brackets may be open at once.
const MAX_DEPTH: usize = 500;

/// Lays a query out; no line is longer than `width` characters where it can be broken, and what goes on is indented by `indent`.
///
/// # Errors
///
/// A text that no query can have: an unknown character, a string without an end, brackets that do not match.
pub fn format(query: &str, width: usize, indent: usize) -> Result<String, KqlError> {
    let pieces = pieces::pieces(query)?;
    if pieces.depth() > MAX_DEPTH {
        return Err(limit(Span { start: 0, end: query.len() }, std::format!("more than {MAX_DEPTH} levels of nesting")).locate(query));
    }
    super::apart(query, || {
        let mut printer = Printer::new(&pieces, width, indent);
        printer.text();
        Ok(printer.finish())
    })
}
