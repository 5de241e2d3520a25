//! Lines of callers on a clock that only moves when the first in line sleeps.

use super::*;
use crate::{
    auth::StaticToken,
    clock::{BoxFuture, Hold, SystemClock, VirtualClock},
    secret::Secret,
};
use proptest::prelude::*;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::Poll,
    time::SystemTime,
};

const SLACK: Duration = sliding::SLACK;

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn rule(per_minute: u32, per_hour: u32) -> Rule {
    Rule { per_minute, per_hour, ..Rule::default() }
}

fn who(client: u64, rule: Rule) -> Who {
    Who { client, rule, again: false }
}

fn patience(seconds: u64) -> Patience {
    Patience { ends: secs(seconds), asked: secs(300) }
}

async fn enter(lane: &Arc<Lane>, who: Who, seconds: u64, clock: &VirtualClock) -> std::result::Result<Duration, Refusal> {
    let mut pass = lane.enter(who, patience(seconds), clock).await?;
    pass.used();
    Ok(clock.monotonic())
}

/// Looks at a future once.
async fn poll_once<T>(future: &mut Pin<Box<impl Future<Output = T>>>) -> Option<T> {
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        })
    })
    .await
}

/// A clock that stands still until it is moved by hand.
#[derive(Debug)]
struct Still(Arc<VirtualClock>);

impl Clock for Still {
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (clock, until) = (self.0.clone(), self.0.monotonic() + time);
        Box::pin(async move {
            while clock.monotonic() < until {
                tokio::task::yield_now().await;
            }
        })
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

proptest! {
    /// Whatever the pattern of arrival: never more than the limit in any window, and nobody waits for nothing.
    #[test]
    fn starts_are_as_early_as_the_quota_allows_and_no_earlier(
        gaps in prop::collection::vec(prop_oneof![Just(0u64), 0u64..40_000], 1..60),
        per_minute in 1u32..6,
        per_hour in prop_oneof![Just(0u32), 10u32..40],
    ) {
        let starts = block_on(async {
            let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
            let mut starts = Vec::new();
            for gap in gaps {
                clock.advance(Duration::from_millis(gap));
                let came = clock.monotonic();
                starts.push((came, enter(&lane, who(0, rule(per_minute, per_hour)), 1_000_000, &clock).await.unwrap()));
            }
            starts
        });
        let within = |upto: usize, at: Duration, span: Duration| {
            starts.iter().take(upto).filter(|(_, s)| *s + span > at).count()
        };
        for (i, (came, start)) in starts.iter().enumerate() {
            prop_assert!(within(i, *start, secs(60)) < per_minute as usize);
            prop_assert!(per_hour == 0 || within(i, *start, secs(3600)) < per_hour as usize);
            if start > came {
                let before = *start - Duration::from_millis(1);
                let minute_full = within(i, before, secs(60) + SLACK) >= per_minute as usize;
                let hour_full = per_hour > 0 && within(i, before, secs(3600) + SLACK) >= per_hour as usize;
                prop_assert!(minute_full || hour_full, "call {i} waited for nothing");
            }
        }
    }
}

#[tokio::test]
async fn a_crowd_passes_in_order_and_wakes_nobody_in_vain() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut crowd = tokio::task::JoinSet::new();
    for i in 0..100u64 {
        let (lane, clock, order) = (lane.clone(), clock.clone(), order.clone());
        crowd.spawn(async move {
            let at = enter(&lane, who(1, rule(45, 0)), 600, &clock).await.unwrap();
            lock(&order).push((i, at));
        });
    }
    crowd.join_all().await;
    let order = lock(&order).clone();
    assert!(order.iter().map(|(i, _)| *i).eq(0..100));
    // One sleeps for all: the clock moved twice, and no further.
    assert_eq!(clock.monotonic(), 2 * (secs(60) + SLACK));
    assert_eq!(order.iter().filter(|(_, at)| at.is_zero()).count(), 45);
}

#[tokio::test]
async fn two_clients_take_turns() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let still = Arc::new(Still(clock.clone()));
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut crowd = tokio::task::JoinSet::new();
    for client in [1, 1, 1, 1, 1, 2, 2, 3] {
        let (lane, still, order) = (lane.clone(), still.clone(), order.clone());
        crowd.spawn(async move {
            let mut pass = lane.enter(who(client, rule(1, 0)), patience(10_000), &*still).await.unwrap();
            pass.used();
            lock(&order).push(client);
        });
    }
    while lock(&order).len() < 8 {
        tokio::task::yield_now().await;
        clock.advance(secs(1));
    }
    crowd.join_all().await;
    // The first found nobody there; from then on it goes round.
    assert_eq!(*lock(&order), [1, 1, 2, 3, 1, 2, 1, 1]);
}

