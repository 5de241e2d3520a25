"""`params={...}`: whatever a value holds, it arrives as that value, and never as query text."""

from __future__ import annotations

import json
import random
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

import xdrkit
from xdrkit import InvalidArgumentError, _literals
from xdrkit._params import prelude
from xdrkit.kql import literal, null

from .faces import Face

HOSTILE = [
    "",
    "'",
    '"',
    "\\",
    '\\"',
    "\\\\'",
    '"; DeviceEvents | take 1; "',
    "' or 1 == 1 //",
    "*/ | union * /*",
    "``` ~~~ ```",
    'h"x" @\'y\' h@"z"',
    "a\nb\rc\r\nd\te",
    "nul\0nul",
    "\u0085\u2028\u2029\ufeff",
    "\u202egnirts\u202c \u200b\u2066x",
    "日本語 “x” é 😀 \U0010ffff",
    "\x01\x02\x1b[31m\x7f\x9f",
    "datetime(2026-01-01)",
    "{x} {{y}} %s $(z)",
    "\\u0041\\x41\\0",
]


def echo(face: Face, value: Any, query: str = "print x = name") -> Any:
    return face("hunt", query, params={"name": value})[0]["x"]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_back_as_it_was(face: Face, text: str) -> None:
    assert echo(face, text) == text
    nested = [text, {"k": text}]
    assert json.loads(echo(face, nested, "print x = tostring(name)")) == nested


def test_random_text_comes_back_as_it_was(client: xdrkit.Client) -> None:
    chance = random.Random(7)
    alphabet = "ab \"'\\`~@h;|/*{}()[]\n\r\t\0\x07\x1b\x7f\x85\u2028\ufeffé日😀"
    for _ in range(40):
        texts = ["".join(chance.choices(alphabet, k=chance.randrange(30))) for _ in range(20)]
        names = [f"p{i}" for i in range(len(texts))]
        found = client.hunt("print " + ", ".join(f"c{n} = {n}" for n in names), params=dict(zip(names, texts)))[0]
        assert [found[f"c{n}"] for n in names] == texts


@pytest.mark.parametrize(
    ("value", "type_", "seen"),
    [
        (True, "SByte", True),
        (False, "SByte", False),
        (0, "Int64", 0),
        (-7, "Int64", -7),
        (2**63 - 1, "Int64", 2**63 - 1),
        (-(2**63) + 1, "Int64", -(2**63) + 1),
        (1.5, "Double", 1.5),
        (-1e-300, "Double", -1e-300),
        (1.7976931348623157e308, "Double", 1.7976931348623157e308),
        (datetime(2026, 5, 1, 2, 3, 4, 5, tzinfo=timezone.utc), "DateTime", "2026-05-01T02:03:04.000005Z"),
        (datetime(2026, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))), "DateTime", "2026-05-01T00:00:00Z"),
        (date(2026, 5, 1), "DateTime", "2026-05-01T00:00:00Z"),
        (timedelta(days=1, seconds=2, microseconds=3), "TimeSpan", "1.00:00:02.0000030"),
        (-timedelta(hours=1), "TimeSpan", "-01:00:00"),
        (uuid.UUID(int=7), "Guid", "00000000-0000-0000-0000-000000000007"),
        (null("long"), "Int64", None),
        (null("datetime"), "DateTime", None),
    ],
)
def test_every_kind_arrives_with_its_type(client: xdrkit.Client, value: Any, type_: str, seen: Any) -> None:
    found = client.hunt("print x = name", params={"name": value})
    assert found.schema == [("x", type_)]
    assert found[0]["x"] == seen


@pytest.mark.parametrize("value", [None, [], {}, [1, -2, 2.5, "x", None, True, [[]]], {"a": {"b": ['"']}}, (1, 2)])
def test_lists_and_dicts_arrive_as_dynamic(client: xdrkit.Client, value: Any) -> None:
    found = client.hunt("print x = name", params={"name": value})[0]["x"]
    assert (None if found is None else json.loads(found)) == (list(value) if isinstance(value, tuple) else value)


