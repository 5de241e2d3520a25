//! Two programs of one user, over a login host that allows each refresh token one use.

use crate::{
    auth::{
        Account, Authority, Credential, Key, PublicClient, SignIn, SignedIn, Store, StoreOptions, User, Wanted, Wire,
        entra::{Granted, Question, post},
    },
    clock::{BoxFuture, VirtualClock},
    error::{Kind, Result},
    json::object,
    pipeline::transport::{Answer, Failure, Transport},
    request::Request,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tempfile::TempDir;

const TENANT: &str = "11111111-2222-3333-4444-555555555555";

/// Hands out `rt-N`, takes each once, and forgets the person whose token comes twice.
#[derive(Debug, Default)]
struct Strict {
    issued: AtomicUsize,
    live: Mutex<HashSet<String>>,
    reused: AtomicBool,
    redeemed: AtomicUsize,
    who: Mutex<String>,
}

impl Transport for Strict {
    fn send(&self, request: Request, _: Duration) -> BoxFuture<'_, Result<Answer, Failure>> {
        Box::pin(async move {
            let form = String::from_utf8(request.body.unwrap().to_vec()).unwrap();
            if let Some(token) = form.split('&').find_map(|f| f.strip_prefix("refresh_token=")) {
                // Two at once would meet here.
                tokio::task::yield_now().await;
                if !self.live.lock().unwrap().remove(token) {
                    self.reused.store(true, SeqCst);
                    return Ok(answer(400, r#"{"error":"invalid_grant","error_description":"used before"}"#));
                }
                self.redeemed.fetch_add(1, SeqCst);
            }
            let token = format!("rt-{}", self.issued.fetch_add(1, SeqCst));
            self.live.lock().unwrap().insert(token.clone());
            let who = self.who.lock().unwrap().clone();
            let coded = |text: String| URL_SAFE_NO_PAD.encode(text);
            let id = coded(object([("tid", TENANT.into()), ("preferred_username", format!("{who}@contoso.example").into())]).to_string());
            let info = coded(object([("uid", who.into()), ("utid", TENANT.into())]).to_string());
            let body = object([
                ("access_token", "at".into()),
                ("expires_in", "3600".into()),
                ("refresh_token", token.into()),
                ("id_token", format!("e30.{id}.x").into()),
                ("client_info", info.into()),
            ]);
            Ok(answer(200, &body.to_string()))
        })
    }
}

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: http::HeaderMap::new(), body: body.to_owned().into() }
}

/// A person who signs in whenever asked.
#[derive(Debug, Default)]
struct Asked(Arc<AtomicUsize>);

impl SignIn for Asked {
    fn kind(&self) -> &'static str {
        "asking"
    }
    fn sign_in<'a>(&'a self, wire: &'a Wire, client: &'a PublicClient, wanted: &'a Wanted) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(async move {
            self.0.fetch_add(1, SeqCst);
            let url = client.token_url(wanted)?;
            post(wire, &Question::new(&url, &[("grant_type", "test")])).await?.accept(&url).map_err(|r| r.error)
        })
    }
}

struct World {
    place: TempDir,
    host: Arc<Strict>,
    wire: Wire,
    asked: Arc<AtomicUsize>,
}

impl World {
    fn new() -> World {
        let host = Arc::new(Strict { who: Mutex::new("ann".to_owned()), ..Strict::default() });
        let wire = Wire::over(host.clone(), VirtualClock::shared());
        World { place: tempfile::tempdir().unwrap(), host, wire, asked: Arc::default() }
    }

    fn store(&self) -> Arc<Store> {
        let key = Some(Key::from_bytes(&[5; 32]).unwrap());
        Arc::new(Store::open(StoreOptions { directory: Some(self.place.path().join("cache")), key, allow_unencrypted: false }).unwrap())
    }

    /// A program that has just started.
    fn program(&self, hint: Option<&str>) -> User<Asked> {
        let authority = Authority::new("https://login.microsoftonline.com", TENANT, false).unwrap();
        let client = PublicClient { login_hint: hint.map(str::to_owned), ..PublicClient::new(authority, "app").unwrap() };
        User::new(client, Asked(self.asked.clone())).with_store(self.store())
    }

