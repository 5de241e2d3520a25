"""The entry point of the command `xdr`. The command itself is written in Rust."""

from __future__ import annotations

import sys

from . import _core

_INTERRUPTED = 130


def main() -> int:
    """Runs the command with this process's arguments and answers its exit code."""
    try:
        return _core.cli(sys.argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
