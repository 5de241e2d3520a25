//! The OData that the services speak: a filter parser and evaluator, and the other query options.
//!
//! Callers write filters by hand, and most of their trouble is a filter that the service refuses: a quoted date, a property that
//! cannot be filtered, `$stop` for `$top`. A sandbox that took everything would teach wrong things. So filters are parsed, their types are
//! checked against the declared ones, and refusals use the services' words.

use std::cmp::Ordering;
use std::fmt;

use crate::json::Value;
use crate::ops;
use crate::ops::model::{Operation, Place, Returns, Service};
use crate::ops::types::ENTITIES;

use super::clock;

/// A filter nested deeper than this is refused, as the services do.
const MAX_DEPTH: usize = 60;
/// A filter with more conditions than this is refused, so that no chain of `and` exhausts the stack.
const MAX_CONDITIONS: usize = 1000;

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Ticks.
    Time(i64),
    Guid(String),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("null"),
            Literal::Bool(b) => write!(f, "{b}"),
            Literal::Int(i) => write!(f, "{i}"),
            Literal::Float(x) => write!(f, "{x:?}"),
            Literal::Text(s) => write!(f, "'{}'", s.replace('\'', "''")),
            Literal::Time(t) => f.write_str(&clock::iso(*t)),
            Literal::Guid(g) => f.write_str(g),
        }
    }
}

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Literal(Literal),
    /// `a/b/c`
    Path(Vec<String>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Vec<Literal>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Call(Function, Vec<Expr>),
    /// `path/any(x: …)`; `all` when the flag is set.
    Any {
        path: Vec<String>,
        all: bool,
        body: Option<(String, Box<Expr>)>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    StartsWith,
    EndsWith,
    Contains,
    ToLower,
    ToUpper,
}

impl Comparison {
    fn of(word: &str) -> Option<Comparison> {
        Some(match word {
            "eq" => Comparison::Eq,
            "ne" => Comparison::Ne,
            "gt" => Comparison::Gt,
            "ge" => Comparison::Ge,
            "lt" => Comparison::Lt,
            "le" => Comparison::Le,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Comparison::Eq => "Equal",
            Comparison::Ne => "NotEqual",
            Comparison::Gt => "GreaterThan",
            Comparison::Ge => "GreaterThanOrEqual",
            Comparison::Lt => "LessThan",
            Comparison::Le => "LessThanOrEqual",
        }
    }
}

impl Function {
    fn of(word: &str) -> Option<(Function, usize)> {
        Some(match word {
            "startswith" => (Function::StartsWith, 2),
            "endswith" => (Function::EndsWith, 2),
            "contains" => (Function::Contains, 2),
            "tolower" => (Function::ToLower, 1),
            "toupper" => (Function::ToUpper, 1),
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Literal),
    Open,
    Close,
    Comma,
    Colon,
    Slash,
}

struct Reader<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    conditions: usize,
}

/// Reads a filter.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut reader = Reader { text, tokens: tokens(text)?, at: 0, depth: 0, conditions: 0 };
    let expr = reader.or()?;
    if reader.at < reader.tokens.len() { Err(reader.error()) } else { Ok(expr) }
}

fn syntax(text: &str, at: usize) -> String {
    format!("Syntax error at position {at} in '{text}'.")
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        let token = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                at += 1;
                continue;
            }
            b'(' => Token::Open,
            b')' => Token::Close,
            b',' => Token::Comma,
            b'/' => Token::Slash,
            b':' => Token::Colon,
            b'\'' => {
                let mut value = String::new();
                at += 1;
                loop {
                    let rest = text.get(at..).unwrap_or_default();
                    let Some(end) = rest.find('\'') else {
                        return Err(format!("There is an unterminated string literal at position {} in '{text}'.", text.len()));
                    };
                    value.push_str(rest.get(..end).unwrap_or_default());
                    at += end + 1;
                    if bytes.get(at) != Some(&b'\'') {
                        break;
                    }
                    value.push('\'');
                    at += 1;
                }
                out.push((start, Token::Literal(Literal::Text(value))));
                continue;
            }
            b if b.is_ascii_alphanumeric() || b"-_.@$".contains(&b) => {
                let numeric = b.is_ascii_digit() || b == b'-';
                let part = |b: &u8| b.is_ascii_alphanumeric() || b"-_.@$+".contains(b) || (numeric && *b == b':');
                at += bytes.get(at..).unwrap_or_default().iter().take_while(|b| part(b)).count();
                let word = text.get(start..at).unwrap_or_default();
                out.push((start, word_token(word).ok_or_else(|| syntax(text, start))?));
                continue;
            }
            _ => return Err(syntax(text, start)),
        };
        at += 1;
        out.push((start, token));
    }
    Ok(out)
}

