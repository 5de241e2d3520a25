use super::*;
use crate::{
    clock::VirtualClock,
    pipeline::transport::{Answer, Failure, Transport},
    request::Request,
    secret::Secret,
};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use tokio::sync::Notify;

#[derive(Debug)]
struct NoWire;
impl Transport for NoWire {
    fn send(&self, _: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        unreachable!("the fake credentials ask nobody")
    }
}

/// Answers with its own name, or fails with that kind; at once, or when it is let.
#[derive(Debug, Default)]
struct Fake {
    name: &'static str,
    fails: Option<Kind>,
    gate: Option<Arc<Notify>>,
    interactive: bool,
    one_tenant: bool,
    fingerprint: Option<[u8; 32]>,
    asked: AtomicU32,
    dropped: AtomicBool,
}

struct Ended<'a>(&'a Fake, bool);
impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.dropped.store(!self.1, SeqCst);
    }
}

impl Credential for Fake {
    fn kind(&self) -> &'static str {
        self.name
    }
    fn takes_tenant(&self) -> bool {
        !self.one_tenant
    }
    fn is_interactive(&self) -> bool {
        self.interactive
    }
    fn fingerprint(&self) -> Option<[u8; 32]> {
        self.fingerprint
    }
    fn client_id(&self) -> Option<&str> {
        Some(self.name)
    }
    fn acquire<'a>(&'a self, _: &'a Wire, _: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            self.asked.fetch_add(1, SeqCst);
            let mut ended = Ended(self, false);
            if let Some(gate) = &self.gate {
                gate.notified().await;
            }
            ended.1 = true;
            match self.fails {
                Some(kind) => Err(Error::new(kind, format!("{} says\nno", self.name)).hint("do this")),
                None => Ok(Grant { token: Secret::new(self.name), lifetime: Duration::from_secs(3600), refresh_in: None }),
            }
        })
    }
}

fn fake(name: &'static str, fails: Option<Kind>) -> Fake {
    Fake { name, fails, ..Fake::default() }
}

const UNAVAILABLE: Option<Kind> = Some(Kind::CredentialUnavailable);

fn members(fakes: &[&Arc<Fake>]) -> Vec<Member> {
    fakes.iter().map(|f| Member::new(f.name, Ok((*f).clone() as Arc<dyn Credential>))).collect()
}

fn chain(fakes: &[&Arc<Fake>]) -> Chain {
    Chain::new(members(fakes)).unwrap()
}

fn eager(fakes: &[&Arc<Fake>]) -> Chain {
    Chain { head_start: Some(HEAD_START), ..chain(fakes) }
}

fn wire() -> Wire {
    Wire::over(Arc::new(NoWire), VirtualClock::shared())
}

async fn token(chain: &Chain) -> Result<String> {
    chain.acquire(&wire(), &Wanted::audience("a")).await.map(|g| g.token.expose().to_owned())
}

#[tokio::test]
async fn what_is_unavailable_is_passed_and_the_first_that_works_stays() {
    let (a, b, c) = (Arc::new(fake("a", UNAVAILABLE)), Arc::new(fake("b", None)), Arc::new(fake("c", None)));
    let chain = chain(&[&a, &b, &c]);
    assert_eq!((chain.winner(), chain.client_id()), (None, None));
    for _ in 0..3 {
        assert_eq!(token(&chain).await.unwrap(), "b");
    }
    let asked = [&a, &b, &c].map(|f| f.asked.load(SeqCst));
    assert_eq!(asked, [1, 3, 0]);
    assert_eq!((chain.winner(), chain.client_id()), (Some("b"), Some("b")));
}

#[tokio::test]
async fn a_real_failure_ends_the_chain_and_names_the_member() {
    for kind in [Kind::Authentication, Kind::InteractionRequired, Kind::Connect, Kind::Configuration] {
        let (a, b, c) = (Arc::new(fake("a", UNAVAILABLE)), Arc::new(fake("b", Some(kind))), Arc::new(fake("c", None)));
        let error = token(&chain(&[&a, &b, &c])).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (kind, "b: b says\nno".to_owned()));
        assert_eq!(error.facts().hint.as_deref(), Some("do this"));
        assert_eq!(c.asked.load(SeqCst), 0);
    }
}

#[tokio::test]
async fn a_member_that_could_not_be_made_counts_with_its_reason() {
    let ok = Arc::new(fake("ok", None));
    let broken = |kind| Member::new("broken", Err(Error::new(kind, "AZURE_CLIENT_ID is not set")));
    let with = |kind| Chain::new([broken(kind)].into_iter().chain(members(&[&ok])).collect()).unwrap();
    assert_eq!(token(&with(Kind::CredentialUnavailable)).await.unwrap(), "ok");
    let error = token(&with(Kind::Configuration)).await.unwrap_err();
    assert_eq!(error.to_string(), "broken: AZURE_CLIENT_ID is not set");
}

