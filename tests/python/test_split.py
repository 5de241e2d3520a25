"""Splitting a window: every row once, whatever the service's limits are; and a word about every row that is missing."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import random
import warnings
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import xdrkit
from xdrkit import (
    AsyncClient,
    Client,
    DeadlineExceededError,
    InvalidArgumentError,
    PartialResultError,
    PartialResultWarning,
    PermissionDeniedError,
    QueryError,
    ServiceError,
    ThrottledError,
    TruncatedResultWarning,
)
from xdrkit._split import Piece, parts, windows
from xdrkit._windows import DAY, MINUTE, SECOND, duration, when

from .fake_service import NOW, Service, at, outage, patch

A, B = at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z")
WINDOW = {"since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}


def hunter(service: Service, is_async: bool = False) -> Any:
    """A client on that service: calls are made, coroutines run."""
    made = (AsyncClient if is_async else Client).__new__(AsyncClient if is_async else Client)
    made._core = service  # type: ignore[assignment]

    class Hunter:
        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any, **options: Any) -> Any:
                answer = getattr(made, name)(*arguments, **options)
                if inspect.iscoroutine(answer):
                    return asyncio.run(_awaited(answer))
                if hasattr(answer, "__anext__"):
                    return asyncio.run(_collect(answer))
                return answer

            return call

    return Hunter()


async def _awaited(answer: Any) -> Any:
    return await answer


async def _collect(stream: Any) -> list[Any]:
    return [item async for item in stream]


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def made_rows(chance: random.Random, count: int) -> list[tuple[int, int]]:
    """Rows that like to lie at edges, and close to each other."""
    edges = [A, B - 1, A + (B - A) // 2, A + 6 * 60 * MINUTE, A + 12 * 60 * MINUTE - 1]
    places = [*edges, *(chance.randrange(A, B) for _ in range(count))]
    centre = chance.randrange(A, B)
    places += [min(max(A, centre + chance.randrange(-MINUTE, MINUTE)), B - 1) for _ in range(count // 2)]
    return [(tick, key) for key, tick in enumerate(places)]


def once_each(chance: random.Random) -> Any:
    """A third of the pieces fails at the first time."""
    seen: set[Any] = set()

    def fails(options: dict[str, Any]) -> Any:
        key = (options["since"], options["until"])
        failing = key not in seen and chance.random() < 0.33
        seen.add(key)
        return ServiceError("x", status=500) if failing else None

    return fails


# Windows


@pytest.mark.parametrize(
    ("arguments", "begin", "end"),
    [
        ({"around": "2026-11-01T00:30Z", "window": "30m"}, A, A + 60 * MINUTE),
        ({"around": "2026-11-01T00:30Z", "window": timedelta(minutes=30)}, A, A + 60 * MINUTE),
        ({"around": "2026-11-01T00:30Z", "window": ("30m", "0s")}, A, A + 30 * MINUTE),
        ({"around": "2026-11-01T00:00:00.0000001Z", "window": ("0s", "1s")}, A + 1, A + 1 + SECOND),
        ({"since": "1d", "until": "now"}, B - DAY, B),
        ({"since": "2026-11-01"}, A, None),
    ],
)
def test_windows_in_every_form_are_ticks(arguments: Any, begin: int, end: int | None) -> None:
    found = when(**arguments, now=datetime(2026, 11, 2, tzinfo=timezone.utc))
    assert (found.begin, found.end) == (begin, end)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"around": "2026-11-01T00:30Z"}, "around"),
        ({"window": "30m"}, "window"),
        ({"around": "2026-11-01T00:30Z", "window": "x"}, "window"),
        ({"around": "2026-11-01T00:30Z", "window": "0m"}, "window"),
        ({"around": "2026-11-01T00:30Z", "window": ("0m", "0m")}, "window"),
        ({"around": "2026-11-01T00:30Z", "window": ("1m", "1m", "1m")}, "window"),
        ({"around": "2026-11-01T00:30Z", "window": timedelta(-1)}, "window"),
        ({"around": "2026-11-01T00:30", "window": "1m"}, "around"),
        ({"around": "0001-01-01T00:00Z", "window": "1m"}, "window"),
        ({"around": "9999-12-31T23:59:59Z", "window": "1m"}, "window"),
        ({"around": "2026-11-01T00:30Z", "window": "1m", "since": "1d"}, "around"),
        ({"timespan": "P1D", "since": "1d"}, "timespan"),
        ({"since": "1d", "until": "2d"}, "since"),
    ],
)
def test_windows_that_cannot_be_are_refused_by_name(arguments: Any, name: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        when(**arguments)
    assert caught.value.argument == name


# Cutting


def test_pieces_are_disjoint_cover_all_and_lie_on_the_grid() -> None:
    chance = random.Random(1)
    for _ in range(300):
        begin = chance.randrange(A, B)
        end = begin + chance.randrange(1, 40 * DAY)
        length = chance.choice([DAY, 7 * DAY, 60 * MINUTE, chance.randrange(10 * MINUTE, 3 * DAY)])
        cut = windows(begin, end, length)
        assert cut[0].begin == begin
        assert cut[-1].end == end
        assert all(a.end == b.begin for a, b in zip(cut, cut[1:]))
        assert all(a.begin < a.end for a in cut)  # type: ignore[operator]
        assert all(a.end % length == 0 for a in cut[:-1])  # type: ignore[operator]


def test_halves_are_disjoint_and_cover_the_whole_down_to_the_floor() -> None:
    chance = random.Random(2)
    for _ in range(500):
        begin = chance.randrange(A, B)
        end = begin + chance.choice([2, 3, SECOND, MINUTE, chance.randrange(2, DAY), 30 * DAY])
        halves = Piece(begin, end).halves(1)
        assert halves is not None
        first, second = halves
        assert (first.begin, first.end, second.end) == (begin, second.begin, end)
        assert begin < first.end < end  # type: ignore[operator]
    assert Piece(A, A + MINUTE).halves(MINUTE) is None
    assert Piece(A, A + MINUTE + 1).halves(MINUTE) is not None
    assert Piece(A, A + 1).halves(1) is None


def test_parts_by_hash_are_cut_so_that_each_key_is_in_one() -> None:
    pieces = [half for part in parts(None, None, "K", 3) for half in part.halves(1) or ()]
    for key in range(100):
        assert sum(1 for p in pieces if p.part is not None and key % p.part[1] == p.part[2]) == 1
    assert Piece(None, None, ("K", 1024, 0)).halves(1) is None


def test_more_pieces_than_anybody_wants_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="2,592,000 pieces of 30d"):
        windows(A, A + 30 * DAY, SECOND)


def test_durations() -> None:
    assert duration("x", "90m") == 90 * MINUTE
    for wrong in ("1y", "", "-1d", 5, None, "1.5h"):
        with pytest.raises(InvalidArgumentError):
            duration("x", wrong)


# Every row once


def test_whatever_the_limits_are_every_row_comes_once(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    chance = random.Random(3 + is_async)
    for round_ in range(60):
        rows = made_rows(chance, chance.randrange(200))
        caps = {
            name: chance.choice([10**9, chance.randrange(20, 120)]) for name in ("rows_cap", "bytes_cap", "time_cap")
        }
        service = Service(rows, **caps)
        flaky = chance.random() < 0.5
        if flaky:
            # A third of the pieces fails once.
            service.fails = once_each(random.Random(round_))
        split = chance.choice(["auto", "1h", "6h", "7m", timedelta(days=2)])
        found = hunter(service, is_async).hunt(
            "DeviceEvents", **WINDOW, split=split, floor="1s", concurrency=chance.randrange(1, 5), on_error="raise"
        )
        assert sorted((row["Tick"], row["Key"]) for row in found) == sorted(rows), round_
        assert found.truncated is None
        assert found.missing == []
        assert found.window == (WINDOW["since"], WINDOW["until"])
        assert all(o["exact"] for o in service.asked)
        assert [row["Tick"] for row in found] == sorted(tick for tick, _ in rows)


def test_parts_by_hash_bring_every_row_once(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch, verdict="unsafe", operator="summarize", why="it counts")
    rows = made_rows(random.Random(4), 300)
    service = Service(rows, rows_cap=40)
    found = hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split_by="Key", split=3)
    assert sorted((row["Tick"], row["Key"]) for row in found) == sorted(rows)
    assert {o["part"][0] for o in service.asked} == {"Key"}
    # Without a window there is none.
    service = Service(rows)
    assert len(hunter(service, is_async).hunt("DeviceEvents", split_by="Key", split=2)) == len(rows)
    assert all(set(o) == {"api", "part"} for o in service.asked)


def test_a_stream_gives_every_row_once_and_holds_few_pieces(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    chance = random.Random(5)
    for _ in range(30):
        rows = made_rows(chance, chance.randrange(200))
        service = Service(rows, rows_cap=chance.choice([10**9, 50]), bytes_cap=chance.choice([10**9, 80]))
        many = chance.randrange(1, 5)
        got = list(
            hunter(service, is_async).hunt_iter(
                "DeviceEvents",
                **WINDOW,
                split=chance.choice(["auto", "3h"]),
                floor="1s",
                batch_rows=30,
                concurrency=many,
            )
        )
        assert sorted((row["Tick"], row["Key"]) for one in got for row in one) == sorted(rows)
        assert all(len(one) <= 30 for one in got)
        assert max(service.batches) <= many


# What is missing is told


def test_a_piece_at_the_floor_that_is_cut_off_is_kept_and_named(
    monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    patch(monkeypatch)
    dense = [(A + 60 * MINUTE + k, k) for k in range(100)]
    service = Service([*dense, (B - 1, 1000)], rows_cap=30)
    with pytest.warns(TruncatedResultWarning) as caught:
        found = hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="1d", floor="1m")
    assert len(found) == 31
    assert found.truncated.reason == "rows"
    assert "[2026-11-01T01:00:00Z, 2026-11-01T01:01:00Z)" in found.truncated
    assert caught[0].filename == __file__
    assert all(at(o["until"]) - at(o["since"]) > MINUTE - 1 for o in service.asked)


@pytest.mark.parametrize("cap", ["bytes_cap", "time_cap"])
def test_a_piece_at_the_floor_without_an_answer_is_missing(
    monkeypatch: pytest.MonkeyPatch, is_async: bool, cap: str
) -> None:
    patch(monkeypatch)
    dense = [(A + 60 * MINUTE + k, k) for k in range(100)]
    service = Service([*dense, (B - 1, 1000)], **{cap: 30})
    with pytest.raises(PartialResultError, match=r"1 of \d+ windows could not be read") as caught:
        hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="1d", floor="1m")
    error = caught.value
    assert [row["Key"] for row in error.partial] == [1000]
    assert error.missing == [("2026-11-01T01:00:00Z", "2026-11-01T01:01:00Z")]
    assert isinstance(error.errors[0], QueryError)
    again = pickle.loads(pickle.dumps(error))
    assert (again.partial, again.missing) == (None, error.missing)


def test_with_collect_the_rest_comes_with_a_warning(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    service = Service([(A + 1, 1), (B - 1, 2)])
    service.fails = lambda o: ServiceError("down", status=500) if o["since"] == WINDOW["since"] else None
    with pytest.warns(PartialResultWarning, match="1 window is missing") as caught:
        found = hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="12h", on_error="collect")
    assert [row["Key"] for row in found] == [2]
    assert found.missing == [("2026-11-01T00:00:00Z", "2026-11-01T12:00:00Z")]
    assert sum(1 for o in service.asked if o["since"] == WINDOW["since"]) == 2
    assert caught[0].filename == __file__


def test_what_fails_once_is_tried_again_and_nothing_is_told(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    service = Service([(A, 1), (B - 1, 2)])
    service.fails = outage(2)
    found = hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="6h")
    assert [row["Key"] for row in found] == [1, 2]
    assert found.stats["requests"] == 4 + 2 * 3
    assert found.stats["pieces"] == 4


@pytest.mark.parametrize("split", ["auto", "1m"])
def test_an_outage_ends_the_hunt_with_its_error_and_not_with_thousands_of_requests(
    monkeypatch: pytest.MonkeyPatch, is_async: bool, split: str
) -> None:
    patch(monkeypatch)
    for error in (ServiceError("down", status=500), DeadlineExceededError("late"), ServiceError("", status=504)):
        service = Service([])
        service.fails = lambda o, e=error: e
        with pytest.raises(type(error)):
            hunter(service, is_async).hunt("DeviceEvents", since="2026-10-03", until="2026-11-02", split=split)
        assert len(service.asked) < 60


def test_a_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    for error in (QueryError("no such column", status=400), PermissionDeniedError("no", status=403)):
        service = Service([])
        service.fails = lambda o, e=error: e
        with pytest.raises(type(error)) as caught:
            hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="1h")
        assert caught.value is error
        assert len(service.asked) == 3


def test_a_deadline_bounds_all_pieces_together(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    service = Service([(A, 1)])
    service.step = 10.0
    with pytest.raises(PartialResultError) as caught:
        hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="1h", deadline=65)
    assert isinstance(caught.value.errors[0], DeadlineExceededError)
    assert len(caught.value.missing) == 24 - len(service.asked) > 0
    assert [o["deadline"] for o in service.asked][:4] == [65, 65, 65, 35]


def test_a_used_up_quota_is_waited_for_if_the_deadline_allows(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    service = Service([(A, 1), (B - 1, 2)])

    def fails(options: dict[str, Any]) -> Any:
        return ThrottledError("CPU", status=429, retry_after=800) if service.time < NOW + 800 else None

    service.fails = fails
    found = hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="1h")
    assert [row["Key"] for row in found] == [1, 2]
    assert service.slept == [800]
    assert found.stats["waited"] == 800
    service.time, service.slept = NOW, []
    with pytest.raises(ThrottledError):
        hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="1h", deadline=700)
    assert service.slept == []
    service.time = NOW
    got = hunter(service, is_async).hunt_iter("DeviceEvents", **WINDOW, split="1h")
    assert [row["Key"] for one in got for row in one] == [1, 2]


def test_a_stream_that_breaks_off_says_where_to_go_on(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    service = Service([(A + k * 60 * MINUTE, k) for k in range(24)])
    service.fails = lambda o: ServiceError("down", status=500) if o["since"] == "2026-11-01T10:00:00Z" else None
    got: list[Any] = []

    async def main() -> None:
        client = AsyncClient.__new__(AsyncClient)
        client._core = service  # type: ignore[assignment]
        async for one in client.hunt_iter("DeviceEvents", **WINDOW, split="1h"):
            got.extend(one)

    def read() -> None:
        for one in hunter(service).hunt_iter("DeviceEvents", **WINDOW, split="1h"):
            got.extend(one)

    with pytest.raises(PartialResultError) as caught:
        asyncio.run(main()) if is_async else read()
    assert [row["Key"] for row in got] == list(range(10))
    assert caught.value.resume == "2026-11-01T10:00:00Z"
    service.fails = lambda o: None
    rest = hunter(service, is_async).hunt("DeviceEvents", since=caught.value.resume, until=WINDOW["until"], split="1h")
    assert [row["Key"] for row in rest] == list(range(10, 24))


# What is asked for


def test_progress_tells_of_every_round(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    told: list[tuple[int, int, int]] = []
    service = Service([(A + k * 60 * MINUTE, k) for k in range(24)])
    hunter(service, is_async).hunt("DeviceEvents", **WINDOW, split="3h", progress=lambda *facts: told.append(facts))
    assert told[0] == (3, 8, 9)
    assert told[-1] == (8, 8, 24)


def test_an_ordered_query_is_sorted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    patch(monkeypatch, verdict="ordered", order="sort by Key desc")
    asked: list[str] = []

    def run(query: str, tables: dict[str, Any]) -> Any:
        asked.append(query)
        return tables["Result"]

    monkeypatch.setattr(xdrkit._core, "kql_run", run, raising=False)
    hunter(Service([(A, 1)])).hunt("DeviceEvents", **WINDOW, split="12h")
    hunter(Service([(A, 1)])).hunt("DeviceEvents", **WINDOW, split="12h", merge="| count")
    hunter(Service([(A, 1)])).hunt("DeviceEvents", **WINDOW, split="12h", merge="append")
    assert asked == ["Result | sort by Key desc", "Result | count"]


REFUSED = {"verdict": "unsafe", "operator": "top", "line": 1, "column": 40, "why": "the first rows of all are meant"}
UNREADABLE = {
    "verdict": "unsafe",
    "operator": "",
    "line": 1,
    "column": 1,
    "why": "every piece would answer the same rows",
}


@pytest.mark.parametrize(
    ("reads", "arguments", "name", "words"),
    [
        (
            REFUSED,
            {"split": "1d", **WINDOW},
            "split",
            ["top (line 1, column 40)", "first rows of all", "<KQL>", "append"],
        ),
        ({**REFUSED, "merge": "top 5 by n"}, {"split": "1d", **WINDOW}, "split", ["merge=True", "top 5 by n"]),
        (REFUSED, {"split": 4, "split_by": "DeviceId", **WINDOW}, "split", ["top"]),
        (REFUSED, {"split": "1d", "merge": True, **WINDOW}, "merge", ["no merge of this query is known"]),
        ({}, {"split": "1d"}, "split", ["since"]),
        ({}, {"split": "1d", "until": "2026-11-01"}, "split", ["since"]),
        ({}, {"split": "1d", "timespan": "P7D"}, "timespan", ["since and until"]),
        ({}, {"split": 4, **WINDOW}, "split", ["no duration"]),
        ({}, {"split": True, **WINDOW}, "split", ["no duration"]),
        ({}, {"split": "0d", **WINDOW}, "split", ["longer than nothing"]),
        ({}, {"split": "1d", "since": "2999-01-01"}, "since", ["in the future"]),
        ({}, {"split": "1d", "split_by": "X", **WINDOW}, "split", ["number of parts"]),
        ({}, {"split": 0, "split_by": "X", **WINDOW}, "split", ["number of parts"]),
        ({}, {"split_by": "X", **WINDOW}, "split_by", ["goes with split"]),
        ({}, {"merge": "count", **WINDOW}, "merge", ["goes with split"]),
        ({}, {"split": "1d", "merge": " ", **WINDOW}, "merge", ["empty"]),
        ({}, {"split": "1d", "merge": 5, **WINDOW}, "merge", ["KQL text"]),
        ({}, {"split": "1d", "on_error": "ignore", **WINDOW}, "on_error", ['"raise" or "collect"']),
        ({}, {"split": "1d", "concurrency": 0, **WINDOW}, "concurrency", ["1 to 32"]),
        ({}, {"split": "1d", "floor": "x", **WINDOW}, "floor", ["no duration"]),
        ({}, {"split": "1d", "deadline": "x", **WINDOW}, "deadline", ["seconds"]),
        ({}, {"split": "1d", "deadline": 0, **WINDOW}, "deadline", ["seconds"]),
        ({}, {"split": "1d", "progress": 5, **WINDOW}, "progress", ["function"]),
        (UNREADABLE, {"split": "1d", **WINDOW}, "split", ["split: every piece would answer the same rows", "split_by"]),
        (UNREADABLE, {"split": "1d", "merge": "append", **WINDOW}, "split", ["every piece would answer the same rows"]),
    ],
)
def test_what_cannot_be_split_is_refused_with_the_ways_out(
    monkeypatch: pytest.MonkeyPatch, is_async: bool, reads: Any, arguments: Any, name: str, words: list[str]
) -> None:
    patch(monkeypatch, **reads)
    service = Service([])
    with pytest.raises(InvalidArgumentError) as caught:
        hunter(service, is_async).hunt("DeviceEvents", **arguments)
    assert caught.value.argument == name
    assert all(word in str(caught.value) for word in words)
    assert service.asked == []


def test_a_place_in_the_query_is_that_of_the_users_text(monkeypatch: pytest.MonkeyPatch) -> None:
    shift = len("let x = long(1); ")
    patch(monkeypatch, **{**REFUSED, "column": 40 + shift})
    with pytest.raises(InvalidArgumentError, match=r"top \(line 1, column 40\)"):
        hunter(Service([])).hunt("DeviceEvents | where a == x", params={"x": 1}, split="1d", **WINDOW)


def test_a_plan_says_how_many_calls_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    patch(monkeypatch)
    client = hunter(Service([]))
    plan = client.hunt_plan("DeviceEvents", since="2026-10-03", until="2026-11-02T12:00Z", split="1d")
    assert str(plan) == "31 windows, no waiting for quotas"
    assert (len(plan), plan.calls, plan[0]) == (31, 31, ("2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z"))
    assert "about 2 min" in repr(client.hunt_plan("DeviceEvents", **WINDOW, split="10m"))
    assert str(client.hunt_plan("DeviceEvents")) == "1 window, no waiting for quotas"


def test_nothing_is_wasted_where_nothing_is_split(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    patch(monkeypatch)
    service = Service([(A, 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = hunter(service, is_async).hunt("DeviceEvents", around="2026-11-01T00:00Z", window="1m")
    assert len(found) == 1
    assert service.asked == [{"api": "auto", "since": "2026-10-31T23:59:00Z", "until": "2026-11-01T00:01:00Z"}]
    assert service.time == NOW
