//! The key that seals the files: 32 random bytes in the system's keyring, or the user's own.
//!
//! On Linux the Secret Service is asked through `secret-tool`, which comes with it: a client for its bus would bring some sixty crates for two
//! calls. Where there is none, as on servers, the kernel keeps the key in the user's persistent keyring: until the machine is restarted, or
//! for three days in which nobody asks. A key never stands on a command line, which everybody on a machine can read.

use crate::{
    error::{Error, Result},
    secret::Secret,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::fmt;
use zeroize::Zeroizing;

const LENGTH: usize = 32;
const SERVICE: &str = "xdrkit";
const ENTRY: &str = "key of the sign-in cache";

/// 32 bytes that seal the cache.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Zeroizing<[u8; LENGTH]>);

impl Key {
    /// From a user's own bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Key> {
        Key::read(bytes).ok_or_else(|| Error::setting("key", format!("has {} bytes; it is 32 random ones", bytes.len())).hint(HOW_TO_MAKE))
    }

    /// From a user's own text: base64 of 32 bytes, or 64 hexadecimal digits.
    pub fn from_text(text: &Secret) -> Result<Key> {
        let text = text.expose().trim();
        let hex = || Some(Zeroizing::new((0..LENGTH).map(|i| hex_byte(text.get(2 * i..2 * i + 2)?)).collect::<Option<Vec<u8>>>()?));
        let bytes = if text.len() == 2 * LENGTH { hex() } else { base64(text) };
        let wrong = || Error::setting("key", "is neither base64 of 32 bytes nor 64 hexadecimal digits").hint(HOW_TO_MAKE);
        bytes.and_then(|b| Key::read(&b)).ok_or_else(wrong)
    }

    fn read(bytes: &[u8]) -> Option<Key> {
        bytes.try_into().ok().map(|b: [u8; LENGTH]| Key(Zeroizing::new(b)))
    }

    fn random() -> Option<Key> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        SystemRandom::new().fill(&mut *bytes).ok()?;
        Some(Key(bytes))
    }

    /// A key for one purpose, from which neither this one nor another purpose's can be had.
    pub(super) fn derive(&self, purpose: &str) -> Zeroizing<[u8; LENGTH]> {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*self.0), purpose.as_bytes());
        let mut derived = Zeroizing::new([0; LENGTH]);
        derived.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        derived
    }
}

const HOW_TO_MAKE: &str = "os.urandom(32) makes one; keep it where secrets are kept";

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn hex_byte(digits: &str) -> Option<u8> {
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// In either alphabet, padded or not.
fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let plain: Zeroizing<String> = Zeroizing::new(text.trim_end_matches('=').replace('-', "+").replace('_', "/"));
    STANDARD_NO_PAD.decode(plain.as_bytes()).ok().map(Zeroizing::new)
}

/// A place of the system's for keys. Its methods block, and may ask the user.
pub(super) trait Keyring: Send + Sync + fmt::Debug {
    /// Its name, for messages.
    fn name(&self) -> &'static str;
    /// The key, if it has one; an error if it is not to be asked.
    fn get(&self) -> Result<Option<Key>, String>;
    /// Keeps the key.
    fn set(&self, key: &Key) -> Result<(), String>;
}

/// The key of the first keyring that answers; a new one if it has none. The error lists why none answered.
pub(super) fn from_keyrings(keyrings: &[Box<dyn Keyring>]) -> Result<Key, String> {
    let mut reasons = Vec::new();
    for keyring in keyrings {
        match get_or_make(&**keyring) {
            Ok(key) => return Ok(key),
            Err(why) => reasons.push(format!("{}: {why}", keyring.name())),
        }
    }
    Err(if reasons.is_empty() { "this platform has none".to_owned() } else { reasons.join("; ") })
}

