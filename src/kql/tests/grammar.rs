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
        self.one(&["a", "DeviceName", "_b1", "['two words']", "[\"by\"]", "kind", "default", "Küche", "['it\\'s']", "['where']", "date"])
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
        let mut text = match self.below(10) {
            1 => format!("print {}", self.list(", ", Self::named)),
            2 => format!("range x from {} to 5 step 1", self.operand()),
            3 => format!("union {}{}", self.one(&["", "kind=inner ", "isfuzzy=true withsource=Src "]), self.parts()),
            4 => format!("datatable(a: string, ['b c']: real) [\"x\", 1.5, {}, real(nan)]", self.literal()),
            5 if self.depth < 4 => format!("({})", self.pipeline()),
            6 => format!("search {}", self.search()),
            7 => {
                let source = self.one(&["", "withsource=Src ", "with_source = ['by'] "]);
                let tables = if self.below(2) == 0 { String::new() } else { format!("in ({}) ", self.parts()) };
                let project = self.one(&["", " project a, ['pack']: long", " project-smart"]);
                format!("find {source}{tables}where {}{project}", self.predicate())
            }
            8 => format!(
                "externaldata(a: string, ['b c']: long) [{}, h@'https://x.test/']{}",
                self.literal(),
                self.one(&["", " with (format='csv', ignoreFirstRecord=true)", " with ()"])
            ),
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

    /// What stands behind `search`.
    fn search(&mut self) -> String {
        let kind = self.one(&["", "kind=case_sensitive ", "kind = default "]);
        let tables = if self.below(2) == 0 { String::new() } else { format!("in ({}) ", self.parts()) };
        let sought = if self.below(4) == 0 { "*".to_owned() } else { format!("'t' or {}", self.predicate()) };
        format!("{kind}{tables}{sought}")
    }

    /// A condition in which texts stand alone.
    fn predicate(&mut self) -> String {
        self.list(" and ", |g| match g.below(6) {
            0 => "'a b'".to_owned(),
            1 => "a : '*x'".to_owned(),
            2 => "not('x*')".to_owned(),
            3 => "(a =~ 'x' or \"*y*\")".to_owned(),
            4 => "* has 'z'".to_owned(),
            _ => "a !startswith 'x'".to_owned(),
        })
    }

    /// Operators in brackets.
    fn sub_query(&mut self) -> String {
        self.depth += 1;
        let operators = if self.depth < 5 { self.list(" | ", Self::operator) } else { "take 1".to_owned() };
        self.depth -= 1;
        format!("({operators})")
    }

    /// The operators that have a grammar of their own.
    fn rare_operator(&mut self) -> String {
        match self.below(15) {
            0 => format!("invoke f({})", self.list(", ", Self::expr)),
            1 => format!(
                "evaluate {}bag_unpack({}, x = 1){}",
                self.one(&["", "hint.strategy=shuffle "]),
                self.expr(),
                self.one(&["", " : (*)", ": (*, a: string)", ": (['b c']: long, d: real)", ": (*,)"])
            ),
            2 | 3 => {
                let defaulted = |g: &mut Self| g.named() + &g.one(&["", " default=0", " default = real(null)"]);
                let range = match self.below(4) {
                    0 => format!("from {} to {} step {}", self.sum(), self.sum(), self.sum()),
                    1 => format!("to {} step 1d", self.sum()),
                    2 => format!("step {}", self.sum()),
                    _ => format!("in range({}, {}, {})", self.sum(), self.sum(), self.sum()),
                };
                let by = if self.below(2) == 0 { String::new() } else { format!(" by {}", self.list(", ", Self::named)) };
                let kind = self.one(&["", "kind=nonempty ", "hint.strategy=shuffle "]);
                let axis = self.one(&["a", "t = bin(Timestamp, 1h)", "['by']", "a.b"]);
                format!("make-series {kind}{} on {axis} {range}{by}", self.list(", ", defaulted))
            }
            4 => format!(
                "{} {} on {}",
                self.one(&["mv-apply", "mvapply"]),
                self.one(&["a", "with_itemindex=i x = a.b to typeof(long), c limit 5", "['by'] = a"]),
                self.sub_query()
            ),
            5 => format!("search {}", self.search()),
            6 => {
                let level = |g: &mut Self| {
                    let count = g.one(&["", "3 ", "x "]);
                    let others = g.one(&["", " with others = 'rest'"]);
                    format!("top-nested {count}of {}{others} by {}{}", g.named(), g.named(), g.one(&["", " asc", " desc"]))
                };
                self.list(", ", level)
            }
            7 => format!("top-hitters {} of {}{}", self.operand(), self.named(), self.one(&["", " by a", " by f(b)"])),
            8 => format!("partition {}by {} {}", self.one(&["", "hint.strategy=native "]), self.new_name(), self.sub_query()),
            9 => format!("partition hint.strategy = legacy by a {{ {} }}", self.pipeline()),
            10 | 11 => {
                let step = |g: &mut Self| {
                    let set = g.one(&["", " => x = a", " => x = s.y, ['y z'] = 1"]);
                    format!("step {}{}: {}{set};", g.new_name(), g.one(&["", " output=last", " output = none"]), g.expr())
                };
                format!(
                    "scan {}{}with ({})",
                    self.one(&["", "with_match_id=m ", "with_match_id=['by'] "]),
                    self.one(&["", "declare (x: long = 0, ['y z']: string) "]),
                    self.list(" ", step)
                )
            }
            12 => format!("sample {}", self.operand()),
            13 => format!("sample-distinct {} of {}", self.operand(), self.expr()),
            _ => self.one(&[
                "consume",
                "consume decodeblocks=true",
                "project-by-names a, 'b', dynamic(['c'])",
                "parse kind=regex flags=Ui a with @'x(\\d+)' y: long",
                "mv-expand kind=array a",
            ]),
        }
    }

    fn operator(&mut self) -> String {
        match self.below(30) {
            24.. => self.rare_operator(),
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
                let end = self.one(&["", " ';' *", " ';' ['z z']: long \"\\\\\" *"]);
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
            _ => self.one(&["count()", "arg_max(Timestamp, *)", "+print(1)", "extract('a', 1, b, typeof(long))", "$left.a", "(+a)"]),
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
