"""Event loops come and go; a client belongs to none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import xdrkit
    from harness import Child, Stall


def test_one_client_serves_two_loops_one_after_the_other_and_two_at_once(
    start: Callable[..., Child], sandbox: xdrkit.Sandbox
) -> None:
    child = start(
        """
        import asyncio, threading
        a = xdrkit.AsyncClient()
        async def count(top):
            return len((await a.request("GET", "/api/machines", params={"$top": top}))["value"])
        counts = [asyncio.run(count(1)), asyncio.run(count(2))]
        threads = [threading.Thread(target=lambda n=n: counts.append(asyncio.run(count(n)))) for n in (3, 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tell(counts=sorted(counts))
        """,
        env=sandbox.env(),
    )
    assert child.hear() == {"counts": [1, 2, 3, 4]}
    child.ends_well()


def test_an_answer_for_a_closed_loop_is_dropped_in_silence(start: Callable[..., Child], stall: Stall) -> None:
    child = start("""
        import asyncio, time
        a = client(xdrkit.AsyncClient)
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(a.request("GET", "/held")) for _ in range(3)]
        for task in tasks:
            task._log_destroy_pending = False      # asyncio's own complaint, and right
        loop.run_until_complete(loop.run_in_executor(None, ask))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
        tell(now="closed")
        ask()
        time.sleep(0.1)
        tell(value=asyncio.run(a.request("GET", "/quick"))["value"])
    """)
    for _ in range(3):
        stall.arrival()
    child.say()
    child.hear()
    stall.release()
    child.say()
    assert child.hear() == {"value": []}
    child.ends_well()


def test_a_coroutine_that_is_never_awaited_sends_nothing(start: Callable[..., Child], sandbox: xdrkit.Sandbox) -> None:
    child = start(
        """
        a = xdrkit.AsyncClient()
        a.request("GET", "/api/machines").close()
        tell(requests=a.stats["requests"])
        """,
        env=sandbox.env(),
    )
    assert child.hear() == {"requests": 0}
    child.ends_well()
    assert sandbox.requests == []


def test_the_sync_client_works_inside_a_running_loop(start: Callable[..., Child], sandbox: xdrkit.Sandbox) -> None:
    child = start(
        """
        import asyncio
        async def main():
            with xdrkit.Client() as c:
                inside = len(c.request("GET", "/api/machines", params={"$top": 2})["value"])
                loop = asyncio.get_running_loop()
                beside = await asyncio.gather(
                    *(loop.run_in_executor(None, lambda: len(list(c.machines.list()))) for _ in range(4))
                )
            tell(inside=inside, beside=len(set(beside)))
        asyncio.run(main())
        """,
        env=sandbox.env(),
    )
    assert child.hear() == {"inside": 2, "beside": 1}
    child.ends_well()
