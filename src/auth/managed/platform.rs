//! Where this program runs, by the variables that the platforms set, and how each of them wants to be asked.
//!
//! A mistake here is not loud: a parameter that a platform does not know is ignored by it, and the answer is a token of another identity. So
//! each platform has its own names, and what one is not known to understand is refused before anything is sent.

use super::{Identity, ask::hidden};
use crate::{
    error::{Error, Kind, Result},
    secret::Secret,
};
use std::{
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};
use url::{Host, Url};

const POD: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const IMDS: &str = "http://169.254.169.254";
const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";
const ARC: &str = "http://localhost:40342/metadata/identity/oauth2/token";
/// The identity of a compute of Azure ML, where nobody names another.
const ML_DEFAULT: &str = "DEFAULT_IDENTITY_CLIENT_ID";

/// A place with an identity of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    /// App Service, Functions, Container Apps.
    AppService,
    /// A runbook in the cloud or on a present hybrid worker.
    Automation,
    /// A runbook on an older hybrid worker.
    AutomationWorker,
    MachineLearning,
    Arc,
    CloudShell,
    /// Virtual machines, scale sets, Kubernetes nodes.
    Imds,
}

impl Platform {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Platform::AppService => "managed identity (App Service)",
            Platform::Automation => "managed identity (Azure Automation)",
            Platform::AutomationWorker => "managed identity (Azure Automation hybrid worker)",
            Platform::MachineLearning => "managed identity (Azure ML)",
            Platform::Arc => "managed identity (Azure Arc)",
            Platform::CloudShell => "managed identity (Cloud Shell)",
            Platform::Imds => "managed identity (IMDS)",
        }
    }

    pub(super) fn api_version(self) -> Option<&'static str> {
        match self {
            Platform::AppService | Platform::Automation => Some("2019-08-01"),
            Platform::MachineLearning => Some("2017-09-01"),
            Platform::Arc => Some("2020-06-01"),
            Platform::Imds => Some("2018-02-01"),
            Platform::AutomationWorker | Platform::CloudShell => None,
        }
    }

    /// The `Metadata` header. Automation's documentation writes it with a capital.
    pub(super) fn metadata(self) -> Option<&'static str> {
        match self {
            Platform::Automation => Some("True"),
            Platform::MachineLearning => None,
            _ => Some("true"),
        }
    }

    /// The header that carries the secret of the environment.
    pub(super) fn secret_header(self) -> &'static str {
        match self {
            Platform::AppService | Platform::Automation => "x-identity-header",
            _ => "secret",
        }
    }

    /// The name of the parameter that chooses an identity.
    pub(super) fn parameter(self, identity: &Identity) -> Result<&'static str> {
        let refuse = |what: &str, hint: &str| Err(Error::setting(identity.setting(), format!("{}: {what}", self.kind())).hint(hint));
        match (self, identity) {
            (Platform::CloudShell, _) => refuse("it signs in the user who opened it, and knows no other identity", "leave it away"),
            (Platform::MachineLearning, Identity::ClientId(_)) => Ok("clientid"),
            (Platform::MachineLearning | Platform::AutomationWorker, Identity::ObjectId(_) | Identity::ResourceId(_)) => {
                refuse("an identity is named by its client id here", "pass client_id")
            }
            (_, Identity::ClientId(_)) => Ok("client_id"),
            (_, Identity::ObjectId(_)) => Ok("object_id"),
            (Platform::Imds | Platform::Arc, Identity::ResourceId(_)) => Ok("msi_res_id"),
            (_, Identity::ResourceId(_)) => Ok("mi_res_id"),
        }
    }
}

/// Where to ask, and by what that was found.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) platform: Platform,
    pub(super) url: Url,
    pub(super) secret: Option<Secret>,
    /// As the middle of a sentence.
    pub(super) found: String,
    /// Whether somebody named this endpoint, so that it is there.
    pub(super) named: bool,
    /// The identity that the platform asks for where the user names none.
    pub(super) default: Option<Identity>,
}

