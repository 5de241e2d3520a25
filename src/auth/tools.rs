//! Developer tools that somebody has signed in to: the Azure CLI, the Azure Developer CLI and Azure PowerShell.
//!
//! They are run and asked for a token, each time anew. What they keep on disk is left alone: reading the refresh tokens of another product is
//! what thieves do, and is watched for. Nobody is signed in here, or the tool is not there: then another way may be tried. Everything else a
//! tool says is an answer, and is told as one.

mod command;
mod said;

use super::{Claims, Credential, Grant, Wanted, Wire, app::digest, check_tenant, entra, hints, is_token};
use crate::{
    clock::{BoxFuture, epoch_seconds},
    error::{Error, Kind, Result},
    json::{self, Value},
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use command::{Output, Trouble};
use jiff::{Timestamp, civil, tz::TimeZone};
use said::said;
use std::{ffi::OsString, time::Duration};

/// How long a tool may take unless told otherwise: in containers, half a minute has been seen.
pub const TOOL_TIMEOUT: Duration = Duration::from_secs(30);
/// A token of which nobody says how long it lives.
const UNKNOWN_LIFETIME: i64 = 300;
const LONGEST: i64 = 172_800;
/// What our script prints in front of the token.
const MARK: &str = "xdrkit%";

/// What is asked of a tool.
struct Ask<'a> {
    scopes: &'a [String],
    resource: Result<&'a str>,
    tenant: Option<&'a str>,
    subscription: Option<&'a str>,
    claims: Option<String>,
}

/// What a tool answered.
struct Answer {
    token: Secret,
    /// Seconds since 1970.
    expires: Option<i64>,
}

/// How one tool is talked to.
#[derive(Debug)]
struct About {
    name: &'static str,
    programs: &'static [&'static str],
    install: &'static str,
    /// The command that signs a person in, with its parameters for a tenant and for a challenge (where it cannot be passed on with the question).
    login: &'static str,
    login_tenant: &'static str,
    login_claims: Option<&'static str>,
    /// What a person may run to see it whole.
    by_hand: &'static str,
    /// What its errors hold when nobody is signed in.
    signed_out: &'static [&'static str],
    arguments: fn(&Ask<'_>) -> Result<Vec<String>>,
    answer: fn(&str) -> Option<Answer>,
}

const AZURE_CLI: About = About {
    name: "Azure CLI",
    programs: if cfg!(windows) { &["az.cmd", "az.exe"] } else { &["az"] },
    install: "https://aka.ms/installazurecli",
    login: "az login",
    login_tenant: "--tenant",
    login_claims: Some("--claims-challenge"),
    by_hand: "az account get-access-token",
    signed_out: &["az login", "az account set"],
    arguments: |ask| {
        let mut args = vec!["account", "get-access-token", "--output", "json", "--resource", ask.resource.clone()?];
        // The CLI takes one or the other.
        match (ask.tenant, ask.subscription) {
            (Some(tenant), _) => args.extend(["--tenant", tenant]),
            (None, Some(subscription)) => args.extend(["--subscription", subscription]),
            (None, None) => {}
        }
        Ok(owned(&args))
    },
    answer: |text| json_answer(text, "accessToken"),
};

const AZURE_DEVELOPER_CLI: About = About {
    name: "Azure Developer CLI",
    programs: if cfg!(windows) { &["azd.exe", "azd.cmd"] } else { &["azd"] },
    install: "https://aka.ms/azd-install",
    login: "azd auth login",
    login_tenant: "--tenant-id",
    login_claims: None,
    by_hand: "azd auth token",
    signed_out: &["azd auth login"],
    arguments: |ask| {
        let mut args = vec!["auth", "token", "--output", "json", "--no-prompt"];
        args.extend(ask.scopes.iter().flat_map(|scope| ["--scope", scope.as_str()]));
        args.extend(ask.tenant.iter().flat_map(|tenant| ["--tenant-id", tenant]));
        args.extend(ask.claims.iter().flat_map(|claims| ["--claims", claims.as_str()]));
        Ok(owned(&args))
    },
    answer: |text| json_answer(text, "token"),
};

