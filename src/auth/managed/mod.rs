//! Managed identities: the platform signs the program in, and no secret is in anybody's hands.
//!
//! Every platform of Azure has an endpoint on the machine itself or next to it; they agree on nothing but that a `resource` goes in and JSON
//! comes out. Which platform it is follows from the variables that it sets ([`platform`]); all questions go out directly, never through a
//! proxy, since what answers is only right if it is near. None of these endpoints knows tenants or claims.

mod arc;
mod ask;
mod expiry;
mod imds;
mod platform;
#[cfg(test)]
mod tests;

use super::{Credential, Grant, Wanted, Wire, app::digest};
use crate::{
    clock::BoxFuture,
    error::{Error, Result},
};
use platform::{Machine, Place, Platform};
use std::sync::atomic::AtomicBool;

/// A user-assigned identity, by one of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By its application's id.
    ClientId(String),
    /// By its principal's id.
    ObjectId(String),
    /// By its path in Azure: `/subscriptions/…/userAssignedIdentities/NAME`.
    ResourceId(String),
}

impl Identity {
    fn value(&self) -> &str {
        match self {
            Identity::ClientId(id) | Identity::ObjectId(id) | Identity::ResourceId(id) => id,
        }
    }

    /// What users call it.
    fn setting(&self) -> &'static str {
        match self {
            Identity::ClientId(_) => "client_id",
            Identity::ObjectId(_) => "object_id",
            Identity::ResourceId(_) => "resource_id",
        }
    }

    fn check(&self) -> Result<()> {
        let (right, form) = match self {
            Identity::ClientId(id) | Identity::ObjectId(id) => (is_guid(id), "a GUID such as \"11111111-2222-3333-4444-555555555555\""),
            Identity::ResourceId(id) => (
                is_resource_id(id),
                "a path such as \"/subscriptions/GUID/resourceGroups/NAME/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME\"",
            ),
        };
        if right { Ok(()) } else { Err(Error::setting(self.setting(), format!("{:?} names no identity; it is {form}", self.value()))) }
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.bytes().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

fn is_resource_id(text: &str) -> bool {
    let name = |s: &str| {
        (1..=128).contains(&s.len())
            && s.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c))
            && s.chars().any(char::is_alphanumeric)
    };
    let is = |s: &str, word: &str| s.eq_ignore_ascii_case(word);
    match text.split('/').collect::<Vec<_>>().as_slice() {
        ["", s, id, g, group, p, provider, kind, identity] => {
            is(s, "subscriptions")
                && is_guid(id)
                && is(g, "resourceGroups")
                && name(group)
                && is(p, "providers")
                && is(provider, "Microsoft.ManagedIdentity")
                && is(kind, "userAssignedIdentities")
                && name(identity)
        }
        _ => false,
    }
}

/// The identity of the platform that this program runs on.
#[derive(Debug)]
pub struct ManagedIdentity {
    place: Place,
    identity: Option<Identity>,
    machine: Machine,
    /// Whether the metadata service is known to be there.
    seen: AtomicBool,
}

impl ManagedIdentity {
    /// Finds the platform by its variables; nothing is asked yet. Without an identity it is the system-assigned one.
    pub fn new(environment: &dyn Fn(&str) -> Option<String>, identity: Option<Identity>) -> Result<ManagedIdentity> {
        ManagedIdentity::on(&Machine::this(environment), environment, identity)
    }

    /// With Arc's keys in another folder: for tests, which leave the machine's own alone.
    pub(crate) fn with_arc_keys(
        environment: &dyn Fn(&str) -> Option<String>,
        identity: Option<Identity>,
        keys: &std::path::Path,
    ) -> Result<ManagedIdentity> {
        let machine = Machine { keys: Some(keys.to_owned()), ..Machine::this(environment) };
        ManagedIdentity::on(&machine, environment, identity)
    }

    fn on(machine: &Machine, environment: &dyn Fn(&str) -> Option<String>, identity: Option<Identity>) -> Result<ManagedIdentity> {
        if let Some(identity) = &identity {
            identity.check()?;
        }
        let mut place = platform::detect(environment, machine)?;
        let identity = identity.or(place.default.take());
        if let Some(identity) = &identity {
            place.platform.parameter(identity)?;
        }
        tracing::debug!(target: "xdrkit", "{}, {}", place.platform.kind(), place.found);
        Ok(ManagedIdentity { place, identity, machine: machine.clone(), seen: AtomicBool::new(false) })
    }
}

impl Credential for ManagedIdentity {
    fn kind(&self) -> &'static str {
        self.place.platform.kind()
    }

    fn client_id(&self) -> Option<&str> {
        match &self.identity {
            Some(Identity::ClientId(id)) => Some(id),
            _ => None,
        }
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        let (name, id) = self.identity.as_ref().map_or(("", String::new()), |i| (i.setting(), i.value().to_ascii_lowercase()));
        Some(digest(&[self.kind().as_bytes(), self.place.url.as_str().as_bytes(), name.as_bytes(), id.as_bytes()]))
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let identity = self.identity.as_ref();
            let request = self.place.request(wire, identity, wanted.resource()?)?;
            let (answer, body) = match self.place.platform {
                Platform::Arc => self.ask_arc(wire, request, identity).await?,
                Platform::Imds => {
                    let answer = self.ask_imds(wire, &request).await?;
                    self.judge_imds(&answer, identity)?;
                    let body = self.place.body(wire, &answer, identity, None)?;
                    (answer, body)
                }
                _ => {
                    let answer = self.place.send(wire, &request).await?;
                    let body = self.place.body(wire, &answer, identity, None)?;
                    (answer, body)
                }
            };
            self.place.grant(wire, &answer, &body)
        })
    }
}
