"""Splitting against the sandbox, over the wire: the same rows as from one call, or a refusal that says why."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import HuntResult, InvalidArgumentError, PartialResultError, QueryError, TruncatedResultWarning, _core
from xdrkit._time import iso
from xdrkit._windows import DAY, when

from .faces import Face, operations_of
from .fake_service import TOO_LARGE

pytestmark = pytest.mark.filterwarnings("ignore::xdrkit.LegacyHuntingWarning")
SAFE = [
    "DeviceProcessEvents | project Timestamp, DeviceName, ProcessId",
    "union DeviceProcessEvents, DeviceNetworkEvents | project Timestamp, DeviceId, ActionType",
    "let names = dynamic(['powershell.exe', 'cmd.exe']);\nDeviceProcessEvents | where FileName in~ (names) | project Timestamp, FileName",
    "DeviceLogonEvents | mv-expand n = range(1, 3) | project Timestamp, n",
]


def ends() -> tuple[int, int]:
    """Ten days until two hours ago."""
    end = when(until="2h").end
    assert end is not None
    return end - 10 * DAY, end


def as_texts(rows: Any) -> list[str]:
    return sorted(str(row) for row in rows)


@pytest.mark.parametrize("query", SAFE)
@pytest.mark.parametrize("split", ["1d", "7h", "auto"])
def test_pieces_together_are_the_whole(face: Face, query: str, split: str) -> None:
    chance = random.Random(query + split)
    begin, end = ends()
    for api in ("graph", "xdr"):
        a = begin + chance.randrange(DAY)
        window = {"since": iso(a), "until": iso(end - chance.randrange(DAY)), "api": api}
        whole = face("hunt", query, **window, split="3650d")
        found = face("hunt", query, **window, split=split)
        assert len(whole) > 10
        assert as_texts(found) == as_texts(whole)
        assert found.api == api
        assert found.schema == whole.schema
        assert found.window == (window["since"], window["until"])


@pytest.mark.parametrize("api", ["graph", "xdr", "endpoint"])
def test_two_windows_that_meet_at_an_event_have_it_once(face: Face, api: str) -> None:
    begin, end = ends()
    query = "DeviceProcessEvents | project Timestamp, ReportId, DeviceId"
    whole = face("hunt", query, since=iso(begin), until=iso(end), api=api, split="3650d")
    for row in random.Random(api).sample(whole.rows, 3):
        before = face("hunt", query, since=iso(begin), until=row["Timestamp"], api=api, split="3650d")
        after = face("hunt", query, since=row["Timestamp"], until=iso(end), api=api, split="3650d")
        assert row in after
        assert row not in before
        assert as_texts([*before, *after]) == as_texts(whole)


def test_rows_past_the_services_limit_all_come(face: Face, sb: xdrkit.Sandbox) -> None:
    begin, end = ends()
    window = {"since": iso(begin), "until": iso(end)}
    count = face("hunt", "DeviceProcessEvents", **window, split="3650d")
    times = 120_000 // len(count) + 1
    query = (
        f"DeviceProcessEvents | mv-expand n = range(1, {times}) | project Timestamp, ReportId, DeviceId, n = tolong(n)"
    )
    with pytest.warns(TruncatedResultWarning):
        cut = face("hunt", query, **window)
    assert len(cut) == 100_000
    assert cut.truncated.reason == "rows"
    found = face("hunt", query, **window, split="auto")
    assert len(found) == len(count) * times
    assert found.truncated is None
    assert found.stats["pieces"] >= 2
    assert len({(r["Timestamp"], r["ReportId"], r["DeviceId"], r["n"]) for r in found}) == len(found)
    batches = face.all_of("hunt_iter", query, **window, split="auto", batch_rows=30_000)
    assert sum(len(one) for one in batches) == len(found)
    assert max(len(one) for one in batches) <= 30_000


def test_an_answer_that_is_too_large_is_asked_for_in_halves(face: Face, sb: xdrkit.Sandbox) -> None:
    begin, end = ends()
    window = {"since": iso(begin), "until": iso(end)}
    whole = face("hunt", SAFE[0], **window, split="3650d")
    body = {"error": {"code": "BadRequest", "message": TOO_LARGE}}
    sb.fault(operation="graph.hunting.run", status=400, body=body, times=3)
    asked = len(operations_of(sb))
    found = face("hunt", SAFE[0], **window, split="auto")
    assert as_texts(found) == as_texts(whole)
    # The whole and both halves were too large.
    assert len(operations_of(sb)) - asked == 1 + 2 + 4


def test_what_stays_away_is_named(face: Face, sb: xdrkit.Sandbox) -> None:
    begin, end = ends()
    sb.fault(
        operation="graph.hunting.run", status=400, body={"error": {"code": "BadRequest", "message": TOO_LARGE}}, times=1
    )
    with pytest.raises(PartialResultError) as caught:
        face("hunt", SAFE[0], since=iso(begin), until=iso(end), split="5d", floor="5d", concurrency=1)
    error = caught.value
    assert len(error.missing) == 1
    assert error.missing[0][0] == iso(begin)
    assert isinstance(error.errors[0], QueryError)
    rest = face("hunt", SAFE[0], since=error.missing[0][1], until=iso(end), split="5d")
    assert error.partial is not None
    assert as_texts(error.partial) == as_texts(rest)


def test_a_file_of_a_result_in_pieces_knows_what_is_in_it(face: Face, sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    begin, end = ends()
    window = (iso(begin), iso(end))
    sb.fault(
        operation="graph.hunting.run", status=400, body={"error": {"code": "BadRequest", "message": TOO_LARGE}}, times=1
    )
    options = {"split": "5d", "floor": "5d", "concurrency": 1, "on_error": "collect"}
    with pytest.warns(xdrkit.PartialResultWarning):
        found = face("hunt", SAFE[0], since=window[0], until=window[1], **options)
    found.write_parquet(tmp_path / "found.parquet")
    again = HuntResult(_core.read_parquet(str(tmp_path / "found.parquet")))
    assert again == found
    assert again.window == found.window == window
    assert again.kql == found.kql == SAFE[0]
    assert again.missing == found.missing != []
    assert again.request_ids == found.request_ids
    assert again.stats["requests"] == found.stats["requests"] > 1


def test_rows_of_one_key_stay_together_when_split_by_it(face: Face) -> None:
    begin, end = ends()
    window = {"since": iso(begin), "until": iso(end)}
    query = "DeviceProcessEvents | summarize n = count(), files = dcount(FileName) by DeviceId"
    whole = face("hunt", query, **window)
    found = face("hunt", query, **window, split=3, split_by="DeviceId")
    assert as_texts(found) == as_texts(whole)
    with pytest.raises(InvalidArgumentError, match="NoSuchColumn"):
        face("hunt", query, **window, split=3, split_by="NoSuchColumn")


@pytest.mark.parametrize(
    "query",
    [
        "DeviceProcessEvents | count",
        "DeviceProcessEvents | distinct DeviceName, FileName",
        "DeviceProcessEvents | summarize n = count(), first = min(Timestamp), last = max(Timestamp) by DeviceName",
    ],
)
def test_an_exact_merge_is_the_whole(face: Face, query: str) -> None:
    begin, end = ends()
    window = {"since": iso(begin), "until": iso(end)}
    with pytest.raises(InvalidArgumentError, match="merge=True"):
        face("hunt", query, **window, split="1d")
    assert as_texts(face("hunt", query, **window, split="1d", merge=True)) == as_texts(face("hunt", query, **window))


def test_a_merge_of_ones_own_runs_here(face: Face, sb: xdrkit.Sandbox) -> None:
    begin, end = ends()
    found = face(
        "hunt", SAFE[0], since=iso(begin), until=iso(end), split="1d", merge="| summarize n = count() by DeviceName"
    )
    whole = face("hunt", SAFE[0], since=iso(begin), until=iso(end), split="3650d")
    assert {row["DeviceName"]: row["n"] for row in found} == {
        name: sum(1 for row in whole if row["DeviceName"] == name) for name in {row["DeviceName"] for row in whole}
    }
    assert found.stats["pieces"] >= 10


def test_a_sorted_query_is_sorted_as_a_whole(face: Face) -> None:
    begin, end = ends()
    query = "DeviceProcessEvents | project Timestamp, DeviceName, ReportId | sort by DeviceName asc, Timestamp desc, ReportId asc"
    window = {"since": iso(begin), "until": iso(end)}
    assert face("hunt", query, **window, split="1d").rows == face("hunt", query, **window, split="3650d").rows


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("DeviceEvents\n| top 5 by Timestamp", ["top (line 2, column 3)"]),
        ("DeviceEvents | summarize avg(ProcessId) by DeviceName", ["summarize (line 1, column 16)"]),
        ("DeviceEvents | where DeviceId in (DeviceInfo | project DeviceId)", ["line 1"]),
        ("DeviceEvents | join kind=inner DeviceInfo on DeviceId", ["join (line 1, column 16)"]),
        ("DeviceTvmSoftwareInventory", ["no table that a window limits"]),
        ("union DeviceEvents, DeviceTvmSoftwareInventory", []),
        ("union DeviceEvents, (print DeviceId = 'x')", []),
        ("union DeviceEvents, (datatable(DeviceId:string)['x'])", []),
        ("union DeviceEvents, Mine_CL", []),
        ("union Device*", []),
        ("search 'x'", []),
        ("print 1", []),
        ("DeviceEvents | where x == 'unfinished", []),
    ],
)
def test_what_would_mean_something_else_is_refused(
    face: Face, sb: xdrkit.Sandbox, query: str, words: list[str]
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        face("hunt", query, since="10d", split="1d")
    assert caught.value.argument == "split"
    assert all(word in str(caught.value) for word in words)
    assert operations_of(sb) == []


def test_a_stream_of_one_call_gives_all_rows_in_batches(face: Face, sb: xdrkit.Sandbox) -> None:
    whole = face("hunt", SAFE[0], since="10d", until="2h")
    sb.reset()
    batches = face.all_of("hunt_iter", SAFE[0], since="10d", until="2h", batch_rows=7)
    assert [row for one in batches for row in one] == whole.rows
    assert {len(one) for one in batches[:-1]} == {7}
    assert operations_of(sb) == ["graph.hunting.run"]


def test_a_stream_that_is_closed_early_asks_no_more(face: Face, sb: xdrkit.Sandbox) -> None:
    options = {"since": "10d", "until": "2h", "split": "1h", "batch_rows": 1, "concurrency": 2}
    if face.loop is None:
        stream = face.client.hunt_iter(SAFE[0], **options)
        next(stream)
        stream.close()
    else:

        async def main() -> None:
            stream = face.client.hunt_iter(SAFE[0], **options)
            await stream.__anext__()
            await stream.aclose()

        face.loop.run_until_complete(main())
    assert len(operations_of(sb)) < 60


@pytest.mark.parametrize("batch_rows", [0, -1, True, "x", None])
def test_a_batch_has_a_row_at_least(face: Face, batch_rows: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="batch_rows"):
        face.all_of("hunt_iter", SAFE[0], batch_rows=batch_rows)


def test_a_cancelled_hunt_sends_nothing_more(sb: xdrkit.Sandbox) -> None:
    async def main() -> int:
        async with sb.async_client() as client:
            task = asyncio.ensure_future(client.hunt(SAFE[0], since="20d", until="2h", split="1h", concurrency=2))
            while len(operations_of(sb)) < 2:
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(operations_of(sb))

    sent = asyncio.run(main())
    assert sent < 100
    assert len(operations_of(sb)) <= sent + 2


def test_parameters_and_a_place_around_a_moment_go_with_pieces(face: Face) -> None:
    begin, end = ends()
    centre = iso((begin + end) // 2)
    query = "DeviceProcessEvents | where DeviceName == host | project Timestamp, DeviceName"
    window = {"around": centre, "window": ("4d", "4d")}
    host = face("hunt", "DeviceProcessEvents | take 1", **window)[0]["DeviceName"]
    options = {**window, "params": {"host": host}}
    found = face("hunt", query, **options, split="1d")
    assert as_texts(found) == as_texts(face("hunt", query, **options))
    assert len(found) > 0
