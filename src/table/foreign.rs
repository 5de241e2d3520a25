//! Columns of other libraries as ours: whatever Arrow type says the same as one that hunting has.
//!
//! Whole numbers of every width, floats, texts of every layout, dictionaries, dates and times of every unit, decimals as their digits, lists and
//! structs as JSON text. Anything else is refused with the column's name. Times without a zone are UTC.

use super::Table;
use crate::{
    error::{Error, Result},
    files::Cells,
    json::write_string,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DurationNanosecondArray, Int32Array, Int64Array, PrimitiveArray, RecordBatch, RecordBatchOptions,
    StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    cast::AsArray,
    types::{
        ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, DurationNanosecondType, Float16Type,
        Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampNanosecondType, UInt8Type,
        UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use std::{ops::Range, sync::Arc};

const UTC: &str = "UTC";
const SECOND: i128 = 1_000_000_000;

/// Why an array is not taken.
enum Stop {
    /// It holds what only the column's wider form can.
    Wider,
    /// It is of no type that is known here.
    Type,
    /// It cannot be.
    Value(String),
}

type Taken<T> = std::result::Result<T, Stop>;

/// A table of somebody else's batches.
pub fn taken(schema: &Schema, batches: &[RecordBatch]) -> Result<Table> {
    let (mut fields, mut columns, mut wires) = (Vec::new(), Vec::new(), Vec::new());
    for (i, field) in schema.fields().iter().enumerate() {
        let name = field.name();
        let refused = |why: String| Error::argument("table", format!("column {name:?} {why}"));
        let arrays = || batches.iter().map(|b| b.column(i));
        let each = |wide| arrays().map(|array| narrow(array, wide)).collect::<Taken<Vec<ArrayRef>>>();
        let empty = narrow(&arrow_array::new_empty_array(field.data_type()), false);
        let (taken, wide) = match each(false) {
            Err(Stop::Wider) => (each(true), true),
            other => (other, false),
        };
        let (taken, empty) = match (taken, empty) {
            (Ok(taken), Ok(empty)) => (taken, empty),
            (Err(Stop::Value(why)), _) => return Err(refused(why)),
            _ => return Err(refused(format!("has the type {}, which is not known here", field.data_type()))),
        };
        let ty = taken.first().map_or(empty.data_type(), |array| array.data_type()).clone();
        fields.push(Field::new(name, ty, true));
        wires.push(wire(field.data_type(), wide).to_owned());
        columns.push(taken);
    }
    let schema = Arc::new(Schema::new(fields));
    let mut whole = Vec::with_capacity(batches.len());
    for (i, batch) in batches.iter().enumerate() {
        let arrays = columns.iter().filter_map(|column| column.get(i).cloned()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let made = RecordBatch::try_new_with_options(schema.clone(), arrays, &options);
        whole.push(made.map_err(|e| Error::argument("table", e.to_string()))?);
    }
    Table::from_batches(&schema, &whole, Some(&wires))
}

/// The type in the services' words.
fn wire(ty: &DataType, wide: bool) -> &'static str {
    match ty {
        DataType::Boolean => "SByte",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => "Int32",
        DataType::UInt64 if wide => "Decimal",
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => "Int64",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "Double",
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => "DateTime",
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => "TimeSpan",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => "Decimal",
        DataType::Dictionary(_, values) => wire(values, wide),
        ty if ty.is_nested() => "Object",
        _ => "String",
    }
}

/// An array in the type that is kept. `wide` is for columns of which another array asked for it.
fn narrow(array: &ArrayRef, wide: bool) -> Taken<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Utf8View => array.clone(),
        DataType::Int8 => widened::<Int8Type, Int32Type>(array),
        DataType::Int16 => widened::<Int16Type, Int32Type>(array),
        DataType::UInt8 => widened::<UInt8Type, Int32Type>(array),
        DataType::UInt16 => widened::<UInt16Type, Int32Type>(array),
        DataType::UInt32 => widened::<UInt32Type, Int64Type>(array),
        DataType::UInt64 if wide => {
            Arc::new(array.as_primitive::<UInt64Type>().iter().map(|n| n.map(|n| n.to_string())).collect::<StringViewArray>())
        }
        DataType::UInt64 => {
            let fitted = array.as_primitive::<UInt64Type>().try_unary::<_, Int64Type, Stop>(|n| i64::try_from(n).map_err(|_| Stop::Wider));
            Arc::new(fitted?)
        }
        DataType::Float16 => Arc::new(array.as_primitive::<Float16Type>().unary::<_, Float64Type>(f64::from)),
        DataType::Float32 => widened::<Float32Type, Float64Type>(array),
        DataType::Null => Arc::new(StringViewArray::new_null(array.len())),
        DataType::Utf8 => Arc::new(array.as_string::<i32>().iter().collect::<StringViewArray>()),
        DataType::LargeUtf8 => Arc::new(array.as_string::<i64>().iter().collect::<StringViewArray>()),
        DataType::Date32 => times(array, 86_400 * SECOND, wide)?,
        DataType::Date64 => times(array, 1_000_000, wide)?,
        DataType::Timestamp(unit, _) => times(array, of(*unit), wide)?,
        DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => spans(array, of(*unit))?,
        DataType::Decimal32(..) => digits::<Decimal32Type>(array),
        DataType::Decimal64(..) => digits::<Decimal64Type>(array),
        DataType::Decimal128(..) => digits::<Decimal128Type>(array),
        DataType::Decimal256(..) => digits::<Decimal256Type>(array),
        DataType::Dictionary(..) => {
            let (values, at) = unpacked(array);
            gathered(&narrow(&values, wide)?, &at)?
        }
        ty if ty.is_nested() => {
            let node = Node::of(array)?;
            let mut text = String::new();
            let cells = (0..array.len()).map(|row| {
                text.clear();
                node.write(row, &mut text)?;
                Ok(array.is_valid(row).then(|| text.clone()))
            });
            Arc::new(cells.collect::<Taken<StringViewArray>>()?)
        }
        _ => return Err(Stop::Type),
    })
}

