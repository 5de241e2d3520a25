//! Chance that repeats itself: equal seeds and stream names give equal numbers, on every machine, whatever was asked before.

use std::sync::Arc;

/// Ticks of a second.
pub(super) const SECOND: i64 = 10_000_000;
/// Ticks of a minute.
pub(super) const MINUTE: i64 = 60 * SECOND;
/// Ticks of an hour.
pub(super) const HOUR: i64 = 60 * MINUTE;
/// Ticks of a day.
pub(super) const DAY: i64 = 24 * HOUR;

/// SplitMix64.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for every part that draws, so that the order in which tables are asked for changes nothing.
    pub(super) fn new(seed: u64, stream: &str) -> Self {
        let mut random = Self(seed ^ 0x5851_f42d_4c95_7f2d);
        for byte in stream.bytes() {
            random.0 = random.next() ^ u64::from(byte);
        }
        random
    }

    /// The stream of one row of one kind: what is drawn for a row depends on no other.
    pub(super) fn of(seed: u64, kind: u64, row: usize) -> Self {
        let mut random = Self(seed ^ kind.wrapping_mul(0xa076_1d64_78bd_642f) ^ (row as u64).wrapping_mul(0xe703_7ed1_a0b4_28db));
        random.0 = random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` to below `high`.
    pub(super) fn range(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low).max(1).unsigned_abs()) as i64
    }

    pub(super) fn percent(&mut self, chance: i64) -> bool {
        self.range(0, 100) < chance
    }

    /// One of them; of none, the type's default.
    pub(super) fn pick<T: Clone + Default>(&mut self, items: &[T]) -> T {
        let at = self.range(0, items.len() as i64) as usize;
        items.get(at).cloned().unwrap_or_default()
    }

    /// That many hexadecimal digits.
    pub(super) fn hex(&mut self, digits: usize) -> Arc<str> {
        let mut out = String::with_capacity(digits + 16);
        while out.len() < digits {
            let mut word = self.next();
            for _ in 0..16 {
                out.push(char::from_digit((word & 15) as u32, 16).unwrap_or('0'));
                word >>= 4;
            }
        }
        out.truncate(digits);
        out.into()
    }

    /// A version 4 GUID.
    pub(super) fn guid(&mut self) -> Arc<str> {
        let (a, b) = (self.next(), self.next());
        let variant = 0x8000 | (b >> 48 & 0x3fff);
        format!("{:08x}-{:04x}-4{:03x}-{variant:04x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xfff, b & 0xffff_ffff_ffff).into()
    }
}
