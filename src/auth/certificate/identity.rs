//! A key with its certificate, and what is signed with it.

use super::{
    Algorithm, CertificateOptions, Fault,
    contents::{Contents, Key},
    x509,
};
use crate::{
    auth::Ask,
    clock::random_guid,
    error::{Error, Kind, Result},
    json::{Value, object},
    secret::Secret,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jiff::Timestamp;
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding},
};

/// An assertion is used at once; this is for clocks that differ.
const LIFETIME: i64 = 600;

/// A key with its certificate.
pub(super) struct Identity {
    pair: KeyPair,
    algorithm: Algorithm,
    /// The first part of every assertion.
    header: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Identity {
    /// From what a file holds: the first key that has a certificate.
    pub(super) fn read(bytes: &[u8], options: &CertificateOptions) -> Result<Identity, Fault> {
        let Contents { keys, certificates } = Contents::read(bytes, options.password.as_ref())?;
        let mut fault = if keys.is_empty() { Fault::no_key() } else { Fault::no_certificate() };
        for key in keys {
            let pair = match key {
                Key::Rsa(key) => KeyPair::from_der(&key).map_err(|e| Fault::key(&format!("cannot be used: {e}")))?,
                Key::Other(what) => {
                    fault = Fault::key(&format!("is {what}"));
                    continue;
                }
            };
            let chain = x509::chain(pair.public().as_ref(), certificates.clone());
            match chain.first() {
                Some(leaf) => {
                    return Ok(Identity {
                        header: header(options, &chain),
                        algorithm: options.algorithm,
                        not_before: leaf.not_before,
                        not_after: leaf.not_after,
                        pair,
                    });
                }
                None if !certificates.is_empty() => fault = Fault::foreign_key(),
                None => {}
            }
        }
        Err(fault)
    }

    /// Why the certificate is of no use now, if it is.
    pub(super) fn out_of_time(&self, now: i64) -> Option<String> {
        if now < self.not_before.as_second() {
            return Some(format!("the certificate is not valid before {}; is this machine's clock right?", self.not_before));
        }
        (now > self.not_after.as_second()).then(|| format!("the certificate expired on {}", self.not_after))
    }

    /// A signed assertion, good for one request.
    pub(super) fn assertion(&self, ask: &Ask<'_>) -> Result<Secret> {
        let claims = object([
            ("aud", ask.token_url.as_str().into()),
            ("iss", ask.client_id.into()),
            ("sub", ask.client_id.into()),
            ("jti", random_guid().into()),
            ("nbf", ask.now.into()),
            ("iat", ask.now.into()),
            ("exp", ask.now.saturating_add(LIFETIME).into()),
        ]);
        let text = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        let encoding: &dyn RsaEncoding = match self.algorithm {
            Algorithm::Ps256 => &RSA_PSS_SHA256,
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        };
        self.pair
            .sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| Error::new(Kind::Internal, "the key signs nothing: the machine gives no random numbers, or the key is damaged"))?;
        Ok(Secret::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

fn header(options: &CertificateOptions, chain: &[x509::X509]) -> String {
    let leaf = chain.first().map(|c| c.der.as_slice()).unwrap_or_default();
    let (name, hash) = if options.thumbprint_sha1 { ("x5t", &SHA1_FOR_LEGACY_USE_ONLY) } else { ("x5t#S256", &SHA256) };
    let mut header = vec![
        ("alg".to_owned(), options.algorithm.name().into()),
        ("typ".to_owned(), "JWT".into()),
        (name.to_owned(), URL_SAFE_NO_PAD.encode(digest(hash, leaf)).into()),
    ];
    if options.send_certificate_chain {
        header.push(("x5c".to_owned(), chain.iter().map(|c| STANDARD.encode(&c.der)).collect::<Vec<_>>().into()));
    }
    URL_SAFE_NO_PAD.encode(Value::Object(header.into_iter().collect()).to_string())
}
