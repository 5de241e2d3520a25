//! What the service answers when it is asked for an export: links to parts, and of when they are. Pure.

use crate::{
    error::{Error, Kind, Result},
    json::Value,
    pipeline::storage::check_link,
    secret::shown,
};
use std::collections::HashSet;
use url::Url;

/// One file of the export.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Link {
    /// Its address without the signature: what tells parts apart when links are renewed.
    pub(super) part: String,
    /// The link itself.
    pub(super) url: Url,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listing {
    /// When the snapshot was made, as the service says it.
    pub(super) generated: String,
    /// Its parts.
    pub(super) links: Vec<Link>,
}

impl Listing {
    /// Reads an answer. A part that is listed twice is one part.
    pub(super) fn read(answer: &Value) -> Result<Listing> {
        let wrong = |what: &str| Error::new(Kind::BadResponse, format!("the answer {what}"));
        let files = answer.get_ignore_case("exportFiles").and_then(Value::as_array).ok_or_else(|| wrong("has no list exportFiles"))?;
        let generated = answer.get_ignore_case("generatedTime").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut seen = HashSet::new();
        let mut links = Vec::new();
        for file in files {
            let link = file.as_str().ok_or_else(|| wrong("has a file that is no link"))?;
            let url = check_link(link.trim_matches('"'), "exportFiles").map_err(|e| e.with(|f| f.kind = Kind::UnsafeUrl))?;
            let part = shown(&url);
            if seen.insert(part.clone()) {
                links.push(Link { part, url });
            }
        }
        Ok(Listing { generated, links })
    }

    /// Whether both are the same snapshot: made at the same time, of the same parts.
    pub(super) fn is_snapshot<'a>(&self, generated: &str, parts: impl IntoIterator<Item = &'a str>) -> bool {
        let theirs: HashSet<&str> = parts.into_iter().collect();
        let ours: HashSet<&str> = self.links.iter().map(|l| l.part.as_str()).collect();
        self.generated == generated && ours == theirs
    }
}

/// When a link ends, in seconds since 1970, if it says so.
pub(super) fn ends(url: &Url) -> Option<i64> {
    let (_, moment) = url.query_pairs().find(|(name, _)| name == "se")?;
    moment.parse::<jiff::Timestamp>().ok().map(|t| t.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn read(text: &str) -> Result<Listing> {
        Listing::read(&parse(text.as_bytes()).unwrap_or_default())
    }

    #[test]
    fn parts_are_told_apart_without_their_signatures() {
        let a = read(r#"{"exportFiles":["https://s/a?sig=1&se=2026-11-21T12%3A00%3A00Z","https://s/b?sig=1","https://s/a?sig=1"],"generatedTime":"t"}"#).unwrap();
        let b = read(r#"{"exportFiles":["https://s/b?sig=2","https://s/a?sig=2"],"generatedTime":"t"}"#).unwrap();
        assert_eq!(a.links.len(), 2);
        assert!(a.is_snapshot(&b.generated, b.links.iter().map(|l| l.part.as_str())));
        assert!(!a.is_snapshot("later", b.links.iter().map(|l| l.part.as_str())));
        assert!(!a.is_snapshot("t", ["https://s/a"]));
        assert_eq!(ends(&a.links[0].url), Some(1_795_262_400));
        assert_eq!(ends(&a.links[1].url), None);
    }

    #[test]
    fn a_link_that_no_service_would_give_is_refused() {
        for bad in [r#"{"exportFiles":["http://s/a?sig=secret"]}"#, r#"{"exportFiles":["file:///a?sig=secret"]}"#] {
            let error = read(bad).unwrap_err();
            assert_eq!(error.kind(), Kind::UnsafeUrl);
            assert!(!error.to_string().contains("secret"));
        }
        assert_eq!(read(r#"{"value":[]}"#).unwrap_err().kind(), Kind::BadResponse);
        assert_eq!(read(r#"{"exportFiles":[1]}"#).unwrap_err().kind(), Kind::BadResponse);
    }
}
