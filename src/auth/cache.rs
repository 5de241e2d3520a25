//! Tokens in memory: at most one request for each, however many ask.
//!
//! The libraries that people use today send 32 token requests when 32 tasks find the cache empty, and make everybody wait while one refreshes.
//! Here the first who needs a token starts a flight and all others join it; the flight is a task of its own, so that a caller who gives up
//! does not take the others' token along. A token is renewed in the background while it still lives, and a renewal that fails is nobody's
//! error until the old token is really over.

use super::{Claims, Credential, Grant, SignedIn, Wanted, Wire, app::digest, check_tenant, hints, is_token};
use crate::{
    clock::{BoxFuture, Clock},
    error::{Error, Kind, Result},
    perprocess::PerProcess,
    pipeline::transport::Transport,
    secret::Secret,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::{Duration, SystemTime},
};
use tokio::sync::{Notify, watch};

/// A token ends this long before it expires, so that it does not expire on the way.
const MARGIN: Duration = Duration::from_secs(30);
/// A token of ordinary life is renewed this long before its end.
const EARLY: Duration = Duration::from_secs(300);
/// One that lives as long as this is renewed at half its life: a login host that is down for hours is not noticed then.
const LONG: Duration = Duration::from_secs(7200);
/// How long a failed renewal rests.
const REST: Duration = Duration::from_secs(30);
/// How long a refusal of the configuration is believed.
const REFUSED: Duration = Duration::from_secs(60);
/// A credential that asks for ever new audiences does not fill the memory.
const MAX_ENTRIES: usize = 256;

/// A token with what is known about it.
#[derive(Debug)]
pub struct Token {
    /// For the wire.
    pub secret: Secret,
    /// What it says about itself, if it says anything.
    pub claims: Option<Claims>,
    /// When it expires, by this machine's calendar.
    pub expires_on: SystemTime,
    /// When it should be renewed, by this machine's calendar.
    pub refresh_on: SystemTime,
    got_at: Duration,
    renew_at: Duration,
    ends_at: Duration,
}

impl Token {
    /// How long ago it was got.
    pub fn age(&self, clock: &dyn Clock) -> Duration {
        clock.monotonic().saturating_sub(self.got_at)
    }
}

type Landing = watch::Receiver<Option<Result<Arc<Token>>>>;

/// A sign-in under way.
#[derive(Clone, Debug)]
struct Flight {
    landing: Landing,
    crowd: Arc<Crowd>,
}

impl Flight {
    /// Whether its task is still there, and is not about to be given up.
    fn is_up(&self) -> bool {
        self.landing.has_changed().is_ok() && !self.crowd.has_left()
    }

    fn is(&self, other: &Flight) -> bool {
        Arc::ptr_eq(&self.crowd, &other.crowd)
    }

    fn board(&self) -> Passenger {
        self.crowd.waiting.fetch_add(1, SeqCst);
        Passenger { landing: self.landing.clone(), crowd: self.crowd.clone() }
    }
}

/// Those who wait for a flight. A person is not asked any longer when the last of them has left.
#[derive(Debug, Default)]
pub struct Crowd {
    waiting: AtomicUsize,
    left: Notify,
    /// A person is being asked: what is under way may be dropped, which a refresh token's redemption may not.
    asking: AtomicBool,
}

impl Crowd {
    /// Whether a person is asked whose answer nobody waits for.
    fn has_left(&self) -> bool {
        self.asking.load(SeqCst) && self.waiting.load(SeqCst) == 0
    }
}

/// Whether a person may be asked.
#[derive(Clone, Debug)]
pub enum Asking {
    /// Whenever that is needed.
    Freely,
    /// As long as somebody waits for the answer.
    For(Arc<Crowd>),
    /// Not while a token that still lives is renewed in the background.
    Never,
}

