//! Queries over tables that are here already: a result is asked again, and spends no quota.
//!
//! The engine asks for a column's cells when a query looks at them, so that a hundred columns cost nothing while three are named; and what a
//! query passes on is taken from the arrays as it is, with nothing lost on the way.

use crate::{
    error::{Error, Kind, Result},
    json::{self, Value as Json},
    kql::{self, Catalog, Cells, ErrorKind, KqlError, Lazy, Options, Passed, TokenKind, Type, Value, tokens},
    table::{Chunk, Column, Odd, Table, WireType, write_any},
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array,
    builder::StringViewBuilder,
    cast::AsArray,
    types::{Float64Type, Int32Type, Int64Type},
};
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, OnceLock, atomic::AtomicBool},
};

/// The name of a result's own rows.
pub const RESULT: &str = "Result";

/// Ticks of 1970-01-01 in the engine's count.
const EPOCH: i64 = 621_355_968_000_000_000;

/// The moment, in the engine's count.
pub fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond() / 100).map_or(EPOCH, |ticks| ticks.saturating_add(EPOCH))
}

/// What one query here may visit and make: far more than a result asks for, and less than what fills a machine.
const MAX_CELLS: usize = 4_000_000_000;
const MAX_BYTES: usize = 4 << 30;

/// Runs a query over tables. One that begins with an operator is about the table named `Result`. Setting `stop` ends it at once.
pub fn run(query: &str, tables: &[(String, Table)], now: i64, stop: Option<Arc<AtomicBool>>) -> Result<Table> {
    let (text, inserted) = complete(query, tables);
    let catalog =
        Here { tables: tables.iter().enumerate().map(|(id, (name, table))| (name.clone(), Arc::new(Rows::new(id, table)))).collect() };
    let options = Options { max_rows: usize::MAX, max_cells: MAX_CELLS, max_bytes: MAX_BYTES, stop, ..Options::at(now) };
    let picked = kql::pick(&text, &catalog, &options).map_err(|error| refused(query, error, inserted))?;
    let columns = picked.columns.iter().map(|(name, ty, cells)| column(name, *ty, cells, tables)).collect();
    let (mut arrays, mut odd) = (Vec::new(), Vec::new());
    for (_, ty, cells) in &picked.columns {
        let (array, strange) = match cells {
            Passed::Own(cells) => (array(*ty, cells), Vec::new()),
            Passed::Of { table, column, rows } => match tables.get(*table) {
                Some((_, table)) => gather(table, *column, rows.as_deref(), picked.rows),
                None => (array(*ty, &Cells::new()), Vec::new()),
            },
        };
        arrays.push(array);
        odd.push(strange);
    }
    Ok(Table::new(columns, vec![Chunk { rows: picked.rows, arrays, odd }]))
}

/// The query with the name of the result's rows where it leaves them out, and where how much was put in.
fn complete(query: &str, tables: &[(String, Table)]) -> (String, Option<(usize, usize)>) {
    let Ok(tokens) = tokens(query) else { return (query.to_owned(), None) };
    let (mut at, mut begin) = (0, 0);
    while let Some(token) = tokens.get(at) {
        if token.is_sign(";") && tokens.get(at + 1).is_some() {
            begin = at + 1;
        }
        at = token.partner.max(at) + 1;
    }
    let Some(first) = tokens.get(begin) else { return (query.to_owned(), None) };
    let next = tokens.get(begin + 1);
    let is_name = tables.iter().any(|(name, _)| name == first.text) || next.is_some_and(|n| n.is_sign("="));
    let added = if first.is_sign("|") {
        format!("{RESULT} ")
    } else if first.kind == TokenKind::Word && !first.quoted && kql::is_operator(first.text) && !is_name {
        format!("{RESULT} | ")
    } else {
        return (query.to_owned(), None);
    };
    let (before, behind) = query.split_at_checked(first.start).unwrap_or((query, ""));
    (format!("{before}{added}{behind}"), Some((first.start, added.len())))
}

