//! What a password opens: the encryptions of PKCS#8 keys and of PFX files.
//!
//! Two families are in use. PBES2 is today's: PBKDF2, then AES or triple DES. The other is PKCS#12's own of 1999, which Windows and older
//! programs write to this day: its own way from password to key, then triple DES or RC2. They are old and weak, and only read here.

use super::{
    Fault,
    der::{OCTETS, OID, Reader, SEQUENCE},
};
use crate::secret::Secret;
use cbc::{
    Decryptor,
    cipher::{BlockCipherDecrypt, BlockModeDecrypt, InnerIvInit, KeyInit, block_padding::Pkcs7},
};
use ring::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14];
/// The last number says which.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];
const TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7];
const AES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1];
const PKCS12_PBE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 0x1a];
const SHA2: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];

/// More rounds than any program writes; past them a file only burns time.
const MAX_ROUNDS: u32 = 10_000_000;

/// No key of these algorithms is longer.
const MAX_KEY: usize = 64;

/// What keys of PKCS#12 are for.
const FOR_KEY: u8 = 1;
const FOR_IV: u8 = 2;
const FOR_MAC: u8 = 3;

/// A password as both families want it.
pub(super) struct Password {
    utf8: Zeroizing<Vec<u8>>,
    utf16: Zeroizing<Vec<u8>>,
}

