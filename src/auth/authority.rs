//! Where to sign in: checked before a secret goes there.
//!
//! The secret goes to whatever host the authority names, so the host has to be one that is known, or one that somebody said to trust. The
//! tenant goes into the path: `..` there would name another page.

use crate::{
    cloud::LOGIN_HOSTS,
    error::{Error, Result},
};
use url::{Host, Url};

/// A login host and a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    host: Url,
    tenant: String,
}

impl Authority {
    /// Checks both. `trusted` lets a host pass that is not on the list.
    pub fn new(host: &str, tenant: &str, trusted: bool) -> Result<Authority> {
        let wrong = |what: &str| Error::setting("authority", format!("{host:?} {what}"));
        let text = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
        let url = Url::parse(&text).map_err(|_| wrong("is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has user info, a query or a fragment; it is only a host"));
        }
        if url.path() != "/" && !url.path().is_empty() {
            return Err(wrong("has a path; it is only a host, such as \"https://login.microsoftonline.com\""));
        }
        check_scheme(&url, "authority")?;
        let name = url.host_str().unwrap_or_default();
        let known = LOGIN_HOSTS.contains(&name) && url.port().is_none();
        if !(is_loopback(&url) || trusted || known) {
            return Err(wrong("is no host that people sign in to")
                .hint(format!("known: {}. Pass trust_authority=True if it is yours", LOGIN_HOSTS.join(", "))));
        }
        check_tenant(tenant)?;
        Ok(Authority { host: url, tenant: tenant.to_ascii_lowercase() })
    }

    /// The same login host for another tenant; `None` is this one.
    pub fn for_tenant(&self, tenant: Option<&str>) -> Result<Authority> {
        let Some(tenant) = tenant else { return Ok(self.clone()) };
        check_tenant(tenant)?;
        Ok(Authority { host: self.host.clone(), tenant: tenant.to_ascii_lowercase() })
    }

    /// The login host's origin, such as `https://login.microsoftonline.com`.
    pub fn host(&self) -> String {
        self.host.origin().ascii_serialization()
    }

    /// A page of the tenant's v2 endpoint, such as `token`.
    pub fn v2(&self, page: &str) -> Url {
        let mut url = self.host.clone();
        url.set_path(&format!("/{}/oauth2/v2.0/{page}", self.tenant));
        url
    }

    /// The tenant.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whether the tenant stands for many: then there is nobody to ask for an application's token.
    pub fn is_shared(&self) -> bool {
        matches!(self.tenant.as_str(), "common" | "organizations" | "consumers")
    }
}

/// A tenant is a GUID or a domain (or one of the three shared names).
pub fn check_tenant(tenant: &str) -> Result<()> {
    let guid = tenant.len() == 36
        && tenant.bytes().enumerate().all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() });
    let label = |l: &str| {
        !l.is_empty()
            && l.len() < 64
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let domain = tenant.contains('.') && tenant.len() < 254 && tenant.split('.').all(label);
    if guid || domain || matches!(tenant, "common" | "organizations" | "consumers") {
        return Ok(());
    }
    Err(Error::setting("tenant_id", format!("{tenant:?} is neither a GUID nor a domain such as \"contoso.onmicrosoft.com\"")))
}

/// Plain http goes to this machine only.
pub(crate) fn check_scheme(url: &Url, name: &str) -> Result<()> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(Error::setting(name, format!("{:?} is plain http; that is for 127.0.0.1 and localhost only", url.as_str()))),
        other => Err(Error::setting(name, format!("{:?} begins with {other:?}; it is https", url.as_str()))),
    }
}

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn known_hosts_and_loopback_pass() {
        let a = Authority::new("https://login.microsoftonline.com", TENANT, false).unwrap();
        assert_eq!(a.v2("token").as_str(), format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"));
        assert!(Authority::new("login.microsoftonline.us/", TENANT, false).is_ok());
        assert!(Authority::new("http://127.0.0.1:8080", TENANT, false).is_ok());
        assert!(Authority::new("https://login.example", TENANT, true).is_ok());
    }

    #[test]
    fn a_host_that_only_looks_known_is_refused() {
        for bad in [
            "https://login.microsoftonline.com@evil.example",
            "https://evil.example/login.microsoftonline.com",
            "https://login.microsoftonline.com.evil.example",
            "https://login.microsoftonline.com:444",
            "https://login.microsoftonlіne.com",
            "http://login.microsoftonline.com",
            "https://login.microsoftonline.com?x",
            "ftp://127.0.0.1",
            "http://127.0.0.1.evil.example",
            "",
        ] {
            assert!(Authority::new(bad, TENANT, false).is_err(), "{bad}");
        }
        assert!(Authority::new("http://login.example", TENANT, true).is_err());
    }

    #[test]
    fn a_tenant_is_a_guid_or_a_domain() {
        for good in [TENANT, "contoso.onmicrosoft.com", "common"] {
            assert!(check_tenant(good).is_ok(), "{good}");
        }
        for bad in
            ["", "..", "a/b", "contoso", "contoso..com", ".com", "a b.com", "contoso.com/x", "１.com", "11111111222233334444555555555555"]
        {
            assert!(check_tenant(bad).is_err(), "{bad}");
        }
    }
}
