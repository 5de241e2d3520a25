//! Managed identities: the little endpoints that each of Azure's places has for what runs there.
//!
//! No two of them agree on the header that guards them, on the name of a client id, or on how the end of a token is written. A client
//! that knows one of them fails in the next place over, so each is here as it is, with all the ways to write an end that were seen.

use std::collections::{HashMap, HashSet};

use http::Method;

use crate::json::{Object, Value, object};

use super::entra::{self, Principal};
use super::wire::{Reply, Request, field, guid, guid_for};
use super::{House, clock, lock, text_of};

/// What the agents of these places ask for in a header. None opens anything.
const HEADER: &str = "sandbox-identity-header";
/// Seconds that a managed identity's token lives, unless the options say otherwise.
const LIVES: i64 = 86_400;

/// A managed identity.
pub(super) struct ManagedIdentity {
    pub(super) client_id: &'static str,
    pub(super) object_id: &'static str,
    pub(super) resource_id: &'static str,
}

/// The one that is assigned to the machine by name.
pub(super) const ASSIGNED: ManagedIdentity = ManagedIdentity {
    client_id: "6a1b7c52-1f0e-4d6a-9c57-30b2e4a5d811",
    object_id: "3e9f4d21-7b60-4c1f-8a2e-5d14c6b7f922",
    resource_id: "/subscriptions/5c3a9e10-2f4b-4d8c-9b6a-1e7d0c5f8a33/resourceGroups/hunting/providers/Microsoft.ManagedIdentity/userAssignedIdentities/hunter",
};
/// The machine's own.
const SYSTEM: ManagedIdentity = ManagedIdentity {
    client_id: "9d2c8e63-4a7f-4b1d-8e06-7f3a5c1b9d44",
    object_id: "1c7e5f84-9b3d-4e2a-a6f1-8d0b4c7e2a55",
    resource_id: "/subscriptions/5c3a9e10-2f4b-4d8c-9b6a-1e7d0c5f8a33/resourcegroups/hunting/providers/Microsoft.Compute/virtualMachines/hunter",
};

/// A place with managed identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    /// A virtual machine, a scale set, a node of a cluster.
    Imds,
    /// App Service, Functions, Container Apps.
    AppService,
    /// A runbook in Azure Automation's own sandboxes.
    Automation,
    /// A runbook on a hybrid worker, in the older form.
    AutomationHybrid,
    /// A compute instance of Azure Machine Learning.
    AzureMl,
    /// A machine outside of Azure, with the agent of Azure Arc.
    Arc,
    /// The same with an agent that knows no user-assigned identities and does not say so.
    ArcOld,
    /// Azure Cloud Shell: the person's own token.
    CloudShell,
}

impl Platform {
    const ALL: [(Platform, &'static str, &'static str); 8] = [
        (Platform::Imds, "imds", "/metadata/identity/oauth2/token"),
        (Platform::AppService, "app-service", "/msi/token"),
        (Platform::Automation, "automation", "/automation/oauth2/token"),
        (Platform::AutomationHybrid, "automation-hybrid", "/automation/hybrid/oauth2/token"),
        (Platform::AzureMl, "azure-ml", "/ml/msi/token"),
        (Platform::Arc, "arc", "/arc/metadata/identity/oauth2/token"),
        (Platform::ArcOld, "arc-old", "/arc-old/metadata/identity/oauth2/token"),
        (Platform::CloudShell, "cloud-shell", "/cloud-shell/oauth2/token"),
    ];

    /// From its name.
    pub fn parse(name: &str) -> Option<Platform> {
        Platform::ALL.iter().find(|(_, n, _)| *n == name).map(|(platform, ..)| *platform)
    }

    /// The names that [`Platform::parse`] knows.
    pub fn names() -> Vec<&'static str> {
        Platform::ALL.iter().map(|(_, name, _)| *name).collect()
    }

    fn path(self) -> &'static str {
        Platform::ALL.iter().find(|(p, ..)| *p == self).map_or("", |(_, _, path)| *path)
    }
}

