//! Which part of the sandbox a request is for, and patterns over operations.

use crate::ops;
use crate::ops::model::{Operation, Service};

use super::wire::Request;
use super::{entra, managed, storage};

/// A part of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// One of the services.
    Service(Service),
    /// The token service, and the agents of managed identities.
    SignIn,
    /// The storage behind the links to files.
    Storage,
}

impl Part {
    /// Every part.
    pub const ALL: [Part; 5] =
        [Part::Service(Service::Endpoint), Part::Service(Service::Xdr), Part::Service(Service::Graph), Part::SignIn, Part::Storage];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Service(service) => service.name(),
            Part::SignIn => "sign-in",
            Part::Storage => "storage",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }

    /// The part that a request is for; none: the sandbox has nothing there.
    pub(super) fn of(request: &Request, op: Option<&Operation>) -> Option<Part> {
        if let Some(op) = op {
            Some(Part::Service(op.service))
        } else if request.path.starts_with(storage::ROOT) {
            Some(Part::Storage)
        } else if managed::serves(&request.path) || entra::serves(&request.path) {
            Some(Part::SignIn)
        } else {
            None
        }
    }
}

/// Whether a pattern, in which `*` is any text, fits a name.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = rest.get(at + part.len()..).unwrap_or_default();
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// Whether a pattern fits any operation; else what it may have meant.
pub fn known(pattern: &str) -> Result<(), String> {
    if ops::all().any(|op| fits(pattern, op.id)) {
        return Ok(());
    }
    let resource = |id: &'static str| id.rsplit_once('.').map_or(id, |(resource, _)| resource);
    let (wanted, end) = match pattern.split_once('*') {
        Some((before, after)) => (before.trim_end_matches('.'), format!(".*{}", after.trim_start_matches('*'))),
        None => (pattern, String::new()),
    };
    let names = ops::all().map(|op| if end.is_empty() { op.id } else { resource(op.id) });
    let guess = nearest(wanted, names).map(|name| format!(" Did you mean \"{name}{end}\"?")).unwrap_or_default();
    Err(format!("no operation is called \"{pattern}\".{guess}"))
}

/// The name that is nearest to a mistyped one, if any is near.
pub(super) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.into_iter().map(|name| (strsim::jaro_winkler(&wrong.to_lowercase(), name), name));
    scored.filter(|(score, _)| *score > 0.85).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, name)| name)
}

/// ` Did you mean "…"?`, if any name is near.
pub(super) fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map(|name| format!(" Did you mean {name:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        for (pattern, name, expected) in [
            ("machines.list", "machines.list", true),
            ("machines.list", "machines.listed", false),
            ("machines.*", "machines.list", true),
            ("machines.*", "machine_actions.list", false),
            ("*.list", "graph.alerts.list", true),
            ("*.list", "graph.alerts.lists", false),
            ("*hunting*", "graph.hunting.run", true),
            ("*hunting*", "hunting.run_xdr", true),
            ("graph.*.list", "graph.alerts.list", true),
            ("graph.*.list", "graph.list", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_fits_nothing_is_told_with_what_was_meant() {
        assert!(known("machines.*").is_ok() && known("*").is_ok());
        assert_eq!(known("machine.*").unwrap_err(), "no operation is called \"machine.*\". Did you mean \"machines.*\"?");
        assert_eq!(known("machines.isolat").unwrap_err(), "no operation is called \"machines.isolat\". Did you mean \"machines.isolate\"?");
        assert_eq!(known("zzz").unwrap_err(), "no operation is called \"zzz\".");
    }
}
