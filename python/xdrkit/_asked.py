"""What a hunt is asked for: its arguments, checked before anything is sent, and what a split makes of its query."""

from __future__ import annotations

from . import _core
from ._params import written
from ._resources import given, seconds
from ._split import Piece, check_parts, parts, windows
from ._time import iso
from ._windows import duration, when
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._cache import HuntCache
    from ._windows import When

# What a hash partition by a key may be asked for: its meaning is within the rows of one key.
_KEYED = ("summarize", "distinct", "join", "lookup", "make-series", "partition", "scan", "in", "top-nested", "mv-apply")
_MODES = ("raise", "collect")
_BY_HASH = 'split_by="DeviceId", split=4 splits by a column instead, and keeps the rows of each device together'


class Asked:
    """One hunt."""

    __slots__ = (
        "api",
        "cache",
        "concurrency",
        "deadline",
        "floor",
        "on_error",
        "parse_dates",
        "pieces",
        "progress",
        "query",
        "shift",
        "then",
        "timeout",
        "when",
        "who",
    )

    def __init__(self, query: str, when: When) -> None:
        self.query = query
        self.when = when
        # How much of the first line are parameters.
        self.shift = 0
        self.api: str = "auto"
        self.timeout: Any = None
        self.deadline: Any = None
        self.parse_dates = False
        # None: not split.
        self.pieces: list[Piece] | None = None
        # KQL that makes the answer of what the pieces found.
        self.then: str | None = None
        self.floor = 0
        self.on_error = "raise"
        self.concurrency = 3
        self.progress: Callable[..., Any] | None = None
        self.cache: HuntCache | None = None
        # For the cache, who asks; empty where that is not known.
        self.who: str | None = None

    def options(self, piece: Piece | None = None) -> dict[str, Any]:
        """In the form that Rust takes: of one piece, or of the whole."""
        chosen = self.when.options() if piece is None else piece.options()
        return {**chosen, **given(api=self.api, timeout=self.timeout, deadline=self.deadline)}


def ask(
    query: str,
    *,
    since: Any = None,
    until: Any = None,
    around: Any = None,
    window: Any = None,
    timespan: Any = None,
    params: Any = None,
    split: Any = None,
    split_by: str | None = None,
    merge: Any = None,
    floor: Any = "1m",
    on_error: str = "raise",
    concurrency: int = 3,
    progress: Callable[..., Any] | None = None,
    cache: Any = None,
    api: str = "auto",
    timeout: Any = None,
    deadline: Any = None,
    parse_dates: bool = False,
    as_stream: bool = False,
) -> Asked:
    """The hunt that the arguments describe.

    Raises:
        InvalidArgumentError: an argument is wrong, or splitting would change what the query means.
    """
    asked = Asked(
        written(query, params), when(since=since, until=until, around=around, window=window, timespan=timespan)
    )
    asked.shift = len(asked.query) - len(query)
    asked.api, asked.timeout, asked.deadline, asked.parse_dates = api, timeout, deadline, parse_dates
    asked.on_error = _one_of("on_error", on_error, _MODES)
    asked.concurrency = check_concurrency(concurrency)
    asked.floor = duration("floor", floor)
    if progress is not None and not callable(progress):
        raise InvalidArgumentError("progress: must be a function of done, total and rows", argument="progress")
    asked.progress = progress
    if cache is not None and cache is not False:
        from ._cache import HuntCache

        asked.cache = cache if isinstance(cache, HuntCache) else HuntCache(cache)
    if split is None:
        for name, value in (("split_by", split_by), ("merge", merge)):
            if value is not None and value is not False:
                raise InvalidArgumentError(f"{name}: goes with split", argument=name)
        return asked
    asked.deadline = _seconds("deadline", deadline)
    asked.pieces = _pieces(asked, split, split_by)
    asked.then = _judged(asked, split_by, merge, as_stream)
    return asked


