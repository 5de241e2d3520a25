"""Hunts of several requests: split, stitched, streamed, many at once, from a cache. Flows, so that both clients have the same."""

from __future__ import annotations

from . import _core
from ._flow import Ask, Emit, Step, Work, sleep
from ._gather import Gather, Tally
from ._hunted import HuntResult, Truncation
from ._stitched import HuntPlan, StitchedResult, about
from .errors import (
    DeadlineExceededError,
    InvalidArgumentError,
    LegacyHuntingWarning,
    PartialResultError,
    PartialResultWarning,
    ThrottledError,
    TruncatedResultWarning,
    XdrError,
)

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType
    from typing import Any

    from ._asked import Asked
    from ._flow import Flow, Stream
    from ._gather import Slot

# Pieces that go out together are several times those that run at a time, so that a slow one holds up fewer others.
_AHEAD = 4
# An hour: the longest of the service's quotas but for that of a day.
_LONGEST = 3600.0


def hunt(core: _core.Client, asked: Asked) -> Flow[HuntResult]:
    """One hunt, in pieces if that was asked for."""
    began = core.now()
    if asked.pieces is None:
        table, is_cached = yield from _one(core, asked)
        result = HuntResult(table, parse_dates=asked.parse_dates)
        if is_cached:
            result = _from_cache(core, asked, table, began)
        _warn(result)
        return result
    gather = Gather(asked.pieces, asked.floor)
    ends = _ends(core, asked)
    many = asked.concurrency
    while batch := gather.next(many):
        if ends is not None and core.now() >= ends:
            gather.give_up(_late(asked))
            break
        yield from _fetch(core, asked, gather, batch, ends)
        # A deadline counts from the start of each, so none may wait for others.
        many = asked.concurrency if ends is not None else asked.concurrency * _AHEAD
        if asked.progress is not None:
            yield Ask(asked.progress, len(gather.done), len(gather.slots), gather.rows)
    return (yield from _stitch(core, asked, gather, began))


def stream(core: _core.Client, asked: Asked, batch_rows: Any) -> Stream[HuntResult]:
    """The rows of a hunt in batches, as they come."""
    if isinstance(batch_rows, bool) or not isinstance(batch_rows, int) or batch_rows < 1:
        raise InvalidArgumentError(f"batch_rows: a number from 1 on, not {batch_rows!r}", argument="batch_rows")
    return (_stream_whole if asked.pieces is None else _stream_pieces)(core, asked, batch_rows)


def plan(core: _core.Client, asked: Asked) -> HuntPlan:
    """What a hunt would ask for."""
    windows = [asked.when.window] if asked.pieces is None else [piece.window for piece in asked.pieces]
    service = "graph" if asked.api == "auto" else asked.api
    return HuntPlan(windows, core.quota_plan(service, len(windows)))


# One request


def _one(core: _core.Client, asked: Asked) -> Flow[tuple[Any, bool]]:
    """The table of a hunt that is not split, and whether it came from the cache."""
    if asked.cache is None:
        return (yield Step("hunt", asked.query, asked.options())), False
    key = yield from _key(core, asked, None)
    found = None if key is None else (yield Work(asked.cache._get, key, core.now()))
    if found is not None:
        return found, True
    table = yield Step("hunt", asked.query, asked.options())
    if key is not None and HuntResult(table).truncated is None:
        yield Work(asked.cache._put, key, table, core.now())
    return table, False


def _from_cache(core: _core.Client, asked: Asked, table: Any, began: float) -> HuntResult:
    facts = _facts(core, asked, Tally(), began)
    facts["stats"] = {**facts["stats"], "pieces": 1, "cached": 1}
    facts.update(api=table.api, request_ids=table.request_ids, window=table.window)
    return StitchedResult(table, facts, parse_dates=asked.parse_dates)


def _key(core: _core.Client, asked: Asked, slot: Slot | None) -> Flow[Any]:
    """Under what a cache keeps the answer; None if it must not."""
    assert asked.cache is not None
    if asked.who is None:
        asked.who = (yield from asked.cache._identity(core, asked.api)) or ""
    return asked.cache._key(asked.who, asked, None if slot is None else slot.piece, core.now()) if asked.who else None


# Pieces