const AZURE_POWERSHELL: About = About {
    name: "Azure PowerShell",
    programs: if cfg!(windows) { &["pwsh.exe", "powershell.exe"] } else { &["pwsh"] },
    install: "https://aka.ms/azps-install",
    login: "Connect-AzAccount",
    login_tenant: "-Tenant",
    login_claims: Some("-ClaimsChallenge"),
    by_hand: "Get-AzAccessToken",
    signed_out: &["connect-azaccount"],
    arguments: |ask| {
        ask.resource.clone()?;
        let script: Vec<u8> = SCRIPT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        Ok(owned(&["-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand", &STANDARD.encode(script)]))
    },
    answer: script_answer,
};

/// The same for every question: what is asked for comes by the environment, so that no value is ever read as code. Newer modules hand tokens
/// out as secure strings.
const SCRIPT: &str = r"
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
try {
    if (-not (Get-Module Az.Accounts -ListAvailable)) { throw 'the module Az.Accounts is not installed' }
    Import-Module Az.Accounts -MinimumVersion 2.2.0
    $ask = @{ ResourceUrl = $env:XDRKIT_RESOURCE }
    if ($env:XDRKIT_TENANT) { $ask.TenantId = $env:XDRKIT_TENANT }
    $got = Get-AzAccessToken @ask
    $token = $got.Token
    if ($token -is [Security.SecureString]) { $token = [Net.NetworkCredential]::new('', $token).Password }
    [Console]::Out.WriteLine('xdrkit%' + $token + '%' + $got.ExpiresOn.ToUnixTimeSeconds())
} catch {
    [Console]::Error.WriteLine('ERROR: ' + $_.Exception.Message)
    exit 1
}
";

/// A tool in which somebody has signed in.
#[derive(Debug)]
pub struct DeveloperTool {
    about: &'static About,
    tenant: Option<String>,
    subscription: Option<String>,
    limit: Duration,
    path: Option<OsString>,
}

impl DeveloperTool {
    /// The Azure CLI, for its own tenant, or that one, or that of a subscription (by name or id).
    pub fn azure_cli(tenant: Option<&str>, subscription: Option<&str>, timeout: Duration) -> Result<DeveloperTool> {
        if let Some(name) = subscription {
            check_subscription(name)?;
            if tenant.is_some() {
                return Err(Error::setting("subscription", "and tenant_id both choose the tenant; the Azure CLI takes one of them"));
            }
        }
        let tool = DeveloperTool::new(&AZURE_CLI, tenant, timeout)?;
        Ok(DeveloperTool { subscription: subscription.map(str::to_owned), ..tool })
    }

    /// The Azure Developer CLI, for its own tenant or that one.
    pub fn azure_developer_cli(tenant: Option<&str>, timeout: Duration) -> Result<DeveloperTool> {
        DeveloperTool::new(&AZURE_DEVELOPER_CLI, tenant, timeout)
    }

    /// Azure PowerShell, for its own tenant or that one.
    pub fn azure_powershell(tenant: Option<&str>, timeout: Duration) -> Result<DeveloperTool> {
        DeveloperTool::new(&AZURE_POWERSHELL, tenant, timeout)
    }

    fn new(about: &'static About, tenant: Option<&str>, limit: Duration) -> Result<DeveloperTool> {
        tenant.map(check_tenant).transpose()?;
        Ok(DeveloperTool { about, tenant: tenant.map(str::to_owned), subscription: None, limit, path: None })
    }

    /// Looks for the program here, and not on the process's own search path.
    pub fn on_path(self, path: impl Into<OsString>) -> DeveloperTool {
        DeveloperTool { path: Some(path.into()), ..self }
    }

