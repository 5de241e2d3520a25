"""Quotas, kept by clients and by the sandbox, on one clock: whoever waits pushes the sandbox's time on."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest

import xdrkit
from xdrkit import errors

pytestmark = pytest.mark.filterwarnings("ignore::xdrkit.errors.LegacyHuntingWarning")

QUERY = "DeviceInfo | take 1"
WINDOW = 60
CYCLE = 900


def options(sb: xdrkit.Sandbox, **more: Any) -> dict[str, Any]:
    """A client on the sandbox's own clock that keeps the documented quotas."""
    return {"_virtual_clock": sb._core, "limits": "documented", "deadline": 100_000, **more}


def statuses(sb: xdrkit.Sandbox) -> list[int]:
    return [
        r["status"] for r in sb.requests if (r["operation"] or "").endswith(("hunting.run", "run_xdr", "run_endpoint"))
    ]


def of(client: Any, name: str) -> dict[str, Any]:
    return next(q for q in client.quota() if q["name"] == name)


def now(client: Any) -> float:
    seconds: float = client._core.now()
    return seconds


@pytest.fixture
def kept(sb: xdrkit.Sandbox) -> xdrkit.Sandbox:
    """A sandbox that refuses what is too much."""
    sb.quotas = True
    return sb


def test_a_hundred_hunts_by_eight_threads_see_no_refusal(kept: xdrkit.Sandbox) -> None:
    with kept.client(**options(kept)) as client, ThreadPoolExecutor(8) as pool:
        began = now(client)
        for done in [pool.submit(client.hunt, QUERY) for _ in range(100)]:
            done.result()
        assert statuses(kept) == [200] * 100
        assert 2 * WINDOW <= now(client) - began < 3 * WINDOW
        known = of(client, "graph hunting")
        assert (known["service"], known["per_minute"], known["per_hour"]) == ("graph", 45, None)
        assert (known["used_hour"], known["waiting"], known["closed_for"]) == (100, 0, 0)
        assert known["free_now"] == 45 - known["used_minute"] < 45
        assert client.stats["throttled_seconds"] >= 2 * WINDOW


def test_a_hundred_hunts_by_tasks_see_no_refusal(kept: xdrkit.Sandbox) -> None:
    async def crowd() -> float:
        async with kept.async_client(**options(kept)) as client:
            began = now(client)
            await asyncio.gather(*(client.hunt(QUERY) for _ in range(100)))
            assert of(client, "graph hunting")["used_hour"] == 100
            return now(client) - began

    assert 2 * WINDOW <= asyncio.run(crowd()) < 3 * WINDOW
    assert statuses(kept) == [200] * 100


def test_two_clients_share_what_the_tenant_has(kept: xdrkit.Sandbox) -> None:
    with kept.client(**options(kept)) as one, kept.user_client(**options(kept)) as other, ThreadPoolExecutor(8) as pool:
        one.hunt(QUERY)
        other.hunt(QUERY)
        began = now(one)
        clients = [one, other] * 49
        for done in [pool.submit(client.hunt, QUERY) for client in clients]:
            done.result()
        assert statuses(kept) == [200] * 100
        assert WINDOW <= now(one) - began < 3 * WINDOW
        assert of(one, "graph hunting")["used_hour"] == of(other, "graph hunting")["used_hour"] == 100


@pytest.mark.parametrize(
    ("limits", "refused"), [(None, True), ("off", True), (False, True), ("documented", False), (True, False)]
)
def test_limits_say_whether_a_client_waits_beforehand(kept: xdrkit.Sandbox, limits: Any, refused: bool) -> None:
    with kept.client(**options(kept, limits=limits)) as client:
        for _ in range(46):
            client.hunt(QUERY)
        assert (429 in statuses(kept)) is refused
        assert of(client, "graph hunting")["per_minute"] == (None if refused else 45)


