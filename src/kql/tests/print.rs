//! The syntax tree as KQL text, in one canonical spelling: a text that is parsed, printed and parsed again must give the same tree, so a
//! parser that loses or moves a part is found out by `printing`, whatever the query.
//!
//! Comments, layout, hints and a plus sign are not in the tree, nor is the query of a `partition` in braces.

use crate::json;
use crate::kql::ast::*;
use crate::kql::datetime::{format_datetime_full, format_timespan};
use crate::kql::value::{Type, Value};
use std::fmt::{self, Display, Formatter, Write};

/// Words that mean something where a name may stand; as names they go into brackets.
const WORDS: &str = "alias and as asc bagexpansion between by cluster contains contains_cs database datascope datatable date datetime declare default \
desc distinct drop dynamic endswith endswith_cs evaluate external_data externaldata FALSE False false find first flags from guid H \
h has has_all has_any has_any_index has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs hint in isfuzzy kind last let like limit \
matches notcontains notcontains_cs notlike nulls of on or others output pack pack_all pattern print project range regex restrict \
search set startswith startswith_cs step time timespan to TRUE True true typeof union view where with with_itemindex with_match_id \
with_source withsource workspace";

pub(super) fn is_plain(name: &str) -> bool {
    let rest = name.strip_prefix('$').unwrap_or(name);
    let begins = name.starts_with('$') || rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
    begins && !rest.is_empty() && rest.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A name where the grammar takes one in brackets as well.
pub(super) fn name(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    if is_plain(text) && !WORDS.split_whitespace().any(|word| word == text) {
        return f.write_str(text);
    }
    f.write_str("[")?;
    string(f, text)?;
    f.write_str("]")
}

pub(super) fn string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c => f.write_char(c)?,
        }
    }
    f.write_str("\"")
}

pub(super) fn list<T>(f: &mut Formatter<'_>, items: &[T], mut one: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(", ")?;
        }
        one(f, item)?;
    }
    Ok(())
}

pub(super) fn all<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    list(f, items, |f, item| item.fmt(f))
}

fn literal(f: &mut Formatter<'_>, value: &Value, ty: Type) -> fmt::Result {
    match (value, ty) {
        (Value::String(text), Type::String) => string(f, text),
        (Value::Bool(b), Type::Bool) => write!(f, "{b}"),
        (Value::Long(i64::MIN), Type::Long) => write!(f, "{:#x}", i64::MIN),
        (Value::Long(n), Type::Long) if *n >= 0 => write!(f, "{n}"),
        (Value::Real(r), Type::Real) if r.is_nan() => f.write_str("real(nan)"),
        (Value::Real(r), Type::Real) if r.is_infinite() => f.write_str(if *r > 0.0 { "real(inf)" } else { "real(-inf)" }),
        (Value::Real(r), Type::Real) if r.is_sign_positive() => write!(f, "{r:?}"),
        (Value::Real(r), _) => write!(f, "{}({r:?})", ty.name()),
        (Value::DateTime(t), _) => write!(f, "datetime({})", format_datetime_full(*t)),
        (Value::TimeSpan(t), _) => write!(f, "timespan({})", format_timespan(*t)),
        (Value::Null, _) => write!(f, "{}(null)", ty.name()),
        (Value::String(text), _) => write!(f, "{}({text})", ty.name()),
        (Value::Int(n), _) => write!(f, "int({n})"),
        (Value::Long(n), _) => write!(f, "{}({n})", ty.name()),
        (Value::Bool(b), _) => write!(f, "{}({b})", ty.name()),
        (Value::Dynamic(value), _) => {
            f.write_str("dynamic(")?;
            dynamic(f, value)?;
            f.write_str(")")
        }
    }
}