    async fn get(&self, wire: &Wire, wanted: &Wanted) -> Result<Grant> {
        wanted.scopes.iter().try_for_each(|scope| check_scope(scope))?;
        let tenant = wanted.tenant.as_deref().or(self.tenant.as_deref());
        tenant.map(check_tenant).transpose()?;
        let claims = wanted.claims.as_deref().map(|claims| STANDARD.encode(claims));
        let ask = Ask { scopes: &wanted.scopes, resource: wanted.resource(), tenant, subscription: self.subscription.as_deref(), claims };
        if let (Some(parameter), Some(claims)) = (self.about.login_claims, &ask.claims) {
            return Err(self.challenged(&ask, &format!("{parameter} {claims}")));
        }
        let output = self.run(&ask).await?;
        if output.status != Some(0) {
            return Err(self.refused(&ask, &output));
        }
        let answer = (self.about.answer)(output.stdout.expose()).filter(|answer| is_token(answer.token.expose()));
        answer.map(|answer| grant(wire, answer)).ok_or_else(|| self.failed("'s answer holds no token"))
    }

    async fn run(&self, ask: &Ask<'_>) -> Result<Output> {
        let arguments = (self.about.arguments)(ask)?;
        let path = self.path.clone().or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        let program = command::find(self.about.programs, &path).ok_or_else(|| self.missing())?;
        let environment = [
            ("NO_COLOR", "1"),
            ("AZURE_CORE_NO_COLOR", "true"),
            ("AZURE_CORE_DISABLE_CONFIRM_PROMPT", "true"),
            // The Azure CLI before 2.54 tells the end of a token in local time, without saying which: so it is told where it is.
            ("TZ", "UTC0"),
            ("XDRKIT_RESOURCE", ask.resource.as_ref().copied().unwrap_or_default()),
            ("XDRKIT_TENANT", ask.tenant.unwrap_or_default()),
        ];
        command::run(&program, &arguments, &environment, self.limit).await.map_err(|trouble| match trouble {
            Trouble::Start(e) => self.unavailable(format!("the {} cannot be run: {e}", self.about.name)).hint(self.try_by_hand()),
            Trouble::TooMuch => self.failed(" said far more than an answer").hint(self.try_by_hand()),
            Trouble::Slow => self
                .failed(&format!(" did not answer within {} s", self.limit.as_secs_f64()))
                .hint(format!("{}; in a container it may need longer: give it a longer process_timeout", self.try_by_hand())),
        })
    }

    /// What the tool's own words mean.
    fn refused(&self, ask: &Ask<'_>, output: &Output) -> Error {
        let streams = [said(output.stderr.expose()), said(output.stdout.expose())];
        let [text, _] = &streams;
        let text = streams.iter().find(|text| !text.is_empty()).unwrap_or(text);
        let number = hints::number_in(text);
        let lower = text.to_lowercase();
        if number.is_none() && self.about.signed_out.iter().any(|sign| lower.contains(sign)) {
            return self.unavailable(format!("nobody is signed in to the {}", self.about.name)).hint(format!("run `{}`", self.login(ask)));
        }
        if number.is_none() && lower.contains("az.accounts") {
            return self.unavailable("the PowerShell module Az.Accounts is missing or too old").hint("run `Install-Module Az.Accounts`");
        }
        if output.status == Some(127) {
            return self.missing();
        }
        let error = match (text.as_str(), output.status) {
            ("", Some(status)) => self.failed(&format!(" ended with status {status} and said nothing")),
            ("", None) => self.failed(" was ended by a signal"),
            (text, _) => self.failed(&format!(" gave no token: {text}")),
        };
        match number {
            Some(number) => {
                let hint = hints::for_number(number).map_or_else(|| format!("run `{}` again", self.login(ask)), str::to_owned);
                error.hint(hint).detail("aadsts", number).detail("help", hints::page(number))
            }
            None => error.hint(self.try_by_hand()),
        }
    }

