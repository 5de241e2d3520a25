//! What the token service remembers: grants of the administrator, and what it gave out to whom.

use std::collections::{BTreeSet, HashMap};

use crate::ops;
use crate::ops::model::Operation;

use super::super::clock::SECOND;
use super::super::jwt;
use super::super::wire::random;
use super::assertion::Certificate;
use super::issue::Asked;
use super::scope::Target;

/// Permissions, and codes and tokens that were given out.
#[derive(Default)]
pub(in crate::sandbox) struct Directory {
    /// What the administrator granted, to the application and to the user.
    granted: BTreeSet<String>,
    pub(super) devices: HashMap<String, Device>,
    pub(super) codes: HashMap<String, Code>,
    refresh: HashMap<String, Refresh>,
    /// Keys of the application.
    pub(super) certificates: Vec<Certificate>,
    /// Subjects of other platforms that may act as the application.
    pub(super) federated: BTreeSet<String>,
    /// Names of client assertions that were presented, and when they end.
    assertions: HashMap<String, i64>,
    /// Who cannot sign in with a password alone, besides those of the options.
    mfa: BTreeSet<String>,
    /// Browsers in which somebody signed in.
    sessions: HashMap<String, String>,
    /// When all sessions were last revoked.
    revoked: Option<i64>,
}

/// A device code.
pub(super) struct Device {
    pub(super) user_code: String,
    pub(super) client: String,
    pub(super) scope: String,
    pub(super) asked: Asked,
    pub(super) expires: i64,
    pub(super) last_poll: Option<i64>,
    pub(super) polls: u32,
    pub(super) state: State,
}

pub(super) enum State {
    Pending,
    Approved(String),
    Denied,
    Redeemed,
}

/// An authorization code.
#[derive(Clone)]
pub(super) struct Code {
    pub(super) client: String,
    pub(super) user: String,
    pub(super) scope: String,
    pub(super) asked: Asked,
    pub(super) redirect: String,
    /// SHA-256 of the verifier, as base64 for URLs.
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) expires: i64,
    pub(super) redeemed: bool,
}

/// A refresh token.
#[derive(Clone)]
pub(super) struct Refresh {
    pub(super) client: String,
    pub(super) user: String,
    /// What all that came from one sign-in have in common.
    pub(super) family: String,
    used: bool,
}

/// Every permission that the declaration knows.
fn known() -> BTreeSet<String> {
    ops::all().flat_map(|op| op.app_permissions.iter().chain(op.delegated_permissions)).map(|p| (*p).to_owned()).collect()
}

impl Directory {
    /// With these permissions granted, or all. Unknown names are given back.
    pub(in crate::sandbox) fn new(permissions: Option<&[String]>) -> Result<Directory, Vec<String>> {
        let known = known();
        let granted = match permissions {
            None => known,
            Some(names) => {
                let strange: Vec<String> = names.iter().filter(|n| !known.contains(*n)).cloned().collect();
                if !strange.is_empty() {
                    return Err(strange);
                }
                names.iter().cloned().collect()
            }
        };
        Ok(Directory { granted, ..Directory::default() })
    }

    /// Grants a permission that the declaration knows.
    pub(in crate::sandbox) fn grant(&mut self, permission: &str) -> bool {
        let fine = known().contains(permission);
        if fine {
            self.granted.insert(permission.to_owned());
        }
        fine
    }

    pub(in crate::sandbox) fn revoke(&mut self, permission: &str) -> bool {
        self.granted.remove(permission)
    }

    /// Grants as at the start; keys, codes and tokens that were given out stay good.
    pub(in crate::sandbox) fn reset(&mut self, fresh: Directory) {
        self.granted = fresh.granted;
        self.mfa = fresh.mfa;
        self.revoked = fresh.revoked;
    }

    pub(in crate::sandbox) fn register(&mut self, certificate: Certificate) {
        self.certificates.push(certificate);
    }

    pub(in crate::sandbox) fn revoke_sessions(&mut self, now: i64, refresh_tokens: bool) {
        self.revoked = Some(now);
        if refresh_tokens {
            self.refresh.clear();
            self.sessions.clear();
        }
    }

    /// When all sessions were last revoked, in ticks.
    pub(in crate::sandbox) fn revoked(&self) -> Option<i64> {
        self.revoked
    }

    /// Always true, so that callers can chain it.
    pub(in crate::sandbox) fn require_mfa(&mut self, user: &str) -> bool {
        self.mfa.insert(user.to_lowercase());
        true
    }

    pub(super) fn wants_mfa(&self, user: &str) -> bool {
        self.mfa.contains(&user.to_lowercase())
    }

    /// What a new token for that resource would carry.
    pub(super) fn permissions(&self, target: Target, user: bool) -> Vec<&str> {
        let Target::Service(service) = target else {
            return if user { vec![super::scope::OWN_SCOPE] } else { Vec::new() };
        };
        let of = |op: &Operation| if user { op.delegated_permissions } else { op.app_permissions };
        let there: BTreeSet<&str> = ops::all().filter(|op| op.service == service).flat_map(of).copied().collect();
        self.granted.iter().map(String::as_str).filter(|p| there.contains(p)).collect()
    }

    /// Answers a person's device code.
    pub(in crate::sandbox) fn decide(&mut self, user_code: &str, user: Option<String>, now: i64) -> bool {
        let wanted = user_code.trim().to_ascii_uppercase();
        let open = |d: &&mut Device| d.user_code == wanted && d.expires > now && matches!(d.state, State::Pending);
        let Some(device) = self.devices.values_mut().find(open) else { return false };
        device.state = user.map_or(State::Denied, State::Approved);
        true
    }

    /// Makes room; what is over is told apart from what never was for another hour.
    pub(super) fn forget_old(&mut self, now: i64) {
        let over = now - 3600 * SECOND;
        self.devices.retain(|_, d| d.expires > over);
        self.codes.retain(|_, c| c.expires > over);
        self.assertions.retain(|_, end| *end > now);
    }

    /// Notes a client assertion's name; false: it was there.
    pub(super) fn first_time(&mut self, assertion: &str, ends: i64) -> bool {
        self.assertions.insert(assertion.to_owned(), ends).is_none()
    }

    /// A new refresh token.
    pub(super) fn give_refresh(&mut self, client: &str, user: &str, family: &str) -> String {
        let token = jwt::encode(&random::<64>());
        let entry = Refresh { client: client.to_owned(), user: user.to_owned(), family: family.to_owned(), used: false };
        self.refresh.insert(token.clone(), entry);
        token
    }

    /// Takes a refresh token for an exchange. Where each is good once, using one again ends its whole family.
    pub(super) fn take_refresh(&mut self, token: &str, client: &str, strictly: bool) -> Option<Refresh> {
        let entry = self.refresh.get_mut(token).filter(|entry| entry.client == client)?;
        let before = entry.clone();
        entry.used = true;
        if strictly && before.used {
            self.refresh.retain(|_, other| other.family != before.family);
            return None;
        }
        Some(before)
    }

    /// Remembers who signed in, in a browser; the value of its cookie.
    pub(super) fn open_session(&mut self, user: &str) -> String {
        let id = jwt::encode(&random::<24>());
        self.sessions.insert(id.clone(), user.to_owned());
        id
    }

    pub(super) fn session(&self, id: &str) -> Option<String> {
        self.sessions.get(id).cloned()
    }
}
