//! Several ways to sign in: the first that there is.
//!
//! The chain goes on only past what is not available here. A way that is there and fails ends it: who set up a secret wants to hear that it is
//! wrong, not to be somebody else. For the same reason the first way that worked is the only one from then on. And where nothing is available,
//! the error has every way with its reason: a chain that says only that it failed has to be guessed at.

use super::{Credential, Grant, SignedIn, Wanted, Wire, app::digest};
use crate::{
    clock::BoxFuture,
    error::{Error, Kind, Result, did_you_mean},
    json::{Object, Value},
    perprocess::PerProcess,
};
use std::{
    convert::Infallible,
    fmt::Write,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinSet};

/// In the default chain, how long a way is waited for before the next is tried beside it.
const HEAD_START: Duration = Duration::from_millis(200);

/// The ways of the default chain, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// An application, or a user, by `AZURE_*` variables.
    Environment,
    /// A token file, as in Kubernetes.
    WorkloadIdentity,
    /// What the machine or the service that this runs on is.
    ManagedIdentity,
    /// Who is signed in to `az`.
    AzureCli,
    /// Who is signed in to `azd`.
    AzureDeveloperCli,
    /// Who is signed in to `Connect-AzAccount`.
    AzurePowerShell,
}

impl Way {
    /// All, in the order of preference.
    pub const ALL: [Way; 6] =
        [Way::Environment, Way::WorkloadIdentity, Way::ManagedIdentity, Way::AzureCli, Way::AzureDeveloperCli, Way::AzurePowerShell];

    /// The short form, as in `credential="azure-cli"`.
    pub const fn name(self) -> &'static str {
        match self {
            Way::Environment => "environment",
            Way::WorkloadIdentity => "workload-identity",
            Way::ManagedIdentity => "managed-identity",
            Way::AzureCli => "azure-cli",
            Way::AzureDeveloperCli => "azure-developer-cli",
            Way::AzurePowerShell => "azure-powershell",
        }
    }

    /// Its class in the Azure SDKs.
    const fn class_name(self) -> &'static str {
        match self {
            Way::Environment => "EnvironmentCredential",
            Way::WorkloadIdentity => "WorkloadIdentityCredential",
            Way::ManagedIdentity => "ManagedIdentityCredential",
            Way::AzureCli => "AzureCliCredential",
            Way::AzureDeveloperCli => "AzureDeveloperCliCredential",
            Way::AzurePowerShell => "AzurePowerShellCredential",
        }
    }

    /// Those that `AZURE_TOKEN_CREDENTIALS` chooses: `dev`, `prod` or one by name; all if it is not set.
    pub fn chosen(setting: Option<&str>) -> Result<Vec<Way>> {
        let (deployed, developer) = Way::ALL.split_at(3);
        let Some(name) = setting.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(Way::ALL.to_vec()) };
        match name.to_ascii_lowercase().as_str() {
            "prod" => Ok(deployed.to_vec()),
            "dev" => Ok(developer.to_vec()),
            lower => {
                let one = Way::ALL.into_iter().find(|w| lower == w.name() || w.class_name().eq_ignore_ascii_case(lower));
                one.map(|way| vec![way]).ok_or_else(|| {
                    let names = ["dev", "prod"].into_iter().chain(Way::ALL.map(Way::class_name));
                    let known = "it is \"dev\", \"prod\" or a credential of the default chain, such as \"AzureCliCredential\"";
                    let message = format!("{name:?} chooses nothing; {known}.{}", did_you_mean(name, names));
                    Error::setting("AZURE_TOKEN_CREDENTIALS", message)
                        .hint("for a sign-in by a person, pass credential=\"browser\" or the like")
                })
            }
        }
    }
}

/// One way in a chain.
#[derive(Debug)]
pub struct Member {
    name: String,
    credential: Result<Arc<dyn Credential>>,
}

impl Member {
    /// A way by its name, or the reason why it could not even be made.
    pub fn new(name: impl Into<String>, credential: Result<Arc<dyn Credential>>) -> Member {
        Member { name: name.into(), credential }
    }

    fn credential(&self) -> Option<&Arc<dyn Credential>> {
        self.credential.as_ref().ok()
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        let what = match &self.credential {
            Ok(credential) => credential.fingerprint()?.to_vec(),
            Err(error) => error.to_string().into_bytes(),
        };
        Some(digest(&[b"member", self.name.as_bytes(), &what]))
    }

