//! From what the user gave to a credential: every kind by its name, with every value checked before anything is sent.
//!
//! One list of kinds serves the classes of Python, the short forms of `credential=`, the environment and the default chain, so that a value means
//! the same wherever it was given.

use super::{
    Algorithm, App, AssertionSource, Authority, AzurePipelines, Browser, Certificate, CertificateOptions, CertificateSource, Chain,
    ClientAssertion, Credential, DeveloperTool, DeviceCode, GitHubActions, Identity, ManagedIdentity, Member, OnBehalfOf, Password, Paste,
    Person, Proof, PublicClient, Redirect, SignIn, StaticToken, Store, StoreOptions, TokenFile, User, Way, app::check_secret,
};
use crate::{
    cloud::Cloud,
    error::{Error, Kind, Result, did_you_mean, listed},
    secret::{Secret, SecretBytes},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// The kinds that need no more than settings and the environment: the short forms of `credential=`.
const SHORT_FORMS: &[&str] = &[
    "browser",
    "device-code",
    "paste",
    "managed-identity",
    "workload-identity",
    "azure-cli",
    "azure-developer-cli",
    "azure-powershell",
    "github-actions",
    "azure-pipelines",
    "environment",
    "default",
];

/// The kind of that name, for ways that could not be made.
pub fn kind_named(name: &str) -> &'static str {
    SHORT_FORMS.iter().find(|k| **k == name).copied().unwrap_or("credential")
}

/// Where settings come from that were not given: the process's environment, or a test's. Empty texts count as not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A whole application is read under one of these prefixes, never half of it under another.
const PREFIXES: &[&str] = &["XDRKIT_", "DEFENDER_", "AZURE_"];
/// How long a developer's tool may take: in a container twenty seconds were seen.
const TOOL: Duration = Duration::from_secs(30);

/// How a user's sign-in is remembered.
#[derive(Clone, Debug, Default)]
pub enum Remember {
    /// In this process.
    #[default]
    Memory,
    /// In encrypted files.
    Files(StoreOptions),
}

/// Everything that a credential can be told. `None` is the default of each; what a kind has no use for is left aside.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// GUID or domain.
    pub tenant_id: Option<String>,
    /// The application.
    pub client_id: Option<String>,
    /// The login host.
    pub authority: Option<String>,
    /// Whether to take a login host that is not on the list.
    pub trust_authority: bool,
    /// Other tenants that may be signed in to; `*` is any.
    pub additionally_allowed_tenants: Vec<String>,
    /// A client secret.
    pub client_secret: Option<Secret>,
    /// A file with a certificate and its key.
    pub certificate_path: Option<String>,
    /// The content of such a file.
    pub certificate_data: Option<SecretBytes>,
    /// The password of that.
    pub certificate_password: Option<Secret>,
    /// `PS256` or `RS256`.
    pub algorithm: Option<String>,
    /// Whether to name the certificate by its SHA-1 digest, for old login hosts.
    pub thumbprint_sha1: bool,
    /// Whether to send the certificate and those above it.
    pub send_certificate_chain: bool,
    /// Makes assertions.
    pub assertion: Option<Arc<dyn AssertionSource>>,
    /// The file with the platform's token.
    pub token_file_path: Option<String>,
    /// The service connection of an Azure Pipeline.
    pub service_connection_id: Option<String>,
    /// Its `System.AccessToken`.
    pub system_access_token: Option<Secret>,
    /// The audience of GitHub's token.
    pub oidc_audience: Option<String>,
    /// A managed identity by its object id.
    pub object_id: Option<String>,
    /// A managed identity by its Azure resource id.
    pub resource_id: Option<String>,
    /// Where Arc's agent puts its keys, in tests.
    pub arc_keys: Option<PathBuf>,
    /// Who signs in.
    pub username: Option<String>,
    /// With which password.
    pub password: Option<Secret>,
    /// The user's token that an application was called with.
    pub user_assertion: Option<Secret>,
    /// The name to put into the sign-in page.
    pub login_hint: Option<String>,
    /// The domain whose sign-in page is meant.
    pub domain_hint: Option<String>,
    /// Where the browser ends up.
    pub redirect_uri: Option<String>,
    /// `login`, `select_account` or `consent`.
    pub prompt: Option<String>,
    /// Seconds that a person may take in the browser.
    pub sign_in_timeout: Option<f64>,
    /// What to do when no browser can be opened: `paste`, `device-code` or `none`.
    pub fallback: Option<String>,
    /// How to remember a user.
    pub remember: Remember,
    /// The subscription of the Azure CLI.
    pub subscription: Option<String>,
    /// Seconds that a developer's tool may take.
    pub process_timeout: Option<f64>,
    /// A token at hand.
    pub token: Option<Secret>,
    /// The members of a chain.
    pub members: Vec<(String, Arc<dyn Credential>)>,
    /// Whether the default chain ends in a browser.
    pub interactive: bool,
    /// The way to the person in front of the program.
    pub person: Option<Arc<dyn Person>>,
}