#[tokio::test]
async fn where_nothing_is_available_one_error_has_all_reasons() {
    let (a, b) = (Arc::new(fake("short", UNAVAILABLE)), Arc::new(fake("much-longer", UNAVAILABLE)));
    let error = token(&chain(&[&a, &b])).await.unwrap_err();
    assert_eq!(error.kind(), Kind::CredentialUnavailable);
    assert_eq!(
        error.to_string(),
        "no way to sign in is available here:\n  short:       short says no; do this\n  much-longer: much-longer says no; do this"
    );
    assert_eq!(error.facts().details.get("reasons").and_then(|r| r.get("short")).and_then(Value::as_str), Some("short says no; do this"));
    assert!(error.facts().hint.is_some());
}

#[tokio::test]
async fn the_winner_stays_even_when_it_is_not_available_any_more() {
    let gone = Arc::new(fake("gone", UNAVAILABLE));
    let (a, b) = (Arc::new(fake("a", None)), Arc::new(fake("b", None)));
    let mut chain = chain(&[&a, &b]);
    assert_eq!(token(&chain).await.unwrap(), "a");
    chain.members[0].credential = Ok(gone);
    let error = token(&chain).await.unwrap_err();
    assert_eq!((error.kind(), b.asked.load(SeqCst)), (Kind::CredentialUnavailable, 0));
    assert!(error.to_string().starts_with("a: "), "{error}");
}

#[tokio::test]
async fn callers_at_the_same_time_find_one_winner() {
    let gate = Arc::new(Notify::new());
    let a = Arc::new(Fake { gate: Some(gate.clone()), ..fake("a", UNAVAILABLE) });
    let b = Arc::new(fake("b", None));
    let chain = Arc::new(chain(&[&a, &b]));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let chain = chain.clone();
            tokio::spawn(async move { token(&chain).await.unwrap() })
        })
        .collect();
    let letting = tokio::spawn(async move {
        loop {
            gate.notify_one();
            tokio::task::yield_now().await;
        }
    });
    for call in calls {
        assert_eq!(call.await.unwrap(), "b");
    }
    letting.abort();
    assert_eq!((a.asked.load(SeqCst), b.asked.load(SeqCst)), (1, 8));
}

#[tokio::test]
async fn a_slow_member_is_preferred_though_the_next_was_tried_beside_it() {
    let (gate_a, gate_b) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let a = Arc::new(Fake { gate: Some(gate_a.clone()), ..fake("a", None) });
    let b = Arc::new(Fake { gate: Some(gate_b.clone()), ..fake("b", None) });
    let c = Arc::new(fake("c", Some(Kind::Authentication)));
    let chain = eager(&[&a, &b, &c]);
    let letting = async {
        while c.asked.load(SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        gate_a.notify_one();
    };
    let (token, ()) = tokio::join!(token(&chain), letting);
    assert_eq!(token.unwrap(), "a");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(b.dropped.load(SeqCst), "the one that nobody waits for is given up");
    assert_eq!(chain.winner(), Some("a"));
}

#[tokio::test]
async fn without_a_head_start_nothing_is_tried_before_its_turn() {
    let gate = Arc::new(Notify::new());
    let a = Arc::new(Fake { gate: Some(gate.clone()), ..fake("a", UNAVAILABLE) });
    let b = Arc::new(fake("b", None));
    let chain = chain(&[&a, &b]);
    let letting = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        assert_eq!((a.asked.load(SeqCst), b.asked.load(SeqCst)), (1, 0));
        gate.notify_one();
    };
    let (token, ()) = tokio::join!(token(&chain), letting);
    assert_eq!(token.unwrap(), "b");
}

#[tokio::test]
async fn nobody_is_asked_to_sign_in_while_another_way_may_do() {
    let gate = Arc::new(Notify::new());
    let a = Arc::new(Fake { gate: Some(gate.clone()), ..fake("a", None) });
    let person = Arc::new(Fake { interactive: true, ..fake("person", None) });
    let chain = eager(&[&a, &person]);
    assert!(chain.is_interactive());
    let letting = async {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
    };
    let (token, ()) = tokio::join!(token(&chain), letting);
    assert_eq!((token.unwrap().as_str(), person.asked.load(SeqCst)), ("a", 0));
    assert!(!chain.is_interactive(), "the winner needs nobody");
}

