//! The scalar functions, each declared once: name, parameters, type of the answer, name that it gives a column, body.
//!
//! A body sees values of the declared kinds only: the binder has checked and converted the arguments, and a null in a strict
//! parameter has already become the answer null. To add a function, add a line to one of the tables here.

mod arrays;
mod constant;
mod convert;
mod datetime;
mod dynamic;
mod encode;
mod hash;
mod ipv6;
mod math;
mod md5;
mod network;
mod parse;
mod path;
mod search;
mod series;
mod string;
mod url;
mod xml;

pub(super) use constant::must_be as must_be_constant;

use super::error::{Span, Try, semantic, unsupported};
use super::scalar::{Answer, Function, Trouble};
use super::value::{Type, Value};
use regex::{Regex, RegexBuilder};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum P {
    /// Any scalar, nulls included.
    Any,
    /// Any scalar, as `tostring` writes it.
    Text,
    /// A string, or a dynamic as `tostring` writes it.
    Str,
    /// A string alone.
    Exact,
    /// A string or a dynamic, as it is.
    Loose,
    /// Any scalar but a dynamic, as `tostring` writes it.
    FlatText,
    /// Any scalar but a dynamic.
    Flat,
    Int,
    Num,
    Bool,
    DateTime,
    TimeSpan,
    Guid,
    /// A number, a datetime or a timespan.
    Summable,
    /// A number or a timespan.
    Amount,
    /// A whole number, or a dynamic that holds some; nulls included.
    Whole,
    Dyn,
}

impl P {
    pub(super) fn takes(self, ty: Type) -> bool {
        match self {
            P::Any | P::Text => true,
            P::Str => matches!(ty, Type::String | Type::Dynamic),
            P::Exact => ty == Type::String,
            P::Loose => matches!(ty, Type::String | Type::Dynamic),
            P::Flat | P::FlatText => ty != Type::Dynamic,
            P::Int => ty.is_integer(),
            P::Num => ty.is_number(),
            P::Bool => ty == Type::Bool,
            P::DateTime => ty == Type::DateTime,
            P::TimeSpan => ty == Type::TimeSpan,
            P::Guid => ty == Type::Guid,
            P::Summable => ty.is_number() || matches!(ty, Type::DateTime | Type::TimeSpan),
            P::Amount => ty.is_number() || ty == Type::TimeSpan,
            P::Whole => ty.is_integer() || ty == Type::Dynamic,
            P::Dyn => ty == Type::Dynamic,
        }
    }

    pub(super) fn is_text(self) -> bool {
        matches!(self, P::Text | P::Str | P::FlatText)
    }

    fn strict(self) -> bool {
        !matches!(self, P::Any | P::Text | P::Str | P::Exact | P::Loose | P::Flat | P::FlatText | P::Whole | P::Dyn)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            P::Any | P::Text => "a scalar",
            P::Str | P::Exact => "a string",
            P::Loose => "a string or a dynamic",
            P::Flat | P::FlatText => "a scalar that is not dynamic",
            P::Int => "an int or a long",
            P::Num => "a number",
            P::Bool => "a bool",
            P::DateTime => "a datetime",
            P::TimeSpan => "a timespan",
            P::Guid => "a guid",
            P::Summable => "a number, a datetime or a timespan",
            P::Amount => "a number or a timespan",
            P::Whole => "an int, a long or a dynamic",
            P::Dyn => "a dynamic",
        }
    }
}

/// The type of the answer.
#[derive(Clone, Copy)]
pub(super) enum Ret {
    Is(Type),
    /// The type of the first argument.
    First,
    /// The type of the first argument; of two numbers the wider one.
    Wider,
    /// The type of the first argument, an int as a long.
    FirstLong,
}

/// How a call without a name calls its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    None,
    FirstArgument,
    Prefix(&'static str),
    /// Behind the first argument's name.
    Suffix(&'static str),
}

/// What a body may be prepared with: the constants among the arguments.
pub(super) struct Site<'a> {
    pub(super) consts: &'a [Option<Value>],
    pub(super) types: &'a [Type],
}

impl Site<'_> {
    fn text(&self, at: usize) -> Option<&str> {
        match self.consts.get(at) {
            Some(Some(Value::String(s))) => Some(s),
            _ => None,
        }
    }
}

