//! The properties of one object that somebody gives: read by name and type, and every name accounted for.

use super::{Taken, guess};
use crate::json::{Object, Value};
use crate::sandbox::clock;
use std::cell::RefCell;
use std::sync::Arc;

/// One object of a list.
pub(super) struct Props<'v> {
    place: String,
    members: &'v Object,
    read: RefCell<Vec<&'static str>>,
}

impl<'v> Props<'v> {
    pub(super) fn new(place: String, members: &'v Object) -> Props<'v> {
        Props { place, members, read: RefCell::default() }
    }

    /// The member, if it is there and not null.
    pub(super) fn get(&self, name: &'static str) -> Option<&'v Value> {
        self.read.borrow_mut().push(name);
        self.members.get(name).filter(|v| !v.is_null())
    }

    pub(super) fn wrong(&self, name: &str, what: &str) -> String {
        format!("{}.{name}: {what}", self.place)
    }

    pub(super) fn text(&self, name: &'static str) -> Taken<Option<&'v str>> {
        self.get(name).map(|v| v.as_str().ok_or_else(|| self.wrong(name, "takes a text"))).transpose()
    }

    pub(super) fn shared(&self, name: &'static str) -> Taken<Option<Arc<str>>> {
        Ok(self.text(name)?.map(Arc::from))
    }

    /// Digits in a text are a number, too: one service writes numbers so.
    pub(super) fn number(&self, name: &'static str) -> Taken<Option<i64>> {
        let read = |v: &Value| v.as_i64().or_else(|| v.as_str()?.parse().ok());
        self.get(name).map(|v| read(v).ok_or_else(|| self.wrong(name, "takes a whole number"))).transpose()
    }

    pub(super) fn flag(&self, name: &'static str) -> Taken<Option<bool>> {
        self.get(name).map(|v| v.as_bool().ok_or_else(|| self.wrong(name, "takes true or false"))).transpose()
    }

    pub(super) fn time(&self, name: &'static str) -> Taken<Option<i64>> {
        let read = |text: &str| clock::parse(text).ok_or_else(|| self.wrong(name, "takes a time, such as \"2026-11-21T12:00:00Z\""));
        self.text(name)?.map(read).transpose()
    }

    pub(super) fn texts(&self, name: &'static str) -> Taken<Option<Vec<String>>> {
        let wrong = || self.wrong(name, "takes a list of texts");
        let all = |v: &Value| v.as_array().ok_or_else(wrong)?.iter().map(|t| t.as_str().map(str::to_owned).ok_or_else(wrong)).collect();
        self.get(name).map(all).transpose()
    }

    /// One of a list of words, in whatever spelling `read` knows.
    pub(super) fn one_of<T>(&self, name: &'static str, allowed: &str, read: impl Fn(&str) -> Option<T>) -> Taken<Option<T>> {
        let wrong = |text: &str| self.wrong(name, &format!("{text:?} is not allowed; it is {allowed}"));
        self.text(name)?.map(|text| read(text).ok_or_else(|| wrong(text))).transpose()
    }

    /// Refuses what nobody read.
    pub(super) fn end(self) -> Taken<()> {
        let read = self.read.into_inner();
        match self.members.keys().find(|key| !key.starts_with('@') && !read.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => Err(format!("{}: no property {key:?}.{}", self.place, guess(key, read.iter().copied()))),
        }
    }
}
