//! What `let` statements made: names for completion.

use super::super::ast;
use super::super::error::Try;
use super::super::value::Type;
use super::{Binder, Binding, Env};
use std::sync::Arc;

/// What a name stands for.
pub(in super::super) enum Named {
    Scalar(Type),
    Table,
    Function,
}

impl Binder<'_> {
    /// The names that a query's statements make, newest first.
    pub(in super::super) fn scope(&mut self, query: &ast::Query) -> Try<Vec<(Arc<str>, Named)>> {
        let env = self.lets(&query.lets, &Env::default())?;
        let named = |name: &str| match env.find(name) {
            Some(Binding::Scalar(bound, _)) => Named::Scalar(bound.ty),
            Some(Binding::Table(_)) => Named::Table,
            _ => Named::Function,
        };
        Ok(env.names().into_iter().map(|name| (name.into(), named(name))).collect())
    }
}
