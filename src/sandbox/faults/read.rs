//! Faults as JSON, from the control paths and from Python: read strictly, since a fault that means nothing hides a test that proves nothing.

use std::time::Duration;

use crate::json::{self, Value};

use super::super::clock;
use super::super::part::{Part, did_you_mean, known};
use super::{Fault, FaultKind, RetryForm, presets};

/// Longer delays are a mistake.
const DELAY_MAX: Duration = Duration::from_secs(600);

/// What is wrong with a description, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The member.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

pub(super) fn wrong(name: &str, message: impl Into<String>) -> Wrong {
    Wrong { name: name.to_owned(), message: message.into() }
}

/// Reads one fault, or a list of them.
pub(in crate::sandbox) fn parse(body: &[u8]) -> Result<Vec<Fault>, Wrong> {
    match json::parse(body).map_err(|e| wrong("faults", e.to_string()))? {
        Value::Array(items) => items.iter().map(Fault::from_json).collect(),
        item => Fault::from_json(&item).map(|f| vec![f]),
    }
}

const MEMBERS: [&str; 22] = [
    "preset",
    "match",
    "operation",
    "path",
    "service",
    "method",
    "status",
    "headers",
    "body",
    "message",
    "code",
    "aadsts",
    "missing_role",
    "retry_after",
    "retry_after_form",
    "times",
    "after",
    "every",
    "probability",
    "delay",
    "kind",
    "name",
];

impl Fault {
    /// From the members that `POST /_sandbox/faults` takes; null is as good as nothing.
    pub fn from_json(value: &Value) -> Result<Fault, Wrong> {
        let members = value.as_object().ok_or_else(|| wrong("faults", "a fault is a JSON object"))?;
        let mut fault = match members.get("preset").filter(|p| !p.is_null()) {
            Some(name) => presets::preset(&text("preset", name)?)?,
            None => Fault::default(),
        };
        if fault.kind != FaultKind::LinkExpired && fault.aadsts.is_none() && fault.operation.is_none() && members.contains_key("preset") {
            // What services say is not what the token service says.
            fault.operation = Some("*".to_owned());
        }
        let said = |name: &str| members.get(name).is_some_and(|v| !v.is_null());
        for (name, value) in members.iter().filter(|(name, value)| !value.is_null() && *name != "preset") {
            fault.set(name, value)?;
        }
        let answers = ["status", "headers", "body", "message", "code", "aadsts", "missing_role", "retry_after"];
        if said("delay") && !["kind", "preset"].into_iter().chain(answers).any(said) {
            fault.kind = FaultKind::Delay;
        }
        if fault.kind == FaultKind::Delay && fault.delay.is_none() {
            return Err(wrong("delay", "must be given with kind=\"delay\", such as \"200ms\""));
        }
        if fault.kind != FaultKind::Answer
            && let Some(name) = answers.into_iter().find(|name| said(name))
        {
            return Err(wrong(name, format!("has no meaning with kind=\"{}\", which answers for itself", fault.kind.name())));
        }
        if let (FaultKind::LinkExpired, Some(part)) = (fault.kind, fault.part.filter(|p| *p != Part::Storage)) {
            return Err(wrong("service", format!("must be \"storage\" with kind=\"link-expired\", not \"{}\"", part.name())));
        }
        if matches!(fault.part, Some(Part::SignIn | Part::Storage)) && fault.operation.as_deref() == Some("*") {
            fault.operation = None;
        }
        if fault.aadsts.is_some() && fault.operation.is_some() {
            return Err(wrong("match", "does not go with aadsts: only sign-in requests are answered so"));
        }
        Ok(fault)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), Wrong> {
        match name {
            "match" | "operation" => {
                let pattern = text(name, value)?;
                known(&pattern).map_err(|message| wrong(name, message))?;
                self.operation = Some(pattern);
            }
            "path" => {
                self.path = Some(text(name, value)?).filter(|p| p.starts_with('/')).ok_or_else(|| wrong(name, "must begin with /"))?.into()
            }
            "service" => self.part = Some(one_of(name, value, &Part::ALL.map(|p| (p, p.name())))?),
            "method" => {
                let methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"].map(|m| (m, m));
                self.method = Some(one_of(name, &text(name, value)?.to_uppercase().into(), &methods)?.to_owned());
            }
            "kind" => self.kind = one_of(name, value, &FaultKind::ALL)?,
            "status" => self.status = whole(name, value, 200, 599)?.try_into().unwrap_or(500),
            "times" => self.times = Some(count(name, value)?),
            "after" => self.after = count(name, value)?,
            "every" => self.every = whole(name, value, 1, i64::from(u32::MAX))?.try_into().unwrap_or(1),
            "probability" => {
                let share = value.as_f64().filter(|p| (0.0..=1.0).contains(p));
                self.probability = Some(share.ok_or_else(|| wrong(name, format!("{value} is not allowed; it is a number from 0 to 1")))?);
            }
            "retry_after" => {
                let seconds = value.as_f64().filter(|s| *s >= 0.0 && *s < 1e12);
                self.retry_after = Some(seconds.ok_or_else(|| wrong(name, format!("{value} is not allowed; it is a number of seconds")))?);
            }
            "retry_after_form" => {
                let forms = [RetryForm::Seconds, RetryForm::Date, RetryForm::Milliseconds].map(|f| (f, f.name()));
                self.retry_form = one_of(name, value, &forms)?;
            }
            "delay" => self.delay = Some(delay(value)?),
            "message" => self.message = Some(text(name, value)?),
            "code" => self.code = Some(text(name, value)?),
            "aadsts" => {
                let number = u32::try_from(whole(name, value, 1, 99_999_999)?).unwrap_or_default();
                presets::aadsts(number)?;
                self.aadsts = Some(number);
            }
            "missing_role" => self.missing_role = value.as_bool().ok_or_else(|| wrong(name, "must be true or false"))?,
            "body" => self.body = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            "headers" => {
                for (header, value) in value.as_object().ok_or_else(|| wrong(name, "must be an object of texts"))? {
                    let value = value.as_str().ok_or_else(|| wrong(name, format!("{header} must be text")))?;
                    if http::HeaderName::try_from(header.as_str()).is_err() || http::HeaderValue::try_from(value).is_err() {
                        return Err(wrong(name, format!("{header:?} is no header that can be sent")));
                    }
                    self.headers.push((header.clone(), value.to_owned()));
                }
            }
            _ => return Err(wrong(name, format!("a fault has no such member.{}", did_you_mean(name, MEMBERS)))),
        }
        Ok(())
    }
}