def _fetch(core: _core.Client, asked: Asked, gather: Gather, batch: list[Slot], ends: float | None) -> Flow[None]:
    """Asks for some pieces at once and takes in what came of each."""
    keys: dict[int, Any] = {}
    if asked.cache is not None:
        rest = []
        for slot in batch:
            keys[id(slot)] = key = yield from _key(core, asked, slot)
            found = None if key is None else (yield Work(asked.cache._get, key, core.now()))
            if found is None:
                rest.append(slot)
                continue
            slot.table = found
            gather.tally.cached += 1
            gather.rows += len(found)
        batch = rest
    if not batch:
        return
    more = {} if ends is None else {"deadline": max(ends - core.now(), 0.001)}
    queries = [(asked.query, {**asked.options(slot.piece), **more}) for slot in batch]
    try:
        outcomes = yield Step("hunt_many", queries, asked.concurrency)
    except XdrError as error:
        outcomes = [error] * len(batch)
    for slot, outcome in zip(batch, outcomes):
        if isinstance(outcome, DeadlineExceededError) and ends is not None and core.now() >= ends:
            gather.tally.failed(outcome)
            gather.give_up(_late(asked))
            slot.error = outcome
            continue
        truncated = None if isinstance(outcome, BaseException) else HuntResult(outcome).truncated
        gather.settle(slot, outcome, truncated)
        key = keys.get(id(slot))
        if key is not None and asked.cache is not None and slot.table is not None and slot.cut is None:
            yield Work(asked.cache._put, key, slot.table, core.now())
    pause = _pause(batch, outcomes)
    if pause and (ends is None or core.now() + pause < ends):
        gather.tally.waited += pause
        yield sleep(pause)


def _pause(batch: list[Slot], outcomes: list[Any]) -> float:
    """Seconds until the service lets those through again that it refused for its quotas."""
    waits = (one.retry_after for slot, one in zip(batch, outcomes) if slot.is_open and isinstance(one, ThrottledError))
    return min(max((wait or 0.0 for wait in waits), default=0.0), _LONGEST)


def _stitch(core: _core.Client, asked: Asked, gather: Gather, began: float) -> Flow[HuntResult]:
    """One result of what the pieces found, or the error that says which did not."""
    done, missing = gather.done, gather.missing
    if not done:
        raise gather.error_of(missing[0])
    tables = [slot.table for slot in done]
    table = tables[0] if len(tables) == 1 else (yield Work(_core.concat, tables))
    facts = _facts(core, asked, gather.tally, began)
    facts.update(
        api=tables[0].api,
        stats=gather.tally.stats(len(done)),
        truncated=_cut(done),
        missing=[_named(slot) for slot in missing],
    )
    if asked.then is not None:
        table = yield Work(_core.kql_run, f"Result | {asked.then}", {"Result": table})
    facts["elapsed"] = core.now() - began
    result = StitchedResult(_core.stitched(table, about(facts)), facts, parse_dates=asked.parse_dates)
    if missing:
        errors = [gather.error_of(slot) for slot in missing]
        if asked.on_error == "raise":
            raise _partial(gather, result, facts["missing"], errors)
        warn(f"{_count(missing)} missing from the result: {_brief(errors[0])}", PartialResultWarning)
    _warn(result)
    return result


def _partial(
    gather: Gather, result: HuntResult | None, missing: list[Any], errors: list[XdrError]
) -> PartialResultError:
    count = f"{len(missing)} of {len(gather.slots)} windows could not be read"
    return PartialResultError(
        f"{count}, such as {_shown(missing[0])}: {_brief(errors[0])}",
        partial=result,
        missing=missing,
        errors=errors,
        retryable=all(error.retryable for error in errors),
        hint='`partial` has what is complete, `missing` the windows without; on_error="collect" gives the rows with a warning',
    )


def _facts(core: _core.Client, asked: Asked, tally: Tally, began: float) -> dict[str, Any]:
    return {
        "api": asked.api,
        "kql": asked.query,
        "elapsed": core.now() - began,
        "request_ids": tally.request_ids,
        "stats": tally.stats(0),
        "truncated": None,
        "window": asked.when.window,
        "missing": [],
    }


def _cut(done: list[Slot]) -> Any:
    """Why rows are missing from pieces at the floor, with their windows."""
    cut = [slot for slot in done if slot.cut is not None]
    if not cut:
        return None
    where = ", ".join(str(slot.piece) for slot in cut[:3]) + (f" and {len(cut) - 3} more" if len(cut) > 3 else "")
    reason = getattr(cut[0].cut, "reason", "rows")
    return Truncation(f"{cut[0].cut}, in pieces that are as small as `floor` allows: {where}", reason)


