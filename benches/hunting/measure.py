"""One case in a process of its own, and what it took; its answer is one line of JSON.

CPU time is that of the process with all its threads. Memory is what the process held more than just before the call: at most, and in
the end with nothing but the result kept. How long the interpreter stood still is seen by a thread that wants to run every millisecond:
in runs of their own, since it costs time itself.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib.metadata
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from . import small
from .cases import CASES, NotBuilt
from .server import QUERY, WARM

STATUS = Path("/proc/self/status")


class Ticker(threading.Thread):
    """Wants to run every millisecond, and remembers for how long it could not."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.longest = 0.0
        self._over = False

    def run(self) -> None:
        before = time.perf_counter()
        while not self._over:
            time.sleep(0.001)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before - 0.001)
            before = now

    def end(self) -> float:
        """The longest stall, in milliseconds."""
        self._over = True
        self.join()
        return self.longest * 1e3


def memory(fact: str) -> float:
    """Megabytes: `VmRSS` now, `VmHWM` at most."""
    with STATUS.open() as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(fact)) / 1024


def begin_peak() -> None:
    """From here on, the most is counted anew."""
    gc.collect()
    trim()
    Path("/proc/self/clear_refs").write_text("5")


def trim() -> None:
    """What is free goes back to the system, whoever's allocator had it, so that what is counted is what is held."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def hunt(run: Any, *, stall: bool) -> dict[str, float]:
    """What one hunt takes."""
    run(WARM, lambda: None)
    linux = STATUS.exists()
    if stall:
        ticker = Ticker()
        ticker.start()
        time.sleep(0.02)
        ticker.longest = 0.0
        # Kept until the end: to let go of 100,000 dicts stalls by itself, whoever made them.
        held_on_to = run(QUERY, lambda: None)
        stall = ticker.end()
        del held_on_to
        return {"stall": stall}
    if linux:
        begin_peak()
    held = memory("VmRSS") if linux else 0.0
    seen: list[float] = []
    cpu, wall = time.process_time(), time.perf_counter()
    result = run(QUERY, lambda: seen.append(time.perf_counter()))
    end, cpu = time.perf_counter(), time.process_time() - cpu
    found = {"cpu": cpu * 1e3, "wall": (end - wall) * 1e3, "first": ((seen[0] if seen else end) - wall) * 1e3}
    if linux:
        found["peak"], found["most"] = memory("VmHWM") - held, memory("VmHWM")
        gc.collect()
        trim()
        found["kept"] = memory("VmRSS") - held
    found["rows"] = result if isinstance(result, int) else len(result)
    return found


def calls(run: Any, count: int) -> dict[str, float]:
    """What one of many small calls takes, in microseconds."""
    count -= count % small.IN_FLIGHT
    run(4 * small.IN_FLIGHT)
    cpu, wall = time.process_time(), time.perf_counter()
    run(count)
    return {
        "call cpu": (time.process_time() - cpu) / count * 1e6,
        "call wall": (time.perf_counter() - wall) / count * 1e6,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="one case, for the parent process")
    parser.add_argument("case")
    parser.add_argument("url")
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--stall", action="store_true")
    options = parser.parse_args()
    chosen = CASES[options.case]
    found: dict[str, Any]
    try:
        run = chosen.make(options.url)
        small_one = chosen.group in ("small", "crowd")
        found = calls(run, options.calls) if small_one else hunt(run, stall=options.stall)
    except NotBuilt as error:
        found = {"missing": f"not built: {error}"}
    except ModuleNotFoundError as error:
        found = {"missing": f"not installed: {error.name}"}
    print(json.dumps(found))


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
