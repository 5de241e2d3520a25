//! Paging as a state machine: it says what to ask next and takes the answer; it never waits and never sends.
//!
//! Each operation is paged in the way that works rather than the way that is advertised. Next links of the machines list lose their
//! parameters and go round for ever, `$top` suppresses them elsewhere, and a link is also a way to be led off: it may name any host, and
//! the token would go with it. So links are compared with an allow-list of origins and with all links before them.

use crate::{
    error::{Error, Kind, Result},
    json::{Object, Value},
    ops::model::{Operation, Paging},
    request::{self, Request},
    secret,
};
use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};
use url::{Origin, Url};

/// No list has more pages than this.
const MAX_PAGES: u32 = 100_000;

/// The state of one walk through a list.
#[derive(Debug)]
pub struct Pager {
    op: &'static Operation,
    arguments: Object,
    base: Url,
    origins: Vec<Origin>,
    page_size: Option<u32>,
    /// How many items are still wanted; `None` is all.
    left: Option<u64>,
    skip: u64,
    link: Option<Url>,
    seen: HashSet<u64>,
    pages: u32,
    done: bool,
}

impl Pager {
    /// Begins a walk. `origins` are those that links may lead to besides the base's own.
    pub fn new(op: &'static Operation, arguments: &Object, page_size: Option<u32>, base: &Url, origins: &[Origin]) -> Result<Pager> {
        if op.paging == Paging::None {
            return Err(Error::argument("operation", format!("{} answers one object, not pages; use call()", op.id)));
        }
        let page_max = op.paging.page_max().unwrap_or(0);
        if let Some(size) = page_size.filter(|s| *s == 0 || *s > page_max) {
            return Err(Error::argument("page_size", format!("{size} is not allowed; {} takes 1 to {page_max}", op.id)));
        }
        // Says at once what is wrong with the arguments, not at the first page.
        request::build(op, arguments, base)?;
        let number = |name: &str| arguments.get(name).and_then(Value::as_i64).and_then(|n| u64::try_from(n).ok());
        let mut all = vec![base.origin()];
        all.extend_from_slice(origins);
        Ok(Pager {
            op,
            arguments: arguments.clone(),
            base: base.clone(),
            origins: all,
            page_size,
            left: number("top"),
            skip: number("skip").unwrap_or(0),
            link: None,
            seen: HashSet::new(),
            pages: 0,
            done: false,
        })
    }

