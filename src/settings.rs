//! From what the user gave to a client: every setting is checked here, before anything is sent, and an error names it.

use crate::{
    auth::{Asking, Choice, Place, Remember, Tokens, Wire, check_scheme, missing},
    client::{Client, Parts},
    clock::{Clock, SystemClock},
    cloud::{CLOUDS, Cloud},
    error::{Error, Kind, Result, did_you_mean, listed},
    ops::model::Service,
    pipeline::{
        quota::{Limits, Quotas},
        tape::{Deck, Tape},
        transport::{Http, Network, Transport},
    },
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// Which credential to use.
#[derive(Clone, Debug, Default)]
pub enum CredentialChoice {
    /// A secret if one is given, otherwise what the environment names.
    #[default]
    ByArguments,
    /// By its kind.
    Named(String),
    /// A credential with its cache, to share with other clients.
    Ready(Arc<Tokens>),
}

/// Everything that a client can be told. `None` is the default of each.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How to sign in.
    pub credential: CredentialChoice,
    /// With what.
    pub choice: Choice,
    /// `public`, `gcc`, `gcc-high` or `dod`.
    pub cloud: Option<String>,
    /// A region's name, such as `eu`.
    pub region: Option<String>,
    /// One base URL for all services.
    pub base_url: Option<String>,
    /// Base URLs by service.
    pub base_urls: Vec<(String, String)>,
    /// Token audiences by service, where they are not the cloud's.
    pub audiences: Vec<(String, String)>,
    /// Seconds for one try.
    pub timeout: Option<f64>,
    /// Seconds for a whole call.
    pub deadline: Option<f64>,
    /// How many tries may follow the first.
    pub max_retries: Option<u32>,
    /// A PEM file with further roots.
    pub ca_bundle: Option<String>,
    /// A proxy's URL.
    pub proxy: Option<String>,
    /// Put in front of our own name.
    pub user_agent: Option<String>,
    /// Seconds between two looks at a machine action.
    pub poll_interval: Option<f64>,
    /// The quotas that the client keeps by itself.
    pub limits: Limits,
    /// Where time comes from; tests bring their own.
    pub clock: Option<Arc<dyn Clock>>,
    /// What records the exchanges with the services, or plays them.
    pub tape: Option<Arc<dyn Deck>>,
}

pub use crate::auth::Environment;

/// The process's environment.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.trim().is_empty())
}

impl Settings {
    /// Checks everything and makes the client. Nothing is sent.
    pub fn build(self, environment: Environment<'_>) -> Result<Client> {
        let cloud = self.cloud(environment)?;
        let bases = self.bases(cloud, environment)?;
        let wire = self.wire()?;
        let tokens = self.tokens(environment, None)?;
        let audiences = self.audiences(cloud)?;
        Client::from_parts(Parts {
            tokens,
            tenant: None,
            wire,
            cloud,
            audiences,
            quotas: Quotas::new(self.limits, &bases),
            bases,
            timeout: seconds("timeout", self.timeout)?,
            deadline: seconds("deadline", self.deadline)?,
            max_retries: max_retries(self.max_retries)?,
            poll_interval: seconds("poll_interval", self.poll_interval)?,
        })
    }

    /// Makes what a credential needs to get tokens without a client.
    pub fn wire(&self) -> Result<Wire> {
        let network = Network { ca_bundle: self.ca_bundle.clone(), proxy: self.proxy.clone() };
        let transport: Arc<dyn Transport> = Arc::new(Http::new(network)?);
        let services = self.tape.clone().map_or_else(|| transport.clone(), |deck| Arc::new(Tape::over(transport.clone(), deck)));
        Ok(Wire {
            transport,
            services,
            direct: Arc::new(Http::direct()),
            clock: self.clock.clone().unwrap_or_else(SystemClock::shared),
            user_agent: user_agent(self.user_agent.as_deref())?,
            asking: Asking::Freely,
            in_chain: false,
        })
    }