fn get_or_make(keyring: &dyn Keyring) -> Result<Key, String> {
    if let Some(key) = keyring.get()? {
        return Ok(key);
    }
    let key = Key::random().ok_or("the system gives no randomness")?;
    keyring.set(&key)?;
    // Some keyrings take what they do not keep.
    keyring.get()?.filter(|kept| *kept == key).ok_or_else(|| "it did not keep the key".to_owned())
}

/// The system's keyrings, the best first.
pub(super) fn keyrings() -> Vec<Box<dyn Keyring>> {
    #[cfg(target_os = "linux")]
    return vec![Box::new(secret_tool::SecretTool::default()), Box::new(Kernel)];
    #[cfg(target_os = "macos")]
    return vec![Box::new(Keychain)];
    #[cfg(windows)]
    return vec![Box::new(CredentialManager)];
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return Vec::new();
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Kernel;

#[cfg(target_os = "linux")]
impl Kernel {
    /// The user's persistent keyring, reachable from this process; the user's other one on kernels without.
    fn keyring() -> Result<linux_keyutils::KeyRing, String> {
        use linux_keyutils::{KeyRing, KeyRingIdentifier};
        KeyRing::get_persistent(KeyRingIdentifier::Process)
            .or_else(|_| KeyRing::from_special_id(KeyRingIdentifier::User, true))
            .map_err(|e| format!("{e:?}"))
    }

    fn description() -> String {
        format!("{SERVICE}: {ENTRY}")
    }
}

#[cfg(target_os = "linux")]
impl Keyring for Kernel {
    fn name(&self) -> &'static str {
        "kernel keyring"
    }

    fn get(&self) -> Result<Option<Key>, String> {
        use linux_keyutils::KeyError;
        let mut bytes = Zeroizing::new([0; LENGTH]);
        match Kernel::keyring()?.search(&Kernel::description()).and_then(|key| key.read(&mut *bytes)) {
            Ok(LENGTH) => Ok(Some(Key(bytes))),
            Ok(_) | Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
            Err(e) => Err(format!("{e:?}")),
        }
    }

    fn set(&self, key: &Key) -> Result<(), String> {
        Kernel::keyring()?.add_key(&Kernel::description(), &*key.0).map(drop).map_err(|e| format!("{e:?}"))
    }
}

#[cfg(target_os = "macos")]
#[derive(Debug)]
struct Keychain;

#[cfg(target_os = "macos")]
impl Keyring for Keychain {
    fn name(&self) -> &'static str {
        "Keychain"
    }

    fn get(&self) -> Result<Option<Key>, String> {
        /// errSecItemNotFound
        const NOT_FOUND: i32 = -25300;
        match security_framework::passwords::get_generic_password(SERVICE, ENTRY) {
            Ok(bytes) => Ok(Key::read(&Zeroizing::new(bytes))),
            Err(e) if e.code() == NOT_FOUND => Ok(None),
            Err(e) => Err(e.to_string()),
        }
    }

    fn set(&self, key: &Key) -> Result<(), String> {
        security_framework::passwords::set_generic_password(SERVICE, ENTRY, &*key.0).map_err(|e| e.to_string())
    }
}

#[cfg(windows)]
#[derive(Debug)]
struct CredentialManager;

#[cfg(windows)]
impl CredentialManager {
    /// Kept on this machine: the files do not travel with a roaming profile either.
    fn entry() -> keyring_core::Result<keyring_core::Entry> {
        use keyring_core::api::CredentialStoreApi;
        let local = std::collections::HashMap::from([("persistence", "Local")]);
        windows_native_keyring_store::Store::new()?.build(SERVICE, ENTRY, Some(&local))
    }
}

#[cfg(windows)]
impl Keyring for CredentialManager {
    fn name(&self) -> &'static str {
        "Credential Manager"
    }

    fn get(&self) -> Result<Option<Key>, String> {
        match CredentialManager::entry().and_then(|entry| entry.get_secret()) {
            Ok(bytes) => Ok(Key::read(&Zeroizing::new(bytes))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(e) => Err(e.to_string()),
        }
    }

    fn set(&self, key: &Key) -> Result<(), String> {
        CredentialManager::entry().and_then(|entry| entry.set_secret(&*key.0)).map_err(|e| e.to_string())
    }
}

