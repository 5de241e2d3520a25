"""Watching a list: what is new or changed in it, each once, across restarts.

The service has no events, only a list that can be asked for "changed since". Three things make that lossless. A pass
asks from the last moment *inclusive*, less an overlap, since items share moments and some show up late. What was handed
over within the overlap is remembered, so that it does not come twice. And an item counts as handed over when the next one
is asked for: then the caller's work on it is done, and not before.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _bookmark
from ._expand import opened
from ._flow import Ask, Emit, Step, next_page, sleep
from ._time import iso, ticks
from .errors import (
    AuthenticationError,
    BadResponseError,
    ConnectError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidArgumentError,
    ServiceError,
    ThrottledError,
    XdrError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._flow import Flow, Stream
    from ._resources import Resource

_SECOND = 10_000_000
_DAY = 86_400 * _SECOND
# So many items are handed over at most between two times that the bookmark is written.
_EVERY = 50
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 300.0
_PASSING = (ThrottledError, ServiceError, ConnectError, ConnectionLostError, DeadlineExceededError, BadResponseError)


class Source(NamedTuple):
    """A list that can be watched."""

    operation: str
    service: str
    id: str
    changed: str
    created: str


ALERTS = Source("alerts.list", "endpoint", "id", "lastUpdateTime", "alertCreationTime")
INCIDENTS = Source("incidents.list", "xdr", "incidentId", "lastUpdateTime", "createdTime")
GRAPH_ALERTS = Source("graph.alerts.list", "graph", "id", "lastUpdateDateTime", "createdDateTime")
GRAPH_INCIDENTS = Source("graph.incidents.list", "graph", "id", "lastUpdateDateTime", "createdDateTime")


def watch(
    client: Resource,
    source: Source,
    *,
    since: Any,
    filter: Any,
    bookmark: Any,
    poll: Any,
    overlap: Any,
    updates: bool,
    once: bool,
    limit: Any,
    expand: Any = None,
) -> Stream[Any]:
    """The shared body of every ``watch()``."""
    every, back = _seconds("poll", poll), round(_seconds("overlap", overlap) * _SECOND)
    if every <= 0:
        raise InvalidArgumentError("poll: must be more than nothing", argument="poll")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InvalidArgumentError(f"limit: {limit!r} is no number of items", argument="limit")
    store = _bookmark.opened(bookmark)
    condition = None if filter is None else str(filter)
    start = _start(since, back, _now(client))
    when = source.changed if updates else source.created

    def cursor(first: int, end: int | None) -> Any:
        window = f"{when} ge {iso(first)}" + ("" if end is None else f" and {when} lt {iso(end)}")
        text = window if condition is None else f"({condition}) and {window}"
        expanded = {} if expand is None else {"expand": expand}
        return opened(client._core, source.operation, {"filter": text, **expanded}, {})

    # Wrong arguments are told at once.
    cursor(start, None)
    marks = _Marks(source, when)
    saver: _Saver | None = None
    left: int | None = limit
    failures = 0
    try:
        while True:
            try:
                if saver is None:
                    this = {"operation": source.operation, "filter": condition, "updates": updates}
                    if store is not None:
                        this["tenant"] = yield from _tenant(client, source)
                    saver = _Saver(store, (yield from _begun(store, this, start)), back)
                progress = saver.progress
                for first, end in _windows(progress.after(back), _now(client)):
                    items = yield from _read(cursor(first, end))
                    for at, mark, item in marks.new(items, first, progress):
                        yield Emit(item)
                        progress.handed_over(mark, at, _now(client))
                        saver.pending += 1
                        left = None if left is None else left - 1
                        if left == 0:
                            yield from saver.save()
                            return
                        if saver.pending >= _EVERY:
                            yield from saver.save()
                yield from saver.save()
                failures = 0
            except XdrError as error:
                if once or not _may_pass(error):
                    raise
                wait = max(error.retry_after or 0.0, min(_FIRST_WAIT * 2**failures, max(every, _LONGEST_WAIT)))
                failures = min(failures + 1, 10)
                _tell(source.operation, error, wait)
                yield sleep(wait)
                continue
            if once:
                return
            yield sleep(every)
    finally:
        if saver is not None:
            saver.save_now()


def _begun(store: Any, this: dict[str, Any], start: int) -> Flow[_bookmark.Progress]:
    text = None if store is None else (yield Ask(store.load))
    if text is None:
        return _bookmark.Progress(this, start)
    return _bookmark.read(text, this, str(store) if isinstance(store, _bookmark.File) else "the bookmark")


def _tenant(client: Resource, source: Source) -> Flow[str | None]:
    """The tenant's id; a client may know only one of its domains, or nothing but a token."""
    import re

    known = client._core.tenant_id
    if known and re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", known):
        return known.lower()
    identity = yield Step("whoami", source.service)
    return identity.get("tenant_id") or known


