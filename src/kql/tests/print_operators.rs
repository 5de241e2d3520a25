//! Pipelines and their operators as KQL text: what [`super::print`] is for expressions.

use super::print::{all, argument, is_plain, list, name, piped, string};
use crate::kql::ast::*;
use crate::kql::value::Type;
use std::fmt::{self, Display, Formatter};

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.names.as_slice() {
            [] => {}
            [one] => write!(f, "{one} = ")?,
            many => {
                f.write_str("(")?;
                list(f, many, |f, name| f.write_str(&name.text))?;
                f.write_str(") = ")?;
            }
        }
        self.expr.fmt(f)
    }
}

impl Display for Pipeline {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)?;
        for op in &self.ops {
            write!(f, " | {}", op.kind)?;
        }
        Ok(())
    }
}

/// A pipeline where an operand stands: in brackets, unless it is an expression alone.
fn operand(f: &mut Formatter<'_>, pipeline: &Pipeline) -> fmt::Result {
    match &pipeline.source {
        Source::Expr(expr) if pipeline.ops.is_empty() => expr.fmt(f),
        _ => write!(f, "({pipeline})"),
    }
}

fn columns(f: &mut Formatter<'_>, columns: &[(Name, Type)]) -> fmt::Result {
    list(f, columns, |f, (name, ty)| write!(f, "{name}: {}", ty.name()))
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Source::Expr(expr) => piped(f, expr),
            Source::Print(items) => starless(f, "print ", items),
            Source::Range { column, from, to, step } => write!(f, "range {} from {from} to {to} step {step}", column.text),
            Source::Union(union) => union.fmt(f),
            Source::DataTable { columns: names, cells } => {
                f.write_str("datatable(")?;
                columns(f, names)?;
                f.write_str(")[")?;
                all(f, cells)?;
                f.write_str("]")
            }
            Source::External(External { columns: names, urls, with }) => {
                f.write_str("externaldata(")?;
                columns(f, names)?;
                f.write_str(")[")?;
                all(f, urls)?;
                f.write_str("] with (")?;
                list(f, with, |f, (name, value)| write!(f, "{name} = {value}"))?;
                f.write_str(")")
            }
            Source::Search(search) => search.fmt(f),
            Source::Find(find) => find.fmt(f),
        }
    }
}

/// ` in (tables)`
fn among(f: &mut Formatter<'_>, tables: &[UnionPart]) -> fmt::Result {
    if tables.is_empty() {
        return Ok(());
    }
    f.write_str(" in (")?;
    all(f, tables)?;
    f.write_str(")")
}

/// Whether a predicate compares texts exactly, which only `search kind=case_sensitive` writes.
fn exact(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Text(op, ..) => op.how == TextHow::Equal && op.case_sensitive,
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().any(exact),
        ExprKind::Parens(inner) => exact(inner),
        ExprKind::Call(_, args) => args.iter().any(|arg| exact(&arg.expr)),
        _ => false,
    }
}

impl Display for Search {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = if self.predicate.as_ref().is_some_and(exact) { "case_sensitive" } else { "default" };
        write!(f, "search kind={kind}")?;
        among(f, &self.tables)?;
        match &self.predicate {
            Some(predicate) => write!(f, " {predicate}"),
            None => f.write_str(" *"),
        }
    }
}

impl Display for Find {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("find")?;
        if let Some(column) = &self.source_column {
            write!(f, " withsource={column}")?;
        }
        among(f, &self.tables)?;
        write!(f, " where {}", self.predicate)?;
        let Some(columns) = &self.project else { return Ok(()) };
        f.write_str(" project ")?;
        list(f, columns, |f, (name, ty)| {
            name.fmt(f)?;
            ty.map_or(Ok(()), |ty| write!(f, ": {}", ty.name()))
        })
    }
}

impl Display for Union {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("union ")?;
        if self.inner {
            f.write_str("kind=inner ")?;
        }
        if self.fuzzy {
            f.write_str("isfuzzy=true ")?;
        }
        if let Some(column) = &self.source_column {
            write!(f, "withsource={column} ")?;
        }
        all(f, &self.parts)
    }
}