/// The engine's refusal as an error of the client's, with the place in the query as it was given.
pub(super) fn refused(query: &str, error: KqlError, inserted: Option<(usize, usize)>) -> Error {
    let back = |at: usize| inserted.map_or(at, |(from, size)| if at >= from + size { at - size } else { at.min(from) });
    let (start, end) = (back(error.start), back(error.end));
    let (line, column) = kql::place(query, start);
    let shown = query.lines().nth(line - 1).unwrap_or_default().replace('\t', " ");
    let width = query.get(start..end.max(start)).map_or(1, |t| t.lines().next().unwrap_or_default().chars().count().max(1));
    let caret = format!("{}{}", " ".repeat(column - 1), "^".repeat(width));
    let message = format!("{} (line {line}, column {column})\n  {shown}\n  {caret}", error.message);
    let kind = match error.kind {
        ErrorKind::Fault => Kind::Internal,
        // A limit without a place is one of the whole query.
        ErrorKind::Limit if error.start == error.end => return Error::new(Kind::LimitExceeded, error.message),
        ErrorKind::Stopped => return Error::new(Kind::DeadlineExceeded, error.message),
        _ => Kind::Query,
    };
    let mut made = Error::new(kind, message).detail("line", line as i64).detail("column", column as i64);
    if let Some(missing) = error.missing {
        made = made.detail("unsupported", missing).hint("the service may well know it; the engine that runs here does not");
    }
    made
}

struct Here {
    tables: Vec<(String, Arc<Rows>)>,
}

impl Here {
    fn find(&self, name: &str) -> Option<&Arc<Rows>> {
        self.tables.iter().find(|(own, _)| own == name).map(|(_, rows)| rows)
    }
}

impl Catalog for Here {
    fn table(&self, name: &str) -> Option<Arc<kql::Table>> {
        self.find(name).map(|rows| rows.shape.clone())
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.iter().map(|(name, _)| name.clone()).collect()
    }

    fn lazy(&self, name: &str) -> Option<Arc<dyn Lazy>> {
        self.find(name).map(|rows| rows.clone() as Arc<dyn Lazy>)
    }
}

/// A table as the engine sees it.
struct Rows {
    id: usize,
    table: Table,
    shape: Arc<kql::Table>,
    cells: Vec<OnceLock<Cells>>,
}

impl Rows {
    fn new(id: usize, table: &Table) -> Rows {
        let column = |(at, c): (usize, &Column)| kql::Column { name: c.name.clone(), ty: type_of(table, at), cells: Cells::new() };
        let columns = table.columns().iter().enumerate().map(column).collect();
        let cells = table.columns().iter().map(|_| OnceLock::new()).collect();
        Rows { id, table: table.clone(), shape: Arc::new(kql::Table { columns, rows: table.rows() }), cells }
    }
}

impl Lazy for Rows {
    fn id(&self) -> usize {
        self.id
    }

    fn cells(&self, column: usize) -> &Cells {
        static NONE: Cells = Cells::new();
        self.cells.get(column).map_or(&NONE, |cells| cells.get_or_init(|| cells_of(&self.table, column)))
    }
}

/// A column with a cell that does not fit is text as a whole, as it is in Arrow. A decimal is counted with as a real, and passed on exactly.
fn type_of(table: &Table, at: usize) -> Type {
    let Some(column) = table.columns().get(at) else { return Type::String };
    let strange = table.chunks().iter().any(|c| c.odd.get(at).is_some_and(|odd| !odd.is_empty()));
    match column.ty {
        WireType::Dynamic => Type::Dynamic,
        _ if strange => Type::String,
        WireType::Bool => Type::Bool,
        WireType::Int => Type::Int,
        WireType::Long => Type::Long,
        WireType::Double | WireType::Decimal => Type::Real,
        WireType::DateTime => Type::DateTime,
        WireType::TimeSpan => Type::TimeSpan,
        WireType::Guid => Type::Guid,
        WireType::Text => Type::String,
    }
}

/// A column as the engine computes with it: texts by number in a dictionary, numbers and times as they are.
fn cells_of(table: &Table, at: usize) -> Cells {
    let (Some(column), ty) = (table.columns().get(at), type_of(table, at)) else { return Cells::new() };
    let arrays = || table.chunks().iter().filter_map(|c| c.arrays.get(at));
    let as_declared = column.ty != WireType::Decimal && table.chunks().iter().all(|c| c.odd.get(at).is_none_or(Vec::is_empty));
    match ty {
        Type::Int => Cells::optional(ty, arrays().flat_map(|a| a.as_primitive::<Int32Type>().iter().map(|n| n.map(i64::from)))),
        Type::DateTime => {
            let ticks = |n: Option<i64>| n.map(|n| n.saturating_add(EPOCH));
            Cells::optional(ty, arrays().flat_map(|a| a.as_primitive::<Int64Type>().iter().map(ticks)))
        }
        Type::Long | Type::TimeSpan => Cells::optional(ty, arrays().flat_map(|a| a.as_primitive::<Int64Type>().iter())),
        Type::Real if as_declared => Cells::reals(arrays().flat_map(|a| a.as_primitive::<Float64Type>().iter())),
        _ => words(table, at, column.ty, ty),
    }
}

