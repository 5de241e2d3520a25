"""KQL without the service: lint, local runs over results, and the schema."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

import xdrkit
from xdrkit import InvalidArgumentError, QueryError, _core, kql

from .faces import Face

# What is wrong, where, and what was meant.
WRONG = [
    ("DeviceEvents | where DeviceNam == 'x'", "1:22", "unknown-column", "DeviceName"),
    ("DeviceEvents\n| where Timestamp > ago(1d)\n| project Devicename", "3:11", "unknown-column", "DeviceName"),
    ("DeviceEvent | where Timestamp > ago(1d)", "1:1", "unknown-table", "DeviceEvents"),
    ("DeviceEvents | join DeviceInfos on DeviceId", "1:21", "unknown-table", "DeviceInfo"),
    ("union DeviceEvents, DeviceFileEvent", "1:21", "unknown-table", "DeviceFileEvents"),
    ("DeviceEvents | extend x = tolowr(DeviceName)", "1:27", "unknown-function", "tolower"),
    ("DeviceEvents | extend x = qqqqqqqqqqqq(DeviceName)", "1:27", "unknown-function", None),
    ("DeviceEvents | wher true", "1:16", "syntax", "where"),
    ("DeviceEvents | where", "1:21", "syntax", None),
    ("DeviceEvents | where (true", "1:27", "syntax", None),
    ("DeviceEvents | where DeviceName == 'x", "1:36", "syntax", None),
    ("DeviceEvents | where DeviceName = 'x'", "1:33", "syntax", None),
    ("DeviceEvents | where DeviceName + 1 == 2", "1:22", "type", None),
    ("DeviceEvents | where Timestamp > '2026-01-01'", "1:22", "type", None),
    ("DeviceEvents | where ProcessId has 5", "1:22", "type", None),
    ("DeviceEvents | where DeviceName", "1:22", "type", None),
    ("DeviceEvents | summarize Timestamp by DeviceName", "1:26", "type", None),
    ("DeviceEvents | where count() > 5", "1:22", "type", None),
    ("DeviceEvents | summarize count() by DeviceNames", "1:37", "unknown-column", "DeviceName"),
    ("DeviceEvents | sort by Timestam desc", "1:24", "unknown-column", "Timestamp"),
    ("DeviceEvents | project-away Nope", "1:29", "unknown-column", None),
    ("DeviceEvents | project DeviceName, DeviceName", "1:36", "type", None),
    ("DeviceEvents | take 'x'", "1:21", "type", None),
    ("DeviceEvents | top 5 by Timestmp", "1:25", "unknown-column", "Timestamp"),
    ("DeviceEvents | mv-expand Nopes", "1:26", "unknown-column", None),
    ("DeviceEvents | join kind=innner DeviceInfo on DeviceId", "1:26", "syntax", None),
    ("DeviceEvents | join DeviceInfo on DevicId", "1:35", "unknown-column", "DeviceId"),
    ("let a = 5; DeviceEvents | where ProcessId == b", "1:46", "unknown-column", None),
    ("DeviceEvents | extend x = datetime(nonsense)", "1:27", "syntax", None),
    ("DeviceEvents | where DeviceName matches regex '('", "1:47", "regex", None),
    ("let unused = 1; DeviceEvents | take 1", "1:5", "unused-let", None),
    ("DeviceEvents | where DeviceName has '--'", "1:37", "has-no-word", "contains"),
    ("DeviceEvents | extend x = strlen()", "1:27", "type", None),
]


@pytest.mark.parametrize(("query", "place", "code", "suggestion"), WRONG, ids=[w[0] for w in WRONG])
def test_lint_says_what_is_wrong_and_where(query: str, place: str, code: str, suggestion: str | None) -> None:
    found = [p for p in kql.lint(query) if p.code == code]
    assert [(f"{p.line}:{p.column}", p.suggestion) for p in found][:1] == [(place, suggestion)], kql.lint(query)
    assert found[0].end > (found[0].line, found[0].column) or code == "syntax"
    assert str(found[0]).startswith(f"{place} {found[0].severity}: ")


def test_right_queries_have_no_problems() -> None:
    for query in (
        "DeviceProcessEvents | where Timestamp > ago(7d) and FileName =~ 'cmd.exe' | summarize count() by DeviceName",
        "let t = 7d; DeviceEvents | where Timestamp > ago(t) | join kind=inner DeviceInfo on DeviceId | project DeviceName1",
        "EmailEvents | where Timestamp between (ago(2d) .. ago(1d)) | take 5",
        "DeviceTvmSoftwareInventory | summarize dcount(DeviceId) by SoftwareName",
    ):
        assert kql.lint(query) == [], query


def test_what_the_engine_lacks_is_one_info() -> None:
    found = kql.lint("DeviceEvents | where Timestamp > ago(1d) | reduce by DeviceName | where geo_x(1)")
    assert [(p.severity, p.code) for p in found] == [("info", "not-checked")]
    assert "reduce" in found[0].message
    assert found.errors == []


def test_problems_show_themselves() -> None:
    found = kql.lint("DeviceEvents\n| where Timestamp > ago(1d) and DeviceNam == '<x>'")
    text = "2:33 error: no column 'DeviceNam' in DeviceEvents; did you mean DeviceName?"
    assert str(found) == repr(found) == text
    assert str(found[0]) == text
    assert "<td>2:33</td>" in found._repr_html_()
    assert "&#x27;DeviceNam&#x27;" in found._repr_html_()
    assert str(kql.lint("print 1")) == "no problems"
    assert pickle.loads(pickle.dumps(found)) == found


def test_lint_goes_by_the_tables_that_it_is_given() -> None:
    own = {"Mine_CL": {"TimeGenerated": "datetime", "Whom": "string"}}
    assert kql.lint("Mine_CL | where TimeGenerated > ago(1d) and Whom == 'x'", own) == []
    found = kql.lint("Mine_CL | where Wom == 'x'", own)
    assert [p.code for p in found] == ["unknown-column"]
    assert found[0].suggestion == "Whom"
    assert kql.lint("DeviceEvents | take 1", own)[0].code == "unknown-table"
    with pytest.raises(InvalidArgumentError, match="query"):
        kql.lint(5)  # type: ignore[arg-type]


ROWS = [
    {"At": datetime(2026, 11, 1, tzinfo=timezone.utc), "Who": "alpha", "N": 3, "Bag": {"k": [1, "x"]}},
    {"At": datetime(2026, 11, 2, tzinfo=timezone.utc), "Who": "beta", "N": None, "Bag": None},
    {"At": datetime(2026, 11, 3, tzinfo=timezone.utc), "Who": "alpha", "N": 4, "Bag": {"k": []}},
]


def test_local_runs_answer_what_can_be_counted_by_hand() -> None:
    def run(query: str) -> list[dict[str, Any]]:
        return list(kql.run(query, {"T": ROWS}, now="2026-11-04T00:00:00Z"))

    assert run("T | where Who == 'alpha' | summarize n = sum(N), c = count() by Who") == [
        {"Who": "alpha", "n": 7, "c": 2}
    ]
    assert run("T | where At > ago(2d) | project Who") == [{"Who": "alpha"}]
    assert run("T | extend x = tostring(Bag.k[1]) | where x != '' | project x") == [{"x": "x"}]
    assert run("T | join kind=leftanti (T | where isnull(N)) on Who | count") == [{"Count": 2}]
    assert run("let m = toscalar(T | summarize max(N)); T | where N == m | project N") == [{"N": 4}]
    assert run("print hash('World', 100)") == [{"print_0": 51}]


def test_every_type_comes_through() -> None:
    row = {
        "b": True,
        "i": 1 << 62,
        "f": 1.5,
        "t": datetime(2026, 11, 1, 1, 2, 3, 456789, tzinfo=timezone.utc),
        "d": timedelta(days=-1, seconds=1),
        "g": UUID("74be27de-1e4e-49d9-b579-fe0b331d3642"),
        "o": {"a": [1, None]},
        "s": 'ä"\\\n',
        "n": None,
    }
    passed = kql.run("T", {"T": [row]})
    computed = kql.run("T | union T | extend z = 1", {"T": [row]})  # a union copies every cell
    for result in (passed, computed):
        got = result[0]
        assert got["b"] is True
        assert got["i"] == 1 << 62
        assert got["f"] == 1.5
        assert got["n"] in (None, "")
        assert got["t"] == "2026-11-01T01:02:03.456789Z"
        assert got["d"] == "-23:59:59"
        assert got["g"] == "74be27de-1e4e-49d9-b579-fe0b331d3642"
        assert got["o"] == '{"a":[1,null]}'
        assert got["s"] == row["s"]
    assert kql.run("T | project x = t + 1d, y = d + 1d", {"T": [row]})[0] == {
        "x": "2026-11-02T01:02:03.456789Z",
        "y": "00:00:01",
    }
    assert list(kql.run("T", {"T": []})) == []


def test_a_result_is_asked_again(client: xdrkit.Client) -> None:
    found = client.hunt("DeviceProcessEvents | take 200", since="30d")
    assert len(found) == 200
    assert list(found.query("Result")) == list(found)
    assert list(found.query("where true")) == list(found) == list(found.query("| where true"))
    assert found.query("Result").schema == found.schema
    by_hand: dict[str, int] = {}
    for row in found:
        by_hand[row["FileName"]] = by_hand.get(row["FileName"], 0) + 1
    counted = found.query("summarize n = count() by FileName")
    assert {row["FileName"]: row["n"] for row in counted} == by_hand
    assert (counted.api, "2027" in counted._repr_html_()) == ("local", False)
    assert [row["Timestamp"] for row in found.query("top 3 by Timestamp desc")] == sorted(
        (r["Timestamp"] for r in found), reverse=True
    )[:3]
    joined = kql.run(
        "A | join kind=inner B on DeviceName | count", {"A": found, "B": [{"DeviceName": found[0]["DeviceName"]}]}
    )
    assert joined[0]["Count"] == sum(row["DeviceName"] == found[0]["DeviceName"] for row in found)


def test_a_wrong_query_over_a_result_points_at_the_place(client: xdrkit.Client) -> None:
    found = client.hunt("DeviceEvents | take 1", since="30d")
    with pytest.raises(QueryError) as caught:
        found.query("take 5\n| where DeviceNam == 'x'")
    assert (caught.value.line, caught.value.column, caught.value.unsupported) == (2, 9, None)
    assert "\n  | where DeviceNam == 'x'\n          ^^^^^^^^^" in str(caught.value)
    with pytest.raises(QueryError) as caught:
        found.query("reduce by DeviceName")
    assert caught.value.unsupported == "the operator 'reduce'"
    assert caught.value.line == 1
    with pytest.raises(InvalidArgumentError, match="kql"):
        found.query(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="tables"):
        kql.run("T", {"T": object()})


def test_what_a_query_reads() -> None:
    reads = _core.kql_reads(
        "let x = DeviceInfo; DeviceEvents | join x on DeviceId | summarize count() by DeviceName | take 5"
    )
    assert reads["tables"] == ["DeviceInfo", "DeviceEvents"]
    assert (reads["verdict"], reads["operator"], reads["line"], reads["column"]) == ("unsafe", "join", 1, 36)
    assert reads["operators"] == ["join", "summarize", "take"]
    assert reads["merge"] is None
    assert _core.kql_reads("DeviceEvents | count")["merge"] == "summarize Count = sum(Count)"
    assert _core.kql_reads("DeviceEvents | sort by Timestamp asc")["order"] == "sort by Timestamp asc"
    assert _core.kql_reads("DeviceEvents")["verdict"] == "safe"


def test_the_bundled_schema_needs_no_service(face: Face, sb: xdrkit.Sandbox) -> None:
    before = len(sb.requests)
    schema = face("schema")
    assert len(sb.requests) == before
    assert not schema.live
    assert "DeviceEvents" in schema.tables()
    assert schema["DeviceEvents"]["Timestamp"] == "datetime"
    assert schema.columns("DeviceEvents") == schema["DeviceEvents"]
    found = schema.find("sha1")
    assert "SHA1" in found["DeviceFileEvents"]
    assert all("sha1" in name.lower() for own in found.values() for name in own)
    assert repr(schema).startswith(f"{len(schema)} hunting tables, bundled")
    assert "\n  DeviceEvents: Timestamp, " in repr(schema)
    assert pickle.loads(pickle.dumps(schema)) == schema
    assert kql.lint("DeviceEvents | where DeviceNam == ''", schema).errors[0].suggestion == "DeviceName"
    with pytest.raises(InvalidArgumentError, match="no table 'DeviceEvent'") as caught:
        schema.columns("DeviceEvent")
    assert "DeviceEvents" in str(caught.value.hint)


def test_the_live_schema_is_asked_of_the_service(face: Face) -> None:
    one = face("schema", live=True, tables=["DeviceEvents", "EmailEvents"])
    bundled = face("schema", tables=["DeviceEvents", "EmailEvents"])
    assert one.live
    assert dict(one) == dict(bundled)
    with pytest.raises(InvalidArgumentError, match="tables"):
        face("schema", tables="DeviceEvents")
    with pytest.raises(InvalidArgumentError, match="name the tables"):
        face("schema", live=True)
    with pytest.raises(QueryError):
        face("schema", live=True, tables=["Nope"])
