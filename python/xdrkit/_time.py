"""Time windows: what people write for a point in time, made into one UTC text before anything is sent.

A naive datetime means one thing on a laptop and another on a server, so it is refused. The service counts ticks of 100
ns, a Python datetime microseconds: texts keep all seven digits, because a window's end that is rounded down loses the
last event.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from typing import Any, Optional, Union

    Moment = Union[datetime, date, timedelta, str]
    Window = tuple[Optional[str], Optional[str]]

_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
_TICKS = 10_000_000
_LAST = (3_652_059 * 86_400) * _TICKS - 1
_TEXT = (
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,7})0*)?)?\s*([Zz]|[+-]\d{2}(?::?\d{2})?)?)?"
)
_AGO = r"-?\s*(\d{1,9})\s*([smhdw])"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_HOW = 'a time with its zone, such as "2026-05-01T00:00:00Z"; a date; or a while ago, such as "7d", "24h", "30m"'


def window(since: Moment | None, until: Moment | None, now: datetime | None = None) -> Window:
    """`since` and `until` as UTC texts, checked.

    Args:
        since: The first moment: aware datetime, date (its midnight, UTC), ISO 8601 text with a zone, text like
            ``"7d"``, or a timedelta ago.
        until: The first moment after the window, in the same forms.
        now: What "ago" counts from. Default: this computer's clock.

    Raises:
        InvalidArgumentError: a moment is naive, no time at all, or the window is reversed or empty.
    """
    begin, end = ends(since, until, now or datetime.now(timezone.utc))
    return (None if begin is None else iso(begin), None if end is None else iso(end))


def ends(since: Moment | None, until: Moment | None, now: datetime) -> tuple[int | None, int | None]:
    """`since` and `until` as ticks, checked; see `window`."""
    begin = None if since is None else ticks("since", since, now)
    end = None if until is None else ticks("until", until, now)
    if begin is not None and end is not None and begin >= end:
        raise InvalidArgumentError(
            f"since: {iso(begin)} is not before until, {iso(end)}",
            argument="since",
            hint="swap them" if begin > end else "the window is empty: until is the first moment after it",
        )
    return begin, end


def span(timespan: timedelta | str | None) -> str | None:
    """A duration as ISO 8601 text; text is left to the service's own grammar."""
    if timespan is None or isinstance(timespan, str):
        return timespan
    if not isinstance(timespan, timedelta):
        raise _wrong("timespan", timespan, 'a timedelta or ISO 8601 text such as "P7D"')
    if timespan <= timedelta(0):
        raise InvalidArgumentError("timespan: must be longer than nothing", argument="timespan")
    days, seconds = timespan.days, timespan.seconds
    fraction = f".{timespan.microseconds:06}".rstrip("0") if timespan.microseconds else ""
    rest = f"T{seconds}{fraction}S" if seconds or fraction else ""
    return f"P{days}D{rest}" if days else f"P{rest}"


def ticks(name: str, moment: Moment, now: datetime) -> int:
    """Ticks of 100 ns since the year 1, UTC. `name` is the argument that an error names."""
    if isinstance(moment, datetime):
        return _aware(name, moment)
    if isinstance(moment, date):
        return (moment.toordinal() - 1) * 86_400 * _TICKS
    if isinstance(moment, timedelta):
        return in_range(name, _count(now - _EPOCH) - abs(_count(moment)))
    if isinstance(moment, str):
        return _parse(name, moment, now)
    raise _wrong(name, moment, _HOW)


def iso(value: int) -> str:
    """Ticks as UTC text with no more digits than needed."""
    seconds, fraction = divmod(value, _TICKS)
    text = (_EPOCH.replace(tzinfo=None) + timedelta(seconds=seconds)).isoformat()
    digits = f".{fraction:07}".rstrip("0") if fraction else ""
    return f"{text}{digits}Z"


def parse_datetime(text: Any) -> Any:
    """An answer's time text as an aware datetime, cut to microseconds; anything else as it is."""
    if not isinstance(text, str):
        return text
    try:
        value = ticks("", text, _EPOCH)
    except InvalidArgumentError:
        return text
    return _EPOCH + timedelta(microseconds=value // 10)


def _count(delta: timedelta) -> int:
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 10


def _aware(name: str, moment: datetime) -> int:
    offset = moment.utcoffset()
    if offset is None:
        raise InvalidArgumentError(
            f"{name}: {moment.isoformat()} has no time zone, so it could mean anything",
            argument=name,
            hint=f"say which: {name}=moment.replace(tzinfo=timezone.utc) if it is UTC, {name}=moment.astimezone() if it is local time",
        )
    return in_range(name, _count(moment.replace(tzinfo=timezone.utc) - _EPOCH) - _count(offset))


def _parse(name: str, text: str, now: datetime) -> int:
    import re

    stripped = text.strip()
    if stripped.lower() == "now":
        return _count(now - _EPOCH)
    if ago := re.fullmatch(_AGO, stripped, re.ASCII):
        return in_range(name, _count(now - _EPOCH) - int(ago[1]) * _UNITS[ago[2]] * _TICKS)
    found = re.fullmatch(_TEXT, stripped, re.ASCII)
    if not found:
        raise _wrong(name, text, _HOW)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if hour is not None and zone is None:
        raise InvalidArgumentError(
            f"{name}: {text!r} has no time zone, so it could mean anything",
            argument=name,
            hint='end it with "Z" if it is UTC, or with the offset, such as "+02:00"',
        )
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=timezone.utc
        )
        value = _count(moment - _EPOCH) + int((fraction or "").ljust(7, "0")) - _offset(zone) * _TICKS
    except ValueError as error:
        raise InvalidArgumentError(f"{name}: {text!r} is no time: {error}", argument=name) from None
    return in_range(name, value)


def _offset(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError("the offset must be less than a day")
    return (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60)


def in_range(name: str, value: int) -> int:
    """The same ticks, if they lie in the years 1 to 9999."""
    if not 0 <= value <= _LAST:
        raise InvalidArgumentError(f"{name}: outside the years 1 to 9999", argument=name)
    return value


def _wrong(name: str, value: object, wanted: str) -> InvalidArgumentError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return InvalidArgumentError(f"{name}: {shown} is no time", argument=name, hint=f"give {wanted}")
