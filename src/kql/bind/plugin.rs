//! `evaluate`: plugins. Some make columns that only the rows tell; these rows are then computed while the query is bound.

use super::super::ast::{Arg, Expr, ExprKind, Name, Named, OutputSchema};
use super::super::compare::to_text;
use super::super::error::{Span, Try, semantic, unsupported};
use super::super::exec::{Ipv4Lookup, Narrow, Unpack, Unstack};
use super::super::plan::Op;
use super::super::scalar::{Batch, Scalar};
use super::super::value::{Type, Value};
use super::name::Namer;
use super::{Binder, Env, Field, Relation, Site};
use crate::json;
use std::sync::Arc;

/// How many columns rows may make.
const MAX_COLUMNS: usize = 5_000;

impl Binder<'_> {
    pub(super) fn evaluate(
        &mut self,
        input: Relation,
        plugin: &Name,
        args: &[Arg],
        schema: Option<&OutputSchema>,
        span: Span,
        env: &Env,
    ) -> Try<Relation> {
        match plugin.text.as_ref() {
            "bag_unpack" => self.bag_unpack(input, args, schema, span, env),
            "pivot" => self.pivot(input, args, schema, span, env),
            "narrow" if args.is_empty() => Ok(self.narrow(input)),
            "ipv4_lookup" => self.ipv4_lookup(input, args, span, env),
            other => Err(unsupported(plugin.span, format!("the plugin '{other}'"))),
        }
    }

    /// The rows of a relation, now.
    fn rows_now(&mut self, input: Relation, plugin: &str, span: Span) -> Try<(Relation, Batch)> {
        let Some(run) = self.live else {
            return Err(unsupported(
                span,
                format!("the columns of '{plugin}' before it has run, for only its rows tell them; declare them with : (*, name:type)"),
            ));
        };
        if input.plan.varies() {
            return Err(unsupported(span, format!("'{plugin}' without a schema inside mv-apply or partition")));
        }
        let input = self.share(input);
        let batch = run.rows(&input.plan)?;
        Ok((input, batch))
    }

    fn text_arg(&mut self, arg: Option<&&Arg>, env: &Env) -> Try<Option<String>> {
        let Some(arg) = arg else {
            return Ok(None);
        };
        let site = Site { fields: &[], env, serialized: false, aggregates: None };
        match self.scalar(&arg.expr, site)?.constant() {
            Some(Value::String(text)) => Ok(Some(text.to_string())),
            _ => Err(semantic(arg.expr.span, "expected a constant text")),
        }
    }

    fn bag_unpack(&mut self, input: Relation, args: &[Arg], schema: Option<&OutputSchema>, span: Span, env: &Env) -> Try<Relation> {
        let order = ["Column", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"];
        if let Some(name) = args.iter().filter_map(|a| a.name.as_ref()).find(|n| !order.contains(&n.text.as_ref())) {
            return Err(semantic(name.span, format!("bag_unpack has no argument '{}'", name.text)));
        }
        let arg = |at: usize| {
            let name = order.get(at).copied().unwrap_or_default();
            let named = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text.as_ref() == name));
            named.or_else(|| args.get(at).filter(|a| a.name.is_none()))
        };
        let (Some(Arg { expr: Expr { kind: ExprKind::Name(column), span: place }, .. }), true) = (arg(0), args.len() <= order.len()) else {
            return Err(semantic(span, "bag_unpack takes a column, a prefix, what to do about conflicts and what to ignore"));
        };
        let bag = self.column(&input.fields, &Name { text: column.clone(), span: *place })?;
        if input.fields.get(bag).is_none_or(|f| f.ty != Type::Dynamic) {
            return Err(semantic(*place, "bag_unpack needs a dynamic column; use parse_json()"));
        }
        let prefix = self.text_arg(arg(1).as_ref(), env)?.unwrap_or_default();
        let conflict = self.text_arg(arg(2).as_ref(), env)?.unwrap_or_else(|| "error".to_owned());
        if !["error", "replace_source", "keep_source"].contains(&conflict.as_str()) {
            return Err(semantic(span, "columnsConflict: 'error', 'replace_source' or 'keep_source'"));
        }
        let ignored = match arg(3) {
            None => Vec::new(),
            Some(arg) => {
                let site = Site { fields: &[], env, serialized: false, aggregates: None };
                match self.scalar(&arg.expr, site)?.constant() {
                    Some(Value::Dynamic(list)) => {
                        list.as_array().unwrap_or_default().iter().filter_map(|i| i.as_str().map(str::to_owned)).collect::<Vec<_>>()
                    }
                    _ => return Err(semantic(arg.expr.span, "ignoredProperties: a constant array of texts")),
                }
            }
        };
        let own = |input: &Relation| {
            let rest = input.fields.iter().enumerate().filter(|(at, _)| *at != bag);
            rest.map(|(at, f)| (f.clone(), Scalar::Column(at))).collect::<Vec<_>>()
        };
        let mut columns: Vec<(Field, Scalar)>;
        let mut slots: Vec<(String, Type)> = Vec::new();
        let input = match schema {
            Some(schema) => {
                let source = own(&input);
                columns = if schema.star { source.clone() } else { Vec::new() };
                for (name, ty) in &schema.columns {
                    let field = Field { name: name.text.clone(), ty: *ty };
                    if columns.iter().any(|(f, _)| f.name == name.text) {
                        return Err(semantic(name.span, format!("two columns are named '{}'", name.text)));
                    }
                    match source.iter().find(|(f, _)| f.name == name.text) {
                        Some((f, value)) if f.ty == *ty => columns.push((field, value.clone())),
                        Some((f, _)) => {
                            return Err(semantic(
                                name.span,
                                format!("the column '{}' is a {}, not a {}", name.text, f.ty.name(), ty.name()),
                            ));
                        }
                        None => {
                            columns.push((field, Scalar::Column(input.fields.len() + slots.len())));
                            let key = name.text.strip_prefix(prefix.as_str());
                            slots.push((key.map_or_else(|| "\u{0}".to_owned(), str::to_owned), *ty));
                        }
                    }
                }
                input
            }
            None => {
                let (input, batch) = self.rows_now(input, "evaluate bag_unpack", span)?;
                columns = own(&input);
                let width = input.fields.len();
                for (key, ty) in slots_of(&batch, bag, &ignored) {
                    let name: Arc<str> = format!("{prefix}{key}").into();
                    if name.is_empty() {
                        return Err(unsupported(span, "bag_unpack of a member without a name"));
                    }
                    let new = (Field { name: name.clone(), ty }, Scalar::Column(width + slots.len()));
                    match columns.iter().position(|(f, _)| f.name == name) {
                        Some(_) if conflict == "keep_source" => continue,
                        Some(at) if conflict == "replace_source" => {
                            columns.remove(at);
                        }
                        Some(_) => return Err(semantic(span, format!("two columns are named '{name}'; say columnsConflict"))),
                        None => {}
                    }
                    columns.push(new);
                    slots.push((key, ty));
                    if columns.len() > MAX_COLUMNS {
                        return Err(super::super::error::limit(span, format!("bag_unpack makes more than {MAX_COLUMNS} columns")));
                    }
                }
                input
            }
        };
        let step = Op::Step(Arc::new(Unpack { bag, slots, span }));
        let fields: Vec<Field> = columns.iter().map(|(f, _)| f.clone()).collect();
        let values = columns.into_iter().map(|(f, value)| (value, f.ty)).collect();
        let serialized = input.serialized;
        Ok(self.piped(input, vec![step, Op::Map(values)], fields, serialized))
    }

    fn pivot(&mut self, input: Relation, args: &[Arg], schema: Option<&OutputSchema>, span: Span, env: &Env) -> Try<Relation> {
        let count = Expr { kind: ExprKind::Call(Name { text: "count".into(), span }, Vec::new()), span };
        let Some((Expr { kind: ExprKind::Name(pivoted), span: place }, rest)) = args.split_first().map(|(a, rest)| (&a.expr, rest)) else {
            return Err(semantic(span, "pivot takes the name of a column, an aggregate and names of columns"));
        };
        let at = self.column(&input.fields, &Name { text: pivoted.clone(), span: *place })?;
        let (aggregate, rest) = match rest.split_first() {
            Some((first, rest)) if matches!(first.expr.kind, ExprKind::Call(..)) => (first.expr.clone(), rest),
            _ => (count, rest),
        };
        let ExprKind::Call(function, arguments) = &aggregate.kind else {
            return Err(semantic(aggregate.span, "expected an aggregate"));
        };
        let zero = matches!(function.text.as_ref(), "count" | "sum" | "dcount");
        let known =
            ["count", "sum", "dcount", "min", "max", "avg", "any", "take_any", "stdev", "variance", "make_list", "make_set", "make_bag"];
        if !known.contains(&function.text.as_ref()) {
            return Err(unsupported(function.span, format!("pivot with the aggregate '{}'", function.text)));
        }
        let mut groups: Vec<Arc<str>> = Vec::new();
        for arg in rest {
            match &arg.expr.kind {
                ExprKind::Name(name) => groups.push(name.clone()),
                _ => return Err(semantic(arg.expr.span, "expected the name of a column")),
            }
        }
        if rest.is_empty() {
            let used =
                |f: &&Field| f.name != *pivoted && !arguments.iter().any(|a| matches!(&a.expr.kind, ExprKind::Name(n) if *n == f.name));
            groups = input.fields.iter().filter(used).map(|f| f.name.clone()).collect();
        }
        let name = |name: &Arc<str>| Named { names: Vec::new(), expr: Expr { kind: ExprKind::Name(name.clone()), span: *place } };
        let mut by: Vec<Named> = groups.iter().map(name).collect();
        by.push(name(pivoted));
        let cell = Name { text: "the cell of pivot".into(), span };
        let pivoted_type = input.fields.get(at).map_or(Type::String, |f| f.ty);
        if pivoted_type == Type::Dynamic {
            return Err(semantic(*place, "pivot cannot turn a dynamic column; convert it with tostring()"));
        }
        let cells = self.summarize(input, &[Named { names: vec![cell], expr: aggregate.clone() }], &by, env)?;
        let mut fields: Vec<Field> = cells.fields.iter().take(groups.len()).cloned().collect();
        let ty = cells.fields.last().map_or(Type::Long, |f| f.ty);
        let (cells, batch) = match schema {
            Some(schema) => {
                let head = schema.columns.iter().take(groups.len()).map(|(n, ty)| Field { name: n.text.clone(), ty: *ty });
                if schema.star || !head.eq(fields.iter().cloned()) {
                    return Err(unsupported(span, "a schema of pivot that does not begin with the columns of its groups"));
                }
                (cells, None)
            }
            None => {
                let (cells, batch) = self.rows_now(cells, "evaluate pivot", span)?;
                (cells, Some(batch))
            }
        };
        let mut values: Vec<Arc<str>> = Vec::new();
        match (&batch, schema) {
            (Some(batch), _) => {
                for row in 0..batch.rows {
                    let value = batch.cols.get(groups.len()).map_or_else(|| "".into(), |c| to_text(&c.get(row)));
                    if !values.contains(&value) {
                        values.push(value);
                    }
                    if values.len() > MAX_COLUMNS {
                        return Err(super::super::error::limit(span, format!("pivot makes more than {MAX_COLUMNS} columns")));
                    }
                }
                values.sort();
            }
            (None, Some(schema)) => {
                for (name, declared) in schema.columns.iter().skip(groups.len()) {
                    if *declared != ty {
                        return Err(unsupported(
                            name.span,
                            format!("a schema of pivot with a {} in place of a {}", declared.name(), ty.name()),
                        ));
                    }
                    values.push(name.text.clone());
                }
            }
            (None, None) => {}
        }
        let mut namer = Namer::new(&fields);
        for value in &values {
            if value.is_empty() || !namer.claim(value) {
                return Err(unsupported(span, format!("pivot to a column named '{value}'")));
            }
            fields.push(Field { name: value.clone(), ty });
        }
        let empty = match (zero, ty) {
            (true, Type::Real) => Some(Value::Real(0.0)),
            (true, Type::TimeSpan) => Some(Value::TimeSpan(0)),
            (true, Type::Long) => Some(Value::Long(0)),
            _ if ty == Type::Dynamic => None,
            _ => Some(Value::absent(ty).clone()),
        };
        let step = Unstack { groups: groups.len(), values, ty, empty, closed: schema.is_some(), span };
        Ok(self.piped(cells, vec![Op::Step(Arc::new(step))], fields, false))
    }

    fn narrow(&mut self, input: Relation) -> Relation {
        let names = input.fields.iter().map(|f| f.name.clone()).collect();
        let fields = [("Row", Type::Long), ("Column", Type::String), ("Value", Type::String)];
        let fields = fields.map(|(name, ty)| Field { name: name.into(), ty }).to_vec();
        self.piped(input, vec![Op::Step(Arc::new(Narrow { names }))], fields, false)
    }

    fn ipv4_lookup(&mut self, input: Relation, args: &[Arg], span: Span, env: &Env) -> Try<Relation> {
        let flag = |a: &Arg| a.name.as_ref().is_some_and(|n| n.text.as_ref() == "return_unmatched");
        let is_bool = |a: &Arg| matches!(a.expr.kind, ExprKind::Literal(Value::Bool(true), _));
        let unmatched = args.iter().any(|a| flag(a) && is_bool(a)) || args.last().is_some_and(is_bool);
        let plain: Vec<&Arg> = args.iter().filter(|a| !flag(a) && !matches!(a.expr.kind, ExprKind::Literal(Value::Bool(_), _))).collect();
        let [table, source, lookup, extra @ ..] = plain.as_slice() else {
            return Err(semantic(span, "ipv4_lookup takes a table, a column of addresses and a column of the table"));
        };
        let Some(right) = self.relation_of(&table.expr, env)? else {
            return Err(semantic(table.expr.span, "expected a table"));
        };
        let on = self.named_column(&input, source)?;
        let against = self.named_column(&right, lookup)?;
        let mut keys = Vec::new();
        for arg in extra {
            let ExprKind::Name(name) = &arg.expr.kind else {
                return Err(semantic(arg.expr.span, "expected the name of a column"));
            };
            let name = Name { text: name.clone(), span: arg.expr.span };
            let (l, r) = (self.column(&input.fields, &name)?, self.column(&right.fields, &name)?);
            if input.fields.get(l).map(|f| f.ty) != right.fields.get(r).map(|f| f.ty) {
                return Err(semantic(name.span, "the column has another type in the table"));
            }
            keys.push((l, r));
        }
        let mut namer = Namer::new(&input.fields);
        let mut fields = input.fields.clone();
        let mut values: Vec<(Scalar, Type)> = fields.iter().enumerate().map(|(at, f)| (Scalar::Column(at), f.ty)).collect();
        for (at, field) in right.fields.iter().enumerate().filter(|(at, _)| !keys.iter().any(|(_, r)| r == at)) {
            fields.push(Field { name: namer.suffixed(&field.name), ty: field.ty });
            values.push((Scalar::Column(input.fields.len() + at), field.ty));
        }
        let depth = input.depth.max(right.depth + 1);
        let step = Ipv4Lookup { on, right: right.plan, against, keys, unmatched };
        let looked = self.piped(input, vec![Op::Step(Arc::new(step)), Op::Map(values)], fields, false);
        Ok(Relation { depth, ..looked })
    }
}

