//! What the files promise, one promise a test. Many processes at once: `tests/cache.rs`.

use super::{
    file::{Contents, directory},
    *,
};
use crate::{clock::VirtualClock, error::Kind};
use proptest::prelude::*;
use std::{fs, sync::Mutex, time::Duration};
use tempfile::TempDir;

const HOST: &str = "https://login.example";
const TOKEN: &str = "0.AXcA-canary-refresh-token";

fn account(name: &str) -> Account {
    Account {
        home_account_id: format!("{name}.tenant"),
        username: format!("{name}@contoso.example"),
        tenant_id: "tenant".to_owned(),
        authority: HOST.to_owned(),
        client_id: "app".to_owned(),
    }
}

fn saved(name: &str) -> Saved {
    Saved { account: account(name), refresh_token: Secret::new(TOKEN) }
}

fn options(place: &TempDir, key: u8) -> StoreOptions {
    let key = (key > 0).then(|| Key::from_bytes(&[key; 32]).unwrap());
    StoreOptions { directory: Some(place.path().join("cache")), key, allow_unencrypted: false }
}

/// A store with a key of its own, or without any keyring for 0.
fn store(place: &TempDir, key: u8) -> (Store, Arc<VirtualClock>) {
    let clock = VirtualClock::shared();
    (Store::with(options(place, key), clock.clone(), Vec::new()).unwrap(), clock)
}

fn found(name: &str) -> Found {
    Found::Saved(Box::new(saved(name)))
}

/// The files that are there, locks aside.
fn files(place: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(place.path().join("cache")).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).filter(|n| !n.ends_with(".lock")).collect();
    names.sort_unstable();
    names
}

fn only_file(place: &TempDir) -> PathBuf {
    let names = files(place);
    assert_eq!(names.len(), 1, "{names:?}");
    place.path().join("cache").join(&names[0])
}

#[tokio::test]
async fn what_was_written_is_found_by_the_next_process_and_by_no_other_application() {
    let place = tempfile::tempdir().unwrap();
    let (first, _) = store(&place, 1);
    assert_eq!(first.lock(&account("ann")).await.read().await, Found::Nothing);
    assert!(first.lock(&account("ann")).await.write(saved("ann")).await);
    assert!(first.lock(&account("bob")).await.write(saved("bob")).await);
    let (second, _) = store(&place, 1);
    assert_eq!(second.lock(&account("ann")).await.read().await, found("ann"));
    let mut names: Vec<_> = second.accounts(HOST, "app").await.into_iter().map(|a| a.username).collect();
    names.sort_unstable();
    assert_eq!(names, ["ann@contoso.example", "bob@contoso.example"]);
    assert!(second.accounts(HOST, "other").await.is_empty());
    assert!(second.accounts("https://login.elsewhere.example", "app").await.is_empty());
    assert!(second.lock(&account("ann")).await.remove().await);
    assert!(!second.lock(&account("ann")).await.remove().await);
    assert_eq!(first.lock(&account("ann")).await.read().await, Found::Nothing);
    assert_eq!(first.accounts(HOST, "app").await, [account("bob")]);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_the_users_alone_and_tell_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    store(&place, 1).0.lock(&account("ann")).await.write(saved("ann")).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path().join("cache")), 0o700);
    for entry in fs::read_dir(place.path().join("cache")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let file = only_file(&place);
    let shown = format!("{} {}", file.display(), String::from_utf8_lossy(&fs::read(&file).unwrap()));
    for told in ["canary", "ann", "contoso", "login.example", "app", "tenant"] {
        assert!(!shown.contains(told), "{told} is to be seen in {shown}");
    }
}

