//! The order of an answer's rows, and which operators keep it.

use super::Scanner;

/// What a `sort` asked for.
#[derive(Clone, Debug)]
pub(in crate::hunt) struct Order<'q> {
    /// The operator as written, `sort by …`.
    pub(in crate::hunt) text: &'q str,
    /// Its token.
    pub(super) at: usize,
    /// The columns, if it sorts by nothing else.
    columns: Option<Vec<&'q str>>,
}

impl<'q> Scanner<'q> {
    /// Reads `sort by A desc, B`.
    pub(super) fn order_of(&self, from: usize, to: usize) -> Order<'q> {
        let start = self.token(from).map_or(0, |t| t.start);
        let end = to.checked_sub(1).and_then(|last| self.token(last)).map_or(start, |t| t.end);
        let items = self.split(from + 2, to, ",");
        let plain = |(a, b): &(usize, usize)| {
            let only_words = (a + 1..*b).all(|at| matches!(self.text(at), "asc" | "desc" | "nulls" | "first" | "last"));
            (self.is_word(*a) && only_words).then(|| self.text(*a))
        };
        let columns = items.iter().map(plain).collect();
        Order { text: self.query.get(start..end).unwrap_or_default(), at: from, columns }
    }

    /// Whether rows can still be sorted the same way behind an operator that works row by row.
    pub(super) fn keeps(&self, order: &Order<'q>, name: &str, from: usize, to: usize) -> bool {
        if matches!(name, "where" | "filter" | "render" | "as" | "project-reorder") {
            return true;
        }
        let Some(columns) = &order.columns else { return false };
        let items = self.split(from, to, ",");
        let bare = |column: &str| items.iter().any(|(a, b)| *b == a + 1 && self.text(*a) == column);
        let named = |column: &str| items.iter().any(|(a, _)| self.text(*a) == column && self.is_sign(a + 1, "="));
        let mentioned = |column: &str| (from..to).any(|at| self.text(at) == column);
        let wild = (from..to).any(|at| self.is_sign(at, "*"));
        match name {
            "project" | "project-keep" => columns.iter().all(|c| bare(c) && !named(c)),
            "extend" => items.iter().all(|(a, _)| self.is_sign(a + 1, "=")) && !columns.iter().any(|c| named(c)),
            "project-away" => !wild && !columns.iter().any(|c| mentioned(c)),
            "project-rename" => !columns.iter().any(|c| mentioned(c)),
            _ => false,
        }
    }
}