impl Password {
    /// What may have been meant: programs differ in what an empty password is.
    pub(super) fn candidates(password: Option<&Secret>) -> Vec<Password> {
        let text = password.map(Secret::expose).unwrap_or_default();
        let mut utf16 = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        utf16.extend(text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
        let mut all = vec![Password { utf8: Zeroizing::new(text.as_bytes().to_vec()), utf16 }];
        if text.is_empty() {
            all.push(Password { utf8: Zeroizing::default(), utf16: Zeroizing::default() });
        }
        all
    }

    /// Decrypts by the algorithm that the data names.
    pub(super) fn decrypt(&self, mut algorithm: Reader<'_>, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let name = algorithm.take(OID).ok_or_else(Fault::damaged)?;
        let parameters = algorithm.sequence().ok_or_else(Fault::damaged)?;
        match name.strip_prefix(PKCS12_PBE) {
            Some([kind]) => self.pkcs12(*kind, parameters, data),
            _ if name == PBES2 => self.pbes2(parameters, data),
            _ => Err(Fault::unknown_encryption()),
        }
    }

    fn pbes2(&self, mut parameters: Reader<'_>, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let derivation = parameters.sequence().ok_or_else(Fault::damaged)?;
        let mut cipher = parameters.sequence().ok_or_else(Fault::damaged)?;
        let name = cipher.take(OID).ok_or_else(Fault::damaged)?;
        let iv = cipher.take(OCTETS).ok_or_else(Fault::unknown_encryption)?;
        match (name, name.strip_prefix(AES)) {
            (_, Some([2])) => open::<aes::Aes128>(&self.pbkdf2(derivation, 16)?, iv, data),
            (_, Some([22])) => open::<aes::Aes192>(&self.pbkdf2(derivation, 24)?, iv, data),
            (_, Some([42])) => open::<aes::Aes256>(&self.pbkdf2(derivation, 32)?, iv, data),
            (TRIPLE_DES, _) => open::<des::TdesEde3>(&self.pbkdf2(derivation, 24)?, iv, data),
            _ => Err(Fault::unknown_encryption()),
        }
    }

    /// A key by PBKDF2, as its parameters say; of this length unless they say otherwise.
    fn pbkdf2(&self, mut algorithm: Reader<'_>, length: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
        if algorithm.take(OID) != Some(PBKDF2) {
            return Err(Fault::unknown_encryption());
        }
        let mut parameters = algorithm.sequence().ok_or_else(Fault::damaged)?;
        let salt = parameters.take(OCTETS).ok_or_else(Fault::unknown_encryption)?;
        let rounds = rounds(parameters.number())?;
        let length = parameters.number().map_or(length, |n| n as usize);
        if length > MAX_KEY {
            return Err(Fault::damaged());
        }
        let function = match parameters.sequence().map(|mut f| f.take(OID).and_then(|o| o.strip_prefix(HMAC))) {
            None | Some(Some([7])) => pbkdf2::PBKDF2_HMAC_SHA1,
            Some(Some([9])) => pbkdf2::PBKDF2_HMAC_SHA256,
            Some(Some([10])) => pbkdf2::PBKDF2_HMAC_SHA384,
            Some(Some([11])) => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(Fault::unknown_encryption()),
        };
        let mut key = Zeroizing::new(vec![0; length]);
        pbkdf2::derive(function, rounds, salt, &self.utf8, &mut key);
        Ok(key)
    }

    fn pkcs12(&self, kind: u8, mut parameters: Reader<'_>, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let salt = parameters.take(OCTETS).ok_or_else(Fault::damaged)?;
        let rounds = rounds(parameters.number())?;
        let derive = |purpose, length| self.derive(&digest::SHA1_FOR_LEGACY_USE_ONLY, purpose, salt, rounds, length);
        let iv = derive(FOR_IV, 8);
        match kind {
            3 => open::<des::TdesEde3>(&derive(FOR_KEY, 24), &iv, data),
            4 => open::<des::TdesEde2>(&derive(FOR_KEY, 16), &iv, data),
            5 => open::<rc2::Rc2>(&derive(FOR_KEY, 16), &iv, data),
            6 => open::<rc2::Rc2>(&derive(FOR_KEY, 5), &iv, data),
            _ => Err(Fault::unknown_encryption()),
        }
    }

    /// PKCS#12's own way from a password to a key: RFC 7292, appendix B.2.
    fn derive(&self, hash: &'static digest::Algorithm, purpose: u8, salt: &[u8], rounds: NonZeroU32, length: usize) -> Zeroizing<Vec<u8>> {
        let block = hash.block_len();
        let filled = |text: &[u8]| text.len().div_ceil(block) * block;
        let mut mixed = Zeroizing::new(Vec::with_capacity(filled(salt) + filled(&self.utf16)));
        for text in [salt, &self.utf16] {
            mixed.extend(text.iter().cycle().take(filled(text)));
        }
        let mut key = Zeroizing::new(Vec::with_capacity(length + hash.output_len()));
        loop {
            let mut context = digest::Context::new(hash);
            context.update(&vec![purpose; block]);
            context.update(&mixed);
            let mut sum = context.finish();
            for _ in 1..rounds.get() {
                sum = digest::digest(hash, sum.as_ref());
            }
            key.extend_from_slice(sum.as_ref());
            if key.len() >= length {
                key.truncate(length);
                return key;
            }
            let addend: Vec<u8> = sum.as_ref().iter().copied().cycle().take(block).collect();
            mixed.chunks_mut(block).for_each(|part| add(part, &addend));
        }
    }

    /// Whether a PFX file's seal is by this password.
    pub(super) fn seals(&self, mut seal: Reader<'_>, data: &[u8]) -> Result<bool, Fault> {
        let mut digest_info = seal.sequence().ok_or_else(Fault::damaged)?;
        let mut algorithm = digest_info.sequence().ok_or_else(Fault::damaged)?;
        let expected = digest_info.take(OCTETS).ok_or_else(Fault::damaged)?;
        let name = algorithm.take(OID).ok_or_else(Fault::damaged)?;
        if name == PBMAC1 {
            let mut parameters = algorithm.sequence().ok_or_else(Fault::damaged)?;
            let derivation = parameters.sequence().ok_or_else(Fault::damaged)?;
            let function = match parameters.sequence().and_then(|mut f| f.take(OID)).and_then(|o| o.strip_prefix(HMAC)) {
                Some([9]) => hmac::HMAC_SHA256,
                Some([10]) => hmac::HMAC_SHA384,
                Some([11]) => hmac::HMAC_SHA512,
                _ => return Err(Fault::unknown_encryption()),
            };
            let key = self.pbkdf2(derivation, function.digest_algorithm().output_len())?;
            return Ok(hmac::verify(&hmac::Key::new(function, &key), data, expected).is_ok());
        }
        let salt = seal.take(OCTETS).ok_or_else(Fault::damaged)?;
        let rounds = if seal.is_empty() { NonZeroU32::MIN } else { rounds(seal.number())? };
        let function = match (name, name.strip_prefix(SHA2)) {
            (SHA1, _) => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            (_, Some([1])) => hmac::HMAC_SHA256,
            (_, Some([2])) => hmac::HMAC_SHA384,
            (_, Some([3])) => hmac::HMAC_SHA512,
            _ => return Err(Fault::unknown_encryption()),
        };
        let hash = function.digest_algorithm();
        let key = self.derive(hash, FOR_MAC, salt, rounds, hash.output_len());
        Ok(hmac::verify(&hmac::Key::new(function, &key), data, expected).is_ok())
    }
}

fn rounds(number: Option<u32>) -> Result<NonZeroU32, Fault> {
    number.and_then(NonZeroU32::new).filter(|n| n.get() <= MAX_ROUNDS).ok_or_else(Fault::damaged)
}

/// `part + addend + 1`, as big numbers that overflow.
fn add(part: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (digit, more) in part.iter_mut().zip(addend).rev() {
        carry += u16::from(*digit) + u16::from(*more);
        *digit = carry as u8;
        carry >>= 8;
    }
}

/// Cipher block chaining with its padding. Padding that makes no sense means a wrong password.
fn open<C: KeyInit + BlockCipherDecrypt>(key: &[u8], iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault>
where
    Decryptor<C>: InnerIvInit<Inner = C>,
{
    let cipher = C::new_from_slice(key).map_err(|_| Fault::damaged())?;
    let cipher = Decryptor::inner_iv_slice_init(cipher, iv).map_err(|_| Fault::damaged())?;
    let mut buffer = Zeroizing::new(data.to_vec());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| Fault::WrongPassword)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// The parts of an encrypted key or text: algorithm and data.
pub(super) fn encrypted(bytes: &[u8]) -> Option<(Reader<'_>, &[u8])> {
    let mut parts = Reader::of_sequence(bytes)?;
    Some((Reader::new(parts.take(SEQUENCE)?), parts.take(OCTETS)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Values that `openssl kdf PKCS12KDF` of OpenSSL 3.0 gives.
    #[test]
    fn keys_are_derived_as_another_program_derives_them() {
        let password = &Password::candidates(Some(&Secret::new("smeg")))[0];
        let rounds = NonZeroU32::new(1000).unwrap();
        let key =
            |hash, purpose, length| hex(&password.derive(hash, purpose, &[0x3d, 0x83, 0xc0, 0xe4, 0x54, 0x6a, 0xc1, 0x40], rounds, length));
        assert_eq!(key(&digest::SHA1_FOR_LEGACY_USE_ONLY, FOR_MAC, 20), "227dda4a1e842282272f6547c8d77e30a4bb6abc");
        assert_eq!(key(&digest::SHA1_FOR_LEGACY_USE_ONLY, FOR_KEY, 24), "ff0416a746c6c7d8cce2a0ddc2b963b796ba9cd7cd9d8f88");
        assert_eq!(
            key(&digest::SHA512, FOR_KEY, 100),
            "141586ae2d1ed7b8358bbd4249d0f4692956ca4dc5cbde5c7683a6275c718daa3c435cf1e7a2dea66da8af89299e37db49b115d3945cd9c1bb113feb841cb4cd6760144fd3f98eae6948a782f69969cc990cb9d9b2bdacd5a202dace121de1fecb7ce90e"
        );
    }

    #[test]
    fn rounds_without_end_are_refused() {
        assert!(rounds(Some(MAX_ROUNDS)).is_ok());
        for wrong in [None, Some(0), Some(MAX_ROUNDS + 1)] {
            assert!(rounds(wrong).is_err(), "{wrong:?}");
        }
    }
}