#[tokio::test]
async fn programs_with_different_keys_leave_each_other_alone() {
    let place = tempfile::tempdir().unwrap();
    let (one, other) = (store(&place, 1).0, store(&place, 2).0);
    assert!(one.lock(&account("ann")).await.write(saved("ann")).await);
    assert!(other.accounts(HOST, "app").await.is_empty());
    assert_eq!(other.lock(&account("ann")).await.read().await, Found::Nothing);
    assert!(other.lock(&account("ann")).await.write(saved("ann")).await);
    assert!(other.lock(&account("ann")).await.remove().await);
    assert_eq!(one.lock(&account("ann")).await.read().await, found("ann"));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_put_aside_and_its_place_is_free() {
    let place = tempfile::tempdir().unwrap();
    let (store, clock) = store(&place, 1);
    store.lock(&account("ann")).await.write(saved("ann")).await;
    let file = only_file(&place);
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert!(store.accounts(HOST, "app").await.is_empty());
    let aside = only_file(&place);
    let seconds = crate::clock::epoch_seconds(&*clock);
    assert_eq!(aside.to_str().unwrap(), format!("{}.corrupt-{seconds}", file.display()));
    assert_eq!(fs::read(&aside).unwrap(), bytes);
    assert_eq!(store.lock(&account("ann")).await.read().await, Found::Nothing);
    assert!(store.lock(&account("ann")).await.write(saved("ann")).await);
    assert_eq!(store.accounts(HOST, "app").await, [account("ann")]);
}

#[tokio::test]
async fn an_accounts_file_under_anothers_name_is_not_believed() {
    for key in [0, 1] {
        let place = tempfile::tempdir().unwrap();
        let store =
            Store::with(StoreOptions { allow_unencrypted: true, ..options(&place, key) }, VirtualClock::shared(), Vec::new()).unwrap();
        store.lock(&account("ann")).await.write(saved("ann")).await;
        let files = store.files().await.unwrap();
        let cache = place.path().join("cache");
        fs::copy(cache.join(files.name(&account("ann"))), cache.join(files.name(&account("bob")))).unwrap();
        let Contents::Broken(why) = files.read(&files.name(&account("bob"))) else { panic!("it was believed") };
        assert_eq!(why.contains("does not decrypt"), key == 1, "the seal holds the name: {why}");
        assert_eq!(store.lock(&account("bob")).await.read().await, Found::Unreadable);
        assert_eq!(store.lock(&account("ann")).await.read().await, found("ann"));
    }
}

#[tokio::test]
async fn who_does_not_let_go_of_a_lock_is_waited_for_15_seconds() {
    let place = tempfile::tempdir().unwrap();
    let (holder, (store, clock)) = (store(&place, 1).0, store(&place, 1));
    let held = holder.lock(&account("ann")).await;
    assert!(held.is_shared());
    assert!(held.write(saved("ann")).await);
    assert!(store.lock(&account("bob")).await.is_shared(), "another account's lock is another lock");
    let before = clock.monotonic();
    let without = store.lock(&account("ann")).await;
    let waited = clock.monotonic() - before;
    assert!(!without.is_shared());
    assert!((lock::WAIT..lock::WAIT + Duration::from_secs(1)).contains(&waited), "{waited:?}");
    // It goes on all the same, but puts nothing aside: the holder may be about to mend it.
    assert_eq!(without.read().await, found("ann"));
    let file = only_file(&place);
    fs::write(&file, "broken").unwrap();
    assert_eq!(without.read().await, Found::Unreadable);
    assert_eq!(only_file(&place), file);
    drop(held);
    assert!(store.lock(&account("ann")).await.is_shared());
}

#[derive(Debug)]
struct Absent;

impl Keyring for Absent {
    fn name(&self) -> &'static str {
        "Wallet"
    }
    fn get(&self) -> Result<Option<Key>, String> {
        Err("there is nobody at home".to_owned())
    }
    fn set(&self, _: &Key) -> Result<(), String> {
        Err("there is nobody at home".to_owned())
    }
}

/// Remembers what was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "xdrkit"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{value:?}");
            }
        }
        let mut message = Message(format!("{} ", event.metadata().level()));
        event.record(&mut message);
        self.0.lock().unwrap().push(message.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn without_a_keyring_nothing_is_written_and_one_line_says_so() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::with(options(&place, 0), VirtualClock::shared(), vec![Box::new(Absent)]).unwrap();
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    for _ in 0..3 {
        let locked = store.lock(&account("ann")).await;
        assert!(!locked.is_shared());
        assert!(!locked.write(saved("ann")).await);
        assert_eq!(locked.read().await, Found::Nothing);
        assert!(!locked.remove().await);
        assert!(store.accounts(HOST, "app").await.is_empty());
    }
    assert!(files(&place).is_empty());
    let lines = log.0.lock().unwrap().clone();
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };
    for said in ["WARN", "in memory only", "Wallet: there is nobody at home", "allow_unencrypted=True", "key="] {
        assert!(line.contains(said), "{line}");
    }
}