/// How an agent writes down when a token ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiresOn {
    /// Seconds since 1970 as text: `"1625212834"`.
    #[default]
    Epoch,
    /// The same as a number.
    Number,
    /// `2021-07-02 08:00:34Z`.
    Spaced,
    /// `2021-07-02T08:00:34Z`.
    Rfc3339,
    /// `06/20/2019 02:57:58 +00:00`.
    American,
    /// `1/16/2020 5:24:12 AM +00:00`.
    AmericanTwelve,
    /// Not at all: `expires_in` alone.
    Absent,
    /// Neither it nor `expires_in`.
    Nothing,
}

impl ExpiresOn {
    const ALL: [(ExpiresOn, &'static str); 8] = [
        (ExpiresOn::Epoch, "epoch"),
        (ExpiresOn::Number, "number"),
        (ExpiresOn::Spaced, "spaced"),
        (ExpiresOn::Rfc3339, "rfc3339"),
        (ExpiresOn::American, "american"),
        (ExpiresOn::AmericanTwelve, "american-12h"),
        (ExpiresOn::Absent, "absent"),
        (ExpiresOn::Nothing, "nothing"),
    ];

    /// From its name.
    pub fn parse(name: &str) -> Option<ExpiresOn> {
        ExpiresOn::ALL.iter().find(|(_, n)| *n == name).map(|(form, _)| *form)
    }

    /// The names that [`ExpiresOn::parse`] knows.
    pub fn names() -> Vec<&'static str> {
        ExpiresOn::ALL.iter().map(|(_, name)| *name).collect()
    }

    fn write(self, ticks: i64, seconds: i64) -> Option<Value> {
        Some(match self {
            ExpiresOn::Epoch => seconds.to_string().into(),
            ExpiresOn::Number => seconds.into(),
            ExpiresOn::Spaced => clock::plain(ticks).into(),
            ExpiresOn::Rfc3339 => clock::written(ticks, "%Y-%m-%dT%H:%M:%SZ").into(),
            ExpiresOn::American => clock::written(ticks, "%m/%d/%Y %H:%M:%S +00:00").into(),
            ExpiresOn::AmericanTwelve => clock::written(ticks, "%-m/%-d/%Y %-I:%M:%S %p +00:00").into(),
            ExpiresOn::Absent | ExpiresOn::Nothing => return None,
        })
    }
}

/// What the agents remember.
#[derive(Default)]
pub(super) struct Agents {
    forms: HashMap<Platform, ExpiresOn>,
    /// Keys that Arc's agent left in files.
    keys: HashSet<String>,
}

/// The variables by which a program finds the agent.
pub(super) fn environment(house: &House, platform: Platform, form: ExpiresOn) -> Vec<(&'static str, String)> {
    lock(&house.agents).forms.insert(platform, form);
    let endpoint = format!("{}{}", house.plain, platform.path());
    let header = HEADER.to_owned();
    match platform {
        Platform::Imds => vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", house.plain.clone())],
        Platform::AppService => vec![("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", header)],
        Platform::Automation => {
            vec![("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", header), ("AZUREPS_HOST_ENVIRONMENT", "AzureAutomation/".to_owned())]
        }
        Platform::AutomationHybrid => {
            vec![("MSI_ENDPOINT", endpoint), ("MSI_SECRET", header), ("AZUREPS_HOST_ENVIRONMENT", "AzureAutomation/".to_owned())]
        }
        Platform::AzureMl => vec![("MSI_ENDPOINT", endpoint), ("MSI_SECRET", header)],
        Platform::Arc | Platform::ArcOld => vec![("IDENTITY_ENDPOINT", endpoint), ("IMDS_ENDPOINT", house.plain.clone())],
        Platform::CloudShell => vec![("MSI_ENDPOINT", endpoint), ("AZUREPS_HOST_ENVIRONMENT", "cloud-shell/1.0".to_owned())],
    }
}

