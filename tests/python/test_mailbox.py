"""How a loop learns of what was done for it: its mailbox, and the thread that serves loops without one."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import xdrkit


async def crowd(client: xdrkit.AsyncClient, many: int = 40) -> list[Any]:
    return await asyncio.gather(*(client.request("GET", "/api/machines", params={"$top": 1}) for _ in range(many)))


def runs_in_another_process(body: str, python: str) -> str:
    done = subprocess.run([python, "-c", body], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_crowd_is_answered(sb: xdrkit.Sandbox) -> None:
    async def main() -> None:
        async with sb.async_client() as client:
            answers = await crowd(client)
            assert len(answers) == 40
            assert all(answer["value"] for answer in answers)

    asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_loops_that_are_gone_keep_no_sockets(sb: xdrkit.Sandbox) -> None:
    async def main() -> None:
        async with sb.async_client() as client:
            await crowd(client, 2)

    def open_sockets() -> int:
        gc.collect()
        return len(list(Path("/proc/self/fd").iterdir()))

    asyncio.run(main())
    before = open_sockets()
    for _ in range(10):
        asyncio.run(main())
    assert open_sockets() <= before + 4  # the connection that is about to close, not a pair for each loop


class Deaf(asyncio.SelectorEventLoop):
    """A loop that watches no sockets of others, as the usual one of Windows."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    def add_reader(self, *arguments: Any) -> None:
        self.refused += 1
        raise NotImplementedError


def test_a_loop_that_watches_no_sockets_is_served_by_a_thread(sb: xdrkit.Sandbox) -> None:
    loop = Deaf()

    async def main() -> None:
        async with sb.async_client() as client:
            assert len(await crowd(client)) == 40

    try:
        loop.run_until_complete(main())
        assert loop.refused or sys.platform == "win32"
    finally:
        loop.close()


class Stubborn(asyncio.Future):  # type: ignore[type-arg]
    """A future that takes no result: something is wrong with the program that made it."""

    def set_result(self, result: Any) -> None:
        super().set_result(None)
        raise RuntimeError("stubborn")


def test_one_future_in_trouble_keeps_nothing_from_the_others(sb: xdrkit.Sandbox) -> None:
    told: list[BaseException] = []
    made = 0

    class Loop(asyncio.SelectorEventLoop):
        def create_future(self) -> Any:
            nonlocal made
            made += 1
            return Stubborn(loop=self) if made % 3 == 0 else asyncio.Future(loop=self)

    loop = Loop()
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))

    async def main() -> None:
        client = sb.async_client()
        core = client._core
        waits = [core.request_async("GET", "/api/machines", {"params": {"$top": 1}}) for _ in range(30)]
        answers = [await one for one in waits]
        assert sum(answer is None for answer in answers) == sum(isinstance(one, Stubborn) for one in waits) > 0
        assert sum(bool(answer) for answer in answers) > 15

    try:
        loop.run_until_complete(asyncio.wait_for(main(), 30))
    finally:
        loop.close()
    assert {str(error) for error in told} == {"stubborn"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' usual loop has no mailbox")
def test_no_thread_of_ours_attaches_for_a_loop_with_a_mailbox(sb: xdrkit.Sandbox, python: str) -> None:
    said = runs_in_another_process(
        f"""
import asyncio, os, xdrkit
async def main():
    client = xdrkit.AsyncClient({sb.tenant_id!r}, "11111111-1111-4111-8111-111111111111", "wrong", base_url={sb.url!r},
                                authority={sb.url!r}, trust_authority=True)
    for _ in range(3):
        try:
            await client.machines.get("a" * 40)
        except xdrkit.XdrError:
            pass
asyncio.run(main())
print(*(open(f"/proc/self/task/{{t}}/comm").read().strip() for t in os.listdir("/proc/self/task")) if os.path.isdir("/proc") else "")
""",
        python,
    )
    assert "xdrkit-deliver" not in said


def test_two_loops_at_once_get_their_own_answers(sb: xdrkit.Sandbox) -> None:
    found: dict[int, int] = {}

    def work(number: int) -> None:
        async def main() -> None:
            async with sb.async_client() as client:
                found[number] = len(await crowd(client, 20))

        asyncio.run(main())

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == {0: 20, 1: 20, 2: 20}
