//! The line in front of one quota.
//!
//! Only the first in line watches the clock; whoever it lets pass wakes the next. So nobody is refused for coming at the same moment as others,
//! nothing stampedes when time is up, and an hour of waiting costs nothing. Clients take turns; within a client it goes by the order of coming.

use super::{Rule, View, sliding::Sliding};
use crate::clock::{Clock, Hold};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Beyond so many calls a plan is not made call by call.
const PLANNED: usize = 10_000;

/// What a call has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Why {
    /// The service said so. Whether it follows from a quota's own window.
    Asked(bool),
    /// The calls of a minute are used up.
    Minute,
    /// The calls of an hour are used up.
    Hour,
    /// The run time is used up.
    RunTime,
}

/// Why somebody did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Refusal {
    /// It would take longer than the call may.
    TooLong(Duration, Why),
    /// The call's time was over while it stood in line.
    OutOfTime,
}

/// Who asks to pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who {
    pub(super) client: u64,
    pub(super) rule: Rule,
    /// Whether it has been here before, and was sent back by the service: it does not stand in line again.
    pub(super) again: bool,
}

/// How long somebody may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// When the call's time is over, by the clock's monotonic time.
    pub(super) ends: Duration,
    /// The longest wait that a service may ask for.
    pub(super) asked: Duration,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    wake: Option<oneshot::Sender<()>>,
}

#[derive(Clone, Debug)]
struct Used {
    minute: Sliding,
    hour: Sliding,
    run_hour: Sliding,
    run_day: Sliding,
    closed_until: Duration,
    by_schedule: bool,
}

impl Used {
    fn new() -> Used {
        Used {
            minute: Sliding::new(MINUTE),
            hour: Sliding::new(HOUR),
            run_hour: Sliding::new(HOUR),
            run_day: Sliding::new(DAY),
            closed_until: Duration::ZERO,
            by_schedule: false,
        }
    }

    fn add(&mut self, rule: &Rule, now: Duration) {
        self.minute.add(now, 1.0, rule.per_minute > 0);
        self.hour.add(now, 1.0, rule.per_hour > 0);
    }

    /// When one more may go, and what for it has to wait until then.
    fn next(&mut self, rule: &Rule, now: Duration) -> (Duration, Why) {
        let mut next = (now, Why::Asked(self.by_schedule));
        let mut not_before = |at: Duration, why: Why| {
            if at > next.0 {
                next = (at, why);
            }
        };
        not_before(self.closed_until, Why::Asked(self.by_schedule));
        for (log, limit, why) in [
            (&mut self.minute, rule.per_minute, Why::Minute),
            (&mut self.hour, rule.per_hour, Why::Hour),
            (&mut self.run_hour, rule.run_hour, Why::RunTime),
            (&mut self.run_day, rule.run_day, Why::RunTime),
        ] {
            if limit > 0 {
                not_before(log.free_at(f64::from(limit), now), why);
            }
        }
        next
    }
}

#[derive(Debug)]
struct State {
    used: Used,
    /// The clients that wait, in turn; each with those of its calls that do.
    queue: VecDeque<(u64, VecDeque<Waiter>)>,
    tickets: u64,
}

impl State {
    fn head(&self) -> Option<u64> {
        self.queue.front()?.1.front().map(|w| w.ticket)
    }

    fn waiting(&self) -> usize {
        self.queue.iter().map(|(_, waiters)| waiters.len()).sum()
    }

    /// How many would pass before a call that came now.
    fn ahead_of(&self, who: &Who) -> usize {
        let own = self.queue.iter().position(|(client, _)| *client == who.client);
        let before = own.and_then(|i| self.queue.get(i)).map_or(0, |(_, w)| if who.again { usize::from(!w.is_empty()) } else { w.len() });
        let others = self.queue.iter().enumerate().filter(|(i, _)| Some(*i) != own);
        // A client in front of ours has a turn more.
        let of_others = others.map(|(i, (_, w))| w.len().min(before + usize::from(own.is_none_or(|own| i < own))));
        before + of_others.sum::<usize>()
    }

