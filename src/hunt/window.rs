//! When to hunt: the half-open window [since, until), to the service's ticks of 100 ns.
//!
//! Graph takes a window beside the query. The older endpoints know none, so there the window is written into the query: each table that the
//! query reads is replaced by `(Table | where Timestamp >= … and Timestamp < …)`. That keeps the meaning whatever follows (aggregates, joins,
//! takes), which a filter at the end would not. Where the tables cannot be seen from the text alone (`find`, `search`, wildcards), it says
//! so instead of guessing. Nobody knows whether the end of Graph's window belongs to it, so what must fit edge to edge is written into the query there too.

use super::{reads, schema::Schema, split::quoted};
use crate::{
    error::{Error, Result},
    kql::{Type, format_datetime},
    ops::model::Service,
};
use jiff::{Span, Timestamp};

/// Ticks of a second.
const SECOND: i64 = 10_000_000;

/// Ticks of 1970-01-01.
const EPOCH: i128 = 621_355_968_000_000_000;

/// How far back Graph is asked to look where the window has no beginning: further than any table of Defender reaches.
const FAR: &str = "P90D";

/// An end of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edge {
    ticks: i64,
    text: String,
}

impl Edge {
    fn new(ticks: i64) -> Edge {
        Edge { ticks, text: format_datetime(ticks) }
    }

    /// What lies between two ticks is after the first: the next tick is the edge.
    fn read(name: &str, text: &str) -> Result<Edge> {
        let wrong = || Error::argument(name, format!("{text:?} is no point in time with a zone, such as \"2026-11-01T00:00:00Z\""));
        let at: Timestamp = text.trim().parse().map_err(|_| wrong())?;
        let nanoseconds = at.as_nanosecond();
        let ticks = nanoseconds.div_euclid(100) + i128::from(nanoseconds.rem_euclid(100) > 0) + EPOCH;
        let ticks = i64::try_from(ticks).ok().filter(|t| *t >= 0);
        ticks.map(Edge::new).ok_or_else(|| Error::argument(name, format!("{text:?} is before the year 1")))
    }

    /// The text, so many ticks later.
    fn moved(&self, by: i64) -> String {
        format_datetime(self.ticks.saturating_add(by).max(0))
    }
}

/// A window; open ends are the service's own limits (30 days back, now).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    since: Option<Edge>,
    until: Option<Edge>,
    timespan: Option<String>,
}

/// One of `of` parts of all rows: those whose column's hash falls on `index`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    column: String,
    of: u32,
    index: u32,
}

impl Part {
    /// Checks the numbers; whether the tables have the column shows when it is written into a query.
    pub fn new(column: &str, of: u32, index: u32) -> Result<Part> {
        if column.is_empty() || of == 0 || index >= of {
            let message =
                format!("part {index} of {of} by {column:?} is none: a column, the number of parts and a number below it are asked for");
            return Err(Error::argument("part", message));
        }
        Ok(Part { column: column.to_owned(), of, index })
    }

    fn condition(&self, table: &str) -> Result<String, String> {
        let Some(ty) = Schema::bundled().column(table, &self.column) else {
            return Err(format!("{table} has no column {:?}", self.column));
        };
        let column = quoted(&self.column);
        // A text is never null, so that its hash is in one part for certain.
        let value = if ty == Type::String { column } else { format!("tostring({column})") };
        Ok(format!("hash({value}, {}) == {}", self.of, self.index))
    }
}

/// A query as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The text.
    pub query: String,
    /// What Graph is told beside it.
    pub timespan: Option<String>,
}

