//! Pipelines: sources and operators, each from a relation to a relation.

use super::super::ast::*;
use super::super::compare::convert;
use super::super::error::{Span, Try, did_you_mean, limit, semantic, syntax, unsupported};
use super::super::functions::{Refusal, compile};
use super::super::plan::{Expand, Join, Op, ParseText, Plan, Shared, SortKey};
use super::super::scalar::{Batch, Col, Scalar};
use super::super::value::{Type, Value};
use super::compare::{joinable, sortable};
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
        let mut env = env.clone();
        let mut relation = self.source(&pipeline.source, &env)?;
        for op in &pipeline.ops {
            self.step(op.span)?;
            if let OperatorKind::As(name) = &op.kind {
                relation.name = name.text.clone();
                relation = self.share(relation);
                env = env.with(&name.text, super::Binding::Table(relation.clone()));
                continue;
            }
            relation = self.operator(relation, op, &env)?;
        }
        if relation.depth > MAX_PIPELINES {
            return Err(limit(pipeline.span, "pipelines are built on each other too deep"));
        }
        self.tables -= 1;
        self.leave();
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
            plan @ (Plan::Shared(_) | Plan::Table { window: None, .. } | Plan::Values(_)) => plan,
            plan => Plan::Shared(Arc::new(Shared { plan, rows: OnceLock::new() })),
        };
        Relation { plan, depth: relation.depth + 1, ..relation }
    }

    pub(super) fn piped(&self, input: Relation, ops: Vec<Op>, fields: Vec<Field>, serialized: bool) -> Relation {
        let plan = match input.plan {
            Plan::Pipe(source, mut before) => {
                before.extend(ops);
                Plan::Pipe(source, before)
            }
            plan => Plan::Pipe(Box::new(plan), ops),
        };
        Relation { fields, plan, serialized, ..input }
    }

    fn source(&mut self, source: &Source, env: &Env) -> Try<Relation> {
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
        }
    }

    fn no_relation(&mut self, expr: &Expr, env: &Env) -> super::super::error::Fail {
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        match &expr.kind {
            ExprKind::Name(name) if env.find(name).is_none() => self.no_table(name, expr.span, env),
            _ => match self.scalar(expr, site) {
                Err(error) => error,
                Ok(_) => semantic(expr.span, "expected a table, not a scalar; to show a scalar use print"),
            },
        }
    }

    fn range(&mut self, column: &Name, bounds: [&Expr; 3], env: &Env) -> Try<Relation> {
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

    fn datatable(&mut self, columns: &[(Name, Type)], cells: &[Expr], env: &Env) -> Try<Relation> {
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

    fn operator(&mut self, input: Relation, op: &Operator, env: &Env) -> Try<Relation> {
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
            OperatorKind::MvExpand { items, index, limit } => self.mv_expand(input, items, index.as_ref(), limit.as_ref(), env),
            OperatorKind::Parse { value, pieces, relaxed, filter } => self.parse(input, value, pieces, *relaxed, *filter, op.span, env),
            OperatorKind::Render(kind) => {
                self.rendered = Some(kind.clone());
                Ok(input)
            }
            OperatorKind::GetSchema => Ok(schema_of(&fields)),
            OperatorKind::As(_) => Ok(input),
        }
    }

    fn count(&mut self, expr: &Expr, site: Site<'_>) -> Try<usize> {
        let count = self.whole(expr, site)?;
        usize::try_from(count).map_err(|_| semantic(expr.span, "the number of rows cannot be negative"))
    }

    fn sort_key(&mut self, order: &Order, site: Site<'_>) -> Try<SortKey> {
        let bound = self.scalar(&order.expr, site)?;
        if !sortable(bound.ty) {
            return Err(semantic(order.expr.span, "rows cannot be sorted by a dynamic; convert it, for example with tostring()"));
        }
        let nulls_first = order.nulls_first.unwrap_or(order.ascending);
        Ok(SortKey { value: bound.scalar, ty: bound.ty, ascending: order.ascending, nulls_first })
    }

    fn column(&self, fields: &[Field], name: &Name) -> Try<usize> {
        fields.iter().position(|f| f.name == name.text).ok_or_else(|| {
            let hint = did_you_mean(&name.text, fields.iter().map(|f| f.name.as_ref()));
            semantic(name.span, format!("no column named '{}'{hint}", name.text))
        })
    }

    /// The columns that patterns name, in the patterns' order. A name without `*` must exist.
    fn matching(&self, fields: &[Field], patterns: &[Pattern], span: Span) -> Try<Vec<usize>> {
        let mut hits = Vec::new();
        for pattern in patterns {
            if !pattern.text.contains('*') {
                hits.push(self.column(fields, &Name { text: pattern.text.clone(), span: pattern.span })?);
                continue;
            }
            let regex = wildcard(&pattern.text, span)?;
            hits.extend(fields.iter().enumerate().filter(|(_, f)| regex.is_match(&f.name)).map(|(at, _)| at));
        }
        Ok(hits)
    }

    fn pick(&mut self, input: Relation, columns: Vec<usize>) -> Relation {
        let fields: Vec<Field> = columns.iter().filter_map(|at| input.fields.get(*at).cloned()).collect();
        let values = columns.iter().zip(&fields).map(|(at, f)| (Scalar::Column(*at), f.ty)).collect();
        let serialized = input.serialized;
        self.piped(input, vec![Op::Map(values)], fields, serialized)
    }

    fn project(&mut self, input: Relation, items: &[Named], env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let mut namer = Namer::new([]);
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for item in items {
            let bound = self.scalar(&item.expr, site)?;
            let name = self.name_of(item, &mut namer)?;
            fields.push(Field { name, ty: bound.ty });
            values.push((bound.scalar, bound.ty));
        }
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Map(values)], fields, serialized))
    }

    fn extend(&mut self, input: Relation, items: &[Named], env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let mut fields = input.fields.clone();
        let mut values: Vec<(Scalar, Type)> = fields.iter().enumerate().map(|(at, f)| (Scalar::Column(at), f.ty)).collect();
        let mut given = HashSet::new();
        let mut namer = Namer::new(&input.fields);
        for item in items {
            let bound = self.scalar(&item.expr, site)?;
            let name = match item.names.as_slice() {
                [] => match name::of(&item.expr) {
                    Some(name) => name.into(),
                    None => namer.fresh(None),
                },
                [name] => name.text.clone(),
                _ => return Err(unsupported(item.expr.span, "several names for one value")),
            };
            if !given.insert(name.clone()) {
                return Err(semantic(item.expr.span, format!("two columns are named '{name}'")));
            }
            let new = (bound.scalar, bound.ty);
            match fields.iter_mut().zip(&mut values).find(|(f, _)| f.name == name) {
                Some((field, value)) => {
                    field.ty = bound.ty;
                    *value = new;
                }
                None => {
                    fields.push(Field { name, ty: bound.ty });
                    values.push(new);
                }
            }
        }
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Map(values)], fields, serialized))
    }

    fn union(&mut self, first: Option<Relation>, union: &Union, env: &Env) -> Try<Relation> {
        let mut parts: Vec<Relation> = first.into_iter().collect();
        for part in &union.parts {
            match part {
                UnionPart::Wildcard(pattern) => {
                    let regex = wildcard(&pattern.text, pattern.span)?;
                    let mut names: Vec<String> = self.catalog.table_names().into_iter().filter(|n| regex.is_match(n)).collect();
                    names.sort();
                    if names.is_empty() {
                        return Err(semantic(pattern.span, format!("no table is named like '{}'", pattern.text)));
                    }
                    parts.extend(names.iter().filter_map(|n| self.table(n)));
                }
                UnionPart::Pipeline(pipeline) => {
                    if union.fuzzy && self.is_missing(&pipeline.source, env) {
                        continue;
                    }
                    parts.push(self.pipeline(pipeline, env)?);
                }
            }
        }
        if parts.is_empty() {
            return Err(semantic(Span::default(), "none of the tables of the union exists"));
        }
        let mut columns: Vec<Field> = Vec::new();
        for field in parts.iter().flat_map(|p| &p.fields) {
            let everywhere = !union.inner || parts.iter().all(|p| p.fields.contains(field));
            if everywhere && !columns.contains(field) {
                columns.push(field.clone());
            }
        }
        let clash = |field: &Field| columns.iter().filter(|c| c.name == field.name).count() > 1;
        let mut fields: Vec<Field> = columns
            .iter()
            .map(|f| if clash(f) { Field { name: format!("{}_{}", f.name, f.ty.name()).into(), ty: f.ty } } else { f.clone() })
            .collect();
        let mut names = HashSet::new();
        if let Some(twice) = fields.iter().find(|f| !names.insert(f.name.clone())) {
            return Err(unsupported(Span::default(), format!("a union whose columns would both be named '{}'", twice.name)));
        }
        if let Some(source) = &union.source_column {
            if fields.iter().any(|f| f.name == source.text) {
                return Err(unsupported(source.span, "withsource naming a column that exists"));
            }
            fields.insert(0, Field { name: source.text.clone(), ty: Type::String });
        }
        let types: Vec<Type> = fields.iter().map(|f| f.ty).collect();
        let depth = parts.iter().map(|p| p.depth).max().unwrap_or(0) + 1;
        let plans = parts
            .into_iter()
            .enumerate()
            .map(|(at, part)| {
                let source = match part.name.as_ref() {
                    "" => format!("union_arg{at}"),
                    name => name.to_owned(),
                };
                let source = union.source_column.is_some().then(|| (Scalar::Const(Value::text(source)), Type::String));
                let column = |f: &Field| match part.fields.iter().position(|p| p == f) {
                    Some(at) => (Scalar::Column(at), f.ty),
                    None => (Scalar::Const(Value::absent(f.ty).clone()), f.ty),
                };
                let values = source.into_iter().chain(columns.iter().map(column)).collect();
                self.piped(part, vec![Op::Map(values)], Vec::new(), false).plan
            })
            .collect();
        Ok(Relation { fields, plan: Plan::Union(plans, types), serialized: false, name: "".into(), depth })
    }

    /// Whether a source is a table that nobody has.
    fn is_missing(&mut self, source: &Source, env: &Env) -> bool {
        match source {
            Source::Expr(Expr { kind: ExprKind::Name(name), .. }) => env.find(name).is_none() && self.table(name).is_none(),
            Source::Expr(Expr { kind: ExprKind::Parens(inner), .. }) => self.is_missing(&Source::Expr((**inner).clone()), env),
            Source::Expr(Expr { kind: ExprKind::Query(inner), .. }) => self.is_missing(&inner.source, env),
            _ => false,
        }
    }

    fn join(&mut self, left: Relation, kind: JoinKind, right: &Pipeline, on: &[Expr], lookup: bool, env: &Env) -> Try<Relation> {
        let right = self.pipeline(right, env)?;
        let mut keys = Vec::new();
        for condition in on {
            self.join_condition(condition, &left.fields, &right.fields, &mut keys)?;
        }
        let mut fields = Vec::new();
        let mut values = Vec::new();
        let from_left = !matches!(kind, JoinKind::RightSemi | JoinKind::RightAnti);
        let from_right = !matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti);
        let mut namer = Namer::new([]);
        if from_left {
            for (at, field) in left.fields.iter().enumerate() {
                namer.claim(&field.name);
                fields.push(field.clone());
                values.push((Scalar::Column(at), field.ty));
            }
        }
        if from_right {
            let offset = if from_left { left.fields.len() } else { 0 };
            for (at, field) in right.fields.iter().enumerate() {
                if lookup && keys.iter().any(|(_, r, _)| *r == at) {
                    continue;
                }
                fields.push(Field { name: namer.suffixed(&field.name), ty: field.ty });
                values.push((Scalar::Column(offset + at), field.ty));
            }
        }
        let depth = left.depth.max(right.depth + 1);
        let join = Join { kind, right: right.plan, on: keys };
        let joined = self.piped(left, vec![Op::Join(Box::new(join)), Op::Map(values)], fields, false);
        Ok(Relation { depth, ..joined })
    }

    fn join_condition(&mut self, expr: &Expr, left: &[Field], right: &[Field], keys: &mut Vec<(usize, usize, bool)>) -> Try<()> {
        let (l, r) = match &expr.kind {
            ExprKind::Parens(inner) => return self.join_condition(inner, left, right, keys),
            ExprKind::And(parts) => {
                for part in parts {
                    self.join_condition(part, left, right, keys)?;
                }
                return Ok(());
            }
            ExprKind::Name(name) => {
                let name = Name { text: name.clone(), span: expr.span };
                (self.column(left, &name)?, self.column(right, &name)?)
            }
            ExprKind::Compare(Cmp::Eq, a, b) => match (side(a), side(b)) {
                (Some(("$left", a)), Some(("$right", b))) => (self.column(left, a)?, self.column(right, b)?),
                (Some(("$right", b)), Some(("$left", a))) => (self.column(left, a)?, self.column(right, b)?),
                _ => return Err(semantic(expr.span, "a join condition is a column, or $left.a == $right.b")),
            },
            _ => return Err(semantic(expr.span, "a join condition is a column, or $left.a == $right.b")),
        };
        let (lt, rt) = (left.get(l).map_or(Type::Dynamic, |f| f.ty), right.get(r).map_or(Type::Dynamic, |f| f.ty));
        match joinable(lt, rt) {
            Some(as_real) => keys.push((l, r, as_real)),
            None => return Err(types_differ(expr.span, "cannot join", lt, rt)),
        }
        Ok(())
    }

    fn mv_expand(&mut self, input: Relation, items: &[Expansion], index: Option<&Name>, most: Option<&Expr>, env: &Env) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let width = input.fields.len();
        let mut fields = input.fields.clone();
        let mut columns: Vec<usize> = (0..width).collect();
        let mut bound_items = Vec::new();
        let mut namer = Namer::new(&input.fields);
        for (at, item) in items.iter().enumerate() {
            let bound = self.scalar(&item.expr, site)?;
            if bound.ty != Type::Dynamic {
                return Err(semantic(
                    item.expr.span,
                    format!("mv-expand needs a dynamic, not a {}; use parse_json() or split()", bound.ty.name()),
                ));
            }
            let ty = item.ty.unwrap_or(Type::Dynamic);
            let name = match &item.name {
                Some(name) => name.text.clone(),
                None => name::of(&item.expr).map_or_else(|| namer.fresh(None), Into::into),
            };
            match fields.iter_mut().zip(&mut columns).find(|(f, _)| f.name == name) {
                Some((field, column)) => {
                    field.ty = ty;
                    *column = width + at;
                }
                None => {
                    fields.push(Field { name, ty });
                    columns.push(width + at);
                }
            }
            bound_items.push((bound.scalar, ty));
        }
        if let Some(index) = index {
            if fields.iter().any(|f| f.name == index.text) {
                return Err(semantic(index.span, format!("two columns are named '{}'", index.text)));
            }
            fields.push(Field { name: index.text.clone(), ty: Type::Long });
            columns.push(width + items.len());
        }
        let limit = match most {
            Some(most) => self.count(most, site)?,
            None => usize::MAX,
        };
        let expand = Expand { items: bound_items, index: index.is_some(), limit };
        let values = columns.iter().zip(&fields).map(|(at, f)| (Scalar::Column(*at), f.ty)).collect();
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Expand(expand), Op::Map(values)], fields, serialized))
    }

    #[allow(clippy::too_many_arguments)]
    fn parse(
        &mut self,
        input: Relation,
        value: &Expr,
        pieces: &[ParsePiece],
        relaxed: bool,
        filter: bool,
        span: Span,
        env: &Env,
    ) -> Try<Relation> {
        let site = Site { fields: &input.fields, env, serialized: input.serialized, aggregates: None };
        let bound = self.scalar(value, site)?;
        if !matches!(bound.ty, Type::String | Type::Dynamic) {
            return Err(semantic(value.span, format!("parse reads a string, not a {}", bound.ty.name())));
        }
        let width = input.fields.len();
        let mut fields = input.fields.clone();
        let mut columns: Vec<usize> = (0..width).collect();
        let mut types = Vec::new();
        let mut pattern = "(?s)^".to_owned();
        let mut given = HashSet::new();
        for (at, piece) in pieces.iter().enumerate() {
            match piece {
                ParsePiece::Star => pattern.push_str(".*?"),
                ParsePiece::Text(text) => pattern.push_str(&regex::escape(text)),
                ParsePiece::Column(name, ty) => {
                    if matches!(pieces.get(at.wrapping_sub(1)), Some(ParsePiece::Star)) {
                        return Err(syntax(name.span, "a text must stand between '*' and a column"));
                    }
                    if !given.insert(name.text.clone()) {
                        return Err(semantic(name.span, format!("two columns are named '{}'", name.text)));
                    }
                    pattern.push_str("(.*?)");
                    let place = width + types.len();
                    match fields.iter_mut().zip(&mut columns).find(|(f, _)| f.name == name.text) {
                        Some((field, column)) => {
                            field.ty = *ty;
                            *column = place;
                        }
                        None => {
                            fields.push(Field { name: name.text.clone(), ty: *ty });
                            columns.push(place);
                        }
                    }
                    types.push(*ty);
                }
            }
        }
        pattern.push('$');
        let regex = compile(&pattern).map_err(|refusal| match refusal {
            Refusal::Wrong(message) => semantic(span, message),
            Refusal::Missing(part) => unsupported(span, part),
        })?;
        let parse = ParseText { value: bound.scalar, regex, types, relaxed, filter };
        let values = columns.iter().zip(&fields).map(|(at, f)| (Scalar::Column(*at), f.ty)).collect();
        let serialized = input.serialized;
        Ok(self.piped(input, vec![Op::Parse(parse), Op::Map(values)], fields, serialized))
    }
}

/// `$left.x` or `$right.x`.
fn side(expr: &Expr) -> Option<(&str, &Name)> {
    match &expr.kind {
        ExprKind::Path(root, name) => match &root.kind {
            ExprKind::Name(root) if root.starts_with('$') => Some((root, name)),
            _ => None,
        },
        ExprKind::Parens(inner) => side(inner),
        _ => None,
    }
}

fn wildcard(pattern: &str, span: Span) -> Try<Regex> {
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