    fn join(&mut self, who: &Who) -> (u64, oneshot::Receiver<()>) {
        self.tickets += 1;
        let (ticket, (wake, woken)) = (self.tickets, oneshot::channel());
        let waiter = Waiter { ticket, wake: Some(wake) };
        match self.queue.iter().position(|(client, _)| *client == who.client) {
            Some(i) => {
                if let Some((_, waiters)) = self.queue.get_mut(i) {
                    // The first of all watches the clock already, and stays first.
                    let place = if who.again { usize::from(i == 0) } else { waiters.len() };
                    waiters.insert(place.min(waiters.len()), waiter);
                }
            }
            None => self.queue.push_back((who.client, VecDeque::from([waiter]))),
        }
        (ticket, woken)
    }

    /// The first goes, and it is the next client's turn.
    fn passed(&mut self) {
        if let Some((client, mut waiters)) = self.queue.pop_front() {
            waiters.pop_front();
            if !waiters.is_empty() {
                self.queue.push_back((client, waiters));
            }
        }
        self.wake_head();
    }

    fn leave(&mut self, ticket: u64) {
        let was_head = self.head() == Some(ticket);
        for (_, waiters) in &mut self.queue {
            waiters.retain(|w| w.ticket != ticket);
        }
        self.queue.retain(|(_, waiters)| !waiters.is_empty());
        if was_head {
            self.wake_head();
        }
    }

    fn wake_head(&mut self) {
        let head = self.queue.front_mut().and_then(|(_, waiters)| waiters.front_mut());
        if let Some(wake) = head.and_then(|w| w.wake.take()) {
            // Nobody is there any more: its ticket is on the way to leave, and wakes the next.
            let _ = wake.send(());
        }
    }
}

/// One quota of one tenant at one service.
#[derive(Debug)]
pub(in crate::pipeline) struct Lane {
    state: Mutex<State>,
    /// A place that was taken is free again.
    freed: Notify,
}