fn word_token(word: &str) -> Option<Token> {
    let literal = match word {
        "null" => Literal::Null,
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        w if is_guid(w) => Literal::Guid(w.to_owned()),
        w if w.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            if let Ok(n) = w.parse() {
                Literal::Int(n)
            } else if let Some(ticks) = clock::parse(w) {
                Literal::Time(ticks)
            } else {
                Literal::Float(w.trim_end_matches(['m', 'M', 'd', 'D', 'f', 'F', 'l', 'L']).parse().ok().filter(|f: &f64| f.is_finite())?)
            }
        }
        w => return Some(Token::Word(w.to_owned())),
    };
    Some(Token::Literal(literal))
}

fn is_guid(word: &str) -> bool {
    word.len() == 36 && word.bytes().enumerate().all(|(i, b)| if [8, 13, 18, 23].contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() })
}

impl Reader<'_> {
    fn error(&self) -> String {
        syntax(self.text, self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, t)| t)
    }

    fn take(&mut self, token: &Token) -> bool {
        let hit = self.peek() == Some(token);
        self.at += usize::from(hit);
        hit
    }

    fn need(&mut self, token: &Token) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(self.error()) }
    }

    fn word(&self) -> Option<&str> {
        match self.peek() {
            Some(Token::Word(w)) => Some(w),
            _ => None,
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        let hit = self.word() == Some(word);
        self.at += usize::from(hit);
        hit
    }

    fn or(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("The recursion limit has been exceeded.".to_owned());
        }
        let mut left = self.and()?;
        while self.keyword("or") {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.unary()?;
        while self.keyword("and") {
            left = Expr::And(Box::new(left), Box::new(self.unary()?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(format!("The node count limit of '{MAX_CONDITIONS}' has been exceeded."));
        }
        let mut negations = 0usize;
        while self.keyword("not") {
            negations += 1;
        }
        let mut expr = self.comparison()?;
        if negations % 2 == 1 {
            expr = Expr::Not(Box::new(expr));
        }
        Ok(expr)
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let left = self.primary()?;
        if self.keyword("in") {
            self.need(&Token::Open)?;
            let mut members = Vec::new();
            while !self.take(&Token::Close) {
                if !members.is_empty() {
                    self.need(&Token::Comma)?;
                }
                match self.peek() {
                    Some(Token::Literal(l)) => members.push(l.clone()),
                    _ => return Err(self.error()),
                }
                self.at += 1;
            }
            return Ok(Expr::In(Box::new(left), members));
        }
        let Some(comparison) = self.word().and_then(Comparison::of) else { return Ok(left) };
        self.at += 1;
        let right = self.primary()?;
        Ok(Expr::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn primary(&mut self) -> Result<Expr, String> {
        match self.peek().cloned() {
            Some(Token::Open) => {
                self.at += 1;
                let inner = self.or()?;
                self.need(&Token::Close)?;
                Ok(inner)
            }
            Some(Token::Literal(l)) => {
                self.at += 1;
                Ok(Expr::Literal(l))
            }
            Some(Token::Word(name)) => {
                self.at += 1;
                if self.take(&Token::Open) { self.call(&name) } else { self.path(name) }
            }
            _ => Err(self.error()),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, String> {
        let Some((function, count)) = Function::of(name) else {
            return Err(format!(
                "An unknown function with name '{name}' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed."
            ));
        };
        let mut arguments = Vec::new();
        while !self.take(&Token::Close) {
            if !arguments.is_empty() {
                self.need(&Token::Comma)?;
            }
            arguments.push(self.or()?);
        }
        if arguments.len() != count {
            return Err(format!("No function signature for the function with name '{name}' matches the specified arguments."));
        }
        Ok(Expr::Call(function, arguments))
    }

    fn path(&mut self, first: String) -> Result<Expr, String> {
        let mut path = vec![first];
        while self.take(&Token::Slash) {
            let Some(part) = self.word().map(str::to_owned) else { return Err(self.error()) };
            self.at += 1;
            if !(matches!(part.as_str(), "any" | "all") && self.take(&Token::Open)) {
                path.push(part);
                continue;
            }
            let all = part == "all";
            if !all && self.take(&Token::Close) {
                return Ok(Expr::Any { path, all, body: None });
            }
            let Some(variable) = self.word().map(str::to_owned) else { return Err(self.error()) };
            self.at += 1;
            self.need(&Token::Colon)?;
            let body = self.or()?;
            self.need(&Token::Close)?;
            return Ok(Expr::Any { path, all, body: Some((variable, Box::new(body))) });
        }
        Ok(Expr::Path(path))
    }
}

/// A value while a filter runs.
#[derive(Clone, Debug)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(i64),
    /// A list or an object, which equals nothing.
    Other,
}

impl Cell {
    fn of(value: Option<&Value>) -> Cell {
        match value {
            None | Some(Value::Null) => Cell::Null,
            Some(Value::Bool(b)) => Cell::Bool(*b),
            Some(Value::Int(i)) => Cell::Int(*i),
            Some(Value::Float(f)) => Cell::Float(*f),
            Some(Value::String(s)) => Cell::Text(s.clone()),
            Some(_) => Cell::Other,
        }
    }

    fn literal(literal: &Literal) -> Cell {
        match literal {
            Literal::Null => Cell::Null,
            Literal::Bool(b) => Cell::Bool(*b),
            Literal::Int(i) => Cell::Int(*i),
            Literal::Float(f) => Cell::Float(*f),
            Literal::Text(s) | Literal::Guid(s) => Cell::Text(s.clone()),
            Literal::Time(t) => Cell::Time(*t),
        }
    }

    fn text(&self) -> &str {
        match self {
            Cell::Text(s) => s,
            _ => "",
        }
    }
}

fn order(a: &Cell, b: &Cell) -> Option<Ordering> {
    match (a, b) {
        (Cell::Null, Cell::Null) => Some(Ordering::Equal),
        (Cell::Bool(a), Cell::Bool(b)) => Some(a.cmp(b)),
        (Cell::Int(a), Cell::Int(b)) => Some(a.cmp(b)),
        (Cell::Time(a), Cell::Time(b)) => Some(a.cmp(b)),
        (Cell::Text(a), Cell::Text(b)) => Some(a.as_str().cmp(b)),
        (Cell::Text(a), Cell::Time(b)) => clock::parse(a).map(|a| a.cmp(b)),
        (Cell::Time(a), Cell::Text(b)) => clock::parse(b).map(|b| a.cmp(&b)),
        (Cell::Int(a), Cell::Float(b)) => (*a as f64).partial_cmp(b),
        (Cell::Float(a), Cell::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Cell::Float(a), Cell::Float(b)) => a.partial_cmp(b),
        // An id is a number to one service and text to another.
        (Cell::Text(a), Cell::Int(b)) => a.parse().ok().map(|a: i64| a.cmp(b)),
        (Cell::Int(a), Cell::Text(b)) => b.parse().ok().map(|b: i64| a.cmp(&b)),
        _ => None,
    }
}

/// Names bound by `any`, innermost last.
type Scope<'v> = Vec<(&'v str, &'v Value)>;

/// Whether the filter lets this item through.
pub(super) fn matches(expr: &Expr, item: &Value) -> bool {
    matches!(evaluate(expr, item, &mut Vec::new()), Cell::Bool(true))
}

fn lookup<'v>(path: &[String], item: &'v Value, scope: &Scope<'v>) -> Option<&'v Value> {
    let (first, rest) = path.split_first()?;
    let mut value = match scope.iter().rev().find(|(name, _)| name == first) {
        Some((_, bound)) => *bound,
        None => item.get_ignore_case(first)?,
    };
    for part in rest {
        value = value.get_ignore_case(part)?;
    }
    Some(value)
}

fn evaluate<'v>(expr: &'v Expr, item: &'v Value, scope: &mut Scope<'v>) -> Cell {
    let truth = |e: &'v Expr, scope: &mut Scope<'v>| matches!(evaluate(e, item, scope), Cell::Bool(true));
    match expr {
        Expr::Literal(literal) => Cell::literal(literal),
        Expr::Path(path) => Cell::of(lookup(path, item, scope)),
        Expr::And(a, b) => Cell::Bool(truth(a, scope) && truth(b, scope)),
        Expr::Or(a, b) => Cell::Bool(truth(a, scope) || truth(b, scope)),
        Expr::Not(a) => Cell::Bool(!truth(a, scope)),
        Expr::Compare(comparison, a, b) => {
            let (a, b) = (evaluate(a, item, scope), evaluate(b, item, scope));
            let order = order(&a, &b);
            Cell::Bool(match comparison {
                Comparison::Eq => order == Some(Ordering::Equal),
                Comparison::Ne => order != Some(Ordering::Equal),
                Comparison::Gt => order == Some(Ordering::Greater),
                Comparison::Lt => order == Some(Ordering::Less),
                Comparison::Ge => matches!(order, Some(Ordering::Greater | Ordering::Equal)) && !matches!(a, Cell::Null),
                Comparison::Le => matches!(order, Some(Ordering::Less | Ordering::Equal)) && !matches!(a, Cell::Null),
            })
        }
        Expr::In(a, members) => {
            let a = evaluate(a, item, scope);
            Cell::Bool(members.iter().any(|m| order(&a, &Cell::literal(m)) == Some(Ordering::Equal)))
        }
        Expr::Call(function, arguments) => {
            let cells: Vec<Cell> = arguments.iter().map(|a| evaluate(a, item, scope)).collect();
            let text = |at: usize| cells.get(at).map(|c| c.text().to_lowercase()).unwrap_or_default();
            if cells.iter().any(|c| matches!(c, Cell::Null)) {
                return Cell::Null;
            }
            match function {
                Function::StartsWith => Cell::Bool(text(0).starts_with(&text(1))),
                Function::EndsWith => Cell::Bool(text(0).ends_with(&text(1))),
                Function::Contains => Cell::Bool(text(0).contains(&text(1))),
                Function::ToLower => Cell::Text(text(0)),
                Function::ToUpper => Cell::Text(text(0).to_uppercase()),
            }
        }
        Expr::Any { path, all, body } => {
            let items = lookup(path, item, scope).and_then(Value::as_array).unwrap_or_default();
            let Some((variable, body)) = body else { return Cell::Bool(!items.is_empty()) };
            let mut hit = |value: &'v Value| {
                scope.push((variable, value));
                let yes = matches!(evaluate(body, item, scope), Cell::Bool(true));
                scope.pop();
                yes
            };
            Cell::Bool(if *all { items.iter().all(&mut hit) } else { items.iter().any(&mut hit) })
        }
    }
}

/// The declared type of a property, whatever the name's letter case.
fn declared(entity: &str, name: &str) -> Option<&'static str> {
    let mut at = ENTITIES.iter().find(|e| e.name == entity);
    while let Some(entity) = at {
        if let Some(property) = entity.properties.iter().find(|p| p.name.eq_ignore_ascii_case(name)) {
            return Some(property.ty);
        }
        at = entity.base.and_then(|base| ENTITIES.iter().find(|e| e.name == base));
    }
    None
}

/// The name that the service itself has for a type.
fn type_name(service: Service, entity: &str) -> String {
    match (service, entity.strip_prefix("Graph")) {
        (Service::Graph, Some(name)) => {
            let mut chars = name.chars();
            let first = chars.next().map(|c| c.to_ascii_lowercase());
            format!("microsoft.graph.security.{}{}", first.unwrap_or_default(), chars.as_str())
        }
        (Service::Xdr, _) => format!("Microsoft.ThreatProtection.Api.{entity}"),
        _ => format!("microsoft.windowsDefenderATP.api.{}", entity.trim_start_matches("Mtp")),
    }
}

/// Refuses properties that the operation cannot filter by, and comparisons between types that do not meet.
fn check(expr: &Expr, op: &Operation, entity: &str, bound: &mut Vec<String>) -> Result<(), String> {
    let property = |path: &[String], bound: &[String]| -> Result<Option<&'static str>, String> {
        let Some(first) = path.first() else { return Ok(None) };
        if bound.contains(first) {
            return Ok(None);
        }
        let ty = declared(entity, first)
            .ok_or_else(|| format!("Could not find a property named '{first}' on type '{}'.", type_name(op.service, entity)))?;
        // Where the documentation does not say which, all of them.
        let filterable = filterable(op, entity);
        if !filterable.is_empty() && !filterable.iter().any(|f| f.eq_ignore_ascii_case(first)) {
            return Err(format!("The property '{first}' cannot be used in the $filter query option."));
        }
        Ok((path.len() == 1).then_some(ty))
    };
    match expr {
        Expr::Literal(_) => Ok(()),
        Expr::Path(path) => property(path, bound).map(|_| ()),
        Expr::And(a, b) | Expr::Or(a, b) => check(a, op, entity, bound).and_then(|()| check(b, op, entity, bound)),
        Expr::Not(a) => check(a, op, entity, bound),
        Expr::Call(_, arguments) => arguments.iter().try_for_each(|a| check(a, op, entity, bound)),
        Expr::In(a, _) => check(a, op, entity, bound),
        Expr::Any { path, body, .. } => {
            property(path, bound)?;
            if let Some((variable, body)) = body {
                bound.push(variable.clone());
                check(body, op, entity, bound)?;
                bound.pop();
            }
            Ok(())
        }
        Expr::Compare(comparison, a, b) => {
            check(a, op, entity, bound)?;
            check(b, op, entity, bound)?;
            let (path, literal) = match (a.as_ref(), b.as_ref()) {
                (Expr::Path(p), Expr::Literal(l)) | (Expr::Literal(l), Expr::Path(p)) => (p, l),
                _ => return Ok(()),
            };
            let Some(ty) = property(path, bound)? else { return Ok(()) };
            let fits = match (ty, literal) {
                (_, Literal::Null) => true,
                ("DateTimeOffset", Literal::Time(_)) | ("Boolean", Literal::Bool(_)) => true,
                ("Int32" | "Int64" | "Double" | "Single", Literal::Int(_) | Literal::Float(_)) => true,
                ("Guid", Literal::Guid(_) | Literal::Text(_)) => true,
                ("DateTimeOffset" | "Boolean" | "Int32" | "Int64" | "Double" | "Single" | "Guid", _) => false,
                (ty, _) if ty.starts_with("Collection(") => false,
                (_, Literal::Text(_) | Literal::Guid(_)) => true,
                _ => false,
            };
            let edm = match literal {
                Literal::Text(_) => "Edm.String",
                Literal::Int(_) => "Edm.Int32",
                Literal::Float(_) => "Edm.Double",
                Literal::Bool(_) => "Edm.Boolean",
                Literal::Time(_) => "Edm.DateTimeOffset",
                Literal::Guid(_) => "Edm.Guid",
                Literal::Null => "<null>",
            };
            if fits {
                return Ok(());
            }
            let own = if ["DateTimeOffset", "Boolean", "Int32", "Int64", "Double", "Single", "Guid", "String"].contains(&ty) {
                format!("Edm.{ty}")
            } else {
                type_name(op.service, ty)
            };
            Err(format!(
                "A binary operator with incompatible types was detected. Found operand types '{own}' and '{edm}' for operator kind '{}'.",
                comparison.word()
            ))
        }
    }
}

/// What the list at that path is made of.
fn listed(path: &str) -> &'static str {
    let list = ops::all().find(|op| op.path == path);
    list.map_or("", |op| if let Returns::Many(name) = op.returns { name } else { "" })
}

