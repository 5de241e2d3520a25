//! The name that an expression without one gives its column.

use super::super::ast::{Expr, ExprKind};
use super::super::functions::{self, Naming};
use super::super::value::Value;
use super::Field;
use super::summarize;
use std::collections::HashSet;
use std::sync::Arc;

/// The name, or none if the place decides (`Column1`, `print_0`).
pub(super) fn of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Parens(inner) => of(inner),
        ExprKind::Name(name) => Some(name.to_string()),
        ExprKind::Path(left, name) => Some(of(left).map_or_else(|| name.text.to_string(), |l| format!("{l}_{}", name.text))),
        ExprKind::Index(left, index) => {
            let right = match &index.kind {
                ExprKind::Literal(Value::String(s), _) => s.to_string(),
                ExprKind::Literal(Value::Long(n), _) => n.to_string(),
                _ => String::new(),
            };
            match of(left) {
                Some(left) => Some(format!("{left}_{right}")),
                None => Some(right).filter(|r| !r.is_empty()),
            }
        }
        ExprKind::Call(name, args) => {
            let first = || args.first().and_then(|a| of(&a.expr));
            if let Some(prefix) = summarize::prefix(&name.text) {
                return match prefix {
                    "" => first(),
                    prefix => Some(format!("{prefix}_{}", first().unwrap_or_default())),
                };
            }
            match functions::find(&name.text)?.naming {
                Naming::None => None,
                Naming::FirstArgument => first(),
                Naming::Suffix(suffix) => Some(format!("{}_{suffix}", first().unwrap_or_else(|| "array0".to_owned()))),
                Naming::Prefix(prefix) => Some(format!("{prefix}_{}", first().unwrap_or_default())),
            }
        }
        _ => None,
    }
}

/// Gives out names that are not taken: an unnamed column is `Column1`, a second `count_` is `count_1`.
pub(super) struct Namer {
    taken: HashSet<Arc<str>>,
    /// Those of them that the query gave itself.
    given: HashSet<Arc<str>>,
    unnamed: usize,
}

impl Namer {
    pub(super) fn new<'f>(fields: impl IntoIterator<Item = &'f Field>) -> Namer {
        Namer { taken: fields.into_iter().map(|f| f.name.clone()).collect(), given: HashSet::new(), unnamed: 0 }
    }

    /// Whether the name was free; it is taken now.
    pub(super) fn claim(&mut self, name: &Arc<str>) -> bool {
        self.taken.insert(name.clone())
    }

    /// The name that the query gives a column of `summarize`: it may not be given twice, and gets a number if an aggregate took it.
    pub(super) fn give(&mut self, name: &Arc<str>) -> Option<Arc<str>> {
        if self.given.contains(name) {
            return None;
        }
        let name = self.suffixed(name);
        self.given.insert(name.clone());
        Some(name)
    }

    pub(super) fn fresh(&mut self, wish: Option<String>) -> Arc<str> {
        if let Some(wish) = wish {
            return self.suffixed(&wish);
        }
        loop {
            self.unnamed += 1;
            let name: Arc<str> = format!("Column{}", self.unnamed).into();
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// The name itself, or with the first free number behind it.
    pub(super) fn suffixed(&mut self, wish: &str) -> Arc<str> {
        let mut name: Arc<str> = wish.into();
        let mut number = 0;
        while !self.taken.insert(name.clone()) {
            number += 1;
            name = format!("{wish}{number}").into();
        }
        name
    }
}
