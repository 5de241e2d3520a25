"""Cancelling an awaited call drops its request: the service sees the connection close, and nothing waits in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Child, Stall

CALLS = {
    "request": "await c.request('GET', '/api/machines')",
    "list": "[m async for m in c.machines.list()]",
    "hunt": "await c.hunt('DeviceInfo | take 1', api='graph')",
    "wait": "await c.machine_actions.wait('5382f7ea-7557-4ab7-9782-d50480024a4e')",
}
# Each is given a coroutine function `call` and lets it not finish.
WAYS = {
    "task.cancel": """
        task = asyncio.ensure_future(call())
        await heard()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            how = "CancelledError"
    """,
    "wait_for": """
        try:
            await asyncio.wait_for(call(), 0.3)
        except asyncio.TimeoutError:
            how = "TimeoutError"
    """,
    "timeout": """
        try:
            async with asyncio.timeout(0.3):
                await call()
        except TimeoutError:
            how = "TimeoutError"
    """,
    "task group": """
        async def fails():
            await heard()
            raise LookupError
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(call())
                group.create_task(fails())
        except BaseException as error:
            how = type(error.exceptions[0]).__name__
    """,
    "gather": """
        both = asyncio.gather(call(), asyncio.sleep(60))
        await heard()
        both.cancel()
        try:
            await both
        except asyncio.CancelledError:
            how = "CancelledError"
    """,
}
NEWER = {"timeout": "timeout", "task group": "TaskGroup"}


def script(call: str, way: str) -> str:
    indented = "\n".join("    " + line[8:] for line in WAYS[way].strip("\n").splitlines())
    return f"""
import asyncio

async def heard():
    await asyncio.get_running_loop().run_in_executor(None, ask)

async def main():
    how = "finished"
    c = client(xdrkit.AsyncClient)
    async def call():
        {call}
{indented}
    tell(how=how)
    await heard()
    {call}
    tell(how="still works")
    await c.aclose()

has = hasattr(asyncio, {NEWER.get(way, "run")!r})
tell(has=has)
if has:
    asyncio.run(main())
"""


def cancelled(child: Child, stall: Stall, way: str) -> None:
    if not child.hear()["has"]:
        return  # an older Python, which has not got this way
    if way in ("task.cancel", "gather", "task group"):
        stall.arrival()
        child.say()
    ends = {"wait_for": "TimeoutError", "timeout": "TimeoutError", "task group": "LookupError"}
    assert child.hear() == {"how": ends.get(way, "CancelledError")}
    stall.end()
    stall.release()
    child.say()
    assert child.hear() == {"how": "still works"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_cancelled_call_closes_its_connection(call: str, start: Callable[..., Child], stall: Stall) -> None:
    child = start(script(call, "task.cancel"))
    cancelled(child, stall, "task.cancel")
    child.ends_well()


@pytest.mark.parametrize("way", [way for way in WAYS if way != "task.cancel"])
def test_every_way_of_asyncio_to_give_up_closes_the_connection(
    way: str, start: Callable[..., Child], stall: Stall
) -> None:
    child = start(script(CALLS["request"], way))
    cancelled(child, stall, way)
    child.ends_well()


def test_a_cancelled_sign_in_is_taken_over_by_those_who_wait_for_it(start: Callable[..., Child], stall: Stall) -> None:
    child = start("""
        import asyncio
        async def main():
            async with xdrkit.AsyncClient(TENANT, TENANT, "a-secret", base_url=URL, authority=URL) as c:
                first = asyncio.ensure_future(c.request("GET", "/api/machines"))
                await asyncio.get_running_loop().run_in_executor(None, ask)
                second = asyncio.ensure_future(c.request("GET", "/api/machines"))
                await asyncio.sleep(0.1)
                first.cancel()
                tell(now="cancelled")
                tell(value=(await second)["value"])
        asyncio.run(main())
    """)
    assert "/token" in stall.arrival()
    child.say()
    child.hear()
    stall.release()
    assert child.hear() == {"value": []}
    child.ends_well()
