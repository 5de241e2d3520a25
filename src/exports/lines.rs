//! From a stream of bytes to JSON objects, one a line. Pure.
//!
//! The files are written by a cluster, not by a careful author: lines end in LF or CRLF, some are empty, the last has no end, a byte order mark
//! may stand in front, and where two gzip members meet a line may end without a sign. A line may also be longer than any chunk.

use crate::error::{Error, Kind, Result};

/// A line that is longer is no row of any export.
pub(super) const MAX_LINE: usize = 64 << 20;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts lines out of chunks.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    line: u64,
}

impl Lines {
    /// Takes a chunk; gives each object that ends in it.
    pub(super) fn push(&mut self, mut chunk: &[u8], each: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while let Some(end) = chunk.iter().position(|b| *b == b'\n') {
            let (line, after) = chunk.split_at(end);
            self.line += 1;
            if self.rest.is_empty() {
                self.objects(line, each)?;
            } else {
                self.keep(line)?;
                let whole = std::mem::take(&mut self.rest);
                self.objects(&whole, each)?;
                self.rest = whole;
                self.rest.clear();
            }
            chunk = after.get(1..).unwrap_or_default();
        }
        self.keep(chunk)
    }

    /// Gives the last line if it had no end.
    pub(super) fn end(&mut self, each: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.line += 1;
        let whole = std::mem::take(&mut self.rest);
        self.objects(&whole, each)
    }

    fn keep(&mut self, part: &[u8]) -> Result<()> {
        if self.rest.len() + part.len() > MAX_LINE {
            let message = format!("line {} is longer than {} MiB", self.line + 1, MAX_LINE >> 20);
            return Err(Error::new(Kind::LimitExceeded, message));
        }
        self.rest.extend_from_slice(part);
        Ok(())
    }

    fn objects(&self, line: &[u8], each: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut line = line.trim_ascii();
        while let Some(unmarked) = line.strip_prefix(MARK) {
            line = unmarked.trim_ascii();
        }
        if line.is_empty() {
            return Ok(());
        }
        if !line.starts_with(b"{") || !line.ends_with(b"}") {
            return Err(Error::new(Kind::BadResponse, format!("line {} is no JSON object", self.line)));
        }
        // Outside of a text these two never stand side by side in one object.
        if !line.windows(2).any(|pair| pair == b"}{") {
            return each(line);
        }
        let mut from = 0;
        for to in ends(line) {
            each(line.get(from..to).unwrap_or_default())?;
            from = to;
        }
        if from == line.len() { Ok(()) } else { Err(Error::new(Kind::BadResponse, format!("line {} is no JSON object", self.line))) }
    }
}

/// Where the objects of a line end.
fn ends(line: &[u8]) -> Vec<usize> {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    let mut found = Vec::new();
    for (i, byte) in line.iter().enumerate() {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (true, _) => {}
            (false, b'{') => depth += 1,
            (false, b'}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    found.push(i + 1);
                }
            }
            (false, _) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(chunks: &[&[u8]]) -> Result<Vec<String>> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut each = |line: &[u8]| {
            found.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        };
        for chunk in chunks {
            lines.push(chunk, &mut each)?;
        }
        lines.end(&mut each)?;
        Ok(found)
    }

    #[test]
    fn every_kind_of_line_end_is_one() {
        let text = b"\xef\xbb\xbf{\"a\":1}\r\n\n  \r\n{\"a\":2}\n{\"a\":3}";
        assert_eq!(split(&[text]).unwrap(), [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#]);
        assert_eq!(split(&[]).unwrap(), Vec::<String>::new());
        assert_eq!(split(&[b"\n"]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn objects_that_meet_without_an_end_of_line_are_two() {
        let text = br#"{"a":"}{","b":{"c":"\"}{"}}{"a":2}"#;
        assert_eq!(split(&[text]).unwrap(), [r#"{"a":"}{","b":{"c":"\"}{"}}"#, r#"{"a":2}"#]);
    }

    #[test]
    fn what_is_no_object_is_named_by_its_line() {
        for (text, line) in [("{\"a\":1}\n[1]\n", 2), ("<html>", 1), ("{\"a\":1}\n\n{\"a\"", 3), ("{\"a\":\"}{}", 1)] {
            let error = split(&[text.as_bytes()]).unwrap_err();
            assert_eq!(error.to_string(), format!("line {line} is no JSON object"), "{text}");
        }
    }

    proptest! {
        /// However the bytes are cut into chunks, the same rows come out, each once and in order.
        #[test]
        fn cuts_do_not_matter(
            rows in prop::collection::vec("[^\\x00-\\x1f\"\\\\]{0,40}", 0..30),
            cuts in prop::collection::vec(0usize..2000, 0..40),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\n\n", ""]), 30),
        ) {
            let rows: Vec<String> = rows.iter().map(|r| format!("{{\"a\":\"{r}\"}}")).collect();
            let text: Vec<u8> = rows.iter().zip(&ends).flat_map(|(r, end)| [r.as_bytes(), end.as_bytes()].concat()).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            prop_assert_eq!(split(&chunks).unwrap(), rows);
        }
    }
}
