"""A hunting result is a sequence of dicts that can be shown, compared and exported."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import pytest

from xdrkit import HuntResult, InvalidArgumentError, LegacyHuntingWarning, TruncatedResultWarning, _render

SCHEMA = [
    ("Timestamp", "DateTime"),
    ("DeviceName", "String"),
    ("Count", "Int64"),
    ("IsLocal", "SByte"),
    ("Extra", "Object"),
]
ROWS: list[list[Any]] = [
    ["2026-05-01T10:30:15.1234567Z", "alpha", 3, True, {"a": 1}],
    ["2026-05-01T10:30:16Z", "beta", None, False, None],
    [None, "alpha", 2**53 + 1, None, ["x"]],
]


@pytest.fixture
def result(table: Any) -> HuntResult:
    return HuntResult(table(SCHEMA, ROWS))


def test_it_is_a_sequence_of_dicts(result: HuntResult) -> None:
    assert isinstance(result, Sequence)
    assert len(result) == 3
    assert list(result[0]) == [name for name, _ in SCHEMA]
    assert result[-1]["Count"] == 2**53 + 1
    assert [row["DeviceName"] for row in result] == ["alpha", "beta", "alpha"]
    assert [row["DeviceName"] for row in reversed(result)] == ["alpha", "beta", "alpha"]
    assert result[1] in result


@pytest.mark.parametrize(
    "wanted", [slice(0, 2), slice(None), slice(2, 0), slice(-2, None), slice(None, None, -1), slice(0, 99, 2)]
)
def test_a_slice_is_the_list_that_a_list_would_give(result: HuntResult, wanted: slice) -> None:
    assert result[wanted] == list(result)[wanted]


@pytest.mark.parametrize("index", [3, -4])
def test_a_row_that_is_not_there_raises(result: HuntResult, index: int) -> None:
    with pytest.raises(IndexError, match="of 3"):
        result[index]


def test_no_rows_are_false_and_some_are_true(result: HuntResult, table: Any) -> None:
    assert result
    assert not HuntResult(table(SCHEMA, []))
    assert HuntResult(table(SCHEMA, [])).rows == []


def test_results_are_equal_by_columns_and_rows_and_to_lists(result: HuntResult, table: Any) -> None:
    assert result == HuntResult(table(SCHEMA, ROWS, elapsed=9.0, api="xdr"))
    assert result != HuntResult(table(SCHEMA, ROWS[:2]))
    assert HuntResult(table([("a", "String")], [])) != HuntResult(table([("b", "String")], []))
    assert result == list(result)
    assert result != "alpha"


def test_changing_a_row_does_not_change_the_result(result: HuntResult) -> None:
    result[0]["DeviceName"] = "changed"
    result.rows[0]["DeviceName"] = "changed"
    result.schema.clear()
    assert result[0]["DeviceName"] == "alpha"
    assert len(result.schema) == 5


def test_many_rows_are_iterated_in_order(table: Any) -> None:
    big = HuntResult(table([("n", "Int64")], [[i] for i in range(5000)]))
    assert [row["n"] for row in big] == list(range(5000))


def test_it_knows_how_it_came_about(result: HuntResult) -> None:
    assert (result.api, result.kql, result.elapsed, result.request_ids) == ("graph", "T", 0.25, ["r-1"])
    assert (result.truncated, result.window) == (None, (None, None))
    assert result.stats == {
        "requests": 1, "retries": 0, "waited": 0.0, "bytes": 100, "pieces": 1, "cached": 0, "service": None,
    }  # fmt: skip


def test_unique_values_keep_their_order_and_leave_none_out(result: HuntResult, table: Any) -> None:
    assert result.unique("DeviceName") == ["alpha", "beta"]
    assert result.unique("Count") == [3, 2**53 + 1]
    assert result.unique("Extra") == [{"a": 1}, ["x"]]
    assert HuntResult(table([("v", "Object")], [[1], [True], [1.0], ["1"], [1]])).unique("v") == [1, True, 1.0, "1"]


def test_unique_of_an_unknown_column_names_the_columns(result: HuntResult) -> None:
    with pytest.raises(InvalidArgumentError, match="DeviceNme") as caught:
        result.unique("DeviceNme")
    assert caught.value.allowed == [name for name, _ in SCHEMA]


def test_times_are_text_unless_asked_for(result: HuntResult, table: Any) -> None:
    assert result[0]["Timestamp"] == "2026-05-01T10:30:15.1234567Z"
    dated = HuntResult(table(SCHEMA, ROWS), parse_dates=True)
    moment = datetime(2026, 5, 1, 10, 30, 15, 123456, tzinfo=timezone.utc)
    assert next(iter(dated))["Timestamp"] == dated[0]["Timestamp"] == dated.rows[0]["Timestamp"] == moment
    assert dated[2]["Timestamp"] is None


def test_a_cut_result_warns_at_the_line_that_asked(table: Any) -> None:
    def hunt() -> HuntResult:
        return HuntResult._finished(
            table(SCHEMA, ROWS, truncated=("100,000 rows are the most that Graph returns", "rows"))
        )

    with pytest.warns(TruncatedResultWarning, match="100,000 rows") as caught:
        hunt()
    assert caught[0].filename == __file__


@pytest.mark.parametrize("api", ["xdr", "endpoint"])
def test_a_legacy_service_warns_with_the_date_and_the_way_out(table: Any, api: str) -> None:
    with pytest.warns(LegacyHuntingWarning, match=r"2027-02-01.*ThreatHunting\.Read\.All"):
        HuntResult._finished(table(SCHEMA, ROWS, api=api))


def test_a_whole_result_from_graph_does_not_warn(table: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HuntResult._finished(table(SCHEMA, ROWS))


def test_pickling_is_refused_with_what_to_do_instead(result: HuntResult) -> None:
    with pytest.raises(TypeError, match="write_parquet"):
        pickle.dumps(result)


@pytest.mark.parametrize(
    ("export", "library"), [("to_polars", "polars"), ("to_pandas", "pandas"), ("to_arrow", "pyarrow")]
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    result: HuntResult, monkeypatch: pytest.MonkeyPatch, export: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"pip install {library}"):
        getattr(result, export)()


def test_a_data_frame_in_pandas_needs_no_pyarrow(result: HuntResult, monkeypatch: pytest.MonkeyPatch) -> None:
    pd = pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    frame = result.to_pandas()
    assert list(frame.columns) == [name for name, _ in SCHEMA]
    assert str(frame["Timestamp"].dtype) == "datetime64[ns, UTC]"
    assert frame["Timestamp"][0] == pd.Timestamp("2026-05-01T10:30:15.1234567Z")
    assert frame["Count"][2] == 2**53 + 1
    assert [str(frame[name].dtype) for name in ("Count", "IsLocal")] == ["Int64", "boolean"]
    assert str(frame["Extra"].dtype) in ("str", "object")


def test_a_data_frame_without_rows_has_the_columns(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    frame = HuntResult(table(SCHEMA, [])).to_pandas()
    assert (list(frame.columns), len(frame)) == ([name for name, _ in SCHEMA], 0)


# Display


def test_the_text_table_has_columns_types_rows_and_counts(result: HuntResult) -> None:
    lines = _render.text_card(result, 100).splitlines()
    assert lines[0] == "HuntResult: 3 rows, 5 columns, graph, 0.25 s"
    assert lines[1].split() == [name for name, _ in SCHEMA]
    assert lines[2].split() == [type_ for _, type_ in SCHEMA]
    assert "alpha" in lines[4]
    assert repr(result).startswith("HuntResult: 3 rows")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_text_table_fits_the_terminal(table: Any, width: int) -> None:
    schema = [(f"Column{i}", "String") for i in range(30)]
    wide = HuntResult(table(schema, [["x" * 500] + ["日本語" * 30] * 29] * 30, truncated=None))
    lines = _render.text_card(wide, width).splitlines()
    assert max(map(_render._width, lines)) <= max(width, 40)
    assert "more columns" in lines[-2]
    assert lines[-1] == "… 20 more rows"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("two\nlines\r\n", "two\\nlines\\r\\n"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("nul\x00", "nul\\x00"),
        ("c1\x9b31m", "c1\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(table: Any, hostile: str, shown: str) -> None:
    result = HuntResult(
        table([(hostile, hostile)], [[hostile], [[hostile]]], truncated=(hostile, "rows"), api=hostile, query=hostile)
    )
    for text in (_render.text_card(result, 150), result._repr_html_()):
        assert shown in text
        assert not [
            c
            for c in text
            if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200b\ud800\U000e0041")
        ]
        text.encode()


def test_the_card_escapes_everything_and_loads_nothing(table: Any) -> None:
    evil = "<script src=//evil>&\"'</script>"
    result = HuntResult(table([(evil, evil)], [[evil], [{evil: evil}]], truncated=(evil, "rows"), api=evil, query=evil))
    html = result._repr_html_()
    assert "<script" not in html
    assert "src=" not in html.replace("src=//evil&gt;", "")
    assert html.count("&lt;script") >= 6


def test_the_card_has_the_first_twenty_rows_types_counts_and_notes(table: Any) -> None:
    result = HuntResult(table(SCHEMA, ROWS * 10, truncated=("a limit", "bytes"), api="xdr"))
    html = result._repr_html_()
    assert html.count("<tr>") == 21
    for text in ("30 rows, 5 columns, xdr, 0.25 s", "DateTime", "10 more rows", "Truncated: a limit", "2027-02-01"):
        assert text in html


def test_a_long_value_does_not_fill_the_page(table: Any) -> None:
    result = HuntResult(table([("c", "String")], [["x" * 1_000_000]]))
    assert len(result._repr_html_()) < 3000
    assert len(repr(result)) < 3000


def test_a_result_without_columns_or_rows_is_shown(table: Any) -> None:
    for schema in ([], SCHEMA):
        empty = HuntResult(table(schema, []))
        assert repr(empty).startswith("HuntResult: 0 rows")
        assert "0 rows" in empty._repr_html_()