/// What is given with a choice.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The cloud, for its login host.
    pub cloud: &'static Cloud,
    /// The environment's variables.
    pub environment: Environment<'a>,
}

impl Place<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.environment)(name)
    }

    /// The prefix under which the environment names an application.
    fn prefix(&self) -> &'static str {
        PREFIXES.iter().find(|p| self.get(&format!("{p}CLIENT_ID")).is_some()).copied().unwrap_or("AZURE_")
    }

    /// A variable of an application, under that prefix.
    fn of_app(&self, name: &str) -> Option<String> {
        self.get(&format!("{}{name}", self.prefix()))
    }

    /// Whether this process runs where no browser of the user's is: then an address that means "this machine" means the wrong one.
    fn is_remote(&self) -> bool {
        let signs =
            ["CODESPACES", "JUPYTERHUB_USER", "DATABRICKS_RUNTIME_VERSION", "COLAB_RELEASE_TAG", "AZUREML_NB_PATH", "AZUREML_RUN_ID"];
        let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|n| self.get(n).is_some());
        signs.iter().any(|n| self.get(n).is_some()) || (self.get("SSH_CONNECTION").is_some() && !has_screen)
    }
}

type Made = Result<Box<dyn Credential>>;

impl Choice {
    /// Makes the credential of that kind.
    pub fn build(&self, kind: &str, place: Place<'_>) -> Made {
        match kind {
            "client-secret" => {
                let secret = self.client_secret.clone().ok_or_else(|| missing("client_secret", "AZURE_CLIENT_SECRET"))?;
                Ok(Box::new(self.app(place, check_secret(secret)?)?))
            }
            "certificate" => Ok(Box::new(self.app(place, self.certificate()?)?)),
            "client-assertion" => Ok(Box::new(self.app(place, ClientAssertion::new(self.source()?))?)),
            "workload-identity" => self.workload_identity(place),
            "github-actions" => self.github_actions(place),
            "azure-pipelines" => self.azure_pipelines(place),
            "managed-identity" => Ok(Box::new(self.managed_identity(place)?)),
            "environment" => self.of_environment(place),
            "browser" if place.is_remote() && self.redirect_uri.is_none() => self.user(place, self.paste()?),
            "browser" => self.user(place, self.browser()?),
            "device-code" => self.user(place, DeviceCode { person: self.person()? }),
            "paste" => self.user(place, self.paste()?),
            "username-password" => {
                let username = self.username.as_deref().ok_or_else(|| missing("username", "AZURE_USERNAME"))?;
                let password = self.password.clone().ok_or_else(|| missing("password", "AZURE_PASSWORD"))?;
                self.user(place, Password::new(username, password)?)
            }
            "on-behalf-of" => self.on_behalf_of(place),
            "azure-cli" => {
                let (tenant, subscription) = (self.tenant_id.as_deref(), self.subscription.as_deref());
                Ok(Box::new(DeveloperTool::azure_cli(tenant, subscription, self.tool_timeout()?)?))
            }
            "azure-developer-cli" => Ok(Box::new(DeveloperTool::azure_developer_cli(self.tenant_id.as_deref(), self.tool_timeout()?)?)),
            "azure-powershell" => Ok(Box::new(DeveloperTool::azure_powershell(self.tenant_id.as_deref(), self.tool_timeout()?)?)),
            "chain" => {
                let member = |(name, credential): &(String, Arc<dyn Credential>)| Member::new(name.clone(), Ok(credential.clone()));
                Ok(Box::new(Chain::new(self.members.iter().map(member).collect())?))
            }
            "default" => self.default_chain(place),
            "static-token" => {
                let token = self.token.clone().ok_or_else(|| Error::setting("token", "is not given"))?;
                Ok(Box::new(StaticToken::new(token)?))
            }
            other => Err(unknown_kind(other)),
        }
    }

