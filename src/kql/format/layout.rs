//! Where lines end.
//!
//! What fits stays on its line. Else a pipeline has an operator a line, a list is wrapped or has an item a line, a condition breaks before
//! `or` and `and`, and a bracket's inside goes on lines of its own.

use super::pieces::{Comment, Pieces};
use super::spacing::{blank, is_body};

/// Tokens from one number to before another.
type Range = (usize, usize);

pub(super) struct Printer<'p, 'q> {
    pieces: &'p Pieces<'q>,
    width: usize,
    step: usize,
    out: String,
    column: usize,
    /// The indentation of this line, and of the lines that go on with it.
    indent: usize,
    further: usize,
    /// Whether the line is still empty, and whether a comment has ended it.
    empty: bool,
    ended: bool,
    /// The token whose comments stand there already.
    led: Option<usize>,
}

impl<'p, 'q> Printer<'p, 'q> {
    pub(super) fn new(pieces: &'p Pieces<'q>, width: usize, step: usize) -> Printer<'p, 'q> {
        Printer { pieces, width, step, out: String::new(), column: 0, indent: 0, further: step, empty: true, ended: false, led: None }
    }

    /// The whole text.
    pub(super) fn text(&mut self) {
        self.statements((0, self.pieces.pieces.len()), 0);
        let pieces = self.pieces;
        for comment in &pieces.after {
            self.line(0);
            self.own(comment, true);
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end().len());
        self.out
    }

    /// A new line, unless this one is empty.
    fn line(&mut self, indent: usize) {
        if !self.empty {
            self.out.push('\n');
        }
        self.empty = true;
        self.ended = false;
        self.indent = indent;
        self.further = indent + self.step;
    }

    fn write(&mut self, text: &str) {
        if self.empty {
            self.out.push_str(&" ".repeat(self.indent));
            self.column = self.indent;
        }
        self.out.push_str(text);
        match text.rsplit_once('\n') {
            Some((_, last)) => self.column = last.chars().count(),
            None => self.column += text.chars().count(),
        }
        self.empty = false;
    }

    fn own(&mut self, comment: &Comment<'_>, keep_blank: bool) {
        if comment.blank && keep_blank && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.write(comment.text);
        self.ended = true;
    }

    /// One token, with its comments.
    fn token(&mut self, at: usize) {
        let pieces = self.pieces;
        let Some(piece) = pieces.get(at) else { return };
        let indent = if self.empty { self.indent } else { self.further };
        let told = self.led == Some(at);
        for comment in piece.before.iter().filter(|_| !told) {
            self.go_on(indent);
            self.own(comment, false);
        }
        if self.ended {
            self.go_on(indent);
        }
        if !self.empty && blank(pieces, at) {
            self.write(" ");
        }
        self.write(piece.text);
        if let Some(comment) = piece.trailing {
            self.write(" ");
            self.write(comment);
            self.ended = true;
        }
    }

    /// A new line in the middle of something: lines after it stay where it is.
    fn go_on(&mut self, indent: usize) {
        let further = self.further;
        self.line(indent);
        self.further = further.max(indent);
    }

    fn flat(&mut self, (from, to): Range) {
        for at in from..to {
            self.token(at);
        }
    }

    /// How wide tokens are on one line; none if they cannot stand on one.
    fn wide(&self, (from, to): Range) -> Option<usize> {
        let mut wide = 0;
        let mut at = from;
        while at < to {
            let piece = self.pieces.get(at)?;
            let comment = (piece.trailing.is_some() && at + 1 < to) || (!piece.before.is_empty() && at > from);
            if comment || (self.is_open(at) && self.is_tall(at)) {
                return None;
            }
            let first = piece.text.lines().next().unwrap_or_default().chars().count();
            wide += first + usize::from(at > from && blank(self.pieces, at));
            at += 1;
        }
        Some(wide)
    }

    fn fits(&self, range: Range, tail: usize) -> bool {
        let column = if self.empty { self.indent } else { self.column + usize::from(blank(self.pieces, range.0)) };
        !self.ended && self.wide(range).is_some_and(|wide| column + wide + tail <= self.width)
    }

    fn is_open(&self, at: usize) -> bool {
        self.pieces.partner(at) > at
    }

    /// Whether a bracket holds a pipeline of several operators, or statements, that must not be on one line.
    fn is_tall(&self, open: usize) -> bool {
        let inside = (open + 1, self.pieces.partner(open));
        let pipes = self.cuts(inside, |p, at| p.is_sign(at, "|")).len();
        pipes > 1 || (is_body(self.pieces, open) && (pipes > 0 || !self.cuts(inside, |p, at| p.is_sign(at, ";")).is_empty()))
    }

