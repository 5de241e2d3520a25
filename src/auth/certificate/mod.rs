//! An application that proves itself by a certificate.
//!
//! The key signs a short statement for each token request; the key itself stays here. Certificates are renewed while programs run for months,
//! and the libraries in use read the file once: here it is read again when it has changed, so that nobody has to restart anything. A file that
//! is half written at that moment leaves the old key in place.

mod contents;
mod der;
mod identity;
mod password;
mod pem;
mod pfx;
mod x509;

#[cfg(test)]
mod tests;

use super::{
    Ask, Proof, Wire,
    app::{assertion_fields, digest},
};
use crate::{
    clock::BoxFuture,
    error::{Error, Result},
    secret::Secret,
};
use identity::Identity;
use std::{
    fmt,
    fs::{File, Metadata},
    io::Read,
    mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use zeroize::Zeroizing;

/// No key with its chain is larger.
const MAX_FILE: u64 = 1 << 20;

/// How assertions are signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA with PSS padding: what Microsoft asks for.
    #[default]
    Ps256,
    /// RSA with the older padding: for AD FS and old clouds.
    Rs256,
}

impl Algorithm {
    /// The algorithm of that name.
    pub fn named(name: &str) -> Result<Algorithm> {
        match name {
            "PS256" => Ok(Algorithm::Ps256),
            "RS256" => Ok(Algorithm::Rs256),
            _ => Err(Error::setting("algorithm", format!("{name:?} is neither \"PS256\" nor \"RS256\""))),
        }
    }

    /// Its name in an assertion.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Ps256 => "PS256",
            Algorithm::Rs256 => "RS256",
        }
    }
}

/// Where key and certificate are.
pub enum CertificateSource {
    /// In a file, which is read again when it changes.
    Path(PathBuf),
    /// What such a file holds. Wiped after use.
    Bytes(Vec<u8>),
}

impl fmt::Debug for CertificateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CertificateSource::Path(path) => f.debug_tuple("Path").field(path).finish(),
            CertificateSource::Bytes(_) => f.write_str("Bytes(***)"),
        }
    }
}

/// A certificate, and how to use it.
#[derive(Debug)]
pub struct CertificateOptions {
    /// Where key and certificate are: PEM or PFX.
    pub source: CertificateSource,
    /// Opens an encrypted key or file.
    pub password: Option<Secret>,
    /// How to sign.
    pub algorithm: Algorithm,
    /// Names the certificate by SHA-1 instead of SHA-256: for AD FS and old clouds.
    pub thumbprint_sha1: bool,
    /// Sends the certificates along, so that the application can trust an issuer and a subject instead of one certificate.
    pub send_certificate_chain: bool,
}

impl CertificateOptions {
    /// A certificate, used as Microsoft recommends.
    pub fn new(source: CertificateSource) -> CertificateOptions {
        CertificateOptions { source, password: None, algorithm: Algorithm::Ps256, thumbprint_sha1: false, send_certificate_chain: false }
    }
}

/// Proof by certificate.
pub struct Certificate {
    options: CertificateOptions,
    fingerprint: [u8; 32],
    current: Mutex<Loaded>,
}

/// What was read last.
struct Loaded {
    identity: Arc<Identity>,
    /// Size and time of change of the file; `None` if it is none.
    stamp: Option<Stamp>,
    digest: [u8; 32],
}

type Stamp = (u64, Option<SystemTime>);

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads key and certificate, and checks that they belong together.
    pub fn new(mut options: CertificateOptions) -> Result<Certificate> {
        let (bytes, stamp) = match &mut options.source {
            CertificateSource::Path(path) => {
                let (bytes, metadata) = read(path)?;
                if is_open_to_others(&metadata) {
                    tracing::warn!(target: "xdrkit", "{} holds a private key and can be read by other users: chmod 600 it", path.display());
                }
                (bytes, Some(stamp(&metadata)))
            }
            CertificateSource::Bytes(bytes) => (Zeroizing::new(mem::take(bytes)), None),
        };
        let loaded = load(&options, &bytes, stamp)?;
        let subject: &[&[u8]] = match &options.source {
            // Whatever a file holds later, it is the same program's: tokens by one path are as good as each other.
            CertificateSource::Path(path) => &[b"path", path.as_os_str().as_encoded_bytes()],
            CertificateSource::Bytes(_) => &[b"bytes", &loaded.digest],
        };
        let how = [u8::from(options.thumbprint_sha1), u8::from(options.send_certificate_chain)];
        let fingerprint = digest(&[&digest(subject), options.algorithm.name().as_bytes(), &how]);
        Ok(Certificate { options, fingerprint, current: Mutex::new(loaded) })
    }

    fn current(&self) -> MutexGuard<'_, Loaded> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key to sign with: from the file, if that has changed.
    fn identity(&self) -> Arc<Identity> {
        if let CertificateSource::Path(path) = &self.options.source {
            let now = std::fs::metadata(path).ok().map(|m| stamp(&m));
            let known = self.current().stamp;
            if now.is_some() && now != known {
                self.read_again(path);
            }
        }
        self.current().identity.clone()
    }

    /// Reads the file; tells whether there is another key now.
    fn read_again(&self, path: &Path) -> bool {
        let loaded = read(path).and_then(|(bytes, metadata)| load(&self.options, &bytes, Some(stamp(&metadata))));
        match loaded {
            Ok(loaded) => {
                let mut current = self.current();
                let changed = current.digest != loaded.digest;
                *current = loaded;
                changed
            }
            Err(error) => {
                tracing::warn!(target: "xdrkit", "the certificate has changed and cannot be read; the old one is used on: {error}");
                false
            }
        }
    }
}