    fn authority(&self, place: Place<'_>, tenant: &str) -> Result<Authority> {
        let from_environment = place.of_app("AUTHORITY_HOST").or_else(|| place.get("AZURE_AUTHORITY_HOST"));
        let host = self.authority.as_deref().or(from_environment.as_deref()).unwrap_or(place.cloud.authority);
        Authority::new(host, tenant, self.trust_authority)
    }

    fn tenant(&self, place: Place<'_>) -> Result<String> {
        self.tenant_id.clone().or_else(|| place.of_app("TENANT_ID")).ok_or_else(|| missing("tenant_id", "AZURE_TENANT_ID"))
    }

    fn app<P: Proof>(&self, place: Place<'_>, proof: P) -> Result<App<P>> {
        let tenant = self.tenant(place)?;
        let client_id = self.client_id.as_deref().ok_or_else(|| missing("client_id", "AZURE_CLIENT_ID"))?;
        App::new(self.authority(place, &tenant)?, client_id, proof)
    }

    /// A user of the application; people of any organization where no tenant is named.
    fn user<S: SignIn + 'static>(&self, place: Place<'_>, way: S) -> Made {
        let tenant = self.tenant(place).unwrap_or_else(|_| "organizations".to_owned());
        let client_id =
            self.client_id.clone().or_else(|| place.of_app("CLIENT_ID")).ok_or_else(|| missing("client_id", "AZURE_CLIENT_ID"))?;
        let mut client = PublicClient::new(self.authority(place, &tenant)?, &client_id)?;
        client.login_hint = self.login_hint.clone().or_else(|| self.username.clone());
        client.domain_hint = self.domain_hint.clone();
        let user = User::new(client, way);
        Ok(Box::new(match &self.remember {
            Remember::Memory => user,
            Remember::Files(options) => user.with_store(Arc::new(Store::open(options.clone())?)),
        }))
    }

    fn person(&self) -> Result<Arc<dyn Person>> {
        self.person.clone().ok_or_else(|| Error::new(Kind::Internal, "no way to the person was given"))
    }

    fn paste(&self) -> Result<Paste> {
        let paste = Paste::new(self.person()?).prompting(self.prompt_parameter()?);
        match &self.redirect_uri {
            Some(uri) => paste.redirect_to(uri),
            None => Ok(paste),
        }
    }

    fn browser(&self) -> Result<Browser> {
        let fallback: Option<Arc<dyn SignIn>> = match self.fallback.as_deref() {
            None | Some("paste") => Some(Arc::new(Paste::new(self.person()?).prompting(self.prompt_parameter()?))),
            Some("device-code") => Some(Arc::new(DeviceCode { person: self.person()? })),
            Some("none") => None,
            Some(other) => {
                let message = format!("{other:?} is not allowed; it is \"paste\", \"device-code\" or \"none\"");
                return Err(Error::setting("fallback", message));
            }
        };
        let usual = Browser::new(self.person()?);
        Ok(Browser {
            redirect: self.redirect_uri.as_deref().map(Redirect::parse).transpose()?.unwrap_or_default(),
            timeout: crate::settings::seconds("timeout", self.sign_in_timeout)?.unwrap_or(usual.timeout),
            prompt: self.prompt_parameter()?,
            fallback,
            ..usual
        })
    }

    fn prompt_parameter(&self) -> Result<Option<String>> {
        let allowed = ["login", "select_account", "consent"];
        match &self.prompt {
            Some(prompt) if !allowed.contains(&prompt.as_str()) => {
                Err(Error::setting("prompt", format!("{prompt:?} is not allowed; it is {}", listed(&allowed))))
            }
            prompt => Ok(prompt.clone()),
        }
    }

    fn certificate(&self) -> Result<Certificate> {
        let algorithm = match self.algorithm.as_deref() {
            None | Some("PS256") => Algorithm::Ps256,
            Some("RS256") => Algorithm::Rs256,
            Some(other) => return Err(Error::setting("algorithm", format!("{other:?} is not allowed; it is \"PS256\" or \"RS256\""))),
        };
        let source = match (&self.certificate_path, &self.certificate_data) {
            (Some(path), _) => CertificateSource::Path(path.into()),
            (None, Some(data)) => CertificateSource::Bytes(data.expose().to_vec()),
            (None, None) => return Err(missing("certificate_path", "AZURE_CLIENT_CERTIFICATE_PATH")),
        };
        Certificate::new(CertificateOptions {
            source,
            password: self.certificate_password.clone(),
            algorithm,
            thumbprint_sha1: self.thumbprint_sha1,
            send_certificate_chain: self.send_certificate_chain,
        })
    }

    fn source(&self) -> Result<Arc<dyn AssertionSource>> {
        self.assertion.clone().ok_or_else(|| Error::setting("assertion", "is not given"))
    }

    fn workload_identity(&self, place: Place<'_>) -> Made {
        let unavailable = |name: &str| {
            Error::new(Kind::CredentialUnavailable, format!("workload identity: {name} is not set")).hint(
                "on Kubernetes, label the pod azure.workload.identity/use: \"true\" and annotate its service account; elsewhere pass the values",
            )
        };
        let path = self.token_file_path.clone().or_else(|| place.get("AZURE_FEDERATED_TOKEN_FILE"));
        let path = path.ok_or_else(|| unavailable("AZURE_FEDERATED_TOKEN_FILE"))?;
        let known = Choice {
            tenant_id: Some(self.tenant_id.clone().or_else(|| place.of_app("TENANT_ID")).ok_or_else(|| unavailable("AZURE_TENANT_ID"))?),
            client_id: Some(self.client_id.clone().or_else(|| place.of_app("CLIENT_ID")).ok_or_else(|| unavailable("AZURE_CLIENT_ID"))?),
            ..self.clone()
        };
        Ok(Box::new(known.app(place, ClientAssertion::new(TokenFile::new(path)))?))
    }

    fn github_actions(&self, place: Place<'_>) -> Made {
        let source = GitHubActions::new(
            place.get("ACTIONS_ID_TOKEN_REQUEST_URL").as_deref(),
            place.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(Secret::new),
            self.oidc_audience.as_deref(),
        )?;
        let known = Choice { client_id: self.client_id.clone().or_else(|| place.of_app("CLIENT_ID")), ..self.clone() };
        Ok(Box::new(known.app(place, ClientAssertion::new(source))?))
    }

    fn azure_pipelines(&self, place: Place<'_>) -> Made {
        let connection = self.service_connection_id.clone().or_else(|| place.get("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID"));
        let connection = connection.ok_or_else(|| {
            let what = "Azure Pipelines: service_connection_id is not given, and AZURESUBSCRIPTION_SERVICE_CONNECTION_ID is not set";
            Error::new(Kind::CredentialUnavailable, what).hint("the AzureCLI and AzurePowerShell tasks set it; elsewhere pass the values")
        })?;
        let source = AzurePipelines::new(
            place.get("SYSTEM_OIDCREQUESTURI").as_deref(),
            &connection,
            self.system_access_token.clone().or_else(|| place.get("SYSTEM_ACCESSTOKEN").map(Secret::new)),
        )?;
        let client_id = self.client_id.clone().or_else(|| place.get("AZURESUBSCRIPTION_CLIENT_ID"));
        let tenant_id = self.tenant_id.clone().or_else(|| place.get("AZURESUBSCRIPTION_TENANT_ID"));
        let known = Choice { client_id, tenant_id, ..self.clone() };
        Ok(Box::new(known.app(place, ClientAssertion::new(source))?))
    }

    fn managed_identity(&self, place: Place<'_>) -> Result<ManagedIdentity> {
        let given = [&self.client_id, &self.object_id, &self.resource_id].into_iter().flatten().count();
        if given > 1 {
            return Err(Error::setting("client_id", "object_id and resource_id each name an identity; give one of them"));
        }
        let identity = match (&self.client_id, &self.object_id, &self.resource_id) {
            (Some(id), ..) => Some(Identity::ClientId(id.clone())),
            (_, Some(id), _) => Some(Identity::ObjectId(id.clone())),
            (.., Some(id)) => Some(Identity::ResourceId(id.clone())),
            _ => None,
        };
        match &self.arc_keys {
            Some(keys) => ManagedIdentity::with_arc_keys(place.environment, identity, keys),
            None => ManagedIdentity::new(place.environment, identity),
        }
    }

    /// The environment's application or user: by secret, by certificate, or by name and password.
    fn of_environment(&self, place: Place<'_>) -> Made {
        let prefix = place.prefix();
        let unavailable = |names: &[&str], verb: &str| {
            let names: Vec<_> = names.iter().map(|name| format!("{prefix}{name}")).collect();
            let message = format!("the environment names no credential: {} {verb} not set", names.join(", "));
            Error::new(Kind::CredentialUnavailable, message).hint(format!(
                "set {prefix}TENANT_ID, {prefix}CLIENT_ID and {prefix}CLIENT_SECRET, or {prefix}CLIENT_CERTIFICATE_PATH instead of the secret"
            ))
        };
        let client_id = place.of_app("CLIENT_ID").ok_or_else(|| unavailable(&["CLIENT_ID"], "is"))?;
        let flag = |name: &str| place.of_app(name).is_some_and(|v| ["1", "true", "yes"].contains(&v.trim().to_ascii_lowercase().as_str()));
        let known = Choice {
            client_id: Some(client_id),
            client_secret: place.of_app("CLIENT_SECRET").map(Secret::new),
            certificate_path: place.of_app("CLIENT_CERTIFICATE_PATH"),
            certificate_password: place.of_app("CLIENT_CERTIFICATE_PASSWORD").map(Secret::new),
            send_certificate_chain: flag("CLIENT_SEND_CERTIFICATE_CHAIN"),
            username: place.of_app("USERNAME"),
            password: place.of_app("PASSWORD").map(Secret::new),
            ..self.clone()
        };
        let needs_tenant = || self.tenant(place).map_err(|_| unavailable(&["TENANT_ID"], "is"));
        if known.client_secret.is_some() {
            needs_tenant()?;
            return known.build("client-secret", place);
        }
        if known.certificate_path.is_some() {
            needs_tenant()?;
            return known.build("certificate", place);
        }
        if known.username.is_some() && known.password.is_some() {
            return known.build("username-password", place);
        }
        Err(unavailable(&["CLIENT_SECRET", "CLIENT_CERTIFICATE_PATH", "USERNAME with PASSWORD"], "are"))
    }

    fn on_behalf_of(&self, place: Place<'_>) -> Made {
        let user = self.user_assertion.clone().ok_or_else(|| Error::setting("user_assertion", "is not given"))?;
        let given =
            [self.client_secret.is_some(), self.certificate_path.is_some() || self.certificate_data.is_some(), self.assertion.is_some()];
        match given {
            [true, false, false] => {
                let secret = check_secret(self.client_secret.clone().unwrap_or_else(|| Secret::new("")))?;
                Ok(Box::new(OnBehalfOf::new(self.app(place, secret)?, user)?))
            }
            [false, true, false] => Ok(Box::new(OnBehalfOf::new(self.app(place, self.certificate()?)?, user)?)),
            [false, false, true] => Ok(Box::new(OnBehalfOf::new(self.app(place, ClientAssertion::new(self.source()?))?, user)?)),
            _ => Err(Error::setting("client_secret", "or a certificate, or a function that gives assertions: give one of the three")),
        }
    }

    fn tool_timeout(&self) -> Result<Duration> {
        Ok(crate::settings::seconds("process_timeout", self.process_timeout)?.unwrap_or(TOOL))
    }

    /// Those that need nobody, in the order in which they are likeliest to be meant; a browser only when asked for.
    fn default_chain(&self, place: Place<'_>) -> Made {
        let ways = Way::chosen(place.get("AZURE_TOKEN_CREDENTIALS").as_deref())?;
        let nobodys = Choice { client_id: None, ..self.clone() };
        let chain = Chain::default_chain(&ways, |way| match way {
            Way::ManagedIdentity if self.client_id.is_some() => self.build(way.name(), place).map(Arc::from),
            // `AZURE_CLIENT_ID` names the identity here, as in azure-identity; it may have been set for something else.
            Way::ManagedIdentity => {
                let named = Choice { client_id: place.of_app("CLIENT_ID"), ..nobodys.clone() };
                let unavailable = |e: Error| e.with(|f| f.kind = Kind::CredentialUnavailable);
                named.build(way.name(), place).map(Arc::from).map_err(unavailable)
            }
            way => nobodys.build(way.name(), place).map(Arc::from),
        })?;
        if !self.interactive {
            return Ok(Box::new(chain));
        }
        let members =
            vec![Member::new("default", Ok(Arc::new(chain))), Member::new("browser", self.build("browser", place).map(Arc::from))];
        Ok(Box::new(Chain::new(members)?))
    }
}

