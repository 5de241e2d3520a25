//! Trouble on demand.
//!
//! A retry that was never seen to retry is a guess. Here a test says what goes wrong, where and how often: an answer of its own, a
//! connection that closes, an answer that never comes or that stops half way.

use crate::json::{self, Value, object};

/// What a [`Fault`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultKind {
    /// Answers with the fault's status, headers and body; nothing is done.
    #[default]
    Answer,
    /// Reads the request, then closes the connection without an answer; nothing is done.
    Reset,
    /// Reads the request and never answers; nothing is done.
    Stall,
    /// Does what was asked, promises the whole answer and closes the connection half way through it.
    Truncate,
}

impl FaultKind {
    /// `answer`, `reset`, `stall` or `truncate`.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Answer => "answer",
            FaultKind::Reset => "reset",
            FaultKind::Stall => "stall",
            FaultKind::Truncate => "truncate",
        }
    }

    /// From its name.
    pub fn parse(name: &str) -> Option<FaultKind> {
        [FaultKind::Answer, FaultKind::Reset, FaultKind::Stall, FaultKind::Truncate].into_iter().find(|k| k.name() == name)
    }
}

/// Trouble for some requests. The first fault that fits a request is used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fault {
    /// Only for this operation (an id such as `machines.isolate`).
    pub operation: Option<String>,
    /// Only for paths that begin so, whatever their case.
    pub path: Option<String>,
    /// The status of an answer; 0 is 500.
    pub status: u16,
    /// The headers of an answer.
    pub headers: Vec<(String, String)>,
    /// The body of an answer; without one, the service's own words for that status.
    pub body: Option<String>,
    /// How often; without: until a reset.
    pub times: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    fn fits(&self, operation: Option<&str>, path: &str) -> bool {
        let prefix = |p: &String| path.get(..p.len()).is_some_and(|start| start.eq_ignore_ascii_case(p));
        self.times != Some(0) && self.operation.as_deref().is_none_or(|o| Some(o) == operation) && self.path.as_ref().is_none_or(prefix)
    }

    /// The fault as JSON, as `GET /_sandbox/faults` lists it.
    pub(super) fn to_json(&self) -> Value {
        object([
            ("operation", self.operation.clone().into()),
            ("path", self.path.clone().into()),
            ("kind", self.kind.name().into()),
            ("status", i64::from(self.status).into()),
            ("headers", Value::Object(self.headers.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect())),
            ("body", self.body.clone().into()),
            ("times", self.times.map(i64::from).into()),
        ])
    }
}

/// The fault for a request, which is then used up by one.
pub(super) fn take(faults: &mut [Fault], operation: Option<&str>, path: &str) -> Option<Fault> {
    let fault = faults.iter_mut().find(|f| f.fits(operation, path))?;
    fault.times = fault.times.map(|n| n - 1);
    Some(fault.clone())
}

/// Reads one fault, or a list of them.
pub(super) fn parse(body: &[u8]) -> Result<Vec<Fault>, String> {
    match json::parse(body).map_err(|e| e.to_string())? {
        Value::Array(items) => items.iter().map(one).collect(),
        item => one(&item).map(|f| vec![f]),
    }
}

fn one(value: &Value) -> Result<Fault, String> {
    let members = value.as_object().ok_or("a fault is an object")?;
    let mut fault = Fault::default();
    for (name, value) in members {
        let wrong = || format!("'{name}' is not understood");
        let text = || value.as_str().map(str::to_owned).ok_or_else(wrong);
        match name.as_str() {
            _ if value.is_null() => {}
            "operation" => fault.operation = Some(text()?),
            "path" => fault.path = Some(text()?),
            "kind" => fault.kind = FaultKind::parse(&text()?).ok_or_else(wrong)?,
            "status" => {
                fault.status = value.as_i64().and_then(|n| u16::try_from(n).ok()).filter(|n| (200..600).contains(n)).ok_or_else(wrong)?
            }
            "times" => fault.times = Some(value.as_i64().and_then(|n| u32::try_from(n).ok()).ok_or_else(wrong)?),
            "retry_after" => fault.headers.push(("Retry-After".into(), value.as_i64().filter(|n| *n >= 0).ok_or_else(wrong)?.to_string())),
            "body" => fault.body = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            "headers" => {
                for (name, value) in value.as_object().ok_or_else(wrong)? {
                    fault.headers.push((name.clone(), value.as_str().ok_or_else(wrong)?.to_owned()));
                }
            }
            _ => return Err(format!("a fault has no '{name}'")),
        }
    }
    Ok(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_matched_and_used_up() {
        let mut faults = parse(
            br#"[{"operation":"machines.list","status":429,"retry_after":2,"times":2,"body":{"a":1}},{"path":"/v1.0/","kind":"stall"}]"#,
        )
        .unwrap();
        assert!(take(&mut faults, Some("machines.get"), "/api/machines/x").is_none());
        let hit = take(&mut faults, Some("machines.list"), "/api/machines").unwrap();
        assert_eq!((hit.status, hit.headers[0].1.as_str(), hit.body.as_deref()), (429, "2", Some(r#"{"a":1}"#)));
        assert!(take(&mut faults, Some("machines.list"), "/api/machines").is_some());
        assert!(take(&mut faults, Some("machines.list"), "/api/machines").is_none());
        for _ in 0..3 {
            assert_eq!(take(&mut faults, None, "/V1.0/security").unwrap().kind, FaultKind::Stall);
        }
        assert!(take(&mut faults, None, "/v1").is_none());
        for bad in ["", "1", r#"{"kind":"x"}"#, r#"{"statu":1}"#, r#"{"status":9}"#, r#"{"times":-1}"#, r#"{"headers":[]}"#] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