impl Window {
    /// Checks the three; `since` and `until` are ISO 8601 with a zone, `timespan` is an ISO 8601 duration or interval.
    pub fn new(since: Option<&str>, until: Option<&str>, timespan: Option<&str>) -> Result<Window> {
        if timespan.is_some() && (since.is_some() || until.is_some()) {
            return Err(Error::argument("timespan", "goes alone: leave since and until out, or timespan"));
        }
        let since = since.map(|text| Edge::read("since", text)).transpose()?;
        let until = until.map(|text| Edge::read("until", text)).transpose()?;
        if let (Some(a), Some(b)) = (&since, &until)
            && a.ticks >= b.ticks
        {
            return Err(Error::argument("until", format!("{:?} is not after since; the window [since, until) is empty", b.text)));
        }
        if let Some(timespan) = timespan {
            check_timespan(timespan)?;
        }
        Ok(Window { since, until, timespan: timespan.map(str::to_owned) })
    }

    /// The ends, as text.
    pub fn ends(&self) -> (Option<&str>, Option<&str>) {
        (self.since.as_ref().map(|e| e.text.as_str()), self.until.as_ref().map(|e| e.text.as_str()))
    }

    /// The ends, as ticks of 100 ns since the year 1.
    pub fn ticks(&self) -> (Option<i64>, Option<i64>) {
        (self.since.as_ref().map(|e| e.ticks), self.until.as_ref().map(|e| e.ticks))
    }

    /// The window in the words in which it was given instead of two ends.
    pub fn given_timespan(&self) -> Option<&str> {
        self.timespan.as_deref()
    }

    /// Graph's `Timespan`.
    pub fn timespan(&self) -> Option<String> {
        match (&self.timespan, self.ends()) {
            (Some(timespan), _) => Some(timespan.clone()),
            (None, (Some(since), Some(until))) => Some(format!("{since}/{until}")),
            (None, (Some(since), None)) => Some(since.to_owned()),
            (None, (None, Some(until))) => Some(format!("P30D/{until}")),
            (None, (None, None)) => None,
        }
    }

    /// The same, so wide that it cuts nothing that lies in the window; without any, Graph would look 30 days back.
    fn wide_timespan(&self) -> Option<String> {
        match (&self.since, &self.until) {
            (Some(since), Some(until)) => Some(format!("{}/{}", since.moved(-SECOND), until.moved(SECOND))),
            (Some(since), None) => Some(since.moved(-SECOND)),
            (None, Some(until)) => Some(format!("{FAR}/{}", until.moved(SECOND))),
            (None, None) => None,
        }
    }

    fn condition(&self) -> Option<String> {
        match self.ends() {
            (None, None) => None,
            (Some(a), None) => Some(format!("Timestamp >= datetime({a})")),
            (None, Some(b)) => Some(format!("Timestamp < datetime({b})")),
            (Some(a), Some(b)) => Some(format!("Timestamp >= datetime({a}) and Timestamp < datetime({b})")),
        }
    }

    /// The query as it goes to a service: with the window written into it where the service takes none or where it must be `exact`, and with
    /// the part that is asked for.
    pub fn write(&self, query: &str, service: Service, exact: bool, part: Option<&Part>) -> Result<Written> {
        let graph = service == Service::Graph;
        if self.timespan.is_some() && (!graph || exact) {
            let message = if graph {
                "is no exact window; use since and until".to_owned()
            } else {
                format!("the {} endpoint takes no timespan; use since and until, or api=\"graph\"", service.name())
            };
            return Err(Error::argument("timespan", message));
        }
        let baked = !graph || exact;
        let condition = if baked { self.condition() } else { None };
        let timespan = match (graph, baked) {
            (false, _) => None,
            (true, false) => self.timespan(),
            (true, true) => self.wide_timespan(),
        };
        if condition.is_none() && part.is_none() {
            return Ok(Written { query: query.to_owned(), timespan });
        }
        let query = bake(query, condition.as_deref(), part).map_err(|why| match (&condition, part, exact && graph) {
            (None, ..) => Error::argument("part", format!("cannot be applied: {why}")),
            (_, Some(_), _) => Error::argument("part", format!("the parts and the window cannot be applied: {why}")),
            (_, _, true) => Error::argument("exact", format!("the window cannot be written into the query: {why}")),
            _ => {
                let message = format!("cannot be applied on the {} endpoint: {why}", service.name());
                Error::argument(if self.since.is_some() { "since" } else { "until" }, message)
                    .hint("put the time filter into the query, or use api=\"graph\"")
            }
        })?;
        Ok(Written { query, timespan })
    }
}