/// The members of all bags, by name: the type that all values of a member have, else a dynamic.
fn slots_of(batch: &Batch, bag: usize, ignored: &[String]) -> Vec<(String, Type)> {
    let mut found: std::collections::BTreeMap<String, Option<Type>> = std::collections::BTreeMap::new();
    for row in 0..batch.rows {
        let Some(Value::Dynamic(value)) = batch.cols.get(bag).map(|c| c.get(row).into_owned()) else {
            continue;
        };
        for (key, member) in value.as_object().into_iter().flatten().filter(|(k, _)| !ignored.contains(k)) {
            let ty = match member {
                json::Value::Null => None,
                json::Value::Bool(_) => Some(Type::Bool),
                json::Value::Int(_) => Some(Type::Long),
                json::Value::Float(_) => Some(Type::Real),
                json::Value::String(_) => Some(Type::String),
                _ => Some(Type::Dynamic),
            };
            let seen = found.entry(key.clone()).or_insert(ty);
            match (*seen, ty) {
                (Some(a), Some(b)) if a != b => *seen = Some(Type::Dynamic),
                (None, Some(b)) => *seen = Some(b),
                _ => {}
            }
        }
    }
    found.into_iter().map(|(key, ty)| (key, ty.unwrap_or(Type::Dynamic))).collect()
}