/// Why an agent says no.
enum No {
    /// Status, error, words.
    Plain(u16, &'static str, String),
    /// Arc's demand for the key in that file.
    Key(String),
}

fn no(status: u16, error: &'static str, words: &str) -> No {
    No::Plain(status, error, words.to_owned())
}

/// Whether an agent of a managed identity is asked there.
pub(super) fn serves(path: &str) -> bool {
    Platform::ALL.iter().any(|(_, _, own)| path.eq_ignore_ascii_case(own))
}

/// Answers a request to one of the agents, or `None` when the path is none of theirs.
pub(super) fn answer(house: &House, request: &Request) -> Option<Reply> {
    let (platform, ..) = Platform::ALL.iter().find(|(_, _, path)| request.path.eq_ignore_ascii_case(path))?;
    let fields = if *platform == Platform::CloudShell { request.form() } else { request.fields() };
    Some(match guarded(house, request, *platform, &fields).and_then(|()| token(house, *platform, &fields)) {
        Ok(body) => Reply::json(200, &body).header("Cache-Control", "no-store"),
        Err(No::Key(path)) => {
            Reply::json(401, &object([("error", "unauthorized".into())])).header("WWW-Authenticate", format!("Basic realm={path}"))
        }
        Err(No::Plain(status, _, words)) if *platform == Platform::AppService => Reply::json(
            status,
            &object([("statusCode", i64::from(status).into()), ("message", words.into()), ("correlationId", guid().into())]),
        ),
        Err(No::Plain(status, error, words)) => {
            Reply::json(status, &object([("error", error.into()), ("error_description", words.into())]))
        }
    })
}

/// The header that keeps web pages and forwarded requests out, and the version of the endpoint.
fn guarded(house: &House, request: &Request, platform: Platform, fields: &[(String, String)]) -> Result<(), No> {
    use Platform::{AppService, Arc, ArcOld, Automation, AutomationHybrid, AzureMl, CloudShell, Imds};
    let method = if platform == CloudShell { Method::POST } else { Method::GET };
    if request.method != method {
        return Err(no(405, "method_not_allowed", "The request method is not allowed."));
    }
    let is = |name: &str, value: &str| request.header(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    if matches!(platform, Imds | Automation | AutomationHybrid | Arc | ArcOld | CloudShell) && !is("metadata", "true") {
        return Err(no(400, "bad_request_102", "Required metadata header not specified"));
    }
    if matches!(platform, Imds | AutomationHybrid) && request.headers.contains_key("x-forwarded-for") {
        return Err(no(400, "invalid_request", "Requests with an X-Forwarded-For header are not served"));
    }
    let secret = match platform {
        AppService | Automation => Some("x-identity-header"),
        AutomationHybrid | AzureMl => Some("secret"),
        Imds | Arc | ArcOld | CloudShell => None,
    };
    if secret.is_some_and(|name| request.header(name) != Some(HEADER)) {
        return Err(no(401, "unauthorized", "Invalid secret token header"));
    }
    let version = field(fields, "api-version");
    let known: &[&str] = match platform {
        Imds => &["2018-02-01", "2019-08-01", "2021-02-01"],
        AppService | Automation => &["2019-08-01"],
        AzureMl => &["2017-09-01"],
        Arc | ArcOld => &["2019-11-01", "2020-06-01", "2021-02-01"],
        AutomationHybrid | CloudShell => &[],
    };
    if !known.is_empty() && !version.is_some_and(|v| known.contains(&v)) {
        return Err(no(400, "bad_request", "The api-version is missing or not supported"));
    }
    if matches!(platform, Arc | ArcOld) { key(house, request) } else { Ok(()) }
}

/// Arc's proof that the caller may read what only some on the machine may read: the agent writes a key into a file, and asks for it.
fn key(house: &House, request: &Request) -> Result<(), No> {
    let given = request.header("authorization").and_then(|h| h.strip_prefix("Basic ")).map(str::trim);
    if given.is_some_and(|given| lock(&house.agents).keys.remove(given)) {
        return Ok(());
    }
    let (name, key) = (format!("{}.key", guid()), format!("{}{}", guid(), guid()).replace('-', ""));
    let path = lock(&house.scratch).write(&name, &key);
    let path = path.map_err(|e| No::Plain(500, "internal", format!("the key cannot be written: {}", e.kind())))?;
    lock(&house.agents).keys.insert(key);
    Err(No::Key(text_of(&path)))
}

/// Which identity is meant: each place has names of its own for them.
fn identity(platform: Platform, fields: &[(String, String)]) -> Result<(&'static ManagedIdentity, Option<String>), No> {
    use Platform::{AppService, Arc, ArcOld, Automation, AutomationHybrid, AzureMl, Imds};
    let names: &[&str] = match platform {
        Imds => &["client_id", "object_id", "msi_res_id"],
        AppService | Automation => &["client_id", "object_id", "mi_res_id", "principal_id"],
        AutomationHybrid => &["client_id"],
        AzureMl => &["clientid"],
        Arc => &["client_id", "object_id", "msi_res_id"],
        ArcOld | Platform::CloudShell => &[],
    };
    let Some((name, wanted)) = names.iter().find_map(|n| field(fields, n).filter(|v| !v.is_empty()).map(|v| (*n, v))) else {
        return Ok((&SYSTEM, None));
    };
    let known = [ASSIGNED.client_id, ASSIGNED.object_id, ASSIGNED.resource_id];
    if known.iter().any(|id| id.eq_ignore_ascii_case(wanted)) {
        return Ok((&ASSIGNED, (name == "msi_res_id").then(|| wanted.to_owned())));
    }
    Err(no(400, "invalid_request", "Identity not found"))
}

fn token(house: &House, platform: Platform, fields: &[(String, String)]) -> Result<Value, No> {
    let resource = field(fields, "resource").filter(|r| !r.is_empty());
    let resource = resource.ok_or_else(|| no(400, "invalid_request", "Required audience parameter not specified"))?;
    let target =
        entra::resource(house, resource).map_err(|e| No::Plain(400, "invalid_resource", format!("AADSTS{}: {}", e.code, e.words)))?;
    let (who, named) = identity(platform, fields)?;
    let lives = house.options.token_lifetime.map_or(LIVES, i64::from);
    let (client, principal) = match platform {
        Platform::CloudShell => (guid_for("cloud shell"), Principal::User(house.identity.user.clone())),
        _ => (
            who.client_id.to_owned(),
            Principal::App { object_id: who.object_id.to_owned(), resource_id: Some(who.resource_id.to_owned()) },
        ),
    };
    let form = lock(&house.agents).forms.get(&platform).copied().unwrap_or_default();
    let mut body = Object::new();
    body.insert("access_token".into(), entra::access_token(house, &client, &principal, target, resource, lives).into());
    body.insert("client_id".into(), client.into());
    // These two say the end alone; the others say both.
    let alone = matches!(platform, Platform::AppService | Platform::AzureMl);
    if form == ExpiresOn::Absent || (!alone && form != ExpiresOn::Nothing) {
        body.insert("expires_in".into(), (lives - 1).to_string().into());
        body.insert("ext_expires_in".into(), (lives - 1).to_string().into());
    }
    let (ticks, seconds) = (house.clock.now() + lives * clock::SECOND, house.clock.seconds() + lives);
    if let Some(end) = form.write(ticks, seconds) {
        body.insert("expires_on".into(), end);
    }
    body.insert("not_before".into(), (house.clock.seconds() - 300).to_string().into());
    body.insert("resource".into(), resource.into());
    body.insert("token_type".into(), "Bearer".into());
    if let Some(id) = named {
        body.insert("msi_res_id".into(), id.into());
    }
    Ok(Value::Object(body))
}