/// A column that is written as text, and what else has few values.
fn words(table: &Table, at: usize, wire: WireType, ty: Type) -> Cells {
    let mut words = Words { ty, ..Words::default() };
    let (mut codes, mut text) = (Vec::with_capacity(table.rows()), String::new());
    for chunk in table.chunks() {
        let (Some(array), Some(odd)) = (chunk.arrays.get(at), chunk.odd.get(at)) else { continue };
        if odd.is_empty()
            && let Some(array) = array.as_string_view_opt()
        {
            // The decoder keeps equal texts in one place, so that most are known by where they are.
            let mut known: HashMap<u128, u32> = HashMap::new();
            for (row, view) in array.views().iter().enumerate() {
                codes.push(if array.is_null(row) { NO_WORD } else { *known.entry(*view).or_insert_with(|| words.code(array.value(row))) });
            }
            continue;
        }
        for row in 0..chunk.rows {
            text.clear();
            codes.push(match ty {
                Type::Bool if array.is_null(row) => NO_WORD,
                Type::Bool => words.code(if array.as_boolean().value(row) { "true" } else { "false" }),
                _ if write_any(wire, array, odd, row, &mut text) => words.code(&text),
                _ => NO_WORD,
            });
        }
    }
    Cells::dict(words.values, codes)
}

/// The number of what is null.
const NO_WORD: u32 = u32::MAX;

/// The texts of a column, each once.
struct Words {
    ty: Type,
    numbers: HashMap<Arc<str>, u32>,
    values: Vec<Value>,
}

impl Default for Words {
    fn default() -> Words {
        Words { ty: Type::String, numbers: HashMap::new(), values: Vec::new() }
    }
}

impl Words {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let kept: Arc<str> = text.into();
        let value = match self.ty {
            Type::Bool => Value::Bool(text == "true"),
            Type::Real => text.parse().map_or(Value::Null, Value::Real),
            Type::Guid => Value::String(text.to_ascii_lowercase().into()),
            // What is no JSON is text.
            Type::Dynamic => match json::parse(text.as_bytes()) {
                Ok(Json::Null) => Value::Null,
                Ok(value) => Value::Dynamic(Arc::new(value)),
                Err(_) => Value::Dynamic(Arc::new(Json::String(text.to_owned()))),
            },
            _ => Value::String(kept.clone()),
        };
        let number = self.values.len() as u32;
        self.values.push(value);
        self.numbers.insert(kept, number);
        number
    }
}

fn column(name: &Arc<str>, ty: Type, cells: &Passed, tables: &[(String, Table)]) -> Column {
    if let Passed::Of { table, column, .. } = cells
        && let Some(known) = tables.get(*table).and_then(|(_, t)| t.columns().get(*column))
    {
        return Column { name: name.clone(), ..known.clone() };
    }
    let wire = ty.wire_name();
    Column { name: name.clone(), wire: wire.into(), ty: WireType::from_name(wire) }
}

type Place<'t> = (&'t ArrayRef, &'t Vec<Odd>, usize);

/// The cell, if there is one.
fn there(found: Option<Place<'_>>) -> Option<(&ArrayRef, usize)> {
    found.filter(|(array, _, row)| !array.is_null(*row)).map(|(array, _, row)| (array, row))
}

