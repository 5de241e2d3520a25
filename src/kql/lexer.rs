//! Text to tokens.
//!
//! Literals whose inside is no KQL (`datetime(2026-01-01 10:00)`, `guid(...)`, `timespan(...)`) are read whole here; everything else
//! that looks like a call stays a call. An unknown character is an error, never skipped.

use super::datetime::{looks_like_a_date, parse_datetime, parse_timespan, unit_ticks};
use super::error::{Span, Try, syntax, unsupported};
use super::value::{Type, Value};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tok {
    Ident,
    Literal(Value, Type),
    /// Operators and punctuation, as written.
    Sign(&'static str),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) tok: Tok,
    pub(super) span: Span,
}

/// Longest first.
const SIGNS: [&str; 30] = [
    "==", "!=", "<>", "<=", ">=", "=~", "!~", "..", "=>", "(", ")", "[", "]", "{", "}", ",", ";", "|", ":", ".", "+", "-", "*", "/", "%",
    "=", "<", ">", "!", "~",
];

pub(super) fn lex(text: &str) -> Try<Vec<Token>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next()?;
        let end = token.tok == Tok::End;
        tokens.push(token);
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn span(&self, start: usize) -> Span {
        Span { start, end: self.at }
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn skip_blank(&mut self) {
        loop {
            self.skip_while(|c| c.is_whitespace() || c == '\u{feff}');
            if !self.rest().starts_with("//") {
                return;
            }
            self.skip_while(|c| c != '\n');
        }
    }

    fn next(&mut self) -> Try<Token> {
        self.skip_blank();
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(Token { tok: Tok::End, span: self.span(start) });
        };
        let tok = if first.is_ascii_digit() {
            self.number()?
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            self.word()?
        } else if matches!(first, '"' | '\'' | '@') || rest.starts_with("```") || rest.starts_with("~~~") {
            self.string()?
        } else if let Some(sign) = SIGNS.iter().find(|s| rest.starts_with(**s)) {
            self.at += sign.len();
            Tok::Sign(sign)
        } else {
            self.at += first.len_utf8();
            return Err(syntax(self.span(start), format!("unexpected character '{first}'")));
        };
        Ok(Token { tok, span: self.span(start) })
    }

    fn number(&mut self) -> Try<Tok> {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            let digits = self.skip_while(|c| c.is_ascii_hexdigit());
            let value = u64::from_str_radix(digits, 16).map_err(|_| syntax(self.span(start), "malformed hexadecimal number"))?;
            return Ok(Tok::Literal(Value::Long(value.cast_signed()), Type::Long));
        }
        self.skip_while(|c| c.is_ascii_digit());
        let mut whole = true;
        let mut ahead = self.rest().chars();
        if ahead.next() == Some('.') && ahead.next().is_some_and(|c| c.is_ascii_digit()) {
            whole = false;
            self.at += 1;
            self.skip_while(|c| c.is_ascii_digit());
        }
        let exponent = self.rest().trim_start_matches(['e', 'E']);
        if exponent.len() + 1 == self.rest().len() && exponent.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit()) {
            whole = false;
            self.at += 1;
            self.skip_while(|c| c == '+' || c == '-');
            self.skip_while(|c| c.is_ascii_digit());
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        let suffix = self.skip_while(|c| c.is_alphanumeric() || c == '_');
        if !suffix.is_empty() {
            let ticks = unit_ticks(suffix)
                .filter(|_| !digits.contains(['e', 'E']))
                .ok_or_else(|| syntax(self.span(start), format!("'{digits}{suffix}' is neither a number nor a timespan")))?;
            let ticks = scale(digits, ticks).ok_or_else(|| syntax(self.span(start), "the timespan is too long"))?;
            return Ok(Tok::Literal(Value::TimeSpan(ticks), Type::TimeSpan));
        }
        if whole {
            let value = digits.parse().map_err(|_| syntax(self.span(start), "the number does not fit 64 bits"))?;
            return Ok(Tok::Literal(Value::Long(value), Type::Long));
        }
        let value = digits.parse().map_err(|_| syntax(self.span(start), "malformed number"))?;
        Ok(Tok::Literal(Value::Real(value), Type::Real))
    }

    fn word(&mut self) -> Try<Tok> {
        let start = self.at;
        self.at += usize::from(self.rest().starts_with('$'));
        let word = self.skip_while(|c| c.is_alphanumeric() || c == '_');
        let next = self.rest().chars().next();
        if matches!(word, "h" | "H") && matches!(next, Some('"' | '\'' | '@' | '`')) {
            return self.string();
        }
        if !matches!(word, "datetime" | "date" | "timespan" | "time" | "guid") || !self.rest().trim_start().starts_with('(') {
            return Ok(Tok::Ident);
        }
        let rest = self.rest();
        let inner = rest.split_once('(').and_then(|(_, r)| r.split_once(')')).map(|(inner, _)| inner);
        let inner = inner.ok_or_else(|| syntax(self.span(start), "the literal has no closing parenthesis"))?;
        self.at += rest.find(')').unwrap_or(0) + 1;
        let text = inner.trim();
        let text = text.strip_prefix(['"', '\'']).and_then(|t| t.strip_suffix(['"', '\''])).unwrap_or(text);
        let (ty, value) = match word {
            "datetime" | "date" => (Type::DateTime, parse_datetime(text).map(Value::DateTime)),
            "guid" => (Type::Guid, parse_guid(text).map(|g| Value::String(g.into()))),
            _ => (Type::TimeSpan, parse_timespan(text).map(Value::TimeSpan)),
        };
        if text == "null" || (text.is_empty() && ty != Type::Guid) {
            return Ok(Tok::Literal(Value::Null, ty));
        }
        // A year first is ISO 8601, and then a wrong date; the service reads other orders, but which it takes for which is not documented.
        let year_first = text.bytes().take_while(u8::is_ascii_digit).count() > 2;
        if value.is_none() && ty == Type::DateTime && !year_first && looks_like_a_date(text) {
            return Err(unsupported(self.span(start), format!("the date format of '{}'", text.chars().take(40).collect::<String>())));
        }
        let value = value.ok_or_else(|| syntax(self.span(start), format!("'{text}' is no {}", ty.name())))?;
        Ok(Tok::Literal(value, ty))
    }

    fn string(&mut self) -> Try<Tok> {
        let start = self.at;
        let rest = self.rest();
        for fence in ["```", "~~~"] {
            if let Some(body) = rest.strip_prefix(fence) {
                let len = body.find(fence).ok_or_else(|| syntax(Span { start, end: self.text.len() }, "the string has no end"))?;
                self.at += len + 6;
                return Ok(text_literal(body.get(..len).unwrap_or_default()));
            }
        }
        let verbatim = rest.starts_with('@');
        self.at += usize::from(verbatim);
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            return Err(syntax(self.span(start), "expected a string"));
        };
        self.at += 1;
        let mut out = String::new();
        loop {
            out.push_str(self.skip_while(|c| c != quote && c != '\\' && c != '\n' && c != '\r'));
            match self.rest().chars().next() {
                Some(c) if c == quote => {
                    self.at += 1;
                    if !(verbatim && self.rest().starts_with(quote)) {
                        return Ok(text_literal(&out));
                    }
                    self.at += 1;
                    out.push(quote);
                }
                Some('\\') if verbatim => {
                    self.at += 1;
                    out.push('\\');
                }
                Some('\\') => self.escape(&mut out)?,
                _ => return Err(syntax(self.span(start), "the string has no end on its line")),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Try<()> {
        let start = self.at;
        self.at += 1;
        let c = self.rest().chars().next().unwrap_or('\n');
        self.at += if self.rest().is_empty() { 0 } else { c.len_utf8() };
        let width = match c {
            'n' => return push(out, '\n'),
            't' => return push(out, '\t'),
            'r' => return push(out, '\r'),
            'a' => return push(out, '\u{7}'),
            'b' => return push(out, '\u{8}'),
            'f' => return push(out, '\u{c}'),
            'v' => return push(out, '\u{b}'),
            '0' => return push(out, '\0'),
            '\\' | '"' | '\'' => return push(out, c),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return Err(syntax(self.span(start), format!("unknown escape '\\{c}' (use @\"...\" for a verbatim string)"))),
        };
        let code = self.rest().get(..width).and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32);
        let code = code.ok_or_else(|| syntax(self.span(start), "malformed escape"))?;
        self.at += width;
        push(out, code)
    }
}

fn push(out: &mut String, c: char) -> Try<()> {
    out.push(c);
    Ok(())
}

fn text_literal(text: &str) -> Tok {
    Tok::Literal(Value::String(text.into()), Type::String)
}

fn scale(digits: &str, unit: i64) -> Option<i64> {
    if let Ok(whole) = digits.parse::<i64>() {
        return whole.checked_mul(unit);
    }
    let ticks = digits.parse::<f64>().ok()? * unit as f64;
    (ticks.abs() < 9.2e18).then_some(ticks.round() as i64)
}

/// The canonical lower-case spelling of a GUID, with or without dashes and braces.
pub(super) fn parse_guid(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let dashed = text.len() == 36 && text.char_indices().all(|(i, c)| (c == '-') == matches!(i, 8 | 13 | 18 | 23));
    let digits: String = text.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
    if !(dashed || text.len() == 32) || digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Some(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
}
