//! Certificates: the few fields that a sign-in needs, and the order of a chain.

use super::der::{BIT_STRING, FIRST, GENERAL_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME};
use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct X509 {
    pub(super) der: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    /// What the public key's bit string holds.
    pub(super) public_key: Vec<u8>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

impl X509 {
    /// Reads one; `None` if it is none.
    pub(super) fn read(der: &[u8]) -> Option<X509> {
        let mut fields = Reader::of_sequence(der)?.sequence()?;
        fields.take(FIRST);
        fields.take(INTEGER)?;
        fields.sequence()?;
        let issuer = fields.any().filter(|e| e.tag == SEQUENCE)?.whole;
        let mut validity = fields.sequence()?;
        let subject = fields.any().filter(|e| e.tag == SEQUENCE)?.whole;
        let mut key = fields.sequence()?;
        key.sequence()?;
        Some(X509 {
            der: der.to_vec(),
            issuer: issuer.to_vec(),
            subject: subject.to_vec(),
            public_key: key.take(BIT_STRING)?.strip_prefix(&[0])?.to_vec(),
            not_before: time(&mut validity)?,
            not_after: time(&mut validity)?,
        })
    }

    fn is_issued_by(&self, other: &X509) -> bool {
        self.issuer == other.subject && self != other
    }
}

/// `YYMMDDhhmmssZ`, which means 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn time(reader: &mut Reader<'_>) -> Option<Timestamp> {
    let element = reader.any()?;
    let text = std::str::from_utf8(element.body).ok()?.strip_suffix('Z')?;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let short: i16 = text.get(..2)?.parse().ok()?;
            (short + if short < 50 { 2000 } else { 1900 }, text.get(2..)?)
        }
        GENERAL_TIME => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2).and_then(|p| p.parse::<i8>().ok());
    // A certificate that "does not expire" names the last second of 9999, which is past what a time stamp holds in every zone.
    let civil = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    (rest.len() == 10).then(|| Offset::UTC.to_timestamp(civil).unwrap_or(Timestamp::MAX))
}

/// The chain of a key, leaf first, each followed by its issuer, whatever order they came in and whatever else came along. Empty if no
/// certificate belongs to the key.
pub(super) fn chain(public_key: &[u8], mut certificates: Vec<X509>) -> Vec<X509> {
    // Where several would do (a renewal with the same key), the one that lives longest.
    certificates.sort_by(|a, b| (b.not_after, &b.der).cmp(&(a.not_after, &a.der)));
    certificates.dedup();
    let mut chain: Vec<X509> = Vec::new();
    let mut wanted = certificates.iter().position(|c| c.public_key == public_key);
    while let Some(at) = wanted {
        let certificate = certificates.remove(at);
        wanted = certificates.iter().position(|c| certificate.is_issued_by(c));
        chain.push(certificate);
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    macro_rules! certificate {
        ($name:literal) => {
            X509::read(include_bytes!(concat!("../../../tests/data/certificates/", $name, ".der"))).unwrap()
        };
    }

    #[test]
    fn times_are_read_in_both_forms() {
        let read = |tag, text: &str| {
            let bytes = [&[tag, text.len() as u8], text.as_bytes()].concat();
            time(&mut Reader::new(&bytes)).map(|t| t.to_string())
        };
        assert_eq!(read(UTC_TIME, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(read(UTC_TIME, "500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(read(GENERAL_TIME, "20500101000000Z").as_deref(), Some("2050-01-01T00:00:00Z"));
        assert!(read(GENERAL_TIME, "99991231235959Z").is_some_and(|t| t.starts_with("9999-12-")));
        for (tag, wrong) in [(UTC_TIME, "4912312359Z"), (UTC_TIME, "491331235959Z"), (GENERAL_TIME, "20500101000000"), (INTEGER, "1Z")] {
            assert_eq!(read(tag, wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_a_file_does_not_matter(
            order in Just(vec![0, 1, 2, 3, 0, 1]).prop_shuffle(), take in 1usize..=6
        ) {
            let all = [certificate!("leaf"), certificate!("issuing"), certificate!("middle"), certificate!("root")];
            let given: Vec<usize> = order[..take].to_vec();
            let unbroken = (0..4).take_while(|i| given.contains(i)).count();
            let found = chain(&all[0].public_key, given.iter().map(|i| all[*i].clone()).collect());
            let found: Vec<_> = found.into_iter().map(|c| c.der).collect();
            let expected: Vec<_> = all[..unbroken].iter().map(|c| c.der.clone()).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_bytes_can_break_it(at in 0usize..730, value: u8) {
            let mut der = certificate!("leaf").der;
            if let Some(byte) = der.get_mut(at) {
                *byte = value;
            }
            let _ = X509::read(&der);
        }
    }
}