impl Place {
    fn named(platform: Platform, url: Url, found: &str) -> Place {
        Place { platform, url, secret: None, found: found.to_owned(), named: true, default: None }
    }
}

/// What of the machine matters to Arc.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// The agent's program.
    pub(super) agent: Option<PathBuf>,
    /// Where the agent puts its keys.
    pub(super) keys: Option<PathBuf>,
}

impl Machine {
    /// This one. Arc's agent exists for Linux and Windows.
    pub(super) fn this(environment: &dyn Fn(&str) -> Option<String>) -> Machine {
        let below = |variable: &str, path: &str| Variables(environment).get(variable).map(|root| PathBuf::from(root).join(path));
        if cfg!(windows) {
            Machine {
                agent: below("ProgramFiles", r"AzureConnectedMachineAgent\himds.exe"),
                keys: below("ProgramData", r"AzureConnectedMachineAgent\Tokens"),
            }
        } else if cfg!(target_os = "linux") {
            Machine { agent: Some("/opt/azcmagent/bin/himds".into()), keys: Some("/var/opt/azcmagent/tokens".into()) }
        } else {
            Machine { agent: None, keys: None }
        }
    }
}

/// What the platforms set.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// A variable; an empty one counts as not set.
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// An endpoint with its secret. Runbooks share both pairs with another platform.
    fn pair(&self, endpoint: &str, secret: &str, runbook: Platform, other: Platform) -> Result<Option<Place>> {
        let (Some(url), Some(text)) = (self.get(endpoint), self.get(secret).map(Secret::new)) else { return Ok(None) };
        let url = near(endpoint, &url)?;
        if hidden(&text).is_none() {
            return Err(
                Error::setting(secret, "it holds what no header can hold").hint(format!("the platform sets {secret}; leave it as it is"))
            );
        }
        let found = format!("found by {secret} and {endpoint}");
        let (platform, found) = match self.runbook(&url) {
            Some(mark) => (runbook, format!("{found}, as a runbook by {mark}")),
            None => (other, found),
        };
        Ok(Some(Place { secret: Some(text), ..Place::named(platform, url, &found) }))
    }

    /// What says that this is a runbook. Workers were seen with either variable, and with none.
    fn runbook(&self, url: &Url) -> Option<&'static str> {
        if self.get("AZUREPS_HOST_ENVIRONMENT").is_some_and(|host| host.starts_with("AzureAutomation")) {
            return Some("AZUREPS_HOST_ENVIRONMENT");
        }
        let by_variable = self.get("AUTOMATION_ASSET_ACCOUNTID").map(|_| "AUTOMATION_ASSET_ACCOUNTID");
        by_variable.or(url.path().trim_end_matches('/').ends_with("/oauth2/token").then_some("the endpoint's path"))
    }
}

/// The platform of this environment. What belongs together is looked for first: several platforms use the same variable with another partner.
pub(super) fn detect(environment: &dyn Fn(&str) -> Option<String>, machine: &Machine) -> Result<Place> {
    let variables = Variables(environment);
    let is_set = |name: &str| variables.get(name).is_some();
    if ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"].into_iter().all(is_set) {
        return Err(service_fabric());
    }
    if let Some(place) = variables.pair("IDENTITY_ENDPOINT", "IDENTITY_HEADER", Platform::Automation, Platform::AppService)? {
        return Ok(place);
    }
    if let Some(place) = variables.pair("MSI_ENDPOINT", "MSI_SECRET", Platform::AutomationWorker, Platform::MachineLearning)? {
        let default = variables.get(ML_DEFAULT).map(Identity::ClientId).filter(|id| id.check().is_ok());
        return Ok(Place { default: default.filter(|_| place.platform == Platform::MachineLearning), ..place });
    }
    if let (Some(endpoint), true) = (variables.get("IDENTITY_ENDPOINT"), is_set("IMDS_ENDPOINT")) {
        let url = near("IDENTITY_ENDPOINT", &endpoint)?;
        return Ok(Place::named(Platform::Arc, url, "found by IDENTITY_ENDPOINT and IMDS_ENDPOINT"));
    }
    if let Some(endpoint) = variables.get("MSI_ENDPOINT") {
        return Ok(Place::named(Platform::CloudShell, near("MSI_ENDPOINT", &endpoint)?, "found by MSI_ENDPOINT without MSI_SECRET"));
    }
    if let Some(base) = variables.get(POD) {
        let url = near(POD, &format!("{}{TOKEN_PATH}", base.trim_end_matches('/')))?;
        return Ok(Place::named(Platform::Imds, url, &format!("found by {POD}")));
    }
    if let Some(agent) = machine.agent.as_deref().filter(|agent| agent.exists()) {
        let found = format!("found by {}", agent.display());
        return Ok(Place { named: false, ..Place::named(Platform::Arc, near("IDENTITY_ENDPOINT", ARC)?, &found) });
    }
    let url = near(POD, &format!("{IMDS}{TOKEN_PATH}"))?;
    Ok(Place { named: false, ..Place::named(Platform::Imds, url, "asked because no variable names another platform") })
}

