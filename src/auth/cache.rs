//! Tokens in memory: at most one request for each, however many ask.
//!
//! The libraries that people use today send 32 token requests when 32 tasks find the cache empty, and make everybody wait while one refreshes.
//! Here the first who needs a token starts a flight and all others join it; the flight is a task of its own, so that a caller who gives up
//! does not take the others' token along. A token is renewed in the background while it still lives, and a renewal that fails is nobody's
//! error until the old token is really over.

use super::{Claims, Credential, Wanted, Wire, is_token};
use crate::{
    error::{Error, Kind, Result},
    perprocess::PerProcess,
    secret::Secret,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};
use tokio::sync::watch;

/// A token ends this long before it expires, so that it does not expire on the way.
const MARGIN: Duration = Duration::from_secs(30);
/// A token of ordinary life is renewed this long before its end.
const EARLY: Duration = Duration::from_secs(300);
/// How long a failed renewal rests.
const REST: Duration = Duration::from_secs(30);
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
    renew_at: Duration,
    ends_at: Duration,
}

type Flight = watch::Receiver<Option<Result<Arc<Token>>>>;

#[derive(Debug, Default)]
struct Entry {
    token: Option<Arc<Token>>,
    flight: Option<Flight>,
    rest_until: Duration,
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
    state: PerProcess<State>,
    requests: AtomicU64,
}

impl Tokens {
    /// Puts a cache in front of a credential.
    pub fn new(credential: impl Credential + 'static) -> Arc<Tokens> {
        Arc::new(Tokens { credential: Box::new(credential), state: PerProcess::new(), requests: AtomicU64::new(0) })
    }

    /// The credential.
    pub fn credential(&self) -> &dyn Credential {
        &*self.credential
    }

    /// How often the credential was asked.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    fn state(&self) -> Arc<State> {
        self.state.get_or_try_make(|| Ok::<_, Infallible>(State::default())).unwrap_or_else(|never| match never {})
    }

    /// A token that lives.
    pub async fn get(self: &Arc<Self>, wire: &Wire, wanted: &Wanted) -> Result<Arc<Token>> {
        let mut flight = match self.look(wire, wanted) {
            Ok(token) => return Ok(token),
            Err(flight) => flight,
        };
        let landed = flight.wait_for(Option::is_some).await;
        match landed.as_deref() {
            Ok(Some(result)) => result.clone(),
            _ => Err(Error::new(Kind::Internal, "the sign-in ended without an answer")),
        }
    }

    /// The service refused this token: it is forgotten, unless a newer one has taken its place.
    pub fn refused(&self, wanted: &Wanted, token: &Arc<Token>) {
        if let Some(entry) = self.state().entries().get_mut(wanted)
            && entry.token.as_ref().is_some_and(|t| Arc::ptr_eq(t, token))
        {
            entry.token = None;
        }
    }

    /// The cached token, or the flight to wait for. Starts a flight where one is due.
    fn look(self: &Arc<Self>, wire: &Wire, wanted: &Wanted) -> Result<Arc<Token>, Flight> {
        let state = self.state();
        let mut entries = state.entries();
        if entries.len() >= MAX_ENTRIES && !entries.contains_key(wanted) {
            entries.retain(|_, e| e.flight.is_some());
        }
        let entry = entries.entry(wanted.clone()).or_default();
        let now = wire.clock.monotonic();
        let in_flight = entry.flight.as_ref().filter(|f| f.has_changed().is_ok()).cloned();
        match (&entry.token, in_flight) {
            (Some(token), _) if now < token.renew_at => Ok(token.clone()),
            (Some(token), flight) if now < token.ends_at => {
                if flight.is_none() && now >= entry.rest_until {
                    entry.flight = Some(self.take_off(wire, wanted));
                }
                Ok(token.clone())
            }
            (_, Some(flight)) => Err(flight),
            (_, None) => {
                let flight = self.take_off(wire, wanted);
                entry.flight = Some(flight.clone());
                Err(flight)
            }
        }
    }

    fn take_off(self: &Arc<Self>, wire: &Wire, wanted: &Wanted) -> Flight {
        let (landing, flight) = watch::channel(None);
        let (tokens, wire, wanted, state) = (self.clone(), wire.clone(), wanted.clone(), self.state());
        tokio::spawn(async move {
            let result = tokens.acquire(&wire, &wanted).await;
            {
                let mut entries = state.entries();
                let entry = entries.entry(wanted).or_default();
                entry.flight = None;
                match &result {
                    Ok(token) => entry.token = Some(token.clone()),
                    Err(_) => entry.rest_until = wire.clock.monotonic() + REST,
                }
            }
            let _ = landing.send(Some(result));
        });
        flight
    }

    async fn acquire(&self, wire: &Wire, wanted: &Wanted) -> Result<Arc<Token>> {
        self.requests.fetch_add(1, Relaxed);
        let grant = self.credential.acquire(wire, wanted).await?;
        if !is_token(grant.token.expose()) {
            return Err(Error::new(
                Kind::Authentication,
                format!("the {} credential gave something that is no token", self.credential.kind()),
            ));
        }
        let now = wire.clock.monotonic();
        let early = EARLY.min(grant.lifetime / 5);
        // Fleets that start together do not renew together.
        let spread = early.mul_f64(0.2 * wire.clock.chance());
        let renew_in = grant.refresh_in.unwrap_or(grant.lifetime).min(grant.lifetime.saturating_sub(early)).saturating_sub(spread);
        Ok(Arc::new(Token {
            claims: Claims::read(&grant.token),
            secret: grant.token,
            expires_on: wire.clock.wall() + grant.lifetime,
            renew_at: now + renew_in,
            ends_at: now + grant.lifetime.saturating_sub(MARGIN.min(grant.lifetime / 10)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::Grant,
        clock::{BoxFuture, VirtualClock},
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

    #[tokio::test]
    async fn only_the_refused_token_is_forgotten() {
        let (tokens, wire, _, wanted) = setup(None);
        let old = tokens.get(&wire, &wanted).await.unwrap();
        tokens.refused(&wanted, &old);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-2");
        tokens.refused(&wanted, &old);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-2");
    }

    #[tokio::test]
    async fn audiences_do_not_share_tokens() {
        let (tokens, wire, _, wanted) = setup(None);
        assert_eq!(get(&tokens, &wire, &wanted).await, "token-1");
        assert_eq!(get(&tokens, &wire, &Wanted::audience("b")).await, "token-2");
    }
}