impl Display for UnionPart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            UnionPart::Pipeline(pipeline) => operand(f, pipeline),
            UnionPart::Wildcard(name) => f.write_str(&name.text),
        }
    }
}

impl Display for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let nulls = match self.nulls_first {
            Some(true) => " nulls first",
            Some(false) => " nulls last",
            None => "",
        };
        write!(f, "{} {}{nulls}", self.expr, if self.ascending { "asc" } else { "desc" })
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let wild = self.text.contains('*') && self.text.split('*').all(|part| part.is_empty() || is_plain(part));
        if wild {
            f.write_str(&self.text)?
        } else {
            name(f, &self.text)?
        }
        f.write_str(match self.order {
            Reorder::Asked => "",
            Reorder::Ascending => " asc",
            Reorder::Descending => " desc",
        })
    }
}

fn join_kind(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::InnerUnique => "innerunique",
        JoinKind::Inner => "inner",
        JoinKind::LeftOuter => "leftouter",
        JoinKind::RightOuter => "rightouter",
        JoinKind::FullOuter => "fullouter",
        JoinKind::LeftAnti => "leftanti",
        JoinKind::LeftSemi => "leftsemi",
        JoinKind::RightAnti => "rightanti",
        JoinKind::RightSemi => "rightsemi",
    }
}

