"""One test for both clients: a face calls a method of the blocking client, or awaits that of the async one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest

import xdrkit


class Face:
    """A client whose methods are called by name, `face("machines.isolate", id, comment="x")`, whichever client it is."""

    def __init__(self, sb: xdrkit.Sandbox, is_async: bool, **options: Any) -> None:
        self.is_async = is_async
        self.client: Any = (sb.async_client if is_async else sb.client)(_virtual_clock=True, **options)
        self.loop = asyncio.new_event_loop() if is_async else None

    def __call__(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        return self.of(self.client, name, *arguments, **options)

    def of(self, client: Any, name: str, /, *arguments: Any, **options: Any) -> Any:
        """The same with another client of this kind."""
        answer = reduce(getattr, name.split("."), client)(*arguments, **options)
        if self.loop is not None and inspect.isawaitable(answer):
            return self.loop.run_until_complete(_awaited(answer))
        return answer

    def all(self, name: str, /, *arguments: Any, **options: Any) -> list[Any]:
        """Every item of a list."""
        pages = reduce(getattr, name.split("."), self.client)(*arguments, **options)
        found: list[Any] = (
            pages.collect() if self.loop is None else self.loop.run_until_complete(_awaited(pages.collect()))
        )
        return found

    def all_of(self, name: str, /, *arguments: Any, **options: Any) -> list[Any]:
        """Everything that an iterator gives."""
        found = reduce(getattr, name.split("."), self.client)(*arguments, **options)
        if self.loop is None:
            return list(found)

        async def collect() -> list[Any]:
            return [item async for item in found]

        return self.loop.run_until_complete(collect())

    def close(self) -> None:
        if self.loop is None:
            self.client.close()
        else:
            self.loop.run_until_complete(self.client.aclose())
            self.loop.close()


async def _awaited(answer: Any) -> Any:
    return await answer


class Faces:
    """Makes faces of one kind, and closes them."""

    def __init__(self, sb: xdrkit.Sandbox, is_async: bool) -> None:
        self.sb, self.is_async = sb, is_async
        self.made: list[Face] = []

    def __call__(self, **options: Any) -> Face:
        self.made.append(Face(self.sb, self.is_async, **options))
        return self.made[-1]


@pytest.fixture(params=["sync", "async"])
def faces(request: pytest.FixtureRequest, sb: xdrkit.Sandbox) -> Iterator[Faces]:
    """Clients with options of the test's own."""
    made = Faces(sb, request.param == "async")
    yield made
    for face in made.made:
        face.close()


@pytest.fixture
def face(faces: Faces) -> Face:
    """A client in application context, on a clock whose waits pass at once."""
    return faces()


def machine_ids(face: Face, count: int = 3) -> list[str]:
    """Some machines."""
    return [machine["id"] for machine in face.all("machines.list", top=count)]


def operations_of(sb: xdrkit.Sandbox, *leave_out: str) -> list[str]:
    """What the sandbox was asked."""
    return [r["operation"] for r in sb.requests if r["operation"] and r["operation"] not in leave_out]