    /// A claims challenge takes a person, and the person has to sign in to the tool.
    fn challenged(&self, ask: &Ask<'_>, parameter: &str) -> Error {
        let message = format!("the service asks for a new sign-in, which the {} has to make", self.about.name);
        Error::new(Kind::InteractionRequired, message).hint(format!("run `{} {parameter}`", self.login(ask)))
    }

    fn missing(&self) -> Error {
        self.unavailable(format!("the {} is not installed, or not on the search path", self.about.name))
            .hint(format!("install it from {}, then run `{}`", self.about.install, self.about.login))
    }

    fn unavailable(&self, message: impl Into<String>) -> Error {
        Error::new(Kind::CredentialUnavailable, message)
    }

    fn failed(&self, what: &str) -> Error {
        Error::new(Kind::Authentication, format!("the {}{what}", self.about.name)).hint(self.try_by_hand())
    }

    fn try_by_hand(&self) -> String {
        format!("run `{}` in a terminal to see it whole", self.about.by_hand)
    }

    fn login(&self, ask: &Ask<'_>) -> String {
        match ask.tenant {
            Some(tenant) => format!("{} {} {tenant}", self.about.login, self.about.login_tenant),
            None => self.about.login.to_owned(),
        }
    }
}

impl Credential for DeveloperTool {
    fn kind(&self) -> &'static str {
        self.about.name
    }

    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn takes_tenant(&self) -> bool {
        true
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default().into_bytes();
        let path = self.path.as_ref().map(|path| path.as_encoded_bytes()).unwrap_or_default();
        Some(digest(&[self.about.name.as_bytes(), &text(&self.tenant), &text(&self.subscription), path]))
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(self.get(wire, wanted))
    }
}

fn owned(args: &[&str]) -> Vec<String> {
    args.iter().map(|&arg| arg.to_owned()).collect()
}

/// A scope becomes an argument of a program, which on Windows may be a batch file: nothing in it may mean something there.
fn check_scope(scope: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b":/._~-".contains(&b);
    if scope.starts_with(|c: char| c.is_ascii_alphanumeric()) && scope.len() <= 2048 && scope.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::argument(
        "scopes",
        format!("{scope:?} cannot be asked of a tool; a scope is such as \"https://graph.microsoft.com/.default\""),
    ))
}

fn check_subscription(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-()".contains(c);
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.len() <= 256 && name.chars().all(plain) {
        return Ok(());
    }
    Err(Error::setting("subscription", format!("{name:?} is not allowed; it is a subscription's id, or its name if that is plain letters")))
}

fn grant(wire: &Wire, answer: Answer) -> Grant {
    let now = epoch_seconds(&*wire.clock);
    let expires = answer.expires.or_else(|| Claims::read(&answer.token)?.expires);
    let left = expires.map_or(UNKNOWN_LIFETIME, |at| at.saturating_sub(now)).clamp(0, LONGEST);
    Grant { token: answer.token, lifetime: Duration::from_secs(left.unsigned_abs()), refresh_in: None }
}

/// The answer of the two that speak JSON. A notice may stand in front of it.
fn json_answer(text: &str, token: &str) -> Option<Answer> {
    let body = json::parse(text.get(text.find('{')?..)?.trim_end().as_bytes()).ok()?;
    let member = |name: &str| body.get(name);
    let epoch = member("expires_on").and_then(entra::number).map(|seconds| seconds as i64);
    Some(Answer {
        token: Secret::new(member(token)?.as_str()?),
        expires: epoch.or_else(|| moment(member("expiresOn").and_then(Value::as_str)?)),
    })
}

/// A time with its zone, or one in UTC.
fn moment(text: &str) -> Option<i64> {
    let at = text.parse::<Timestamp>().ok().or_else(|| {
        let time: civil::DateTime = text.parse().ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    Some(at.as_second())
}

fn script_answer(text: &str) -> Option<Answer> {
    let (token, expires) = text.lines().find_map(|line| line.trim().strip_prefix(MARK))?.split_once('%')?;
    Some(Answer { token: Secret::new(token), expires: expires.parse().ok() })
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