def test_who_has_more_says_so(sb: xdrkit.Sandbox) -> None:
    with sb.client(**options(sb, limits={"hunting": 100, "graph hunting": 3})) as client:
        assert [of(client, f"{s} hunting")["per_minute"] for s in ("graph", "xdr", "endpoint")] == [3, 100, 100]
        assert of(client, "endpoint hunting")["per_hour"] == 1500
        began = now(client)
        for _ in range(7):
            client.hunt(QUERY)
        assert 2 * WINDOW <= now(client) - began < 3 * WINDOW
        client.machines.get(client.machines.list().collect()[0]["id"])
        assert of(client, "machines.list")["per_minute"] == 100
        assert of(client, "machines.get")["used_minute"] == 1


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ("all", "limits: is "),
        (45, "limits: is "),
        ({"hunting": "many"}, "limits: is "),
        ({"hunting": True}, "limits: is "),
        ({"hunting": 0}, "limits: 0 calls a minute"),
        ({"huntng": 5}, "limits: .* is no quota.*hunting"),
    ],
)
def test_wrong_limits_are_refused(sb: xdrkit.Sandbox, limits: Any, text: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=text):
        sb.client(limits=limits)


def test_a_wait_that_does_not_fit_is_told_before_anything_is_sent(kept: xdrkit.Sandbox) -> None:
    with kept.client(**options(kept)) as client:
        for _ in range(45):
            client.hunt(QUERY)
        with pytest.raises(errors.ThrottledError, match="quota of graph hunting") as caught:
            client.hunt(QUERY, deadline=20)
        assert 20 < (caught.value.retry_after or 0) <= WINDOW + 1
        assert caught.value.attempts == 0
        assert statuses(kept) == [200] * 45
        assert of(client, "graph hunting")["free_now"] == 0
        assert 0 < of(client, "graph hunting")["next_free_in"] <= WINDOW + 1


def test_a_plan_says_how_long_many_hunts_take(sb: xdrkit.Sandbox) -> None:
    with sb.client(**options(sb)) as client:
        plan: Callable[[str, int], float] = client._core.quota_plan
        assert [plan("graph", n) for n in (0, 1, 45)] == [0, 0, 0]
        assert WINDOW <= plan("auto", 46) <= WINDOW + 1
        assert 3 * WINDOW <= plan("endpoint", 180) < 4 * WINDOW
        assert plan("endpoint", 1501) >= 3600 - 2
        client.hunt(QUERY)
        assert 50 < plan("graph", 45) <= WINDOW + 1
    with sb.client() as free:
        assert free._core.quota_plan("graph", 100_000) == 0


@pytest.mark.parametrize("api", ["graph", "xdr"])
def test_what_others_use_closes_the_gate_for_everybody_here(kept: xdrkit.Sandbox, api: Any) -> None:
    with kept.client() as elsewhere:
        for _ in range(45):
            elsewhere.hunt(QUERY, api=api)
    with (
        kept.client(**options(kept)) as client,
        kept.client(**options(kept, limits="off")) as other,
        ThreadPoolExecutor(8) as pool,
    ):
        began = now(client)
        for done in [pool.submit(c.hunt, QUERY, api=api) for c in [client, other] * 8]:
            done.result()
        assert now(client) - began >= WINDOW - 5
        # Those who were on the way already were refused, and nobody after them.
        refused = statuses(kept).count(429)
        assert 1 <= refused <= 8
        assert statuses(kept)[-16:] == [200] * 16


def test_the_cpu_quota_is_waited_for_to_the_quarter_of_an_hour(sb: xdrkit.Sandbox) -> None:
    with sb.client(**options(sb)) as client:
        client.hunt(QUERY)
        sb.cpu_quota_used = 1.0
        assert sb.cpu_quota_used == 1.0
        before = now(client)
        result = client.hunt(QUERY)
        assert len(result) == 1
        assert now(client) // CYCLE == before // CYCLE + 1
        assert now(client) % CYCLE < 10
        assert statuses(sb) == [200, 429, 200]
        assert sb.cpu_quota_used == 0.0