#[tokio::test]
async fn a_member_with_one_tenant_is_passed_when_another_is_wanted() {
    let a = Arc::new(Fake { one_tenant: true, ..fake("a", None) });
    let b = Arc::new(fake("b", None));
    let chain = chain(&[&a, &b]);
    let wanted = Wanted { tenant: Some("contoso.com".to_owned()), ..Wanted::audience("a") };
    assert_eq!(chain.acquire(&wire(), &wanted).await.unwrap().token.expose(), "b");
    assert_eq!(a.asked.load(SeqCst), 0);
}

#[test]
fn chains_share_tokens_only_if_they_are_made_alike() {
    let of = |name, fingerprint| Arc::new(Fake { fingerprint, ..fake(name, None) });
    let (one, two, none) = (of("one", Some([1; 32])), of("two", Some([2; 32])), of("none", None));
    let print = |fakes: &[&Arc<Fake>]| chain(fakes).fingerprint();
    assert!(print(&[&one, &two]).is_some());
    assert_eq!(print(&[&one, &two]), print(&[&one, &two]));
    assert_ne!(print(&[&one, &two]), print(&[&two, &one]));
    assert_ne!(print(&[&one]), print(&[&two]));
    assert_eq!(print(&[&one, &none]), None);
    let broken = |why: &str| Chain::new(vec![Member::new("x", Err(Error::new(Kind::CredentialUnavailable, why)))]).unwrap().fingerprint();
    assert_ne!(broken("this"), broken("that"));
    assert!(Chain::new(Vec::new()).is_err());
}

#[test]
fn the_environment_chooses_the_ways_of_the_default_chain() {
    let chosen = |setting| Way::chosen(setting).map(|ways| ways.iter().map(|w| w.name()).collect::<Vec<_>>());
    let all = ["environment", "workload-identity", "managed-identity", "azure-cli", "azure-developer-cli", "azure-powershell"];
    assert_eq!(chosen(None).unwrap(), all);
    assert_eq!(chosen(Some(" ")).unwrap(), all);
    assert_eq!(chosen(Some("PROD")).unwrap(), all[..3]);
    assert_eq!(chosen(Some("dev")).unwrap(), all[3..]);
    assert_eq!(chosen(Some("azureclicredential")).unwrap(), ["azure-cli"]);
    assert_eq!(chosen(Some("managed-identity")).unwrap(), ["managed-identity"]);
    let error = chosen(Some("AzureCliCredentials")).unwrap_err();
    assert_eq!(error.kind(), Kind::Configuration);
    assert!(error.to_string().contains("Did you mean \"AzureCliCredential\"?"), "{error}");
}

#[tokio::test]
async fn the_default_chain_is_made_of_what_was_chosen() {
    let chain = Chain::default_chain(&Way::chosen(Some("dev")).unwrap(), |way| match way {
        Way::AzurePowerShell => Ok(Arc::new(fake("pwsh", None))),
        way => Err(Error::new(Kind::CredentialUnavailable, format!("no {}", way.name()))),
    });
    let chain = chain.unwrap();
    assert_eq!(token(&chain).await.unwrap(), "pwsh");
    assert_eq!(chain.winner(), Some("azure-powershell"));
}

/// Keeps whether it was told that another way is waiting, and is not available.
#[derive(Debug, Default)]
struct Told(std::sync::Mutex<Vec<bool>>);
impl Credential for Arc<Told> {
    fn kind(&self) -> &'static str {
        "told"
    }
    fn acquire<'a>(&'a self, wire: &'a Wire, _: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        self.0.lock().unwrap().push(wire.in_chain);
        Box::pin(async { Err(Error::new(Kind::CredentialUnavailable, "not here")) })
    }
}

#[tokio::test]
async fn a_way_hears_whether_another_one_is_waiting() {
    let heard = |told: &Arc<Told>| std::mem::take(&mut *told.0.lock().unwrap());
    let told = Arc::new(Told::default());
    let member = || Member::new("told", Ok(Arc::new(told.clone()) as Arc<dyn Credential>));

    let plain = Chain::new(vec![member(), member()]).unwrap();
    assert!(token(&plain).await.is_err());
    assert_eq!(heard(&told), [true, false], "the last one has time");

    let inner = Chain::new(vec![member()]).unwrap();
    let outer = Chain::new(vec![Member::new("inner", Ok(Arc::new(inner))), member()]).unwrap();
    assert!(token(&outer).await.is_err());
    assert_eq!(heard(&told), [true, false], "the last one of a chain inside another has none");

    let usual = Chain::default_chain(&[Way::ManagedIdentity], |_| Ok(Arc::new(told.clone()))).unwrap();
    assert!(token(&usual).await.is_err());
    assert_eq!(heard(&told), [true], "the default chain is quick in any case");
}
