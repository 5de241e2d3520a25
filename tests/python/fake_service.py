"""A hunting service with limits, in memory: it answers windows and parts of known rows, and fails when it is told to.

It stands in the native client's place, so that splitting is tested against caps of any size without a hundred thousand rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from xdrkit import DeadlineExceededError, QueryError, ServiceError, XdrError, _core
from xdrkit._time import ticks
from xdrkit._windows import SECOND

from .conftest import FakeTable

NOW = 1_795_000_000.0
TOO_LARGE = "Query execution has exceeded the allowed result size. Optimize your query by limiting the number of results and try again"
PREEMPTED = "Query execution has exceeded the allowed limits. The query execution was preempted."


def at(text: str) -> int:
    """Ticks of a moment."""
    from datetime import datetime, timezone

    return ticks("at", text, datetime.now(timezone.utc))


class Rows(FakeTable):
    """A table that can be cut and put together."""

    def slice(self, start: int, stop: int) -> Rows:
        facts = {name: value for name, value in self.__dict__.items() if name not in ("schema", "data")}
        return Rows(self.schema, self.data[start:stop], **facts)


def concat(tables: list[Any]) -> Rows:
    """As the native one."""
    return Rows(tables[0].schema, [row for table in tables for row in table.data])


class Service:
    """Rows of (tick, id), a cap on rows, bytes (rows) and time (rows), and failures."""

    def __init__(
        self, rows: list[tuple[int, int]], *, rows_cap: int = 10**9, bytes_cap: int = 10**9, time_cap: int = 10**9
    ) -> None:
        self.all = sorted(rows)
        self.rows_cap, self.bytes_cap, self.time_cap = rows_cap, bytes_cap, time_cap
        # (options) -> an error, or None
        self.fails: Callable[[dict[str, Any]], XdrError | None] = lambda options: None
        self.asked: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self.time = NOW
        self.step = 0.0
        self.slept: list[float] = []

    def _answer(self, options: dict[str, Any]) -> Any:
        self.asked.append(options)
        self.time += self.step
        if (error := self.fails(options)) is not None:
            return error
        begin = at(options["since"]) if "since" in options else 0
        end = at(options["until"]) if "until" in options else 1 << 62
        _, n, i = options.get("part") or ("", 1, 0)
        found = [[tick, key] for tick, key in self.all if begin <= tick < end and key % n == i]
        if len(found) > self.time_cap:
            return QueryError(PREEMPTED, status=400, attempts=1)
        if len(found) > self.bytes_cap:
            return QueryError(TOO_LARGE, status=400, attempts=1)
        cut = len(found) > self.rows_cap
        # What a cap leaves is in no order.
        kept = random.Random(len(found)).sample(found, self.rows_cap) if cut else found
        return Rows(
            [("Tick", "Int64"), ("Key", "Int64")],
            kept,
            truncated=("the service's limit of rows", "rows") if cut else None,
            window=(options.get("since"), options.get("until")),
            stats={"requests": 1, "retries": 0, "bytes": len(kept), "waited": 0.0},
        )

    # What the native client has

    tenant_id = "tenant"

    @property
    def base_urls(self) -> dict[str, str]:
        return {}

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def quota_plan(self, service: str, calls: int) -> float:
        return max(0.0, calls - 45) * 60 / 45

    def hunt_many(self, queries: list[tuple[str, dict[str, Any]]], concurrency: int) -> list[Any]:
        self.batches.append(len(queries))
        return [self._answer(options) for _, options in queries]

    async def hunt_many_async(self, queries: list[tuple[str, dict[str, Any]]], concurrency: int) -> list[Any]:
        return self.hunt_many(queries, concurrency)

    def hunt(self, query: str, options: dict[str, Any]) -> Any:
        answer = self._answer(options)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def hunt_async(self, query: str, options: dict[str, Any]) -> Any:
        return self.hunt(query, options)


def patch(monkeypatch: Any, **reads: Any) -> None:
    """Stands in for the native functions on tables and queries."""
    said = {"tables": ["DeviceEvents"], "verdict": "safe", "operator": None, "merge": None, "order": None, **reads}
    monkeypatch.setattr(_core, "concat", concat, raising=False)
    monkeypatch.setattr(_core, "stitched", lambda table, about: table, raising=False)
    monkeypatch.setattr(_core, "kql_reads", lambda query: said, raising=False)


def outage(times: int = 10**9) -> Callable[[dict[str, Any]], XdrError | None]:
    """A service that fails so many times."""
    left = [times]

    def fails(options: dict[str, Any]) -> XdrError | None:
        left[0] -= 1
        return ServiceError("down", status=500, attempts=3, retryable=True) if left[0] >= 0 else None

    return fails


__all__ = ["NOW", "SECOND", "DeadlineExceededError", "Service", "at", "concat", "outage", "patch"]