impl Lane {
    pub(super) fn new() -> Lane {
        Lane { state: Mutex::new(State { used: Used::new(), queue: VecDeque::new(), tickets: 0 }), freed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place. Dropping the future gives it up.
    pub(super) async fn enter(self: &Arc<Lane>, who: Who, patience: Patience, clock: &dyn Clock) -> Result<Pass, Refusal> {
        let (ticket, woken, is_head) = {
            let mut state = self.state();
            let now = clock.monotonic();
            if (state.queue.is_empty() || who.rule.is_none()) && state.used.next(&who.rule, now).0 <= now {
                return Ok(self.pass(&mut state, &who, now, clock));
            }
            let (at, why) = planned(&state.used, &who.rule, state.ahead_of(&who) + 1, now);
            refuse(at, why, now, patience)?;
            let (ticket, woken) = state.join(&who);
            (ticket, woken, state.head() == Some(ticket))
        };
        let _place = Place { lane: self, ticket };
        if !is_head {
            // What bounds a wait for others is real time: they may be on the wire.
            let left = patience.ends.saturating_sub(clock.monotonic());
            if !matches!(tokio::time::timeout(left, woken).await, Ok(Ok(()))) {
                return Err(Refusal::OutOfTime);
            }
        }
        loop {
            let wait = {
                let mut state = self.state();
                let now = clock.monotonic();
                let (at, why) = state.used.next(&who.rule, now);
                if at <= now {
                    let pass = self.pass(&mut state, &who, now, clock);
                    state.passed();
                    return Ok(pass);
                }
                refuse(at, why, now, patience)?;
                at - now
            };
            tokio::select! {
                biased;
                () = clock.sleep(wait) => {}
                () = self.freed.notified() => {}
            }
        }
    }

    fn pass(self: &Arc<Lane>, state: &mut State, who: &Who, now: Duration, clock: &dyn Clock) -> Pass {
        state.used.add(&who.rule, now);
        Pass { lane: self.clone(), at: now, is_used: false, _hold: clock.hold() }
    }

    /// The service asked to wait.
    pub(super) fn close(&self, wait: Duration, by_schedule: bool, clock: &dyn Clock) {
        let mut state = self.state();
        let until = clock.monotonic().saturating_add(wait);
        if until > state.used.closed_until {
            (state.used.closed_until, state.used.by_schedule) = (until, by_schedule);
        }
    }

    /// As if nothing had happened yet.
    pub(super) fn clear(&self) {
        self.state().used = Used::new();
        self.freed.notify_one();
    }

    /// So long something ran that counts against a run-time quota.
    pub(super) fn ran(&self, time: Duration, clock: &dyn Clock) {
        let mut state = self.state();
        let now = clock.monotonic();
        state.used.run_hour.add(now, time.as_secs_f64(), false);
        state.used.run_day.add(now, time.as_secs_f64(), false);
    }

    /// How long from now until the last of so many further calls may begin, behind all that wait.
    pub(super) fn plan(&self, rule: &Rule, calls: usize, clock: &dyn Clock) -> Duration {
        let (used, waiting, now) = {
            let state = self.state();
            (state.used.clone(), state.waiting(), clock.monotonic())
        };
        if calls == 0 { Duration::ZERO } else { planned(&used, rule, waiting + calls, now).0.saturating_sub(now) }
    }

    pub(super) fn view(&self, rule: &Rule, clock: &dyn Clock) -> View {
        let mut state = self.state();
        let now = clock.monotonic();
        let used = &mut state.used;
        let (minute, hour) = (used.minute.used(now) as u32, used.hour.used(now) as u32);
        let (next, _) = used.next(rule, now);
        let closed_for = used.closed_until.saturating_sub(now);
        let run_time = rule.run_hour > 0;
        let (run_hour, run_day) = (used.run_hour.used(now), used.run_day.used(now));
        let waiting = state.waiting();
        let left = |limit: u32, used: u32| (limit > 0).then(|| limit.saturating_sub(used));
        let free = left(rule.per_minute, minute).into_iter().chain(left(rule.per_hour, hour)).min();
        let free = free.map(|n| if next > now { 0 } else { n.saturating_sub(waiting as u32) });
        View {
            per_minute: (rule.per_minute > 0).then_some(rule.per_minute),
            per_hour: (rule.per_hour > 0).then_some(rule.per_hour),
            used_minute: minute,
            used_hour: hour,
            free_now: free,
            next_free_in: next - now,
            waiting,
            closed_for,
            run_time_used_hour: run_time.then_some(run_hour),
            run_time_used_day: run_time.then_some(run_day),
        }
    }
}

/// When the last of so many calls may begin if they go as early as they may.
fn planned(used: &Used, rule: &Rule, calls: usize, now: Duration) -> (Duration, Why) {
    let (mut used, mut at, mut why) = (used.clone(), now, Why::Asked(used.by_schedule));
    for _ in 0..calls.min(PLANNED) {
        (at, why) = used.next(rule, at);
        used.add(rule, at);
    }
    // What is left of a very long plan goes on at the same pace.
    (at + (at - now).mul_f64(calls.saturating_sub(PLANNED) as f64 / PLANNED as f64), why)
}

fn refuse(at: Duration, why: Why, now: Duration, patience: Patience) -> Result<(), Refusal> {
    let wait = at - now;
    let asked = matches!(why, Why::Asked(false));
    if at > patience.ends || (asked && wait > patience.asked) { Err(Refusal::TooLong(wait, why)) } else { Ok(()) }
}

/// A place in line; whoever goes away makes room.
struct Place<'a> {
    lane: &'a Lane,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.lane.state().leave(self.ticket);
    }
}

/// The right to begin one call. Given back unless it was used.
#[derive(Debug)]
pub(in crate::pipeline) struct Pass {
    lane: Arc<Lane>,
    at: Duration,
    is_used: bool,
    /// A clock for tests stands still while somebody is on the wire.
    _hold: Option<Hold>,
}

impl Pass {
    /// The call begins.
    pub(in crate::pipeline) fn used(&mut self) {
        self.is_used = true;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.is_used {
            let mut state = self.lane.state();
            state.used.minute.take_back(self.at, 1.0);
            state.used.hour.take_back(self.at, 1.0);
            drop(state);
            self.lane.freed.notify_one();
        }
    }
}