    fn cloud(&self, environment: Environment<'_>) -> Result<&'static Cloud> {
        let name = self.cloud.clone().or_else(|| environment("XDRKIT_CLOUD")).unwrap_or_else(|| "public".to_owned());
        if name == "china" {
            return Err(Error::setting("cloud", "\"china\": Microsoft offers none of these services in the cloud that 21Vianet operates")
                .hint("to sign in there for other services, pass authority=\"https://login.partner.microsoftonline.cn\" to a credential"));
        }
        let names: Vec<_> = CLOUDS.iter().map(|c| c.name).collect();
        Cloud::by_name(&name).ok_or_else(|| {
            let guess = did_you_mean(&name, names.iter().copied());
            Error::setting("cloud", format!("{name:?} is not allowed; it is {}.{guess}", listed(&names)))
        })
    }

    /// Base URLs in the order of [`Service::ALL`].
    fn bases(&self, cloud: &'static Cloud, environment: Environment<'_>) -> Result<[Url; 3]> {
        let one = self.base_url.clone().or_else(|| if self.base_urls.is_empty() { environment("XDRKIT_BASE_URL") } else { None });
        if let Some((name, _)) = self.base_urls.iter().find(|(name, _)| Service::from_name(name).is_none()) {
            return Err(Error::setting("base_url", format!("{name:?} is no service; it is \"endpoint\", \"xdr\" or \"graph\"")));
        }
        if let Some(region) = &self.region {
            if one.is_some() || !self.base_urls.is_empty() {
                return Err(Error::setting("region", "and base_url both name hosts; give one of them"));
            }
            if !cloud.regions.contains(&region.as_str()) {
                let allowed =
                    if cloud.regions.is_empty() { "this cloud has none".to_owned() } else { format!("it is {}", listed(cloud.regions)) };
                return Err(Error::setting("region", format!("{region:?} is not allowed; {allowed}")));
            }
        }
        let base = |service: Service| {
            let regional = self.region.as_ref().filter(|_| service != Service::Graph);
            let named = self.base_urls.iter().find(|(name, _)| name == service.name()).map(|(_, url)| url.clone());
            let text = match (named, &one, regional) {
                (Some(url), _, _) => url,
                (None, Some(url), _) => url.clone(),
                (None, None, Some(region)) => format!("https://{region}.api.security.microsoft.com"),
                (None, None, None) => cloud.base(service).to_owned(),
            };
            check_base(&text)
        };
        let [endpoint, xdr, graph] = Service::ALL;
        Ok([base(endpoint)?, base(xdr)?, base(graph)?])
    }

    /// The audiences of the services, in the order of [`Service::ALL`].
    fn audiences(&self, cloud: &'static Cloud) -> Result<[String; 3]> {
        for (name, audience) in &self.audiences {
            if Service::from_name(name).is_none() {
                return Err(Error::setting("audience", format!("{name:?} is no service; it is \"endpoint\", \"xdr\" or \"graph\"")));
            }
            let plain = audience.bytes().all(|b| b.is_ascii_graphic() && !b"\"'\\<>".contains(&b));
            if audience.is_empty() || !plain || audience.ends_with("/.default") {
                let message = format!(
                    "{audience:?} is no audience, such as \"https://api.securitycenter.microsoft.com\"; \"/.default\" is added to it"
                );
                return Err(Error::setting("audience", message));
            }
        }
        let named = |service: Service| self.audiences.iter().find(|(name, _)| name == service.name()).map(|(_, audience)| audience.clone());
        Ok(Service::ALL.map(|s| named(s).unwrap_or_else(|| cloud.audience(s).to_owned())))
    }

    /// A credential for itself, with its cache and what it talks through. If it was told of a proxy or of roots, they serve every client of it.
    pub fn credential(&self, environment: Environment<'_>) -> Result<(Arc<Tokens>, Wire)> {
        let wire = self.wire()?;
        let transport = (self.ca_bundle.is_some() || self.proxy.is_some()).then(|| wire.transport.clone());
        Ok((self.tokens(environment, transport)?, wire))
    }

    /// The credential with its cache. Clients with the same application share one, unless a test brings its own time.
    fn tokens(&self, environment: Environment<'_>, transport: Option<Arc<dyn Transport>>) -> Result<Arc<Tokens>> {
        let cloud = self.cloud(environment)?;
        if let Some(tenant) = &self.choice.tenant_id {
            crate::auth::check_tenant(tenant)?;
        }
        for tenant in self.choice.additionally_allowed_tenants.iter().filter(|t| *t != "*") {
            crate::auth::check_tenant(tenant).map_err(|_| {
                Error::setting("additionally_allowed_tenants", format!("{tenant:?} is neither a GUID nor a domain, nor \"*\" for any"))
            })?;
        }
        let both = || Err(Error::setting("client_secret", "and credential both say how to sign in; give one of them"));
        let kind = match &self.credential {
            CredentialChoice::Ready(_) if self.choice.client_secret.is_some() => return both(),
            CredentialChoice::Ready(tokens) => {
                self.check_beside(tokens)?;
                return Ok(tokens.clone());
            }
            CredentialChoice::Named(kind) if kind != "client-secret" && kind != "on-behalf-of" && self.choice.client_secret.is_some() => {
                return both();
            }
            CredentialChoice::Named(kind) => kind.clone(),
            // Never half of an application from here and half from there.
            CredentialChoice::ByArguments if self.choice.client_id.is_none() && self.choice.client_secret.is_none() => {
                "environment".to_owned()
            }
            CredentialChoice::ByArguments => "client-secret".to_owned(),
        };
        let place = Place { cloud, environment };
        let implied = matches!(self.credential, CredentialChoice::ByArguments) && kind == "environment";
        let credential = self.choice.build(&kind, place).map_err(|e| match e.kind() {
            // Nobody chose the environment: what was not given is what is missing.
            Kind::CredentialUnavailable if implied => self.first_missing(place),
            _ => e,
        })?;
        let tenants = self.choice.additionally_allowed_tenants.iter().map(|t| t.to_ascii_lowercase()).collect();
        Ok(if self.clock.is_some() || transport.is_some() {
            Tokens::by(credential, tenants, transport)
        } else {
            Tokens::shared(credential, tenants)
        })
    }

    /// What was said about signing in besides a credential that knows all of it already.
    fn check_beside(&self, tokens: &Tokens) -> Result<()> {
        let choice = &self.choice;
        let said = [
            ("client_id", choice.client_id.is_some()),
            ("additionally_allowed_tenants", !choice.additionally_allowed_tenants.is_empty()),
            ("login_hint", choice.login_hint.is_some()),
            ("cache", !matches!(choice.remember, Remember::Memory)),
            ("authority", choice.authority.is_some()),
        ];
        if let Some((name, _)) = said.iter().find(|(_, is_said)| *is_said) {
            return Err(Error::setting(name, "is for the credential: give it to that, where it is made"));
        }
        match (&choice.tenant_id, tokens.credential().tenant()) {
            (Some(wanted), Some(own)) if !wanted.eq_ignore_ascii_case(own) => {
                let message = format!("{wanted:?} is not the credential's, which is {own:?}");
                Err(Error::setting("tenant_id", message).hint("for another tenant of the same credential, use for_tenant()"))
            }
            _ => Ok(()),
        }
    }

    fn first_missing(&self, place: Place<'_>) -> Error {
        let none = |name: &str| (place.environment)(name).is_none();
        match () {
            () if self.choice.tenant_id.is_none() && none("AZURE_TENANT_ID") => missing("tenant_id", "AZURE_TENANT_ID"),
            () if none("AZURE_CLIENT_ID") => missing("client_id", "AZURE_CLIENT_ID"),
            () => missing("client_secret", "AZURE_CLIENT_SECRET"),
        }
    }
}

fn check_base(text: &str) -> Result<Url> {
    let wrong = |what: &str| Error::setting("base_url", format!("{text:?} {what}"));
    let url = Url::parse(text).map_err(|_| wrong("is no URL, such as \"https://api.security.microsoft.com\""))?;
    check_scheme(&url, "base_url")?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has user info, a query or a fragment; it is scheme, host and at most a path"));
    }
    Ok(url)
}