def _read(cursor: Any) -> Flow[list[Any]]:
    items: list[Any] = []
    while (page := (yield next_page(cursor))) is not None:
        items += page
    return items


def _windows(first: int, now: int) -> Iterator[tuple[int, int | None]]:
    """A day at a time, so that no more than a day's items are held; the last window is open, for clocks differ."""
    while first + 2 * _DAY < now:
        yield first, first + _DAY
        first += _DAY
    yield first, None


class _Marks:
    """What tells two states of an item apart."""

    def __init__(self, source: Source, when: str) -> None:
        self.source = source
        self.when = when

    def new(self, items: list[Any], first: int, progress: _bookmark.Progress) -> list[tuple[int, str, Any]]:
        """What was not handed over yet, the oldest first."""
        found: dict[str, tuple[int, str, Any]] = {}
        for item in items:
            at = self._moment(item, first)
            mark = self._mark(item)
            if mark not in progress.seen:
                found[mark] = (at, mark, item)
        return sorted(found.values(), key=lambda one: one[0])

    def _moment(self, item: dict[str, Any], first: int) -> int:
        try:
            return ticks(self.when, item[self.when], datetime.now(timezone.utc))
        except (KeyError, InvalidArgumentError):
            # It was found from `first` on; more is not known.
            return first

    def _mark(self, item: dict[str, Any]) -> str:
        from hashlib import blake2b

        text = f"{item.get(self.source.id)}\n{item.get(self.when)}"
        return blake2b(text.encode(), digest_size=12).hexdigest()


class _Saver:
    """Writes the bookmark when there is something to write."""

    def __init__(self, store: Any, progress: _bookmark.Progress, back: int) -> None:
        self.store = store
        self.progress = progress
        self.back = back
        self.pending = 0
        self.is_new = True

    def save(self) -> Flow[None]:
        self.progress.forget(self.back)
        if self.store is not None and (self.pending or self.is_new):
            yield Ask(self.store.save, self.progress.text())
        self.pending, self.is_new = 0, False

    def save_now(self) -> None:
        """At the end, when nothing can be waited for any more: a store of coroutines is not asked; what it lacks comes again."""
        from inspect import iscoroutinefunction

        if self.store is not None and self.pending and not iscoroutinefunction(self.store.save):
            self.progress.forget(self.back)
            self.store.save(self.progress.text())
            self.pending = 0


def _may_pass(error: XdrError) -> bool:
    return isinstance(error, _PASSING) or (isinstance(error, AuthenticationError) and error.retryable)


def _tell(operation: str, error: XdrError, wait: float) -> None:
    import logging

    logging.getLogger("xdrkit").warning(
        "%s: %s: %s; the watch goes on in %.0f s", operation, type(error).__name__, error.message, wait
    )


def _start(since: Any, back: int, now: int) -> int:
    if since is None:
        return now - back
    at = ticks("since", since, _EPOCH + timedelta(microseconds=now // 10))
    if at > now:
        raise InvalidArgumentError(f"since: {iso(at)} has not come yet", argument="since")
    return at


_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)


def _now(client: Resource) -> int:
    """The client's clock in ticks."""
    core: Any = client._core
    now = datetime.fromtimestamp(core.now(), timezone.utc)
    return ticks("now", now, now)


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, str):
        import re

        found = re.fullmatch(r"(\d{1,9})\s*([smhdw])", value.strip())
        if found:
            value = int(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}[found[2]]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise InvalidArgumentError(
            f"{name}: {value!r} is no time span", argument=name, hint='give seconds, a timedelta, or text such as "5m"'
        )
    return float(value)