/// Why a body cannot be prepared.
pub(super) enum Refusal {
    Wrong(String),
    Missing(String),
}

type Built = Result<Function, Refusal>;

#[derive(Clone, Copy)]
pub(super) enum Body {
    Plain(fn(&[&Value]) -> Value),
    Checked(fn(&[&Value]) -> Answer),
    Build(fn(&Site<'_>) -> Built),
}

pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) params: &'static [P],
    /// How many of the last parameters may be left out.
    pub(super) optional: usize,
    /// How often the last parameters repeat: 0 for never, n for groups of n.
    pub(super) repeat: usize,
    pub(super) ret: Ret,
    pub(super) naming: Naming,
    body: Body,
}

const fn spec(name: &'static str, params: &'static [P], ret: Ret, body: Body) -> Spec {
    Spec { name, params, optional: 0, repeat: 0, ret, naming: Naming::None, body }
}

const fn plain(name: &'static str, params: &'static [P], ty: Type, body: fn(&[&Value]) -> Value) -> Spec {
    spec(name, params, Ret::Is(ty), Body::Plain(body))
}

const fn checked(name: &'static str, params: &'static [P], ty: Type, body: fn(&[&Value]) -> Answer) -> Spec {
    spec(name, params, Ret::Is(ty), Body::Checked(body))
}

const fn built(name: &'static str, params: &'static [P], ty: Type, body: fn(&Site<'_>) -> Built) -> Spec {
    spec(name, params, Ret::Is(ty), Body::Build(body))
}

impl Spec {
    const fn optional(self, optional: usize) -> Spec {
        Spec { optional, ..self }
    }

    const fn repeat(self, repeat: usize) -> Spec {
        Spec { repeat, ..self }
    }

    const fn named(self, naming: Naming) -> Spec {
        Spec { naming, ..self }
    }

    pub(super) fn param(&self, at: usize) -> P {
        let fixed = self.params.len();
        let at = if at < fixed || self.repeat == 0 { at } else { fixed - self.repeat + (at - fixed) % self.repeat };
        self.params.get(at).copied().unwrap_or(P::Any)
    }

    pub(super) fn accepts(&self, count: usize) -> bool {
        let least = self.params.len() - self.optional;
        count >= least && (count <= self.params.len() || (self.repeat > 0 && (count - self.params.len()).is_multiple_of(self.repeat)))
    }

    pub(super) fn return_type(&self, types: &[Type]) -> Type {
        match self.ret {
            Ret::Is(ty) => ty,
            Ret::Wider => match types {
                [a, b] if a.is_number() && b.is_number() => {
                    [Type::Real, Type::Long].into_iter().find(|wide| a == wide || b == wide).unwrap_or(*a)
                }
                _ => types.first().copied().unwrap_or(Type::Dynamic),
            },
            Ret::First => types.first().copied().unwrap_or(Type::Dynamic),
            Ret::FirstLong => types.first().map_or(Type::Dynamic, |ty| if *ty == Type::Int { Type::Long } else { *ty }),
        }
    }

    /// The body, ready for rows.
    pub(super) fn build(&self, site: &Site<'_>, span: Span) -> Try<Function> {
        let strict: Vec<bool> = (0..site.types.len()).map(|at| self.param(at).strict()).collect();
        let text = self.return_type(site.types) == Type::String;
        let body: Function = match self.body {
            Body::Plain(body) => Arc::new(move |args: &[&Value]| Ok(body(args))),
            Body::Checked(body) => Arc::new(body),
            Body::Build(make) => make(site).map_err(|refusal| match refusal {
                Refusal::Wrong(message) => semantic(span, message),
                Refusal::Missing(part) => unsupported(span, part),
            })?,
        };
        Ok(Arc::new(move |args: &[&Value]| {
            let null = args.iter().zip(&strict).any(|(a, s)| *s && a.is_null());
            let answer = if null { Value::Null } else { body(args)? };
            Ok(if text && answer.is_null() { Value::text("") } else { answer })
        }))
    }
}

static INDEX: LazyLock<HashMap<&'static str, &'static Spec>> = LazyLock::new(|| {
    let tables = [
        convert::FUNCTIONS,
        string::FUNCTIONS,
        datetime::FUNCTIONS,
        math::FUNCTIONS,
        dynamic::FUNCTIONS,
        arrays::FUNCTIONS,
        path::FUNCTIONS,
        encode::FUNCTIONS,
        parse::FUNCTIONS,
        hash::FUNCTIONS,
        network::FUNCTIONS,
        ipv6::FUNCTIONS,
        series::FUNCTIONS,
        url::FUNCTIONS,
    ];
    tables.into_iter().flatten().map(|s| (s.name, s)).collect()
});

pub(super) fn find(name: &str) -> Option<&'static Spec> {
    INDEX.get(name).copied()
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    INDEX.keys().copied()
}

