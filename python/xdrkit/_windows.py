"""When to hunt: `since`, `until`, `around`, `window` and `timespan` as one half-open window [begin, end) of 100 ns ticks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ._time import ends, in_range, iso, span, ticks
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

SECOND = 10_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_HOW = 'give a duration such as "30m", "6h", "1d", or a timedelta'


class When:
    """A window, and whether another call with the same arguments means the same window."""

    __slots__ = ("begin", "end", "fixed", "said", "timespan")

    def __init__(self, begin: int | None, end: int | None, timespan: str | None, said: str, *, fixed: bool) -> None:
        self.begin = begin
        self.end = end
        self.timespan = timespan
        # How it was asked for, where that is relative to now.
        self.said = said
        self.fixed = fixed

    @property
    def window(self) -> tuple[str | None, str | None]:
        """Its ends as text."""
        return (None if self.begin is None else iso(self.begin), None if self.end is None else iso(self.end))

    def options(self) -> dict[str, Any]:
        """In the form that Rust takes."""
        shown = dict(zip(("since", "until", "timespan"), (*self.window, self.timespan)))
        return {name: value for name, value in shown.items() if value is not None}


def when(
    *,
    since: Any = None,
    until: Any = None,
    around: Any = None,
    window: Any = None,
    timespan: Any = None,
    now: datetime | None = None,
) -> When:
    """The window of a hunt, checked.

    Raises:
        InvalidArgumentError: a moment is naive or no time, arguments exclude each other, or the window is empty.
    """
    now = now or datetime.now(timezone.utc)
    if around is not None or window is not None:
        return _around(around, window, {"since": since, "until": until, "timespan": timespan}, now)
    if timespan is not None:
        for name, other in (("since", since), ("until", until)):
            if other is not None:
                raise InvalidArgumentError(f"timespan: goes alone: leave {name} out, or timespan", argument="timespan")
        text = span(timespan)
        return When(None, None, text, f"timespan {text}", fixed=False)
    begin, end = ends(since, until, now)
    fixed = _fixed(since) and _fixed(until)
    said = f"since {_said(since, begin)} until {_said(until, end)}"
    return When(begin, end, None, said, fixed=fixed)


def _around(around: Any, window: Any, others: dict[str, Any], now: datetime) -> When:
    for name, other in others.items():
        if other is not None:
            raise InvalidArgumentError(
                f"around: goes with window alone: leave {name} out, or around and window", argument="around"
            )
    if around is None:
        raise InvalidArgumentError("window: says how far to look around a moment: give around=", argument="window")
    if window is None:
        raise InvalidArgumentError(
            'around: how far? Give window="30m" for half an hour to either side, or window=("1h", "10m") for before and after',
            argument="around",
        )
    if isinstance(window, (tuple, list)):
        if len(window) != 2:
            raise InvalidArgumentError("window: is one duration, or two: before and after", argument="window")
        before, after = (duration("window", one, zero=True) for one in window)
        if before + after == 0:
            raise InvalidArgumentError("window: must be longer than nothing", argument="window")
    else:
        before = after = duration("window", window)
    centre = ticks("around", around, now)
    begin, end = centre - before, centre + after
    in_range("window", begin)
    in_range("window", end)
    said = f"around {_said(around, centre)} -{before} +{after}"
    return When(begin, end, None, said, fixed=_fixed(around))


def duration(name: str, value: Any, *, zero: bool = False) -> int:
    """Ticks of a duration: text such as "30m", or a timedelta."""
    if isinstance(value, timedelta):
        count = ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 10
    elif isinstance(value, str):
        import re

        found = re.fullmatch(r"\s*(\d{1,9})\s*([smhdw])\s*", value, re.ASCII)
        if not found:
            raise InvalidArgumentError(f"{name}: {value[:40]!r} is no duration", argument=name, hint=_HOW)
        count = int(found[1]) * _UNITS[found[2]]
    else:
        raise InvalidArgumentError(f"{name}: {repr(value)[:40]} is no duration", argument=name, hint=_HOW)
    if count < 0 or (count == 0 and not zero):
        raise InvalidArgumentError(f"{name}: must be longer than nothing", argument=name)
    return count


def shown(count: int) -> str:
    """A duration for people: "1d", "90m", "2.5s"."""
    for unit, size in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if count % size == 0:
            return f"{count // size}{unit}"
    return f"{count / SECOND:.7f}".rstrip("0") + "s"


def _fixed(moment: Any) -> bool:
    """Whether it is the same moment tomorrow."""
    if moment is None or isinstance(moment, timedelta):
        return False
    return not isinstance(moment, str) or (moment[:4].isdigit() and "-" in moment)


def _said(moment: Any, resolved: int | None) -> str:
    if resolved is None:
        return "open"
    if _fixed(moment):
        return iso(resolved)
    return f"{abs(moment)} ago" if isinstance(moment, timedelta) else str(moment).strip().lower().lstrip("-")