fn service_fabric() -> Error {
    let message = "managed identity (Service Fabric), found by IDENTITY_SERVER_THUMBPRINT: this platform is not supported";
    Error::new(Kind::CredentialUnavailable, message)
        .hint("pass azure.identity.ManagedIdentityCredential() as the credential, or use a certificate: CertificateCredential(...)")
}

/// An endpoint as a variable names it. The secret that goes there in plain http must not leave for the internet.
fn near(variable: &str, text: &str) -> Result<Url> {
    let wrong = |what: &str| {
        Error::setting(variable, format!("{what}, so no token is asked for there")).hint(format!(
            "the platform sets {variable}, such as \"http://127.0.0.1:41056/msi/token\"; unset it where this is no such platform"
        ))
    };
    let url = Url::parse(text).map_err(|_| wrong("it is no URL"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("it has user info or a fragment"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_near(&url) => Ok(url),
        "http" => Err(wrong("it is plain http to another network")),
        _ => Err(wrong("it is no http address")),
    }
}

/// Whether an address cannot be on the internet: this machine, this link, a private network, or a name without a domain.
fn is_near(url: &Url) -> bool {
    let v4 = |ip: Ipv4Addr| {
        let shared = matches!(ip.octets(), [100, 64..=127, ..]);
        ip.is_loopback() || ip.is_link_local() || ip.is_private() || shared
    };
    let v6 = |ip: Ipv6Addr| ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local();
    match url.host() {
        Some(Host::Ipv4(ip)) => v4(ip),
        Some(Host::Ipv6(ip)) => ip.to_ipv4_mapped().map_or_else(|| v6(ip), v4),
        Some(Host::Domain(name)) => !name.contains('.') || [".localhost", ".internal", ".local"].iter().any(|end| name.ends_with(end)),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_in_plain_http_to_near_addresses_only() {
        for good in [
            "http://127.0.0.1:41056/msi/token/",
            "http://localhost:12356/msi/token",
            "http://169.254.130.3:8081/msi/token",
            "http://10.0.0.4:8911/v1/token/msi/xds?pdpEndpoint=x",
            "http://172.31.0.1/",
            "http://192.168.1.1/",
            "http://100.100.0.1/",
            "http://[::1]:80/",
            "http://[fd00::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://identity-emulator/token",
            "http://host.docker.internal:40342/",
            "https://identity.example/token",
        ] {
            assert!(near("IDENTITY_ENDPOINT", good).is_ok(), "{good}");
        }
        for bad in [
            "http://identity.example/token",
            "http://8.8.8.8/",
            "http://172.32.0.1/",
            "http://169.253.0.1/",
            "http://[2001:db8::1]/",
            "http://[::ffff:8.8.8.8]/",
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://user@127.0.0.1/",
            "http://127.0.0.1/#x",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "127.0.0.1:80",
            "",
        ] {
            let refused = near("IDENTITY_ENDPOINT", bad).unwrap_err();
            assert_eq!(refused.kind(), Kind::Configuration, "{bad}");
            assert!(refused.to_string().starts_with("IDENTITY_ENDPOINT:"), "{bad}");
        }
    }
}
