//! Every function, aggregate and operator with arguments of every type, beside what Microsoft's binder makes of the same call:
//! `tests/oracle/signatures.jsonl.gz`. See `tests/oracle/README.md`.

use super::Tables;
use crate::json::{self, Value as Json};
use crate::kql::{ErrorKind, describe};
use std::collections::BTreeSet;
use std::io::Read as _;

const SIGNATURES: &[u8] = include_bytes!("../../../tests/oracle/signatures.jsonl.gz");
const COLUMNS: &str = "datatable(b:bool, i:int, l:long, r:real, s:string, t:datetime, d:timespan, g:guid, o:dynamic)[]";

/// Where the engine refuses what the binder accepts: part of the message, and why that is right.
const STRICTER: &[(&str, &str)] = &[
    ("cannot compare values of types ", "values of unlike types are never equal"),
    ("no order among values of types ", "a bool is neither more nor less"),
    ("no arithmetic on values of types ", "there is no such value"),
    ("no choice between values of types ", "an answer has one type"),
    ("no column or scalar named '", "a count, an offset or a percent is a constant"),
    ("the accuracy of 'dcount", "an accuracy is one of five whole numbers"),
    (" takes a number", "the binder lets a statistic take any scalar"),
    (" takes a whole number, not a ", "bits are those of whole numbers"),
    (" takes no ", "the binder lets a statistic take any scalar"),
    ("of 'around' must be a number, a datetime or a timespan", "only these have a distance"),
    ("of 'make_datetime' must be an int or a long", "the parts of a date but the seconds are whole"),
    ("'make_datetime' does not take 1 arguments", "undocumented; todatetime() converts"),
    ("'make_timespan' does not take 1 arguments", "undocumented; totimespan() converts"),
    ("of 'unixtime_nanoseconds_todatetime' must be an int or a long", "nanoseconds are whole"),
    ("parse_command_line knows the parser", "the second argument is the constant 'windows'"),
    ("has_any looks for strings, not for a ", "terms are texts"),
    ("in~ needs a string, not a ", "only texts have a case"),
    ("a string operator needs a string, not a ", "only texts have a case"),
];

/// The functions with a call that the engine refuses by name, and those that it does not know. The list may shrink, never grow.
const LACKING: &str = "\
!= % * + - / == array_sort_asc array_sort_desc beta_cdf beta_inv bin_at bin_auto buildschema case cnt convert_angle convert_energy \
convert_force convert_length convert_speed convert_temperature convert_volume datetime_list_timezones datetime_local_to_utc \
datetime_utc_to_local dcount_hll entity_group erf erfc estimate_data_size gamma graph gzip_compress_to_base64_string hash_combine \
hash_many hll hll_if hll_isvalid hll_merge iif in ingestion_time in~ literal loggamma merge_tdigest min_of parse_user_agent \
parse_version passthrough percentile_tdigest percentiles_array_tdigest percentrank_tdigest rank_tdigest row_id row_rank \
rowstore_ordinal_range tdigest tdigest_isvalid tdigest_merge todecimal toobject treepath weekofyear zlib_compress_to_base64_string";

struct Call {
    kind: String,
    name: String,
    text: String,
    /// The type of the answer; none if the binder rejects the call, empty if it does not tell.
    ty: Option<String>,
}

fn calls() -> Vec<Call> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(SIGNATURES).read_to_string(&mut text).unwrap();
    let mut calls = Vec::new();
    for line in text.lines() {
        let line = json::parse(line.as_bytes()).unwrap();
        let part = |name: &str| line.get(name).and_then(Json::as_str).unwrap().to_owned();
        for (text, ty) in line.get("calls").and_then(Json::as_object).unwrap() {
            calls.push(Call { kind: part("kind"), name: part("name"), text: text.to_string(), ty: ty.as_str().map(str::to_owned) });
        }
    }
    calls
}

#[test]
fn the_engine_takes_and_answers_the_types_of_microsofts_binder() {
    let (mut accepted, mut others, mut refused, mut same) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let (mut lacking, mut idle) = (BTreeSet::new(), vec![true; STRICTER.len()]);
    let calls = calls();
    for call in &calls {
        let operator = match call.kind.as_str() {
            "agg" => "summarize",
            "win" => "serialize | extend",
            _ => "project",
        };
        let query = format!("{COLUMNS} | {operator} x = {}", call.text);
        match (describe(&query, &Tables::default()), &call.ty) {
            (Err(_), None) => {}
            (Ok(_), None) => accepted.push(&call.text),
            // arg_max() and the like make more columns behind the named one; `extend` puts it last.
            (Ok(columns), Some(ty)) => match columns.iter().find(|c| c.0.as_ref() == "x") {
                Some((_, found)) if ty.is_empty() || found.name() == ty => same += 1,
                found => others.push(format!("{}: {:?} (Microsoft: {ty})", call.text, found.map(|f| f.1.name()))),
            },
            (Err(error), Some(_)) if error.kind == ErrorKind::Unsupported || error.message.starts_with("no function named") => {
                lacking.insert(call.name.as_str());
            }
            (Err(error), Some(_)) => match STRICTER.iter().position(|(part, _)| error.message.contains(part)) {
                Some(at) => idle[at] = false,
                None => refused.push(format!("{}: {}", call.text, error.message)),
            },
        }
    }
    assert!(accepted.is_empty(), "accepted, though Microsoft's binder rejects it: {accepted:#?}");
    assert!(others.is_empty(), "another type than the binder's: {others:#?}");
    assert!(refused.is_empty(), "refused for no known reason: {refused:#?}");
    assert_eq!(lacking, LACKING.split_whitespace().collect(), "what is refused by name changed");
    let idle: Vec<_> = STRICTER.iter().zip(&idle).filter(|(_, idle)| **idle).map(|(reason, _)| reason.0).collect();
    assert!(idle.is_empty(), "reasons that nothing needs: {idle:#?}");
    assert!(calls.len() > 20_000 && same > 3_000, "too few calls: {} of which {same} agree", calls.len());
}