def test_a_cpu_quota_that_comes_back_too_late_is_told_to_all(sb: xdrkit.Sandbox) -> None:
    sb.cpu_quota_used = 1.0
    with sb.client(**options(sb, deadline=None)) as client, sb.client(**options(sb)) as other:
        left = CYCLE - now(client) % CYCLE
        with pytest.raises(errors.ThrottledError, match="CPU") as caught:
            client.hunt(QUERY, deadline=min(1, left / 2))
        assert caught.value.retry_after == pytest.approx(left, abs=5)
        assert of(other, "graph hunting")["closed_for"] == pytest.approx(left, abs=5)
        with pytest.raises(errors.ThrottledError):
            other.hunt(QUERY, deadline=1)
        assert statuses(sb) == [429]
        other.hunt(QUERY, api="endpoint")
        other.hunt(QUERY)


def test_the_run_time_of_queries_is_kept(sb: xdrkit.Sandbox) -> None:
    sb.execution_time = 150.0
    with sb.client(**options(sb)) as client:
        began = now(client)
        for _ in range(4):
            client.hunt(QUERY, api="endpoint")
        known = of(client, "endpoint hunting")
        assert (known["run_time_used_hour"], known["run_time_used_day"]) == (600, 600)
        assert of(client, "graph hunting")["run_time_used_hour"] is None
        with pytest.raises(errors.ThrottledError, match="run time"):
            client.hunt(QUERY, api="endpoint", deadline=600)
        client.hunt(QUERY, api="endpoint")
        assert 3600 <= now(client) - began < 3700
        assert statuses(sb) == [200] * 5


def test_the_sandbox_refuses_run_time_that_others_used(sb: xdrkit.Sandbox) -> None:
    sb.use_run_time(600)
    with sb.client(**options(sb)) as client:
        began = now(client)
        client.hunt(QUERY, api="endpoint", deadline=7200)
        assert now(client) - began >= 3500
        assert statuses(sb) == [429, 200]


def test_a_hunt_that_is_given_up_leaves_its_place(sb: xdrkit.Sandbox) -> None:
    async def scene() -> None:
        async with sb.async_client(limits={"hunting": 1}, deadline=600) as client:
            await client.hunt(QUERY)
            first = asyncio.ensure_future(client.hunt(QUERY))
            second = asyncio.ensure_future(client.hunt(QUERY))
            while of(client, "graph hunting")["waiting"] < 2:
                await asyncio.sleep(0)
            first.cancel()
            while of(client, "graph hunting")["waiting"] > 1:
                await asyncio.sleep(0)
            second.cancel()
            while of(client, "graph hunting")["waiting"] > 0:
                await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(scene(), 30))
    assert statuses(sb) == [200]


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs fork")
def test_a_child_process_begins_afresh(sb: xdrkit.Sandbox) -> None:
    with sb.client(limits={"hunting": 1}) as client:
        client.hunt(QUERY)
        assert of(client, "graph hunting")["free_now"] == 0
        pid = os.fork()
        if pid == 0:
            free = -1
            try:
                free = of(client, "graph hunting")["free_now"]
            finally:
                os._exit(free + 10)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 11


def test_a_new_sandbox_and_a_reset_one_know_nothing_of_before(sb: xdrkit.Sandbox) -> None:
    with sb.client(limits={"hunting": 1}) as client:
        client.hunt(QUERY)
        assert of(client, "graph hunting")["free_now"] == 0
        sb.reset()
        assert of(client, "graph hunting")["free_now"] == 1


def test_hunts_go_on_while_another_thread_waits(sb: xdrkit.Sandbox) -> None:
    """A line in front of one quota holds up no other."""
    with sb.client(limits={"graph hunting": 1}, deadline=600) as client:
        client.hunt(QUERY, api="graph")

        def wait() -> None:
            with pytest.raises(errors.ClosedError):
                client.hunt(QUERY, api="graph")

        waiting = threading.Thread(target=wait)
        waiting.start()
        while of(client, "graph hunting")["waiting"] < 1:
            client.hunt(QUERY, api="xdr")
        client.hunt(QUERY, api="xdr")
        client.close()
        waiting.join(30)
        assert not waiting.is_alive()