impl Display for OperatorKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            OperatorKind::Where(condition) => write!(f, "where {condition}"),
            OperatorKind::Project(items) if items.is_empty() => f.write_str("project"),
            OperatorKind::Project(items) => worded(f, "project ", items),
            OperatorKind::ProjectAway(patterns) => worded(f, "project-away ", patterns),
            OperatorKind::ProjectKeep(patterns) => worded(f, "project-keep ", patterns),
            OperatorKind::ProjectRename(renames) => {
                f.write_str("project-rename ")?;
                list(f, renames, |f, (new, old)| write!(f, "{new} = {old}"))
            }
            OperatorKind::ProjectReorder(patterns) => worded(f, "project-reorder ", patterns),
            OperatorKind::Extend(items) => worded(f, "extend ", items),
            OperatorKind::Summarize { aggregates, by } => {
                f.write_str("summarize ")?;
                all(f, aggregates)?;
                if by.is_empty() {
                    return Ok(());
                }
                worded(f, if aggregates.is_empty() { "by " } else { " by " }, by)
            }
            OperatorKind::Distinct(items) => starless(f, "distinct ", items),
            OperatorKind::DistinctAll => f.write_str("distinct *"),
            OperatorKind::Take(count) => write!(f, "take {count}"),
            OperatorKind::Top { count, by } => write!(f, "top {count} by {by}"),
            OperatorKind::Sort(orders) => worded(f, "sort by ", orders),
            OperatorKind::Count(None) => f.write_str("count"),
            OperatorKind::Count(Some(name)) => write!(f, "count as {name}"),
            OperatorKind::Union(union) => union.fmt(f),
            OperatorKind::Join { kind, right, on, lookup } => {
                write!(f, "{} kind={} ", if *lookup { "lookup" } else { "join" }, join_kind(*kind))?;
                operand(f, right)?;
                worded(f, " on ", on)
            }
            OperatorKind::MvExpand { items, index, limit, arrays } => {
                f.write_str(if *arrays { "mv-expand kind=array " } else { "mv-expand " })?;
                expansions(f, items, index.as_ref(), limit.as_ref())
            }
            OperatorKind::Parse { value, pieces, how, filter } => {
                f.write_str(if *filter { "parse-where " } else { "parse " })?;
                match how {
                    ParseHow::Simple => {}
                    ParseHow::Relaxed => f.write_str("kind=relaxed ")?,
                    ParseHow::Regex(flags) => {
                        f.write_str("kind=regex ")?;
                        if !flags.is_empty() {
                            f.write_str("flags=")?;
                            name(f, flags)?;
                            f.write_str(" ")?;
                        }
                    }
                }
                write!(f, "{value} with")?;
                for piece in pieces {
                    f.write_str(" ")?;
                    match piece {
                        ParsePiece::Star => f.write_str("*")?,
                        ParsePiece::Text(text) => string(f, text)?,
                        ParsePiece::Column(name, ty) => write!(f, "{name}: {}", ty.name())?,
                    }
                }
                Ok(())
            }
            OperatorKind::Render(kind) => {
                f.write_str("render ")?;
                name(f, kind)
            }
            OperatorKind::As(name) => write!(f, "as {name}"),
            OperatorKind::Serialize(items) if items.is_empty() => f.write_str("serialize"),
            OperatorKind::Serialize(items) => worded(f, "serialize ", items),
            OperatorKind::GetSchema => f.write_str("getschema"),
            OperatorKind::Invoke { function, args } => called(f, "invoke", function, args),
            OperatorKind::Evaluate { plugin, args, schema } => {
                called(f, "evaluate", plugin, args)?;
                let Some(OutputSchema { star, columns: names }) = schema else { return Ok(()) };
                f.write_str(match (star, names.is_empty()) {
                    (true, _) => " : (*, ",
                    (false, true) => " : (*",
                    (false, false) => " : (",
                })?;
                columns(f, names)?;
                f.write_str(")")
            }
            OperatorKind::MakeSeries(series) => series.fmt(f),
            OperatorKind::MvApply { items, index, limit, ops } => {
                f.write_str("mv-apply ")?;
                expansions(f, items, index.as_ref(), limit.as_ref())?;
                f.write_str(" on ")?;
                bracketed(f, ops)
            }
            OperatorKind::Search(search) => search.fmt(f),
            OperatorKind::TopNested(levels) => all(f, levels),
            OperatorKind::TopHitters { count, of, by } => {
                write!(f, "top-hitters {count} of {of}")?;
                by.as_ref().map_or(Ok(()), |by| write!(f, " by {by}"))
            }
            OperatorKind::Partition { by, sub, native } => {
                write!(f, "partition {}by {by} ", if *native { "hint.strategy=native " } else { "" })?;
                match sub {
                    SubQuery::Ops(ops) => bracketed(f, ops),
                    SubQuery::Braces => f.write_str("{ print 1 }"),
                }
            }
            OperatorKind::Scan(scan) => scan.fmt(f),
            OperatorKind::Sample(count) => write!(f, "sample {count}"),
            OperatorKind::SampleDistinct { count, of } => write!(f, "sample-distinct {count} of {of}"),
            OperatorKind::Consume => f.write_str("consume"),
            OperatorKind::ProjectByNames(items) => worded(f, "project-by-names ", items),
        }
    }
}

fn called(f: &mut Formatter<'_>, word: &str, function: &Name, args: &[Arg]) -> fmt::Result {
    write!(f, "{word} {function}(")?;
    list(f, args, argument)?;
    f.write_str(")")
}

fn bracketed(f: &mut Formatter<'_>, ops: &[Operator]) -> fmt::Result {
    for (at, op) in ops.iter().enumerate() {
        write!(f, "{}{}", if at > 0 { " | " } else { "(" }, op.kind)?;
    }
    f.write_str(")")
}

fn expansions(f: &mut Formatter<'_>, items: &[Expansion], index: Option<&Name>, limit: Option<&Expr>) -> fmt::Result {
    if let Some(index) = index {
        write!(f, "with_itemindex={index} ")?;
    }
    list(f, items, |f, item| {
        if let Some(name) = &item.name {
            write!(f, "{name} = ")?;
        }
        item.expr.fmt(f)?;
        item.ty.map_or(Ok(()), |ty| write!(f, " to typeof({})", ty.name()))
    })?;
    limit.map_or(Ok(()), |most| write!(f, " limit {most}"))
}

