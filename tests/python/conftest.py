"""What the Python tests share: a sandbox for each test, a way to run a coroutine, and a hunting table that needs no service."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Callable, TypeVar

import pytest

import xdrkit

from .faces import face, faces

__all__ = ["face", "faces"]

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
# By these names a program finds credentials, settings and the place where it runs.
OWN = (
    "AZURE",
    "XDRKIT_",
    "DEFENDER_",
    "IDENTITY_",
    "IMDS_",
    "MSI_",
    "ACTIONS_ID_TOKEN_",
    "SYSTEM_",
    "AUTOMATION_",
    "DEFAULT_IDENTITY_",
)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's own tenant or proxy."""
    for name in list(os.environ):
        if name.startswith(OWN):
            monkeypatch.delenv(name)
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def sb() -> Iterator[xdrkit.Sandbox]:
    """A sandbox of the test's own."""
    with xdrkit.sandbox() as running:
        yield running


@pytest.fixture
def client(sb: xdrkit.Sandbox) -> Iterator[xdrkit.Client]:
    """A client in application context."""
    with sb.client() as made:
        yield made


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine in an event loop of its own."""
    return asyncio.run


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture
def python() -> str:
    """The interpreter, for child processes."""
    return sys.executable


class FakeTable:
    """A decoded hunting result without a service, so that results can be tested with values that no seeded tenant has."""

    def __init__(self, schema: list[tuple[str, str]], rows: list[list[Any]], **facts: Any) -> None:
        self.schema = schema
        self.data = rows
        self.api = "graph"
        self.query = "T"
        self.elapsed = 0.25
        self.request_ids = ["r-1"]
        self.stats = {"requests": 1, "retries": 0, "waited": 0.0, "bytes": 100, "service": None}
        self.truncated: tuple[str, str] | None = None
        self.window = (None, None)
        self.__dict__.update(facts)

    def __len__(self) -> int:
        return len(self.data)

    def row(self, i: int) -> dict[str, Any]:
        return dict(zip([name for name, _ in self.schema], self.data[i]))

    def rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        return [self.row(i) for i in range(start, stop)]

    def arrow_types(self) -> list[str]:
        return ["Utf8View" if type_ in ("String", "Object") else "typed" for _, type_ in self.schema]

    def column(self, i: int) -> list[Any]:
        return [row[i] for row in self.data]


@pytest.fixture
def table() -> type[FakeTable]:
    """The class of fake tables."""
    return FakeTable
