//! Arguments that must be constants: a column in their place is an error of the query, in the service too.

use super::super::value::Type;

/// Function and the positions of such arguments.
const CONSTANTS: &[(&str, &[usize])] = &[
    ("array_index_of", &[4]),
    ("bag_set_key", &[1]),
    ("extract", &[0]),
    ("extract_all", &[0]),
    ("extract_json", &[0]),
    ("extractjson", &[0]),
    ("format_bytes", &[1, 2]),
    ("indexof", &[4]),
    ("indexof_regex", &[1, 4]),
    ("replace", &[0, 1]),
    ("replace_regex", &[1, 2]),
    ("round", &[1]),
    ("series_stats_dynamic", &[1]),
    ("trim", &[0]),
    ("trim_end", &[0]),
    ("trim_start", &[0]),
];

/// Whether the argument at a position, of a type, must be a constant.
pub(in super::super) fn must_be(function: &str, at: usize, ty: Type) -> bool {
    match function {
        // Behind the arrays: whether nulls go last.
        "array_sort_asc" | "array_sort_desc" => ty == Type::Bool,
        _ => CONSTANTS.iter().any(|(name, places)| *name == function && places.contains(&at)),
    }
}
