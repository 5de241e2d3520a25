//! Names and types, resolved before anything runs.
//!
//! The binder turns the syntax tree into a plan over column numbers. Unknown names, wrong types and wrong counts of arguments are found
//! here, on empty tables too, and a query that passes has result columns with the right names and types whatever the rows are.

mod call;
mod choice;
mod compare;
mod expand;
mod expr;
mod join;
mod lambda;
mod name;
mod outside;
mod pack;
mod plugin;
mod project;
mod scan;
mod scope;
mod search;
mod series;
mod summarize;
mod tabular;
mod top;
mod window;

pub(super) use call::SPECIAL;
pub(super) use scope::Named;
pub(super) use summarize::{names as aggregates, refused as refused_aggregates};

use super::ast;
use super::error::{Span, Try, limit, semantic, unsupported};
use super::exec::Run;
use super::plan::Plan;
use super::scalar::{Function, Kernel, Scalar, call};
use super::value::{Type, Value};
use super::{Catalog, Options};
use std::cell::RefCell;
use std::sync::Arc;

/// The most nodes that one expression may grow to when functions are put in place of their calls.
const MAX_WEIGHT: usize = 100_000;
const MAX_DEPTH: usize = 500;
/// The most nodes that one query may be bound to.
const MAX_STEPS: usize = 200_000;
/// How deep pipelines may be built on pipelines.
const MAX_PIPELINES: usize = 100;

/// How many sub-queries scalars may need: each may wait for the one before it, a level of the stack deeper.
const MAX_SUB_QUERIES: usize = 1000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: Arc<str>,
    pub(super) ty: Type,
}

/// A bound tabular expression.
#[derive(Clone)]
pub(super) struct Relation {
    pub(super) fields: Vec<Field>,
    pub(super) plan: Plan,
    /// Whether the order of rows means something.
    pub(super) serialized: bool,
    /// What `withsource` shows.
    pub(super) name: Arc<str>,
    pub(super) depth: usize,
}

/// A bound scalar expression.
#[derive(Clone)]
struct Bound {
    scalar: Scalar,
    ty: Type,
    weight: usize,
    depth: usize,
}

impl Bound {
    fn leaf(scalar: Scalar, ty: Type) -> Bound {
        Bound { scalar, ty, weight: 1, depth: 1 }
    }

    fn constant(&self) -> Option<&Value> {
        match &self.scalar {
            Scalar::Const(value) => Some(value),
            _ => None,
        }
    }
}

#[derive(Clone)]
enum Binding {
    /// A scalar, and how many pipelines were open where it was made: the row that it may read belongs to the innermost of them.
    Scalar(Bound, usize),
    Table(Relation),
    Function(Arc<ast::Lambda>, Env),
}

/// The names that `let` made, newest first.
#[derive(Clone, Default)]
struct Env(Option<Arc<EnvNode>>);

struct EnvNode {
    name: Arc<str>,
    binding: Binding,
    rest: Env,
}

impl Drop for EnvNode {
    /// Long chains are taken apart in a loop, for a recursive drop could exhaust the stack.
    fn drop(&mut self) {
        let mut next = self.rest.0.take();
        while let Some(node) = next {
            next = Arc::into_inner(node).and_then(|mut n| n.rest.0.take());
        }
    }
}

impl Env {
    fn with(&self, name: &Arc<str>, binding: Binding) -> Env {
        Env(Some(Arc::new(EnvNode { name: name.clone(), binding, rest: self.clone() })))
    }

    fn find(&self, name: &str) -> Option<&Binding> {
        let mut node = self.0.as_deref();
        while let Some(n) = node {
            if n.name.as_ref() == name {
                return Some(&n.binding);
            }
            node = n.rest.0.as_deref();
        }
        None
    }

    fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut node = self.0.as_deref();
        while let Some(n) = node {
            names.push(n.name.as_ref());
            node = n.rest.0.as_deref();
        }
        names
    }
}

/// Where an expression stands.
#[derive(Clone, Copy)]
struct Site<'a> {
    fields: &'a [Field],
    env: &'a Env,
    serialized: bool,
    /// In `summarize`: aggregates found on the way, and the columns that their arguments see.
    aggregates: Option<(&'a RefCell<Vec<summarize::Found>>, &'a [Field])>,
}

pub(super) struct Binder<'a> {
    catalog: &'a dyn Catalog,
    options: &'a Options,
    steps: usize,
    pipelines: usize,
    /// How many pipelines are open.
    tables: usize,
    sub_queries: usize,
    waiting: RefCell<Vec<window::Waiting>>,
    /// Runs what must be known before binding can go on; none when a query is only described.
    live: Option<&'a Run>,
    pub(super) rendered: Option<String>,
}

