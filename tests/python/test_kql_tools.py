"""What can be said of a query without running it: its columns, its completions, its layout, and what the engine has."""

from __future__ import annotations

import pytest

from xdrkit import InvalidArgumentError, QueryError, kql

DESCRIBED = [
    ("DeviceEvents | project DeviceName, Timestamp", {"DeviceName": "string", "Timestamp": "datetime"}),
    (
        "DeviceEvents | summarize count() by DeviceName, day = bin(Timestamp, 1d)",
        {"DeviceName": "string", "day": "datetime", "count_": "long"},
    ),
    ("DeviceEvents | count", {"Count": "long"}),
    (
        "print a = 1, b = 'x', c = 1.5, d = dynamic([1]), e = 1d",
        {"a": "long", "b": "string", "c": "real", "d": "dynamic", "e": "timespan"},
    ),
    (
        "DeviceInfo | project DeviceId, a = 1 | join (DeviceEvents | project DeviceId, b = '') on DeviceId",
        {"DeviceId": "string", "a": "long", "DeviceId1": "string", "b": "string"},
    ),
]


@pytest.mark.parametrize(("query", "columns"), DESCRIBED, ids=[d[0] for d in DESCRIBED])
def test_the_columns_of_an_answer_are_known_before_it_is_there(query: str, columns: dict[str, str]) -> None:
    found = kql.describe(query)
    assert list(found.items()) == list(columns.items())


def test_own_tables_are_described() -> None:
    assert kql.describe("T | extend b = a + 1", {"T": {"a": "long"}}) == {"a": "long", "b": "long"}
    with pytest.raises(QueryError, match="no table named 'DeviceEvents'"):
        kql.describe("DeviceEvents", {"T": {"a": "long"}})
    for what in (kql.describe, kql.lint):
        with pytest.raises(
            InvalidArgumentError, match=r"tables: the column \"a\" of \"T\" has the type \"blob\".*timespan"
        ):
            what("T", {"T": {"a": "blob"}})
        with pytest.raises(InvalidArgumentError, match="tables: takes a Schema"):
            what("T", {"T": [1]})  # type: ignore[dict-item]
        with pytest.raises(InvalidArgumentError, match="query: takes KQL text"):
            what(5)  # type: ignore[arg-type]


def test_what_is_wrong_is_told_with_its_place() -> None:
    with pytest.raises(QueryError) as caught:
        kql.describe("DeviceEvents\n| where DeviceNam == ''")
    assert (caught.value.line, caught.value.column, caught.value.unsupported) == (2, 9, None)
    assert "\n  | where DeviceNam == ''\n          ^^^^^^^^^" in str(caught.value)


MESSY = """
// who logs on
let bad=dynamic(["a","b"]);


DeviceLogonEvents|where Timestamp>ago(7d) and AccountName in~(bad) // mine
| graph-match (a)-[e]->(b)
|summarize n=count() by DeviceName"""

TIDY = """// who logs on
let bad = dynamic(["a", "b"]);

DeviceLogonEvents
| where Timestamp > ago(7d) and AccountName in~ (bad) // mine
| graph-match (a)-[e]->(b)
| summarize n = count() by DeviceName"""


def test_a_query_is_laid_out_and_nothing_else_changes() -> None:
    assert kql.format(MESSY) == TIDY
    assert kql.format(TIDY) == TIDY
    narrow = kql.format("T | project Timestamp, DeviceName, FileName, FolderPath", width=40, indent=2)
    assert narrow == "T\n| project Timestamp, DeviceName,\n  FileName, FolderPath"


def test_a_layout_is_refused_where_there_is_no_query() -> None:
    with pytest.raises(QueryError) as caught:
        kql.format("T\n| where (a")
    assert (caught.value.line, caught.value.column) == (2, 9)
    for arguments, told in [
        ({"width": 19}, "width: 19 is not"),
        ({"width": "x"}, "width: takes"),
        ({"indent": True}, "indent: takes"),
    ]:
        with pytest.raises(InvalidArgumentError, match=told):
            kql.format("T", **arguments)  # type: ignore[arg-type]


def texts(query: str, kind: str, **more: object) -> list[str]:
    return [found.text for found in kql.complete(query, **more) if found.kind == kind]  # type: ignore[arg-type]


def test_what_may_stand_there_is_offered() -> None:
    assert "DeviceEvents" in texts("Device", "table")
    assert texts("DeviceEvents | where ActionT", "column") == ["ActionType"]
    assert texts("DeviceEvents | summarize n = count() by DeviceName | sort by ", "column") == ["DeviceName", "n"]
    assert {"where", "project-away"} <= set(texts("DeviceEvents | ", "operator"))
    assert {"has", "in~"} <= set(texts("DeviceEvents | where ActionType ", "keyword"))
    assert texts("T | where ", "column", tables={"T": {"a b": "long"}}) == ["['a b']"]
    (found,) = kql.complete("print 'ü', strl | take 1", 15)
    assert (found.text, found.kind, found.start, found.end) == ("strlen", "function", 11, 15)
    assert found.detail == kql.functions()["strlen"]
    assert found == kql.complete("print 'ü', strl")[0]
    assert repr(found).startswith("<Completion 'strlen' function")
    assert kql.complete("DeviceEvents | where ActionType == 'Dev") == []
    for cursor in (-1, 5):
        with pytest.raises(InvalidArgumentError, match=r"cursor: .* is not from 0 to 4"):
            kql.complete("abcd", cursor)


def test_completion_is_quick() -> None:
    from time import perf_counter

    query = "\n".join(
        f"let x{n} = DeviceProcessEvents | where FileName has 'a' | project DeviceName, FileName;" for n in range(20)
    )
    query += "\nDeviceProcessEvents | join kind=inner (DeviceNetworkEvents | where "
    took = []
    for _ in range(5):
        begun = perf_counter()
        assert "RemoteUrl" in texts(query, "column")
        took.append(perf_counter() - begun)
    assert min(took) < 0.2  # 2 to 5 ms in a release build


def test_the_engine_says_what_it_has() -> None:
    coverage = kql.coverage()
    assert list(coverage) == ["operators", "functions", "aggregates", "plugins"]
    assert {"where", "join", "summarize"} <= set(coverage["operators"]["supported"])
    assert "graph-match" in coverage["operators"]["refused"]
    assert set(kql.functions()) == set(coverage["functions"]["supported"])
    for names in coverage.values():
        assert not set(names["supported"]) & set(names["refused"])
    with pytest.raises(QueryError) as caught:
        kql.describe(f"DeviceEvents | {coverage['operators']['refused'][0]} x")
    assert caught.value.unsupported == f"the operator '{coverage['operators']['refused'][0]}'"
