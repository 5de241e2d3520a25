//! Machines outside of Azure that Azure Arc manages.
//!
//! The agent proves who asks by a file that only its own group can read: it names the file, and wants its content. Whoever answers at the
//! agent's port thus chooses a file of ours to be read and sent, so that the name is believed only in the agent's own directory. And older
//! agents ignore which identity is asked for, so that the answer has to name it.

use super::{Identity, ManagedIdentity, ask::hidden};
use crate::{
    auth::Wire,
    error::{Error, Kind, Result},
    json::Value,
    pipeline::transport::Answer,
    request::Request,
    secret::Secret,
};
use http::{HeaderMap, header};
use std::{
    fs::{self, File},
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

const MAX_KEY: u64 = 4096;

impl ManagedIdentity {
    /// The token's answer, after the challenge.
    pub(super) async fn ask_arc(&self, wire: &Wire, mut request: Request, identity: Option<&Identity>) -> Result<(Answer, Value)> {
        let challenge = self.place.send(wire, &request).await?;
        if challenge.status != 401 {
            self.place.body(wire, &challenge, identity, None)?;
            return Err(self.distrust("what listens at the agent's address did not ask for its key, which the agent always does"));
        }
        let named = realm(&challenge.headers).ok_or_else(|| self.distrust("the agent's challenge names no key file"))?;
        let key = self.key(&named)?;
        let basic = Secret::new(format!("Basic {}", key.expose()));
        let value = hidden(&basic).ok_or_else(|| self.distrust("the key file holds what no header can hold"))?;
        request.headers.insert(header::AUTHORIZATION, value);
        let answer = self.place.send(wire, &request).await?;
        let body = self.place.body(wire, &answer, identity, Some(&key))?;
        match identity {
            Some(identity) if !confirms(&body, identity) => Err(self
                .distrust(&format!("the agent did not confirm that the token is for {}", identity.value()))
                .hint("agents before 1.67 know the machine's own identity only: update the agent, or leave the identity away")),
            _ => Ok((answer, body)),
        }
    }

    fn distrust(&self, what: &str) -> Error {
        self.place
            .error(Kind::Authentication, what)
            .hint("azcmagent check says whether the agent is well; only it may listen on port 40342")
    }

    /// The content of the key file, if that lies where the agent puts them.
    fn key(&self, named: &str) -> Result<Secret> {
        let directory = self.machine.keys.as_deref().ok_or_else(|| self.distrust("Azure Arc manages Linux and Windows only"))?;
        let refuse = |why: &str| self.distrust(&format!("the agent named the key file {named:?}, which is not read: {why}"));
        let path = Path::new(named);
        if !path.is_absolute() || path.parent() != Some(directory) || path.file_name().is_none() {
            return Err(refuse(&format!("it is not in {}", directory.display())));
        }
        if path.extension().is_none_or(|e| e != "key") {
            return Err(refuse("it does not end in .key"));
        }
        let real = self.real(path)?;
        if real.parent() != Some(self.real(directory)?.as_path()) || real.extension().is_none_or(|e| e != "key") {
            return Err(refuse("it is a link to another place"));
        }
        let about = fs::metadata(&real).map_err(|e| self.unreadable(path, &e))?;
        if !about.is_file() || about.len() > MAX_KEY {
            return Err(refuse("it is no file of at most 4096 bytes"));
        }
        let mut text = String::new();
        let file = File::open(&real).map_err(|e| self.unreadable(path, &e))?;
        file.take(MAX_KEY).read_to_string(&mut text).map_err(|e| self.unreadable(path, &e))?;
        let text = Secret::new(text);
        let key = Secret::new(text.expose().trim_end());
        if key.is_empty() { Err(refuse("it is empty")) } else { Ok(key) }
    }

    fn real(&self, path: &Path) -> Result<PathBuf> {
        path.canonicalize().map_err(|e| self.unreadable(path, &e))
    }

    fn unreadable(&self, path: &Path, error: &std::io::Error) -> Error {
        // Another way to sign in may be there for users whom the agent does not know.
        let kind = if error.kind() == ErrorKind::PermissionDenied { Kind::CredentialUnavailable } else { Kind::Authentication };
        let hint = "the user of this process needs to be in the group \"himds\" (Linux: sudo usermod -aG himds NAME, then sign in again) or \
                    \"Hybrid agent extension applications\" (Windows)";
        self.place.error(kind, format!("the key file {} cannot be read: {}", path.display(), error.kind())).hint(hint)
    }
}

/// The file that a `Basic` challenge names as its realm.
fn realm(headers: &HeaderMap) -> Option<String> {
    headers.get_all(header::WWW_AUTHENTICATE).into_iter().filter_map(|v| v.to_str().ok()).find_map(|challenge| {
        let (scheme, rest) = challenge.trim().split_once(' ')?;
        let (name, value) = rest.trim().split_once('=')?;
        let known = scheme.eq_ignore_ascii_case("basic") && name.trim().eq_ignore_ascii_case("realm");
        let value = value.trim();
        let value = value.strip_prefix('"').map_or(Some(value), |v| v.strip_suffix('"'))?;
        (known && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Whether the answer names the identity that was asked for.
fn confirms(body: &Value, identity: &Identity) -> bool {
    let names: &[&str] = match identity {
        Identity::ClientId(_) => &["client_id"],
        Identity::ObjectId(_) => &["object_id"],
        Identity::ResourceId(_) => &["msi_res_id", "mi_res_id"],
    };
    let named = names.iter().find_map(|name| body.get(name).and_then(Value::as_str).filter(|v| !v.is_empty()));
    named.is_some_and(|named| named.eq_ignore_ascii_case(identity.value()))
}