#[tokio::test]
async fn plain_files_have_to_be_allowed_and_are_used_only_without_a_keyring() {
    #[derive(Debug)]
    struct Present;
    impl Keyring for Present {
        fn name(&self) -> &'static str {
            "Wallet"
        }
        fn get(&self) -> Result<Option<Key>, String> {
            Ok(Key::from_bytes(&[9; 32]).ok())
        }
        fn set(&self, _: &Key) -> Result<(), String> {
            unreachable!("it has a key")
        }
    }
    let (with, without): (Box<dyn Keyring>, Box<dyn Keyring>) = (Box::new(Present), Box::new(Absent));
    for (keyring, plain) in [(with, false), (without, true)] {
        let place = tempfile::tempdir().unwrap();
        let allowed = StoreOptions { allow_unencrypted: true, ..options(&place, 0) };
        let store = Store::with(allowed, VirtualClock::shared(), vec![keyring]).unwrap();
        assert!(store.lock(&account("ann")).await.write(saved("ann")).await);
        assert_eq!(store.lock(&account("ann")).await.read().await, found("ann"));
        assert_eq!(String::from_utf8_lossy(&fs::read(only_file(&place)).unwrap()).contains("canary"), plain);
    }
}

#[tokio::test]
async fn what_is_no_sign_in_by_its_size_is_neither_written_nor_read() {
    let place = tempfile::tempdir().unwrap();
    let (store, _) = store(&place, 1);
    let locked = store.lock(&account("ann")).await;
    let huge = Saved { refresh_token: Secret::new("x".repeat(64 << 10)), ..saved("ann") };
    assert!(!locked.write(huge).await);
    assert_eq!(files(&place), [""; 0]);
    locked.write(saved("ann")).await;
    fs::write(only_file(&place), vec![b'x'; 65 << 10]).unwrap();
    assert_eq!(locked.read().await, Found::Unreadable);
}

#[tokio::test]
async fn what_dead_writers_left_is_cleared_away_after_an_hour() {
    let place = tempfile::tempdir().unwrap();
    let cache = place.path().join("cache");
    fs::create_dir(&cache).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&cache, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for name in ["a-b.account", "a-b.account.1.tmp", "a-b.account.corrupt-7", "someones.tmp", "notes.txt"] {
        fs::write(cache.join(name), "").unwrap();
    }
    let after = |time| {
        let (store, clock) = store(&place, 1);
        clock.advance(time);
        async move { store.accounts(HOST, "app").await }
    };
    after(Duration::from_secs(3000)).await;
    assert_eq!(files(&place).len(), 5);
    after(Duration::from_secs(4000)).await;
    assert_eq!(files(&place), ["a-b.account", "a-b.account.corrupt-7", "notes.txt", "someones.tmp"]);
    after(Duration::from_secs(31 * 86400)).await;
    assert_eq!(files(&place), ["a-b.account", "notes.txt", "someones.tmp"]);
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    for mode in [0o777, 0o1777, 0o770, 0o702] {
        fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = Store::open(StoreOptions { directory: Some(place.path().to_owned()), ..StoreOptions::default() }).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.facts().message.contains("may be written to by others"), "{error}");
        assert!(error.facts().hint.as_ref().unwrap().contains("chmod 700"));
    }
    for mode in [0o755, 0o700] {
        fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
        assert!(Store::open(StoreOptions { directory: Some(place.path().to_owned()), ..StoreOptions::default() }).is_ok());
    }
}