impl Asking {
    /// Called before a person is asked.
    pub fn begin(&self) -> Result<()> {
        let nobody = |what: &str| Err(Error::new(Kind::InteractionRequired, what));
        match self {
            Asking::Freely => Ok(()),
            Asking::Never => nobody("a person has to sign in again, and is not asked before the old token ends"),
            Asking::For(crowd) => {
                crowd.asking.store(true, SeqCst);
                if crowd.waiting.load(SeqCst) == 0 { nobody("the sign-in was given up") } else { Ok(()) }
            }
        }
    }
}

struct Passenger {
    landing: Landing,
    crowd: Arc<Crowd>,
}

impl Drop for Passenger {
    fn drop(&mut self) {
        if self.crowd.waiting.fetch_sub(1, SeqCst) == 1 {
            self.crowd.left.notify_one();
        }
    }
}

#[derive(Debug, Default)]
struct Entry {
    token: Option<Arc<Token>>,
    flight: Option<Flight>,
    rest_until: Duration,
    refused: Option<Refused>,
}

/// A failure that is going to be the same for a while.
#[derive(Debug)]
struct Refused {
    error: Error,
    until: Duration,
}

impl Refused {
    fn of(error: &Error, credential: &dyn Credential, now: Duration) -> Option<Refused> {
        let facts = error.facts();
        let configuration =
            ["invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource", "invalid_request", "unsupported_grant_type"];
        let lasts = match facts.kind {
            Kind::Throttled => Duration::from_secs_f64(facts.retry_after?.clamp(0.0, 3600.0)),
            Kind::Authentication
                if credential.remembers_refusals() && facts.code.as_deref().is_some_and(|c| configuration.contains(&c)) =>
            {
                REFUSED
            }
            _ => return None,
        };
        Some(Refused { error: error.clone(), until: now.saturating_add(lasts) })
    }

    /// The error again, with the wait that is left.
    fn again(&self, now: Duration) -> Error {
        let left = self.until.saturating_sub(now).as_secs_f64();
        self.error.clone().with(|f| f.retry_after = f.retry_after.map(|_| left))
    }
}

/// What there is for somebody who wants a token.
enum Found {
    Token(Arc<Token>),
    Flight(Passenger),
    Refused(Error),
}

#[derive(Debug, Default)]
struct State {
    entries: Mutex<HashMap<Wanted, Entry>>,
}

impl State {
    fn entries(&self) -> MutexGuard<'_, HashMap<Wanted, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A credential and its cache. Clients share one by sharing this.
#[derive(Debug)]
pub struct Tokens {
    credential: Box<dyn Credential>,
    tenants: Vec<String>,
    /// The way out that this credential was given for itself, instead of that of whoever asks.
    transport: Option<Arc<dyn Transport>>,
    state: PerProcess<State>,
    requests: AtomicU64,
}

/// The caches that are in use, by what their credentials and settings come to.
type Known = Mutex<HashMap<[u8; 32], Weak<Tokens>>>;
static KNOWN: PerProcess<Known> = PerProcess::new();

impl Tokens {
    /// Puts a cache in front of a credential.
    pub fn new(credential: impl Credential + 'static) -> Arc<Tokens> {
        Tokens::boxed(Box::new(credential), Vec::new())
    }

    /// The same for a credential that may also sign in to these tenants; `*` stands for any.
    pub fn boxed(credential: Box<dyn Credential>, tenants: Vec<String>) -> Arc<Tokens> {
        Tokens::by(credential, tenants, None)
    }

    /// The same with a way out of its own.
    pub fn by(credential: Box<dyn Credential>, tenants: Vec<String>, transport: Option<Arc<dyn Transport>>) -> Arc<Tokens> {
        Arc::new(Tokens { credential, tenants, transport, state: PerProcess::new(), requests: AtomicU64::new(0) })
    }

