//! What a file holds: private keys and certificates, in whatever form people have them.

use super::{
    Fault,
    der::{INTEGER, OCTETS, OID, Reader},
    password::{self, Password},
    pem, pfx,
    x509::X509,
};
use crate::secret::Secret;
use zeroize::Zeroizing;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// A private key.
pub(super) enum Key {
    /// As PKCS#1 has it.
    Rsa(Zeroizing<Vec<u8>>),
    /// A word for messages.
    Other(&'static str),
}

impl Key {
    /// From PKCS#8.
    pub(super) fn read(bytes: &[u8]) -> Option<Key> {
        let mut parts = Reader::of_sequence(bytes)?;
        parts.take(INTEGER)?;
        let kind = parts.sequence()?.take(OID)?;
        let key = parts.take(OCTETS)?;
        Some(match kind {
            RSA => Key::Rsa(Zeroizing::new(key.to_vec())),
            ELLIPTIC => Key::Other("an EC key"),
            _ => Key::Other("no RSA key"),
        })
    }
}

/// Keys and certificates.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) keys: Vec<Key>,
    pub(super) certificates: Vec<X509>,
}

impl Contents {
    /// Reads a PEM or a PFX file.
    pub(super) fn read(bytes: &[u8], password: Option<&Secret>) -> Result<Contents, Fault> {
        if pem::is_pem(bytes) {
            let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
            return from_pem(&text, password);
        }
        if pfx::is_pfx(bytes) {
            return pfx::read(bytes, password);
        }
        if X509::read(bytes).is_some() {
            return Err(Fault::no_key());
        }
        Err(Fault::new("is neither PEM nor PFX", "a PEM file has lines such as -----BEGIN CERTIFICATE-----"))
    }
}

fn from_pem(text: &str, password: Option<&Secret>) -> Result<Contents, Fault> {
    let mut found = Contents::default();
    for block in pem::blocks(text) {
        let is_key = block.label.ends_with("PRIVATE KEY");
        if block.proc_type && is_key {
            return Err(Fault::new(
                "holds a key that is encrypted in the old way (Proc-Type: 4,ENCRYPTED), which protects little",
                "convert it: openssl pkcs8 -topk8 -in OLD.pem -out KEY.pem; then put the certificate into the same file",
            ));
        }
        let body = match block.body {
            Some(body) => body,
            None if is_key || block.label == "CERTIFICATE" => {
                return Err(Fault::new(format!("has a block {:?} that is no base64", block.label), "take the file anew from its source"));
            }
            None => continue,
        };
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => found.certificates.push(X509::read(&body).ok_or_else(Fault::damaged)?),
            "PRIVATE KEY" => found.keys.push(Key::read(&body).ok_or_else(Fault::damaged)?),
            "RSA PRIVATE KEY" => found.keys.push(Key::Rsa(body)),
            "EC PRIVATE KEY" => found.keys.push(Key::Other("an EC key")),
            "ENCRYPTED PRIVATE KEY" => found.keys.push(decrypt(&body, password)?),
            _ => {}
        }
    }
    Ok(found)
}

fn decrypt(bytes: &[u8], password: Option<&Secret>) -> Result<Key, Fault> {
    let (algorithm, data) = password::encrypted(bytes).ok_or_else(Fault::damaged)?;
    for password in Password::candidates(password) {
        match password.decrypt(algorithm, data) {
            Ok(plain) => {
                if let Some(key) = Key::read(&plain) {
                    return Ok(key);
                }
            }
            Err(Fault::WrongPassword) => {}
            Err(other) => return Err(other),
        }
    }
    Err(Fault::WrongPassword)
}
