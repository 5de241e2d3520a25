//! https for the sandbox.
//!
//! Microsoft's own libraries refuse a sign-in authority without TLS, and a test with them that turns the check off proves nothing about
//! certificates. So each sandbox that is asked for https makes an authority of its own, which signs one certificate for the names of
//! loopback and is then thrown away with its key: what trusts it can be fooled by nobody later. The services' own names are in it as
//! well, for programs that know no other and are led here by a proxy.

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// The names under which a loopback server is reached.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The names of what the sandbox stands in for.
const SERVICES: [&str; 9] = [
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "graph.microsoft.com",
    "api.security.microsoft.com",
    "*.api.security.microsoft.com",
    "api.securitycenter.microsoft.com",
    "*.securitycenter.microsoft.com",
    "api.securitycenter.windows.com",
];
/// Days before and after today in which the certificates are good. Some systems refuse a server's for more than 825.
const DAYS: (i64, i64) = (2, 397);

/// What the server needs, and what its callers need.
pub(super) struct Keys {
    pub(super) config: Arc<ServerConfig>,
    /// The authority's certificate, as PEM.
    pub(super) authority: String,
}

/// Makes an authority and a server certificate by it. Both have what strict verifiers (Python 3.13's, rustls') ask for.
pub(super) fn keys() -> io::Result<Keys> {
    let authority_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    let mut params = params(&[], "xdrkit sandbox authority")?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(params, authority_key).map_err(io::Error::other)?;

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
    let mut params = self::params(&[&LOOPBACK[..], &SERVICES[..]].concat(), "xdrkit sandbox")?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server = params.signed_by(&key, &authority).map_err(io::Error::other)?;

    let secret = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|b| b.with_no_client_auth().with_single_cert(vec![server.der().clone()], secret.into()))
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Keys { config: Arc::new(config), authority: pem(authority.der()) })
}

fn params(names: &[&str], common_name: &str) -> io::Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    let day = |(year, month, day): (i32, u8, u8)| date_time_ymd(year, month, day);
    (params.not_before, params.not_after) = (day(date(-DAYS.0)), day(date(DAYS.1)));
    Ok(params)
}

/// Year, month and day, counted from today. The machine's own, whatever the sandbox's clock says: it is the other side's who checks.
fn date(from_now: i64) -> (i32, u8, u8) {
    let today = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let stamp = jiff::Timestamp::from_second(today + from_now * 86_400).unwrap_or_default();
    let date = jiff::tz::TimeZone::UTC.to_datetime(stamp).date();
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while let Some((line, after)) = rest.split_at_checked(64) {
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(rest);
    out.push_str("\n-----END CERTIFICATE-----\n");
    out
}