/// Seconds of at least a millisecond.
pub(crate) fn seconds(name: &str, given: Option<f64>) -> Result<Option<Duration>> {
    match given {
        None => Ok(None),
        Some(s) if s.is_finite() && (0.001..=1e7).contains(&s) => Ok(Some(Duration::from_secs_f64(s))),
        Some(s) => Err(Error::setting(name, format!("{s} is not allowed; it is a number of seconds, 0.001 or more"))),
    }
}

/// The same for an argument of one call.
pub(crate) fn call_seconds(name: &str, given: Option<f64>) -> Result<Option<Duration>> {
    seconds(name, given).map_err(|e| e.with(|f| f.kind = Kind::InvalidArgument))
}

pub(crate) fn max_retries(given: Option<u32>) -> Result<Option<u32>> {
    match given {
        Some(n) if n > 20 => Err(Error::setting("max_retries", format!("{n} is not allowed; it is 0 to 20"))),
        other => Ok(other),
    }
}

fn user_agent(own: Option<&str>) -> Result<String> {
    let name = concat!("xdrkit/", env!("CARGO_PKG_VERSION"));
    match own {
        None => Ok(name.to_owned()),
        Some(text) if !text.is_empty() && text.len() <= 200 && text.bytes().all(|b| (0x20..0x7f).contains(&b)) => {
            Ok(format!("{text} {name}"))
        }
        Some(text) => Err(Error::setting("user_agent", format!("{text:?} is not allowed; it is up to 200 printable ASCII characters"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const TENANT: &str = "11111111-2222-3333-4444-555555555555";

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn app() -> Settings {
        with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Choice)) -> Settings {
        let mut choice = Choice {
            tenant_id: Some(TENANT.into()),
            client_id: Some("c".into()),
            client_secret: Some(Secret::new("s")),
            ..Choice::default()
        };
        change(&mut choice);
        Settings { choice, ..Settings::default() }
    }

    fn refused(settings: Settings) -> String {
        let error = settings.build(&nothing).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        error.to_string()
    }

    #[test]
    fn every_wrong_setting_is_named_before_anything_is_sent() {
        let text = |s: &str| Some(s.to_owned());
        assert!(refused(Settings::default()).starts_with("tenant_id: is not given, and AZURE_TENANT_ID is not set"));
        assert!(refused(with(|c| c.tenant_id = text("contoso"))).starts_with("tenant_id:"));
        assert!(refused(with(|c| c.tenant_id = text("common"))).starts_with("tenant_id:"));
        assert!(refused(with(|c| c.client_secret = Some(Secret::new("")))).starts_with("client_secret:"));
        assert!(refused(Settings { cloud: text("gcc-hi"), ..app() }).contains("Did you mean \"gcc-high\"?"));
        assert!(refused(Settings { region: text("mars"), ..app() }).starts_with("region:"));
        assert!(refused(Settings { base_url: text("http://api.example"), ..app() }).contains("plain http"));
        assert!(refused(Settings { base_url: text("https://u:p@api.example"), ..app() }).starts_with("base_url:"));
        assert!(refused(Settings { base_urls: vec![("mde".into(), "https://a.example".into())], ..app() }).contains("no service"));
        assert!(refused(with(|c| c.authority = text("https://login.evil.example"))).starts_with("authority:"));
        assert!(refused(Settings { timeout: Some(0.0), ..app() }).starts_with("timeout:"));
        assert!(refused(Settings { deadline: Some(f64::NAN), ..app() }).starts_with("deadline:"));
        assert!(refused(Settings { max_retries: Some(21), ..app() }).starts_with("max_retries:"));
        assert!(refused(Settings { user_agent: text("a\r\nb"), ..app() }).starts_with("user_agent:"));
        assert!(refused(Settings { proxy: text("::"), ..app() }).starts_with("proxy:"));
        assert!(refused(Settings { ca_bundle: text("/nowhere"), ..app() }).starts_with("ca_bundle:"));
        assert!(
            refused(Settings { credential: CredentialChoice::Named("devicecode".into()), ..with(|c| c.client_secret = None) })
                .contains("Did you mean \"device-code\"?")
        );
        assert!(refused(Settings { credential: CredentialChoice::Named("device-code".into()), ..app() }).starts_with("client_secret:"));
    }

    #[test]
    fn the_environment_fills_in_a_whole_application_or_none() {
        let environment = |name: &str| match name {
            "AZURE_TENANT_ID" => Some(TENANT.to_owned()),
            "AZURE_CLIENT_ID" => Some("other-app".to_owned()),
            "AZURE_CLIENT_SECRET" => Some("other secret".to_owned()),
            _ => None,
        };
        assert_eq!(Settings::default().build(&environment).unwrap().client_id().as_deref(), Some("other-app"));
        let half = with(|c| (c.tenant_id, c.client_id, c.client_secret) = (None, Some("mine".into()), None));
        assert!(half.build(&environment).unwrap_err().to_string().starts_with("client_secret:"));
    }

    #[test]
    fn a_region_moves_the_defender_services_and_not_graph() {
        let client = Settings { region: Some("eu".into()), ..app() }.build(&nothing).unwrap();
        assert_eq!(client.base(Service::Endpoint).as_str(), "https://eu.api.security.microsoft.com/");
        assert_eq!(client.base(Service::Graph).as_str(), "https://graph.microsoft.com/");
    }
}
