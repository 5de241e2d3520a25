"""What several benchmarks ask of the machine: what it is, and what an interpreter costs that has run a statement."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The size that `getrusage` tells is, on Linux, at least that of the process which started this one.
IMPORT = """
import resource
{}
used = resource.getrusage(resource.RUSAGE_SELF)
try:
    with open("/proc/self/status") as status:
        size = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
except FileNotFoundError:
    size = used.ru_maxrss / 1024
print(used.ru_utime + used.ru_stime, size)
"""


def imported(
    statement: str, python: str = sys.executable, environment: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """CPU milliseconds and megabytes of an interpreter that has run a statement."""
    command = [python, "-c", IMPORT.format(statement)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    seconds, size = answer.stdout.split()
    return float(seconds) * 1e3, float(size) / 1024


def processor() -> str:
    """How many cores of which kind."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{os.cpu_count()} x {line.partition(':')[2].strip()}"
    except OSError:
        pass
    return f"{os.cpu_count()} cores, {platform.machine()}"
