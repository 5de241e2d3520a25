"""The sandbox's clock: what takes hours on a tenant takes no time here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

import xdrkit
from xdrkit.errors import InvalidArgumentError, ThrottledError

NOON = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)


@pytest.fixture
def sb() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(seed=7, now=NOON) as running:
        yield running


def test_it_moves_can_be_pushed_and_can_stand_still(sb: xdrkit.Sandbox) -> None:
    sb.clock.freeze()
    still = sb.clock.now
    assert timedelta(0) <= still - NOON < timedelta(minutes=1)
    assert sb.clock.now == still
    assert sb.clock.frozen
    for time, passed in [("5m", 300), ("1h30m", 5400), (timedelta(days=1), 86400), (2.5, 2.5), ("200ms", 0.2)]:
        before = sb.clock.now
        sb.clock.advance(time)
        assert sb.clock.now - before == timedelta(seconds=passed), time
    sb.advance(60)
    sb.clock.set("2026-05-03T00:00:00Z")
    assert sb.clock.now == datetime(2026, 5, 3, tzinfo=timezone.utc)
    assert repr(sb.clock) == "<Clock 2026-05-03T00:00:00+00:00 frozen>"
    sb.clock.resume()
    assert not sb.clock.frozen


@pytest.mark.parametrize("time", ["", "soon", "-5m", "5 parsecs", -1, float("nan")])
def test_what_is_no_length_of_time_is_refused(sb: xdrkit.Sandbox, time: object) -> None:
    with pytest.raises(InvalidArgumentError, match="time: "):
        sb.clock.advance(time)  # type: ignore[arg-type]


def test_it_never_goes_back(sb: xdrkit.Sandbox) -> None:
    with pytest.raises(InvalidArgumentError, match="moment: the sandbox's time goes forward only"):
        sb.clock.set(NOON - timedelta(days=1))
    with pytest.raises(InvalidArgumentError, match="moment: "):
        sb.clock.set(datetime(2027, 1, 1))  # noqa: DTZ001


def test_tokens_expire(sb: xdrkit.Sandbox) -> None:
    def sign_ins() -> int:
        return len([record for record in sb.requests if record["service"] == "sign-in"])

    with sb.client(clock="sandbox") as client:
        client.machines.list().first()
        client.machines.list().first()
        assert sign_ins() == 1
        sb.clock.advance("2h")
        client.machines.list().first()
        assert sign_ins() == 2


def test_actions_progress(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        machine = client.machines.list().first()
        assert machine is not None
        sb.clock.freeze()
        action = client.machines.isolate(machine["id"], comment="look")
        assert client.machine_actions.get(action["id"])["status"] in ("Pending", "InProgress")
        sb.clock.advance("1d")
        assert client.machine_actions.get(action["id"])["status"] == "Succeeded"


def test_investigations_move(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        machine = client.machines.list().first()
        assert machine is not None
        sb.clock.freeze()
        client.investigations.start(machine["id"], comment="look")
        running = client.investigations.list().first()
        assert running is not None
        sb.clock.advance("1d")
        assert client.investigations.get(running["id"])["state"] != "Running"


def test_quotas_refill(sb: xdrkit.Sandbox) -> None:
    sb.clock.freeze()
    sb.cpu_quota_used = 1.0
    with sb.client(max_retries=0, clock="sandbox") as client:
        with pytest.raises(ThrottledError):
            client.hunt("DeviceInfo | take 1", deadline=1)
        sb.clock.advance("15m")
        assert len(client.hunt("DeviceInfo | take 1")) == 1


def test_waiting_takes_no_time_by_the_sandboxs_clock(sb: xdrkit.Sandbox) -> None:
    with sb.client(clock="sandbox") as client:
        machine = client.machines.list().first()
        assert machine is not None
        begun = sb.clock.now
        done = client.machines.isolate(machine["id"], comment="look", wait=True)
        assert done["status"] == "Succeeded"
        assert sb.clock.now > begun
