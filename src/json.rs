//! JSON values that lose nothing.
//!
//! The services' answers hold what strict parsers refuse or change without a word: a lone surrogate in one command line (strict parsers
//! lose the whole page), integers past 64 bits (usually turned into a float), a byte order mark, raw control characters inside a live
//! response transcript. This reader accepts them by rule, keeps the order of keys and the exact digits of every number, and
//! bounds depth, so that a hostile answer cannot exhaust the stack.
//!
//! It is used for every body in and out, on the client's side and on the sandbox's.

use std::fmt;

/// Keys in the order in which they came. A key that comes twice keeps its first place and its last value, as in most readers.
pub type Object = indexmap::IndexMap<String, Value>;

/// How many arrays and objects may be open at once.
pub const MAX_DEPTH: usize = 64;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// An integer beyond 64 bits: its digits.
    BigInt(Box<str>),
    /// Text. Lone surrogates are replaced by U+FFFD.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Keys and values.
    Object(Object),
}

/// Where and why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset of the trouble.
    pub offset: usize,
    /// What was wrong there.
    pub message: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for JsonError {}

impl Value {
    /// The value under a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object().and_then(|o| o.get(key))
    }

    /// The value under a key whatever its case: the hunting endpoints spell `Schema` and `schema`.
    pub fn get_ignore_case(&self, key: &str) -> Option<&Value> {
        let object = self.as_object()?;
        object.get(key).or_else(|| object.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v))
    }

    /// The text, if this is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The integer, if this is one of 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Int(i) => Some(*i),
            _ => None,
        }
    }

    /// The number as a float, if this is a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            Value::BigInt(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(a) => Some(a),
            _ => None,
        }
    }

    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(o) => Some(o),
            _ => None,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Appends the compact JSON text. Floats that JSON cannot spell (NaN, infinities) become the texts that the services use.
    pub fn write(&self, out: &mut String) {
        match self {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Int(i) => out.push_str(&i.to_string()),
            Value::BigInt(s) => out.push_str(s),
            Value::Float(f) if f.is_nan() => out.push_str("\"NaN\""),
            Value::Float(f) if f.is_infinite() => out.push_str(if *f > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }),
            Value::Float(f) => {
                let text = format!("{f:?}");
                out.push_str(&text);
            }
            Value::String(s) => write_string(s, out),
            Value::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Value::Object(object) => {
                out.push('{');
                for (i, (key, value)) in object.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// Compact JSON text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write(&mut out);
        f.write_str(&out)
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Value::String(s.to_owned())
    }
}
impl From<String> for Value {
    fn from(s: String) -> Self {
        Value::String(s)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Value::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(i: i64) -> Self {
        Value::Int(i)
    }
}
impl From<f64> for Value {
    fn from(f: f64) -> Self {
        Value::Float(f)
    }
}
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Value::Array(items.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(item: Option<T>) -> Self {
        item.map_or(Value::Null, Into::into)
    }
}
impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(object)
    }
}

/// An object from pairs, in their order.
pub fn object<K: Into<String>, const N: usize>(members: [(K, Value); N]) -> Value {
    Value::Object(members.into_iter().map(|(k, v)| (k.into(), v)).collect())
}