    /// The cache that another client in this process has for the same credential, or a new one. A credential with another secret is another one.
    pub fn shared(credential: Box<dyn Credential>, tenants: Vec<String>) -> Arc<Tokens> {
        let Some(fingerprint) = credential.fingerprint() else { return Tokens::boxed(credential, tenants) };
        let key = digest(&[&fingerprint, tenants.join(" ").as_bytes()]);
        let known = KNOWN.get_or_try_make(|| Ok::<_, Infallible>(Known::default())).unwrap_or_else(|never| match never {});
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = known.get(&key).and_then(Weak::upgrade) {
            return there;
        }
        known.retain(|_, tokens| tokens.strong_count() > 0);
        let tokens = Tokens::boxed(credential, tenants);
        known.insert(key, Arc::downgrade(&tokens));
        tokens
    }

    /// The credential.
    pub fn credential(&self) -> &dyn Credential {
        &*self.credential
    }

    /// How often the credential was asked.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Whether this credential may sign in to a tenant.
    pub fn check_tenant(&self, tenant: &str) -> Result<()> {
        check_tenant(tenant).map_err(|e| e.with(|f| f.kind = Kind::InvalidArgument))?;
        if self.credential.tenant().is_some_and(|own| own.eq_ignore_ascii_case(tenant)) {
            return Ok(());
        }
        let wrong = |what: &str| Err(Error::argument("tenant_id", format!("{tenant:?} {what}")));
        if !self.credential.takes_tenant() {
            return wrong(&format!("cannot be signed in to: a {} credential has one tenant", self.credential.kind()));
        }
        if !self.tenants.iter().any(|t| t == "*" || t.eq_ignore_ascii_case(tenant)) {
            return wrong("is not on this credential's list of tenants")
                .map_err(|e: Error| e.hint("name it in additionally_allowed_tenants, or \"*\" for any"));
        }
        Ok(())
    }

    fn state(&self) -> Arc<State> {
        self.state.get_or_try_make(|| Ok::<_, Infallible>(State::default())).unwrap_or_else(|never| match never {})
    }

    /// A token that lives.
    pub async fn get(self: &Arc<Self>, wire: &Wire, wanted: &Wanted) -> Result<Arc<Token>> {
        if let Some(tenant) = &wanted.tenant {
            self.check_tenant(tenant)?;
        }
        let mut passenger = match self.look(wire, wanted) {
            Found::Token(token) => return Ok(token),
            Found::Refused(error) => return Err(error),
            Found::Flight(passenger) => passenger,
        };
        let landed = passenger.landing.wait_for(Option::is_some).await;
        match landed.as_deref() {
            Ok(Some(result)) => result.clone(),
            _ => Err(Error::new(Kind::Internal, "the sign-in ended without an answer")),
        }
    }

    /// The token that is there, if it needs no renewal: no waiting, no runtime.
    pub fn cached(&self, wire: &Wire, wanted: &Wanted) -> Option<Arc<Token>> {
        let state = self.state();
        let entries = state.entries();
        let token = entries.get(wanted)?.token.as_ref()?;
        (wire.clock.monotonic() < token.renew_at).then(|| token.clone())
    }

    /// The service refused this token: it is forgotten, unless a newer one has taken its place.
    pub fn refused(&self, wanted: &Wanted, token: &Arc<Token>) {
        if let Some(entry) = self.state().entries().get_mut(wanted)
            && entry.token.as_ref().is_some_and(|t| Arc::ptr_eq(t, token))
        {
            entry.token = None;
        }
    }

    /// Forgets all tokens; those under way go to those who wait for them.
    pub fn forget(&self) {
        self.state().entries().clear();
    }

