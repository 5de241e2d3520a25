//! PFX files (PKCS#12): a bag of bags, sealed and encrypted by a password.

use super::{
    Fault,
    contents::{Contents, Key},
    der::{self, FIRST, FIRST_PRIMITIVE, INTEGER, OCTETS, OID, Reader, SEQUENCE},
    password::{self, Password},
    x509::X509,
};
use crate::secret::Secret;
use zeroize::Zeroizing;

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
/// The last number says which.
const BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
const MAX_DEPTH: u8 = 4;

/// Whether bytes begin like a PFX file.
pub(super) fn is_pfx(bytes: &[u8]) -> bool {
    parts(bytes).is_some()
}

/// Reads all keys and certificates.
pub(super) fn read(bytes: &[u8], password: Option<&Secret>) -> Result<Contents, Fault> {
    let Sealed { content, seal } = parts(bytes).ok_or_else(Fault::damaged)?;
    for password in Password::candidates(password) {
        if let Some(seal) = &seal
            && !password.seals(Reader::of_sequence(seal).ok_or_else(Fault::damaged)?, &content)?
        {
            continue;
        }
        match safes(&content, &password) {
            Err(Fault::WrongPassword) => {}
            other => return other,
        }
    }
    Err(Fault::WrongPassword)
}

/// A file's two parts.
struct Sealed {
    content: Zeroizing<Vec<u8>>,
    seal: Option<Vec<u8>>,
}

fn parts(bytes: &[u8]) -> Option<Sealed> {
    let bytes = der::definite(bytes)?;
    let mut file = Reader::of_sequence(&bytes)?;
    file.take(INTEGER).filter(|v| *v == [3])?;
    let mut content = file.sequence()?;
    content.take(OID).filter(|o| *o == DATA)?;
    let content = Reader::new(content.take(FIRST)?).take(OCTETS)?;
    let seal = file.any().filter(|e| e.tag == SEQUENCE).map(|e| e.whole.to_vec());
    Some(Sealed { content: Zeroizing::new(content.to_vec()), seal })
}

/// A text in one piece and with definite lengths. What comes out of a decryption and is none of this was decrypted by a wrong password.
fn strict(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault> {
    der::definite(bytes).ok_or(Fault::WrongPassword)
}

fn safes(content: &[u8], password: &Password) -> Result<Contents, Fault> {
    let content = strict(content)?;
    let mut found = Contents::default();
    let mut safes = Reader::of_sequence(&content).ok_or_else(Fault::damaged)?;
    while !safes.is_empty() {
        let mut safe = safes.sequence().ok_or_else(Fault::damaged)?;
        let kind = safe.take(OID).ok_or_else(Fault::damaged)?;
        let body = safe.take(FIRST).ok_or_else(Fault::damaged)?;
        let plain = match kind {
            DATA => Reader::new(body).take(OCTETS).map(|b| Zeroizing::new(b.to_vec())).ok_or_else(Fault::damaged)?,
            ENCRYPTED_DATA => decrypt(body, password)?,
            _ => return Err(Fault::unknown_encryption()),
        };
        bags(&strict(&plain)?, password, &mut found, MAX_DEPTH)?;
    }
    Ok(found)
}

fn decrypt(body: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let parts = |body| {
        let mut content = Reader::of_sequence(body)?;
        content.take(INTEGER)?;
        let mut content = content.sequence()?;
        content.take(OID)?;
        let algorithm = content.sequence()?;
        let data = match content.any()? {
            e if e.tag == FIRST_PRIMITIVE => Zeroizing::new(e.body.to_vec()),
            e if e.tag == FIRST => der::pieces(e.body)?,
            _ => return None,
        };
        Some((algorithm, data))
    };
    let (algorithm, data) = parts(body).ok_or_else(Fault::damaged)?;
    password.decrypt(algorithm, &data)
}

fn bags(bytes: &[u8], password: &Password, found: &mut Contents, depth: u8) -> Result<(), Fault> {
    let mut all = Reader::of_sequence(bytes).ok_or(Fault::WrongPassword)?;
    while !all.is_empty() {
        let mut bag = all.sequence().ok_or_else(Fault::damaged)?;
        let kind = bag.take(OID).and_then(|o| o.strip_prefix(BAG)).ok_or_else(Fault::damaged)?;
        let body = bag.take(FIRST).ok_or_else(Fault::damaged)?;
        match kind {
            [1] => found.keys.push(Key::read(body).ok_or_else(Fault::damaged)?),
            [2] => {
                let (algorithm, data) = password::encrypted(body).ok_or_else(Fault::damaged)?;
                let plain = password.decrypt(algorithm, data)?;
                found.keys.push(Key::read(&plain).ok_or(Fault::WrongPassword)?);
            }
            [3] => found.certificates.extend(certificate(body)),
            [6] if depth > 0 => bags(body, password, found, depth - 1)?,
            // Revocation lists and other secrets.
            _ => {}
        }
    }
    Ok(())
}

fn certificate(body: &[u8]) -> Option<X509> {
    let mut bag = Reader::of_sequence(body)?;
    bag.take(OID).filter(|o| *o == X509_CERTIFICATE)?;
    X509::read(Reader::new(bag.take(FIRST)?).take(OCTETS)?)
}