#[tokio::test]
async fn who_goes_away_makes_room_wherever_it_stood() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let still = Still(clock.clone());
    let one = rule(1, 0);
    enter(&lane, who(1, one), 600, &clock).await.unwrap();
    let mut first = Box::pin(lane.enter(who(1, one), patience(600), &still));
    let mut second = Box::pin(lane.enter(who(1, one), patience(600), &still));
    let mut third = Box::pin(lane.enter(who(1, one), patience(600), &still));
    assert!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none() && poll_once(&mut third).await.is_none());
    assert_eq!(lane.view(&one, &still).waiting, 3);
    drop(second);
    drop(first);
    assert_eq!(lane.view(&one, &still).waiting, 1);
    assert!(poll_once(&mut third).await.is_none());
    clock.advance(secs(61));
    assert!(tokio::time::timeout(secs(10), third).await.expect("nobody woke it").is_ok());
    assert_eq!(lane.view(&one, &still).waiting, 0);
}

#[tokio::test]
async fn a_place_that_is_not_used_is_given_back_to_who_waits() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let still = Still(clock.clone());
    let unused = lane.enter(who(1, rule(1, 0)), patience(600), &still).await.unwrap();
    let mut next = Box::pin(lane.enter(who(2, rule(1, 0)), patience(600), &still));
    assert!(poll_once(&mut next).await.is_none());
    drop(unused);
    assert!(tokio::time::timeout(secs(10), next).await.expect("nobody told it").is_ok());
    assert_eq!(clock.monotonic(), Duration::ZERO);
}

#[tokio::test]
async fn the_gate_holds_everybody_and_who_was_sent_back_goes_first() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let still = Arc::new(Still(clock.clone()));
    lane.close(secs(30), false, &*clock);
    lane.close(secs(2), false, &*clock);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut crowd = tokio::task::JoinSet::new();
    for (i, again) in [(0, false), (1, false), (2, true)] {
        let (lane, still, order) = (lane.clone(), still.clone(), order.clone());
        crowd.spawn(async move {
            lane.enter(Who { again, ..who(1, Rule::default()) }, patience(600), &*still).await.unwrap().used();
            lock(&order).push(i);
        });
    }
    tokio::task::yield_now().await;
    clock.advance(secs(29));
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!(lock(&order).is_empty());
    clock.advance(secs(1));
    crowd.join_all().await;
    // The first watched the clock already.
    assert_eq!(*lock(&order), [0, 2, 1]);
}

#[tokio::test]
async fn a_wait_that_does_not_fit_is_told_at_once_also_in_a_long_line() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let still = Still(clock.clone());
    let one = rule(1, 0);
    enter(&lane, who(1, one), 600, &clock).await.unwrap();
    let mut first = Box::pin(lane.enter(who(1, one), patience(600), &still));
    let mut second = Box::pin(lane.enter(who(1, one), patience(600), &still));
    assert!(poll_once(&mut first).await.is_none() && poll_once(&mut second).await.is_none());
    // Two are before it: its turn comes after three windows.
    assert_eq!(enter(&lane, who(1, one), 180, &clock).await, Err(Refusal::TooLong(3 * (secs(60) + SLACK), Why::Minute)));
    assert_eq!(lane.plan(&one, 2, &still), 4 * (secs(60) + SLACK));
    assert_eq!(lane.plan(&one, 0, &still), Duration::ZERO);
    // Another client has to let one of them pass only.
    assert_eq!(enter(&lane, who(2, one), 100, &clock).await, Err(Refusal::TooLong(2 * (secs(60) + SLACK), Why::Minute)));
    lane.close(secs(301), false, &still);
    assert_eq!(enter(&lane, who(3, Rule::default()), 600, &clock).await, Err(Refusal::TooLong(secs(301), Why::Asked(false))));
    lane.close(secs(302), true, &still);
    assert_eq!(enter(&lane, who(3, Rule::default()), 300, &clock).await, Err(Refusal::TooLong(secs(302), Why::Asked(true))));
    drop((first, second));
    assert_eq!(enter(&lane, who(3, Rule::default()), 600, &clock).await, Ok(secs(302)));
}

#[tokio::test]
async fn run_time_is_a_quota_too() {
    let (lane, clock) = (Arc::new(Lane::new()), VirtualClock::shared());
    let run = Rule { run_hour: 600, run_day: 1000, ..Rule::default() };
    for _ in 0..3 {
        lane.ran(secs(200), &*clock);
        clock.advance(secs(60));
    }
    assert_eq!(lane.view(&run, &*clock).run_time_used_hour, Some(600.0));
    assert_eq!(enter(&lane, who(1, run), 60, &clock).await, Err(Refusal::TooLong(secs(3600 - 180 + 1), Why::RunTime)));
    assert_eq!(enter(&lane, who(1, run), 100_000, &clock).await, Ok(secs(3601)));
    lane.ran(secs(400), &*clock);
    // The day is used up, too: until its first query is a day old.
    assert_eq!(enter(&lane, who(1, run), 1_000_000, &clock).await, Ok(secs(86_401)));
}

