//! Finding text in text as the language's string operators do: by substring, and by term.
//!
//! A term is a maximal run of letters and digits. `has` wants its operand to begin and end at the edges of terms.

/// A text prepared for being looked for.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    text: String,
    case_sensitive: bool,
}

#[derive(Clone, Copy)]
struct Edges {
    before: bool,
    after: bool,
}

/// Lower case for comparison.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() }
}

pub(super) fn equal_ignoring_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { fold(a) == fold(b) }
}

impl Needle {
    pub(super) fn new(text: &str, case_sensitive: bool) -> Needle {
        Needle { text: if case_sensitive { text.to_owned() } else { fold(text) }, case_sensitive }
    }

    /// Runs a test on the texts, both lowered unless case counts.
    fn on<T>(&self, hay: &str, test: impl Fn(&str, &str) -> T) -> T {
        if self.case_sensitive { test(hay, &self.text) } else { test(&fold(hay), &self.text) }
    }

    fn is_ascii_blind(&self, hay: &str) -> bool {
        !self.case_sensitive && hay.is_ascii() && self.text.is_ascii()
    }

    pub(super) fn equals(&self, hay: &str) -> bool {
        if self.is_ascii_blind(hay) { hay.eq_ignore_ascii_case(&self.text) } else { self.on(hay, |h, n| h == n) }
    }

    pub(super) fn starts(&self, hay: &str) -> bool {
        if self.is_ascii_blind(hay) {
            return hay.as_bytes().get(..self.text.len()).is_some_and(|h| h.eq_ignore_ascii_case(self.text.as_bytes()));
        }
        self.on(hay, |h, n| h.starts_with(n))
    }

    pub(super) fn ends(&self, hay: &str) -> bool {
        if self.is_ascii_blind(hay) {
            let from = hay.len().checked_sub(self.text.len());
            return from.and_then(|f| hay.as_bytes().get(f..)).is_some_and(|h| h.eq_ignore_ascii_case(self.text.as_bytes()));
        }
        self.on(hay, |h, n| h.ends_with(n))
    }

    pub(super) fn within(&self, hay: &str) -> bool {
        if self.is_ascii_blind(hay) {
            return ascii_find(hay.as_bytes(), self.text.as_bytes(), Edges { before: false, after: false });
        }
        self.on(hay, |h, n| h.contains(n))
    }

    fn term(&self, hay: &str, edges: Edges) -> bool {
        if self.is_ascii_blind(hay) {
            return ascii_find(hay.as_bytes(), self.text.as_bytes(), edges);
        }
        self.on(hay, |h, n| find_term(h, n, edges))
    }

    pub(super) fn has(&self, hay: &str) -> bool {
        self.term(hay, Edges { before: true, after: true })
    }

    pub(super) fn has_prefix(&self, hay: &str) -> bool {
        self.term(hay, Edges { before: true, after: false })
    }

    pub(super) fn has_suffix(&self, hay: &str) -> bool {
        self.term(hay, Edges { before: false, after: true })
    }
}

fn ascii_find(hay: &[u8], needle: &[u8], edges: Edges) -> bool {
    let (Some(first), Some(last)) = (needle.first(), needle.last()) else {
        return true;
    };
    let Some(end) = hay.len().checked_sub(needle.len()) else {
        return false;
    };
    let guard_before = edges.before && first.is_ascii_alphanumeric();
    let guard_after = edges.after && last.is_ascii_alphanumeric();
    let letter_at = |at: usize| hay.get(at).is_some_and(u8::is_ascii_alphanumeric);
    hay.windows(needle.len()).take(end + 1).enumerate().any(|(at, window)| {
        window.first().is_some_and(|c| c.eq_ignore_ascii_case(first))
            && window.eq_ignore_ascii_case(needle)
            && !(guard_before && at > 0 && letter_at(at - 1))
            && !(guard_after && letter_at(at + needle.len()))
    })
}

fn find_term(hay: &str, needle: &str, edges: Edges) -> bool {
    let (Some(first), Some(last)) = (needle.chars().next(), needle.chars().next_back()) else {
        return true;
    };
    let guard_before = edges.before && first.is_alphanumeric();
    let guard_after = edges.after && last.is_alphanumeric();
    hay.char_indices().any(|(at, _)| {
        let (before, rest) = hay.split_at(at);
        let cut_before = guard_before && before.chars().next_back().is_some_and(char::is_alphanumeric);
        !cut_before
            && rest.strip_prefix(needle).is_some_and(|after| !(guard_after && after.chars().next().is_some_and(char::is_alphanumeric)))
    })
}
