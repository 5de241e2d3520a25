"""Tables as files that other libraries read, files of ours read back, and tables of other libraries taken in."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import _core

pa = pytest.importorskip("pyarrow")
UTC = dt.timezone.utc
QUERY = "DeviceProcessEvents | project Timestamp, DeviceName, ProcessId, ProcessCommandLine, AdditionalFields | take 50"
# Every type that hunting has, with what is hard about each.
TYPED = """datatable(T:datetime, B:bool, I:int, L:long, D:real, S:string, G:guid, X:dynamic, P:timespan)[
  datetime(2026-11-01T00:00:00.1234567Z), true, int(1), long(9007199254740993), 1.5, 'a "b", c', guid(74be27de-1e4e-49d9-b579-fe0b331d3642),
    dynamic({"a":[1,2]}), time(1.02:03:04.5),
  datetime(null), bool(null), int(null), long(null), real(null), '', guid(null), dynamic(null), timespan(null)]"""


@pytest.fixture
def found(client: xdrkit.Client) -> xdrkit.HuntResult:
    return client.hunt(TYPED)


def test_other_libraries_read_the_parquet_file(found: xdrkit.HuntResult, tmp_path: Path) -> None:
    import pyarrow.parquet

    path = tmp_path / "r.parquet"
    found.write_parquet(path)
    table = pyarrow.parquet.read_table(path)
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "T": "timestamp[ns, tz=UTC]",
        "B": "bool",
        "I": "int32",
        "L": "int64",
        "D": "double",
        "S": "string",
        "G": "string",
        "X": "string",
        "P": "duration[ns]",
    }
    assert table["T"].cast(pa.int64()).to_pylist() == [1793491200123456700, None]
    assert table["P"].cast(pa.int64()).to_pylist() == [93784_500000000, None]
    same = ["B", "I", "L", "D", "S", "G", "X"]
    assert table.select(same).to_pylist() == [{name: row[name] for name in same} for row in found]
    pl = pytest.importorskip("polars")
    frame = pl.read_parquet(path)
    assert frame.schema["T"] == pl.Datetime("ns", "UTC")
    assert frame.schema["P"] == pl.Duration("ns")
    assert frame.select(same).to_dicts() == table.select(same).to_pylist()
    assert [p.name for p in tmp_path.iterdir()] == ["r.parquet"]


def test_a_file_gives_back_the_result_and_all_that_is_known_of_it(client: xdrkit.Client, tmp_path: Path) -> None:
    for query in (TYPED, QUERY, QUERY + " | where 1 == 2"):
        result = client.hunt(query, since="7d")
        result.write_parquet(tmp_path / "r.parquet")
        again = xdrkit.HuntResult(_core.read_parquet(str(tmp_path / "r.parquet")))
        assert again == result
        for fact in ("schema", "api", "kql", "elapsed", "request_ids", "window", "stats", "truncated"):
            assert getattr(again, fact) == getattr(result, fact), fact


def test_lines_and_fields_say_what_rows_say(found: xdrkit.HuntResult, tmp_path: Path) -> None:
    found.write_ndjson(tmp_path / "r.ndjson")
    lines = (tmp_path / "r.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == found.rows
    found.write_csv(tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        heading, first, second = csv.reader(file)
    assert heading == [name for name, _ in found.schema]
    assert first == [
        "2026-11-01T00:00:00.1234567Z",
        "true",
        "1",
        "9007199254740993",
        "1.5",
        'a "b", c',
        "74be27de-1e4e-49d9-b579-fe0b331d3642",
        '{"a":[1,2]}',
        "1.02:03:04.5000000",
    ]
    assert second == [""] * 9
    assert (tmp_path / "r.csv").read_bytes().endswith(b'\r\n,,,,,"",,,\r\n'), "an empty text is not null"


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "nothing", "text"])
def test_a_file_that_is_not_what_was_written_is_an_error(found: xdrkit.HuntResult, tmp_path: Path, damage: str) -> None:
    import pyarrow.parquet

    path = tmp_path / "r.parquet"
    found.write_parquet(path)
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[:-20])
    elif damage == "changed":
        path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    elif damage == "foreign":
        pyarrow.parquet.write_table(pa.table({"a": [1]}), path)
    else:
        path.write_bytes(b"" if damage == "nothing" else b"PAR1 this is none PAR1")
    with pytest.raises(xdrkit.FileError, match=r"r\.parquet") as caught:
        _core.read_parquet(str(path))
    if damage == "foreign":
        assert "not written by xdrkit" in str(caught.value)
    with pytest.raises(xdrkit.FileError):
        _core.read_parquet(str(tmp_path / "missing"))


@pytest.mark.parametrize("method", ["write_parquet", "write_csv", "write_ndjson"])
def test_a_file_that_cannot_be_written_is_an_os_error(found: xdrkit.HuntResult, tmp_path: Path, method: str) -> None:
    with pytest.raises(OSError, match="missing"):
        getattr(found, method)(tmp_path / "missing" / "r")
    with pytest.raises(OSError, match="is a folder"):
        getattr(found, method)(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["parquet", "csv", "ndjson"])
def test_a_writer_that_is_killed_leaves_no_half_file(tmp_path: Path, python: str, format: str) -> None:
    path = tmp_path / "r"
    path.write_text("old")
    write = (
        "import sys, pyarrow as pa; from xdrkit import _core\n"
        "big = _core.table_of(pa.table({'a': list(range(400_000)), 'b': [f'text {i}' * 5 for i in range(400_000)]}))\n"
        f"while True: big.{format}({str(path)!r}); print('once', flush=True)\n"
    )
    with subprocess.Popen(
        [python, "-c", write], stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
    ) as child:
        while not any(p.name.endswith(".part") for p in tmp_path.iterdir()):
            assert child.poll() is None
        child.kill()
    written = child.returncode != 0
    assert written
    left = path.read_bytes()
    if left != b"old":
        # It came to the end of a round: then all of it is there.
        assert len(left) > 1_000_000
        assert left.endswith({"parquet": b"PAR1", "csv": b"\r\n", "ndjson": b"}\n"}[format])


# Tables of other libraries


def rows(table: object) -> list[dict[str, Any]]:
    return xdrkit.HuntResult(_core.table_of(table)).rows


def schema(table: object) -> dict[str, str]:
    return dict(_core.table_of(table).schema)


def test_every_type_that_says_the_same_is_taken() -> None:
    at, day = dt.datetime(2026, 11, 1, 10, 20, 30, 123456, UTC), dt.date(2026, 11, 1)
    span = dt.timedelta(days=1, seconds=3.5)
    wide = {
        "i8": pa.array([-1, None], pa.int8()),
        "i16": pa.array([-2, None], pa.int16()),
        "u8": pa.array([255, None], pa.uint8()),
        "u16": pa.array([65535, None], pa.uint16()),
        "u32": pa.array([2**32 - 1, None], pa.uint32()),
        "u64": pa.array([2**63 - 1, None], pa.uint64()),
        "huge": pa.array([2**64 - 1, None], pa.uint64()),
        "f16": pa.array([0.5, None], pa.float16()),
        "f32": pa.array([0.25, None], pa.float32()),
        "large": pa.array(["ä", None], pa.large_string()),
        "view": pa.array(["a text of more than twelve bytes", None], pa.string_view()),
        "coded": pa.array(["x", None]).dictionary_encode(),
        "coded_number": pa.array([7, None], pa.int64()).dictionary_encode(),
        "coded_nothing": pa.DictionaryArray.from_arrays(pa.array([None, None], pa.int8()), pa.array([], pa.string())),
        "nothing": pa.nulls(2),
        "date32": pa.array([day, None], pa.date32()),
        "date64": pa.array([day, None], pa.date64()),
        "s": pa.array([at.replace(microsecond=0), None], pa.timestamp("s", "UTC")),
        "us": pa.array([at, None], pa.timestamp("us", "Europe/Berlin")),
        "naive": pa.array([at.replace(tzinfo=None), None], pa.timestamp("ns")),
        "far": pa.array([dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), None], pa.timestamp("ms")),
        "time": pa.array([dt.time(1, 2, 3), None], pa.time64("us")),
        "span": pa.array([span, None], pa.duration("ms")),
        "money": pa.array([decimal.Decimal("12345678901234567890.10"), None], pa.decimal128(30, 2)),
        "list": pa.array([[1, None], None], pa.list_(pa.int8())),
        "fixed": pa.array([[1.5, 2.0], None], pa.list_(pa.float64(), 2)),
        "struct": pa.array([{"a": {"b": ['"']}, "c": at}, None]),
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "codes": pa.array([["x", "x"], None], pa.list_(pa.dictionary(pa.int8(), pa.string()))),
    }
    table = pa.table(wide)
    first, second = rows(table)
    assert second == dict.fromkeys(wide)
    assert {name: value for name, value in first.items() if value is not None} == {
        "i8": -1,
        "i16": -2,
        "u8": 255,
        "u16": 65535,
        "u32": 2**32 - 1,
        "u64": 2**63 - 1,
        "huge": str(2**64 - 1),
        "f16": 0.5,
        "f32": 0.25,
        "large": "ä",
        "view": "a text of more than twelve bytes",
        "coded": "x",
        "coded_number": 7,
        "date32": "2026-11-01T00:00:00Z",
        "date64": "2026-11-01T00:00:00Z",
        "s": "2026-11-01T10:20:30Z",
        "us": "2026-11-01T10:20:30.123456Z",
        "naive": "2026-11-01T10:20:30.123456Z",
        "far": "9999-12-31T23:59:59Z",
        "time": "01:02:03",
        "span": "1.00:00:03.5000000",
        "money": "12345678901234567890.10",
        "list": "[1,null]",
        "fixed": "[1.5,2.0]",
        "struct": '{"a":{"b":["\\""]},"c":"2026-11-01T10:20:30.123456Z"}',
        "map": '{"k":1}',
        "codes": '["x","x"]',
    }
    words = schema(table)
    assert (words["i8"], words["u32"], words["huge"], words["money"]) == ("Int32", "Int64", "Decimal", "Decimal")
    assert {words[name] for name in ("list", "struct", "map", "fixed", "codes")} == {"Object"}
    assert {words[name] for name in ("date32", "far", "us")} == {"DateTime"}


def test_a_table_comes_whole_however_it_is_cut() -> None:
    whole = pa.table({"n": list(range(1000)), "t": [None if i % 3 else f"text number {i}" for i in range(1000)]})
    batches = pa.Table.from_batches(whole.to_batches(max_chunksize=7)).slice(3, 900)
    assert rows(batches) == batches.to_pylist()
    reader = pa.RecordBatchReader.from_batches(whole.schema, iter(whole.to_batches(max_chunksize=100)))
    assert rows(reader) == whole.to_pylist()
    assert rows(whole.slice(0, 0)) == []
    assert schema(whole.slice(0, 0)) == {"n": "Int64", "t": "String"}
    # A column whose later chunk needs more room takes it for all of them.
    late = pa.chunked_array([pa.array([1], pa.uint64()), pa.array([2**64 - 1], pa.uint64())])
    assert rows(pa.table({"n": late})) == [{"n": "1"}, {"n": str(2**64 - 1)}]


def test_frames_of_polars_and_pandas_are_taken() -> None:
    want = [{"a": 1, "t": "2026-11-01T00:00:00Z", "s": "x"}, {"a": None, "t": None, "s": None}]
    at = [dt.datetime(2026, 11, 1, tzinfo=UTC), None]
    pl = pytest.importorskip("polars")
    assert rows(pl.DataFrame({"a": [1, None], "t": at, "s": ["x", None]})) == want
    categories = pl.DataFrame({"c": pl.Series(["x", "y", "x"], dtype=pl.Categorical)})
    assert rows(categories) == categories.to_dicts()
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": pd.array([1, None], "Int64"), "t": pd.to_datetime(at, utc=True), "s": ["x", None]})
    if hasattr(frame, "__arrow_c_stream__"):
        assert rows(frame) == want


def test_results_of_ours_go_out_and_come_in_again(found: xdrkit.HuntResult) -> None:
    again = xdrkit.HuntResult(_core.table_of(found))
    assert again.rows == found.rows
    assert again.stats["requests"] == 0


def test_types_that_say_something_else_are_refused_by_name() -> None:
    for array in (pa.array([b"x"]), pa.array([(1, 2, 3)], pa.month_day_nano_interval())):
        with pytest.raises(xdrkit.InvalidArgumentError, match='table: column "odd" has the type') as caught:
            _core.table_of(pa.table({"fine": [1], "odd": array}))
        assert caught.value.argument == "table"
    with pytest.raises(xdrkit.InvalidArgumentError, match="292 years"):
        _core.table_of(pa.table({"p": pa.array([2**62], pa.duration("s"))}))
    with pytest.raises(xdrkit.InvalidArgumentError, match="no calendar"):
        _core.table_of(pa.table({"t": pa.array([2**62], pa.timestamp("s"))}))


class Says:
    def __init__(self, value: object) -> None:
        self.value = value

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def test_what_only_looks_like_a_table_is_refused() -> None:
    with pytest.raises(TypeError, match="a dict has no __arrow_c_stream__"):
        _core.table_of({"a": [1]})
    for nonsense in (None, 7, object(), b"arrow_array_stream"):
        with pytest.raises(TypeError, match="did not give a capsule"):
            _core.table_of(Says(nonsense))
    with pytest.raises(ZeroDivisionError):
        _core.table_of(Says(ZeroDivisionError()))
    with pytest.raises(ValueError, match=r"[Pp]yCapsule"):
        _core.table_of(Says(pa.schema([]).__arrow_c_schema__()))
    capsule = pa.table({"a": [1]}).__arrow_c_stream__()
    assert rows(Says(capsule)) == [{"a": 1}]
    with pytest.raises(TypeError, match="was read before"):
        _core.table_of(Says(capsule))
    with pytest.raises(xdrkit.InvalidArgumentError, match="is no table"):
        _core.table_of(pa.chunked_array([[1, 2]]))


def test_a_table_that_breaks_on_the_way_or_lies_is_refused() -> None:
    def broken() -> Iterator[Any]:
        yield pa.record_batch({"a": [1]})
        raise RuntimeError("no more today")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), broken())
    with pytest.raises(xdrkit.InvalidArgumentError, match=r"could not be read.*no more today"):
        _core.table_of(reader)
    offsets = pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00")
    no_text = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(b"\xff\xfe"))
    with pytest.raises(xdrkit.InvalidArgumentError, match='column "a" is no Arrow array'):
        _core.table_of(pa.table({"a": no_text}))
