//! What the engine has and what it refuses by name, from its own tables: what is written about it elsewhere is made or checked with this.

use super::functions::{self, P, Ret, Spec};
use super::{bind, parser};
use std::fmt::Write;

/// A part of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `operator`, `function`, `aggregate` or `plugin`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it takes and answers, such as `substring(string, long, [long]): string`; empty where that is not known.
    pub signature: String,
    /// Whether the engine has it; what it knows and has not, it refuses by name.
    pub supported: bool,
}

/// Plugins of `evaluate`.
pub(super) const PLUGINS: [&str; 4] = ["bag_unpack", "ipv4_lookup", "narrow", "pivot"];

/// Operators that are read and then refused.
const READ_ONLY: [&str; 1] = ["consume"];

/// Functions that `invoke` calls.
pub(super) const INVOKED: [&str; 3] = ["DeviceFromIP", "FileProfile", "SeenBy"];

/// Every part, by kind and name.
pub fn coverage() -> Vec<Part> {
    let part = |kind, supported| move |name: &'static str| Part { kind, name, signature: String::new(), supported };
    let signed = |name: &'static str| Part { signature: signature(name).unwrap_or_default(), ..part("function", true)(name) };
    let mut parts: Vec<Part> = parser::OPERATORS.into_iter().filter(|n| !READ_ONLY.contains(n)).map(part("operator", true)).collect();
    parts.extend(parser::REFUSED_OPERATORS.into_iter().chain(READ_ONLY).map(part("operator", false)));
    parts.extend(functions::names().chain(bind::SPECIAL.iter().copied()).chain(INVOKED).map(signed));
    parts.extend(bind::aggregates().map(part("aggregate", true)));
    parts.extend(bind::refused_aggregates().map(part("aggregate", false)));
    parts.extend(PLUGINS.into_iter().map(part("plugin", true)));
    let known: std::collections::HashSet<&str> = parts.iter().map(|p| p.name).collect();
    let refused: Vec<Part> = functions::refused().filter(|n| !known.contains(n)).map(part("function", false)).collect();
    parts.extend(refused);
    parts.sort_by(|a, b| (a.kind, a.name).cmp(&(b.kind, b.name)));
    parts.dedup_by(|a, b| (a.kind, a.name) == (b.kind, b.name));
    parts
}

/// What a function takes and answers.
pub(super) fn signature(name: &str) -> Option<String> {
    if let Some((_, rest)) = FORMS.iter().find(|(n, _)| *n == name) {
        return Some(format!("{name}{rest}"));
    }
    functions::find(name).map(of)
}

fn of(spec: &Spec) -> String {
    let mut text = format!("{}(", spec.name);
    let least = spec.params.len() - spec.optional;
    for (at, param) in spec.params.iter().enumerate() {
        let separator = if at > 0 { ", " } else { "" };
        let _ = if at < least { write!(text, "{separator}{}", short(*param)) } else { write!(text, "{separator}[{}]", short(*param)) };
    }
    if spec.repeat > 0 {
        text.push_str(", ...");
    }
    let answer = match spec.ret {
        Ret::Is(ty) => ty.name(),
        Ret::First | Ret::FirstLong | Ret::Wider => spec.params.first().map_or("scalar", |p| short(*p)),
    };
    let _ = write!(text, "): {answer}");
    text
}

fn short(param: P) -> &'static str {
    match param {
        P::Int => "integer",
        P::Summable => "number or time",
        other => other.name().trim_start_matches("a "),
    }
}

/// Functions that know where they stand.
const FORMS: [(&str, &str); 16] = [
    ("iff", "(bool, then, otherwise)"),
    ("iif", "(bool, then, otherwise)"),
    ("case", "(bool, then, ..., otherwise)"),
    ("coalesce", "(scalar, scalar, ...)"),
    ("now", "([timespan]): datetime"),
    ("ago", "(timespan): datetime"),
    ("min_of", "(scalar, scalar, ...)"),
    ("max_of", "(scalar, scalar, ...)"),
    ("toscalar", "(query)"),
    ("materialize", "(query)"),
    ("pack_all", "(): dynamic"),
    ("column_ifexists", "(string, default)"),
    ("ingestion_time", "(): datetime"),
    ("row_number", "([start]): long"),
    ("prev", "(column, [offset], [default])"),
    ("next", "(column, [offset], [default])"),
];

#[cfg(test)]
mod tests {
    use super::super::tests::grammar::refusal;
    use super::*;

    #[test]
    fn what_is_said_to_be_there_is_not_refused_and_what_is_not_is() {
        let parts = coverage();
        assert!(parts.len() > 200);
        let mut wrong = Vec::new();
        for Part { kind, name, supported, .. } in parts {
            let query = match (kind, name) {
                (_, "union" | "find" | "externaldata") => continue,
                ("operator", _) => format!("DeviceEvents | {name}"),
                ("function", _) if INVOKED.contains(&name) => format!("DeviceEvents | invoke {name}()"),
                ("function", _) => format!("print x = {name}()"),
                ("aggregate", _) => format!("DeviceEvents | summarize {name}()"),
                _ => format!("DeviceEvents | evaluate {name}()"),
            };
            let told = refusal(&query);
            let missing =
                told.as_deref().is_some_and(|m| m.contains(&format!("{kind} '{name}'")) || m.contains(&format!("'{name}' is no")));
            if missing == supported || told.as_deref().is_some_and(|m| m.contains("no function named")) {
                wrong.push(format!("{kind} {name} {supported}: {told:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn signatures_say_what_is_taken() {
        assert_eq!(signature("substring").unwrap(), "substring(scalar, integer, [integer]): string");
        assert!(signature("strcat").unwrap().contains("..."));
        assert_eq!(signature("ago").unwrap(), "ago(timespan): datetime");
        assert_eq!(signature("nonsense"), None);
    }
}
