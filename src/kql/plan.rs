//! What the binder hands to the executor: operators over column numbers, with every name and type resolved.

use super::Lazy;
use super::aggregate::Aggregate;
use super::ast::JoinKind;
use super::error::{Span, Try};
use super::exec::Run;
use super::scalar::QuerySet;
use super::scalar::{Batch, Scalar};
use super::value::{Table, Type};
use regex::Regex;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A tabular expression whose rows are computed once, however often it is named.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) rows: OnceLock<Try<Batch>>,
}

#[derive(Clone)]
pub(super) enum Plan {
    /// A table; rows out of `[from, to)` of the column are not seen.
    Table {
        table: Arc<Table>,
        lazy: Option<Arc<dyn Lazy>>,
        window: Option<(usize, i64, i64)>,
    },
    Values(Batch),
    Print(Vec<(Scalar, Type)>),
    Range {
        from: Scalar,
        to: Scalar,
        step: Scalar,
        ty: Type,
        span: Span,
    },
    /// Parts with equal columns, one after another.
    Union(Vec<Plan>, Vec<Type>),
    Shared(Arc<Shared>),
    /// The rows that a sub-query is being run over.
    Slot(Arc<Slot>),
    Pipe(Box<Plan>, Vec<Op>),
}

#[derive(Clone)]
pub(super) struct SortKey {
    pub(super) value: Scalar,
    pub(super) ty: Type,
    pub(super) ascending: bool,
    pub(super) nulls_first: bool,
}

#[derive(Clone)]
pub(super) enum Op {
    Filter(Scalar),
    /// Replaces all columns.
    Map(Vec<(Scalar, Type)>),
    Take(usize),
    Sort(Vec<SortKey>, Option<usize>),
    Summarize {
        by: Vec<(Scalar, Type)>,
        aggregates: Vec<Aggregate>,
    },
    Distinct,
    Count,
    Join(Box<Join>),
    Expand(Expand),
    Parse(ParseText),
    /// An operator with a file of its own.
    Step(Arc<dyn Step>),
}

/// An operator whose work the executor only passes on.
pub(super) trait Step: Send + Sync {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch>;

    /// Whether the answer depends on a slot that somebody else fills.
    fn varies(&self) -> bool {
        false
    }
}

/// A place for the rows of one part, filled before a sub-query runs over it.
#[derive(Default)]
pub(super) struct Slot(Mutex<Batch>);

impl Slot {
    pub(super) fn fill(&self, batch: Batch) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = batch;
    }

    pub(super) fn rows(&self) -> Batch {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Plan {
    /// Whether the rows differ from one part to the next, so that they must not be kept.
    pub(super) fn varies(&self) -> bool {
        match self {
            Plan::Slot(_) => true,
            Plan::Pipe(source, ops) => source.varies() || ops.iter().any(Op::varies),
            Plan::Union(parts, _) => parts.iter().any(Plan::varies),
            Plan::Table { .. } | Plan::Values(_) | Plan::Print(_) | Plan::Range { .. } | Plan::Shared(_) => false,
        }
    }
}

impl Op {
    fn varies(&self) -> bool {
        match self {
            Op::Join(join) => join.right.varies(),
            Op::Step(step) => step.varies(),
            _ => false,
        }
    }
}

#[derive(Clone)]
pub(super) struct Join {
    pub(super) kind: JoinKind,
    pub(super) right: Plan,
    /// The columns that must be equal, and whether they meet as reals.
    pub(super) on: Vec<(usize, usize, bool)>,
}

/// Appends one column an item, and the item's number.
#[derive(Clone)]
pub(super) struct Expand {
    pub(super) items: Vec<(Scalar, Type)>,
    pub(super) index: bool,
    pub(super) limit: usize,
    /// A bag becomes pairs of key and value, not bags of one member.
    pub(super) arrays: bool,
}

/// Appends one column a capture group.
#[derive(Clone)]
pub(super) struct ParseText {
    pub(super) value: Scalar,
    pub(super) regex: Regex,
    pub(super) types: Vec<Type>,
    pub(super) relaxed: bool,
    pub(super) filter: bool,
}

pub(super) fn query_set(plan: Plan, key: fn(&super::value::Value) -> super::compare::Key) -> Arc<QuerySet> {
    Arc::new(QuerySet { plan, key, keys: OnceLock::new() })
}