    /// The cached token, or the flight to wait for. Starts a flight where one is due.
    fn look(self: &Arc<Self>, wire: &Wire, wanted: &Wanted) -> Found {
        let state = self.state();
        let mut entries = state.entries();
        let now = wire.clock.monotonic();
        if !entries.contains_key(wanted) {
            if entries.len() >= MAX_ENTRIES {
                entries.retain(|_, e| e.flight.is_some());
            }
            // The login host throttles an application, not an audience.
            if let Some(gate) =
                entries.values().filter_map(|e| e.refused.as_ref()).find(|r| r.until > now && r.error.kind() == Kind::Throttled)
            {
                return Found::Refused(gate.again(now));
            }
            entries.insert(wanted.clone(), Entry::default());
        }
        let Some(entry) = entries.get_mut(wanted) else {
            return Found::Refused(Error::new(Kind::Internal, "the token cache lost an entry"));
        };
        let in_flight = entry.flight.as_ref().filter(|f| f.is_up()).cloned();
        match (&entry.token, in_flight) {
            (Some(token), _) if now < token.renew_at => Found::Token(token.clone()),
            (Some(token), flight) if now < token.ends_at => {
                if flight.is_none() && now >= entry.rest_until {
                    // Nobody waits for it, so nobody is asked for it.
                    entry.flight = Some(self.take_off(wire, wanted, false));
                }
                Found::Token(token.clone())
            }
            (_, Some(flight)) => Found::Flight(flight.board()),
            (_, None) => {
                if let Some(refused) = entry.refused.as_ref().filter(|r| r.until > now) {
                    return Found::Refused(refused.again(now));
                }
                let flight = self.take_off(wire, wanted, true);
                let passenger = flight.board();
                entry.flight = Some(flight);
                Found::Flight(passenger)
            }
        }
    }

    fn take_off(self: &Arc<Self>, wire: &Wire, wanted: &Wanted, may_ask: bool) -> Flight {
        let (landed, landing) = watch::channel(None);
        let flight = Flight { landing, crowd: Arc::default() };
        let asking = if may_ask { Asking::For(flight.crowd.clone()) } else { Asking::Never };
        let wire = Wire { asking, ..wire.clone() };
        let (tokens, wanted, state, own) = (self.clone(), wanted.clone(), self.state(), flight.clone());
        tokio::spawn(async move {
            let result = tokens.fly(&wire, &wanted, &state, &own).await;
            let now = wire.clock.monotonic();
            {
                let mut entries = state.entries();
                // An entry that was forgotten meanwhile, or begun anew, is not brought back.
                if let Some(entry) = entries.get_mut(&wanted).filter(|e| e.flight.as_ref().is_some_and(|f| f.is(&own))) {
                    entry.flight = None;
                    match &result {
                        Ok(token) => (entry.token, entry.refused) = (Some(token.clone()), None),
                        Err(e) => {
                            entry.rest_until = now + REST;
                            entry.refused = Refused::of(e, tokens.credential(), now);
                        }
                    }
                }
            }
            let _ = landed.send(Some(result));
        });
        flight
    }

    /// Gets the token. Where a person is asked, that ends when nobody waits for the answer any more: a page that nobody needs stays open no longer
    /// than the call that opened it.
    async fn fly(&self, wire: &Wire, wanted: &Wanted, state: &State, own: &Flight) -> Result<Arc<Token>> {
        let mut acquiring = pin!(self.acquire(wire, wanted));
        loop {
            tokio::select! {
                result = &mut acquiring => return result,
                () = own.crowd.left.notified() => {
                    // Under this lock nobody can come on board unseen.
                    let mut entries = state.entries();
                    if own.crowd.has_left() {
                        if let Some(entry) = entries.get_mut(wanted).filter(|e| e.flight.as_ref().is_some_and(|f| f.is(own))) {
                            entry.flight = None;
                        }
                        return Err(Error::new(Kind::InteractionRequired, "the sign-in was given up"));
                    }
                }
            }
        }
    }