/// What was given or found is no kind.
fn unknown_kind(name: &str) -> Error {
    let guess = did_you_mean(name, SHORT_FORMS.iter().copied());
    let message = format!("{name:?} is not allowed; it is {}, a credential object or a callable.{guess}", listed(SHORT_FORMS));
    Error::setting("credential", message)
}

/// A setting that was neither given nor found in the environment.
pub fn missing(name: &str, variable: &str) -> Error {
    Error::setting(name, format!("is not given, and {variable} is not set")).hint(
        "pass tenant_id, client_id and client_secret, or credential=, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; \
         without a tenant, xdrkit.sandbox() gives a client to try",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::DevicePrompt, cloud::CLOUDS};

    const TENANT: &str = "11111111-2222-3333-4444-555555555555";
    const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/certificates/leaf.pem");

    #[derive(Debug)]
    struct Nobody;
    impl Person for Nobody {
        fn show_code(&self, _: &DevicePrompt) -> Result<()> {
            Ok(())
        }
    }

    fn build(kind: &str, choice: Choice, variables: &[(&str, &str)]) -> Made {
        let environment = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let choice = Choice { person: Some(Arc::new(Nobody)), ..choice };
        choice.build(kind, Place { cloud: &CLOUDS[0], environment: &environment })
    }

    fn app() -> Choice {
        Choice { tenant_id: Some(TENANT.into()), client_id: Some("app".into()), ..Choice::default() }
    }

    fn error(made: Made) -> (Kind, String) {
        let error = made.err().unwrap();
        (error.kind(), error.to_string())
    }

    #[test]
    fn every_kind_is_made_from_what_it_needs() {
        let secret = || Some(Secret::new("s"));
        let assertion: Option<Arc<dyn AssertionSource>> = Some(Arc::new(TokenFile::new("/nowhere")));
        let table: Vec<(&str, Choice, &str)> = vec![
            ("client-secret", Choice { client_secret: secret(), ..app() }, "client secret"),
            ("certificate", Choice { certificate_path: Some(KEY.into()), ..app() }, "certificate"),
            ("client-assertion", Choice { assertion: assertion.clone(), ..app() }, "workload identity"),
            ("workload-identity", Choice { token_file_path: Some("/nowhere".into()), ..app() }, "workload identity"),
            ("managed-identity", Choice::default(), "managed identity (IMDS)"),
            ("browser", app(), "browser"),
            ("device-code", app(), "device code"),
            ("paste", app(), "paste"),
            ("username-password", Choice { username: Some("u@x.example".into()), password: secret(), ..app() }, "username and password"),
            ("on-behalf-of", Choice { client_secret: secret(), user_assertion: secret(), ..app() }, "on behalf of"),
            ("on-behalf-of", Choice { certificate_path: Some(KEY.into()), user_assertion: secret(), ..app() }, "on behalf of"),
            ("on-behalf-of", Choice { assertion, user_assertion: secret(), ..app() }, "on behalf of"),
            ("azure-cli", Choice::default(), "Azure CLI"),
            ("azure-developer-cli", Choice::default(), "Azure Developer CLI"),
            ("azure-powershell", Choice::default(), "Azure PowerShell"),
            ("default", Choice::default(), "chained"),
            ("static-token", Choice { token: secret(), ..Choice::default() }, "static token"),
        ];
        for (kind, choice, told) in table {
            let made = build(kind, choice, &[]).unwrap_or_else(|e| panic!("{kind}: {e}"));
            assert_eq!(made.kind(), told, "{kind}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (kind, choice, name) in [
            ("client-secret", app(), "client_secret"),
            ("certificate", app(), "certificate_path"),
            ("client-assertion", app(), "assertion"),
            ("username-password", app(), "username"),
            ("on-behalf-of", app(), "user_assertion"),
            ("on-behalf-of", Choice { user_assertion: Some(Secret::new("t")), ..app() }, "client_secret"),
            ("browser", Choice::default(), "client_id"),
            ("static-token", Choice::default(), "token"),
            ("browser", Choice { fallback: Some("hope".into()), ..app() }, "fallback"),
            ("browser", Choice { prompt: Some("none".into()), ..app() }, "prompt"),
            ("certificate", Choice { certificate_path: Some(KEY.into()), algorithm: Some("HS256".into()), ..app() }, "algorithm"),
            ("device-code", Choice { authority: Some("https://evil.example".into()), ..app() }, "authority"),
            ("github", app(), "credential"),
        ] {
            let (class, message) = error(build(kind, choice, &[]));
            assert_eq!(class, Kind::Configuration, "{kind}: {message}");
            assert!(message.starts_with(&format!("{name}:")), "{kind}: {message}");
        }
        for kind in ["workload-identity", "github-actions", "azure-pipelines", "environment"] {
            assert_eq!(error(build(kind, app(), &[])).0, Kind::CredentialUnavailable, "{kind}");
        }
    }

    #[test]
    fn the_environment_names_a_secret_before_a_certificate_before_a_user() {
        let base = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", "app")];
        let user = [("AZURE_USERNAME", "u@x.example"), ("AZURE_PASSWORD", "p")];
        let certificate = [("AZURE_CLIENT_CERTIFICATE_PATH", KEY), ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "false")];
        let secret = [("AZURE_CLIENT_SECRET", "s")];
        let kind = |parts: &[&[(&'static str, &'static str)]]| build("environment", Choice::default(), &parts.concat()).unwrap().kind();
        assert_eq!(kind(&[&base, &user]), "username and password");
        assert_eq!(kind(&[&base, &user, &certificate]), "certificate");
        assert_eq!(kind(&[&base, &user, &certificate, &secret]), "client secret");
        assert_eq!(error(build("environment", Choice::default(), &[&base[..], &user[..1]].concat())).0, Kind::CredentialUnavailable);
    }

    #[test]
    fn an_application_is_read_whole_under_one_prefix() {
        let variables = [
            ("AZURE_TENANT_ID", "azure.example"),
            ("AZURE_CLIENT_ID", "theirs"),
            ("AZURE_CLIENT_SECRET", "s"),
            ("DEFENDER_TENANT_ID", "defender.example"),
            ("DEFENDER_CLIENT_ID", "ours"),
        ];
        assert_eq!(error(build("environment", Choice::default(), &variables)).0, Kind::CredentialUnavailable, "no secret of another's");
        let whole = [&variables[..], &[("DEFENDER_CLIENT_SECRET", "t")]].concat();
        let made = build("environment", Choice::default(), &whole).unwrap();
        assert_eq!((made.tenant(), made.client_id()), (Some("defender.example"), Some("ours")));
    }

    #[test]
    fn a_browser_of_another_computer_is_no_browser() {
        let kind = |variables: &[(&str, &str)], choice: Choice| build("browser", choice, variables).unwrap().kind();
        for name in
            ["CODESPACES", "JUPYTERHUB_USER", "DATABRICKS_RUNTIME_VERSION", "COLAB_RELEASE_TAG", "AZUREML_NB_PATH", "SSH_CONNECTION"]
        {
            assert_eq!(kind(&[(name, "1")], app()), "paste", "{name}");
        }
        assert_eq!(kind(&[("SSH_CONNECTION", "1"), ("DISPLAY", ":10")], app()), "browser");
        assert_eq!(kind(&[("CODESPACES", "1")], Choice { redirect_uri: Some("http://localhost:8400".into()), ..app() }), "browser");
    }

    #[test]
    fn people_of_any_organization_sign_in_where_no_tenant_is_named() {
        let made = build("device-code", Choice { tenant_id: None, ..app() }, &[]).unwrap();
        assert_eq!(made.tenant(), Some("organizations"));
        assert_eq!(
            error(build("client-secret", Choice { tenant_id: None, client_secret: Some(Secret::new("s")), ..app() }, &[])).1[..10],
            *"tenant_id:"
        );
    }

    #[test]
    fn a_managed_identity_has_one_name() {
        let two = Choice { client_id: Some(TENANT.into()), object_id: Some(TENANT.into()), ..Choice::default() };
        assert_eq!(error(build("managed-identity", two, &[])).0, Kind::Configuration);
    }

    #[test]
    fn no_secret_shows_in_a_choice() {
        let canary = || Some(Secret::new("canary"));
        let full = Choice {
            client_secret: canary(),
            certificate_password: canary(),
            system_access_token: canary(),
            password: canary(),
            user_assertion: canary(),
            token: canary(),
            certificate_data: Some(SecretBytes::new(b"canary".to_vec())),
            ..app()
        };
        let text = format!("{full:?}");
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains("99, 97, 110"), "{text}");
    }
}
