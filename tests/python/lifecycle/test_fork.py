"""A forked child works with the client that its parent made, and the parent does not notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import FORKED

if TYPE_CHECKING:
    from collections.abc import Callable

    import xdrkit
    from harness import Child, Stall


def test_a_forked_child_works_sync_and_async_and_the_parent_goes_on(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(
        f"""
        import asyncio, os
        {FORKED}
        def names(c):
            return [m["computerDnsName"] for m in c.request("GET", "/api/machines", params={{"$top": 3}})["value"]]

        async def async_names(c):
            answer = await c.request("GET", "/api/machines", params={{"$top": 3}})
            return [m["computerDnsName"] for m in answer["value"]]

        c, a = xdrkit.Client(), xdrkit.AsyncClient()
        before = names(c)
        assert asyncio.run(async_names(a)) == before != []

        def work():
            assert names(c) == before
            assert asyncio.run(async_names(a)) == before
            assert forked(lambda: names(c)) == 0            # and its own child
        statuses = [forked(work) for _ in range(5)]
        tell(statuses=statuses, after=names(c) == asyncio.run(async_names(a)) == before)
        """,
        env=sandbox.env(),
    )
    assert child.hear(60) == {"statuses": [0] * 5, "after": True}
    child.ends_well()


def test_a_fork_with_calls_in_flight_harms_neither_side(start: Callable[..., Child], stall: Stall) -> None:
    child = start(f"""
        import asyncio, os, threading
        {FORKED}
        c, a = client(), client(xdrkit.AsyncClient)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(c.request("GET", "/held"))) for _ in range(4)]
        async def one():
            answers.append(await a.request("GET", "/held"))
        threads.append(threading.Thread(target=lambda: asyncio.run(one())))
        for thread in threads:
            thread.start()
        ask()
        def work():
            assert c.request("GET", "/quick")["value"] == []
            assert asyncio.run(a.request("GET", "/quick"))["value"] == []
        statuses = [forked(work) for _ in range(3)]
        tell(statuses=statuses)
        for thread in threads:
            thread.join()
        tell(answers=len(answers))
    """)
    for _ in range(5):
        stall.arrival()
    stall.holding = False
    child.say()
    assert child.hear(60) == {"statuses": [0] * 3}
    stall.release()
    assert child.hear() == {"answers": 5}
    child.ends_well()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_pools_work(method: str, start: Callable[..., Child], sandbox: xdrkit.Sandbox) -> None:
    child = start(
        f"""
        import multiprocessing

        c = xdrkit.Client()

        def count(top):
            return len(c.request("GET", "/api/machines", params={{"$top": top}})["value"])

        if __name__ == "__main__":
            assert count(1) == 1
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                counts = pool.map(count, [1, 2, 3, 4])
                pool.close()
                pool.join()
            tell(counts=counts, after=count(2))
        """,
        env=sandbox.env(),
    )
    assert child.hear(60) == {"counts": [1, 2, 3, 4], "after": 2}
    child.ends_well()
