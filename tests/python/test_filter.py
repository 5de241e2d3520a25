"""Filters: built from parts without a way in for anybody's text, and refused before they are sent where the service would refuse them."""

from __future__ import annotations

import enum
import random
import uuid
from datetime import date, datetime, timedelta, timezone
from typing import Any, Callable

import pytest

import xdrkit
from xdrkit import errors, field

NASTY = [
    "o'neill",
    "' or 1 eq 1 or '",
    "'",
    "''",
    "x') or startswith(computerDnsName, '",
    "a b",
    "100%",
    "%27",
    "+",
    "a&$top=1",
    "#x",
    "line\nbreak\ttab",
    "Ünïcödé 日本 🦊",
    "\u202eevil",
    '"double"',
    "back\\slash",
    "null",
    "2026-01-01T00:00:00Z",
]


class Risk(enum.Enum):
    HIGH = "High"


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: field("riskScore").eq("High"), "riskScore eq 'High'"),
        (lambda: field("a").ne("it's"), "a ne 'it''s'"),
        (lambda: field("n").gt(5) & field("n").le(7.5), "n gt 5 and n le 7.5"),
        (lambda: field("b").eq(True) | field("b").eq(False), "b eq true or b eq false"),
        (lambda: field("a").eq(None), "a eq null"),
        (lambda: field("a").is_null(), "a eq null"),
        (lambda: ~field("a").is_null(), "not (a eq null)"),
        (lambda: (field("a").eq(1) | field("b").eq(2)) & field("c").eq(3), "(a eq 1 or b eq 2) and c eq 3"),
        (lambda: field("a").eq(1) | field("b").eq(2) & field("c").eq(3), "a eq 1 or b eq 2 and c eq 3"),
        (lambda: ~(field("a").eq(1) & field("b").eq(2)) & field("c").eq(3), "not (a eq 1 and b eq 2) and c eq 3"),
        (lambda: field("a").in_(["x", "y"]) & field("b").eq(1), "(a eq 'x' or a eq 'y') and b eq 1"),
        (lambda: field("a").in_(iter([7])), "a eq 7"),
        (lambda: field("a").startswith("x"), "startswith(a, 'x')"),
        (lambda: field("a").endswith("'"), "endswith(a, '''')"),
        (lambda: field("a/b").contains("x"), "contains(a/b, 'x')"),
        (lambda: field("a").field("b").eq("x"), "a/b eq 'x'"),
        (lambda: field("tags").any("x"), "tags/any(t: t eq 'x')"),
        (lambda: field("tags").all(lambda t: t.startswith("x")), "tags/all(t: startswith(t, 'x'))"),
        (
            lambda: field("e").any(lambda e: e.field("f").any(lambda f: f.eq(e))),  # type: ignore[arg-type]
            None,
        ),
        (
            lambda: field("e").any(lambda e: e.field("f").any("x") & e.field("g").eq(1)),
            "e/any(t: t/f/any(t2: t2 eq 'x') and t/g eq 1)",
        ),
        (lambda: xdrkit.Filter("x eq 1 or y eq 2") & field("z").eq(3), "(x eq 1 or y eq 2) and z eq 3"),
        (
            lambda: field("t").gt(datetime(2026, 5, 1, 2, tzinfo=timezone(timedelta(hours=2)))),
            "t gt 2026-05-01T00:00:00Z",
        ),
        (lambda: field("t").eq(datetime(2026, 5, 1, 0, 0, 0, 250, timezone.utc)), "t eq 2026-05-01T00:00:00.00025Z"),
        (lambda: field("t").lt(date(2026, 5, 1)), "t lt 2026-05-01T00:00:00Z"),
        (lambda: field("t").ge("2026-05-01T00:00:00.1234567+01:00"), "t ge 2026-04-30T23:00:00.1234567Z"),
        (lambda: field("t").ge("2026-05-01"), "t ge 2026-05-01T00:00:00Z"),
        (lambda: field("t").eq("2026-05-01T00:00:00Z"), "t eq '2026-05-01T00:00:00Z'"),
        (lambda: field("v").gt("10.2"), "v gt '10.2'"),
        (
            lambda: field("id").eq(uuid.UUID("5b1e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14")),
            "id eq 5b1e7c1a-0d1f-4f3a-9c52-6a8e3d0c7f14",
        ),
        (lambda: field("s").eq(Risk.HIGH), "s eq 'High'"),
        (lambda: field("n").eq(Number.ONE), "n eq 1"),
    ],
)
def test_the_text_says_what_was_meant(made: Callable[[], xdrkit.Filter], text: str | None) -> None:
    if text is None:
        with pytest.raises(errors.InvalidArgumentError, match="Field is nothing that a filter can hold"):
            made()
        return
    assert str(made()) == repr(made()) == text


def test_how_long_ago_counts_from_now() -> None:
    for value in ("7d", "-7d", "- 7 d", timedelta(days=7), timedelta(days=-7)):
        text = str(field("lastSeen").gt(value)).rpartition(" ")[2]
        ago = datetime.now(timezone.utc) - datetime.fromisoformat(text.replace("Z", "+00:00")[:19] + "+00:00")
        assert timedelta(days=7) <= ago < timedelta(days=7, minutes=1), value


