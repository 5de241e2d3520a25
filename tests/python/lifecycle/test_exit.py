"""The interpreter may end at any moment, with calls in flight: exit code 0, not a word on standard error, at once.

Short scripts are what this library is for, and a crash at exit is a failed runbook whose work was done.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from harness import Child, Stall

if TYPE_CHECKING:
    from pathlib import Path

EXITS = 100
AT_A_TIME = 2

SETTINGS = {
    "a sync call in a daemon thread": """
        import threading
        c = client()
        for _ in range(3):
            threading.Thread(target=lambda: c.request("GET", "/held"), daemon=True).start()
        ask()
    """,
    "awaited calls in a daemon thread": """
        import asyncio, threading
        a = client(xdrkit.AsyncClient)
        async def main():
            await asyncio.gather(*(a.request("GET", "/held") for _ in range(3)))
        threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
        ask()
    """,
    "SystemExit out of a running loop": """
        import asyncio
        a = client(xdrkit.AsyncClient)
        async def main():
            tasks = [asyncio.ensure_future(a.request("GET", "/held")) for _ in range(3)]
            await asyncio.get_running_loop().run_in_executor(None, ask)
            raise SystemExit(0)
        asyncio.run(main())
    """,
    "a loop that is left as it stands": """
        import asyncio
        a = client(xdrkit.AsyncClient)
        loop = asyncio.new_event_loop()
        tasks = [loop.create_task(a.request("GET", "/held")) for _ in range(3)]
        for task in tasks:
            task._log_destroy_pending = False      # asyncio's own complaint, and right
        loop.run_until_complete(loop.run_in_executor(None, ask))
    """,
    "answers arriving all the while": """
        import asyncio, threading
        c, a = client(), client(xdrkit.AsyncClient)
        def again():
            while True:
                c.request("GET", "/quick")
        async def awaited():
            while True:
                await asyncio.gather(*(a.request("GET", "/quick") for _ in range(8)))
        for _ in range(3):
            threading.Thread(target=again, daemon=True).start()
        threading.Thread(target=lambda: asyncio.run(awaited()), daemon=True).start()
        ask()
    """,
    "a sandbox in the same process": """
        import threading, time
        sb = xdrkit.sandbox()
        c = sb.client()
        c.whoami("endpoint")
        sb.fault(path="/api/machines", kind="stall", times=None)
        threading.Thread(target=lambda: c.machines.list().collect(), daemon=True).start()
        time.sleep(0.2)
        tell(now="ready")
        ask()
    """,
}
EACH = -(-EXITS // len(SETTINGS))


def leave(setting: str, python: str, folder: Path) -> tuple[int, str, float]:
    """One exit: how it went, and how long it took from the moment at which nothing kept the main thread."""
    stall = Stall()
    stall.holding = "arriving" not in setting
    child = Child(python, SETTINGS[setting], folder, {"STALL_URL": stall.url}, strict=False)
    try:
        if "sandbox" in setting:
            child.hear()
        else:
            for _ in range(3 if stall.holding else 20):
                stall.arrival()
        child.say()
        start = time.monotonic()
        ended = child.end(20)
        return ended.code, ended.stderr, time.monotonic() - start
    finally:
        child.close()
        stall.close()


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_interpreter_exits_in_peace_with(setting: str, python: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        exits = list(pool.map(lambda _: leave(setting, python, tmp_path), range(EACH)))
    assert {(code, stderr) for code, stderr, _ in exits} == {(0, "")}
    assert max(seconds for *_, seconds in exits) <= 1, sorted(seconds for *_, seconds in exits)