    /// The credential, if it can be asked for this.
    fn ready(&self, wanted: &Wanted) -> Result<Arc<dyn Credential>> {
        let credential = self.credential.clone()?;
        let own = |tenant: &String| credential.tenant().is_some_and(|own| own.eq_ignore_ascii_case(tenant));
        if wanted.tenant.as_ref().is_some_and(|tenant| !own(tenant) && !credential.takes_tenant()) {
            return Err(Error::new(Kind::CredentialUnavailable, "it cannot sign in to another tenant than its own"));
        }
        Ok(credential)
    }

    fn named(&self, error: Error) -> Error {
        error.with(|f| f.message = format!("{}: {}", self.name, f.message)).detail("credential", self.name.as_str())
    }
}

/// Ways to sign in, in the order of preference.
#[derive(Debug)]
pub struct Chain {
    members: Vec<Member>,
    head_start: Option<Duration>,
    state: PerProcess<State>,
}

#[derive(Debug, Default)]
struct State {
    winner: OnceLock<usize>,
    /// Two who ask at the same time must not find two winners.
    choosing: Mutex<()>,
}

impl Chain {
    /// Tries one after the other.
    pub fn new(members: Vec<Member>) -> Result<Chain> {
        if members.is_empty() {
            return Err(Error::setting("credentials", "is empty; a chain is made of one credential or more"));
        }
        Ok(Chain { members, head_start: None, state: PerProcess::new() })
    }

    /// The ways that were chosen, each made by `make`. A way that takes long to say no does not hold up the next, though it is still preferred.
    pub fn default_chain(ways: &[Way], mut make: impl FnMut(Way) -> Result<Arc<dyn Credential>>) -> Result<Chain> {
        let chain = Chain::new(ways.iter().map(|way| Member::new(way.name(), make(*way))).collect())?;
        Ok(Chain { head_start: Some(HEAD_START), ..chain })
    }

    /// The name of the way that worked.
    pub fn winner(&self) -> Option<&str> {
        self.won().map(|member| member.name.as_str())
    }

    fn won(&self) -> Option<&Member> {
        self.members.get(*self.state.get()?.winner.get()?)
    }

    fn state(&self) -> Arc<State> {
        self.state.get_or_try_make(|| Ok::<_, Infallible>(State::default())).unwrap_or_else(|never| match never {})
    }

    /// The credential that won, or all that could.
    fn credentials(&self) -> impl Iterator<Item = &Arc<dyn Credential>> {
        let won = self.won();
        self.members.iter().filter(move |m| won.is_none_or(|w| std::ptr::eq(w, *m))).filter_map(Member::credential)
    }

    async fn get(&self, wire: &Wire, wanted: &Wanted) -> Result<Grant> {
        let state = self.state();
        if state.winner.get().is_none() {
            let _one = state.choosing.lock().await;
            if state.winner.get().is_none() {
                let (index, grant) = Race::new(self, wire, wanted).run().await?;
                let _ = state.winner.set(index);
                tracing::debug!(target: "xdrkit", "signed in with {}", self.winner().unwrap_or_default());
                return Ok(grant);
            }
        }
        let member = self.won().ok_or_else(|| Error::new(Kind::Internal, "the chain has lost its winner"))?;
        member.ready(wanted).map_err(|e| member.named(e))?.acquire(wire, wanted).await.map_err(|e| member.named(e))
    }

    fn nothing(&self, reasons: &[Error]) -> Error {
        let width = self.members.iter().map(|m| m.name.chars().count() + 1).max().unwrap_or_default();
        let mut message = "no way to sign in is available here:".to_owned();
        let mut details = Object::new();
        for (member, error) in self.members.iter().zip(reasons) {
            let facts = error.facts();
            let reason = [Some(facts.message.as_str()), facts.hint.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("; ");
            let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = write!(message, "\n  {:width$} {reason}", format!("{}:", member.name));
            // Two of one kind keep a reason each.
            let mut key = member.name.clone();
            while details.contains_key(&key) {
                key.push('\'');
            }
            details.insert(key, reason.into());
        }
        Error::new(Kind::CredentialUnavailable, message)
            .hint("set up one of them, or pass another credential=, such as \"browser\" or \"device-code\"")
            .detail("reasons", Value::Object(details))
    }
}

/// How far a member is.
enum Trial {
    Waiting,
    Running,
    Over(Result<Grant>),
}

/// The search for the first way that there is.
struct Race<'a> {
    chain: &'a Chain,
    wire: &'a Wire,
    wanted: &'a Wanted,
    trials: Vec<Trial>,
    /// Dropped with all that still runs in it.
    running: JoinSet<(usize, Result<Grant>)>,
}

