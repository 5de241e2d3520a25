//! What may stand at a place of a query.
//!
//! The text before the cursor is rarely a query, so its tokens are looked at: which pipeline is open, which of its operators, whether a value
//! or an operator is expected. What stands before that operator is whole, and the binder knows its columns.

mod place;
mod words;

use super::coverage::signature;
use super::value::Type;
use super::{Catalog, bind, functions, parser};
use place::{Expects, Place};

/// Something that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What to write.
    pub text: String,
    /// `table`, `column`, `name` (of a `let`), `operator`, `function`, `aggregate` or `keyword`.
    pub kind: &'static str,
    /// Its type, or what it takes and answers.
    pub detail: String,
    /// Byte offset of what it replaces.
    pub start: usize,
    /// Byte offset behind it.
    pub end: usize,
}

/// What may stand at a byte offset; nothing inside of texts and comments.
pub fn complete(query: &str, cursor: usize, catalog: &dyn Catalog) -> Vec<Completion> {
    let mut cursor = cursor.min(query.len());
    while !query.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let found = super::apart(query, || Ok(offered(query.get(..cursor).unwrap_or_default(), catalog)));
    found.unwrap_or_default()
}

struct Offers<'a> {
    place: &'a Place<'a>,
    catalog: &'a dyn Catalog,
    found: Vec<Completion>,
}

fn offered(head: &str, catalog: &dyn Catalog) -> Vec<Completion> {
    let Some(place) = Place::find(head) else { return Vec::new() };
    let mut offers = Offers { place: &place, catalog, found: Vec::new() };
    offers.all();
    let typed = head.get(place.start..).unwrap_or_default().to_lowercase();
    let rank = |c: &Completion| {
        let text = c.text.to_lowercase();
        if text.starts_with(&typed) { Some(0) } else { text.contains(&typed).then_some(1) }
    };
    let mut ranked: Vec<(u8, Completion)> = offers.found.into_iter().filter_map(|c| Some((rank(&c)?, c))).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    let mut seen = std::collections::HashSet::new();
    ranked.into_iter().map(|(_, c)| c).filter(|c| seen.insert((c.kind, c.text.clone()))).collect()
}

impl Offers<'_> {
    fn add(&mut self, kind: &'static str, text: &str, detail: impl Into<String>) {
        let (start, end) = (self.place.start, self.place.end);
        self.found.push(Completion { text: text.to_owned(), kind, detail: detail.into(), start, end });
    }

    fn words(&mut self, kind: &'static str, words: &[&str]) {
        for word in words {
            self.add(kind, word, "");
        }
    }

    fn all(&mut self) {
        match &self.place.expects {
            Expects::Nothing => {}
            Expects::Source => {
                self.tables();
                self.words("keyword", &["union", "print", "range", "datatable", "search", "find", "let", "externaldata"]);
            }
            Expects::Table(parameters) => {
                self.tables();
                self.words("keyword", parameters);
            }
            Expects::Operator => {
                let mut names: Vec<&str> =
                    parser::OPERATORS.into_iter().filter(|n| !["find", "externaldata", "mvexpand", "consume"].contains(n)).collect();
                names.sort_unstable();
                self.words("operator", &names);
            }
            Expects::Words(words) => self.words("keyword", words),
            Expects::Type => self.words("keyword", &Type::NAMES),
            Expects::Columns => self.columns(|_| true),
            Expects::Value => self.value(),
            Expects::Common => self.common(),
            Expects::Side(right) => {
                for (name, ty) in self.place.side(*right, self.catalog) {
                    self.add("column", &quoted(&name), ty.name());
                }
            }
            Expects::Infix(words) => {
                let ty = self.left_type();
                let by_type: &[&str] = match ty {
                    None | Some(Type::String | Type::Dynamic) => &words::TEXT,
                    Some(Type::Bool) => &[],
                    Some(_) => &words::VALUES,
                };
                self.words("keyword", words);
                if self.place.compares() {
                    self.words("keyword", by_type);
                    self.words("keyword", &words::BOTH);
                }
            }
        }
    }

    fn left_type(&self) -> Option<Type> {
        let name = self.place.before_cursor()?;
        self.place.fields(self.catalog).into_iter().find(|(n, _)| **n == *name).map(|(_, ty)| ty)
    }

    fn tables(&mut self) {
        self.names(|named| !matches!(named, bind::Named::Scalar(_)));
        let mut names = self.catalog.table_names();
        names.sort_unstable();
        for name in names {
            let count = self.catalog.table(&name).map_or(0, |t| t.columns.len());
            self.add("table", &quoted(&name), format!("{count} columns"));
        }
    }

    fn names(&mut self, wanted: fn(&bind::Named) -> bool) {
        for (name, named) in self.place.names(self.catalog) {
            if wanted(&named) {
                let detail = match named {
                    bind::Named::Scalar(ty) => ty.name(),
                    bind::Named::Table => "table",
                    bind::Named::Function => "function",
                };
                self.add("name", &quoted(&name), detail);
            }
        }
    }

    fn columns(&mut self, wanted: fn(Type) -> bool) {
        for (name, ty) in self.place.fields(self.catalog) {
            if wanted(ty) {
                self.add("column", &quoted(&name), ty.name());
            }
        }
    }

    fn value(&mut self) {
        self.columns(|_| true);
        self.names(|named| !matches!(named, bind::Named::Table));
        if self.place.aggregates() {
            let mut names: Vec<&str> = bind::aggregates().collect();
            names.sort_unstable();
            self.words("aggregate", &names);
        }
        let mut names: Vec<&str> = functions::names().chain(bind::SPECIAL.iter().copied()).collect();
        names.sort_unstable();
        for name in names {
            self.add("function", name, signature(name).unwrap_or_default());
        }
        self.words("keyword", &["true", "false", "datetime", "timespan", "dynamic"]);
    }

    /// Columns that both sides of a join have.
    fn common(&mut self) {
        let right = self.place.side(true, self.catalog);
        for (name, ty) in self.place.side(false, self.catalog) {
            if right.iter().any(|(other, _)| *other == name) {
                self.add("column", &quoted(&name), ty.name());
            }
        }
        self.words("keyword", &["$left", "$right"]);
    }
}

/// A name as a query has to write it.
fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { name.to_string() } else { format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")) }
}

#[cfg(test)]
mod tests;
