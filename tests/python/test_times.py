"""Times: what people write for a moment becomes one UTC text, or an error that says how to write it."""

from __future__ import annotations

import random
import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from xdrkit import InvalidArgumentError, _time

NOW = datetime(2026, 5, 20, 12, 0, 0, tzinfo=timezone.utc)


def since(moment: Any) -> str:
    text = _time.window(moment, None, NOW)[0]
    assert text is not None
    return text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (datetime(2026, 5, 1, tzinfo=timezone.utc), "2026-05-01T00:00:00Z"),
        (datetime(2026, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2026-05-01T00:00:00Z"),
        (datetime(2026, 5, 1, 0, 0, 0, 120000, tzinfo=timezone.utc), "2026-05-01T00:00:00.12Z"),
        (date(2026, 5, 1), "2026-05-01T00:00:00Z"),
        ("2026-05-01", "2026-05-01T00:00:00Z"),
        ("2026-05-01T10:30Z", "2026-05-01T10:30:00Z"),
        ("2026-05-01 10:30:15+02:00", "2026-05-01T08:30:15Z"),
        ("2026-05-01T10:30:15-0530", "2026-05-01T16:00:15Z"),
        ("2026-05-01T10:30:15+02", "2026-05-01T08:30:15Z"),
        ("2026-05-01t10:30:15z", "2026-05-01T10:30:15Z"),
        ("2026-05-01T10:30:15.1234567Z", "2026-05-01T10:30:15.1234567Z"),
        ("2026-05-01T10:30:15.123456700Z", "2026-05-01T10:30:15.1234567Z"),
        ("7d", "2026-05-13T12:00:00Z"),
        ("-7d", "2026-05-13T12:00:00Z"),
        ("24h", "2026-05-19T12:00:00Z"),
        ("30m", "2026-05-20T11:30:00Z"),
        ("90s", "2026-05-20T11:58:30Z"),
        ("2w", "2026-05-06T12:00:00Z"),
        (timedelta(hours=1), "2026-05-20T11:00:00Z"),
        (timedelta(hours=-1), "2026-05-20T11:00:00Z"),
        ("now", "2026-05-20T12:00:00Z"),
    ],
)
def test_a_moment_in_any_form_becomes_utc_text(written: Any, meant: str) -> None:
    assert since(written) == meant


@pytest.mark.parametrize("argument", ["since", "until"])
@pytest.mark.parametrize("naive", [datetime(2026, 5, 1), "2026-05-01T10:00", "2026-05-01T10:00:00.5"])  # noqa: DTZ001
def test_a_naive_time_is_refused_by_name_with_the_way_to_write_it(argument: str, naive: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="has no time zone") as caught:
        _time.window(**{"since": None, "until": None, argument: naive})
    assert caught.value.argument == argument
    assert caught.value.hint is not None
    assert re.search(r"timezone\.utc|\"Z\"", caught.value.hint)


@pytest.mark.parametrize(
    "wrong",
    ["", "yesterday", "7", "d", "7y", "2026", "2026-13-01", "2026-02-30", "2026-05-01T25:00Z", "2026-05-01T10:00:00.12345678Z",
     "2026-05-01T10:00+24:00", "2026-05-01T10:00+02:60", "٧d", 7, 1.5, True, b"7d", ["7d"], object()],
)  # fmt: skip
def test_what_is_no_time_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        since(wrong)
    assert caught.value.argument == "since"


@pytest.mark.parametrize("far", ["999999999w", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", timedelta.max])
def test_a_time_outside_the_calendar_is_refused(far: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="outside the years"):
        since(far)


@pytest.mark.parametrize(("first", "last"), [("1h", "2h"), ("2026-05-02", "2026-05-01"), ("2026-05-01", "2026-05-01")])
def test_a_reversed_or_empty_window_is_refused(first: str, last: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not before until") as caught:
        _time.window(first, last, NOW)
    assert caught.value.argument == "since"


def test_an_open_window_stays_open() -> None:
    assert _time.window(None, None) == (None, None)
    assert _time.window("1h", None, NOW) == ("2026-05-20T11:00:00Z", None)
    assert _time.window(None, "1h", NOW) == (None, "2026-05-20T11:00:00Z")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (timedelta(days=7), "P7D"),
        (timedelta(hours=1), "PT3600S"),
        (timedelta(days=1, milliseconds=500), "P1DT0.5S"),
        ("P7D", "P7D"),
        (None, None),
    ],
)
def test_a_span_becomes_a_duration(written: Any, meant: str | None) -> None:
    assert _time.span(written) == meant


@pytest.mark.parametrize("wrong", [timedelta(0), timedelta(days=-1), 7, NOW])
def test_a_span_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        _time.span(wrong)
    assert caught.value.argument == "timespan"


def test_every_tick_survives_being_written_and_read() -> None:
    draw = random.Random(1)
    for _ in range(3000):
        ticks = draw.choice(
            [draw.randrange(_time._LAST + 1), draw.randrange(10**7), _time._LAST - draw.randrange(10**7)]
        )
        text = _time.iso(ticks)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z", text), text
        assert _time.ticks("since", text, NOW) == ticks


def test_every_datetime_is_read_as_the_moment_that_it_is() -> None:
    draw = random.Random(2)
    for _ in range(3000):
        zone = timezone(timedelta(minutes=draw.randrange(-14 * 60, 14 * 60)))
        moment = datetime(2, 1, 1, tzinfo=zone) + timedelta(microseconds=draw.randrange(9000 * 365 * 86_400 * 10**6))
        assert _time.parse_datetime(since(moment)) == moment
        assert since(moment.isoformat()) == since(moment)


def test_an_order_of_moments_is_an_order_of_windows() -> None:
    draw = random.Random(3)
    for _ in range(1000):
        first, last = (NOW + timedelta(microseconds=draw.randrange(-(10**13), 10**13)) for _ in range(2))
        if first < last:
            begin, end = _time.window(first, last)
            assert (_time.parse_datetime(begin), _time.parse_datetime(end)) == (first, last)
        else:
            with pytest.raises(InvalidArgumentError):
                _time.window(first, last)


def test_an_answer_that_is_no_time_stays_as_it_is() -> None:
    assert _time.parse_datetime("n/a") == "n/a"
    assert _time.parse_datetime(None) is None
    assert _time.parse_datetime("2026-05-01T10:30:15.1234567Z") == datetime(
        2026, 5, 1, 10, 30, 15, 123456, tzinfo=timezone.utc
    )
