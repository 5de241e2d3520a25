//! Paging as a state machine: it says what to ask next and takes the answer; it never waits and never sends.
//!
//! Each operation is paged in the way that works rather than the way that is advertised. Next links of the machines list lose their
//! parameters and go round for ever, `$top` suppresses them elsewhere, Graph skips through 500 rows and no further, and rows shift while one
//! reads (`skip`, `boundary`). A link is also a way to be led off: it may name any host, and the token would go with it. So links are compared
//! with an allow-list of origins and with all links before them.

mod boundary;
#[cfg(test)]
mod simulation;
mod skip;
#[cfg(test)]
mod tests;

use crate::{
    error::{Error, Kind, Result},
    json::{Object, Value},
    ops::{
        model::{Operation, Paging, Returns},
        types::ENTITIES,
    },
    request::{self, Request},
    secret,
};
use boundary::Boundary;
use skip::{Ask, Skip, Taken, hash};
use std::collections::HashSet;
use url::{Origin, Url};

/// No list has more pages than this.
const MAX_PAGES: u32 = 100_000;
/// The page of an export, where nobody wants another: the service's own default.
const EXPORT_PAGE: u64 = 50_000;

/// How a list is walked.
#[derive(Debug)]
enum Way {
    /// By its links alone.
    Links,
    /// By `$skip`; with `follow` links go first.
    Skip { walk: Box<Skip>, follow: bool },
    /// By windows of a time.
    Windows(Box<Boundary>),
}

/// The state of one walk through a list.
#[derive(Debug)]
pub struct Pager {
    op: &'static Operation,
    arguments: Object,
    base: Url,
    origins: Vec<Origin>,
    page_size: Option<u64>,
    /// The property that tells one row from another.
    key: Option<&'static str>,
    /// How many items are still wanted; `None` is all.
    left: Option<u64>,
    /// How many more items are left out.
    drop: u64,
    way: Way,
    link: Option<Url>,
    links: HashSet<u64>,
    delivered: HashSet<u64>,
    pages: u32,
    done: bool,
    /// Why the walk cannot go on behind what was delivered.
    failed: Option<Error>,
}

/// What a page holds.
struct Page {
    items: Vec<Value>,
    link: Option<Value>,
    count: Option<u64>,
}