fn text(name: &str, value: &Value) -> Result<String, Wrong> {
    value.as_str().filter(|t| !t.is_empty()).map(str::to_owned).ok_or_else(|| wrong(name, format!("{value} is not allowed; it is text")))
}

fn whole(name: &str, value: &Value, least: i64, most: i64) -> Result<i64, Wrong> {
    let number = value.as_i64().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| wrong(name, format!("{value} is not allowed; it is a whole number from {least} to {most}")))
}

fn count(name: &str, value: &Value) -> Result<u32, Wrong> {
    whole(name, value, 0, i64::from(u32::MAX)).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn one_of<T: Copy>(name: &str, value: &Value, all: &[(T, &str)]) -> Result<T, Wrong> {
    let given = text(name, value)?;
    let found = all.iter().find(|(_, n)| *n == given);
    found.map(|(item, _)| *item).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|(_, n)| *n).collect();
        let guess = did_you_mean(&given, names.iter().copied());
        wrong(name, format!("{given:?} is not allowed; it is one of {}.{guess}", names.join(", ")))
    })
}

/// `"200ms"`, seconds, or a pair of those: from and to.
fn delay(value: &Value) -> Result<(Duration, Duration), Wrong> {
    let refused = || {
        wrong(
            "delay",
            format!(
                "{value} is not allowed; it is a time such as \"200ms\" or 0.2, or two of them: the least and the most; at most 10 minutes"
            ),
        )
    };
    let one = |value: &Value| -> Result<Duration, Wrong> {
        let ticks = clock::span_of(value).and_then(|t| u64::try_from(t).ok()).ok_or_else(refused)?;
        Some(Duration::from_nanos(ticks.saturating_mul(100))).filter(|d| *d <= DELAY_MAX).ok_or_else(refused)
    };
    match value.as_array() {
        None => one(value).map(|d| (d, d)),
        Some([least, most]) => Ok((one(least)?, one(most)?)).and_then(|(a, b)| if a <= b { Ok((a, b)) } else { Err(refused()) }),
        Some(_) => Err(refused()),
    }
}
