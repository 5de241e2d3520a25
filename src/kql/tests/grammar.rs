//! Random queries by the grammar.

use super::*;

/// What the engine says against a query over the tables of these tests.
pub(in crate::kql) fn refusal(query: &str) -> Option<String> {
    describe(query, &tables()).err().map(|e| e.message)
}

/// Makes a query of a stream of choices: every rule of the grammar asks it which way to go, and an empty stream ends soon.
pub(in crate::kql) struct Grammar<'c> {
    choices: std::slice::Iter<'c, u8>,
    depth: usize,
}

impl<'c> Grammar<'c> {
    pub(in crate::kql) fn query(choices: &'c [u8]) -> String {
        let mut grammar = Grammar { choices: choices.iter(), depth: 0 };
        let lets: String = (0..grammar.below(3)).map(|at| grammar.statement(at)).collect();
        lets + &grammar.pipeline()
    }

    fn below(&mut self, count: usize) -> usize {
        self.choices.next().map_or(0, |c| usize::from(*c) % count)
    }

    fn one(&mut self, of: &[&str]) -> String {
        of[self.below(of.len())].to_owned()
    }

    fn list(&mut self, separator: &str, one: fn(&mut Self) -> String) -> String {
        let count = 1 + self.below(3);
        (0..count).map(|_| one(self)).collect::<Vec<_>>().join(separator)
    }

    fn name(&mut self) -> String {
        self.one(&["a", "DeviceName", "_b1", "['two words']", "[\"by\"]", "kind", "Küche", "['it\\'s']", "['where']", "date"])
    }

    fn new_name(&mut self) -> String {
        self.one(&["x", "['y z']", "y"])
    }

    fn statement(&mut self, at: usize) -> String {
        let value = match self.below(4) {
            0 => self.expr(),
            1 => format!("(s: string, n: long = 5) {{ {} }}", self.expr()),
            2 => format!("view (T: (a: string, b: dynamic), U: (*)) {{ let z = {}; {} }}", self.expr(), self.pipeline()),
            _ => self.pipeline(),
        };
        format!("let v{at} = {value};\n")
    }

    fn pipeline(&mut self) -> String {
        self.depth += 1;
        let mut text = match self.below(7) {
            1 => format!("print {}", self.list(", ", Self::named)),
            2 => format!("range x from {} to 5 step 1", self.operand()),
            3 => format!("union {}{}", self.one(&["", "kind=inner ", "isfuzzy=true withsource=Src "]), self.parts()),
            4 => format!("datatable(a: string, ['b c']: real) [\"x\", 1.5, {}, real(nan)]", self.literal()),
            5 if self.depth < 4 => format!("({})", self.pipeline()),
            _ => self.one(&["DeviceEvents", "['Device Events']", "materialize(T)", "f(1, x = 2)"]),
        };
        for _ in 0..self.below(4) {
            text.push_str(&format!("\n| {}", self.operator()));
        }
        self.depth -= 1;
        text
    }

    fn parts(&mut self) -> String {
        self.list(", ", |g| match g.below(3) {
            1 if g.depth < 4 => format!("({})", g.pipeline()),
            2 => g.one(&["Device*", "*", "*Events"]),
            _ => "T".to_owned(),
        })
    }

    fn operator(&mut self) -> String {
        match self.below(24) {
            0 => format!("where {}", self.expr()),
            1 => format!("project {}", self.list(", ", Self::named)),
            2 => format!("extend {}", self.list(",", Self::named)),
            3 => format!("summarize {} by {}", self.list(", ", Self::named), self.list(", ", Self::named)),
            4 => format!("summarize {}by {}", self.one(&["", "hint.strategy=shuffle "]), self.named()),
            5 => format!("summarize {}", self.named()),
            6 => format!("{} {}", self.one(&["project-away", "project-keep", "project-reorder"]), self.list(", ", Self::pattern)),
            7 => format!("project-rename {} = {}", self.new_name(), self.name()),
            8 => format!("distinct {}", self.one(&["*", "a, b", "tolower(a)"])),
            9 => format!("{} {}", self.one(&["take", "limit"]), self.operand()),
            10 => format!("top {} by {}", self.operand(), self.order()),
            11 => format!("{} by {}", self.one(&["sort", "order"]), self.list(", ", Self::order)),
            12 => self.one(&["count", "count as ['how many']", "getschema", "as hint", "project", "serialize"]),
            13 => format!("union {}", self.parts()),
            14 => {
                let kind = self.one(&["", "kind=inner ", "hint.strategy=broadcast kind=leftanti ", "kind=rightsemi "]);
                let right = if self.depth < 4 { format!("({})", self.pipeline()) } else { "T".to_owned() };
                format!("join {kind}{right} on {}", self.one(&["a", "$left.a == $right.b", "a, $left.b == $right.c", "['by']"]))
            }
            15 => format!("lookup {}T on a", self.one(&["", "kind=inner "])),
            16 => format!(
                "mv-expand {}",
                self.one(&["a", "with_itemindex=i x = a.b to typeof(long), c limit 5", "kind=bag a to typeof(dynamic)"])
            ),
            17 => format!("mvexpand {}", self.operand()),
            18 => {
                let end = self.one(&["", " *", " ';' ['z z']: long \"\\\\\" *"]);
                format!(
                    "{} {} with * \"a=\" x: long ', ' y{end}",
                    self.one(&["parse", "parse-where", "parse kind=relaxed"]),
                    self.operand()
                )
            }
            19 => self.one(&["render timechart", "render piechart with (title=\"a (b)\")"]),
            20 => format!("serialize {}", self.named()),
            21 => format!("filter {}", self.expr()),
            22 => "extend (a, b) = f(c)".to_owned(),
            _ => format!("where not({})", self.expr()),
        }
    }

