//! Which fault a request meets.

use std::time::Duration;

use crate::json::Value;

use super::super::part::{Part, fits};
use super::{Fault, FaultKind};

/// A request, as far as faults look at it.
pub(in crate::sandbox) struct Asked<'a> {
    pub(in crate::sandbox) operation: Option<&'a str>,
    pub(in crate::sandbox) path: &'a str,
    pub(in crate::sandbox) part: Option<Part>,
    pub(in crate::sandbox) method: &'a str,
}

/// The fault that a request met.
pub(in crate::sandbox) struct Met {
    pub(in crate::sandbox) id: u64,
    pub(in crate::sandbox) fault: Fault,
    /// How long its answer waits.
    pub(in crate::sandbox) delay: Duration,
}

struct Planned {
    id: u64,
    /// Its place in the plan: ids go on for ever, chances begin again with each plan.
    number: u64,
    fault: Fault,
    seen: u64,
    used: u32,
}

/// All faults, in their order.
#[derive(Default)]
pub(in crate::sandbox) struct Plan {
    /// Chooses whom a probability meets, and how long a delay is.
    pub(in crate::sandbox) seed: u64,
    last_id: u64,
    added: u64,
    faults: Vec<Planned>,
}

impl Plan {
    pub(in crate::sandbox) fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.added += 1;
        self.faults.push(Planned { id: self.last_id, number: self.added, fault, seen: 0, used: 0 });
        self.last_id
    }

    /// False: there is no such fault.
    pub(in crate::sandbox) fn remove(&mut self, id: u64) -> bool {
        let before = self.faults.len();
        self.faults.retain(|f| f.id != id);
        self.faults.len() < before
    }

    pub(in crate::sandbox) fn clear(&mut self) {
        self.faults.clear();
        self.added = 0;
    }

    /// How many requests met that fault.
    pub(in crate::sandbox) fn used(&self, id: u64) -> Option<u32> {
        self.faults.iter().find(|f| f.id == id).map(|f| f.used)
    }

    pub(in crate::sandbox) fn to_json(&self) -> Value {
        Value::Array(self.faults.iter().map(|f| f.fault.to_json(f.id, f.used)).collect())
    }

    /// The fault for a request, which is then used up by one.
    pub(in crate::sandbox) fn take(&mut self, asked: &Asked<'_>) -> Option<Met> {
        let seed = self.seed;
        let planned = self.faults.iter_mut().find_map(|planned| planned.meets(asked, seed).then_some(planned))?;
        planned.used += 1;
        let delay = match planned.fault.delay {
            Some((least, most)) => least + most.saturating_sub(least).mul_f64(chance(seed, planned.number, planned.seen, 1)),
            None => Duration::ZERO,
        };
        Some(Met { id: planned.id, fault: planned.fault.clone(), delay })
    }

    /// It could do nothing to the answer: it was not used after all.
    pub(in crate::sandbox) fn give_back(&mut self, id: u64) {
        if let Some(planned) = self.faults.iter_mut().find(|f| f.id == id) {
            planned.used = planned.used.saturating_sub(1);
        }
    }
}

impl Planned {
    fn meets(&mut self, asked: &Asked<'_>, seed: u64) -> bool {
        let Fault { times, after, every, probability, .. } = &self.fault;
        if times.is_some_and(|times| self.used >= times) || !self.fault.is_for(asked) {
            return false;
        }
        self.seen += 1;
        let (after, every) = (u64::from(*after), u64::from((*every).max(1)));
        self.seen > after
            && (self.seen - after - 1).is_multiple_of(every)
            && probability.is_none_or(|share| chance(seed, self.number, self.seen, 0) < share)
    }
}

impl Fault {
    fn is_for(&self, asked: &Asked<'_>) -> bool {
        let begins = |p: &String| asked.path.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p));
        let part = match self.kind {
            FaultKind::LinkExpired => Some(Part::Storage),
            _ => self.part,
        };
        let services_only = self.kind == FaultKind::TokenExpired || self.missing_role;
        self.operation.as_deref().is_none_or(|pattern| asked.operation.is_some_and(|op| fits(pattern, op)))
            && self.path.as_ref().is_none_or(begins)
            && part.is_none_or(|part| asked.part == Some(part))
            && (!services_only || asked.operation.is_some())
            && (self.aadsts.is_none() || asked.part == Some(Part::SignIn))
            && self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(asked.method))
    }
}

/// From 0 to 1, the same for the same numbers, whatever other requests come between.
fn chance(seed: u64, number: u64, seen: u64, purpose: u64) -> f64 {
    let mut x = seed;
    for part in [number, seen, purpose] {
        // splitmix64
        x = (x ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    (x >> 11) as f64 / (1u64 << 53) as f64
}