#[cfg(target_os = "linux")]
mod secret_tool {
    use super::{ENTRY, Engine, Key, Keyring, SERVICE, STANDARD_NO_PAD, base64};
    use std::{
        env,
        io::{Read, Write},
        path::{Path, PathBuf},
        process::{Command, Stdio},
        sync::mpsc,
        thread,
        time::Duration,
    };
    use zeroize::Zeroizing;

    /// The Secret Service (GNOME Keyring, KWallet, KeePassXC) of a desktop session.
    #[derive(Debug)]
    pub(super) struct SecretTool {
        /// The program, if this session has a bus on which a service could be.
        pub(super) program: Option<PathBuf>,
        /// How long the user may take to unlock it.
        pub(super) patience: Duration,
    }

    impl Default for SecretTool {
        fn default() -> SecretTool {
            let bus = env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|a| !a.is_empty())
                || env::var_os("XDG_RUNTIME_DIR").is_some_and(|d| Path::new(&d).join("bus").exists());
            let path = env::var_os("PATH").filter(|_| bus).unwrap_or_default();
            // A relative part of PATH would run what lies in the current directory.
            let program = env::split_paths(&path).filter(|p| p.is_absolute()).map(|p| p.join("secret-tool")).find(|p| p.is_file());
            SecretTool { program, patience: Duration::from_secs(60) }
        }
    }

    impl Keyring for SecretTool {
        fn name(&self) -> &'static str {
            "Secret Service"
        }

        fn get(&self) -> Result<Option<Key>, String> {
            let (ok, text, complaint) = self.run(&["lookup"], "")?;
            match ok {
                true => Ok(base64(text.trim()).and_then(|b| Key::read(&b))),
                // It fails without a word if there is no such entry.
                false if complaint.is_empty() => Ok(None),
                false => Err(complaint),
            }
        }

        fn set(&self, key: &Key) -> Result<(), String> {
            let (ok, _, complaint) =
                self.run(&["store", "--label", "xdrkit: key of the sign-in cache"], &Zeroizing::new(STANDARD_NO_PAD.encode(*key.0)))?;
            if ok { Ok(()) } else { Err(complaint) }
        }
    }

    impl SecretTool {
        /// Runs it with our entry's attributes: whether it succeeded, what it said, what it complained of.
        fn run(&self, command: &[&str], input: &str) -> Result<(bool, Zeroizing<String>, String), String> {
            let program = self.program.as_ref().ok_or("there is no desktop session with secret-tool")?;
            let mut child = Command::new(program)
                .args(command)
                .args(["application", SERVICE, "entry", ENTRY])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .map_err(|e| e.to_string())?;
            let (said, listen) = mpsc::channel();
            let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let input = Zeroizing::new(input.to_owned());
            let talk = move || {
                // A program that does not read its input complains, and that is heard.
                let _ = stdin.map(|mut pipe| pipe.write_all(input.as_bytes()));
                let _ = said.send((all(stdout), all(stderr)));
            };
            thread::Builder::new().spawn(talk).map_err(|e| e.to_string())?;
            let heard = listen.recv_timeout(self.patience);
            if heard.is_err() {
                let _ = child.kill();
            }
            let status = child.wait().map_err(|e| e.to_string())?;
            let (text, complaint) = heard.map_err(|_| format!("it did not answer within {} s", self.patience.as_secs()))?;
            Ok((status.success(), text, complaint.lines().next().unwrap_or_default().trim().to_owned()))
        }
    }

    fn all(pipe: Option<impl Read>) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.map(|p| p.take(4096).read_to_end(&mut bytes));
        Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_key_of_ones_own_may_be_bytes_base64_or_hex_and_never_shows() {
        let bytes: Vec<u8> = (0xe0..=0xff).collect();
        let key = Key::from_bytes(&bytes).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
        let standard = STANDARD.encode(&bytes);
        for text in [hex, standard.replace('+', "-").replace('/', "_"), standard.trim_end_matches('=').to_owned(), format!(" {standard}\n")]
        {
            assert_eq!(Key::from_text(&Secret::new(text)).unwrap(), key);
        }
        assert_eq!(format!("{key:?}"), "***");
        for wrong in ["", "password", "+0".repeat(32).as_str(), "ä".repeat(32).as_str()] {
            let error = Key::from_text(&Secret::new(wrong)).unwrap_err();
            assert!(error.facts().message.starts_with("key: is neither base64"), "{error}");
        }
        assert!(Key::from_bytes(&bytes[1..]).unwrap_err().facts().message.contains("31 bytes"));
    }

    #[test]
    fn purposes_have_keys_of_their_own() {
        let key = Key::from_bytes(&[7; 32]).unwrap();
        assert_eq!(key.derive("names"), key.derive("names"));
        assert_ne!(key.derive("names"), key.derive("seal"));
        assert_ne!(key.derive("names"), Key::from_bytes(&[8; 32]).unwrap().derive("names"));
        assert_ne!(key.derive("names"), key.0);
    }

    #[cfg(target_os = "linux")]
    mod linux {
        use super::{super::secret_tool::SecretTool, *};
        use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

        /// A stand-in for `secret-tool` that keeps what it gets in a file and writes down how it was called.
        fn tool(directory: &Path, script: &str) -> SecretTool {
            let program = directory.join("secret-tool");
            fs::write(&program, format!("#!/bin/sh\ncd '{}'\necho \"$@\" >> calls\n{script}\n", directory.display())).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
            SecretTool { program: Some(program), patience: Duration::from_secs(20) }
        }

        const KEEPS: &str = "if [ $1 = store ]; then cat > kept; else cat kept 2>/dev/null; fi";

        #[test]
        fn the_secret_service_makes_a_key_once_and_no_command_line_holds_it() {
            let directory = tempfile::tempdir().unwrap();
            let keyrings: Vec<Box<dyn Keyring>> = vec![Box::new(tool(directory.path(), KEEPS))];
            let first = from_keyrings(&keyrings).unwrap();
            assert_eq!(from_keyrings(&keyrings).unwrap(), first);
            let calls = fs::read_to_string(directory.path().join("calls")).unwrap();
            assert_eq!(calls.lines().map(|l| l.split(' ').next().unwrap()).collect::<Vec<_>>(), ["lookup", "store", "lookup", "lookup"]);
            let kept = fs::read_to_string(directory.path().join("kept")).unwrap();
            assert_eq!(Key::from_text(&Secret::new(kept.clone())).unwrap(), first);
            assert!(!calls.contains(&kept));
        }

        #[test]
        fn a_keyring_that_does_not_answer_gives_way_to_the_next() {
            let place = tempfile::tempdir().unwrap();
            let tool = |name: &str, script: &str| {
                let directory = place.path().join(name);
                fs::create_dir_all(&directory).unwrap();
                tool(&directory, script)
            };
            let silent = SecretTool { patience: Duration::from_millis(100), ..tool("silent", "exec sleep 60") };
            let complains = || Box::new(tool("complains", "echo 'no such service' >&2; exit 1"));
            let absent = SecretTool { program: None, patience: Duration::ZERO };
            let forgetful = tool("forgetful", "exit 0");
            let none: Vec<Box<dyn Keyring>> = vec![complains(), Box::new(silent), Box::new(absent)];
            let error = from_keyrings(&none).unwrap_err();
            assert!(error.contains("Secret Service: no such service; Secret Service: it did not answer"), "{error}");
            assert!(error.ends_with("no desktop session with secret-tool"), "{error}");
            assert_eq!(get_or_make(&forgetful).unwrap_err(), "it did not keep the key");
            assert!(from_keyrings(&[complains(), Box::new(tool("good", KEEPS))]).is_ok());
        }
    }
}