/// Rows of one column, as they are.
fn gather(table: &Table, at: usize, rows: Option<&[Option<usize>]>, count: usize) -> (ArrayRef, Vec<Odd>) {
    let all: Vec<Option<usize>>;
    let in_place = |rows: &&[Option<usize>]| rows.len() == table.rows() && rows.iter().enumerate().all(|(at, row)| *row == Some(at));
    let rows = match rows.filter(|rows| !in_place(rows)) {
        Some(rows) => rows,
        None => {
            if let ([chunk], true) = (table.chunks(), count == table.rows())
                && let (Some(array), Some(odd)) = (chunk.arrays.get(at), chunk.odd.get(at))
            {
                return (array.clone(), odd.clone());
            }
            all = (0..count).map(Some).collect();
            &all
        }
    };
    let mut starts = Vec::with_capacity(table.chunks().len());
    let mut start = 0;
    for chunk in table.chunks() {
        starts.push(start);
        start += chunk.rows;
    }
    let place = |row: usize| {
        let chunk = starts.partition_point(|s| *s <= row).checked_sub(1)?;
        let (holder, start) = (table.chunks().get(chunk)?, starts.get(chunk)?);
        Some((holder.arrays.get(at)?, holder.odd.get(at)?, row - start))
    };
    let places = || rows.iter().map(|row| row.and_then(place));
    let odd = places().enumerate().filter_map(|(new, found)| {
        let (_, odd, row) = found?;
        let i = odd.binary_search_by_key(&row, |o| o.row as usize).ok()?;
        odd.get(i).map(|o| Odd { row: new as u32, json: o.json.clone() })
    });
    let odd = odd.collect();
    let ty = table.columns().get(at).map_or(WireType::Text, |c| c.ty);
    let array: ArrayRef = match ty {
        WireType::Bool => Arc::new(places().map(|p| there(p).map(|(a, row)| a.as_boolean().value(row))).collect::<BooleanArray>()),
        WireType::Int => {
            Arc::new(places().map(|p| there(p).map(|(a, row)| a.as_primitive::<Int32Type>().value(row))).collect::<Int32Array>())
        }
        WireType::Long | WireType::DateTime | WireType::TimeSpan => {
            Arc::new(places().map(|p| there(p).map(|(a, row)| a.as_primitive::<Int64Type>().value(row))).collect::<Int64Array>())
        }
        WireType::Double => {
            Arc::new(places().map(|p| there(p).map(|(a, row)| a.as_primitive::<Float64Type>().value(row))).collect::<Float64Array>())
        }
        WireType::Text | WireType::Guid | WireType::Decimal | WireType::Dynamic => {
            let mut texts = StringViewBuilder::with_capacity(rows.len()).with_deduplicate_strings();
            for (row, found) in rows.iter().zip(places()) {
                match there(found) {
                    Some((array, at)) => texts.append_value(array.as_string_view().value(at)),
                    // A text without a match is the empty one.
                    None if row.is_none() && ty == WireType::Text => texts.append_value(""),
                    None => texts.append_null(),
                }
            }
            Arc::new(texts.finish())
        }
    };
    (array, odd)
}

/// Cells that the query made.
fn array(ty: Type, cells: &Cells) -> ArrayRef {
    let whole = |value: Cow<'_, Value>| value.as_i64();
    match ty {
        Type::Bool => Arc::new(cells.iter().map(|v| if let Value::Bool(b) = *v { Some(b) } else { None }).collect::<BooleanArray>()),
        Type::Int => Arc::new(cells.iter().map(|v| whole(v).and_then(|n| i32::try_from(n).ok())).collect::<Int32Array>()),
        Type::Long | Type::TimeSpan => Arc::new(cells.iter().map(whole).collect::<Int64Array>()),
        Type::DateTime => Arc::new(cells.iter().map(|v| whole(v).map(|t| t - EPOCH)).collect::<Int64Array>()),
        Type::Real => Arc::new(cells.iter().map(|v| v.as_f64()).collect::<Float64Array>()),
        Type::String | Type::Guid | Type::Decimal | Type::Dynamic => {
            let mut texts = StringViewBuilder::with_capacity(cells.len()).with_deduplicate_strings();
            for value in cells.iter() {
                match value.as_ref() {
                    Value::String(text) => texts.append_value(text),
                    Value::Dynamic(value) => texts.append_value(dynamic(value)),
                    Value::Null if ty == Type::String => texts.append_value(""),
                    other => texts.append_option(other.as_f64().map(|n| n.to_string())),
                }
            }
            Arc::new(texts.finish())
        }
    }
}