impl<'a> Binder<'a> {
    pub(super) fn new(catalog: &'a dyn Catalog, options: &'a Options) -> Binder<'a> {
        Binder {
            catalog,
            options,
            steps: 0,
            pipelines: 0,
            tables: 0,
            sub_queries: 0,
            waiting: RefCell::new(Vec::new()),
            live: None,
            rendered: None,
        }
    }

    /// A binder that may look at rows where only they tell the columns.
    pub(super) fn live(self, run: &'a Run) -> Binder<'a> {
        Binder { live: Some(run), ..self }
    }

    pub(super) fn query(&mut self, query: &ast::Query) -> Try<Relation> {
        let env = self.lets(&query.lets, &Env::default())?;
        let mut relation = self.pipeline(&query.body, &env)?;
        if relation.fields.is_empty() {
            relation.plan = Plan::Pipe(Box::new(relation.plan), Vec::new());
        }
        Ok(relation)
    }

    fn step(&mut self, span: Span) -> Try<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(limit(span, "the query is too large once its functions are put in place")) } else { Ok(()) }
    }

    fn sub_query(&mut self, span: Span) -> Try<()> {
        self.sub_queries += 1;
        if self.sub_queries > MAX_SUB_QUERIES { Err(limit(span, format!("more than {MAX_SUB_QUERIES} sub-queries"))) } else { Ok(()) }
    }

    /// A scalar that a sub-query answers is kept, so its rows must not differ from part to part.
    fn constant_rows(&self, plan: &Plan, span: Span) -> Try<()> {
        if plan.varies() { Err(unsupported(span, "a scalar sub-query over the part that mv-apply or partition is at")) } else { Ok(()) }
    }

    fn lets(&mut self, lets: &[ast::Let], env: &Env) -> Try<Env> {
        let mut env = env.clone();
        for statement in lets {
            let binding = match &statement.value {
                ast::LetValue::Lambda(lambda) => {
                    if lambda.params.is_empty() {
                        let inner = self.lets(&lambda.lets, &env)?;
                        self.value(&lambda.body, &inner)?;
                    }
                    Binding::Function(lambda.clone(), env.clone())
                }
                ast::LetValue::Pipeline(pipeline) => self.value(pipeline, &env)?,
            };
            env = env.with(&statement.name.text, binding);
        }
        Ok(env)
    }

    /// A scalar or a table: a `let` value and the body of a function may be either.
    fn value(&mut self, pipeline: &ast::Pipeline, env: &Env) -> Try<Binding> {
        if let (ast::Source::Expr(expr), true) = (&pipeline.source, pipeline.ops.is_empty()) {
            if let Some(relation) = self.relation_of(expr, env)? {
                return Ok(Binding::Table(self.share(relation)));
            }
            let site = Site { fields: &[], env, serialized: false, aggregates: None };
            return Ok(Binding::Scalar(self.scalar(expr, site)?, self.tables));
        }
        let relation = self.pipeline(pipeline, env)?;
        Ok(Binding::Table(self.share(relation)))
    }

    /// An application with known arguments is computed at once; its size is bounded.
    fn apply(&mut self, function: Function, args: Vec<Bound>, ty: Type, span: Span) -> Try<Bound> {
        self.apply_known(None, function, args, ty, span)
    }

    /// The same of a function of which it is known what it does.
    fn apply_known(&mut self, kernel: Option<Kernel>, function: Function, args: Vec<Bound>, ty: Type, span: Span) -> Try<Bound> {
        let constants: Option<Vec<&Value>> = args.iter().map(Bound::constant).collect();
        if let Some(values) = constants {
            return Ok(Bound::leaf(Scalar::Const(call(&function, &values, span)?), ty));
        }
        self.tree(args, ty, span, |args| Scalar::Apply(function, args, span, kernel))
    }

    fn tree(&mut self, parts: Vec<Bound>, ty: Type, span: Span, make: impl FnOnce(Vec<Scalar>) -> Scalar) -> Try<Bound> {
        let weight = parts.iter().map(|p| p.weight).sum::<usize>() + 1;
        let depth = parts.iter().map(|p| p.depth).max().unwrap_or(0) + 1;
        if weight > MAX_WEIGHT || depth > MAX_DEPTH {
            return Err(limit(span, "the expression is too large"));
        }
        Ok(Bound { scalar: make(parts.into_iter().map(|p| p.scalar).collect()), ty, weight, depth })
    }
}

fn types_differ(span: Span, what: &str, left: Type, right: Type) -> super::error::Fail {
    semantic(span, format!("{what} values of types {} and {}; convert one of them", left.name(), right.name()))
}