    async fn acquire(&self, user: &User<Asked>, audience: &str) -> Result<()> {
        user.acquire(&self.wire, &Wanted::audience(audience)).await.map(drop)
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

fn names(accounts: &[Account]) -> Vec<&str> {
    let mut names: Vec<_> = accounts.iter().map(|a| a.username.trim_end_matches("@contoso.example")).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn the_next_program_needs_nobody() {
    let world = World::new();
    world.acquire(&world.program(None), "a").await.unwrap();
    for audience in ["a", "b", "c"] {
        let next = world.program(None);
        assert_eq!(names(&next.accounts().await.unwrap()), ["ann"]);
        world.acquire(&next, audience).await.unwrap();
    }
    assert_eq!((world.asked(), world.host.redeemed.load(SeqCst)), (1, 3));
    assert!(!world.host.reused.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn programs_that_redeem_at_once_use_each_refresh_token_once() {
    let world = Arc::new(World::new());
    world.acquire(&world.program(None), "a").await.unwrap();
    let programs: Vec<_> = (0..8)
        .map(|_| {
            let (world, user) = (world.clone(), world.program(None));
            tokio::spawn(async move {
                for audience in ["a", "b", "c", "d"] {
                    world.acquire(&user, audience).await.unwrap();
                }
            })
        })
        .collect();
    for program in programs {
        program.await.unwrap();
    }
    assert_eq!((world.asked(), world.host.redeemed.load(SeqCst)), (1, 32));
    assert!(!world.host.reused.load(SeqCst));
}

#[tokio::test]
async fn of_several_accounts_the_named_one_is_taken_and_without_a_name_a_person_is_asked() {
    let world = World::new();
    for who in ["ann", "bob"] {
        *world.host.who.lock().unwrap() = who.to_owned();
        world.acquire(&world.program(Some(&format!("{who}@contoso.example"))), "a").await.unwrap();
    }
    assert_eq!(world.asked(), 2);
    world.acquire(&world.program(Some("ANN@contoso.example")), "a").await.unwrap();
    assert_eq!(world.asked(), 2);
    world.acquire(&world.program(Some("carol@contoso.example")), "a").await.unwrap();
    world.acquire(&world.program(None), "a").await.unwrap();
    assert_eq!(world.asked(), 4);
}

#[tokio::test]
async fn signing_out_removes_the_file_and_a_program_that_still_runs_does_not_bring_it_back() {
    let world = World::new();
    let (first, second) = (world.program(None), world.program(None));
    world.acquire(&first, "a").await.unwrap();
    world.acquire(&second, "a").await.unwrap();
    assert_eq!(first.sign_out(Some("bob@contoso.example")).await.unwrap(), 0);
    assert_eq!(first.sign_out(Some("ann@contoso.example")).await.unwrap(), 1);
    assert_eq!(first.sign_out(None).await.unwrap(), 0);
    world.acquire(&second, "b").await.unwrap();
    world.acquire(&second, "c").await.unwrap();
    assert_eq!(world.asked(), 1);
    assert!(world.program(None).accounts().await.unwrap().is_empty());
    world.acquire(&first, "a").await.unwrap();
    assert_eq!(world.asked(), 2);
    assert_eq!(names(&world.program(None).accounts().await.unwrap()), ["ann"]);
}

#[tokio::test]
async fn who_signed_out_is_asked_even_if_another_account_is_remembered() {
    let world = World::new();
    let first = world.program(None);
    world.acquire(&first, "a").await.unwrap();
    *world.host.who.lock().unwrap() = "bob".to_owned();
    world.acquire(&world.program(Some("bob@contoso.example")), "a").await.unwrap();
    assert_eq!(names(&first.accounts().await.unwrap()), ["ann", "bob"]);
    assert_eq!(first.sign_out(Some("ann@contoso.example")).await.unwrap(), 1);
    world.acquire(&world.program(None), "a").await.unwrap();
    assert_eq!(world.asked(), 2, "it was somebody else who signed out");
    world.acquire(&first, "a").await.unwrap();
    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn a_refusal_keeps_the_file_until_a_person_has_signed_in() {
    let world = World::new();
    world.acquire(&world.program(None), "a").await.unwrap();
    world.host.live.lock().unwrap().clear();
    let next = world.program(None);
    *world.host.who.lock().unwrap() = "ann".to_owned();
    let refused = User::new(PublicClient::new(Authority::new("login.microsoftonline.com", TENANT, false).unwrap(), "app").unwrap(), Nobody)
        .with_store(world.store());
    let error = refused.acquire(&world.wire, &Wanted::audience("a")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InteractionRequired);
    assert_eq!(names(&next.accounts().await.unwrap()), ["ann"]);
    world.acquire(&next, "a").await.unwrap();
    world.acquire(&world.program(None), "a").await.unwrap();
    assert_eq!(world.asked(), 2);
}

#[derive(Debug)]
struct Nobody;

impl SignIn for Nobody {
    fn kind(&self) -> &'static str {
        "nobody"
    }
    fn sign_in<'a>(&'a self, _: &'a Wire, _: &'a PublicClient, _: &'a Wanted) -> BoxFuture<'a, Result<Granted>> {
        Box::pin(async { Err(crate::error::Error::new(Kind::InteractionRequired, "there is nobody here")) })
    }
}
