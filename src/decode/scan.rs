//! A cursor over JSON bytes of which the rest may still be on its way.
//!
//! Running out of bytes is not an error here: it is [`Stop::More`], and the caller tries again from a place that it knows.

use memchr::{memchr, memchr2};

/// Why a scan stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end inside of the value.
    More,
    /// This is no JSON: where, counted from the cursor's first byte, and why.
    Bad(usize, &'static str),
}

pub(crate) type Scan<T> = Result<T, Stop>;

/// How many arrays and objects may be open at once.
pub(crate) const MAX_DEPTH: usize = 128;

/// A value that was found. Slices are as they stand in the body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Null,
    Bool(bool),
    /// The number's characters.
    Number(&'a [u8]),
    /// What stands between the quotation marks.
    Text(Raw<'a>),
    /// An object or a list, with its brackets.
    Nested(&'a [u8]),
}

/// The inside of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Raw<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether a backslash is in it.
    pub(crate) escaped: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn bad<T>(&self, message: &'static str) -> Scan<T> {
        Err(Stop::Bad(self.at, message))
    }

    pub(crate) fn peek(&self) -> Scan<u8> {
        self.bytes.get(self.at).copied().ok_or(Stop::More)
    }

    /// Passes over what was looked at already.
    pub(crate) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    pub(crate) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    pub(crate) fn solid(&mut self) -> Scan<u8> {
        self.space();
        self.peek()
    }

    /// Whether the next byte is this one, which is then passed.
    pub(crate) fn take(&mut self, byte: u8) -> Scan<bool> {
        let hit = self.peek()? == byte;
        self.at += usize::from(hit);
        Ok(hit)
    }

    pub(crate) fn expect(&mut self, byte: u8, message: &'static str) -> Scan<()> {
        self.space();
        if self.take(byte)? { Ok(()) } else { self.bad(message) }
    }

    /// A text; the cursor stands on its first quotation mark.
    pub(crate) fn text(&mut self, message: &'static str) -> Scan<Raw<'a>> {
        if !self.take(b'"')? {
            return self.bad(message);
        }
        let from = self.at;
        let mut escaped = false;
        loop {
            let rest = self.rest();
            let found = memchr2(b'"', b'\\', rest).ok_or(Stop::More)?;
            if rest.get(found) == Some(&b'"') {
                let to = self.at + found;
                self.at = to + 1;
                return Ok(Raw { bytes: self.bytes.get(from..to).unwrap_or_default(), escaped });
            }
            escaped = true;
            if found + 1 >= rest.len() {
                return Err(Stop::More);
            }
            self.at += found + 2;
        }
    }

    /// Any value.
    pub(crate) fn value(&mut self) -> Scan<Token<'a>> {
        match self.solid()? {
            b'"' => self.text("expected a text").map(Token::Text),
            b'{' | b'[' => self.nested().map(Token::Nested),
            b'-' | b'0'..=b'9' => self.number().map(Token::Number),
            b't' => self.word(b"true", Token::Bool(true)),
            b'f' => self.word(b"false", Token::Bool(false)),
            b'n' => self.word(b"null", Token::Null),
            _ => self.bad("unexpected character"),
        }
    }

    fn word(&mut self, word: &'static [u8], token: Token<'a>) -> Scan<Token<'a>> {
        let rest = self.rest();
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(token)
        } else if word.starts_with(rest) {
            Err(Stop::More)
        } else {
            self.bad("unexpected character")
        }
    }

    /// A number after the grammar of JSON, as its characters.
    fn number(&mut self) -> Scan<&'a [u8]> {
        let rest = self.rest();
        let digits = rest.iter().position(|b| !b.is_ascii_digit()).ok_or(Stop::More)?;
        if digits > 0 && !matches!(rest.get(digits), Some(b'-' | b'+' | b'.' | b'e' | b'E')) && (digits == 1 || rest.first() != Some(&b'0'))
        {
            self.at += digits;
            return Ok(rest.get(..digits).unwrap_or_default());
        }
        let length = rest.iter().position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).ok_or(Stop::More)?;
        let (text, _) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if !is_number(text) {
            return self.bad("malformed number");
        }
        self.at += length;
        Ok(text)
    }

    /// An object or a list as it stands: brackets match, texts end; the inside is read when it is needed.
    fn nested(&mut self) -> Scan<&'a [u8]> {
        let from = self.at;
        let mut open: Vec<u8> = Vec::new();
        loop {
            let rest = self.rest();
            let found = rest.iter().position(|b| matches!(b, b'"' | b'{' | b'}' | b'[' | b']')).ok_or(Stop::More)?;
            self.at += found;
            match rest.get(found) {
                Some(b'"') => {
                    self.text("expected a text")?;
                    continue;
                }
                Some(b'{') => open.push(b'}'),
                Some(b'[') => open.push(b']'),
                close => {
                    if open.pop().as_ref() != close {
                        return self.bad("a bracket that nothing opened");
                    }
                }
            }
            if open.len() > MAX_DEPTH {
                return self.bad("too many levels");
            }
            self.at += 1;
            if open.is_empty() {
                return Ok(self.bytes.get(from..self.at).unwrap_or_default());
            }
        }
    }
}

pub(crate) fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    let (first, rest) = rest.split_at_checked(whole).unwrap_or((rest, &[]));
    if whole == 0 || (whole > 1 && first.starts_with(b"0")) {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        None => rest,
        Some(fraction) => match digits(fraction) {
            0 => return false,
            n => fraction.get(n..).unwrap_or_default(),
        },
    };
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', power)) => {
            let power = power.strip_prefix(b"-").or_else(|| power.strip_prefix(b"+")).unwrap_or(power);
            !power.is_empty() && digits(power) == power.len()
        }
        Some(_) => false,
    }
}

/// What a text means. Half surrogates, and bytes that are no UTF-8, become U+FFFD.
pub(crate) fn unescape(raw: Raw<'_>, out: &mut String) -> Result<(), (usize, &'static str)> {
    let text = String::from_utf8_lossy(raw.bytes);
    let mut rest = &*text;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        // Of bytes that had to be mended, the place is near enough.
        let offset = text.len() - escape.len();
        let simple = match escape.as_bytes().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (c, length) = unit(escape.as_bytes()).ok_or((offset, "malformed escape"))?;
                out.push(c);
                rest = escape.get(length..).unwrap_or_default();
                continue;
            }
            _ => return Err((offset, "unknown escape")),
        };
        out.push(simple);
        rest = escape.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(())
}

/// The character of `\uXXXX`, or of two that make one, and how long that is.
fn unit(escape: &[u8]) -> Option<(char, usize)> {
    let first = hex(escape)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = escape.get(6..).and_then(hex)
        && (0xdc00..0xe000).contains(&second)
    {
        let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

fn hex(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