    async fn acquire(&self, wire: &Wire, wanted: &Wanted) -> Result<Arc<Token>> {
        self.requests.fetch_add(1, Relaxed);
        let own = self.transport.clone().map(|transport| Wire { transport, ..wire.clone() });
        let wire = own.as_ref().unwrap_or(wire);
        let grant = self.credential.acquire(wire, wanted).await.map_err(hints::with_next_step)?;
        if !is_token(grant.token.expose()) {
            return Err(Error::new(
                Kind::Authentication,
                format!("the {} credential gave something that is no token", self.credential.kind()),
            ));
        }
        let (now, wall) = (wire.clock.monotonic(), wire.clock.wall());
        let renew_in = renew_in(grant.lifetime, grant.refresh_in, wire.clock.chance());
        Ok(Arc::new(Token {
            claims: Claims::read(&grant.token),
            secret: grant.token,
            expires_on: wall + grant.lifetime,
            refresh_on: wall + renew_in,
            got_at: now,
            renew_at: now + renew_in,
            ends_at: now + grant.lifetime.saturating_sub(MARGIN.min(grant.lifetime / 10)),
        }))
    }
}

/// A credential with its cache, as a member of a chain.
#[derive(Debug)]
pub struct Through(pub Arc<Tokens>);

impl Credential for Through {
    fn kind(&self) -> &'static str {
        self.0.credential().kind()
    }

    fn tenant(&self) -> Option<&str> {
        self.0.credential().tenant()
    }

    fn takes_tenant(&self) -> bool {
        self.0.credential().takes_tenant()
    }

    fn client_id(&self) -> Option<&str> {
        self.0.credential().client_id()
    }

    fn is_interactive(&self) -> bool {
        self.0.credential().is_interactive()
    }

    fn fingerprint(&self) -> Option<[u8; 32]> {
        self.0.credential().fingerprint()
    }

    fn user(&self) -> Option<&dyn SignedIn> {
        self.0.credential().user()
    }

    fn acquire<'a>(&'a self, wire: &'a Wire, wanted: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
        Box::pin(async move {
            let token = self.0.get(wire, wanted).await?;
            let now = wire.clock.wall();
            let left = |at: SystemTime| at.duration_since(now).unwrap_or_default();
            Ok(Grant { token: token.secret.clone(), lifetime: left(token.expires_on), refresh_in: Some(left(token.refresh_on)) })
        })
    }
}