#[tokio::test]
async fn a_place_holds_the_clock_until_the_call_is_over() {
    #[derive(Debug)]
    struct Held(VirtualClock, Arc<AtomicUsize>);
    impl Clock for Held {
        fn monotonic(&self) -> Duration {
            self.0.monotonic()
        }
        fn wall(&self) -> SystemTime {
            self.0.wall()
        }
        fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
            self.0.sleep(time)
        }
        fn chance(&self) -> f64 {
            0.5
        }
        fn hold(&self) -> Option<Hold> {
            Some(Hold::on(&self.1))
        }
    }
    let clock = Held(Arc::into_inner(VirtualClock::shared()).unwrap(), Arc::default());
    let lane = Arc::new(Lane::new());
    let pass = lane.enter(who(1, rule(1, 0)), patience(1), &clock).await.unwrap();
    assert_eq!(clock.1.load(SeqCst), 1);
    drop(pass);
    assert_eq!(clock.1.load(SeqCst), 0);
}

fn lanes(limits: Limits, base: &str, tenant: Option<&str>, tokens: &Arc<Tokens>) -> Lanes {
    let url = Url::parse(base).unwrap();
    Lanes::new(Quotas::new(limits, &[url.clone(), url.clone(), url]), tokens, tenant)
}

const GRAPH: Part = Part { service: Service::Graph, quota: Quota::HUNTING_GRAPH };
const ENDPOINT: Part = Part { service: Service::Endpoint, quota: Quota::HUNTING_ENDPOINT };
const OWN: &str = "https://graph.microsoft.com";

fn tokens() -> Arc<Tokens> {
    Tokens::new(StaticToken::new(Secret::new("opaque")).unwrap())
}

#[test]
fn a_lane_is_shared_by_tenant_place_quota_and_clock() {
    let (one, other, clock) = (tokens(), tokens(), VirtualClock::shared());
    let first = lanes(Limits::ByHost, OWN, Some("Contoso.com"), &one).lane(&GRAPH, &*clock);
    let same = |base: &str, tenant: Option<&str>, part: &Part, clock: &dyn Clock| {
        Arc::ptr_eq(&first, &lanes(Limits::Off, base, tenant, &other).lane(part, clock))
    };
    assert!(same(OWN, Some("contoso.com"), &GRAPH, &*clock));
    assert!(same("https://graph.microsoft.us", Some("contoso.com"), &GRAPH, &*clock));
    assert!(!same(OWN, Some("fabrikam.com"), &GRAPH, &*clock));
    assert!(!same(OWN, None, &GRAPH, &*clock));
    assert!(!same(OWN, Some("contoso.com"), &ENDPOINT, &*clock));
    assert!(!same("http://127.0.0.1:1", Some("contoso.com"), &GRAPH, &*clock));
    assert!(!same(OWN, Some("contoso.com"), &GRAPH, &*VirtualClock::shared()));
    assert!(!same(OWN, Some("contoso.com"), &GRAPH, &*SystemClock::shared()));
    // Where no tenant is known, it goes by the credential.
    let nameless = lanes(Limits::ByHost, OWN, None, &one).lane(&GRAPH, &*clock);
    assert!(Arc::ptr_eq(&nameless, &lanes(Limits::ByHost, OWN, None, &one).lane(&GRAPH, &*clock)));
    assert!(!Arc::ptr_eq(&nameless, &lanes(Limits::ByHost, OWN, None, &other).lane(&GRAPH, &*clock)));
}

#[test]
fn limits_apply_where_they_should() {
    let tokens = tokens();
    let rule = |limits: &Limits, base: &str, part: &Part| lanes(limits.clone(), base, None, &tokens).rule(part);
    let documented = Rule { per_minute: 45, per_hour: 1500, run_hour: 600, run_day: 10_800 };
    let local = "http://127.0.0.1:1";
    assert_eq!(rule(&Limits::ByHost, OWN, &ENDPOINT), documented);
    assert_eq!(rule(&Limits::ByHost, local, &ENDPOINT), Rule::default());
    assert_eq!(rule(&Limits::Documented, local, &ENDPOINT), documented);
    assert_eq!(rule(&Limits::Off, OWN, &ENDPOINT), Rule::default());
    let own = |given: &[(&str, u32)]| Limits::own(&given.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect::<Vec<_>>());
    let more = own(&[("graph hunting", 200), ("hunting", 100)]).unwrap();
    assert_eq!(rule(&more, local, &ENDPOINT), Rule { per_minute: 100, ..documented });
    assert_eq!(rule(&more, local, &GRAPH).per_minute, 200);
    assert_eq!(rule(&more, local, &Part { service: Service::Endpoint, quota: Quota::ENDPOINT }).per_minute, 100);
    let refused = |given: &[(&str, u32)]| own(given).unwrap_err().to_string();
    assert!(refused(&[("huntin", 1)]).starts_with("limits: \"huntin\" is no quota; it is "), "{}", refused(&[("huntin", 1)]));
    assert!(refused(&[("hunting", 0)]).starts_with("limits: 0 calls a minute"));
}

#[test]
fn every_quota_of_an_operation_is_in_the_list() {
    for op in crate::ops::all() {
        assert!(Quota::ALL.contains(&op.quota), "{}", op.id);
    }
}
