//! Texts that live as long as the program.
//!
//! Seeded entities hold words of fixed lists, which are part of the program. Words that somebody gives are kept for good, each once: there
//! are as many as there are names of groups and versions of systems in the tests of one process.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The text, kept for good.
pub(super) fn word(text: &str) -> &'static str {
    static WORDS: OnceLock<Mutex<HashSet<&'static str>>> = OnceLock::new();
    let mut words = WORDS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = words.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into());
    words.insert(kept);
    kept
}

/// The list, kept for good.
pub(super) fn list(texts: &[String]) -> &'static [&'static str] {
    static LISTS: OnceLock<Mutex<HashMap<String, &'static [&'static str]>>> = OnceLock::new();
    let key = texts.join("\0");
    let mut lists = LISTS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    lists.entry(key).or_insert_with(|| Box::leak(texts.iter().map(|t| word(t)).collect::<Vec<_>>().into_boxed_slice()))
}
