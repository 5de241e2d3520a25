//! Text as bytes, code points and digests: base64, compressed text, GUIDs, hexadecimal digits.

use super::super::scalar::{Answer, Trouble};
use super::super::value::{Type, Value};
use super::{Naming, P, Spec, at, checked, plain, str_at};
use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::{GzDecoder, ZlibDecoder};
use ring::digest;
use std::io::Read;

const S: Type = Type::String;
const D: Type = Type::Dynamic;

/// The longest text that a compressed one may become.
const MAX_TEXT: u64 = 4 << 20;

pub(super) const FUNCTIONS: &[Spec] = &[
    plain("base64_encode_tostring", &[P::Str], S, |a| Value::text(STANDARD.encode(str_at(a, 0)))),
    plain("base64_encodestring", &[P::Str], S, |a| Value::text(STANDARD.encode(str_at(a, 0)))),
    plain("base64_decode_tostring", &[P::Str], S, decode_text),
    plain("base64_decodestring", &[P::Str], S, decode_text),
    plain("base64_decode_toarray", &[P::Str], D, |a| match STANDARD.decode(str_at(a, 0).trim()) {
        Ok(bytes) => Value::dynamic(json::Value::Array(bytes.into_iter().map(|b| json::Value::Int(i64::from(b))).collect())),
        Err(_) => Value::Null,
    }),
    plain("base64_encode_fromarray", &[P::Dyn], S, |a| bytes_of(at(a, 0)).map_or(Value::Null, |b| Value::text(STANDARD.encode(b)))),
    plain("base64_encode_fromguid", &[P::Guid], S, |a| {
        guid_bytes(str_at(a, 0)).map_or(Value::Null, |bytes| Value::text(STANDARD.encode(swap(bytes))))
    }),
    plain("base64_decode_toguid", &[P::Str], Type::Guid, decode_guid),
    checked("gzip_decompress_from_base64_string", &[P::Str], S, |a| inflate(a, |bytes| Box::new(GzDecoder::new(bytes)))),
    checked("zlib_decompress_from_base64_string", &[P::Str], S, |a| inflate(a, |bytes| Box::new(ZlibDecoder::new(bytes)))),
    plain("hash_sha256", &[P::FlatText], S, |a| hash(&digest::SHA256, str_at(a, 0))),
    plain("hash_sha1", &[P::FlatText], S, |a| hash(&digest::SHA1_FOR_LEGACY_USE_ONLY, str_at(a, 0))),
    plain("hash_md5", &[P::FlatText], S, |a| match str_at(a, 0) {
        "" => Value::text(""),
        text => Value::text(hex(&super::md5::digest(text.as_bytes()))),
    }),
    plain("unicode_codepoints_from_string", &[P::Text], D, code_points),
    plain("to_utf8", &[P::Text], D, code_points),
    plain("unicode_codepoints_to_string", &[P::Whole], S, from_code_points).repeat(1),
    plain("make_string", &[P::Whole], S, from_code_points).repeat(1),
    plain("isascii", &[P::Text], Type::Bool, |a| str_at(a, 0).is_ascii().into()),
    plain("isutf8", &[P::Text], Type::Bool, |_| true.into()),
    checked("tohex", &[P::Int, P::Int], S, to_hex).optional(1).named(Naming::FirstArgument),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Nothing has no digest: the service answers the empty text.
fn hash(algorithm: &'static digest::Algorithm, text: &str) -> Value {
    if text.is_empty() {
        return Value::text("");
    }
    Value::text(hex(digest::digest(algorithm, text.as_bytes()).as_ref()))
}

fn decode_text(args: &[&Value]) -> Value {
    STANDARD.decode(str_at(args, 0).trim()).ok().and_then(|b| String::from_utf8(b).ok()).map_or(Value::Null, Value::text)
}

/// The bytes of an array of numbers from 0 to 255.
fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    let Value::Dynamic(d) = value else {
        return None;
    };
    d.as_array()?.iter().map(|i| i.as_i64().and_then(|n| u8::try_from(n).ok())).collect()
}

/// Between the order in which a GUID is written and the order of its bytes in memory: the first three groups are turned.
fn swap(bytes: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

fn guid_bytes(guid: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(&guid.replace('-', ""), 16).ok().map(u128::to_be_bytes)
}

fn decode_guid(args: &[&Value]) -> Value {
    let bytes: Option<[u8; 16]> = STANDARD.decode(str_at(args, 0).trim()).ok().and_then(|b| b.try_into().ok());
    let Some(bytes) = bytes else {
        return Value::Null;
    };
    let digits = hex(&swap(bytes));
    let group = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Value::text([group(0, 8), group(8, 12), group(12, 16), group(16, 20), group(20, 32)].join("-"))
}

/// What cannot be decoded, unpacked or read as UTF-8 is the empty text.
fn inflate(args: &[&Value], unpack: impl for<'b> Fn(&'b [u8]) -> Box<dyn Read + 'b>) -> Answer {
    let Ok(packed) = STANDARD.decode(str_at(args, 0).trim()) else {
        return Ok(Value::text(""));
    };
    let mut out = Vec::new();
    match unpack(&packed).take(MAX_TEXT + 1).read_to_end(&mut out) {
        Ok(size) if size as u64 > MAX_TEXT => Err(Trouble::Limit(format!("a text longer than {MAX_TEXT} bytes"))),
        Ok(_) => Ok(String::from_utf8(out).map_or(Value::text(""), Value::text)),
        Err(_) => Ok(Value::text("")),
    }
}

fn code_points(args: &[&Value]) -> Value {
    Value::dynamic(json::Value::Array(str_at(args, 0).chars().map(|c| json::Value::Int(i64::from(u32::from(c)))).collect()))
}

/// Numbers and arrays of numbers; what is no code point makes the whole answer empty.
fn from_code_points(args: &[&Value]) -> Value {
    let character = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32);
    let mut out = String::new();
    for arg in args {
        match arg {
            Value::Dynamic(d) => {
                for item in d.as_array().unwrap_or(std::slice::from_ref(d)) {
                    match character(item.as_i64()) {
                        Some(c) => out.push(c),
                        None => return Value::Null,
                    }
                }
            }
            other => match character(other.as_i64()) {
                Some(c) => out.push(c),
                None => return Value::Null,
            },
        }
    }
    Value::text(out)
}

/// Two's complement of the argument's own width; at least so many digits as are asked for, 16 at most.
fn to_hex(args: &[&Value]) -> Answer {
    let digits = match at(args, 0) {
        Value::Int(n) => format!("{n:x}"),
        other => format!("{:x}", other.as_i64().unwrap_or(0)),
    };
    let Some(width) = args.get(1).map(|v| v.as_i64().unwrap_or(0)) else {
        return Ok(Value::text(digits));
    };
    match usize::try_from(width.min(16)) {
        Ok(width) if width > 0 => Ok(Value::text(format!("{digits:0>width$}"))),
        _ => Err(Trouble::Unsupported("tohex with a length below 1".to_owned())),
    }
}
