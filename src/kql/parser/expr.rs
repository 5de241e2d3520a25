//! Scalar expressions.

use super::super::ast::*;
use super::super::datetime::format_datetime_full;
use super::super::error::{Try, limit, syntax, unsupported};
use super::super::lexer::Tok;
use super::super::value::{Type, Value};
use super::{MAX_DEPTH, Parser};
use crate::json;

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Try<Expr> {
        self.deeper(Self::or_expr)
    }

    pub(super) fn or_expr(&mut self) -> Try<Expr> {
        self.chain("or", Self::and_expr, ExprKind::Or)
    }

    pub(super) fn and_expr(&mut self) -> Try<Expr> {
        self.chain("and", Self::comparison, ExprKind::And)
    }

    pub(super) fn chain(&mut self, word: &str, read: fn(&mut Self) -> Try<Expr>, make: fn(Vec<Expr>) -> ExprKind) -> Try<Expr> {
        let first = read(self)?;
        if !self.is_word(0, word) {
            return Ok(first);
        }
        let start = first.span;
        let mut parts = vec![first];
        while self.take_word(word) {
            parts.push(read(self)?);
        }
        Ok(Expr { kind: make(parts), span: start.to(self.last_span()) })
    }

    pub(super) fn comparison(&mut self) -> Try<Expr> {
        let mut left = self.additive()?;
        let mut links = 0;
        loop {
            let start = left.span;
            let Some(kind) = self.comparison_behind(&left)? else {
                return Ok(left);
            };
            links += 1;
            if links > MAX_DEPTH {
                return Err(limit(self.span(), "too many comparisons in one chain"));
            }
            left = Expr { kind, span: start.to(self.last_span()) };
        }
    }

    pub(super) fn comparison_behind(&mut self, left: &Expr) -> Try<Option<ExprKind>> {
        let boxed = || Box::new(left.clone());
        if let Tok::Sign(sign) = self.peek(0).tok {
            let cmp = match sign {
                "==" => Some(Cmp::Eq),
                "!=" | "<>" => Some(Cmp::Ne),
                "<" => Some(Cmp::Lt),
                "<=" => Some(Cmp::Le),
                ">" => Some(Cmp::Gt),
                ">=" => Some(Cmp::Ge),
                _ => None,
            };
            if let Some(cmp) = cmp {
                self.at += 1;
                return Ok(Some(ExprKind::Compare(cmp, boxed(), Box::new(self.additive()?))));
            }
            if sign == ":" && self.searching {
                self.at += 1;
                let span = self.span();
                let Tok::Literal(Value::String(text), Type::String) = self.peek(0).tok.clone() else {
                    return self.expected("a text behind ':'");
                };
                self.at += 1;
                return Ok(Some(super::search::term(left.clone(), &text, span, false)?.kind));
            }
            if sign == "=~" || sign == "!~" {
                self.at += 1;
                let op = TextOp { how: TextHow::Equal, case_sensitive: false, negated: sign == "!~" };
                return Ok(Some(ExprKind::Text(op, boxed(), Box::new(self.additive()?))));
            }
        }
        let negated = self.is_sign(0, "!") && self.is_ident(1) && self.touches(1);
        let ahead = usize::from(negated);
        if !self.is_ident(ahead) {
            return Ok(None);
        }
        let word_span = self.peek(ahead).span;
        let word = self.text_of(word_span);
        match word {
            "in" => {
                self.at += ahead + 1;
                let tilde = self.is_sign(0, "~") && self.last_span().end == self.span().start;
                self.at += usize::from(tilde);
                let list = self.in_list()?;
                return Ok(Some(ExprKind::In { value: boxed(), list, case_sensitive: !tilde, negated }));
            }
            "has_any" | "has_all" if !negated => {
                self.at += 1;
                let list = self.in_list()?;
                return Ok(Some(ExprKind::HasList { value: boxed(), list, all: word == "has_all" }));
            }
            "between" => {
                self.at += ahead + 1;
                self.need_sign("(")?;
                let low = Box::new(self.additive()?);
                self.need_sign("..")?;
                let high = Box::new(self.additive()?);
                self.need_sign(")")?;
                return Ok(Some(ExprKind::Between { value: boxed(), low, high, negated }));
            }
            "matches" if !negated && self.is_word(1, "regex") => {
                self.at += 2;
                let op = TextOp { how: TextHow::Regex, case_sensitive: true, negated };
                return Ok(Some(ExprKind::Text(op, boxed(), Box::new(self.additive()?))));
            }
            "like" | "notlike" | "has_any_index" => return Err(unsupported(word_span, format!("the operator '{word}'"))),
            _ => {}
        }
        let (stem, case_sensitive) = word.strip_suffix("_cs").map_or((word, false), |stem| (stem, true));
        let (stem, not) = match stem {
            "notcontains" => ("contains", true),
            other => (other, false),
        };
        let how = match stem {
            "contains" => TextHow::Contains,
            "startswith" => TextHow::StartsWith,
            "endswith" => TextHow::EndsWith,
            "has" => TextHow::Has,
            "hasprefix" => TextHow::HasPrefix,
            "hassuffix" => TextHow::HasSuffix,
            _ if negated => return Err(syntax(word_span, format!("'!{word}' is no operator"))),
            _ => return Ok(None),
        };
        self.at += ahead + 1;
        let op = TextOp { how, case_sensitive, negated: negated || not };
        Ok(Some(ExprKind::Text(op, boxed(), Box::new(self.additive()?))))
    }

    pub(super) fn in_list(&mut self) -> Try<Vec<Expr>> {
        self.need_sign("(")?;
        let mut list = Vec::new();
        while !self.take_sign(")") {
            if !list.is_empty() {
                self.need_sign(",")?;
                self.no_end_of_list()?;
            }
            list.push(self.pipeline_or_expr()?);
        }
        if list.is_empty() {
            return Err(syntax(self.last_span(), "the list is empty"));
        }
        Ok(list)
    }

    pub(super) fn additive(&mut self) -> Try<Expr> {
        self.arithmetic(&[("+", Arith::Add), ("-", Arith::Sub)], Self::multiplicative)
    }

    pub(super) fn multiplicative(&mut self) -> Try<Expr> {
        self.arithmetic(&[("*", Arith::Mul), ("/", Arith::Div), ("%", Arith::Mod)], Self::unary)
    }

    pub(super) fn arithmetic(&mut self, signs: &[(&str, Arith)], read: fn(&mut Self) -> Try<Expr>) -> Try<Expr> {
        let mut left = read(self)?;
        let mut links = 0;
        while let Some((_, op)) = signs.iter().find(|(s, _)| self.is_sign(0, s)) {
            self.at += 1;
            links += 1;
            if links > MAX_DEPTH {
                return Err(limit(self.span(), format!("more than {MAX_DEPTH} terms in one chain")));
            }
            let right = read(self)?;
            let span = left.span.to(right.span);
            left = Expr { kind: ExprKind::Arith(*op, Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    pub(super) fn unary(&mut self) -> Try<Expr> {
        let start = self.span();
        if self.take_sign("-") {
            let inner = self.deeper(Self::unary)?;
            return Ok(Expr { span: start.to(inner.span), kind: ExprKind::Negate(Box::new(inner)) });
        }
        if self.take_sign("+") {
            return self.deeper(Self::unary);
        }
        self.postfix()
    }

    pub(super) fn postfix(&mut self) -> Try<Expr> {
        let mut expr = self.primary()?;
        let mut links = 0;
        loop {
            if self.is_sign(0, ".") && (self.is_ident(1) || self.is_sign(1, "[")) {
                self.at += 1;
                if self.is_ident(0) {
                    let name = self.name()?;
                    let span = expr.span.to(name.span);
                    expr = Expr { kind: ExprKind::Path(Box::new(expr), name), span };
                    links += 1;
                    continue;
                }
            }
            if self.is_sign(0, "[") {
                self.at += 1;
                let index = self.expr()?;
                self.need_sign("]")?;
                let span = expr.span.to(self.last_span());
                expr = Expr { kind: ExprKind::Index(Box::new(expr), Box::new(index)), span };
                links += 1;
                if links > MAX_DEPTH {
                    return Err(limit(span, "too long a path"));
                }
                continue;
            }
            if links > MAX_DEPTH {
                return Err(limit(expr.span, "too long a path"));
            }
            return Ok(expr);
        }
    }

    pub(super) fn primary(&mut self) -> Try<Expr> {
        let start = self.span();
        match self.peek(0).tok.clone() {
            Tok::Literal(value, ty) => {
                self.at += 1;
                let mut text = match (value, ty) {
                    (Value::String(s), Type::String) => s,
                    (value, ty) => return Ok(Expr { kind: ExprKind::Literal(value, ty), span: start }),
                };
                // In a search each text is a term of its own.
                while let (false, Tok::Literal(Value::String(more), Type::String)) = (self.searching, &self.peek(0).tok) {
                    text = format!("{text}{more}").into();
                    self.at += 1;
                }
                Ok(Expr { kind: ExprKind::Literal(Value::String(text), Type::String), span: start.to(self.last_span()) })
            }
            Tok::Sign("(") => {
                self.at += 1;
                let inner = self.pipeline_or_expr()?;
                self.need_sign(")")?;
                let span = start.to(self.last_span());
                Ok(match inner.kind {
                    ExprKind::Query(_) => Expr { kind: inner.kind, span },
                    _ => Expr { kind: ExprKind::Parens(Box::new(inner)), span },
                })
            }
            Tok::Sign("*") => {
                self.at += 1;
                Ok(Expr { kind: ExprKind::Star, span: start })
            }
            Tok::Sign("[") => {
                let name = self.name()?;
                Ok(Expr { kind: ExprKind::Name(name.text), span: name.span })
            }
            Tok::Ident => self.word_expr(),
            _ => self.expected("an expression"),
        }
    }

    pub(super) fn word_expr(&mut self) -> Try<Expr> {
        let name = self.name()?;
        if !self.is_sign(0, "(") {
            let kind = match name.text.as_ref() {
                "true" | "True" | "TRUE" => ExprKind::Literal(Value::Bool(true), Type::Bool),
                "false" | "False" | "FALSE" => ExprKind::Literal(Value::Bool(false), Type::Bool),
                _ => ExprKind::Name(name.text),
            };
            return Ok(Expr { kind, span: name.span });
        }
        match name.text.as_ref() {
            "dynamic" => {
                self.at += 1;
                let value = self.dynamic()?;
                self.need_sign(")")?;
                return Ok(Expr { kind: ExprKind::Dynamic(value), span: name.span.to(self.last_span()) });
            }
            "typeof" => {
                self.at += 1;
                let ty = self.type_name()?;
                self.need_sign(")")?;
                return Ok(Expr { kind: ExprKind::TypeOf(ty), span: name.span.to(self.last_span()) });
            }
            "bool" | "boolean" | "int" | "long" | "real" | "double" | "decimal" => return self.typed_literal(&name),
            _ => {}
        }
        self.at += 1;
        let args = self.call_args()?;
        let span = name.span.to(self.last_span());
        Ok(Expr { kind: ExprKind::Call(name, args), span })
    }

    /// Arguments behind their opening parenthesis, up to the closing one.
    pub(super) fn call_args(&mut self) -> Try<Vec<Arg>> {
        let mut args = Vec::new();
        while !self.take_sign(")") {
            if !args.is_empty() {
                self.need_sign(",")?;
            }
            let named = self.is_ident(0) && self.is_sign(1, "=");
            let arg_name = if named { Some(self.name()?) } else { None };
            self.at += usize::from(named);
            args.push(Arg { name: arg_name, expr: self.pipeline_or_expr()? });
        }
        Ok(args)
    }

    /// `long(5)`, `bool(true)`, `real(nan)`, `int(null)`.
    pub(super) fn typed_literal(&mut self, name: &Name) -> Try<Expr> {
        let ty = Type::parse(&name.text).unwrap_or(Type::Long);
        if ty == Type::Decimal {
            return Err(unsupported(name.span, "the type decimal"));
        }
        self.at += 1;
        let negative = self.take_sign("-");
        if !negative {
            self.take_sign("+");
        }
        let token = self.peek(0).clone();
        self.at += 1;
        let word = self.text_of(token.span).to_lowercase();
        let sign: i64 = if negative { -1 } else { 1 };
        let value = match (ty, &token.tok) {
            (_, Tok::Ident) if word == "null" => Some(Value::Null),
            (Type::Bool, Tok::Ident) if word == "true" || word == "false" => Some(Value::Bool(word == "true")),
            (Type::Bool, Tok::Literal(Value::Long(n), _)) => Some(Value::Bool(*n != 0)),
            (Type::Int, Tok::Literal(Value::Long(n), _)) => sign.checked_mul(*n).and_then(|n| i32::try_from(n).ok()).map(Value::Int),
            (Type::Long, Tok::Literal(Value::Long(n), _)) => sign.checked_mul(*n).map(Value::Long),
            (Type::Real, Tok::Literal(Value::Long(n), _)) => Some(Value::Real(sign as f64 * *n as f64)),
            (Type::Real, Tok::Literal(Value::Real(n), _)) => Some(Value::Real(sign as f64 * n)),
            (Type::Real, Tok::Ident) if word == "nan" => Some(Value::Real(f64::NAN)),
            (Type::Real, Tok::Ident) if word == "inf" => Some(Value::Real(sign as f64 * f64::INFINITY)),
            _ => None,
        };
        let span = name.span.to(self.last_span());
        let value = value.ok_or_else(|| syntax(span, format!("no {} literal; to convert a value use to{}()", ty.name(), ty.name())))?;
        self.need_sign(")")?;
        Ok(Expr { kind: ExprKind::Literal(value, ty), span: name.span.to(self.last_span()) })
    }

    pub(super) fn dynamic(&mut self) -> Try<json::Value> {
        self.deeper(Self::dynamic_here)
    }

    pub(super) fn dynamic_here(&mut self) -> Try<json::Value> {
        let negative = self.take_sign("-");
        let sign: i64 = if negative { -1 } else { 1 };
        let token = self.peek(0).clone();
        self.at += 1;
        let value = match token.tok {
            Tok::Literal(Value::String(s), Type::String) if !negative => {
                // Texts side by side are one text.
                let mut whole = s.to_string();
                while let Tok::Literal(Value::String(more), Type::String) = self.peek(0).tok.clone() {
                    self.at += 1;
                    whole.push_str(&more);
                }
                json::Value::String(whole)
            }
            Tok::Literal(Value::String(s), _) if !negative => json::Value::String(s.to_string()),
            Tok::Literal(Value::Long(n), _) => {
                let n = n.checked_mul(sign);
                json::Value::Int(n.ok_or_else(|| syntax(token.span, "the number does not fit 64 bits"))?)
            }
            Tok::Literal(Value::Real(n), _) => json::Value::Float(sign as f64 * n),
            Tok::Literal(Value::DateTime(t), _) if !negative => json::Value::String(format_datetime_full(t)),
            Tok::Ident if !negative => match self.text_of(token.span) {
                "null" => json::Value::Null,
                "true" => json::Value::Bool(true),
                "false" => json::Value::Bool(false),
                other => return Err(syntax(token.span, format!("'{other}' cannot stand in a dynamic literal"))),
            },
            Tok::Sign("[") if !negative => {
                let mut items = Vec::new();
                while !self.take_sign("]") {
                    if !items.is_empty() {
                        self.need_sign(",")?;
                    }
                    items.push(self.dynamic()?);
                }
                json::Value::Array(items)
            }
            Tok::Sign("{") if !negative => {
                let mut object = json::Object::new();
                while !self.take_sign("}") {
                    if !object.is_empty() {
                        self.need_sign(",")?;
                    }
                    let Tok::Literal(Value::String(key), Type::String) = self.peek(0).tok.clone() else {
                        return self.expected("a key");
                    };
                    self.at += 1;
                    self.need_sign(":")?;
                    let value = self.dynamic()?;
                    object.insert(key.to_string(), value);
                }
                json::Value::Object(object)
            }
            _ => return Err(syntax(token.span, "malformed dynamic literal")),
        };
        Ok(value)
    }
}