/// What may be filtered by. Lists of the same things that name nothing take what the main list takes.
fn filterable(op: &Operation, entity: &str) -> &'static [&'static str] {
    let takes = |o: &&Operation| !o.filterable.is_empty() && matches!(o.returns, Returns::Many(name) if name == entity);
    if op.filterable.is_empty() { ops::all().find(takes).map_or(&[], |o| o.filterable) } else { op.filterable }
}

/// Why query options are refused.
#[derive(Debug, PartialEq)]
pub(super) enum Refusal {
    /// A filter that is wrong.
    Filter(String),
    /// Anything that the OData layer refuses before the service sees it.
    Layer(String),
}

/// The query options of a list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Options {
    pub(super) filter: Option<Expr>,
    pub(super) top: Option<usize>,
    pub(super) skip: Option<usize>,
    pub(super) orderby: Vec<(Vec<String>, bool)>,
    pub(super) select: Vec<String>,
    pub(super) expand: Vec<String>,
    pub(super) count: bool,
    pub(super) skiptoken: Option<String>,
}

/// Reads and checks the options for an operation. Fields without `$`, and fields with no name at all, mean nothing to OData.
pub(super) fn options(op: &Operation, fields: &[(String, String)]) -> Result<Options, Refusal> {
    let entity = match op.returns {
        Returns::Many(name) | Returns::One(name) => name,
        // The items of the list that is counted.
        Returns::Number => listed(op.path.trim_end_matches("/$count")),
        _ => "",
    };
    let mut out = Options::default();
    let mut seen: Vec<String> = Vec::new();
    for (name, value) in fields.iter().filter(|(n, _)| n.starts_with('$')) {
        let name = name.to_ascii_lowercase();
        let known = op.params.iter().any(|p| p.place == Place::Query && p.wire == name)
            || (matches!(op.returns, Returns::Many(_)) && ["$count", "$select", "$orderby", "$skiptoken"].contains(&name.as_str()));
        if !known {
            return Err(Refusal::Layer(format!("The query parameter '{name}' is not supported.")));
        }
        if seen.contains(&name) {
            return Err(Refusal::Layer(format!(
                "Query option '{name}' was specified more than once, but it must be specified at most once."
            )));
        }
        let number = || {
            value.trim().parse::<u32>().map(|n| Some(n as usize)).map_err(|_| {
                Refusal::Layer(format!(
                    "Invalid value '{value}' for {name} query option found. The {name} query option requires a non-negative integer value."
                ))
            })
        };
        match name.as_str() {
            "$filter" => {
                let expr = parse(value).map_err(Refusal::Filter)?;
                check(&expr, op, entity, &mut Vec::new()).map_err(Refusal::Filter)?;
                out.filter = Some(expr);
            }
            "$top" => out.top = number()?,
            "$skip" => out.skip = number()?,
            "$orderby" => out.orderby = orderby(value, op, entity)?,
            "$select" => out.select = list(value),
            "$expand" => out.expand = expand(value, op)?,
            "$count" => {
                out.count = match value.trim() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(Refusal::Layer(format!(
                            "Invalid value '{value}' for $count query option found. Valid values are 'true' or 'false'."
                        )));
                    }
                }
            }
            _ => out.skiptoken = Some(value.clone()),
        }
        seen.push(name);
    }
    Ok(out)
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