impl<'a> Race<'a> {
    fn new(chain: &'a Chain, wire: &'a Wire, wanted: &'a Wanted) -> Race<'a> {
        Race { chain, wire, wanted, trials: chain.members.iter().map(|_| Trial::Waiting).collect(), running: JoinSet::new() }
    }

    async fn run(mut self) -> Result<(usize, Grant)> {
        loop {
            let Some(front) = self.front() else { return Err(self.chain.nothing(&self.reasons())) };
            match self.trials.get_mut(front).map(|trial| std::mem::replace(trial, Trial::Running)) {
                Some(Trial::Over(Ok(grant))) => return Ok((front, grant)),
                Some(Trial::Over(Err(error))) => return Err(self.chain.members.get(front).map_or(error.clone(), |m| m.named(error))),
                Some(Trial::Waiting) => {
                    self.start(front);
                    continue;
                }
                Some(Trial::Running) | None => {}
            }
            let next = self.chain.head_start.and_then(|time| Some((self.next_beside()?, self.wire.clock.sleep(time))));
            match next {
                Some((next, head_start)) => tokio::select! {
                    biased;
                    over = self.running.join_next() => self.record(over)?,
                    () = head_start => self.start(next),
                },
                None => {
                    let over = self.running.join_next().await;
                    self.record(over)?;
                }
            }
        }
    }

    /// The first that has not turned out to be unavailable: it decides.
    fn front(&self) -> Option<usize> {
        self.trials.iter().position(|t| !matches!(t, Trial::Over(Err(e)) if e.kind() == Kind::CredentialUnavailable))
    }

    /// The next that may run beside the others. Nobody is asked to sign in while another way may still do.
    fn next_beside(&self) -> Option<usize> {
        let next = self.trials.iter().position(|t| matches!(t, Trial::Waiting))?;
        let credential = self.chain.members.get(next)?.credential();
        credential.is_none_or(|c| !c.is_interactive()).then_some(next)
    }

    fn start(&mut self, index: usize) {
        let Some(member) = self.chain.members.get(index) else { return };
        let trial = match member.ready(self.wanted) {
            Err(error) => Trial::Over(Err(error)),
            Ok(credential) => {
                // The default chain promises a quick no, and an outer chain has a next way of its own.
                let in_chain = self.wire.in_chain || self.chain.head_start.is_some() || index + 1 < self.chain.members.len();
                let (wire, wanted) = (Wire { in_chain, ..self.wire.clone() }, self.wanted.clone());
                self.running.spawn(async move { (index, credential.acquire(&wire, &wanted).await) });
                Trial::Running
            }
        };
        self.set(index, trial);
    }

    fn record(&mut self, over: Option<Result<(usize, Result<Grant>), tokio::task::JoinError>>) -> Result<()> {
        let Some(Ok((index, result))) = over else { return Err(Error::new(Kind::Internal, "a way to sign in ended without an answer")) };
        self.set(index, Trial::Over(result));
        Ok(())
    }

    fn set(&mut self, index: usize, trial: Trial) {
        if let Some(place) = self.trials.get_mut(index) {
            *place = trial;
        }
    }

    fn reasons(self) -> Vec<Error> {
        self.trials.into_iter().filter_map(|t| if let Trial::Over(Err(error)) = t { Some(error) } else { None }).collect()
    }
}

impl Credential for Chain {
    fn kind(&self) -> &'static str {
        // Whoever asks who signed in wants to hear the one that did.
        self.won().and_then(Member::credential).map_or("chained", |credential| credential.kind())
    }

    fn tenant(&self) -> Option<&str> {
        self.credentials().find_map(|c| c.tenant())
    }

    fn takes_tenant(&self) -> bool {
        self.credentials().any(|c| c.takes_tenant())
    }

    fn client_id(&self) -> Option<&str> {
        self.won()?.credential()?.client_id()
    }

    fn is_interactive(&self) -> bool {
        self.credentials().any(|c| c.is_interactive())
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        let all = self.members.iter().map(Member::fingerprint).collect::<Option<Vec<_>>>()?;
        Some(digest(&all.iter().map(|f| f.as_slice()).collect::<Vec<_>>()))
    }

    fn remembers_refusals(&self) -> bool {
        self.credentials().any(|c| c.remembers_refusals())
    }

    fn user(&self) -> Option<&dyn SignedIn> {
        self.won()?.credential()?.user()
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(self.get(wire, wanted))
    }
}

#[cfg(test)]
mod tests;