impl Proof for Certificate {
    fn kind(&self) -> &'static str {
        "certificate"
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        Some(self.fingerprint)
    }

    fn fields<'a>(&'a self, _: &'a Wire, ask: &'a Ask<'a>) -> BoxFuture<'a, Result<Vec<(&'static str, Secret)>>> {
        Box::pin(async move {
            let identity = self.identity();
            match identity.out_of_time(ask.now) {
                Some(what) => {
                    Err(error(&self.options.source, &what).hint("register a new certificate with the application and put it here"))
                }
                None => assertion_fields(identity.assertion(ask)?),
            }
        })
    }

    fn reload(&self) -> bool {
        match &self.options.source {
            CertificateSource::Path(path) => self.read_again(path),
            CertificateSource::Bytes(_) => false,
        }
    }
}

fn load(options: &CertificateOptions, bytes: &[u8], stamp: Option<Stamp>) -> Result<Loaded> {
    let identity = Identity::read(bytes, options).map_err(|fault| fault.told(options))?;
    Ok(Loaded { identity: Arc::new(identity), stamp, digest: digest(&[bytes]) })
}

/// A file's bytes with its facts.
fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Metadata)> {
    let wrong = |what: &str| Error::setting("certificate_path", format!("{}: {what}", path.display()));
    let cannot = |e: std::io::Error| wrong(&format!("cannot be read: {e}")).hint("name a PEM or PFX file that this user may read");
    // A pipe would be waited for.
    if !std::fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(wrong("is no file").hint("name a PEM or PFX file"));
    }
    let file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    if metadata.len() > MAX_FILE {
        return Err(wrong("is larger than 1 MiB").hint("a key with its certificates is some kilobytes: is it the right file?"));
    }
    // All at once: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(cannot)?;
    Ok((bytes, metadata))
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata) -> bool {
    false
}

fn error(source: &CertificateSource, what: &str) -> Error {
    match source {
        CertificateSource::Path(path) => Error::setting("certificate_path", format!("{}: {what}", path.display())),
        CertificateSource::Bytes(_) => Error::setting("certificate", what),
    }
}

/// What is wrong with a file.
#[derive(Debug)]
enum Fault {
    WrongPassword,
    Other { what: String, hint: &'static str },
}

impl Fault {
    /// What it is, and what to do.
    fn new(what: impl Into<String>, hint: &'static str) -> Fault {
        Fault::Other { what: what.into(), hint }
    }

    fn damaged() -> Fault {
        Fault::new("is damaged, or of a form that is not known here", "take the file anew from its source")
    }

    fn unknown_encryption() -> Fault {
        Fault::new(
            "is encrypted in a way that is not known here",
            "convert it: openssl pkcs12 -in OLD.pfx -nodes -out NEW.pem, or openssl pkcs8 -topk8 -in OLD.pem -out KEY.pem",
        )
    }

    fn no_key() -> Fault {
        Fault::new("holds no private key", "the file needs the certificate and its private key: export both, as PFX or PEM")
    }

    fn no_certificate() -> Fault {
        Fault::new("holds no certificate", "the file needs the private key and its certificate: put both into one file")
    }

    fn foreign_key() -> Fault {
        Fault::new("holds a private key that belongs to none of its certificates", "put the key and its own certificate into one file")
    }

    fn key(what: &str) -> Fault {
        Fault::new(
            format!("holds a private key that {what}"),
            "Entra ID takes assertions by RSA keys of 2048 to 4096 bits: make a certificate with such a key",
        )
    }

    /// As an error that names the setting.
    fn told(self, options: &CertificateOptions) -> Error {
        match self {
            Fault::Other { what, hint } => error(&options.source, &what).hint(hint),
            Fault::WrongPassword => {
                let what = match &options.password {
                    Some(password) if !password.is_empty() => "does not open the certificate's key",
                    _ => "is missing: the certificate's key is encrypted",
                };
                Error::setting("certificate_password", what).hint("it is the password that was given when the file was exported")
            }
        }
    }
}
