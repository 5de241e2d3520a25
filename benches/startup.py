"""What somebody waits for before anything happens: import, the sandbox's start, one small request.

    .venv/bin/python benches/startup.py [--json]

Import is measured as CPU time over a bare interpreter, in processes of its own, since wall time on a busy machine says little.
The smallest of several runs is shown: everything else that happens on a machine only adds.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import xdrkit

RUNS = 15
REQUESTS = 60  # fewer than the services allow in a minute


def cpu(statement: str) -> float:
    """Milliseconds of user and system time of an interpreter that runs a statement."""
    best = float("inf")
    for _ in range(RUNS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", statement], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best * 1000


def sandbox_start() -> float:
    """Milliseconds until `xdrkit.sandbox()` is there."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        running = xdrkit.sandbox()
        best = min(best, time.perf_counter() - start)
        running.close()
    return best * 1000


def first_and_next_request() -> tuple[float, float, float]:
    """Milliseconds of the first call with its sign-in, and of a small one after it: median and 95th percentile."""
    with xdrkit.sandbox() as sandbox, sandbox.client() as client:
        start = time.perf_counter()
        machine = client.request("GET", "/api/machines", params={"$top": 1})["value"][0]
        first = time.perf_counter() - start
        spans = []
        for _ in range(REQUESTS):
            start = time.perf_counter()
            client.request("GET", f"/api/machines/{machine['id']}")
            spans.append(time.perf_counter() - start)
    return first * 1000, statistics.median(spans) * 1000, statistics.quantiles(spans, n=20)[-1] * 1000


def megabytes(pattern: str) -> float:
    """The size of the newest file of that name below the checkout."""
    files = sorted(Path(__file__).resolve().parents[1].glob(pattern), key=os.path.getmtime)
    return files[-1].stat().st_size / 1e6 if files else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    bare, imported = cpu("pass"), cpu("import xdrkit")
    first, small, slow = first_and_next_request()
    rows = {
        "bare interpreter, CPU ms": bare,
        "import xdrkit, CPU ms more": imported - bare,
        "xdrkit.sandbox(), ms": sandbox_start(),
        "first request with sign-in, ms": first,
        "small request, median ms": small,
        "small request, 95th percentile ms": slow,
        "extension module, MB": megabytes("python/xdrkit/_core*.so"),
        "wheel, MB": megabytes("target/wheels/*.whl"),
    }
    if options.json:
        print(json.dumps(rows))
        return
    for name, value in rows.items():
        print(f"{name:36} {value:10.2f}" if value else f"{name:36} {'not built':>10}")


if __name__ == "__main__":
    main()
