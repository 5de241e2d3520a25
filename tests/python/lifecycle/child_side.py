"""What the child processes of these tests have in common: a client for the stalling server, and two lines of protocol with the test."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import xdrkit

TENANT = "11111111-2222-3333-4444-555555555555"
URL = os.environ.get("STALL_URL", "")

# A shell that starts tests in the background has Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def client(kind: Any = xdrkit.Client, **options: Any) -> Any:
    """A client of the stalling server, with a token at hand."""
    options = {"credential": xdrkit.StaticTokenCredential("a-token"), **options}
    return kind(TENANT, base_url=URL, **options)


def tell(**facts: Any) -> None:
    """Say something to the test."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def ask() -> str:
    """Wait for a word from the test."""
    return sys.stdin.readline().strip()
