//! Words that may stand somewhere, whatever the tables are.

pub(super) const JOIN_KINDS: [&str; 9] =
    ["inner", "innerunique", "leftouter", "rightouter", "fullouter", "leftanti", "leftsemi", "rightanti", "rightsemi"];

pub(super) const CHARTS: [&str; 10] =
    ["timechart", "barchart", "columnchart", "piechart", "linechart", "areachart", "scatterchart", "stackedareachart", "card", "table"];

/// Operators between a text and another.
pub(super) const TEXT: [&str; 18] = [
    "has",
    "!has",
    "has_any",
    "has_all",
    "contains",
    "!contains",
    "startswith",
    "endswith",
    "in",
    "in~",
    "!in",
    "!in~",
    "matches regex",
    "has_cs",
    "contains_cs",
    "startswith_cs",
    "endswith_cs",
    "between",
];

pub(super) const VALUES: [&str; 4] = ["between", "!between", "in", "!in"];

pub(super) const BOTH: [&str; 2] = ["and", "or"];

/// Words behind which a value is expected.
pub(super) const OPENING: &[&str] = &[
    "where",
    "filter",
    "project",
    "extend",
    "summarize",
    "distinct",
    "by",
    "on",
    "and",
    "or",
    "has",
    "contains",
    "startswith",
    "endswith",
    "hasprefix",
    "hassuffix",
    "has_cs",
    "contains_cs",
    "startswith_cs",
    "endswith_cs",
    "regex",
    "in",
    "has_any",
    "has_all",
    "between",
    "take",
    "limit",
    "top",
    "print",
    "from",
    "to",
    "step",
    "away",
    "keep",
    "rename",
    "reorder",
    "expand",
    "apply",
    "parse",
    "serialize",
    "of",
    "default",
    "let",
    "return",
    "sample",
];