NAIVE = datetime(2026, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)
WRONG: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no property": (lambda: field("a b"), errors.InvalidArgumentError, "is no property"),
    "an injected property": (lambda: field("a eq 1 or b"), errors.InvalidArgumentError, "is no property"),
    "an empty part": (lambda: field("a//b"), errors.InvalidArgumentError, "is no property"),
    "a digit first": (lambda: field("1a"), errors.InvalidArgumentError, "is no property"),
    "letters of another script": (lambda: field("аbc"), errors.InvalidArgumentError, "is no property"),
    "an empty name": (lambda: field(""), errors.InvalidArgumentError, "is no property"),
    "no text as a name": (lambda: field(5), errors.InvalidArgumentError, "is no property"),  # type: ignore[arg-type]
    "an inner name": (lambda: field("a").field("b c"), errors.InvalidArgumentError, "is no property"),
    "bytes": (lambda: field("a").eq(b"x"), errors.InvalidArgumentError, "bytes"),  # type: ignore[arg-type]
    "a list": (lambda: field("a").eq(["x"]), errors.InvalidArgumentError, "list"),  # type: ignore[arg-type]
    "no number": (lambda: field("a").eq(float("nan")), errors.InvalidArgumentError, "nan"),
    "infinity": (lambda: field("a").lt(float("inf")), errors.InvalidArgumentError, "inf"),
    "a naive datetime": (lambda: field("a").gt(NAIVE), errors.InvalidArgumentError, "no time zone"),
    "naive text": (lambda: field("a").gt("2026-01-01T00:00:00"), errors.InvalidArgumentError, "no time zone"),
    "no day": (lambda: field("a").gt("2026-02-30"), errors.InvalidArgumentError, "is no time"),
    "more than nothing": (lambda: field("a").gt(None), errors.InvalidArgumentError, "None"),  # type: ignore[arg-type]
    "one of nothing": (lambda: field("a").in_([]), errors.InvalidArgumentError, "is empty"),
    "one of a text": (lambda: field("a").in_("abc"), errors.InvalidArgumentError, "several values"),
    "no text in contains": (lambda: field("a").contains(5), errors.InvalidArgumentError, "takes text"),  # type: ignore[arg-type]
    "no filter in any": (lambda: field("a").any(lambda t: t), errors.InvalidArgumentError, "not a filter"),  # type: ignore[arg-type,return-value]
    "no text at all": (lambda: xdrkit.Filter(" "), errors.InvalidArgumentError, "no OData text"),
    "and": (lambda: field("a").eq(1) and field("b").eq(2), TypeError, "& for and"),  # type: ignore[redundant-expr,unreachable]
    "or": (lambda: field("a").eq(1) or field("b").eq(2), TypeError, "| for or"),  # type: ignore[redundant-expr,unreachable]
    "not": (lambda: not field("a").eq(1), TypeError, "~ for not"),
    "text beside": (lambda: field("a").eq(1) & "b eq 2", TypeError, "not with str"),  # type: ignore[operator]
    "==": (lambda: field("a") == "x", TypeError, "eq"),
    ">": (lambda: field("a") > 5, TypeError, "gt"),
    "a bare field": (lambda: bool(field("a")), TypeError, "no condition"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_filter_is_refused(case: str) -> None:
    make, kind, said = WRONG[case]
    with pytest.raises(kind, match=said.replace("|", r"\|")):
        make()


def test_no_text_becomes_a_condition(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    every = client.machines.list().collect()
    machine = every[0]["id"]
    for text in NASTY:
        found = client.machines.list(filter=field("computerDnsName").eq(text)).collect()
        assert found == [], text
        client.machines.add_tag(machine, tag=text)
        for made in (
            field("machineTags").any(text),
            field("machineTags").any(lambda t, text=text: t.startswith(text)),  # type: ignore[misc]
            field("id").eq(machine) & field("machineTags").any(lambda t, text=text: t.contains(text)),  # type: ignore[misc]
        ):
            assert [m["id"] for m in client.machines.list(filter=made)] == [machine], (text, made)
        client.machines.remove_tag(machine, tag=text)
    sent = [r["query"] for r in sb.requests if r["operation"] == "machines.list" and "filter" in (r["query"] or "")]
    assert len(sent) == 4 * len(NASTY)


def test_filters_choose_what_they_say(client: xdrkit.Client) -> None:
    every = client.machines.list().collect()

    def chosen(made: xdrkit.Filter) -> list[str]:
        return [m["id"] for m in client.machines.list(filter=made)]

    def expected(test: Callable[[Any], bool]) -> list[str]:
        return [m["id"] for m in every if test(m)]

    seen = sorted(datetime.fromisoformat(str(m["lastSeen"])[:19] + "+00:00") for m in every)
    middle = seen[len(seen) // 2]
    pairs: list[tuple[xdrkit.Filter, Callable[[Any], bool]]] = [
        (field("riskScore").eq("High"), lambda m: m["riskScore"] == "High"),
        (~field("riskScore").eq("High"), lambda m: m["riskScore"] != "High"),
        (field("riskScore").in_(["High", "Medium"]), lambda m: m["riskScore"] in ("High", "Medium")),
        (
            field("lastSeen").ge(middle) & field("riskScore").ne("Low"),
            lambda m: datetime.fromisoformat(str(m["lastSeen"])[:19] + "+00:00") >= middle and m["riskScore"] != "Low",
        ),
        (
            (field("riskScore").eq("High") | field("osPlatform").eq("Linux")) & field("healthStatus").eq("Active"),
            lambda m: (m["riskScore"] == "High" or m["osPlatform"] == "Linux") and m["healthStatus"] == "Active",
        ),
        (field("id").eq(every[3]["id"]), lambda m: m["id"] == every[3]["id"]),
    ]
    for made, test in pairs:
        assert chosen(made) == expected(test), made
    assert any(0 < len(expected(test)) < len(every) for _, test in pairs)


def test_every_way_of_calling_takes_a_filter(
    sb: xdrkit.Sandbox, client: xdrkit.Client, run: Callable[[Any], Any]
) -> None:
    made = field("riskScore").eq("High")
    wanted = [m["id"] for m in client.machines.list(filter="riskScore eq 'High'")]
    assert wanted
    assert [m["id"] for m in client.call("machines.list", filter=made)["value"]] == wanted
    assert [m["id"] for m in client.request("GET", "/api/machines", params={"$filter": made})["value"]] == wanted
    assert "filter=riskScore eq 'High'" in repr(client.machines.list(filter=made))

    async def of_async() -> list[Any]:
        async with sb.async_client() as other:
            return [m["id"] async for m in other.machines.list(filter=made)]

    assert run(of_async()) == wanted


def random_filter(chance: random.Random, depth: int = 0) -> xdrkit.Filter:
    kind = chance.randrange(7 if depth < 5 else 4)
    names = ["computerDnsName", "riskScore", "osPlatform", "version", "lastIpAddress", "healthStatus"]
    text = "".join(chance.choice("ab'() ,/:&%+é\\\"=$@#\n") for _ in range(chance.randrange(8)))
    name = chance.choice(names)
    if kind == 0:
        return chance.choice([field(name).eq, field(name).ne])(text)
    if kind == 1:
        return chance.choice([field(name).startswith, field(name).endswith, field(name).contains])(text)
    if kind == 2:
        return field("rbacGroupId").gt(chance.randrange(-5, 5)) if chance.random() < 0.5 else field("lastSeen").lt("3d")
    if kind == 3:
        return chance.choice([field("machineTags").any, field("machineTags").all])(lambda t: t.eq(text))
    if kind == 4:
        return ~random_filter(chance, depth + 1)
    left, right = random_filter(chance, depth + 1), random_filter(chance, depth + 1)
    return left & right if kind == 5 else left | right


def test_whatever_is_built_is_understood(client: xdrkit.Client) -> None:
    chance = random.Random(4)
    every = {m["id"] for m in client.machines.list()}
    for _ in range(150):
        made = random_filter(chance)
        some = {m["id"] for m in client.machines.list(filter=made)}
        others = {m["id"] for m in client.machines.list(filter=~made)}
        assert some | others == every, made
        assert not some & others, made


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.machines.list(filter=field("osBuild").eq(5)), 'machines.list cannot be filtered by "osBuild"'),
        (lambda c: c.machines.list(filter="riskScor eq 'High'"), 'Did you mean "riskScore"'),
        (lambda c: c.machines.list(filter=field("lastSeen").eq("2026-01-01")), "without quotes"),
        (lambda c: c.incidents.list(filter="severity eq 'High'"), "it can be by lastUpdateTime, createdTime, status"),
        (lambda c: c.graph.alerts.list(filter="title eq 'x'"), "graph.alerts.list cannot"),
        (lambda c: c.call("alerts.list", filter="status eq 'New"), "never closed"),
        (lambda c: c.machines.list(filter="riskScore eq High"), "text is written 'High'"),
        (lambda c: c.machines.list(filter=True), "takes text"),
    ],
)
def test_what_the_service_would_refuse_is_refused_before(
    sb: xdrkit.Sandbox, client: xdrkit.Client, call: Callable[[Any], Any], said: str
) -> None:
    with pytest.raises(errors.InvalidArgumentError) as caught:
        call(client)
    assert said in str(caught.value)
    assert caught.value.argument == "filter"
    assert sb.requests == []


def test_the_error_lists_what_can_be_filtered(client: xdrkit.Client) -> None:
    with pytest.raises(errors.InvalidArgumentError) as caught:
        client.machine_actions.list(filter=field("title").eq("x"))
    declared = next(op for op in xdrkit.operations() if op["id"] == "machine_actions.list")["filterable"]
    assert caught.value.allowed == declared


def test_any_text_can_still_be_sent(client: xdrkit.Client) -> None:
    with pytest.raises(errors.BadRequestError, match="osBuild"):
        client.request("GET", "/api/machines", params={"$filter": "osBuild eq 5"})
