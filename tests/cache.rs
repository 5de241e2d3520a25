//! The sign-in cache under sixteen processes, some of which are killed at any moment.
//!
//! The processes are this program itself: `a_writer` is what a child runs. Each writer takes an account, reads its number under the lock,
//! writes the next one and says so. If a write were ever lost, torn or overtaken, a number would be said twice or would go down.
//! `benches/cache_files.py` runs the same writers beside another library's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of it is a test")]

use std::{
    collections::HashSet,
    env,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};
use xdrkit::{
    auth::{Account, Found, Key, Saved, Store, StoreOptions},
    secret::Secret,
};

const PROCESSES: usize = 16;
const ACCOUNTS: usize = 4;
/// Writes after which there was enough of it, and the time after which there was in any case.
const WRITES: usize = 1500;
const LONGEST: Duration = Duration::from_secs(5);
/// A process is killed each time this many writes were said.
const KILL_EACH: usize = 15;
const DIRECTORY: &str = "XDRKIT_TEST_CACHE";

fn account(number: usize) -> Account {
    Account {
        home_account_id: format!("user-{number}.tenant"),
        username: format!("user-{number}@contoso.example"),
        tenant_id: "tenant".to_owned(),
        authority: "https://login.example".to_owned(),
        client_id: "app".to_owned(),
    }
}

/// As long as a real refresh token, so that writing it takes a while.
fn saved(number: usize, value: u64) -> Saved {
    Saved { account: account(number), refresh_token: Secret::new(format!("{value}.{}", "r".repeat(1500))) }
}

fn value(found: Found) -> u64 {
    let Found::Saved(saved) = found else { panic!("the account is {found:?}") };
    let text = saved.refresh_token.expose();
    assert_eq!(text.len() - text.find('.').unwrap(), 1501);
    text.split('.').next().unwrap().parse().unwrap()
}

fn store(directory: &Path) -> Store {
    let options =
        StoreOptions { directory: Some(directory.to_owned()), key: Some(Key::from_bytes(&[42; 32]).unwrap()), allow_unencrypted: false };
    Store::open(options).unwrap()
}

fn named() -> Store {
    store(&PathBuf::from(env::var_os(DIRECTORY).expect("the parent names the directory")))
}

async fn begin(store: &Store) {
    for number in 0..ACCOUNTS {
        assert!(store.lock(&account(number)).await.write(saved(number, 0)).await);
    }
}

#[tokio::test(flavor = "current_thread")]
#[ignore = "what benches/cache_files.py begins with"]
async fn a_beginning() {
    begin(&named()).await;
}

#[tokio::test(flavor = "current_thread")]
#[ignore = "what the children of the other test run"]
async fn a_writer() {
    let store = named();
    let mut out = std::io::stderr().lock();
    for turn in std::process::id() as usize.. {
        let began = Instant::now();
        let locked = store.lock(&account(turn % ACCOUNTS)).await;
        assert!(locked.is_shared(), "nobody holds a lock for 15 s");
        let next = value(locked.read().await) + 1;
        assert!(locked.write(saved(turn % ACCOUNTS, next)).await);
        // Said before the lock is given up, and in one piece.
        let said = out.write_all(format!("wrote {} {next} {}\n", turn % ACCOUNTS, began.elapsed().as_micros()).as_bytes());
        drop(locked);
        // Readers take no lock, and see everybody at any time.
        assert_eq!(store.accounts("https://login.example", "app").await.len(), ACCOUNTS);
        if said.is_err() {
            return;
        }
    }
}

enum Said {
    Wrote(usize, u64),
    Trouble(String),
}

fn writer(directory: &Path, said: &Sender<Said>) -> Child {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (lines, said) = (BufReader::new(child.stderr.take().unwrap()).lines(), said.clone());
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let words: Vec<_> = line.split(' ').collect();
            let parsed = match words.as_slice() {
                ["wrote", account, value, _] => account.parse().ok().zip(value.parse().ok()),
                _ => None,
            };
            let _ = said.send(parsed.map_or(Said::Trouble(line), |(account, value)| Said::Wrote(account, value)));
        }
    });
    child
}

#[test]
fn sixteen_processes_and_kill_at_random_lose_and_tear_nothing() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("cache");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ours = store(&directory);
    runtime.block_on(begin(&ours));
    let (say, listen) = channel();
    let mut children: Vec<_> = (0..PROCESSES).map(|_| writer(&directory, &say)).collect();
    let began = Instant::now();
    let (mut said, mut kills, mut readings) = (HashSet::new(), 0, 0);
    while said.len() < WRITES && began.elapsed() < LONGEST {
        match listen.recv_timeout(LONGEST).expect("somebody writes") {
            Said::Trouble(line) => panic!("a writer says: {line}"),
            Said::Wrote(account, value) => assert!(said.insert((account, value)), "number {value} of account {account} was written twice"),
        }
        let accounts = runtime.block_on(ours.accounts("https://login.example", "app"));
        assert_eq!(accounts.len(), ACCOUNTS, "an account was lost, or its file was torn");
        readings += 1;
        if said.len() % KILL_EACH == 0 {
            let victim = (kills * 7 + said.len()) % PROCESSES;
            children[victim].kill().unwrap();
            children[victim].wait().unwrap();
            children[victim] = writer(&directory, &say);
            kills += 1;
        }
    }
    let took = began.elapsed();
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    drop(say);
    for rest in listen {
        let Said::Wrote(account, value) = rest else { continue };
        assert!(said.insert((account, value)), "number {value} of account {account} was written twice");
    }
    let rate = said.len() as f64 / took.as_secs_f64();
    println!(
        "{} writes by {PROCESSES} processes in {took:.1?} ({rate:.0}/s), {kills} killed, {readings} readings of all accounts",
        said.len()
    );
    // Everybody who was killed may have written once more without saying so.
    let unsaid: u64 = runtime.block_on(async {
        let mut unsaid = 0;
        for number in 0..ACCOUNTS {
            let value = value(ours.lock(&account(number)).await.read().await);
            let said = said.iter().filter(|(a, _)| *a == number).count() as u64;
            assert!(value >= said, "account {number} has number {value} after {said} writes");
            unsaid += value - said;
        }
        unsaid
    });
    assert!(unsaid as usize <= kills + PROCESSES, "{unsaid} writes that nobody said");
    assert!(kills > 3 && said.len() > 100, "{kills} killed, {} writes: this machine is too slow to show anything", said.len());
    let left: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(left.iter().all(|n| !n.contains("corrupt")), "{left:?}");
}