/// Appends a JSON string literal.
pub fn write_string(s: &str, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Reads one value; anything but white space behind it is an error. Bytes that are no UTF-8 become U+FFFD.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader { bytes, at: 0, depth: 0 };
    let value = reader.value()?;
    reader.space();
    if reader.at < bytes.len() { Err(reader.error("unexpected text behind the value")) } else { Ok(value) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn error(&self, message: &'static str) -> JsonError {
        JsonError { offset: self.at, message }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    fn word(&mut self, word: &'static [u8], value: Value) -> Result<Value, JsonError> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error("unexpected character"))
        }
    }

    fn value(&mut self) -> Result<Value, JsonError> {
        self.space();
        match self.peek() {
            None => Err(self.error("unexpected end")),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            Some(_) => Err(self.error("unexpected character")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, JsonError>) -> Result<Value, JsonError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error("too many levels"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, JsonError> {
        let mut object = Object::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(object));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key"));
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.error("expected a colon"));
            }
            let value = self.value()?;
            object.insert(key, value);
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(object));
            }
            if !self.take(b',') {
                return Err(self.error("expected a comma or a closing brace"));
            }
        }
    }

    fn array(&mut self) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(self.error("expected a comma or a closing bracket"));
            }
        }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.take(b'-');
        let first = self.at;
        self.digits();
        if self.at == first || (self.bytes.get(first) == Some(&b'0') && self.at - first > 1) {
            self.at = first;
            return Err(self.error("malformed number"));
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            let at = self.at;
            self.digits();
            if self.at == at {
                return Err(self.error("malformed number"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            let at = self.at;
            self.digits();
            if self.at == at {
                return Err(self.error("malformed number"));
            }
        }
        let text = self.bytes.get(start..self.at).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or_default();
        if whole {
            return Ok(text.parse().map_or_else(|_| Value::BigInt(text.into()), Value::Int));
        }
        text.parse().map(Value::Float).map_err(|_| self.error("malformed number"))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\')).unwrap_or(rest.len());
            out.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()));
                }
                Some(_) => self.escape(&mut out)?,
                None => return Err(self.error("unterminated string")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), JsonError> {
        self.at += 1;
        let byte = match self.peek() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(c @ (b'"' | b'\\' | b'/')) => c,
            Some(b'u') => {
                self.at += 1;
                let c = self.unicode()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.error("unknown escape")),
        };
        self.at += 1;
        out.push(byte);
        Ok(())
    }

    /// The character of `\uXXXX`, or of two that form a pair; half a pair is U+FFFD.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let back = self.at;
        self.at += 2;
        let low = self.hex()?;
        if (0xdc00..0xe000).contains(&low) {
            return Ok(char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = back;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.bytes.get(self.at..self.at + 4).and_then(|d| std::str::from_utf8(d).ok());
        let value = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit())).and_then(|d| u32::from_str_radix(d, 16).ok());
        let value = value.ok_or_else(|| self.error("malformed \\u escape"))?;
        self.at += 4;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_lone_surrogate_does_not_lose_the_page() {
        let v = parse(br#"{"a":"x\ud800y","b":[1]}"#).unwrap();
        assert_eq!(v.get("a").and_then(Value::as_str), Some("x\u{fffd}y"));
        assert_eq!(v.get("b"), Some(&Value::Array(vec![Value::Int(1)])));
        assert_eq!(parse(br#""\ud83d\ude00""#).unwrap().as_str(), Some("😀"));
        assert_eq!(parse(br#""\ud800\u0041""#).unwrap().as_str(), Some("\u{fffd}A"));
    }

    #[test]
    fn big_integers_keep_their_digits() {
        let text = "123456789012345678901234567890";
        assert_eq!(parse(text.as_bytes()).unwrap(), Value::BigInt(text.into()));
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
        assert_eq!(parse(b"9223372036854775807").unwrap(), Value::Int(i64::MAX));
    }

    #[test]
    fn raw_control_characters_and_byte_order_marks_are_read() {
        assert_eq!(parse(b"\xef\xbb\xbf\"a\nb\x00\"").unwrap().as_str(), Some("a\nb\0"));
        assert_eq!(parse(b"\"\xff\"").unwrap().as_str(), Some("\u{fffd}"));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for (text, offset) in [
            ("", 0),
            ("{\"a\":}", 5),
            ("[1,]", 3),
            ("01", 0),
            ("1.", 2),
            ("tru", 0),
            ("[1] x", 4),
            ("\"a", 2),
            ("{a:1}", 1),
            ("\"\\x\"", 2),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().offset, offset, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert!(parse("[".repeat(MAX_DEPTH).as_bytes()).unwrap_err().message.contains("end"));
        assert!(parse("[".repeat(100_000).as_bytes()).unwrap_err().message.contains("levels"));
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::hash_map(any::<String>(), inner, 0..8).prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_and_writes_what_an_independent_reader_reads(v in any_json()) {
            let text = v.to_string();
            let ours = parse(text.as_bytes()).unwrap();
            let back: serde_json::Value = serde_json::from_str(&ours.to_string()).unwrap();
            prop_assert_eq!(back, v);
        }

        #[test]
        fn never_panics_and_accepts_all_that_an_independent_reader_accepts(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let ours = parse(&bytes);
            if serde_json::from_slice::<serde_json::Value>(&bytes).is_ok() {
                prop_assert!(ours.is_ok());
            }
        }
    }
}