    /// The places in a range, outside of inner brackets, where something is.
    fn cuts(&self, (from, to): Range, is: impl Fn(&Pieces<'q>, usize) -> bool) -> Vec<usize> {
        let mut found = Vec::new();
        let mut at = from;
        while at < to {
            if is(self.pieces, at) {
                found.push(at);
            }
            at = self.pieces.partner(at) + 1;
        }
        found
    }

    /// Statements, each from a line of its own.
    fn statements(&mut self, (from, to): Range, indent: usize) {
        let mut from = from;
        let ends = self.cuts((from, to), |p, at| p.is_sign(at, ";"));
        for end in ends.into_iter().map(|at| at + 1).chain([to]) {
            if end <= from {
                continue;
            }
            self.line(indent);
            self.lead(from);
            let semicolon = end > from + 1 && self.pieces.is_sign(end - 1, ";");
            let last = if semicolon { end - 1 } else { end };
            self.pipeline((from, last), indent, usize::from(semicolon));
            self.flat((last, end));
            from = end;
        }
    }

    /// Blank lines and comments before a statement.
    fn lead(&mut self, at: usize) {
        let pieces = self.pieces;
        let Some(piece) = pieces.get(at) else { return };
        let indent = self.indent;
        let blank = |printer: &mut Self| {
            if !printer.out.is_empty() && !printer.out.ends_with("\n\n") {
                printer.out.push('\n');
            }
        };
        for comment in &piece.before {
            if comment.blank && at > 0 {
                blank(self);
            }
            self.own(comment, at == 0);
            self.line(indent);
        }
        if piece.blank {
            blank(self);
        }
        self.led = Some(at);
    }

    /// An operator a line; the first part is where the pipeline begins.
    fn pipeline(&mut self, range: Range, indent: usize, tail: usize) {
        let pipes = self.cuts(range, |p, at| p.is_sign(at, "|"));
        let below = if self.pieces.word(range.0) == "let" { indent + self.step } else { indent };
        let mut from = range.0;
        for next in pipes.into_iter().filter(|at| *at > range.0).chain([range.1]) {
            if from > range.0 {
                self.line(below);
            }
            let further = self.indent + self.step;
            self.part((from, next), if next == range.1 { tail } else { 0 }, further);
            from = next;
        }
    }

    /// Some tokens that are no pipeline: on the line, or broken where it reads best; lines that go on are indented that far.
    fn part(&mut self, range: Range, tail: usize, further: usize) {
        if self.fits(range, tail) {
            return self.flat(range);
        }
        let (from, to) = range;
        let head = self.pieces.word(from + usize::from(self.pieces.is_sign(from, "|")));
        let by = self.cuts(range, |p, at| p.word(at) == "by").into_iter().find(|at| *at > from + 2);
        if let Some(by) = by.filter(|_| matches!(head, "summarize" | "make")) {
            self.part((from, by), 0, further);
            self.line(further);
            return self.part((by, to), tail, further + self.step);
        }
        let cuts = |is: fn(&Pieces<'q>, usize) -> bool| self.cuts(range, is);
        let mut commas = cuts(|p, at| p.is_sign(at, ","));
        commas.retain(|at| at + 1 < to);
        if !commas.is_empty() && !matches!(head, "join" | "lookup" | "let") {
            return self.list(range, &commas, tail, further);
        }
        let (ors, ands) = (cuts(|p, at| p.word(at) == "or"), cuts(|p, at| p.word(at) == "and"));
        let words = if ors.is_empty() { ands } else { ors };
        if words.is_empty() {
            return self.row(range, tail);
        }
        let mut start = self.begin(from, further);
        for next in words.into_iter().chain([to]) {
            if start < next {
                self.part_of_condition((start, next), if next == to { tail } else { 0 }, further + self.step);
            }
            if next < to && next > from {
                self.line(further);
            }
            // What begins with the word itself has written it already.
            start = start.max(next);
        }
    }

    /// The first of several parts goes on as far in as the others, though it stands on the line before them.
    fn begin(&mut self, from: usize, further: usize) -> usize {
        let behind = usize::from(self.empty && self.indent != further);
        self.flat((from, from + behind));
        self.indent = further;
        from + behind
    }

    /// What `or` or `and` begins.
    fn part_of_condition(&mut self, (from, to): Range, tail: usize, further: usize) {
        if matches!(self.pieces.word(from), "or" | "and") && from + 1 < to && !self.fits((from, to), tail) {
            self.token(from);
            return self.part((from + 1, to), tail, further);
        }
        self.part((from, to), tail, further);
    }

    /// Items as many as fit a line where they are small, else each on its own.
    fn list(&mut self, (from, to): Range, commas: &[usize], tail: usize, further: usize) {
        let ends: Vec<usize> = commas.iter().map(|at| at + 1).chain([to]).collect();
        let small = |(a, b): &Range| b - a <= 5 && (*a..*b).all(|at| !self.is_open(at) && !self.pieces.is_sign(at, "="));
        let starts = ends.iter().copied();
        let fill = starts.clone().zip(ends.iter().copied().skip(1)).all(|item| small(&item));
        let mut start = if fill { from } else { self.begin(from, further) };
        for end in ends {
            let tail = if end == to { tail } else { 0 };
            let first = start <= from + 1 && start != end;
            let stays = first || (fill && self.fits((start, end), tail));
            if !stays {
                self.line(further);
            }
            self.part((start, end), tail, further + if first { 0 } else { self.step });
            start = end;
        }
    }

    /// Tokens one behind the other; brackets that do not fit are broken.
    fn row(&mut self, (from, to): Range, tail: usize) {
        let mut at = from;
        while at < to {
            let next = self.pieces.partner(at) + 1;
            let tail = if next >= to { tail } else { 0 };
            if !self.is_open(at) {
                self.token(at);
            } else if self.fits((at, next), tail) {
                self.flat((at, next));
            } else {
                self.bracket(at);
            }
            at = next;
        }
    }

    /// A bracket whose inside stands on lines of its own.
    fn bracket(&mut self, open: usize) {
        let close = self.pieces.partner(open);
        let indent = self.indent;
        let inside = (open + 1, close);
        self.token(open);
        let only = self.is_open(open + 1) && self.pieces.partner(open + 1) + 1 == close;
        if only && !self.ended && !is_body(self.pieces, open) {
            self.bracket(open + 1);
        } else if is_body(self.pieces, open) {
            self.statements(inside, indent + self.step);
            self.line(indent);
        } else if open + 1 < close {
            self.line(indent + self.step);
            if self.cuts(inside, |p, at| p.is_sign(at, "|")).is_empty() {
                self.part(inside, 0, indent + self.step);
            } else {
                self.pipeline(inside, indent + self.step, 0);
            }
            self.line(indent);
        }
        self.token(close);
    }
}