/// Functions of the language that the engine knows by name only.
const REFUSED: &str = "\
AssignedIPAddresses DeviceFromIP FileProfile SeenBy all any array_sort beta_cdf beta_inv beta_pdf bin_auto binary_all_and buffer_range \
buildschema cluster column_names_of convert_angle convert_energy convert_force convert_length convert_mass convert_speed \
convert_temperature convert_volume current_cluster_endpoint current_cursor current_database current_node_id current_principal \
current_principal_details current_principal_is_member_of cursor_after cursor_before_or_at cursor_current database \
datetime_list_timezones datetime_local_to_utc datetime_utc_to_local dcount_hll entity_group erf erfc estimate_data_size \
extent_id extent_tags extentid external_table extractall gamma geohash_to_central_point graph gzip_compress_to_base64_string \
hash_combine hash_many hll hll_isvalid hll_merge ingestion_date inner_nodes is_column_exists iscolumnexists labels loggamma \
map materialized_view merge_tdigest node_degree_in node_degree_out node_id parse_user_agent parse_version \
percentile_array_tdigest percentile_tdigest percentiles_array_tdigest percentrank_tdigest punycode_domain_from_string \
punycode_domain_to_string punycode_from_string punycode_to_string rank_tdigest row_id row_rank \
rowstore_ordinal_range stored_query_result strcat_array_delim tdigest tdigest_isvalid \
tdigest_merge todecimal toobject treepath weekofyear welch_test zlib_compress_to_base64_string";

pub(super) fn refused() -> impl Iterator<Item = &'static str> {
    REFUSED.split_whitespace()
}

pub(super) fn is_refused(name: &str) -> bool {
    REFUSED.split_whitespace().any(|n| n == name) || name.starts_with("series_") || name.starts_with("geo_")
}

/// A regular expression, or why the pattern is none. The service documents the syntax of the same library.
pub(super) fn compile(pattern: &str) -> Result<Regex, Refusal> {
    RegexBuilder::new(pattern).build().map_err(|e| {
        let text = e.to_string();
        if text.contains("Unicode") {
            Refusal::Missing("Unicode classes in regular expressions".to_owned())
        } else if matches!(e, regex::Error::CompiledTooBig(_)) {
            Refusal::Missing("regular expressions of this size".to_owned())
        } else if text.contains("look-around") || text.contains("backreference") {
            Refusal::Wrong("regular expressions have neither look-around nor backreferences".to_owned())
        } else {
            Refusal::Wrong(format!("malformed regular expression: {}", text.lines().last().unwrap_or_default()))
        }
    })
}

/// How a body gets its regular expression: once if the pattern is constant, else by the row.
type Pattern = Box<dyn Fn(&Value) -> Result<Arc<Regex>, Trouble> + Send + Sync>;

/// The pattern in an argument, wrapped by `around` (which puts `^` or `$` about it for `trim`).
fn pattern(site: &Site<'_>, at: usize, around: fn(&str) -> String) -> Result<Pattern, Refusal> {
    if let Some(text) = site.text(at) {
        let regex = Arc::new(compile(&around(text))?);
        return Ok(Box::new(move |_| Ok(regex.clone())));
    }
    Ok(Box::new(move |value| match compile(&around(value.as_str())) {
        Ok(regex) => Ok(Arc::new(regex)),
        Err(Refusal::Missing(part)) => Err(Trouble::Unsupported(part)),
        Err(Refusal::Wrong(message)) => Err(Trouble::Unsupported(message)),
    }))
}

fn at<'a>(args: &[&'a Value], index: usize) -> &'a Value {
    args.get(index).copied().unwrap_or(Value::absent(Type::Long))
}

fn str_at<'a>(args: &[&'a Value], index: usize) -> &'a str {
    at(args, index).as_str()
}