/// When to renew: when the server says; else a little before the end, or at half of a long life. Fleets that start together do not renew together.
fn renew_in(lifetime: Duration, server_says: Option<Duration>, chance: f64) -> Duration {
    let early = EARLY.min(lifetime / 5);
    let usual = if lifetime >= LONG { lifetime / 2 } else { lifetime.saturating_sub(early) };
    let at = server_says.unwrap_or(usual).min(lifetime.saturating_sub(early));
    let spread = at.min(lifetime.saturating_sub(at)).mul_f64(0.2 * (chance - 0.5).abs());
    if chance < 0.5 { at.saturating_sub(spread) } else { at + spread }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::VirtualClock,
        pipeline::transport::{Answer, Failure, Transport},
        request::Request,
    };

    #[derive(Debug)]
    struct NoWire;
    impl Transport for NoWire {
        fn send(&self, _: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
            unreachable!("the counting credential asks nobody")
        }
    }

    /// Answers with "token-N", or fails from the Nth request on.
    #[derive(Debug, Default)]
    struct Counting {
        asked: AtomicU64,
        fails_from: Option<u64>,
    }
    impl Credential for Counting {
        fn kind(&self) -> &'static str {
            "counting"
        }
        fn acquire<'a>(&'a self, _: &'a Wire, _: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
            Box::pin(async move {
                let n = self.asked.fetch_add(1, Relaxed) + 1;
                tokio::task::yield_now().await;
                if self.fails_from.is_some_and(|from| n >= from) {
                    return Err(Error::new(Kind::Authentication, "no"));
                }
                Ok(Grant { token: Secret::new(format!("token-{n}")), lifetime: Duration::from_secs(3600), refresh_in: None })
            })
        }
    }

    fn setup(fails_from: Option<u64>) -> (Arc<Tokens>, Wire, Arc<VirtualClock>, Wanted) {
        let clock = VirtualClock::shared();
        let wire = Wire::over(Arc::new(NoWire), clock.clone());
        (Tokens::new(Counting { asked: AtomicU64::new(0), fails_from }), wire, clock, Wanted::audience("a"))
    }

    async fn get(tokens: &Arc<Tokens>, wire: &Wire, wanted: &Wanted) -> String {
        tokens.get(wire, wanted).await.unwrap().secret.expose().to_owned()
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_thousand_callers_cause_one_request() {
        let (tokens, wire, _, wanted) = setup(None);
        let calls: Vec<_> = (0..1000)
            .map(|_| {
                let (tokens, wire, wanted) = (tokens.clone(), wire.clone(), wanted.clone());
                tokio::spawn(async move { get(&tokens, &wire, &wanted).await })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), "token-1");
        }
        assert_eq!(tokens.requests(), 1);
    }

    #[tokio::test]
    async fn a_caller_who_gives_up_does_not_take_the_token_along() {
        let (tokens, wire, _, wanted) = setup(None);
        {
            let mut first = std::pin::pin!(tokens.get(&wire, &wanted));
            assert!(futures_poll_once(&mut first).await.is_none());
        }
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        assert_eq!(tokens.requests(), 1);
    }

    async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
                std::task::Poll::Ready(v) => Some(v),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_token_is_renewed_in_the_background_while_it_lives() {
        let (tokens, wire, clock, wanted) = setup(None);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        clock.advance(Duration::from_secs(3350));
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        settle().await;
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-2");
        assert_eq!(tokens.requests(), 2);
    }

    #[tokio::test]
    async fn a_renewal_that_fails_surfaces_only_when_the_token_is_over() {
        let (tokens, wire, clock, wanted) = setup(Some(2));
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        clock.advance(Duration::from_secs(3400));
        for _ in 0..5 {
            assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
            settle().await;
        }
        assert_eq!(tokens.requests(), 2, "a failed renewal rests before the next");
        clock.advance(Duration::from_secs(31));
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        settle().await;
        assert_eq!(tokens.requests(), 3);
        clock.advance(Duration::from_secs(3600));
        assert!(tokens.get(&wire, &wanted).await.is_err());
    }

    /// Run with `cargo nextest run --release --run-ignored only --no-capture cached_hit`.
    #[tokio::test]
    #[ignore = "a measurement"]
    #[allow(clippy::print_stdout)]
    async fn what_a_cached_hit_costs() {
        const HITS: u32 = 1_000_000;
        let (tokens, wire, _, _) = setup(None);
        let wanted = Wanted::audience("https://api.securitycenter.microsoft.com");
        tokens.get(&wire, &wanted).await.unwrap();
        for (what, hit) in [("get", true), ("cached", false)] {
            let began = std::time::Instant::now();
            for _ in 0..HITS {
                if hit {
                    std::hint::black_box(tokens.get(&wire, &wanted).await.unwrap());
                } else {
                    std::hint::black_box(tokens.cached(&wire, &wanted).unwrap());
                }
            }
            println!("{what}: {} ns a hit", began.elapsed().as_nanos() / u128::from(HITS));
        }
        assert_eq!(tokens.requests(), 1);
    }

    #[tokio::test]
    async fn only_the_refused_token_is_forgotten() {
        let (tokens, wire, _, wanted) = setup(None);
        let old = tokens.get(&wire, &wanted).await.unwrap();
        tokens.refused(&wanted, &old);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-2");
        tokens.refused(&wanted, &old);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-2");
    }

    /// A person who answers when told to, or never.
    #[derive(Debug, Default)]
    struct Slow {
        asked: Arc<AtomicU64>,
        answer: Arc<Notify>,
    }
    impl Credential for Slow {
        fn kind(&self) -> &'static str {
            "slow"
        }
        fn is_interactive(&self) -> bool {
            true
        }
        fn acquire<'a>(&'a self, wire: &'a Wire, _: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
            Box::pin(async move {
                wire.asking.begin()?;
                let n = self.asked.fetch_add(1, Relaxed) + 1;
                self.answer.notified().await;
                Ok(Grant { token: Secret::new(format!("token-{n}")), lifetime: Duration::from_secs(3600), refresh_in: None })
            })
        }
    }

    #[tokio::test]
    async fn a_person_is_asked_no_longer_when_the_last_caller_has_left() {
        let (_, wire, _, wanted) = setup(None);
        let person = Slow::default();
        let (asked, answer) = (person.asked.clone(), person.answer.clone());
        let tokens = Tokens::new(person);
        {
            let mut first = Box::pin(tokens.get(&wire, &wanted));
            let mut second = Box::pin(tokens.get(&wire, &wanted));
            assert!(futures_poll_once(&mut first).await.is_none() && futures_poll_once(&mut second).await.is_none());
            settle().await;
            drop(first);
            settle().await;
            assert!(futures_poll_once(&mut second).await.is_none(), "the second still waits");
        }
        settle().await;
        let mut third = Box::pin(tokens.get(&wire, &wanted));
        assert!(futures_poll_once(&mut third).await.is_none());
        settle().await;
        assert_eq!(asked.load(Relaxed), 2, "it was given up, and asked anew");
        answer.notify_one();
        assert_eq!(third.await.unwrap().secret.expose(), "token-2");
    }

    #[tokio::test]
    async fn nobody_is_asked_in_the_background() {
        let (_, wire, clock, wanted) = setup(None);
        let person = Slow::default();
        let (asked, answer) = (person.asked.clone(), person.answer.clone());
        let tokens = Tokens::new(person);
        answer.notify_one();
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        clock.advance(Duration::from_secs(3400));
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        settle().await;
        assert_eq!((tokens.requests(), asked.load(Relaxed)), (2, 1));
    }

    #[test]
    fn the_time_of_renewal_lies_inside_the_life_of_the_token() {
        let s = Duration::from_secs;
        assert_eq!(renew_in(s(3600), None, 0.5), s(3300));
        assert_eq!(renew_in(s(86_400), None, 0.5), s(43_200));
        assert_eq!(renew_in(s(3600), Some(s(1800)), 0.5), s(1800));
        assert_eq!(renew_in(s(3600), Some(s(99_999)), 0.5), s(3300));
        assert_eq!(renew_in(s(0), None, 0.5), s(0));
        for chance in [0.0, 0.25, 0.5, 0.75, 0.999] {
            for lifetime in [10, 600, 3600, 7200, 86_400] {
                assert!(renew_in(s(lifetime), None, chance) < s(lifetime) - MARGIN.min(s(lifetime) / 10), "{lifetime} {chance}");
            }
        }
    }

    /// Fails with an error of that kind and code.
    #[derive(Debug)]
    struct Failing(Kind, &'static str, AtomicU64);
    impl Credential for Failing {
        fn kind(&self) -> &'static str {
            "failing"
        }
        fn remembers_refusals(&self) -> bool {
            true
        }
        fn fingerprint(&self) -> Option<[u8; 32]> {
            Some(digest(&[self.1.as_bytes()]))
        }
        fn takes_tenant(&self) -> bool {
            true
        }
        fn tenant(&self) -> Option<&str> {
            Some("own.example")
        }
        fn acquire<'a>(&'a self, _: &'a Wire, _: &'a Wanted) -> BoxFuture<'a, Result<Grant>> {
            self.2.fetch_add(1, Relaxed);
            let error = Error::new(self.0, "no").with(|f| {
                f.code = Some(self.1.to_owned());
                f.retry_after = (self.0 == Kind::Throttled).then_some(200.0);
            });
            Box::pin(async move { Err(error) })
        }
    }

    #[tokio::test]
    async fn a_refused_configuration_is_not_asked_about_again_for_a_minute() {
        let (_, wire, clock, wanted) = setup(None);
        let tokens = Tokens::new(Failing(Kind::Authentication, "invalid_client", AtomicU64::new(0)));
        for _ in 0..5 {
            assert_eq!(tokens.get(&wire, &wanted).await.unwrap_err().facts().code.as_deref(), Some("invalid_client"));
        }
        assert_eq!(tokens.requests(), 1);
        clock.advance(REFUSED);
        assert!(tokens.get(&wire, &wanted).await.is_err());
        assert_eq!(tokens.requests(), 2);
    }

    #[tokio::test]
    async fn what_may_pass_is_asked_about_again_at_once() {
        let (_, wire, _, wanted) = setup(None);
        let tokens = Tokens::new(Failing(Kind::Service, "temporarily_unavailable", AtomicU64::new(0)));
        for _ in 0..3 {
            assert!(tokens.get(&wire, &wanted).await.unwrap_err().facts().hint.is_some(), "and says what to do");
        }
        assert_eq!(tokens.requests(), 3);
    }

    #[tokio::test]
    async fn a_throttled_application_is_throttled_for_all_audiences() {
        let (_, wire, clock, wanted) = setup(None);
        let tokens = Tokens::new(Failing(Kind::Throttled, "", AtomicU64::new(0)));
        assert!(tokens.get(&wire, &wanted).await.is_err());
        clock.advance(Duration::from_secs(150));
        let error = tokens.get(&wire, &Wanted::audience("b")).await.unwrap_err();
        assert_eq!((error.kind(), error.facts().retry_after), (Kind::Throttled, Some(50.0)));
        assert_eq!(tokens.requests(), 1);
    }

    #[tokio::test]
    async fn another_tenant_has_to_be_on_the_list() {
        let (_, wire, _, wanted) = setup(None);
        let there = Wanted { tenant: Some("other.example".to_owned()), ..wanted.clone() };
        let make = |tenants: &[&str]| {
            let credential = Failing(Kind::Service, "asked", AtomicU64::new(0));
            Tokens::boxed(Box::new(credential), tenants.iter().map(|t| (*t).to_owned()).collect())
        };
        for (tenants, asked) in [(&[][..], 0), (&["third.example"][..], 0), (&["OTHER.example"][..], 1), (&["*"][..], 1)] {
            let tokens = make(tenants);
            assert!(tokens.get(&wire, &there).await.is_err());
            assert_eq!(tokens.requests(), asked, "{tenants:?}");
        }
        let tokens = make(&[]);
        assert!(tokens.get(&wire, &Wanted { tenant: Some("own.example".to_owned()), ..wanted }).await.is_err());
        assert_eq!(tokens.requests(), 1);
    }

    #[test]
    fn the_same_credential_is_shared_and_another_is_not() {
        let make = |code: &'static str, tenants: &[&str]| {
            let credential = Failing(Kind::Service, code, AtomicU64::new(0));
            Tokens::shared(Box::new(credential), tenants.iter().map(|t| (*t).to_owned()).collect())
        };
        let first = make("x", &[]);
        assert!(Arc::ptr_eq(&first, &make("x", &[])));
        assert!(!Arc::ptr_eq(&first, &make("y", &[])));
        assert!(!Arc::ptr_eq(&first, &make("x", &["*"])));
        let old = Arc::downgrade(&first);
        drop(first);
        assert!(old.upgrade().is_none(), "nobody's cache is kept");
    }

    #[tokio::test]
    async fn a_sign_in_that_was_under_way_when_all_was_forgotten_is_not_brought_back() {
        let (tokens, wire, _, wanted) = setup(None);
        let mut first = std::pin::pin!(tokens.get(&wire, &wanted));
        assert!(futures_poll_once(&mut first).await.is_none());
        tokens.forget();
        assert_eq!(first.await.unwrap().secret.expose(), "token-1");
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-2");
    }

    #[tokio::test]
    async fn audiences_do_not_share_tokens() {
        let (tokens, wire, _, wanted) = setup(None);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        assert_eq!(get(&tokens, &wire, &Wanted::audience("b")).await, "token-2");
    }
}
