"""The entry point of the command `xdr`. The command itself is written in Rust; what reads Python is written in Python."""

from __future__ import annotations

import sys

from . import _core

_FAILED = 1
_USAGE = 2
_INTERRUPTED = 130


def main() -> int:
    """Runs the command with this process's arguments and answers its exit code."""
    # A server that is stopped did what it was there for.
    serves = sys.argv[1:3] == ["sandbox", "up"]
    try:
        if serves:
            _end_as_if_interrupted()
        if sys.argv[1:2] == ["permissions"]:
            files = [argument for argument in sys.argv[2:] if argument != "--json"]
            if files and not any(argument.startswith("-") for argument in files):
                return _permissions(files, "--json" in sys.argv[2:])
        if sys.argv[1:3] == ["sandbox", "record"]:
            from ._cli_record import main as record

            return record(sys.argv[3:])
        return _core.cli(sys.argv)
    except KeyboardInterrupt:
        return 0 if serves else _INTERRUPTED


def _end_as_if_interrupted() -> None:
    """Let a service manager's signal do what Ctrl-C does, so that files are taken away."""
    import signal

    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _permissions(files: list[str], as_json: bool) -> int:
    from ._permissions import permissions_for_script
    from .errors import InvalidArgumentError

    try:
        found = permissions_for_script(*files)
    except OSError as error:
        sys.stderr.write(f"xdr: {error.filename}: {error.strerror}\n")
        return _USAGE
    except InvalidArgumentError as error:
        sys.stderr.write(f"xdr: {error}\n")
        return _FAILED
    if as_json:
        import json

        calls = [call._asdict() for call in found.calls]
        unsure = [call._asdict() for call in found.unsure]
        text = json.dumps({"permissions": found, "calls": calls, "unsure": unsure}, indent=2)
    else:
        text = repr(found)
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads our output has heard enough
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