    /// The operation that is walked.
    pub fn operation(&self) -> &'static Operation {
        self.op
    }

    /// Whether no page was taken in yet.
    pub fn at_start(&self) -> bool {
        self.pages == 0
    }

    /// Ends the walk: nothing more is wanted, or there is nothing.
    pub fn finish(&mut self) {
        self.done = true;
    }

    /// How many items the next page is asked for.
    fn asked(&self) -> Option<u64> {
        let page_max = u64::from(self.op.paging.page_max().unwrap_or(1));
        let size = self.page_size.map(u64::from);
        match self.op.paging {
            Paging::Skip { .. } => Some(size.unwrap_or(page_max).min(self.left.unwrap_or(u64::MAX))),
            _ => size.or(self.left.map(|l| l.min(page_max))),
        }
    }

    /// What to ask next, or `None` at the end.
    pub fn next_request(&self) -> Result<Option<Request>> {
        if self.done || self.left == Some(0) {
            return Ok(None);
        }
        if self.pages >= MAX_PAGES {
            return Err(Error::new(Kind::Paging, format!("{} did not end after {MAX_PAGES} pages", self.op.id)));
        }
        let mut arguments = self.arguments.clone();
        let size = self.asked().map_or(Value::Null, |n| Value::Int(n as i64));
        arguments.insert("top".to_owned(), size);
        if self.skip > 0 {
            arguments.insert("skip".to_owned(), Value::Int(self.skip as i64));
        }
        let mut request = request::build(self.op, &arguments, &self.base)?;
        if let Some(link) = &self.link {
            request.url = link.clone();
        }
        Ok(Some(request))
    }

    /// Takes a page in and gives its items.
    pub fn accept(&mut self, page: Value) -> Result<Vec<Value>> {
        let asked = self.asked();
        let link = page.get("@odata.nextLink").cloned();
        let Value::Object(mut page) = page else { return Err(bad_page(self.op, "is no object")) };
        let Some(Value::Array(mut items)) = page.swap_remove("value") else { return Err(bad_page(self.op, "has no list \"value\"")) };
        self.pages += 1;
        let count = items.len() as u64;
        let more = match self.op.paging {
            Paging::Skip { .. } => self.accept_by_skip(&items, asked, link.is_some_and(|l| l.as_str().is_some_and(|l| !l.is_empty())))?,
            _ => self.accept_by_link(link)?,
        };
        if let Some(left) = &mut self.left {
            items.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left = left.saturating_sub(count);
        }
        self.done = !more;
        Ok(items)
    }

    /// A full page, or one with a link, has a successor; a service that does not heed `$skip` would send the same page for ever.
    fn accept_by_skip(&mut self, items: &[Value], asked: Option<u64>, has_link: bool) -> Result<bool> {
        let count = items.len() as u64;
        let more = count > 0 && (has_link || asked.is_some_and(|asked| count >= asked));
        if more && self.left.is_none_or(|left| left > count) && !self.seen.insert(fingerprint(items)) {
            return Err(looping(self.op, "the same page came twice: the service does not heed $skip"));
        }
        self.skip += count;
        Ok(more)
    }

    fn accept_by_link(&mut self, link: Option<Value>) -> Result<bool> {
        let text = match &link {
            None | Some(Value::Null) => return Ok(false),
            Some(Value::String(s)) if s.is_empty() => return Ok(false),
            Some(Value::String(s)) => s,
            Some(_) => return Err(bad_page(self.op, "has a next link that is no text")),
        };
        let mut url = self.base.join(text).map_err(|_| bad_page(self.op, "has a next link that is no URL"))?;
        url.set_fragment(None);
        check_origin(&url, &self.origins)?;
        let mut hasher = DefaultHasher::new();
        url.as_str().hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return Err(looping(self.op, "the same next link came twice"));
        }
        self.link = Some(url);
        Ok(true)
    }
}

/// Refuses to go where a token must not go. Scheme, host and port count; so does user info, which only ever misleads.
pub fn check_origin(url: &Url, origins: &[Origin]) -> Result<()> {
    if origins.contains(&url.origin()) && url.username().is_empty() && url.password().is_none() {
        return Ok(());
    }
    let allowed: Vec<String> = origins.iter().map(Origin::ascii_serialization).collect();
    Err(Error::new(Kind::UnsafeUrl, format!("the service named {}, where a token must not go; nothing was sent", secret::shown(url)))
        .with(|f| f.url = Some(secret::shown(url)))
        .detail("allowed", allowed))
}

fn fingerprint(items: &[Value]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for item in items {
        item.to_string().hash(&mut hasher);
    }
    hasher.finish()
}

fn bad_page(op: &Operation, what: &str) -> Error {
    Error::new(Kind::BadResponse, format!("{}: the page {what}", op.id))
}

