"""The entry point of the command `xdr`. The command itself is written in Rust."""

from __future__ import annotations

import sys

from . import _core


def main() -> int:
    """Runs the command with this process's arguments and answers its exit code."""
    return _core.cli(sys.argv)