/// Compact JSON; a text stands for itself unless it would be read as something else.
fn dynamic(value: &Json) -> String {
    match value {
        Json::String(text) if json::parse(text.as_bytes()).is_err() => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kql::format_datetime;
    use arrow_array::{RecordBatch, StringViewArray};
    use arrow_schema::{Field, Schema};

    const WIRES: [&str; 10] = ["SByte", "Int32", "Int64", "Double", "SqlDecimal", "DateTime", "TimeSpan", "Guid", "Object", "String"];

    /// A column of every type, two chunks, a null in each.
    fn every() -> Table {
        let texts = |texts: [Option<&str>; 3]| Arc::new(texts.into_iter().collect::<StringViewArray>()) as ArrayRef;
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(Int32Array::from(vec![Some(7), None, Some(-1)])),
            Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(0)])),
            Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)])),
            texts([Some("12345678901234567890.123456789"), None, Some("0")]),
            texts([Some("2026-11-01T00:00:00.1234567Z"), None, Some("0001-01-01T00:00:00Z")]),
            texts([Some("1.02:03:04.0000005"), None, Some("00:00:01")]),
            texts([Some("74be27de-1e4e-49d9-b579-fe0b331d3642"), None, Some("")]),
            texts([Some(r#"{"b":1,"a":[1.0,null]}"#), None, Some("no json")]),
            texts([Some("ä\"\\\n"), None, Some("")]),
        ];
        let fields: Vec<Field> = WIRES.iter().zip(&arrays).map(|(w, a)| Field::new(format!("c{w}"), a.data_type().clone(), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let whole = RecordBatch::try_new(schema.clone(), arrays).unwrap();
        let wires: Vec<String> = WIRES.iter().map(ToString::to_string).collect();
        Table::from_batches(&schema, &[whole.slice(0, 1), whole.slice(1, 2)], Some(&wires)).unwrap()
    }

    fn rows(table: &Table) -> Vec<Vec<Option<String>>> {
        (0..table.rows()).map(|row| table.texts(row)).collect()
    }

    fn ask(query: &str) -> Result<Table> {
        run(query, &[(RESULT.to_owned(), every())], kql::parse_datetime("2026-11-21").unwrap(), None)
    }

    fn wires(table: &Table) -> Vec<&str> {
        table.columns().iter().map(|c| &*c.wire).collect()
    }

    #[test]
    fn what_a_query_passes_on_is_as_it_was() {
        for query in ["Result", "where true", "| where true | project-reorder cInt32, *"] {
            let answer = ask(query).unwrap();
            let mut expected = rows(&every());
            if query.contains("reorder") {
                expected.iter_mut().for_each(|row| row[..2].rotate_right(1));
            } else {
                assert_eq!(wires(&answer), WIRES);
            }
            assert_eq!(rows(&answer), expected, "{query}");
        }
        let answer = ask("sort by cInt64 asc nulls last | project X = cSqlDecimal, cObject").unwrap();
        assert_eq!(wires(&answer), ["SqlDecimal", "Object"]);
        assert_eq!(rows(&answer)[1][0].as_deref(), Some("12345678901234567890.123456789"));
    }

    #[test]
    fn every_type_goes_through_the_engine_and_back() {
        let made = ask("union (Result | take 2), (Result | where cInt32 == -1)").unwrap();
        let mut expected = rows(&every());
        expected[0][4] = Some("12345678901234567000".to_owned());
        expected[0][8] = Some(r#"{"b":1,"a":[1.0,null]}"#.to_owned());
        expected[1][9] = Some(String::new());
        let mut got = rows(&made);
        got[0][4] = Some("12345678901234567000".to_owned());
        assert_eq!(got, expected);
        let computed =
            ask("take 1 | project T = cDateTime + cTimeSpan, D = cObject.a[0], S = strcat(cString, '!'), N = cInt64 - 1").unwrap();
        assert_eq!(wires(&computed), ["DateTime", "Object", "String", "Int64"]);
        assert_eq!(computed.texts(0)[0].as_deref(), Some("2026-11-02T02:03:04.1234572Z"));
        assert_eq!(format_datetime(EPOCH), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn errors_point_into_the_query_as_it_was_given() {
        let refused = |query: &str| ask(query).unwrap_err().to_string();
        let error = refused("| where cInt33 == 1");
        assert!(error.contains("(line 1, column 9)") && error.contains("Did you mean 'cInt32'"), "{error}");
        assert!(error.contains("\n  | where cInt33 == 1\n          ^^^^^^"), "{error}");
        assert!(refused("let a = 1;\nwhere nope == a").contains("(line 2, column 7)"));
        assert!(refused("where true | reduce by cString").contains("reduce"));
        assert!(ask("count").is_ok() && ask("let n = 2; take n").is_ok() && ask("print 1").is_ok());
    }

    #[test]
    fn rows_without_a_match_are_empty() {
        let query = "project cInt32, cString | join kind=rightouter (datatable(cInt32:int, k:long)[99, 1]) on cInt32";
        assert_eq!(rows(&ask(query).unwrap()), [[None, Some(String::new()), Some("99".into()), Some("1".into())]]);
    }
}