def _named(slot: Slot) -> Any:
    return slot.piece.window if slot.piece.part is None else str(slot.piece)


def _shown(missing: Any) -> str:
    return missing if isinstance(missing, str) else f"[{missing[0]}, {missing[1]})"


def _count(missing: list[Slot]) -> str:
    return "1 window is" if len(missing) == 1 else f"{len(missing)} windows are"


def _brief(error: XdrError) -> str:
    return f"{type(error).__name__}: {error.message}"


def _ends(core: _core.Client, asked: Asked) -> float | None:
    return None if asked.deadline is None else core.now() + asked.deadline


def _late(asked: Asked) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"the deadline of {asked.deadline:g} s passed before all windows were read", retryable=True
    )


# Streams


def _stream_whole(core: _core.Client, asked: Asked, batch_rows: int) -> Stream[HuntResult]:
    source = core.hunt_stream(asked.query, asked.options(), batch_rows)
    given = 0
    while True:
        try:
            table = yield Step("next", target=source)
        except XdrError as error:
            if not given:
                raise
            raise PartialResultError(
                f"the answer broke off after {given:,} rows: {_brief(error)}",
                errors=[error],
                missing=[asked.when.window],
                retryable=error.retryable,
                hint="the rows come in no order that another request could go on from; with split= it could",
            ) from error
        if table is None:
            return
        _warn(HuntResult(table), legacy=not given)
        # The last tells about the whole hunt, and may have no rows.
        for result in _batches(asked, table, batch_rows):
            given += len(result)
            yield Emit(result)


def _stream_pieces(core: _core.Client, asked: Asked, batch_rows: int) -> Stream[HuntResult]:
    assert asked.pieces is not None
    gather = Gather(asked.pieces, asked.floor)
    ends = _ends(core, asked)
    done = given = 0
    is_first = True
    while gather.slots:
        held = sum(1 for slot in gather.slots if slot.table is not None)
        batch = gather.next(max(asked.concurrency - held, 1), in_order=True)
        if ends is not None and core.now() >= ends and batch:
            gather.give_up(_late(asked))
            batch = []
        if batch:
            yield from _fetch(core, asked, gather, batch, ends)
        while gather.slots and gather.slots[0].table is not None:
            slot = gather.slots.pop(0)
            done += 1
            if slot.cut is not None:
                warn(f"rows are missing from {slot.piece}: {slot.cut}", TruncatedResultWarning)
            for result in _batches(asked, slot.table, batch_rows):
                _warn(result, legacy=is_first, truncated=False)
                is_first = False
                given += len(result)
                yield Emit(result)
            if asked.progress is not None:
                yield Ask(asked.progress, done, done + len(gather.slots), given)
        if gather.slots and (gather.fatal is not None or not gather.slots[0].is_open):
            raise _stuck(gather, given)


def _batches(asked: Asked, table: Any, batch_rows: int) -> Iterator[HuntResult]:
    """A table as results of so many rows at most; one without rows gives none."""
    for start in range(0, len(table), batch_rows):
        part = table if len(table) <= batch_rows else table.slice(start, min(start + batch_rows, len(table)))
        yield HuntResult(part, parse_dates=asked.parse_dates)


def _stuck(gather: Gather, given: int) -> XdrError:
    """The error of a stream that cannot go on."""
    slot = gather.slots[0]
    error = gather.error_of(slot)
    if not given:
        return error
    by_time = slot.piece.part is None
    return PartialResultError(
        f"after {given:,} rows no more could be read, from {_shown(_named(slot))} on: {_brief(error)}",
        missing=[_named(one) for one in gather.slots],
        errors=[error],
        resume=slot.piece.window[0] if by_time else None,
        retryable=error.retryable,
        hint="all rows before `resume` were given: go on with since=error.resume" if by_time else None,
    )


# Warnings


def _warn(result: HuntResult, *, legacy: bool = True, truncated: bool = True) -> None:
    if truncated and result.truncated is not None:
        warn(f"the result was cut: {result.truncated}. Narrow the query or its window.", TruncatedResultWarning)
    if legacy and (text := result._legacy()) is not None:
        warn(text, LegacyHuntingWarning)


def warn(text: str, category: type[Warning]) -> None:
    """Warns at the line outside this package that made the call."""
    import sys
    import warnings

    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "xdrkit":
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