impl Pager {
    /// Begins a walk. `origins` are those that links may lead to besides the base's own.
    pub fn new(op: &'static Operation, arguments: &Object, page_size: Option<u32>, base: &Url, origins: &[Origin]) -> Result<Pager> {
        if op.paging == Paging::None {
            return Err(Error::argument("operation", format!("{} answers one object, not pages; use call()", op.id)));
        }
        let page_max = op.paging.page_max().unwrap_or(0);
        if let Some(size) = page_size.filter(|s| *s == 0 || *s > page_max) {
            let takes = if page_max == 0 { "comes as a whole and takes no page size".to_owned() } else { format!("takes 1 to {page_max}") };
            return Err(Error::argument("page_size", format!("{size} is not allowed; {} {takes}", op.id)));
        }
        // Says at once what is wrong with the arguments, not at the first page.
        request::build(op, arguments, base)?;
        let number = |name: &str| arguments.get(name).and_then(Value::as_i64).and_then(|n| u64::try_from(n).ok());
        let (page_max, page_size, skip) = (u64::from(page_max), page_size.map(u64::from), number("skip").unwrap_or(0));
        let key = match op.returns {
            Returns::Many(ty) => ENTITIES.iter().find(|e| e.name == ty).and_then(|e| e.key),
            _ => None,
        };
        let walk = |size| Box::new(Skip::new(key.is_some(), skip, size, page_max));
        let (way, drop) = match op.paging {
            Paging::Skip { .. } if op.param("skip").is_some() => (Way::Skip { walk: walk(page_size.or(Some(page_max))), follow: false }, 0),
            Paging::NextLink { .. } if op.param("skip").is_some() => (Way::Skip { walk: walk(page_size), follow: true }, 0),
            Paging::Boundary { key, .. } => (Way::Windows(Box::new(Boundary::new(key, page_size.unwrap_or(page_max), page_max))), skip),
            _ => (Way::Links, 0),
        };
        let mut all = vec![base.origin()];
        all.extend_from_slice(origins);
        Ok(Pager {
            op,
            arguments: arguments.clone(),
            base: base.clone(),
            origins: all,
            page_size,
            key,
            left: number("top"),
            drop,
            way,
            link: None,
            links: HashSet::new(),
            delivered: HashSet::new(),
            pages: 0,
            done: false,
            failed: None,
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

    /// Whether nothing more will be asked.
    pub fn is_done(&self) -> bool {
        self.failed.is_none() && (self.done || self.left == Some(0))
    }

    /// Ends the walk: nothing more is wanted, or there is nothing.
    pub fn finish(&mut self) {
        self.done = true;
    }

    /// How many rows are wanted from the service.
    fn wanted(&self) -> Option<u64> {
        self.left.map(|left| left.saturating_add(self.drop))
    }

    /// What the next request asks for, where it is not a link.
    fn ask(&self) -> Ask {
        match &self.way {
            _ if self.link.is_some() => Ask { skip: 0, top: None },
            Way::Skip { walk, .. } => walk.ask(self.wanted()),
            Way::Windows(windows) => windows.ask(self.wanted()),
            Way::Links => {
                let page_max = self.op.paging.page_max().map(u64::from);
                let size = match (self.page_size, self.left) {
                    (Some(size), left) => Some(size.min(left.unwrap_or(size))),
                    (None, left) => left.zip(page_max).map(|(left, max)| left.min(max)),
                };
                Ask { skip: 0, top: size }
            }
        }
    }

    /// What to ask next, or `None` at the end.
    pub fn next_request(&self) -> Result<Option<Request>> {
        if self.is_done() {
            return Ok(None);
        }
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        if self.pages >= MAX_PAGES {
            return Err(Error::new(Kind::Paging, format!("{} did not end after {MAX_PAGES} pages", self.op.id)));
        }
        let mut arguments = self.arguments.clone();
        let ask = self.ask();
        let token = matches!(self.op.paging, Paging::Token { .. });
        if token {
            arguments.swap_remove("top");
        } else if self.op.paging != Paging::Whole {
            set(self.op, &mut arguments, "top", ask.top);
        }
        if !matches!(self.way, Way::Links) {
            set(self.op, &mut arguments, "skip", (ask.skip > 0).then_some(ask.skip));
        }
        if let Way::Windows(windows) = &self.way {
            let user = self.arguments.get("filter").and_then(Value::as_str);
            if let Some(filter) = windows.filter(user) {
                arguments.insert("filter".to_owned(), filter.into());
            }
            if windows.counts() && self.op.param("count").is_some() {
                arguments.insert("count".to_owned(), true.into());
            }
        }
        let mut request = request::build(self.op, &arguments, &self.base)?;
        if let Some(link) = &self.link {
            request.url = link.clone();
        } else if token {
            let size = format!("pageSize={}", ask.top.unwrap_or(EXPORT_PAGE));
            let query = request.url.query().filter(|q| !q.is_empty()).map_or_else(|| size.clone(), |q| format!("{q}&{size}"));
            request.url.set_query(Some(&query));
        }
        Ok(Some(request))
    }

    /// Takes a page in and gives those of its items that are new. None at all does not mean that the list has ended.
    pub fn accept(&mut self, page: Value) -> Result<Vec<Value>> {
        let Page { mut items, link, count } = read(self.op, page)?;
        let ask = self.ask();
        let linked = self.link.is_some();
        let key = self.key;
        let id = |item: &Value| key.and_then(|key| item.get_ignore_case(key)).filter(|v| !v.is_null()).map(|v| hash(v.to_string()));
        let follows = !matches!(self.way, Way::Skip { follow: false, .. });
        let url = if follows { self.next_link(link.as_ref())? } else { None };
        let has_link = link.as_ref().and_then(Value::as_str).is_some_and(|l| !l.is_empty());
        let op = self.op;
        let (mut next, mut windows_failed) = (None, None);
        match &mut self.way {
            Way::Links => {
                self.done = url.is_none();
                next = url;
            }
            Way::Windows(windows) if windows.counts() => {
                windows.counted(count);
                items.clear();
                self.done = windows.is_done();
            }
            way => {
                let ids: Vec<Option<u64>> = items.iter().map(id).collect();
                let print = hash((&ids, if key.is_none() { Value::Array(items.clone()).to_string() } else { String::new() }));
                let walk = match way {
                    Way::Windows(windows) => &mut windows.walk,
                    Way::Skip { walk, .. } => &mut **walk,
                    Way::Links => return Err(Error::new(Kind::Internal, "a walk by links has no place")),
                };
                let ask = if linked { walk.place() } else { ask };
                let fresh = match walk.accept(&ids, print, ask, has_link).map_err(|what| looping(op, what))? {
                    Taken::Rows(fresh) => fresh,
                    Taken::Again => vec![false; items.len()],
                };
                let (done, limit, broken) = (walk.is_done(), walk.at_limit(), walk.broken);
                match way {
                    Way::Windows(windows) => {
                        windows.note(&items, &fresh);
                        // A link that skips is our own arithmetic; another one is the service's secret.
                        next = url.filter(|url| !url.query_pairs().any(|(name, _)| name.eq_ignore_ascii_case("$skip")));
                        if done {
                            windows.finished();
                        } else if limit && next.is_none() {
                            windows_failed = windows.overflow().err();
                        }
                        self.done = windows.is_done();
                        let mut keep = fresh.iter().zip(&ids).map(|(fresh, id)| *fresh && id.is_none_or(|id| self.delivered.insert(id)));
                        items.retain(|_| keep.next().unwrap_or(true));
                    }
                    _ => {
                        self.done = done;
                        next = url;
                        let mut keep = fresh.into_iter();
                        items.retain(|_| keep.next().unwrap_or(true));
                    }
                }
                windows_failed = windows_failed.or(broken.map(str::to_owned));
            }
        }
        self.failed = windows_failed.map(|why| looping(op, &why));
        if let Some(url) = &next {
            self.links.insert(hash(url.as_str()));
        }
        self.link = next;
        self.pages += 1;
        self.cut(&mut items);
        Ok(items)
    }

    /// What the user leaves out at the start, and what goes beyond the number that is wanted.
    fn cut(&mut self, items: &mut Vec<Value>) {
        let drop = usize::try_from(self.drop).unwrap_or(usize::MAX).min(items.len());
        items.drain(..drop);
        self.drop -= drop as u64;
        if let Some(left) = &mut self.left {
            items.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= items.len() as u64;
        }
    }

    /// Whether the walk goes on by another way after the service refused the last request: it skips no further.
    pub fn refused(&mut self, error: &Error) -> bool {
        let said = error.kind() == Kind::BadRequest && error.facts().message.to_lowercase().contains("skip");
        let skipped = self.link.is_some() || self.ask().skip > 0;
        let op = self.op;
        match &mut self.way {
            Way::Windows(windows) if said && skipped && !windows.counts() => {
                self.link = None;
                self.failed = windows.overflow().err().map(|why| looping(op, &why));
                true
            }
            _ => false,
        }
    }

    /// The next link, if there is one and it may be followed.
    fn next_link(&self, link: Option<&Value>) -> Result<Option<Url>> {
        let text = match link {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(s)) if s.is_empty() => return Ok(None),
            Some(Value::String(s)) => s,
            Some(_) => return Err(bad_page(self.op, "has a next link that is no text")),
        };
        let mut url = self.base.join(text).map_err(|_| bad_page(self.op, "has a next link that is no URL"))?;
        url.set_fragment(None);
        check_origin(&url, &self.origins)?;
        if self.links.contains(&hash(url.as_str())) {
            return Err(looping(self.op, "the same next link came twice"));
        }
        Ok(Some(url))
    }
}

/// Sets or takes away an argument that the operation has.
fn set(op: &Operation, arguments: &mut Object, name: &str, number: Option<u64>) {
    arguments.swap_remove(name);
    if let Some(number) = number.and_then(|n| i64::try_from(n).ok()).filter(|_| op.param(name).is_some()) {
        arguments.insert(name.to_owned(), Value::Int(number));
    }
}

/// The rows of a page, however they are wrapped: bare, in `value`, or in a `value` inside a `value`.
fn read(op: &Operation, page: Value) -> Result<Page> {
    let mut object = match page {
        Value::Array(items) => return Ok(Page { items, link: None, count: None }),
        Value::Object(object) => object,
        _ => return Err(bad_page(op, "is no object")),
    };
    let link = object.swap_remove("@odata.nextLink");
    let count = object.get("@odata.count").and_then(Value::as_i64).and_then(|n| u64::try_from(n).ok());
    let wrapped = |item: &Value| {
        item.get("value").is_some_and(|v| v.as_array().is_some())
            && item.as_object().is_some_and(|o| o.keys().all(|k| k == "value" || k.starts_with('@')))
    };
    match object.swap_remove("value") {
        Some(Value::Array(mut items)) if items.len() == 1 && items.iter().all(wrapped) => {
            let inner = read(op, items.pop().unwrap_or_default())?;
            Ok(Page { items: inner.items, link: link.or(inner.link), count: count.or(inner.count) })
        }
        Some(Value::Array(items)) => Ok(Page { items, link, count }),
        Some(inner @ Value::Object(_)) if wrapped(&inner) => {
            let inner = read(op, inner)?;
            Ok(Page { items: inner.items, link: link.or(inner.link), count: count.or(inner.count) })
        }
        _ => Err(bad_page(op, "has no list \"value\"")),
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

fn bad_page(op: &Operation, what: &str) -> Error {
    Error::new(Kind::BadResponse, format!("{}: the page {what}", op.id))
}

fn looping(op: &Operation, what: &str) -> Error {
    Error::new(Kind::Paging, format!("{}: {what}", op.id)).hint("what was delivered before is complete up to here")
}