def test_a_list_is_what_in_takes(client: xdrkit.Client) -> None:
    names = ["powershell.exe", "cmd.exe"]
    found = client.hunt("DeviceProcessEvents | where FileName in (names)", params={"names": names})
    assert {row["FileName"] for row in found} == set(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "real(nan)"),
        (float("inf"), "real(+inf)"),
        (float("-inf"), "real(-inf)"),
        (Decimal("1.10"), "decimal(1.10)"),
        (Decimal("1E+3"), "decimal(1000)"),
        ({"b", "a"}, 'dynamic(["a", "b"])'),
        ({2: 0}.keys(), "dynamic([2])"),
        ([date(2026, 1, 1)], "dynamic([datetime(2026-01-01)])"),
        (timedelta(0), "timespan(0.00:00:00.0000000)"),
        (-(2**63), "long(-9223372036854775808)"),
    ],
)
def test_literals(value: Any, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (2**63, "does not fit 64 bits"),
        ([-(2**63) - 1], "does not fit 64 bits"),
        (datetime(2026, 1, 1), "has no time zone"),  # noqa: DTZ001
        ([float("nan")], "has no place in a dynamic"),
        (Decimal("NaN"), "never"),
        (Decimal("1" * 35), "34 digits"),
        (timedelta.max, "too long"),
        ("\ud800", "surrogate"),
        ({1: 2}, "is no text"),
        (object(), "no KQL literal for a object"),
        (b"x", "no KQL literal for a bytes"),
        (iter([1]), "no KQL literal"),
    ],
)
def test_what_has_no_literal_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        prelude("print p", {"p": value})
    with pytest.raises(InvalidArgumentError, match=r"params\['p'\]"):
        prelude("print p", {"p": value})


def test_a_list_within_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidArgumentError, match="nested"):
        literal(loop)


@pytest.mark.parametrize(
    ("query", "params", "message", "hint"),
    [
        ("print x", {"1x": 1}, "is no name", None),
        ("print x", {"x y": 1}, "is no name", None),
        ("print x", {"é": 1}, "is no name", None),
        ("print x", {1: 1}, "is no name", None),
        ("print where", {"where": 1}, "is a word of KQL", None),
        ("DeviceEvents", {"DeviceEvents": 1}, "is the name of a table", None),
        ("let a = 1; print a", {"a": 1}, "let of its own", None),
        ("print hostname", {"hostnam": 1}, "does not use 'hostnam'", "'hostname'"),
        ('print "name" // name', {"name": 1}, "does not use 'name'", "bare name"),
        (
            "DeviceEvents | where DeviceName == DeviceName",
            {"DeviceName": 1},
            "has a column 'DeviceName'",
            "DeviceName_",
        ),
        ("print x", ["x"], "must be a dict", None),
    ],
)
def test_a_name_that_cannot_be_a_parameter_is_refused(query: str, params: Any, message: str, hint: str | None) -> None:
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        prelude(query, params)
    assert caught.value.argument == "params"
    assert hint is None or hint in str(caught.value.hint)


def test_nothing_is_sent_when_a_parameter_is_wrong(face: Face, sb: xdrkit.Sandbox) -> None:
    with pytest.raises(InvalidArgumentError):
        face("hunt", "print x", params={"y": 1})
    assert not [r for r in sb.requests if r["operation"]]


def test_parameters_stand_on_the_first_line_and_behind_settings() -> None:
    assert prelude("// why\nprint x", {"x": 1}) == "let x = long(1); // why\nprint x"
    assert prelude("set a = 1;\nprint x", {"x": 1}) == "set a = 1;let x = long(1); \nprint x"


def test_a_table_goes_with_the_query(client: xdrkit.Client) -> None:
    known = client.hunt("DeviceInfo | distinct DeviceId, DeviceName | take 3")
    text = literal(known)
    assert text.startswith("datatable(DeviceId:string, DeviceName:string)[")
    found = client.hunt(
        "DeviceInfo | where DeviceId in (known | project DeviceId) | distinct DeviceId, DeviceName",
        params={"known": known},
    )
    assert sorted(r["DeviceId"] for r in found) == sorted(r["DeviceId"] for r in known)


def test_every_type_of_a_table_arrives(client: xdrkit.Client) -> None:
    query = """union
        (print i = 1, t = datetime(2026-05-01T01:02:03.1234567Z), b = true, r = 1.5, s = 'a"\\\\\\n',
            g = guid(00000000-0000-0000-0000-000000000007), d = dynamic({"a": ["x"]}), w = timespan(1.02:03:04.0000005), n = int(7)),
        (print i = long(null), t = datetime(null), b = bool(null), r = real(nan), s = "", g = guid(null), d = dynamic(null),
            w = timespan(null), n = int(null))"""
    table = client.hunt(query)
    assert len(table) == 2
    again = client.hunt("rows_ | extend x = 1 | project-away x", params={"rows_": table})
    assert again.schema == table.schema
    assert str(again.rows) == str(table.rows)


def test_a_data_frame_goes_with_the_query(client: xdrkit.Client) -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"host name": ["a", "b\"'"], "n": [1, None]})
    found = client.hunt("hosts | project a = ['host name'], n", params={"hosts": frame})
    assert found.rows == [{"a": "a", "n": 1}, {"a": "b\"'", "n": None}]
    assert literal(frame["n"]) == "dynamic([1, null])"


def test_a_table_that_is_too_large_is_refused_with_the_way_out(
    client: xdrkit.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_literals, "LARGEST", 1000)
    table = client.hunt("DeviceProcessEvents | take 100")
    with pytest.raises(InvalidArgumentError, match="100 rows is more than goes with a query") as caught:
        literal(table)
    assert "portions" in str(caught.value.hint)