/// The inside of `dynamic(…)`.
fn dynamic(f: &mut Formatter<'_>, value: &json::Value) -> fmt::Result {
    match value {
        json::Value::Null => f.write_str("null"),
        json::Value::Bool(b) => write!(f, "{b}"),
        json::Value::Int(i64::MIN) => write!(f, "{:#x}", i64::MIN),
        json::Value::Int(n) => write!(f, "{n}"),
        // Only a number that is too big to hold is infinite here.
        json::Value::Float(r) if r.is_infinite() => f.write_str(if *r > 0.0 { "1e999" } else { "-1e999" }),
        json::Value::Float(r) => write!(f, "{r:?}"),
        json::Value::BigInt(digits) => f.write_str(digits),
        json::Value::String(text) => string(f, text),
        json::Value::Array(items) => {
            f.write_str("[")?;
            list(f, items, dynamic)?;
            f.write_str("]")
        }
        json::Value::Object(object) => {
            f.write_str("{")?;
            for (at, (key, value)) in object.iter().enumerate() {
                f.write_str(if at > 0 { ", " } else { "" })?;
                string(f, key)?;
                f.write_str(": ")?;
                dynamic(f, value)?;
            }
            f.write_str("}")
        }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        name(f, &self.text)
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(value, ty) => literal(f, value, *ty),
            ExprKind::Dynamic(value) => {
                f.write_str("dynamic(")?;
                dynamic(f, value)?;
                f.write_str(")")
            }
            ExprKind::Name(text) => name(f, text),
            ExprKind::TypeOf(ty) => write!(f, "typeof({})", ty.name()),
            ExprKind::Star => f.write_str("*"),
            ExprKind::Path(left, member) => write!(f, "{left}.{}", member.text),
            ExprKind::Index(left, index) => write!(f, "{left}[{index}]"),
            ExprKind::Call(function, args) => {
                write!(f, "{}(", function.text)?;
                list(f, args, argument)?;
                f.write_str(")")
            }
            ExprKind::Negate(inner) => write!(f, "-{inner}"),
            ExprKind::Arith(op, left, right) => write!(f, "{left} {} {right}", sign_of(*op)),
            ExprKind::Compare(op, left, right) => write!(f, "{left} {} {right}", cmp(*op)),
            ExprKind::And(parts) => joined(f, parts, " and "),
            ExprKind::Or(parts) => joined(f, parts, " or "),
            ExprKind::Text(op, left, right) => {
                write!(f, "{left} ")?;
                text_op(f, *op)?;
                write!(f, " {right}")
            }
            ExprKind::In { value, list, case_sensitive, negated } => {
                write!(f, "{value} {}in{} (", if *negated { "!" } else { "" }, if *case_sensitive { "" } else { "~" })?;
                self::list(f, list, piped)?;
                f.write_str(")")
            }
            ExprKind::HasList { value, list, all: every } => {
                write!(f, "{value} {} (", if *every { "has_all" } else { "has_any" })?;
                self::list(f, list, piped)?;
                f.write_str(")")
            }
            ExprKind::Between { value, low, high, negated } => {
                write!(f, "{value} {}between ({low} .. {high})", if *negated { "!" } else { "" })
            }
            ExprKind::Query(pipeline) => write!(f, "({pipeline})"),
            ExprKind::Parens(inner) => {
                f.write_str("(")?;
                piped(f, inner)?;
                f.write_str(")")
            }
        }
    }
}

/// An expression where a query may stand as well: a plus sign before it keeps a call from being read as what begins a query.
pub(super) fn piped(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    const BEGINNINGS: [&str; 9] = ["print", "union", "search", "find", "datatable", "externaldata", "cluster", "database", "workspace"];
    let text = expr.to_string();
    let begins = BEGINNINGS.iter().any(|word| text.strip_prefix(word).is_some_and(|rest| rest.starts_with('(')));
    write!(f, "{}{text}", if begins { "+" } else { "" })
}

/// An argument, with its name if it has one.
pub(super) fn argument(f: &mut Formatter<'_>, arg: &Arg) -> fmt::Result {
    if let Some(name) = &arg.name {
        write!(f, "{} = ", name.text)?;
    }
    piped(f, &arg.expr)
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        f.write_str(if at > 0 { word } else { "" })?;
        part.fmt(f)?;
    }
    Ok(())
}

fn sign_of(op: Arith) -> &'static str {
    match op {
        Arith::Add => "+",
        Arith::Sub => "-",
        Arith::Mul => "*",
        Arith::Div => "/",
        Arith::Mod => "%",
    }
}

fn cmp(op: Cmp) -> &'static str {
    match op {
        Cmp::Eq => "==",
        Cmp::Ne => "!=",
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Gt => ">",
        Cmp::Ge => ">=",
    }
}

fn text_op(f: &mut Formatter<'_>, op: TextOp) -> fmt::Result {
    let word = match op.how {
        TextHow::Equal => {
            return f.write_str(match (op.case_sensitive, op.negated) {
                (false, false) => "=~",
                (false, true) => "!~",
                // With the kind of `search`, which `exact` asks for.
                (true, false) => "=~",
                (true, true) => "!~",
            });
        }
        TextHow::Regex => return f.write_str("matches regex"),
        TextHow::Contains => "contains",
        TextHow::StartsWith => "startswith",
        TextHow::EndsWith => "endswith",
        TextHow::Has => "has",
        TextHow::HasPrefix => "hasprefix",
        TextHow::HasSuffix => "hassuffix",
    };
    write!(f, "{}{word}{}", if op.negated { "!" } else { "" }, if op.case_sensitive { "_cs" } else { "" })
}
