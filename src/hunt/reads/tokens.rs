//! Ways to look at a query's tokens by their numbers.

use super::Scan;

impl Scan<'_> {
    pub(in crate::hunt) fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |t| t.text)
    }

    pub(in crate::hunt) fn start(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |t| t.start)
    }

    pub(in crate::hunt) fn end(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |t| t.end)
    }

    pub(in crate::hunt) fn partner(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(at, |t| t.partner.max(at))
    }

    /// The tokens with this text, outside of brackets.
    pub(in crate::hunt) fn parts_at(&self, (from, to): (usize, usize), text: &str) -> Vec<usize> {
        let mut hits = Vec::new();
        let mut at = from;
        while at < to {
            if self.tokens.get(at).is_some_and(|t| !t.quoted && t.text == text) {
                hits.push(at);
            }
            at = self.partner(at) + 1;
        }
        hits
    }

    pub(in crate::hunt) fn parts(&self, (from, to): (usize, usize), sign: &str) -> Vec<(usize, usize)> {
        let hits = self.parts_at((from, to), sign);
        let starts = std::iter::once(from).chain(hits.iter().map(|at| at + 1));
        starts.zip(hits.iter().copied().chain([to])).collect()
    }
}
