//! Texts of a column as Arrow views, each different one kept once.
//!
//! The service repeats most values in most rows. A view is 16 bytes, so that a value that was seen lately costs no more than that, and whoever
//! makes objects from the column sees by the view alone that it is the same.

use super::scan::{Raw, unescape};
use arrow_array::{Array, StringViewArray};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};

/// Texts up to this length stand in the view itself.
const INLINE: usize = 12;
/// The bit of each of those bytes that no ASCII has.
const NOT_ASCII: u128 = 0x8080_8080_8080_8080_8080_8080;
/// Values that are remembered.
const SLOTS: usize = 512;

#[derive(Debug)]
pub(super) struct TextBuilder {
    views: Vec<u128>,
    bytes: Vec<u8>,
    /// The view that was last seen with a hash, by the hash.
    seen: Vec<u128>,
    /// The same for texts with escapes, as they stand in the body: most are paths, and come again and again.
    escaped: Vec<Option<(Box<[u8]>, u128)>>,
    scratch: String,
}

impl TextBuilder {
    pub(super) fn new() -> TextBuilder {
        TextBuilder { views: Vec::new(), bytes: Vec::new(), seen: vec![0; SLOTS], escaped: Vec::new(), scratch: String::new() }
    }

    /// Where a null stands.
    pub(super) fn push_empty(&mut self) {
        self.views.push(0);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.views.truncate(rows);
    }

    /// Appends a text of the body.
    pub(super) fn push_raw(&mut self, raw: Raw<'_>) -> Result<(), (usize, &'static str)> {
        if !raw.escaped {
            self.push_bytes(raw.bytes);
            return Ok(());
        }
        if self.escaped.is_empty() {
            self.escaped = vec![None; SLOTS];
        }
        let slot = slot(raw.bytes);
        if let Some(Some((known, view))) = self.escaped.get(slot)
            && **known == *raw.bytes
        {
            self.views.push(*view);
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let done = unescape(raw, &mut scratch);
        if done.is_ok() {
            self.push_bytes(scratch.as_bytes());
            if let (Some(place), Some(view)) = (self.escaped.get_mut(slot), self.views.last()) {
                *place = Some((raw.bytes.into(), *view));
            }
        }
        self.scratch = scratch;
        done
    }

    /// Appends a text; what is no UTF-8 in it becomes U+FFFD.
    pub(super) fn push_bytes(&mut self, text: &[u8]) {
        if text.len() <= INLINE {
            let view = inline(text);
            if view & NOT_ASCII << 32 == 0 || std::str::from_utf8(text).is_ok() {
                self.views.push(view);
            } else {
                self.push_lossy(text);
            }
            return;
        }
        let slot = slot(text);
        let known = self.seen.get(slot).copied().unwrap_or_default();
        if known as u32 as usize == text.len() && self.bytes.get(range(known)) == Some(text) {
            self.views.push(known);
            return;
        }
        if std::str::from_utf8(text).is_err() {
            self.push_lossy(text);
            return;
        }
        let view = long(text, self.bytes.len());
        self.bytes.extend_from_slice(text);
        self.views.push(view);
        if let Some(seen) = self.seen.get_mut(slot) {
            *seen = view;
        }
    }

    fn push_lossy(&mut self, text: &[u8]) {
        let mended = String::from_utf8_lossy(text).into_owned();
        self.push_bytes(mended.as_bytes());
    }

    /// The column so far; the next begins with nothing.
    pub(super) fn take(&mut self, nulls: Option<NullBuffer>) -> StringViewArray {
        self.seen.fill(0);
        self.escaped.clear();
        let capacity = self.views.len();
        let views = std::mem::replace(&mut self.views, Vec::with_capacity(capacity));
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.shrink_to_fit();
        let buffers = if bytes.is_empty() { Vec::new() } else { vec![Buffer::from_vec(bytes)] };
        trusted(ScalarBuffer::from(views), buffers, nulls)
    }
}

/// Every view was made above, of bytes that were looked at there: to look at them again would be an eighth of all the work.
#[allow(unsafe_code, reason = "the one other way reads every text once more")]
fn trusted(views: ScalarBuffer<u128>, buffers: Vec<Buffer>, nulls: Option<NullBuffer>) -> StringViewArray {
    // SAFETY: `inline` and `long` are the only makers of views; offsets and lengths are those of a push to the one buffer, which only grows, and
    // `push_bytes` lets nothing but UTF-8 in. In debug builds, Arrow's own check runs.
    let array = unsafe { StringViewArray::new_unchecked(views, buffers.into(), nulls) };
    debug_assert!(array.to_data().validate_full().is_ok(), "a view that is none");
    array
}

/// The length, and the bytes behind it. Two loads that overlap say the same where they do.
fn inline(text: &[u8]) -> u128 {
    let length = text.len();
    let bytes = if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        u128::from(u64::from_le_bytes(*first)) | u128::from(u64::from_le_bytes(*last)) << (8 * (length - 8))
    } else if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        u128::from(u32::from_le_bytes(*first)) | u128::from(u32::from_le_bytes(*last)) << (8 * (length - 4))
    } else {
        text.iter().rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
    };
    length as u128 | bytes << 32
}

fn long(text: &[u8], offset: usize) -> u128 {
    let prefix = text.first_chunk::<4>().copied().map_or(0, u32::from_le_bytes);
    text.len() as u128 | u128::from(prefix) << 32 | (offset as u128) << 96
}

fn range(view: u128) -> std::ops::Range<usize> {
    let offset = (view >> 96) as usize;
    offset..offset + view as u32 as usize
}

/// Where a text is looked for: by all of it, since what differs may stand anywhere.
fn slot(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    let mut mixed = text.len() as u64;
    let mut mix = |word: u64| mixed = (mixed.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for word in words {
        mix(u64::from_le_bytes(*word));
    }
    mix(rest.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    (mixed >> 55) as usize % SLOTS
}
