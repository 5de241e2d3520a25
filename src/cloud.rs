//! The national clouds: where to sign in, where the services are, and which audience each wants.
//!
//! Host and audience are two settings. The hosts have had three names each, one host serves two services, and a token for the name of
//! the host is the commonest reason of a 401 here; so the audience follows from the service and is never read off a URL.

use crate::ops::model::Service;
use url::Url;

/// One cloud.
#[derive(Clone, Copy, Debug)]
pub struct Cloud {
    /// Its name in settings.
    pub name: &'static str,
    /// Where to sign in.
    pub authority: &'static str,
    /// Base URL of Defender for Endpoint.
    pub endpoint: &'static str,
    /// Base URL of Defender XDR.
    pub xdr: &'static str,
    /// Base URL of Graph.
    pub graph: &'static str,
    /// Token audience of Defender for Endpoint.
    pub endpoint_audience: &'static str,
    /// Other origins that the services name in next links.
    pub aliases: &'static [&'static str],
    /// Names of regional hosts, `https://{region}.api.security.microsoft.com`.
    pub regions: &'static [&'static str],
}

/// Every cloud that offers the services.
pub const CLOUDS: &[Cloud] = &[
    Cloud {
        name: "public",
        authority: "https://login.microsoftonline.com",
        endpoint: "https://api.security.microsoft.com",
        xdr: "https://api.security.microsoft.com",
        graph: "https://graph.microsoft.com",
        endpoint_audience: "https://api.securitycenter.microsoft.com",
        aliases: &["https://api.securitycenter.microsoft.com", "https://api.securitycenter.windows.com"],
        regions: &["us", "eu", "uk", "au", "swa", "ina", "aea"],
    },
    Cloud {
        name: "gcc",
        authority: "https://login.microsoftonline.com",
        endpoint: "https://api-gcc.securitycenter.microsoft.us",
        xdr: "https://api-gcc.security.microsoft.us",
        graph: "https://graph.microsoft.com",
        endpoint_audience: "https://api-gcc.securitycenter.microsoft.us",
        aliases: &[],
        regions: &[],
    },
    Cloud {
        name: "gcc-high",
        authority: "https://login.microsoftonline.us",
        endpoint: "https://api-gov.securitycenter.microsoft.us",
        xdr: "https://api-gov.security.microsoft.us",
        graph: "https://graph.microsoft.us",
        endpoint_audience: "https://api-gov.securitycenter.microsoft.us",
        aliases: &[],
        regions: &[],
    },
    Cloud {
        name: "dod",
        authority: "https://login.microsoftonline.us",
        endpoint: "https://api-gov.securitycenter.microsoft.us",
        xdr: "https://api-gov.security.microsoft.us",
        graph: "https://dod-graph.microsoft.us",
        endpoint_audience: "https://api-gov.securitycenter.microsoft.us",
        aliases: &[],
        regions: &[],
    },
];

/// The hosts that people sign in to. Any other has to be trusted by name.
pub const LOGIN_HOSTS: &[&str] = &[
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
    "login-us.microsoftonline.com",
    "login.microsoftonline.us",
    "login.usgovcloudapi.net",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    "login.sovcloud-identity.fr",
    "login.sovcloud-identity.de",
    "login.sovcloud-identity.sg",
];

impl Cloud {
    /// The cloud of that name.
    pub fn by_name(name: &str) -> Option<&'static Cloud> {
        CLOUDS.iter().find(|c| c.name == name)
    }

    /// The base URL of a service.
    pub fn base(&self, service: Service) -> &'static str {
        match service {
            Service::Endpoint => self.endpoint,
            Service::Xdr => self.xdr,
            Service::Graph => self.graph,
        }
    }

    /// The audience that a service's tokens carry.
    pub fn audience(&self, service: Service) -> &'static str {
        match service {
            Service::Endpoint => self.endpoint_audience,
            Service::Xdr => self.xdr,
            Service::Graph => self.graph,
        }
    }
}

