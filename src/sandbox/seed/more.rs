//! Machines and people beside the story's own, in any number: a client that lists must page, and a needle needs hay.

use super::entities::*;
use super::random::{DAY, MINUTE, Random, SECOND};
use super::world::{GROUPS, MACOS, OFFICES, PEOPLE, SERVER_2022, STAFF, UBUNTU, WINDOWS_10, WINDOWS_11};
use super::{AD_DOMAIN, DOMAIN};
use std::sync::Arc;

/// What people beside the story's own do: department and title.
const WORK: [(&str, &str); 6] = [
    ("Engineering", "Software Engineer"),
    ("Sales", "Account Executive"),
    ("Operations", "Shift Lead"),
    ("Finance", "Accountant"),
    ("Quality", "Quality Auditor"),
    ("Purchasing", "Buyer"),
];

/// Adds machines until there are so many, each with a person of its own. Each draws for itself, so that their number changes no other.
pub(super) fn add(users: &mut Vec<User>, machines: &mut Vec<Arc<Machine>>, count: usize, now: i64, seed: u64) {
    for number in 0..count.saturating_sub(machines.len()) {
        let mut random = Random::new(seed, &format!("machine {number}"));
        users.push(person(number, users.len(), &mut random, now));
        machines.push(Arc::new(machine(number, users.len() - 1, users, &mut random, now)));
    }
}

/// Given and family name of one and another of the story's people.
fn person(number: usize, at: usize, random: &mut Random, now: i64) -> User {
    // The last of the list are accounts for services and administration.
    let real = STAFF - 6;
    let (first, second) = (number % real, (number / real + number + 1) % real);
    let round = number / (real * (real - 1));
    let name = |at: usize| PEOPLE.get(at).copied().unwrap_or_default();
    let ((given, _, account, ..), (_, surname, other, ..)) = (name(first), name(second));
    let (left, right) = (account.split('.').next().unwrap_or_default(), other.rsplit('.').next().unwrap_or_default());
    let account = format!("{left}.{right}{}", number + 2 + round);
    let (department, title) = WORK.get(number % WORK.len()).copied().unwrap_or_default();
    let (city, country, _) = OFFICES.get(number % OFFICES.len()).copied().unwrap_or_default();
    let cloud = [(); 4].map(|()| random.range(1 << 28, 1 << 32).to_string());
    User {
        id: random.guid(),
        upn: format!("{account}@{DOMAIN}").into(),
        account: account.into(),
        display: format!("{given} {surname}").into(),
        given: given.into(),
        surname: surname.into(),
        sid: format!("S-1-5-21-1085031214-1563985344-725345543-{}", 1104 + at).into(),
        cloud_sid: format!("S-1-12-1-{}", cloud.join("-")).into(),
        department,
        title,
        city,
        country,
        enabled: true,
        privileged: false,
        created: now - random.range(200, 2200) * DAY,
        manager: Some(3),
    }
}

fn machine(number: usize, user: usize, users: &[User], random: &mut Random, now: i64) -> Machine {
    let (kind, os, group) = match number % 20 {
        12..=14 => ("ws", WINDOWS_10, 2),
        15 | 16 => ("srv", SERVER_2022, 3),
        17 => ("lnx", UBUNTU, 4),
        18 => ("mac", MACOS, 0),
        _ => ("ws", WINDOWS_11, 0),
    };
    let host = format!("lark-{kind}-{}", 1001 + number);
    let first = users.get(user).map(|u| u.account.clone()).unwrap_or_default();
    let second = users.get(number % 38).map(|u| u.account.clone()).unwrap_or_default();
    Machine {
        id: random.hex(40),
        name: format!("{host}.{AD_DOMAIN}").into(),
        host: host.into(),
        os,
        first_seen: now - random.range(60, 700) * DAY - random.range(0, DAY),
        last_seen: now - random.range(SECOND, 9 * MINUTE),
        ip: format!("10.{}.{}.{}", 30 + number / 62_500, number / 250 % 250, number % 250 + 2).into(),
        external_ip: format!("192.0.2.{}", 10 + group).into(),
        mac: random.hex(12).to_uppercase().into(),
        agent: if os.platform.starts_with("Windows") { "10.8798.26100.2314" } else { "101.26082.0004" },
        health: Health::Active,
        value: "Normal",
        group_id: 110 + group as i64,
        group: GROUPS.get(group).copied().unwrap_or_default(),
        risk: Risk::None,
        least_risk: Risk::None,
        exposure: if os == WINDOWS_10 { "High" } else { "Low" },
        aad_device_id: (group != 4).then(|| random.guid()),
        tags: Vec::new(),
        managed_by: match group {
            3 => "MicrosoftDefenderForEndpoint",
            4 => "Unknown",
            _ => "Intune",
        },
        excluded: false,
        exclusion: "InactiveDevice",
        onboarding: "Onboarded",
        vm_id: None,
        users: vec![user, number % 38],
        logged_on: vec![first, second],
    }
}
