//! Which tenant there shall be: its kind, and how much of it.

use super::world::HOSTS;

/// The machines of a large world where nobody says how many.
const MANY: usize = 2000;
/// The most machines of a world whose everyday life is written down in advance.
const MOST: usize = 2000;
/// The most machines of a large one.
const MOST_OF_LARGE: usize = 50_000;

/// What a tenant is seeded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A company, its everyday life and one intrusion.
    #[default]
    Intrusion,
    /// An app and an analyst; every table, and nothing in it.
    Empty,
    /// The intrusion, hidden in 1,000,000 rows of other machines.
    Large,
}

impl Kind {
    /// Their names.
    pub const NAMES: [&'static str; 3] = ["intrusion", "empty", "large"];

    /// From its name.
    pub fn parse(name: &str) -> Option<Kind> {
        match name {
            "intrusion" => Some(Kind::Intrusion),
            "empty" => Some(Kind::Empty),
            "large" => Some(Kind::Large),
            _ => None,
        }
    }
}

/// How a tenant is seeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it is seeded with.
    pub kind: Kind,
    /// Chooses ids, times and who does what in the background.
    pub seed: u64,
    /// How many machines there are; without: as many as the kind has.
    pub machines: Option<usize>,
    /// How many days everyday life goes back; incidents and the starts of machines are told whole.
    pub days: i64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { kind: Kind::Intrusion, seed: 0, machines: None, days: 30 }
    }
}

impl Plan {
    /// How many machines there are.
    pub(super) fn machines(&self) -> usize {
        match self.kind {
            Kind::Empty => 0,
            Kind::Intrusion => self.machines.unwrap_or(HOSTS.len()),
            Kind::Large => self.machines.unwrap_or(MANY),
        }
    }

    /// What is wrong with it: the argument and what is allowed.
    pub fn refusal(&self) -> Option<(&'static str, String)> {
        if !(1..=30).contains(&self.days) {
            return Some(("days", format!("{} is not allowed; it is 1 to 30", self.days)));
        }
        let machines = self.machines?;
        let (least, most) = match self.kind {
            Kind::Empty => return Some(("machines", "an empty world has none; use add_machines".to_owned())),
            Kind::Intrusion => (HOSTS.len(), MOST),
            Kind::Large => (HOSTS.len() + 60, MOST_OF_LARGE),
        };
        let own = HOSTS.len();
        let message = format!("{machines} is not allowed; it is {least} to {most}, of which {own} are the story's own");
        (!(least..=most).contains(&machines)).then_some(("machines", message))
    }
}
