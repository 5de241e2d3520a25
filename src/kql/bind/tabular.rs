//! Pipelines: sources and operators, each from a relation to a relation.

use super::super::ast::*;
use super::super::compare::convert;
use super::super::error::{Span, Try, did_you_mean, limit, semantic, syntax, unsupported};
use super::super::functions::compile;
use super::super::plan::{Op, Plan, Shared, SortKey};
use super::super::scalar::{Batch, Col};
use super::super::value::{Type, Value};
use super::compare::sortable;
use super::expand::Expansions;
use super::name::{self, Namer};
use super::{Binder, Env, Field, MAX_PIPELINES, Relation, Site, types_differ};
use regex::Regex;
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

impl Binder<'_> {
    pub(super) fn enter(&mut self, span: Span) -> Try<()> {
        self.pipelines += 1;
        if self.pipelines > MAX_PIPELINES { Err(limit(span, "functions and sub-queries are nested too deep")) } else { Ok(()) }
    }

    pub(super) fn leave(&mut self) {
        self.pipelines -= 1;
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, env: &Env) -> Try<Relation> {
        self.enter(pipeline.span)?;
        self.tables += 1;
        let source = self.source(&pipeline.source, env)?;
        let relation = self.operators(source, &pipeline.ops, env)?;
        if relation.depth > MAX_PIPELINES {
            return Err(limit(pipeline.span, "pipelines are built on each other too deep"));
        }
        self.tables -= 1;
        self.leave();
        Ok(relation)
    }

    /// Operators one after another; `as` gives a name to what comes to it.
    pub(super) fn operators(&mut self, mut relation: Relation, ops: &[Operator], env: &Env) -> Try<Relation> {
        let mut env = env.clone();
        for op in ops {
            self.step(op.span)?;
            if let OperatorKind::As(name) = &op.kind {
                relation.name = name.text.clone();
                relation = self.share(relation);
                env = env.with(&name.text, super::Binding::Table(relation.clone()));
                continue;
            }
            relation = self.operator(relation, op, &env)?;
            // What an operator made is no table any more: `withsource` numbers it.
            relation.name = "".into();
            self.no_windows_left()?;
        }
        Ok(relation)
    }

    pub(super) fn table(&self, name: &str) -> Option<Relation> {
        let table = self.catalog.table(name)?;
        let fields: Vec<Field> = table.columns.iter().map(|c| Field { name: c.name.clone(), ty: c.ty }).collect();
        let column = fields.iter().position(|f| f.name.as_ref() == "Timestamp" && f.ty == Type::DateTime);
        let window = column.zip(self.options.window).map(|(column, (from, to))| (column, from, to));
        Some(Relation {
            fields,
            plan: Plan::Table { table, lazy: self.catalog.lazy(name), window },
            serialized: false,
            name: name.into(),
            depth: 1,
        })
    }

    pub(super) fn no_table(&self, name: &str, span: Span, env: &Env) -> super::super::error::Fail {
        let names = self.catalog.table_names();
        let known = names.iter().map(String::as_str).chain(env.names());
        semantic(span, format!("no table named '{name}'{}", did_you_mean(name, known)))
    }

    /// Computes the rows once, however often the relation is used.
    pub(super) fn share(&mut self, relation: Relation) -> Relation {
        let plan = match relation.plan {
            plan if plan.varies() => plan,
            plan @ (Plan::Shared(_) | Plan::Table { window: None, .. } | Plan::Values(_)) => plan,
            plan => Plan::Shared(Arc::new(Shared { plan, rows: OnceLock::new() })),
        };
        Relation { plan, depth: relation.depth + 1, ..relation }
    }

    pub(super) fn piped(&self, input: Relation, ops: Vec<Op>, fields: Vec<Field>, serialized: bool) -> Relation {
        let ops = self.with_windows(&input.fields, ops);
        let plan = match input.plan {
            Plan::Pipe(source, mut before) => {
                before.extend(ops);
                Plan::Pipe(source, before)
            }
            plan => Plan::Pipe(Box::new(plan), ops),
        };
        Relation { fields, plan, serialized, ..input }
    }

    pub(super) fn source(&mut self, source: &Source, env: &Env) -> Try<Relation> {
        match source {
            Source::Expr(expr) => match self.relation_of(expr, env)? {
                Some(relation) => Ok(relation),
                None => Err(self.no_relation(expr, env)),
            },
            Source::Print(items) => {
                let site = Site { fields: &[], env, serialized: false, aggregates: None };
                let mut namer = Namer::new([]);
                let (mut fields, mut values) = (Vec::new(), Vec::new());
                for (at, item) in items.iter().enumerate() {
                    let bound = self.scalar(&item.expr, site)?;
                    let name = match item.names.as_slice() {
                        [name] => self.claim(name, &mut namer)?,
                        [] => namer.suffixed(&format!("print_{at}")),
                        _ => return Err(unsupported(item.expr.span, "several names for one value")),
                    };
                    fields.push(Field { name, ty: bound.ty });
                    values.push((bound.scalar, bound.ty));
                }
                Ok(Relation { fields, plan: Plan::Print(values), serialized: true, name: "".into(), depth: 1 })
            }
            Source::Range { column, from, to, step } => self.range(column, [from, to, step], env),
            Source::Union(union) => self.union(None, union, env),
            Source::DataTable { columns, cells } => self.datatable(columns, cells, env),
            Source::External(external) => self.external(external, env),
            Source::Search(search) => self.search_tables(search, env),
            Source::Find(find) => self.find(find, env),
        }
    }

    pub(super) fn no_relation(&mut self, expr: &Expr, env: &Env) -> super::super::error::Fail {
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        match &expr.kind {
            ExprKind::Name(name) if env.find(name).is_none() => self.no_table(name, expr.span, env),
            _ => match self.scalar(expr, site) {
                Err(error) => error,
                Ok(_) => semantic(expr.span, "expected a table, not a scalar; to show a scalar use print"),
            },
        }
    }

    pub(super) fn range(&mut self, column: &Name, bounds: [&Expr; 3], env: &Env) -> Try<Relation> {
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        let [from, to, step] = bounds;
        let span = from.span.to(step.span);
        let (from, to, step) = (self.scalar(from, site)?, self.scalar(to, site)?, self.scalar(step, site)?);
        let ty = match (from.ty, to.ty, step.ty) {
            (a, b, c) if a.is_number() && b.is_number() && c.is_number() => {
                if [a, b, c].contains(&Type::Real) {
                    Type::Real
                } else {
                    Type::Long
                }
            }
            (Type::DateTime, Type::DateTime, Type::TimeSpan) => Type::DateTime,
            (Type::TimeSpan, Type::TimeSpan, Type::TimeSpan) => Type::TimeSpan,
            (a, b, _) => return Err(types_differ(span, "no range over", a, b)),
        };
        let plan = Plan::Range { from: from.scalar, to: to.scalar, step: step.scalar, ty, span };
        Ok(Relation { fields: vec![Field { name: column.text.clone(), ty }], plan, serialized: true, name: "".into(), depth: 1 })
    }

    pub(super) fn datatable(&mut self, columns: &[(Name, Type)], cells: &[Expr], env: &Env) -> Try<Relation> {
        let mut namer = Namer::new([]);
        let mut fields = Vec::new();
        for (name, ty) in columns {
            if *ty == Type::Decimal {
                return Err(unsupported(name.span, "the type decimal"));
            }
            fields.push(Field { name: self.claim(name, &mut namer)?, ty: *ty });
        }
        let span = cells.last().map_or(Span::default(), |c| c.span);
        if columns.is_empty() || !cells.len().is_multiple_of(columns.len()) {
            return Err(semantic(span, format!("{} cells do not fill rows of {} columns", cells.len(), columns.len())));
        }
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        let mut made: Vec<Vec<Value>> = columns.iter().map(|_| Vec::new()).collect();
        for (expr, at) in cells.iter().zip((0..columns.len()).cycle()) {
            let bound = self.scalar(expr, site)?;
            let ty = fields.get(at).map_or(Type::Dynamic, |f| f.ty);
            let Some(value) = bound.constant() else {
                return Err(semantic(expr.span, "the cells of a datatable are constants"));
            };
            let cell = if value.is_null() { Value::absent(ty).clone() } else { convert(value, ty) };
            let lost = (cell.is_null() && !value.is_null() && *value != Value::text(""))
                || (ty == Type::String && bound.ty != Type::String && !value.is_null());
            if lost {
                return Err(semantic(expr.span, format!("a {} cannot be a cell of a {} column", bound.ty.name(), ty.name())));
            }
            if let Some(column) = made.get_mut(at) {
                column.push(cell);
            }
        }
        let rows = cells.len() / columns.len();
        let cols = made.into_iter().zip(&fields).map(|(cells, f)| Col::own(cells, f.ty)).collect();
        Ok(Relation { fields, plan: Plan::Values(Batch { cols, rows }), serialized: false, name: "".into(), depth: 1 })
    }

    /// The name that a query gives a column; it must be new.
    pub(super) fn claim(&mut self, name: &Name, namer: &mut Namer) -> Try<Arc<str>> {
        if namer.claim(&name.text) {
            Ok(name.text.clone())
        } else {
            Err(semantic(name.span, format!("two columns are named '{}'", name.text)))
        }
    }

    pub(super) fn name_of(&mut self, item: &Named, namer: &mut Namer) -> Try<Arc<str>> {
        match item.names.as_slice() {
            [] => match &item.expr.kind {
                ExprKind::Name(name) => self.claim(&Name { text: name.clone(), span: item.expr.span }, namer),
                _ => Ok(namer.fresh(name::of(&item.expr))),
            },
            [name] => self.claim(name, namer),
            _ => Err(unsupported(item.expr.span, "several names for one value")),
        }
    }

    pub(super) fn operator(&mut self, input: Relation, op: &Operator, env: &Env) -> Try<Relation> {
        let fields = input.fields.clone();
        let site = Site { fields: &fields, env, serialized: input.serialized, aggregates: None };
        let serialized = input.serialized;
        match &op.kind {
            OperatorKind::Where(condition) => {
                let bound = self.condition(condition, site)?;
                Ok(self.piped(input, vec![Op::Filter(bound.scalar)], fields, serialized))
            }
            OperatorKind::Project(items) => self.project(input, items, env),
            OperatorKind::Extend(items) => self.extend(input, items, env),
            OperatorKind::Serialize(items) => {
                let input = Relation { serialized: true, ..input };
                if items.is_empty() { Ok(input) } else { self.extend(input, items, env) }
            }
            OperatorKind::ProjectAway(patterns) => {
                let gone = self.matching(&fields, patterns, op.span)?;
                let kept = (0..fields.len()).filter(|at| !gone.contains(at)).collect();
                Ok(self.pick(input, kept))
            }
            OperatorKind::ProjectKeep(patterns) => {
                let wanted = self.matching(&fields, patterns, op.span)?;
                let kept = (0..fields.len()).filter(|at| wanted.contains(at)).collect();
                Ok(self.pick(input, kept))
            }
            OperatorKind::ProjectReorder(patterns) => {
                let mut order = Vec::new();
                for pattern in patterns {
                    let mut hits = self.matching(&fields, std::slice::from_ref(pattern), op.span)?;
                    hits.retain(|at| !order.contains(at));
                    let name = |at: &usize| fields.get(*at).map(|f| f.name.clone());
                    match pattern.order {
                        Reorder::Asked => {}
                        Reorder::Ascending => hits.sort_by_key(name),
                        Reorder::Descending => hits.sort_by_key(|at| std::cmp::Reverse(name(at))),
                    }
                    order.extend(hits);
                }
                let rest: Vec<usize> = (0..fields.len()).filter(|at| !order.contains(at)).collect();
                order.extend(rest);
                Ok(self.pick(input, order))
            }
            OperatorKind::ProjectRename(renames) => {
                let mut renamed = fields.clone();
                for (new, old) in renames {
                    let at = self.column(&fields, old)?;
                    if let Some(field) = renamed.get_mut(at) {
                        field.name = new.text.clone();
                    }
                }
                let mut names = HashSet::new();
                if let Some((new, _)) = renames.iter().find(|(new, _)| renamed.iter().filter(|f| f.name == new.text).count() > 1) {
                    return Err(semantic(new.span, format!("two columns are named '{}'", new.text)));
                }
                names.extend(renamed.iter().map(|f| f.name.clone()));
                Ok(Relation { fields: renamed, ..input })
            }
            OperatorKind::Summarize { aggregates, by } => self.summarize(input, aggregates, by, env),
            OperatorKind::Distinct(items) => {
                let projected = self.project(input, items, env)?;
                if let Some((item, _)) = items.iter().zip(&projected.fields).find(|(_, f)| f.ty == Type::Dynamic) {
                    return Err(unsupported(item.expr.span, "distinct on a dynamic; convert it with tostring()"));
                }
                let fields = projected.fields.clone();
                Ok(self.piped(projected, vec![Op::Distinct], fields, false))
            }
            OperatorKind::DistinctAll => {
                if let Some(field) = fields.iter().find(|f| f.ty == Type::Dynamic) {
                    return Err(unsupported(
                        op.span,
                        format!("distinct on the dynamic column '{}'; convert it with tostring()", field.name),
                    ));
                }
                Ok(self.piped(input, vec![Op::Distinct], fields, false))
            }
            OperatorKind::Take(count) => {
                let count = self.count(count, site)?;
                Ok(self.piped(input, vec![Op::Take(count)], fields, serialized))
            }
            OperatorKind::Top { count, by } => {
                let count = self.count(count, site)?;
                let key = self.sort_key(by, site)?;
                Ok(self.piped(input, vec![Op::Sort(vec![key], Some(count))], fields, true))
            }
            OperatorKind::Sort(orders) => {
                let mut keys = Vec::new();
                for order in orders {
                    keys.push(self.sort_key(order, site)?);
                }
                Ok(self.piped(input, vec![Op::Sort(keys, None)], fields, true))
            }
            OperatorKind::Count(name) => {
                let name = name.as_ref().map_or("Count".into(), |n| n.text.clone());
                Ok(self.piped(input, vec![Op::Count], vec![Field { name, ty: Type::Long }], false))
            }
            OperatorKind::Union(union) => self.union(Some(input), union, env),
            OperatorKind::Join { kind, right, on, lookup } => self.join(input, *kind, right, on, *lookup, env),
            OperatorKind::MvExpand { items, index, limit, arrays } => {
                let head = Expansions { items, index: index.as_ref(), most: limit.as_ref(), arrays: *arrays };
                self.mv_expand(input, &head, env)
            }
            OperatorKind::Parse { value, pieces, how, filter } => self.parse(input, value, pieces, how, *filter, op.span, env),
            OperatorKind::Render(kind) => {
                self.rendered = Some(kind.clone());
                Ok(input)
            }
            OperatorKind::GetSchema => Ok(schema_of(&fields)),
            OperatorKind::As(_) => Ok(input),
            OperatorKind::Invoke { function, args } => self.invoke(input, function, args, op.span, env),
            OperatorKind::Evaluate { plugin, args, schema } => self.evaluate(input, plugin, args, schema.as_ref(), op.span, env),
            OperatorKind::MakeSeries(series) => self.make_series(input, series, op.span, env),
            OperatorKind::MvApply { items, index, limit, ops } => {
                let head = Expansions { items, index: index.as_ref(), most: limit.as_ref(), arrays: false };
                self.mv_apply(input, &head, ops, env)
            }
            OperatorKind::Search(search) => self.search(input, search, env),
            OperatorKind::TopNested(levels) => self.top_nested(input, levels, env),
            OperatorKind::TopHitters { count, of, by } => self.top_hitters(input, count, of, by.as_ref(), env),
            OperatorKind::Partition { by, sub, native } => self.partition(input, by, sub, *native, env),
            OperatorKind::Scan(scan) => self.scan(input, scan, op.span, env),
            OperatorKind::Sample(count) => {
                let count = self.count(count, site)?;
                Ok(self.piped(input, vec![Op::Take(count)], fields, serialized))
            }
            OperatorKind::SampleDistinct { count, of } => {
                let count = self.count(count, site)?;
                let projected = self.project(input, &[Named { names: Vec::new(), expr: of.clone() }], env)?;
                let fields = projected.fields.clone();
                if fields.iter().any(|f| f.ty == Type::Dynamic) {
                    return Err(semantic(of.span, "sample-distinct cannot take a dynamic; convert it with tostring()"));
                }
                Ok(self.piped(projected, vec![Op::Distinct, Op::Take(count)], fields, false))
            }
            OperatorKind::Consume => Err(unsupported(op.span, "the operator 'consume'")),
            OperatorKind::ProjectByNames(names) => self.project_by_names(input, names, env),
        }
    }

    pub(super) fn count(&mut self, expr: &Expr, site: Site<'_>) -> Try<usize> {
        let count = self.whole(expr, site)?;
        usize::try_from(count).map_err(|_| semantic(expr.span, "the number of rows cannot be negative"))
    }

    pub(super) fn sort_key(&mut self, order: &Order, site: Site<'_>) -> Try<SortKey> {
        let bound = self.scalar(&order.expr, site)?;
        if !sortable(bound.ty) {
            return Err(semantic(order.expr.span, "rows cannot be sorted by a dynamic; convert it, for example with tostring()"));
        }
        let nulls_first = order.nulls_first.unwrap_or(order.ascending);
        Ok(SortKey { value: bound.scalar, ty: bound.ty, ascending: order.ascending, nulls_first })
    }

    pub(super) fn column(&self, fields: &[Field], name: &Name) -> Try<usize> {
        fields.iter().position(|f| f.name == name.text).ok_or_else(|| {
            let hint = did_you_mean(&name.text, fields.iter().map(|f| f.name.as_ref()));
            semantic(name.span, format!("no column named '{}'{hint}", name.text))
        })
    }
}

pub(super) fn wildcard(pattern: &str, span: Span) -> Try<Regex> {
    let parts: Vec<String> = pattern.split('*').map(regex::escape).collect();
    compile(&format!("^{}$", parts.join(".*"))).map_err(|_| syntax(span, "malformed pattern"))
}

fn schema_of(fields: &[Field]) -> Relation {
    let names = ["ColumnName", "ColumnOrdinal", "DataType", "ColumnType"];
    let types = [Type::String, Type::Long, Type::String, Type::String];
    let text = |of: &dyn Fn(&Field) -> String| Col::own(fields.iter().map(|f| Value::text(of(f))).collect(), Type::String);
    let ordinals = Col::own((0..fields.len()).map(|i| Value::Long(i as i64)).collect(), Type::Long);
    let cols = vec![text(&|f| f.name.to_string()), ordinals, text(&|f| f.ty.net_name()), text(&|f| f.ty.name().to_owned())];
    Relation {
        fields: names.iter().zip(types).map(|(name, ty)| Field { name: (*name).into(), ty }).collect(),
        plan: Plan::Values(Batch { cols, rows: fields.len() }),
        serialized: true,
        name: "".into(),
        depth: 1,
    }
}
