//! What is printed is read as the same tree and means the same, whatever the query.

use super::grammar::Grammar;
use super::*;
use crate::kql::parser::parse;
use proptest::prelude::*;
use regex::Regex;
use std::sync::LazyLock;

static PLACES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"Span \{ start: \d+, end: \d+ \}").unwrap());

/// A query in the canonical spelling and its tree without the places, if it can be read.
fn read(query: &str) -> Result<(String, String), KqlError> {
    let parsed = parse(query).map_err(|e| e.locate(query))?;
    Ok((parsed.to_string(), PLACES.replace_all(&format!("{parsed:?}"), "_").into_owned()))
}

type Columns = Vec<(Arc<str>, Type)>;

/// What a query's columns are, or why it has none.
fn meaning(query: &str, catalog: &dyn Catalog) -> Result<Columns, (ErrorKind, String)> {
    describe(query, catalog).map_err(|e| (e.kind, e.message))
}

/// Whether the query can be read at all; if so, what is printed of it is the same.
#[track_caller]
fn same(query: &str, catalog: &dyn Catalog) -> bool {
    let Ok((printed, tree)) = read(query) else { return false };
    let (again, second) = read(&printed).unwrap_or_else(|e| panic!("{query}\n{printed}\n{e}"));
    assert_eq!(tree, second, "{query}\n{printed}");
    assert_eq!(again, printed);
    assert_eq!(meaning(query, catalog), meaning(&printed, catalog), "{query}\n{printed}");
    true
}

#[test]
fn the_spelling_is_canonical() {
    for (query, printed) in [
        (
            "// c\nlet a=@'x\\y' ; DeviceEvents|filter not(A=~'b')and B !in~('c',\n'd')|order by C|limit 5",
            r#"let a = "x\\y"; DeviceEvents | where not(A =~ "b") and B !in~ ("c", "d") | sort by C desc | take 5"#,
        ),
        ("search in (A*, B) 'x*' and c:'*y'", r#"search kind=default in (A*, B) * hasprefix "x" and c hassuffix "y""#),
        ("T | search kind=case_sensitive a =~ 'x'", r#"T | search kind=case_sensitive a =~ "x""#),
        ("T|mvexpand a", "T | mv-expand a limit 128"),
        (
            "T|make-series kind=nonempty n=count()default=0 on t step 1d",
            "T | make-series kind=nonempty n = count() default=0 on t step timespan(1.00:00:00)",
        ),
        ("T|scan with(step s:true;)", "T | scan declare () with (step s output=all: true; )"),
        ("T|evaluate bag_unpack(a):(*,b:long)", "T | evaluate bag_unpack(a) : (*, b: long)"),
        ("print +1, ['by']", "print 1, [\"by\"]"),
    ] {
        assert_eq!(read(query).unwrap().0, printed);
    }
    assert!(read("DeviceEvents | wher x").unwrap_err().message.contains("'wher' is no operator"));
}

#[test]
fn our_own_queries_are_read_as_the_same_tree() {
    let catalog = oracle::bundled();
    let readable = oracle::own().iter().filter(|(_, query)| same(query, &catalog)).count();
    assert!(readable > 200, "only {readable} queries could be read");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_read_as_the_same_tree(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let query = Grammar::query(&choices);
        prop_assert!(same(&query, &tables()), "{query}: {:?}", read(&query));
    }
}