    fn pattern(&mut self) -> String {
        self.one(&["a", "Device*", "*", "*Id*", "['b c']", "a asc", "z* desc", "['x*y z']"])
    }

    fn named(&mut self) -> String {
        match self.below(3) {
            0 => self.expr(),
            1 => self.name(),
            _ => format!("{} = {}", self.new_name(), self.expr()),
        }
    }

    fn order(&mut self) -> String {
        self.operand() + &self.one(&["", " asc", " desc", " asc nulls last", " nulls first"])
    }

    fn expr(&mut self) -> String {
        match self.below(3) {
            1 => self.list(" and ", Self::condition),
            2 => self.list(" or ", Self::condition),
            _ => self.condition(),
        }
    }

    fn condition(&mut self) -> String {
        let left = self.sum();
        match self.below(6) {
            0 => left,
            1 => format!("{left} {} {}", self.one(&["==", "!=", "<>", "<", "<=", ">", ">=", "=~", "!~"]), self.sum()),
            2 => {
                const WORDS: [&str; 12] = [
                    "has",
                    "!has",
                    "has_cs",
                    "contains",
                    "!contains_cs",
                    "notcontains",
                    "startswith",
                    "!endswith_cs",
                    "hasprefix",
                    "!hassuffix",
                    "matches regex",
                    "endswith",
                ];
                format!("{left} {} {}", self.one(&WORDS), self.operand())
            }
            3 => format!("{left} {} ({})", self.one(&["in", "in~", "!in", "!in~"]), self.list(", ", Self::member)),
            4 => format!("{left} {} ({})", self.one(&["has_any", "has_all"]), self.list(", ", Self::operand)),
            _ => format!("{left} {} ({} .. {})", self.one(&["between", "!between"]), self.sum(), self.sum()),
        }
    }

    fn member(&mut self) -> String {
        match self.below(5) {
            1 if self.depth < 4 => format!("({})", self.pipeline()),
            2 => "DeviceEvents | project a".to_owned(),
            _ => self.operand(),
        }
    }

    fn sum(&mut self) -> String {
        match self.below(4) {
            1 => format!("{} {} {}", self.operand(), self.one(&["+", "-", "*", "/", "%"]), self.operand()),
            2 => format!("{}-{}*{}", self.operand(), self.operand(), self.operand()),
            _ => self.operand(),
        }
    }

    fn operand(&mut self) -> String {
        self.depth += 1;
        let text = match self.below(if self.depth < 6 { 10 } else { 3 }) {
            0 => self.name(),
            1 | 2 => self.literal(),
            3 => format!("({})", self.expr()),
            4 => format!("-{}", self.operand()),
            5 => format!("f({})", self.list(", ", Self::expr)),
            6 => format!("{}.b[0].c", self.name()),
            7 => format!("a['x y'][{}]", self.operand()),
            8 => format!("toscalar({})", self.pipeline()),
            _ => self.one(&["count()", "arg_max(Timestamp, *)", "extract('a', 1, b, typeof(long))", "$left.a", "(+a)"]),
        };
        self.depth -= 1;
        text
    }

    fn literal(&mut self) -> String {
        const LITERALS: [&str; 34] = [
            "0",
            "5",
            "0x1F",
            "0xFFFFFFFFFFFFFFFF",
            "0x8000000000000000",
            "1.5",
            "1e300",
            "2.5e-7",
            "1d",
            "1.5h",
            "7tick",
            "''",
            "'it''s'",
            "\"a\\\"b\\\\\"",
            "@'c:\\x'",
            "@\"say \"\"hi\"\"\"",
            "h'secret'",
            "```a\n\"b\"```",
            "'a' \"b\"",
            "true",
            "False",
            "long(-5)",
            "int(7)",
            "int(null)",
            "real(-1.5)",
            "real(inf)",
            "bool(null)",
            "datetime(2026-11-22 10:00:00.1234567)",
            "datetime(null)",
            "timespan(-1.02:03:04.0000005)",
            "guid(01234567-89ab-cdef-0123-456789ABCDEF)",
            "dynamic({\"a\": [1, -2.5, null, true], 'b': {\"c\": \"\\n\"}})",
            "dynamic([])",
            "dynamic(-9)",
        ];
        self.one(&LITERALS)
    }
}

/// The tables of these tests.
pub(in crate::kql) fn catalog() -> impl Catalog {
    tables()
}
