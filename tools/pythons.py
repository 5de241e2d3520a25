"""Find the interpreters that the wheel is tested on: the oldest and the newest CPython of this machine.

One line each: ``<tag> <path>``, for example ``3.9 /usr/bin/python3.9``. What is missing is said on standard error, since a version that
was not tested must not look as if it had been.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST_SUPPORTED = (3, 9)
NEWEST_KNOWN = (3, 15)
PROBE = "import sys, venv, ensurepip; sys.exit(sys.implementation.name != 'cpython' or sys.version_info.releaselevel != 'final')"


def candidates(minor: int) -> list[str]:
    """Where a CPython 3.``minor`` may lie: on the path, or among pyenv's versions."""
    found = [shutil.which(f"python3.{minor}")]
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found += [str(path) for path in sorted(root.glob(f"3.{minor}.*/bin/python"), reverse=True)]
    return [path for path in found if path]


def works(path: str) -> bool:
    """Whether it starts and can make environments: a pyenv shim exists for versions that are not switched on."""
    try:
        return subprocess.run([path, "-c", PROBE], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def main() -> int:
    """Print the oldest and the newest."""
    found = []
    for minor in range(OLDEST_SUPPORTED[1], NEWEST_KNOWN[1] + 1):
        path = next((path for path in candidates(minor) if works(path)), None)
        if path:
            found.append((minor, path))
    if not found:
        print("no CPython that can make environments was found: the wheel is tested on none", file=sys.stderr)
        return 1
    if found[0][0] != OLDEST_SUPPORTED[1]:
        print(
            f"NOT TESTED on Python 3.9, the oldest supported: not on this machine (oldest: 3.{found[0][0]})",
            file=sys.stderr,
        )
    for minor, path in dict.fromkeys((found[0], found[-1])):
        print(f"3.{minor} {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
