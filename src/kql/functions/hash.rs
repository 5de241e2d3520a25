//! `hash`: xxHash64 of a value, as the language documents it.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{P, Spec, at, checked};

pub(super) const FUNCTIONS: &[Spec] = &[
    checked("hash", &[P::Flat, P::Int], Type::Long, hash).optional(1),
    checked("hash_xxhash64", &[P::Flat, P::Int], Type::Long, hash).optional(1),
];

fn hash(args: &[&Value]) -> Answer {
    let hash = match at(args, 0) {
        Value::String(text) => xxhash64(text.as_bytes()),
        Value::Long(n) | Value::DateTime(n) | Value::TimeSpan(n) => xxhash64(&n.to_le_bytes()),
        Value::Null => return Err(Trouble::Unsupported("the hash of null; use tostring()".to_owned())),
        _ => return Err(Trouble::Unsupported("the hash of a bool, an int, a real or a dynamic; use tostring()".to_owned())),
    };
    let hash = hash.cast_signed();
    match args.get(1) {
        None => Ok(Value::Long(hash)),
        Some(of) => Ok(of.as_i64().filter(|n| *n > 0).map_or(Value::Null, |n| Value::Long(hash.rem_euclid(n)))),
    }
}

const PRIMES: [u64; 5] =
    [0x9e37_79b1_85eb_ca87, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9, 0x85eb_ca77_c2b2_ae63, 0x27d4_eb2f_1656_67c5];

fn round(sum: u64, input: u64) -> u64 {
    sum.wrapping_add(input.wrapping_mul(PRIMES[1])).rotate_left(31).wrapping_mul(PRIMES[0])
}

/// Eight bytes, or what is there of them.
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// With the seed 0.
fn xxhash64(data: &[u8]) -> u64 {
    let stripes = data.chunks_exact(32);
    let mut tail = stripes.remainder();
    let mut hash = PRIMES[4];
    if data.len() >= 32 {
        let mut sums = [PRIMES[0].wrapping_add(PRIMES[1]), PRIMES[1], 0, 0u64.wrapping_sub(PRIMES[0])];
        for stripe in stripes {
            for (sum, part) in sums.iter_mut().zip(stripe.chunks_exact(8)) {
                *sum = round(*sum, word(part));
            }
        }
        hash = sums.iter().zip([1, 7, 12, 18]).fold(0, |hash: u64, (sum, turn)| hash.wrapping_add(sum.rotate_left(turn)));
        for sum in sums {
            hash = (hash ^ round(0, sum)).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
        }
    }
    hash = hash.wrapping_add(data.len() as u64);
    while let Some((part, rest)) = tail.split_at_checked(8) {
        hash = (hash ^ round(0, word(part))).rotate_left(27).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
        tail = rest;
    }
    if let Some((part, rest)) = tail.split_at_checked(4) {
        hash = (hash ^ word(part).wrapping_mul(PRIMES[0])).rotate_left(23).wrapping_mul(PRIMES[1]).wrapping_add(PRIMES[2]);
        tail = rest;
    }
    for byte in tail {
        hash = (hash ^ u64::from(*byte).wrapping_mul(PRIMES[4])).rotate_left(11).wrapping_mul(PRIMES[0]);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(PRIMES[1]);
    hash = (hash ^ hash >> 29).wrapping_mul(PRIMES[2]);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hash_that_the_language_documents() {
        let of = |text: &str| hash(&[&Value::text(text)]).unwrap();
        assert_eq!(of("World"), Value::Long(1_846_988_464_401_551_951));
        assert_eq!(hash(&[&Value::text("World"), &Value::Long(100)]).unwrap(), Value::Long(51));
        assert_eq!(xxhash64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxhash64(b"Call me Ishmael. Some years ago--never mind how long precisely-"), 0x02a2_e854_70d6_fd96);
    }

    #[test]
    fn a_datetime_hashes_as_its_ticks() {
        let ticks = crate::kql::parse_datetime("2015-01-01").unwrap();
        assert_eq!(hash(&[&Value::DateTime(ticks)]).unwrap(), Value::Long(1_380_966_698_541_616_202));
    }
}