/// Only root can make a directory that belongs to somebody else.
#[cfg(unix)]
#[test]
fn a_directory_of_another_users_is_refused() {
    use std::os::unix::fs::MetadataExt;
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("theirs");
    fs::create_dir(&path).unwrap();
    let given_away = std::os::unix::fs::chown(&path, Some(fs::metadata(&path).unwrap().uid() + 1), None);
    let opened = Store::open(StoreOptions { directory: Some(path.clone()), ..StoreOptions::default() });
    match given_away {
        Ok(()) => assert!(opened.unwrap_err().facts().message.contains("belongs to another user")),
        Err(_) => assert!(opened.is_ok()),
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "the look at it leaves nothing behind");
}

#[test]
fn the_place_is_the_one_that_was_named_or_the_platforms() {
    let place = tempfile::tempdir().unwrap();
    let at = |part: &str| place.path().join(part);
    let look = |given: Option<&str>, env: &[(&str, PathBuf)]| {
        directory(given.map(&at), |name| env.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone().into_os_string()))
    };
    let home = [("HOME", at("home")), ("LOCALAPPDATA", at("home")), ("XDG_CACHE_HOME", PathBuf::new())];
    let named = [("XDRKIT_CACHE_DIR", at("named")), ("HOME", at("home"))];
    assert_eq!(look(Some("given"), &named).unwrap(), Some(at("given")));
    assert_eq!(look(None, &named).unwrap(), Some(at("named")));
    let default = match std::env::consts::OS {
        "windows" => "home/xdrkit",
        "macos" => "home/Library/Caches/xdrkit",
        _ => "home/.cache/xdrkit",
    };
    assert_eq!(look(None, &home).unwrap(), Some(at(default)));
    assert!(at(default).is_dir());
    assert_eq!(look(None, &[]).unwrap(), None);
    if cfg!(target_os = "linux") {
        let xdg = [("XDG_CACHE_HOME", at("xdg")), ("HOME", at("home"))];
        assert_eq!(look(None, &xdg).unwrap(), Some(at("xdg/xdrkit")));
        assert_eq!(look(None, &[("XDG_CACHE_HOME", "relative".into()), ("HOME", at("home"))]).unwrap(), Some(at(default)));
    }
    // A place that cannot be: the platform's is done without, a named one is a mistake.
    fs::write(at("file"), "").unwrap();
    assert_eq!(look(None, &[("HOME", at("file")), ("LOCALAPPDATA", at("file"))]).unwrap(), None);
    let error = look(None, &[("XDRKIT_CACHE_DIR", at("file/below"))]).unwrap_err();
    assert!(error.facts().message.starts_with("XDRKIT_CACHE_DIR: "), "{error}");
}

proptest! {
    #[test]
    fn no_change_to_a_file_goes_unseen(place in 0_usize..4096, change in 1_u8.., cut in proptest::bool::ANY, sealed in proptest::bool::ANY) {
        let directory = tempfile::tempdir().unwrap();
        let key = Key::from_bytes(&[3; 32]).unwrap();
        let files = Files::new(directory.path().to_owned(), sealed.then_some(&key));
        let name = files.name(&account("ann"));
        files.write(&name, &saved("ann")).unwrap();
        prop_assert!(matches!(files.read(&name), Contents::Saved(s) if *s == saved("ann")));
        let mut bytes = fs::read(directory.path().join(&name)).unwrap();
        let place = place % bytes.len();
        if cut { bytes.truncate(place) } else { bytes[place] ^= change }
        fs::write(directory.path().join(&name), &bytes).unwrap();
        match files.read(&name) {
            Contents::Broken(_) => {}
            // A plain file has no seal: it may say something else, but never half of something.
            Contents::Saved(_) => prop_assert!(!sealed && !cut),
            Contents::Nothing => prop_assert!(false, "the file is there"),
        }
    }

    #[test]
    fn any_text_survives(name in ".{0,40}", token in ".{1,80}", id in "[a-z.]{1,20}") {
        let directory = tempfile::tempdir().unwrap();
        let files = Files::new(directory.path().to_owned(), Some(&Key::from_bytes(&[3; 32]).unwrap()));
        let account = Account { username: name, home_account_id: id, ..account("ann") };
        let saved = Saved { account, refresh_token: Secret::new(token) };
        let name = files.name(&saved.account);
        files.write(&name, &saved).unwrap();
        prop_assert!(matches!(files.read(&name), Contents::Saved(s) if *s == saved));
    }
}