def check_concurrency(count: Any) -> int:
    """How many hunts may run at a time."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 32:
        raise InvalidArgumentError(f"concurrency: a number from 1 to 32, not {count!r}", argument="concurrency")
    return count


def _seconds(name: str, value: Any) -> float | None:
    """A number of seconds or a timedelta; Rust judges the rest."""
    value = seconds(value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise InvalidArgumentError(f"{name}: seconds, a number above 0 or a timedelta, not {value!r}", argument=name)
    return float(value)


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        words = " or ".join(f'"{word}"' for word in allowed)
        raise InvalidArgumentError(f"{name}: {value!r} is not allowed; it is {words}", argument=name, allowed=allowed)
    return value  # type: ignore[no-any-return]


def _pieces(asked: Asked, split: Any, split_by: Any) -> list[Piece]:
    """The pieces to begin with."""
    when_ = asked.when
    if when_.timespan is not None:
        raise InvalidArgumentError("timespan: a split needs since and until instead", argument="timespan")
    if when_.begin is not None and when_.end is None:
        # Fixed once, for all pieces.
        from datetime import datetime, timezone

        when_.end = when(until=datetime.now(timezone.utc)).end
        _not_empty(when_)
    if split_by is not None:
        if not isinstance(split_by, str) or not split_by:
            raise InvalidArgumentError("split_by: must be the name of a column", argument="split_by")
        if when_.begin is None and when_.end is not None:
            raise InvalidArgumentError("since: a split until then needs a beginning, too", argument="since")
        return parts(when_.begin, when_.end, split_by, 2 if split == "auto" else check_parts(split))
    if when_.begin is None or when_.end is None:
        raise InvalidArgumentError(
            'split: needs a window with a beginning: give since, such as since="30d"', argument="split"
        )
    if split == "auto":
        return [Piece(when_.begin, when_.end)]
    if isinstance(split, int):
        raise InvalidArgumentError(
            f'split: {split!r} is no duration; give "1d", a timedelta or "auto"',
            argument="split",
            hint="a number of parts goes with split_by, a column",
        )
    return windows(when_.begin, when_.end, duration("split", split))


def _not_empty(when_: When) -> None:
    if when_.begin is not None and when_.end is not None and when_.begin >= when_.end:
        raise InvalidArgumentError(f"since: {iso(when_.begin)} lies in the future", argument="since")


# What a split makes of the query


def _judged(asked: Asked, split_by: str | None, merge: Any, as_stream: bool) -> str | None:
    """KQL that makes the answer of the pieces' rows; None if they are only put one behind the other."""
    reads = _core.kql_reads(asked.query)
    is_unsafe = reads["verdict"] == "unsafe"
    if is_unsafe and not reads.get("operator") and split_by is None:
        # No merge mends that: the query cannot be read, or no window limits its rows.
        raise _refused(asked, reads, [_BY_HASH])
    if merge is True and not reads.get("merge"):
        raise InvalidArgumentError(
            "merge: no merge of this query is known that would be exact",
            argument="merge",
            hint='say how in KQL, which runs here on the rows of all pieces: merge="summarize n = sum(n) by DeviceName"',
        )
    if merge is not None and not isinstance(merge, (str, bool)):
        raise InvalidArgumentError('merge: must be KQL text, True, or "append"', argument="merge")
    if isinstance(merge, str) and not merge.strip():
        raise InvalidArgumentError("merge: is empty", argument="merge")
    if as_stream and merge not in (None, False, "append"):
        raise InvalidArgumentError(
            'merge: rows that are given out one by one are not merged; use hunt(), or merge="append"', argument="merge"
        )
    if merge == "append":
        return None
    if merge is True:
        return str(reads["merge"])
    if merge:
        return str(merge).strip().lstrip("|").strip()
    if reads["verdict"] == "ordered":
        if as_stream:
            raise InvalidArgumentError(
                "split: the query sorts all its rows, and a stream has only those of one piece at a time",
                argument="split",
                hint='leave the sorting away, use hunt(), or take each piece\'s own order with merge="append"',
            )
        return str(reads["order"])
    if is_unsafe and not (split_by is not None and _is_keyed(reads)):
        raise _refused(asked, reads, _ways(reads, split_by))
    return None


def _is_keyed(reads: dict[str, Any]) -> bool:
    operator = str(reads.get("operator") or "")
    return not operator or operator.split(" ")[0] in _KEYED


def _ways(reads: dict[str, Any], split_by: str | None) -> list[str]:
    ways = ['merge="<KQL>" makes one answer of all pieces\' rows, here']
    if reads.get("merge"):
        ways = [f"merge=True makes one answer of the pieces, here, by: {reads['merge']}"]
    if split_by is None and _is_keyed(reads):
        ways.append(_BY_HASH)
    return [*ways, 'merge="append" only puts the pieces one behind the other']


def _refused(asked: Asked, reads: dict[str, Any], ways: list[str]) -> InvalidArgumentError:
    line, column, operator = reads.get("line"), reads.get("column"), reads.get("operator")
    if line == 1 and column is not None:
        column = max(column - asked.shift, 1)
    what = str(reads.get("why"))
    if operator:
        what = f"{operator} (line {line}, column {column}) would mean something else in each piece: {what}"
    return InvalidArgumentError(
        f"split: {what}", argument="split", operator=operator, line=line, column=column, hint="; ".join(ways)
    )