fn expand(value: &str, op: &Operation) -> Result<Vec<String>, Refusal> {
    let allowed = op.wire("$expand").map(|p| p.kind.members()).unwrap_or_default();
    let names = list(value);
    match names.iter().find(|n| !allowed.iter().any(|a| a.eq_ignore_ascii_case(n))) {
        Some(bad) => Err(Refusal::Layer(format!("The property '{bad}' cannot be used in the $expand query option."))),
        None => Ok(names),
    }
}

fn orderby(value: &str, op: &Operation, entity: &str) -> Result<Vec<(Vec<String>, bool)>, Refusal> {
    list(value)
        .iter()
        .map(|item| {
            let mut words = item.split_whitespace();
            let path: Vec<String> = words.next().unwrap_or_default().split('/').map(str::to_owned).collect();
            let descending = match (words.next(), words.next()) {
                (None | Some("asc"), None) => false,
                (Some("desc"), None) => true,
                _ => return Err(Refusal::Layer(syntax(value, 0))),
            };
            let first = path.first().map(String::as_str).unwrap_or_default();
            match declared(entity, first) {
                Some(_) => Ok((path, descending)),
                None => {
                    Err(Refusal::Layer(format!("Could not find a property named '{first}' on type '{}'.", type_name(op.service, entity))))
                }
            }
        })
        .collect()
}