fn widened<F: ArrowPrimitiveType, T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef
where
    T::Native: From<F::Native>,
{
    Arc::new(array.as_primitive::<F>().unary::<_, T>(T::Native::from))
}

fn digits<T: DecimalType + ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef {
    let array: &PrimitiveArray<T> = array.as_primitive();
    Arc::new((0..array.len()).map(|i| array.is_valid(i).then(|| array.value_as_string(i))).collect::<StringViewArray>())
}

/// Nanoseconds in a unit.
fn of(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => SECOND,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// The numbers of an array that counts in units of something.
fn counts(array: &ArrayRef) -> Taken<Int64Array> {
    let as_type = |ty| array.to_data().into_builder().data_type(ty).build().map_err(|e| Stop::Value(e.to_string()));
    Ok(match array.data_type() {
        DataType::Date32 | DataType::Time32(_) => Int32Array::from(as_type(DataType::Int32)?).unary::<_, Int64Type>(i64::from),
        _ => Int64Array::from(as_type(DataType::Int64)?),
    })
}

fn times(array: &ArrayRef, unit: i128, wide: bool) -> Taken<ArrayRef> {
    let counts = counts(array)?;
    if wide {
        let far = |n: i64| {
            i64::try_from((i128::from(n) * unit).div_euclid(1000))
                .map_err(|_| Stop::Value("has a time that no calendar reaches".to_owned()))
        };
        let micros: TimestampMicrosecondArray = counts.try_unary::<_, TimestampMicrosecondType, _>(far)?;
        return Ok(Arc::new(micros.with_timezone(UTC)));
    }
    let near = |n: i64| i64::try_from(i128::from(n) * unit).map_err(|_| Stop::Wider);
    let nanos: TimestampNanosecondArray = counts.try_unary::<_, TimestampNanosecondType, _>(near)?;
    Ok(Arc::new(nanos.with_timezone(UTC)))
}

fn spans(array: &ArrayRef, unit: i128) -> Taken<ArrayRef> {
    let near = |n: i64| i64::try_from(i128::from(n) * unit).map_err(|_| Stop::Value("has a span of more than 292 years".to_owned()));
    let nanos: DurationNanosecondArray = counts(array)?.try_unary::<_, DurationNanosecondType, _>(near)?;
    Ok(Arc::new(nanos))
}

/// The values of a dictionary, and which of them stands in each row.
fn unpacked(array: &ArrayRef) -> (ArrayRef, Vec<Option<usize>>) {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values().clone();
    // Of an empty dictionary every key is null, and asking for them panics.
    let keys = if values.is_empty() { vec![0; array.len()] } else { dictionary.normalized_keys() };
    let there = |(i, key): (usize, usize)| (array.is_valid(i) && values.is_valid_at(key)).then_some(key);
    let at = keys.into_iter().enumerate().map(there).collect();
    (values, at)
}

trait ValidAt {
    fn is_valid_at(&self, i: usize) -> bool;
}

impl ValidAt for ArrayRef {
    fn is_valid_at(&self, i: usize) -> bool {
        i < self.len() && self.is_valid(i)
    }
}

fn gathered(values: &ArrayRef, at: &[Option<usize>]) -> Taken<ArrayRef> {
    fn primitive<T: ArrowPrimitiveType>(values: &ArrayRef, at: &[Option<usize>]) -> PrimitiveArray<T> {
        let values: &PrimitiveArray<T> = values.as_primitive();
        at.iter().map(|i| i.map(|i| values.value(i))).collect()
    }
    Ok(match values.data_type() {
        DataType::Boolean => {
            let values = values.as_boolean();
            Arc::new(at.iter().map(|i| i.map(|i| values.value(i))).collect::<BooleanArray>())
        }
        DataType::Int32 => Arc::new(primitive::<Int32Type>(values, at)),
        DataType::Int64 => Arc::new(primitive::<Int64Type>(values, at)),
        DataType::Float64 => Arc::new(primitive::<Float64Type>(values, at)),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Arc::new(primitive::<TimestampNanosecondType>(values, at).with_timezone(UTC)),
        DataType::Timestamp(..) => Arc::new(primitive::<TimestampMicrosecondType>(values, at).with_timezone(UTC)),
        DataType::Duration(_) => Arc::new(primitive::<DurationNanosecondType>(values, at)),
        DataType::Utf8View => {
            // The texts themselves stay where they are.
            let texts = values.as_string_view();
            let views: Vec<u128> = at.iter().map(|i| i.and_then(|i| texts.views().get(i)).copied().unwrap_or_default()).collect();
            let nulls: Vec<bool> = at.iter().map(Option::is_some).collect();
            let made = StringViewArray::try_new(views.into(), texts.data_buffers().to_vec(), Some(nulls.into()));
            Arc::new(made.map_err(|e| Stop::Value(e.to_string()))?)
        }
        _ => return Err(Stop::Type),
    })
}

/// A nested array, ready to be told as JSON.
enum Node {
    Leaf(ArrayRef),
    /// Where each list's items stand.
    List(ArrayRef, Vec<Range<usize>>, Box<Node>),
    Struct(ArrayRef, Vec<(String, Node)>),
    /// Keys and values of each row.
    Map(ArrayRef, Vec<Range<usize>>, Box<Node>, Box<Node>),
    Dictionary(Vec<Option<usize>>, Box<Node>),
}

impl Node {
    fn of(array: &ArrayRef) -> Taken<Node> {
        let ranges =
            |offsets: Vec<usize>| offsets.windows(2).map(|w| w.first().copied().unwrap_or(0)..w.last().copied().unwrap_or(0)).collect();
        let small = |offsets: &[i32]| offsets.iter().map(|o| usize::try_from(*o).unwrap_or(0)).collect::<Vec<_>>();
        Ok(match array.data_type() {
            DataType::List(_) => {
                let lists = array.as_list::<i32>();
                Node::List(array.clone(), ranges(small(lists.value_offsets())), Box::new(Node::of(lists.values())?))
            }
            DataType::LargeList(_) => {
                let lists = array.as_list::<i64>();
                let offsets = lists.value_offsets().iter().map(|o| usize::try_from(*o).unwrap_or(0)).collect();
                Node::List(array.clone(), ranges(offsets), Box::new(Node::of(lists.values())?))
            }
            DataType::FixedSizeList(..) => {
                let lists = array.as_fixed_size_list();
                let size = usize::try_from(lists.value_length()).unwrap_or(0);
                let at = (0..array.len()).map(|i| i * size..(i + 1) * size).collect();
                Node::List(array.clone(), at, Box::new(Node::of(lists.values())?))
            }
            DataType::Struct(fields) => {
                let members = fields.iter().zip(array.as_struct().columns());
                let members = members.map(|(field, column)| Ok((field.name().clone(), Node::of(column)?)));
                Node::Struct(array.clone(), members.collect::<Taken<_>>()?)
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = (Node::of(map.keys())?, Node::of(map.values())?);
                Node::Map(array.clone(), ranges(small(map.value_offsets())), Box::new(keys), Box::new(values))
            }
            DataType::Dictionary(..) => {
                let (values, at) = unpacked(array);
                Node::Dictionary(at, Box::new(Node::of(&values)?))
            }
            ty if ty.is_nested() => return Err(Stop::Type),
            _ => Node::Leaf(match narrow(array, false) {
                Err(Stop::Wider) => narrow(array, true)?,
                other => other?,
            }),
        })
    }

    fn write(&self, row: usize, out: &mut String) -> Taken<()> {
        match self {
            Node::Leaf(array) => Cells::of(array).map_err(|e| Stop::Value(e.to_string()))?.json(row, out),
            Node::Dictionary(at, values) => match at.get(row).copied().flatten() {
                Some(at) => values.write(at, out)?,
                None => out.push_str("null"),
            },
            Node::List(array, ..) | Node::Struct(array, _) | Node::Map(array, ..) if !array.is_valid_at(row) => out.push_str("null"),
            Node::List(_, at, items) => {
                out.push('[');
                for (n, item) in at.get(row).cloned().unwrap_or_default().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    items.write(item, out)?;
                }
                out.push(']');
            }
            Node::Struct(_, members) => {
                out.push('{');
                for (n, (name, member)) in members.iter().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    write_string(name, out);
                    out.push(':');
                    member.write(row, out)?;
                }
                out.push('}');
            }
            Node::Map(_, at, keys, values) => {
                out.push('{');
                for (n, item) in at.get(row).cloned().unwrap_or_default().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    let mut key = String::new();
                    keys.write(item, &mut key)?;
                    // A key of JSON is a text, whatever it was.
                    if key.starts_with('"') {
                        out.push_str(&key)
                    } else {
                        write_string(&key, out)
                    }
                    out.push(':');
                    values.write(item, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}