fn looping(op: &Operation, what: &str) -> Error {
    Error::new(Kind::Paging, format!("{}: {what}", op.id)).hint("what was delivered before is complete up to here")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::object;

    fn base() -> Url {
        Url::parse("https://graph.example").unwrap()
    }

    fn pager(id: &str, arguments: Value, page_size: Option<u32>) -> Pager {
        Pager::new(request::operation(id).unwrap(), arguments.as_object().unwrap(), page_size, &base(), &[]).unwrap()
    }

    fn none() -> Value {
        Value::Object(Object::new())
    }

    fn page(range: std::ops::Range<i64>, link: Option<&str>) -> Value {
        let items: Vec<Value> = range.map(Value::Int).collect();
        match link {
            Some(link) => object([("value", items.into()), ("@odata.nextLink", link.into())]),
            None => object([("value", items.into())]),
        }
    }

    fn query(pager: &Pager) -> Option<String> {
        pager.next_request().unwrap().map(|r| r.url.query().unwrap_or_default().to_owned())
    }

    #[test]
    fn skip_goes_on_until_a_page_is_short() {
        let mut p = pager("machines.list", none(), Some(3));
        assert_eq!(query(&p).unwrap(), "$top=3");
        assert_eq!(p.accept(page(0..3, None)).unwrap().len(), 3);
        assert_eq!(query(&p).unwrap(), "$top=3&$skip=3");
        assert_eq!(p.accept(page(3..5, None)).unwrap().len(), 2);
        assert_eq!(query(&p), None);
    }

    #[test]
    fn a_short_page_with_a_link_is_not_the_end() {
        let mut p = pager("machines.list", none(), Some(3));
        p.accept(page(0..2, Some("https://graph.example/api/machines?=3"))).unwrap();
        assert_eq!(query(&p).unwrap(), "$top=3&$skip=2");
    }

    #[test]
    fn top_is_how_many_in_all() {
        let mut p = pager("machines.list", object([("top", Value::Int(5)), ("skip", Value::Int(10))]), Some(3));
        assert_eq!(query(&p).unwrap(), "$top=3&$skip=10");
        p.accept(page(0..3, None)).unwrap();
        assert_eq!(query(&p).unwrap(), "$top=2&$skip=13");
        assert_eq!(p.accept(page(3..8, None)).unwrap().len(), 2);
        assert_eq!(query(&p), None);
        let mut p = pager("graph.alerts.list", object([("top", Value::Int(2))]), None);
        assert_eq!(query(&p).unwrap(), "$top=2");
        assert_eq!(p.accept(page(0..9, Some("/v1.0/security/alerts_v2?x"))).unwrap().len(), 2);
        assert_eq!(query(&p), None);
    }

    #[test]
    fn links_are_followed_as_they_are() {
        let mut p = pager("graph.alerts.list", none(), None);
        p.accept(page(0..3, Some("https://graph.example/v1.0/security/alerts_v2?$skiptoken=a%20b"))).unwrap();
        assert_eq!(p.next_request().unwrap().unwrap().url.as_str(), "https://graph.example/v1.0/security/alerts_v2?$skiptoken=a%20b");
        p.accept(page(3..3, Some("https://graph.example/v1.0/security/alerts_v2?$skiptoken=c"))).unwrap();
        p.accept(page(3..4, None)).unwrap();
        assert_eq!(query(&p), None);
    }

    #[test]
    fn next_link_to_another_origin_is_refused() {
        for link in [
            "https://evil.example/x",
            "http://graph.example/x",
            "https://graph.example:444/x",
            "https://graph.example@evil.example/x",
            "https://u@graph.example/x",
            "//evil.example/x",
            "\\\\evil.example/x",
            "https://graph.example.evil/x",
            "file:///etc/passwd",
        ] {
            let mut p = pager("graph.alerts.list", none(), None);
            assert_eq!(p.accept(page(0..1, Some(link))).unwrap_err().kind(), Kind::UnsafeUrl, "{link}");
        }
    }

    #[test]
    fn a_repeated_link_or_page_ends_the_walk_with_an_error() {
        let mut p = pager("graph.alerts.list", none(), None);
        p.accept(page(0..1, Some("/a?x"))).unwrap();
        p.accept(page(0..1, Some("/b"))).unwrap();
        assert_eq!(p.accept(page(0..1, Some("/a?x#new"))).unwrap_err().kind(), Kind::Paging);
        let mut p = pager("machines.list", none(), Some(2));
        p.accept(page(0..2, None)).unwrap();
        assert_eq!(p.accept(page(0..2, None)).unwrap_err().kind(), Kind::Paging);
    }

    #[test]
    fn what_is_no_page_is_an_error_and_not_the_end() {
        for bad in [
            Value::Null,
            none(),
            object([("value", Value::Int(1))]),
            object([("value", Value::Array(vec![])), ("@odata.nextLink", Value::Int(1))]),
        ] {
            let mut p = pager("graph.alerts.list", none(), None);
            assert_eq!(p.accept(bad).unwrap_err().kind(), Kind::BadResponse);
        }
    }
}