impl Options {
    /// The items that the filter lets through, in the order asked for.
    pub(super) fn sift(&self, items: Vec<Value>) -> Vec<Value> {
        let mut items: Vec<Value> = match &self.filter {
            Some(filter) => items.into_iter().filter(|item| matches(filter, item)).collect(),
            None => items,
        };
        for (path, descending) in self.orderby.iter().rev() {
            items.sort_by(|a, b| {
                let cell = |v| Cell::of(lookup(path, v, &Vec::new()));
                let (x, y) = (cell(a), cell(b));
                let order = match (&x, &y) {
                    (Cell::Null, Cell::Null) => Ordering::Equal,
                    (Cell::Null, _) => Ordering::Less,
                    (_, Cell::Null) => Ordering::Greater,
                    (Cell::Text(s), Cell::Text(t)) => match (clock::parse(s), clock::parse(t)) {
                        (Some(s), Some(t)) => s.cmp(&t),
                        _ => s.cmp(t),
                    },
                    _ => order(&x, &y).unwrap_or(Ordering::Equal),
                };
                if *descending { order.reverse() } else { order }
            });
        }
        items
    }

    /// Leaves only the selected properties.
    pub(super) fn project(&self, item: Value) -> Value {
        match item {
            Value::Object(object) if !self.select.is_empty() => {
                let wanted = |key: &str| key.starts_with('@') || self.select.iter().any(|s| s.eq_ignore_ascii_case(key));
                Value::Object(object.into_iter().filter(|(k, _)| wanted(k)).collect())
            }
            item => item,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;
    use crate::ops;
    use proptest::prelude::*;

    fn item() -> Value {
        json::parse(
            br#"{"id":"m1","computerDnsName":"Web-01.larkmoor.example","riskScore":"High","lastSeen":"2026-11-20T10:00:00.5Z","rbacGroupId":7,
                "machineTags":["vip","o'neill"],"isAadJoined":true,"aadDeviceId":null,"vmMetadata":{"vmId":"x"},"users":[{"name":"a"}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn filters_mean_what_odata_says() {
        for (filter, expected) in [
            ("riskScore eq 'High'", true),
            ("riskScore eq 'high'", false),
            ("riskScore ne 'High'", false),
            ("RISKSCORE eq 'High'", true),
            ("rbacGroupId ge 7 and rbacGroupId le 7", true),
            ("rbacGroupId gt 7 or rbacGroupId lt 7", false),
            ("rbacGroupId gt 6.5", true),
            ("not (riskScore eq 'High')", false),
            ("not startswith(computerDnsName,'web')", false),
            ("startswith(computerDnsName,'web-01')", true),
            ("endswith(computerDnsName,'EXAMPLE')", true),
            ("contains(computerDnsName, 'lark')", true),
            ("contains(computerDnsName, 'x') eq false and endswith(computerDnsName,'.example')", false),
            ("riskScore in ('Low', 'High')", true),
            ("riskScore in ('Low')", false),
            ("riskScore in ()", false),
            ("lastSeen gt 2026-11-20T10:00:00Z", true),
            ("lastSeen gt 2026-11-20T10:00:01Z", false),
            ("lastSeen ge 2026-11-20", true),
            ("lastSeen lt 2026-11-20T11:00:00+02:00", false),
            ("aadDeviceId eq null", true),
            ("missing eq null", true),
            ("aadDeviceId ne null", false),
            ("aadDeviceId ge null", false),
            ("isAadJoined eq true", true),
            ("vmMetadata/vmId eq 'x'", true),
            ("machineTags/any(t: t eq 'vip')", true),
            ("machineTags/any(t: t eq 'o''neill')", true),
            ("machineTags/any(t: startswith(t, 'q'))", false),
            ("machineTags/any()", true),
            ("missing/any()", false),
            ("machineTags/all(t: contains(t, 'i'))", true),
            ("users/any(u: u/name eq 'a' and riskScore eq 'High')", true),
            ("riskScore eq 'Low' or riskScore eq 'High' and rbacGroupId eq 7", true),
            ("(riskScore eq 'High' or rbacGroupId eq 7) and rbacGroupId eq 8", false),
            ("'High' eq riskScore", true),
            ("tolower(riskScore) eq 'high'", true),
        ] {
            let expr = parse(filter).unwrap_or_else(|e| panic!("{filter}: {e}"));
            assert_eq!(matches(&expr, &item()), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        for filter in [
            "",
            "status",
            "a eq",
            "eq 'x'",
            "a eq 'x",
            "a eq 'x' and",
            "a eq 'x' b",
            "(a eq 1",
            "a eq 1)",
            "a eq 99999999999999999999x",
            "nope(a)",
            "contains(a)",
            "a in 'x'",
            "a/any(x)",
            "a/any(x:)",
            "a # b",
            "a eq 1:2",
        ] {
            let result = parse(filter);
            assert!(result.is_err() || filter == "status", "{filter}: {result:?}");
        }
        assert_eq!(parse("status foo 'x'").unwrap_err(), "Syntax error at position 7 in 'status foo 'x''.");
        assert!(parse(&"(".repeat(100_000)).unwrap_err().contains("recursion"));
        assert!(parse(&vec!["a eq 1"; 100_000].join(" and ")).unwrap_err().contains("node count"));
        assert!(parse(&format!("{}a eq 1", "not ".repeat(100_001))).is_ok());
    }

    fn refused(id: &str, query: &[(&str, &str)]) -> Refusal {
        let fields: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        options(ops::by_id(id).unwrap(), &fields).unwrap_err()
    }

    #[test]
    fn properties_and_types_are_checked_against_the_declaration() {
        let message = |r| match r {
            Refusal::Filter(m) | Refusal::Layer(m) => m,
        };
        let m = |id, f| message(refused(id, &[("$filter", f)]));
        assert!(m("machines.list", "osBuild eq 1").contains("'osBuild' cannot be used in the $filter"));
        assert!(m("machines.list", "nonsense eq 1").contains("Could not find a property named 'nonsense'"));
        assert!(
            m("machines.list", "lastSeen gt '2026-01-01'")
                .contains("'Edm.DateTimeOffset' and 'Edm.String' for operator kind 'GreaterThan'")
        );
        assert!(m("machines.list", "riskScore eq 3").contains("incompatible types"));
        assert!(m("machines.list", "riskScore eq High").contains("named 'High'"));
        assert!(m("incidents.list", "severity eq 'High'").contains("cannot be used"));
        assert!(m("graph.alerts.list", "title eq 'x'").contains("cannot be used"));
        assert!(message(refused("machines.list", &[("$stop", "5")])).contains("'$stop' is not supported"));
        assert!(message(refused("machines.list", &[("$top", "-1")])).contains("non-negative"));
        assert!(message(refused("machines.list", &[("$top", "1"), ("$top", "2")])).contains("more than once"));
        assert!(message(refused("alerts.list", &[("$expand", "files")])).contains("$expand"));
        assert!(message(refused("machines.list", &[("$expand", "x")])).contains("not supported"));
        assert!(message(refused("graph.alerts.list", &[("$orderby", "x desc")])).contains("named 'x'"));
        let nameless = [(String::new(), "10000".to_owned()), ("free".into(), "x".into()), ("$skip".into(), "2".into())];
        assert_eq!(options(ops::by_id("machines.list").unwrap(), &nameless).unwrap().skip, Some(2));
    }

    #[test]
    fn lists_are_sorted_and_projected() {
        let op = ops::by_id("graph.alerts.list").unwrap();
        let fields = [("$orderby".to_owned(), "severity desc,createdDateTime".to_owned()), ("$select".into(), "id".into())];
        let options = options(op, &fields).unwrap();
        let row = |id: &str, s: &str, t: &str| json::object([("id", id.into()), ("severity", s.into()), ("createdDateTime", t.into())]);
        let rows =
            vec![row("1", "low", "2026-01-01T00:00:00.5Z"), row("2", "medium", "2026-01-02Z"), row("3", "low", "2026-01-01T00:00:00Z")];
        let ids: Vec<_> = options.sift(rows).into_iter().map(|r| options.project(r).to_string()).collect();
        assert_eq!(ids, [r#"{"id":"2"}"#, r#"{"id":"3"}"#, r#"{"id":"1"}"#]);
    }

    fn any_literal() -> impl Strategy<Value = Literal> {
        prop_oneof![
            Just(Literal::Null),
            any::<bool>().prop_map(Literal::Bool),
            any::<i64>().prop_map(Literal::Int),
            any::<f64>()
                .prop_filter("finite, and spelled with digits", |f| f.is_finite() && !f.is_sign_negative())
                .prop_map(Literal::Float),
            any::<String>().prop_map(Literal::Text),
            (0i64..3_000_000_000_000_000_000).prop_map(|t| Literal::Time(621_355_968_000_000_000 + t / 10)),
            Just(Literal::Guid("5b1e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14".into())),
        ]
    }

    proptest! {
        #[test]
        fn a_printed_literal_is_read_back(literal in any_literal()) {
            prop_assert_eq!(parse(&literal.to_string()), Ok(Expr::Literal(literal)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            if let Ok(expr) = parse(&text) {
                matches(&expr, &item());
            }
        }

        #[test]
        fn no_words_make_the_parser_panic(words in prop::collection::vec(prop_oneof![
            Just("and"), Just("or"), Just("not"), Just("eq"), Just("in"), Just("("), Just(")"), Just(","), Just("'x'"), Just("riskScore"),
            Just("any("), Just("machineTags/"), Just("t:"), Just("t"), Just("contains("), Just("null"), Just("1"), Just("2026-01-01"), Just("/"), Just("é")
        ], 0..30)) {
            if let Ok(expr) = parse(&words.join(" ")) {
                matches(&expr, &item());
                let _ = check(&expr, ops::by_id("machines.list").unwrap(), "Machine", &mut Vec::new());
            }
        }
    }
}