/// Whether an address is one of the services' own, in any cloud.
pub fn is_own(url: &Url) -> bool {
    let is = |text: &str| Url::parse(text).is_ok_and(|own| own.origin() == url.origin());
    let regional = |region: &&str| is(&format!("https://{region}.api.security.microsoft.com"));
    CLOUDS.iter().any(|c| Service::ALL.iter().any(|s| is(c.base(*s))) || c.aliases.iter().any(|a| is(a)) || c.regions.iter().any(regional))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_own_hosts_are_known_by_their_whole_origin() {
        let own = |text: &str| is_own(&Url::parse(text).unwrap());
        for url in [
            "https://api.security.microsoft.com",
            "https://eu.api.security.microsoft.com/",
            "https://graph.microsoft.com/x",
            "https://dod-graph.microsoft.us",
            "https://api.securitycenter.windows.com",
        ] {
            assert!(own(url), "{url}");
        }
        for url in [
            "http://127.0.0.1:8000",
            "http://graph.microsoft.com",
            "https://graph.microsoft.com:444",
            "https://xx.api.security.microsoft.com",
        ] {
            assert!(!own(url), "{url}");
        }
    }

    /// Every host, login host and audience, as they are documented (service.md 1.1 and 1.3): a slip here sends tokens to the wrong place.
    #[test]
    fn every_cloud_has_its_hosts_and_audiences() {
        let mde = "https://api.securitycenter.microsoft.com";
        let table = [
            (
                "public",
                "https://login.microsoftonline.com",
                ["https://api.security.microsoft.com", "https://api.security.microsoft.com", "https://graph.microsoft.com"],
                [mde, "https://api.security.microsoft.com", "https://graph.microsoft.com"],
            ),
            (
                "gcc",
                "https://login.microsoftonline.com",
                ["https://api-gcc.securitycenter.microsoft.us", "https://api-gcc.security.microsoft.us", "https://graph.microsoft.com"],
                ["https://api-gcc.securitycenter.microsoft.us", "https://api-gcc.security.microsoft.us", "https://graph.microsoft.com"],
            ),
            (
                "gcc-high",
                "https://login.microsoftonline.us",
                ["https://api-gov.securitycenter.microsoft.us", "https://api-gov.security.microsoft.us", "https://graph.microsoft.us"],
                ["https://api-gov.securitycenter.microsoft.us", "https://api-gov.security.microsoft.us", "https://graph.microsoft.us"],
            ),
            (
                "dod",
                "https://login.microsoftonline.us",
                ["https://api-gov.securitycenter.microsoft.us", "https://api-gov.security.microsoft.us", "https://dod-graph.microsoft.us"],
                ["https://api-gov.securitycenter.microsoft.us", "https://api-gov.security.microsoft.us", "https://dod-graph.microsoft.us"],
            ),
        ];
        assert_eq!(CLOUDS.iter().map(|c| c.name).collect::<Vec<_>>(), table.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
        for (name, authority, bases, audiences) in table {
            let cloud = Cloud::by_name(name).unwrap();
            assert_eq!(cloud.authority, authority, "{name}");
            assert_eq!(Service::ALL.map(|s| cloud.base(s)), bases, "{name}");
            assert_eq!(Service::ALL.map(|s| cloud.audience(s)), audiences, "{name}");
            assert!(LOGIN_HOSTS.iter().any(|h| format!("https://{h}") == authority), "{name}");
        }
        assert_eq!(Cloud::by_name("public").unwrap().regions, ["us", "eu", "uk", "au", "swa", "ina", "aea"]);
    }

    #[test]
    fn the_audience_follows_the_service_although_two_share_a_host() {
        let public = Cloud::by_name("public").unwrap();
        assert_eq!(public.base(Service::Endpoint), public.base(Service::Xdr));
        assert_eq!(public.audience(Service::Endpoint), "https://api.securitycenter.microsoft.com");
        assert_eq!(public.audience(Service::Xdr), "https://api.security.microsoft.com");
        assert_eq!(public.audience(Service::Graph), "https://graph.microsoft.com");
    }
}
