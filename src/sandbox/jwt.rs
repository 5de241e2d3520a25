//! Signed tokens.
//!
//! Programs that check signatures must be able to check ours, and a forged, expired or foreign token must be refused as the services
//! refuse it. So tokens are real RS256 JWTs, by a key that lies in this repository on purpose: whoever can read the sandbox may sign for
//! it, and nothing but the sandbox believes that key.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

use crate::json::{self, Value, object};

const PEM: &str = include_str!("data/signing-key.pem");

struct Key {
    pair: KeyPair,
    id: String,
}

fn key() -> Option<&'static Key> {
    static KEY: OnceLock<Option<Key>> = OnceLock::new();
    KEY.get_or_init(|| {
        let body = PEM.split("-----BEGIN PRIVATE KEY-----").nth(1)?.split("-----END").next()?;
        let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let pair = KeyPair::from_pkcs8(&STANDARD.decode(text).ok()?).ok()?;
        let digest = ring::digest::digest(&ring::digest::SHA256, pair.public().as_ref());
        let id = encode(digest.as_ref().get(..20).unwrap_or_default());
        Some(Key { pair, id })
    })
    .as_ref()
}

/// Base64 for URLs, with no padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`encode`] wrote, with or without padding.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// A token with these claims. Empty only if the embedded key cannot be read, which a test rules out.
pub(super) fn sign(claims: &Value) -> String {
    let Some(key) = key() else { return String::new() };
    let header = object([("typ", "JWT".into()), ("alg", "RS256".into()), ("kid", key.id.as_str().into())]);
    let text = format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()));
    let mut signature = vec![0; key.pair.public().modulus_len()];
    match key.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature) {
        Ok(()) => format!("{text}.{}", encode(&signature)),
        Err(_) => String::new(),
    }
}

/// The claims of a token that carries our signature.
pub(super) fn verify(token: &str) -> Option<Value> {
    let (text, signature) = token.rsplit_once('.')?;
    let (header, claims) = text.split_once('.')?;
    let header = json::parse(&decode(header)?).ok()?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") {
        return None;
    }
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key()?.pair.public().as_ref());
    public.verify(text.as_bytes(), &decode(signature)?).ok()?;
    json::parse(&decode(claims)?).ok()
}

/// The public key as a JSON Web Key Set.
pub(super) fn key_set(issuer: &str) -> Value {
    let keys = key().map(|key| {
        let public = PublicKeyComponents::<Vec<u8>>::from(key.pair.public());
        object([
            ("kty", "RSA".into()),
            ("use", "sig".into()),
            ("alg", "RS256".into()),
            ("kid", key.id.as_str().into()),
            ("n", encode(&public.n).into()),
            ("e", encode(&public.e).into()),
            ("issuer", issuer.into()),
        ])
    });
    object([("keys", Value::Array(keys.into_iter().collect()))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_is_read_back_and_nothing_else() {
        let token = sign(&object([("aud", "x".into())]));
        assert_eq!(verify(&token).unwrap().get("aud").unwrap().as_str(), Some("x"));
        let parts: Vec<&str> = token.split('.').collect();
        let forged = encode(br#"{"aud":"y"}"#);
        assert!(verify(&format!("{}.{forged}.{}", parts[0], parts[2])).is_none());
        let none = encode(br#"{"alg":"none","typ":"JWT"}"#);
        assert!(verify(&format!("{none}.{}.", parts[1])).is_none());
        for bad in ["", ".", "..", "a.b.c", "a"] {
            assert!(verify(bad).is_none());
        }
    }

    #[test]
    fn the_key_set_has_the_key_that_tokens_name() {
        let token = sign(&object([("a", 1i64.into())]));
        let header = json::parse(&decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        let set = key_set("i");
        let key = &set.get("keys").unwrap().as_array().unwrap()[0];
        assert_eq!(key.get("kid"), header.get("kid"));
        assert_eq!(decode(key.get("n").unwrap().as_str().unwrap()).unwrap().len(), 256);
        assert_eq!(key.get("e").unwrap().as_str(), Some("AQAB"));
    }
}
