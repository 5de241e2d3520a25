//! Reading ASN.1: as much of it as keys, certificates and PFX files are made of.
//!
//! The structures are a dozen and only read, so a cursor over tag, length and value does. PFX files come from many writers, and some use
//! the freedoms of BER (lengths that are found out at the end, texts in pieces): [`definite`] brings them to the one form that is read here.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERAL_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, with other values inside.
pub(super) const FIRST: u8 = 0xa0;
/// `[0]` in place of a primitive's own tag.
pub(super) const FIRST_PRIMITIVE: u8 = 0x80;

const CONSTRUCTED: u8 = 0x20;
const MAX_DEPTH: usize = 32;

/// A value with its tag.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    /// Tag, length and value.
    pub(super) whole: &'a [u8],
}

/// A cursor over values that follow one another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    /// What a sequence holds that is all of `bytes`.
    pub(super) fn of_sequence(bytes: &'a [u8]) -> Option<Reader<'a>> {
        let mut reader = Reader(bytes);
        let inside = reader.sequence()?;
        reader.is_empty().then_some(inside)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever it is.
    pub(super) fn any(&mut self) -> Option<Element<'a>> {
        let (tag, length, header) = head(self.0)?;
        let end = header.checked_add(length?)?;
        let element = Element { tag, body: self.0.get(header..end)?, whole: self.0.get(..end)? };
        self.0 = self.0.get(end..)?;
        Some(element)
    }

    /// The next value, if it has this tag; otherwise the cursor stays.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let element = ahead.any().filter(|e| e.tag == tag)?;
        *self = ahead;
        Some(element.body)
    }

    pub(super) fn sequence(&mut self) -> Option<Reader<'a>> {
        self.take(SEQUENCE).map(Reader)
    }

    /// A whole number that is not negative and fits.
    pub(super) fn number(&mut self) -> Option<u32> {
        let body = self.take(INTEGER)?;
        let digits = body.strip_prefix(&[0]).unwrap_or(body);
        let negative = body.first().is_none_or(|b| b & 0x80 != 0);
        (!negative && digits.len() <= 4).then(|| digits.iter().fold(0, |n, d| n << 8 | u32::from(*d)))
    }
}

/// Tag, length (none: up to an end mark) and the size of both.
fn head(bytes: &[u8]) -> Option<(u8, Option<usize>, usize)> {
    let (tag, short) = (*bytes.first()?, *bytes.get(1)?);
    match short {
        _ if tag & 0x1f == 0x1f => None,
        0..0x80 => Some((tag, Some(usize::from(short)), 2)),
        0x80 => (tag & CONSTRUCTED != 0).then_some((tag, None, 2)),
        0x81..=0x84 => {
            let count = usize::from(short & 0x7f);
            let length = bytes.get(2..2 + count)?.iter().fold(0, |n: usize, d| n << 8 | usize::from(*d));
            Some((tag, Some(length), 2 + count))
        }
        _ => None,
    }
}

/// The first value of `bytes` with definite lengths all through, and with texts in one piece.
pub(super) fn definite(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Room for all of it: a vector that grows leaves unwiped copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() + 1024));
    rewrite(bytes, &mut out, MAX_DEPTH)?;
    Some(out)
}

/// Writes the first value of `bytes` anew; gives how many bytes it took.
fn rewrite(bytes: &[u8], out: &mut Vec<u8>, depth: usize) -> Option<usize> {
    let (tag, length, header) = head(bytes)?;
    if tag & CONSTRUCTED == 0 {
        let end = header.checked_add(length?)?;
        write(tag, bytes.get(header..end)?, out);
        return Some(end);
    }
    let depth = depth.checked_sub(1)?;
    let begin = out.len();
    let mut inside = match length {
        Some(length) => bytes.get(header..header.checked_add(length)?)?,
        None => bytes.get(header..)?,
    };
    loop {
        match (length, inside) {
            (Some(_), []) => break,
            (None, [0, 0, rest @ ..]) => {
                inside = rest;
                break;
            }
            _ => inside = inside.get(rewrite(inside, out, depth)?..)?,
        }
    }
    if tag == OCTETS | CONSTRUCTED {
        let whole = pieces(out.get(begin..)?)?;
        out.truncate(begin);
        write(OCTETS, &whole, out);
    } else {
        let head = header_of(tag, out.len().checked_sub(begin)?);
        out.splice(begin..begin, head);
    }
    Some(match length {
        Some(length) => header + length,
        None => bytes.len() - inside.len(),
    })
}

/// Octet strings that follow one another, as one.
pub(super) fn pieces(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut reader = Reader(bytes);
    let mut whole = Zeroizing::new(Vec::with_capacity(bytes.len()));
    while !reader.is_empty() {
        whole.extend_from_slice(reader.take(OCTETS)?);
    }
    Some(whole)
}

fn write(tag: u8, body: &[u8], out: &mut Vec<u8>) {
    out.extend(header_of(tag, body.len()));
    out.extend_from_slice(body);
}

/// Tag and length.
fn header_of(tag: u8, length: usize) -> Vec<u8> {
    if length < 0x80 {
        return vec![tag, length as u8];
    }
    let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    [&[tag, 0x80 | digits.len() as u8], digits.as_slice()].concat()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same value with every freedom that BER gives: lengths found out at the end, octet strings in pieces.
    pub(in super::super) fn loose(bytes: &[u8], out: &mut Vec<u8>) {
        let mut reader = Reader::new(bytes);
        while let Some(element) = reader.any() {
            if element.tag & CONSTRUCTED != 0 {
                out.extend_from_slice(&[element.tag, 0x80]);
                loose(element.body, out);
                out.extend_from_slice(&[0, 0]);
            } else if element.tag == OCTETS && element.body.len() > 3 {
                let (a, b) = element.body.split_at(element.body.len() / 3);
                out.extend_from_slice(&[OCTETS | CONSTRUCTED, 0x80]);
                write(OCTETS, a, out);
                write(OCTETS, b, out);
                out.extend_from_slice(&[0, 0]);
            } else {
                out.extend_from_slice(element.whole);
            }
        }
    }

    #[test]
    fn the_loose_form_comes_back_as_the_strict_one() {
        let strict = include_bytes!("../../../tests/data/certificates/no-mac.pfx");
        assert_eq!(definite(strict).unwrap().as_slice(), strict);
        let mut other = Vec::new();
        loose(strict, &mut other);
        assert_ne!(other, strict);
        assert_eq!(definite(&other).unwrap().as_slice(), strict);
    }

    #[test]
    fn a_cursor_that_finds_something_else_stays() {
        let bytes = [INTEGER, 1, 5, SEQUENCE, 0];
        let mut reader = Reader::new(&bytes);
        assert!(reader.take(OCTETS).is_none());
        assert_eq!(reader.number(), Some(5));
        assert!(reader.sequence().unwrap().is_empty());
        assert!(reader.any().is_none());
        for wrong in [&[INTEGER, 1, 0x80][..], &[INTEGER, 0], &[INTEGER, 5, 1, 0, 0, 0, 0], &[INTEGER, 2, 1]] {
            assert_eq!(Reader::new(wrong).number(), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_can_break_it(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x30), Just(0x80), Just(0), Just(0x24)], 0..200)) {
            if let Some(found) = definite(&bytes) {
                prop_assert_eq!(definite(&found), Some(found));
            }
            let mut reader = Reader::new(&bytes);
            while reader.any().is_some() {}
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(definite(&[0x30, 0x80].repeat(100_000)).is_none());
    }
}