fn check_timespan(text: &str) -> Result<()> {
    let is_span = |t: &str| t.starts_with('P') && t.parse::<Span>().is_ok();
    let is_time = |t: &str| t.parse::<Timestamp>().is_ok();
    let fine = match text.split_once('/') {
        None => is_span(text) || is_time(text),
        Some((a, b)) => {
            (is_span(a) && is_time(b))
                || (is_time(a) && is_span(b))
                || (is_time(a) && is_time(b) && a.parse::<Timestamp>().ok() < b.parse::<Timestamp>().ok())
        }
    };
    if fine {
        return Ok(());
    }
    Err(Error::argument(
        "timespan",
        format!("{text:?} is no ISO 8601 duration or interval, such as \"P7D\", \"start/end\", \"P7D/end\" or \"start/P7D\""),
    ))
}

/// Writes the conditions into every table.
fn bake(query: &str, window: Option<&str>, part: Option<&Part>) -> Result<String, String> {
    let scan = reads::scan(query).map_err(|e| e.to_string())?;
    if let Some(trouble) = scan.troubles.iter().find(|t| t.hides) {
        return Err(trouble.why.clone());
    }
    let mut out = String::new();
    let mut copied = 0;
    for source in &scan.sources {
        let window = window.filter(|_| source.timed).map(str::to_owned);
        let part = part.map(|p| p.condition(source.name)).transpose()?;
        let conditions: Vec<String> = window.into_iter().chain(part).collect();
        if conditions.is_empty() {
            continue;
        }
        let table = query.get(source.start..source.end).unwrap_or(source.name);
        out.push_str(query.get(copied..source.start).unwrap_or_default());
        out.push_str(&format!("({table} | where {})", conditions.join(" and ")));
        copied = source.end;
    }
    if copied == 0 {
        return Err("the query reads no table with a Timestamp".to_owned());
    }
    out.push_str(query.get(copied..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: &str = "(DeviceEvents | where T)";

    #[test]
    fn every_source_gets_the_window_and_nothing_else_does() {
        for (query, expected) in [
            ("DeviceEvents | take 1", format!("{T} | take 1")),
            ("DeviceEvents", T.to_owned()),
            ("// DeviceEvents\nDeviceEvents | where A == \"DeviceEvents\"", format!("// DeviceEvents\n{T} | where A == \"DeviceEvents\"")),
            (
                "let x = DeviceEvents | take 1; x | join kind=inner (DeviceEvents) on A",
                format!("let x = {T} | take 1; x | join kind=inner ({T}) on A"),
            ),
            ("DeviceEvents | join kind=leftanti DeviceEvents on A", format!("{T} | join kind=leftanti {T} on A")),
            ("union DeviceEvents, DeviceEvents | count", format!("union {T}, {T} | count")),
            (
                "DeviceEvents | where A in (DeviceEvents) and B in ((DeviceEvents | project B)) and c(toscalar(DeviceEvents | project A, B))",
                format!("{T} | where A in ({T}) and B in (({T} | project B)) and c(toscalar({T} | project A, B))"),
            ),
            (
                "['DeviceEvents'] | lookup kind=inner hint.strategy=x DeviceEvents on A",
                "(['DeviceEvents'] | where T) | lookup kind=inner hint.strategy=x {T} on A".replace("{T}", T),
            ),
            (
                "DeviceEvents | where A in (dynamic(['DeviceEvents'])) | invoke FileProfile(SHA1)",
                format!("{T} | where A in (dynamic(['DeviceEvents'])) | invoke FileProfile(SHA1)"),
            ),
            ("union isfuzzy=true DeviceEvents, (DeviceEvents | take 1)", format!("union isfuzzy=true {T}, ({T} | take 1)")),
            ("let f = (n:int) { DeviceEvents | take n }; f(3)", format!("let f = (n:int) {{ {T} | take n }}; f(3)")),
            (
                "DeviceEvents | extend DeviceEvents = 1 | project DeviceEvents, B",
                format!("{T} | extend DeviceEvents = 1 | project DeviceEvents, B"),
            ),
            (
                "DeviceEvents | where P has @\"c:\\\" and Q has 'a\\'DeviceEvents'",
                format!("{T} | where P has @\"c:\\\" and Q has 'a\\'DeviceEvents'"),
            ),
        ] {
            assert_eq!(bake(query, Some("T"), None).unwrap(), expected);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_rather_than_guessed() {
        for query in [
            "search \"x\"",
            "find in (DeviceEvents) where A == 1",
            "union Device* | count",
            "table(\"DeviceEvents\")",
            "union withsource=S DeviceEvents",
            "print 1",
            "DeviceTvmSoftwareInventory",
            "union DeviceEvents, Custom_CL",
            "DeviceEvents | where DeviceId in ((Custom_CL | project X))",
            "DeviceEvents | invoke Unknown()",
            "DeviceEvents | where (",
        ] {
            assert!(bake(query, Some("T"), None).is_err(), "{query}");
        }
    }

    #[test]
    fn windows_are_checked() {
        let w = |a, b, t| Window::new(a, b, t);
        let (a, b) = (Some("2026-11-01T00:00:00Z"), Some("2026-11-02T00:00:00.1234567Z"));
        assert_eq!(w(a, b, None).unwrap().timespan().unwrap(), "2026-11-01T00:00:00Z/2026-11-02T00:00:00.1234567Z");
        assert_eq!(w(None, b, None).unwrap().timespan().unwrap(), "P30D/2026-11-02T00:00:00.1234567Z");
        assert!(w(b, a, None).is_err() && w(a, a, None).is_err() && w(a, None, Some("P7D")).is_err());
        assert!(w(Some("2026-11-01"), None, None).is_err() && w(Some("2026-11-01T00:00:00"), None, None).is_err());
        for good in [
            "P7D",
            "PT12H",
            "P30D/2026-11-02T00:00:00Z",
            "2026-11-02T00:00:00Z/P1D",
            "2026-11-02T00:00:00Z",
            "2026-11-01T00:00:00Z/2026-11-02T00:00:00Z",
        ] {
            assert!(w(None, None, Some(good)).is_ok(), "{good}");
        }
        for bad in ["", "7d", "P", "P7D/P7D", "2026-11-02T00:00:00Z/2026-11-01T00:00:00Z", "x/y"] {
            assert!(w(None, None, Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn ends_are_ticks_and_an_end_between_two_is_the_next() {
        let window = Window::new(Some("2026-11-01T02:00:00.00000001+02:00"), Some("2026-11-01T00:00:00.00000011Z"), None).unwrap();
        assert_eq!(window.ends(), (Some("2026-11-01T00:00:00.0000001Z"), Some("2026-11-01T00:00:00.0000002Z")));
        let (a, b) = window.ticks();
        assert_eq!(b.unwrap() - a.unwrap(), 1);
        assert_eq!(format_datetime(a.unwrap()), "2026-11-01T00:00:00.0000001Z");
        assert!(Window::new(Some("2026-11-01T00:00:00.00000001Z"), Some("2026-11-01T00:00:00.00000009Z"), None).is_err());
        assert!(Window::new(Some("-000001-11-01T00:00:00Z"), None, None).is_err());
    }

    #[test]
    fn an_exact_window_is_in_the_text_and_graphs_own_is_wider() {
        let (a, b) = (Some("2026-11-01T00:00:00Z"), Some("2026-11-02T00:00:00Z"));
        let write = |a, b| Window::new(a, b, None).unwrap().write("DeviceEvents | take 1", Service::Graph, true, None).unwrap();
        let written = write(a, b);
        let both = "Timestamp >= datetime(2026-11-01T00:00:00Z) and Timestamp < datetime(2026-11-02T00:00:00Z)";
        assert_eq!(written.query, format!("(DeviceEvents | where {both}) | take 1"));
        assert_eq!(written.timespan.unwrap(), "2026-10-31T23:59:59Z/2026-11-02T00:00:01Z");
        assert_eq!(write(a, None).timespan.unwrap(), "2026-10-31T23:59:59Z");
        assert_eq!(write(None, b).timespan.unwrap(), "P90D/2026-11-02T00:00:01Z");
        assert_eq!(write(None, None), Written { query: "DeviceEvents | take 1".into(), timespan: None });
        let loose = Window::new(a, b, None).unwrap().write("DeviceEvents | take 1", Service::Graph, false, None).unwrap();
        assert_eq!(
            loose,
            Written { query: "DeviceEvents | take 1".into(), timespan: Some("2026-11-01T00:00:00Z/2026-11-02T00:00:00Z".into()) }
        );
        let old = Window::new(a, b, None).unwrap().write("DeviceEvents", Service::Endpoint, true, None).unwrap();
        assert_eq!(old, Written { query: format!("(DeviceEvents | where {both})"), timespan: None });
    }

    #[test]
    fn what_cannot_be_written_names_its_argument() {
        let window = Window::new(Some("2026-11-01T00:00:00Z"), None, None).unwrap();
        let refused = |window: &Window, query, service, exact, part| window.write(query, service, exact, part).unwrap_err().to_string();
        assert!(refused(&window, "search 'x'", Service::Graph, true, None).starts_with("exact: "));
        assert!(refused(&window, "search 'x'", Service::Xdr, true, None).starts_with("since: "));
        let week = Window::new(None, None, Some("P7D")).unwrap();
        assert!(refused(&week, "DeviceEvents", Service::Graph, true, None).starts_with("timespan: "));
        assert!(refused(&week, "DeviceEvents", Service::Xdr, false, None).starts_with("timespan: "));
        let part = Part::new("DeviceId", 4, 3).unwrap();
        let error = refused(&Window::default(), "union DeviceEvents, EmailEvents", Service::Graph, false, Some(&part));
        assert!(error.starts_with("part: ") && error.contains("EmailEvents has no column \"DeviceId\""), "{error}");
        assert!(Part::new("DeviceId", 4, 4).is_err() && Part::new("", 4, 1).is_err() && Part::new("DeviceId", 0, 0).is_err());
    }

    #[test]
    fn a_part_is_written_into_every_table_and_needs_no_window() {
        let part = Part::new("DeviceId", 4, 3).unwrap();
        let write = |window: Window, query, part| window.write(query, Service::Graph, false, Some(part)).unwrap();
        let written = write(Window::new(None, None, Some("P7D")).unwrap(), "union DeviceEvents, DeviceTvmSoftwareInventory", &part);
        let condition = "where hash(DeviceId, 4) == 3";
        assert_eq!(written.query, format!("union (DeviceEvents | {condition}), (DeviceTvmSoftwareInventory | {condition})"));
        assert_eq!(written.timespan.as_deref(), Some("P7D"));
        let number = Part::new("InitiatingProcessId", 2, 0).unwrap();
        assert_eq!(
            write(Window::default(), "DeviceEvents", &number).query,
            "(DeviceEvents | where hash(tostring(InitiatingProcessId), 2) == 0)"
        );
        let window = Window::new(Some("2026-11-01T00:00:00Z"), None, None).unwrap();
        let both = window.write("DeviceEvents", Service::Xdr, false, Some(&part)).unwrap().query;
        assert_eq!(both, "(DeviceEvents | where Timestamp >= datetime(2026-11-01T00:00:00Z) and hash(DeviceId, 4) == 3)");
    }
}
