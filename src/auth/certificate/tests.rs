//! Real files, made by OpenSSL and Java (`tests/data/certificates/make.sh`), and signatures checked by a verifier.

use super::*;
use crate::{
    auth::{App, Authority, Credential, Wanted},
    clock::{Clock, VirtualClock, epoch_seconds},
    error::Kind,
    json::{self, Value},
    pipeline::transport::{Answer, Failure, Transport},
    request::Request,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256},
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm},
};
use std::{collections::VecDeque, time::Duration};
use url::Url;

/// 2030.
const NOW: i64 = 1_893_456_000;
const PASSWORD: &str = "correct-horse";

macro_rules! file {
    ($name:literal) => {
        &include_bytes!(concat!("../../../tests/data/certificates/", $name))[..]
    };
}

fn options(bytes: &[u8], password: &str) -> CertificateOptions {
    let password = (!password.is_empty()).then(|| Secret::new(password));
    CertificateOptions { password, ..CertificateOptions::new(CertificateSource::Bytes(bytes.to_vec())) }
}

fn opened(bytes: &[u8], password: &str) -> Result<Certificate> {
    Certificate::new(options(bytes, password))
}

/// Header and claims of an assertion whose signature is by the key of a certificate.
fn verified(assertion: &str, certificate: &[u8], algorithm: &'static dyn VerificationAlgorithm) -> (Value, Value) {
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let (header, claims) = text.split_once('.').unwrap();
    let key = x509::X509::read(certificate).unwrap().public_key;
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(algorithm, key).verify(text.as_bytes(), &signature).unwrap();
    let part = |text: &str| json::parse(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (part(header), part(claims))
}

fn token_url() -> Url {
    Url::parse("https://login.microsoftonline.us/t/oauth2/v2.0/token").unwrap()
}

fn assertion_at(certificate: &Certificate, now: i64) -> Result<String> {
    let ask = Ask { token_url: &token_url(), client_id: "app", now };
    let wire = Wire::over(Arc::new(Script::default()), VirtualClock::shared());
    let fields = futures_ready(certificate.fields(&wire, &ask))?;
    let [(kind, _), (name, assertion)] = &fields[..] else { panic!("two fields") };
    assert_eq!((*kind, *name), ("client_assertion_type", "client_assertion"));
    Ok(assertion.expose().to_owned())
}

/// The result of a future that waits for nothing.
fn futures_ready<T>(mut future: BoxFuture<'_, T>) -> T {
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[derive(Debug, Default)]
struct Script {
    steps: Mutex<VecDeque<(u16, &'static str)>>,
    sent: Mutex<Vec<String>>,
    between: Mutex<Option<(PathBuf, Vec<u8>)>>,
}

impl Transport for Script {
    fn send(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        let body = request.body.unwrap();
        let assertion = url::form_urlencoded::parse(&body).find(|(k, _)| k == "client_assertion").unwrap().1.into_owned();
        self.sent.lock().unwrap().push(assertion);
        if let Some((path, content)) = self.between.lock().unwrap().take() {
            std::fs::write(path, content).unwrap();
        }
        let (status, body) = self.steps.lock().unwrap().pop_front().expect("more requests than the script has");
        Box::pin(async move { Ok(Answer { status, headers: http::HeaderMap::new(), body: body.into() }) })
    }
}

#[test]
fn every_form_that_people_have_is_opened_and_signs() {
    for (name, bytes, password) in [
        ("PKCS#8", file!("leaf.pem"), ""),
        ("PKCS#8, needless password", file!("leaf.pem"), PASSWORD),
        ("PKCS#1", file!("pkcs1.pem"), ""),
        ("chain in disorder, Windows lines", file!("chain-in-disorder.pem"), ""),
        ("encrypted, AES", file!("encrypted.pem"), PASSWORD),
        ("encrypted, triple DES and SHA-1", file!("encrypted-3des.pem"), PASSWORD),
        ("encrypted, PKCS#12's way", file!("encrypted-pbes1.pem"), PASSWORD),
        ("PFX, AES", file!("aes.pfx"), PASSWORD),
        ("PFX, triple DES and RC2-40", file!("legacy.pfx"), PASSWORD),
        ("PFX, RC2-128 and double DES", file!("legacy-odd.pfx"), PASSWORD),
        ("PFX by Java", file!("java.pfx"), PASSWORD),
        ("PFX, empty password", file!("empty-password.pfx"), ""),
        ("PFX, no password", file!("no-password.pfx"), ""),
        ("PFX, no seal", file!("no-mac.pfx"), PASSWORD),
        ("PFX, nothing encrypted, SHA-512", file!("plain-bags.pfx"), PASSWORD),
        ("PFX, sealed by PBMAC1", file!("pbmac1.pfx"), PASSWORD),
        ("PFX, other letters", file!("unicode.pfx"), "pässwörd-€"),
        ("PFX, old, other letters", file!("unicode-legacy.pfx"), "pässwörd-€"),
    ] {
        let certificate = opened(bytes, password).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        verified(&assertion_at(&certificate, NOW).unwrap(), file!("leaf.der"), &RSA_PSS_2048_8192_SHA256);
    }
}

#[test]
fn a_pfx_in_the_loosest_form_is_opened() {
    let mut loose = Vec::new();
    der::tests::loose(file!("aes.pfx"), &mut loose);
    assert_ne!(loose, file!("aes.pfx"));
    let certificate = opened(&loose, PASSWORD).unwrap();
    verified(&assertion_at(&certificate, NOW).unwrap(), file!("leaf.der"), &RSA_PSS_2048_8192_SHA256);
}

#[test]
fn an_assertion_says_what_microsoft_asks_for() {
    let certificate = opened(file!("leaf.pem"), "").unwrap();
    let (header, claims) = verified(&assertion_at(&certificate, NOW).unwrap(), file!("leaf.der"), &RSA_PSS_2048_8192_SHA256);
    let thumbprint = URL_SAFE_NO_PAD.encode(ring::digest::digest(&SHA256, file!("leaf.der")));
    assert_eq!(header.to_string(), format!(r#"{{"alg":"PS256","typ":"JWT","x5t#S256":"{thumbprint}"}}"#));
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap();
    assert_eq!((text("iss"), text("sub"), text("aud")), ("app", "app", "https://login.microsoftonline.us/t/oauth2/v2.0/token"));
    let number = |name: &str| claims.get(name).and_then(Value::as_i64).unwrap();
    assert_eq!((number("nbf"), number("iat"), number("exp")), (NOW, NOW, NOW + 600));
    let (_, again) = verified(&assertion_at(&certificate, NOW).unwrap(), file!("leaf.der"), &RSA_PSS_2048_8192_SHA256);
    assert_ne!(again.get("jti"), claims.get("jti"), "a strict server takes an assertion once");
}

#[test]
fn older_servers_get_what_they_know() {
    let options = CertificateOptions { algorithm: Algorithm::Rs256, thumbprint_sha1: true, ..options(file!("leaf.pem"), "") };
    let certificate = Certificate::new(options).unwrap();
    let (header, _) = verified(&assertion_at(&certificate, NOW).unwrap(), file!("leaf.der"), &RSA_PKCS1_2048_8192_SHA256);
    let thumbprint = URL_SAFE_NO_PAD.encode(ring::digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, file!("leaf.der")));
    assert_eq!(header.to_string(), format!(r#"{{"alg":"RS256","typ":"JWT","x5t":"{thumbprint}"}}"#));
}

#[test]
fn the_chain_is_sent_leaf_first_whatever_the_order_of_the_file() {
    let expected: Vec<String> =
        [file!("leaf.der"), file!("issuing.der"), file!("middle.der"), file!("root.der")].iter().map(|d| STANDARD.encode(d)).collect();
    for (bytes, password) in [(file!("chain-in-disorder.pem"), ""), (file!("aes.pfx"), PASSWORD), (file!("java.pfx"), PASSWORD)] {
        let options = CertificateOptions { send_certificate_chain: true, ..options(bytes, password) };
        let assertion = assertion_at(&Certificate::new(options).unwrap(), NOW).unwrap();
        let (header, _) = verified(&assertion, file!("leaf.der"), &RSA_PSS_2048_8192_SHA256);
        assert_eq!(header.get("x5c"), Some(&Value::from(expected.clone())));
    }
}

#[test]
fn what_cannot_be_used_is_told_apart() {
    let cut = &file!("aes.pfx")[..4000];
    for (bytes, password, setting, says) in [
        (file!("ec.pem"), "", "certificate", "an EC key"),
        (file!("ec-sec1.pem"), "", "certificate", "an EC key"),
        (file!("proc-type.pem"), PASSWORD, "certificate", "Proc-Type"),
        (file!("foreign-key.pem"), "", "certificate", "belongs to none"),
        (file!("key-only.pem"), "", "certificate", "no certificate"),
        (file!("certificates-only.pem"), "", "certificate", "no private key"),
        (file!("no-key.pfx"), PASSWORD, "certificate", "no private key"),
        (file!("leaf.der"), "", "certificate", "no private key"),
        (file!("encrypted-scrypt.pem"), PASSWORD, "certificate", "not known here"),
        (file!("aes.pfx"), "canary", "certificate_password", "does not open"),
        (file!("legacy.pfx"), "canary", "certificate_password", "does not open"),
        (file!("plain-bags.pfx"), "canary", "certificate_password", "does not open"),
        (file!("pbmac1.pfx"), "canary", "certificate_password", "does not open"),
        (file!("no-mac.pfx"), "canary", "certificate_password", "does not open"),
        (file!("encrypted.pem"), "canary", "certificate_password", "does not open"),
        (file!("encrypted.pem"), "", "certificate_password", "is missing"),
        (file!("aes.pfx"), "", "certificate_password", "is missing"),
        (cut, PASSWORD, "certificate", "neither PEM nor PFX"),
        (b"canary", "", "certificate", "neither PEM nor PFX"),
        (b"", "", "certificate", "neither PEM nor PFX"),
        (b"-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "", "certificate", "no base64"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nAQID\n-----END RSA PRIVATE KEY-----", "", "certificate", "cannot be used"),
    ] {
        let error = opened(bytes, password).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert_eq!(error.facts().details.get("argument").and_then(Value::as_str), Some(setting), "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.facts().hint.is_some(), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn nothing_is_sent_by_a_certificate_out_of_its_time() {
    let error = assertion_at(&opened(file!("expired.pem"), "").unwrap(), NOW).unwrap_err();
    assert!(error.to_string().contains("expired on 2021-02-03T04:05:06Z") && error.kind() == Kind::Configuration, "{error}");
    let early = assertion_at(&opened(file!("leaf.pem"), "").unwrap(), 1_500_000_000).unwrap_err();
    assert!(early.to_string().contains("not valid before 2025-01-01T00:00:00Z"), "{early}");
    let renewed = opened(file!("certified-twice.pem"), "").unwrap();
    verified(&assertion_at(&renewed, NOW).unwrap(), file!("leaf.der"), &RSA_PSS_2048_8192_SHA256);
}

#[test]
fn nothing_of_key_and_password_shows() {
    let password = "correct-horse";
    let given = options(file!("encrypted.pem"), password);
    let shown = format!("{given:?} {:?}", Certificate::new(options(file!("encrypted.pem"), password)).unwrap());
    assert!(!shown.contains(password) && !shown.contains("45, 45, 45"), "{shown}");
}

#[test]
fn certificates_are_the_same_only_if_the_key_and_its_use_are() {
    let print = |options| Certificate::new(options).unwrap().fingerprint().unwrap();
    let one = print(options(file!("leaf.pem"), ""));
    assert_eq!(one, print(options(file!("leaf.pem"), "")));
    assert_ne!(one, print(options(file!("renewed.pem"), "")));
    assert_ne!(one, print(CertificateOptions { send_certificate_chain: true, ..options(file!("leaf.pem"), "") }));
    assert_ne!(one, print(CertificateOptions { algorithm: Algorithm::Rs256, ..options(file!("leaf.pem"), "") }));
}

#[test]
fn an_algorithm_has_a_name() {
    for algorithm in [Algorithm::Ps256, Algorithm::Rs256] {
        assert_eq!(Algorithm::named(algorithm.name()).unwrap(), algorithm);
    }
    assert!(Algorithm::named("none").is_err());
}

struct Scratch(PathBuf);

impl Scratch {
    fn with(content: &[u8]) -> Scratch {
        let path = std::env::temp_dir().join(format!("xdrkit-{}", crate::clock::random_guid()));
        std::fs::write(&path, content).unwrap();
        Scratch(path)
    }

    fn open(&self) -> Certificate {
        Certificate::new(CertificateOptions::new(CertificateSource::Path(self.0.clone()))).unwrap()
    }

    /// Another content, at a time that differs from the last one whatever the file system's clock does.
    fn write(&self, content: &[u8], seconds: u64) {
        std::fs::write(&self.0, content).unwrap();
        let file = File::options().write(true).open(&self.0).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether the certificate signs with the leaf's key (or else the renewed one's).
fn signs_as_leaf(assertion: &str) -> bool {
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let key = x509::X509::read(file!("leaf.der")).unwrap().public_key;
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key).verify(text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).is_ok()
}

#[test]
fn a_file_that_changes_is_read_again_and_one_that_breaks_is_not_believed() {
    let file = Scratch::with(file!("leaf.pem"));
    let certificate = file.open();
    let as_leaf = || signs_as_leaf(&assertion_at(&certificate, NOW).unwrap());
    assert!(as_leaf());
    file.write(file!("renewed.pem"), 1_000_000);
    assert!(!as_leaf(), "the new key is used without a restart");
    file.write(&file!("leaf.pem")[..1000], 1_000_001);
    assert!(!as_leaf(), "half a file is not believed");
    std::fs::remove_file(&file.0).unwrap();
    assert!(!as_leaf());
    file.write(file!("leaf.pem"), 1_000_002);
    assert!(as_leaf());
    assert!(!certificate.reload(), "it is the same file");
}

#[test]
fn after_a_refusal_the_content_counts_and_not_its_time() {
    let file = Scratch::with(file!("leaf.pem"));
    file.write(file!("leaf.pem"), 1_000_000);
    let certificate = file.open();
    // Of the same length and time: nothing to be seen from outside.
    let renewed = [file!("renewed.pem"), b"\n".repeat(9000).as_slice()].concat()[..9000].to_vec();
    let leaf = [file!("leaf.pem"), b"\n".repeat(9000).as_slice()].concat()[..9000].to_vec();
    file.write(&leaf, 1_000_000);
    assert!(signs_as_leaf(&assertion_at(&certificate, NOW).unwrap()));
    file.write(&renewed, 1_000_000);
    assert!(signs_as_leaf(&assertion_at(&certificate, NOW).unwrap()));
    assert!(certificate.reload());
    assert!(!signs_as_leaf(&assertion_at(&certificate, NOW).unwrap()));
    assert!(!opened(file!("leaf.pem"), "").unwrap().reload());
}

#[tokio::test]
async fn a_refusal_is_answered_once_with_the_key_that_lies_there_meanwhile() {
    const REFUSED: (u16, &str) = (401, r#"{"error":"invalid_client","error_description":"AADSTS700027: unknown key"}"#);
    const GRANTED: (u16, &str) = (200, r#"{"access_token":"at","expires_in":3600}"#);
    let file = Scratch::with(file!("leaf.pem"));
    let authority = Authority::new("login.microsoftonline.com", "11111111-2222-3333-4444-555555555555", false).unwrap();
    let app = App::new(authority, "app", file.open()).unwrap();
    let clock = VirtualClock::shared();
    clock.advance(Duration::from_secs((NOW - epoch_seconds(&*clock)).max(0) as u64));
    let clock: Arc<dyn Clock> = clock;
    let script = Arc::new(Script::default());
    script.steps.lock().unwrap().extend([REFUSED, GRANTED]);
    *script.between.lock().unwrap() = Some((file.0.clone(), file!("renewed.pem").to_vec()));
    let wire = Wire::over(script.clone(), clock);
    let grant = app.acquire(&wire, &Wanted::audience("https://a.example")).await.unwrap();
    assert_eq!(grant.token.expose(), "at");
    let sent = std::mem::take(&mut *script.sent.lock().unwrap());
    assert_eq!(sent.iter().map(|a| signs_as_leaf(a)).collect::<Vec<_>>(), [true, false]);
    script.steps.lock().unwrap().extend([REFUSED]);
    let error = app.acquire(&wire, &Wanted::audience("https://a.example")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    assert!(!format!("{error:?} {app:?}").contains(&sent[0]));
}

#[test]
fn a_path_that_leads_to_no_usable_file_is_named() {
    let at = |path: &Path| Certificate::new(CertificateOptions::new(CertificateSource::Path(path.to_owned()))).unwrap_err();
    let missing = at(Path::new("/nowhere/xdrkit.pem"));
    assert!(missing.to_string().contains("certificate_path: /nowhere/xdrkit.pem: cannot be read"), "{missing}");
    assert!(at(&std::env::temp_dir()).to_string().contains("is no file"));
    let large = Scratch::with(&vec![b'x'; MAX_FILE as usize + 1]);
    assert!(at(&large.0).to_string().contains("larger than 1 MiB"));
    let nonsense = Scratch::with(b"canary");
    let error = at(&nonsense.0);
    assert!(error.to_string().contains(nonsense.0.to_str().unwrap()) && !error.to_string().contains("canary"));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_noticed() {
    use std::os::unix::fs::PermissionsExt;
    let file = Scratch::with(file!("leaf.pem"));
    for (mode, open) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        std::fs::set_permissions(&file.0, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(is_open_to_others(&std::fs::metadata(&file.0).unwrap()), open, "{mode:o}");
    }
}
