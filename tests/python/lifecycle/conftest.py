"""Lifecycle tests run real child processes, each on every interpreter of XDRKIT_TEST_PYTHONS (default: the one that runs pytest)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit
from harness import Child, Stall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYTHONS = [path for path in os.environ.get("XDRKIT_TEST_PYTHONS", "").split(os.pathsep) if path] or [sys.executable]


@pytest.fixture(params=PYTHONS, ids=lambda path: "-".join(Path(path).parts[-3:-2]) or path)
def python(request: pytest.FixtureRequest) -> str:
    """An interpreter that has xdrkit."""
    path: str = request.param
    return path


@pytest.fixture
def stall() -> Iterator[Stall]:
    server = Stall()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox() as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: xdrkit.Sandbox) -> Iterator[xdrkit.Sandbox]:
    """A sandbox in this process, for children that are clients of it."""
    shared_sandbox.reset()
    yield shared_sandbox
    shared_sandbox.reset()


@pytest.fixture
def start(python: str, stall: Stall, tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Start a child with the stalling server at hand."""
    children: list[Child] = []

    def start(script: str, env: dict[str, str] | None = None, **options: Any) -> Child:
        children.append(Child(python, script, tmp_path, {"STALL_URL": stall.url, **(env or {})}, **options))
        return children[-1]

    yield start
    for child in children:
        child.close()