impl Display for MakeSeries {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.nonempty { "make-series kind=nonempty " } else { "make-series " })?;
        list(f, &self.series, |f, (aggregate, default)| {
            aggregate.fmt(f)?;
            default.as_ref().map_or(Ok(()), |value| write!(f, " default={value}"))
        })?;
        f.write_str(" on ")?;
        // The axis takes no name in brackets.
        if let Some(name) = self.axis.names.first() {
            write!(f, "{} = ", name.text)?;
        }
        self.axis.expr.fmt(f)?;
        match (&self.from, &self.to, self.in_range) {
            (Some(from), Some(to), true) => write!(f, " in range({from}, {to}, {})", self.step)?,
            (from, to, _) => {
                for (word, bound) in [("from", from), ("to", to)] {
                    bound.as_ref().map_or(Ok(()), |bound| write!(f, " {word} {bound}"))?;
                }
                write!(f, " step {}", self.step)?;
            }
        }
        if self.by.is_empty() { Ok(()) } else { worded(f, " by ", &self.by) }
    }
}

impl Display for TopLevel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("top-nested ")?;
        if let Some(count) = &self.count {
            write!(f, "{count} ")?;
        }
        write!(f, "of {}", self.of)?;
        if let Some(others) = &self.others {
            write!(f, " with others = {others}")?;
        }
        write!(f, " by {} {}", self.by, if self.ascending { "asc" } else { "desc" })
    }
}

impl Display for Scan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("scan ")?;
        if let Some(column) = &self.match_id {
            write!(f, "with_match_id={column} ")?;
        }
        f.write_str("declare (")?;
        list(f, &self.declared, |f, (name, ty, default)| {
            write!(f, "{name}: {}", ty.name())?;
            default.as_ref().map_or(Ok(()), |value| write!(f, " = {value}"))
        })?;
        f.write_str(") with (")?;
        for step in &self.steps {
            let emit = match step.emit {
                Emit::All => "all",
                Emit::Last => "last",
                Emit::None => "none",
            };
            write!(f, "step {} output={emit}: {}", step.name, step.condition)?;
            f.write_str(if step.set.is_empty() { "" } else { " => " })?;
            list(f, &step.set, |f, (name, value)| write!(f, "{name} = {value}"))?;
            f.write_str("; ")?;
        }
        f.write_str(")")
    }
}

/// Items of which the first must not be taken for a `*` that means something here.
fn starless<T: Display>(f: &mut Formatter<'_>, word: &str, items: &[T]) -> fmt::Result {
    let plus = items.first().is_some_and(|item| item.to_string().starts_with('*'));
    f.write_str(word)?;
    f.write_str(if plus { "+" } else { "" })?;
    all(f, items)
}

fn worded<T: Display>(f: &mut Formatter<'_>, word: &str, items: &[T]) -> fmt::Result {
    f.write_str(word)?;
    all(f, items)
}

impl Display for Lambda {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        list(f, &self.params, |f, param| {
            write!(f, "{}: ", param.name)?;
            match &param.kind {
                ParamKind::Scalar(ty) => f.write_str(ty.name())?,
                ParamKind::Table(any) if any.is_empty() => f.write_str("(*)")?,
                ParamKind::Table(names) => {
                    f.write_str("(")?;
                    columns(f, names)?;
                    f.write_str(")")?;
                }
            }
            param.default.as_ref().map_or(Ok(()), |value| write!(f, " = {value}"))
        })?;
        f.write_str(") { ")?;
        lets(f, &self.lets)?;
        write!(f, "{} }}", self.body)
    }
}

fn lets(f: &mut Formatter<'_>, lets: &[Let]) -> fmt::Result {
    for statement in lets {
        write!(f, "let {} = ", statement.name)?;
        match &statement.value {
            LetValue::Pipeline(pipeline) => pipeline.fmt(f)?,
            LetValue::Lambda(lambda) => lambda.fmt(f)?,
        }
        f.write_str("; ")?;
    }
    Ok(())
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        lets(f, &self.lets)?;
        self.body.fmt(f)
    }
}
