"""Helpers that need several requests, written once for both clients.

A flow is a generator: it yields what it wants done (a `Step`), is sent what came of it, and returns its result. It never
waits and never sends, so that the same text runs under the blocking client and under asyncio. A stream is a flow that
also yields `Emit`: what it finds on the way.
"""

from __future__ import annotations

from ._light import Generic, TypeVar

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator
    from typing import Any

    from . import _core

T = TypeVar("T")

if TYPE_CHECKING:
    Flow = Generator["Step | Ask", Any, T]
    Stream = Generator["Step | Ask | Emit[T]", Any, None]
else:  # for annotations alone, but the flows import them by name
    Flow = Stream = None


class Step:
    """Something that the native client does: a method that has an ``_async`` twin."""

    __slots__ = ("arguments", "method", "target")

    def __init__(self, method: str, *arguments: Any, target: Any = None) -> None:
        self.method = method
        self.arguments = arguments
        self.target = target  # None: the client itself

    def run(self, core: _core.Client) -> Any:
        return getattr(self.target or core, self.method)(*self.arguments)

    async def run_async(self, core: _core.Client) -> Any:
        return await getattr(self.target or core, self.method + "_async")(*self.arguments)


class Ask:
    """A function of the user's, which may be a coroutine function under asyncio."""

    __slots__ = ("arguments", "function")

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def run(self, core: _core.Client) -> Any:
        return self.function(*self.arguments)

    async def run_async(self, core: _core.Client) -> Any:
        from inspect import isawaitable

        answer = self.function(*self.arguments)
        return await answer if isawaitable(answer) else answer


class Work(Ask):
    """Something that this computer does for a while: on a thread of its own under asyncio."""

    __slots__ = ()

    async def run_async(self, core: _core.Client) -> Any:
        import asyncio

        return await asyncio.to_thread(self.function, *self.arguments)


class Emit(Generic[T]):
    """An item that a stream has found."""

    __slots__ = ("item",)

    def __init__(self, item: T) -> None:
        self.item = item


def call(operation: str, options: dict[str, Any] | None = None, /, **arguments: Any) -> Step:
    """One call of an operation; None means "leave it out"."""
    return Step("call", operation, {k: v for k, v in arguments.items() if v is not None}, options)


def call_many(operation: str, arguments: list[dict[str, Any]], concurrency: int = 8) -> Step:
    """One call for each; the answer is a list with the answer of each, or its exception."""
    return Step("call_many", operation, arguments, concurrency)


def sleep(seconds: float) -> Step:
    """A wait on the client's clock."""
    return Step("sleep", seconds)


def next_page(cursor: _core.PageCursor) -> Step:
    """The next page of a walk that `core.pages()` began; None at the end."""
    return Step("next", target=cursor)


def run(core: _core.Client, flow: Flow[T]) -> T:
    """Runs a flow to its end."""
    value, error = None, None
    while True:
        try:
            step = flow.throw(error) if error is not None else flow.send(value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        value, error = None, None
        try:
            value = step.run(core)
        except BaseException as e:  # noqa: BLE001 - the flow decides what it means, Ctrl-C included
            error = e


async def run_async(core: _core.Client, flow: Flow[T]) -> T:
    """Runs a flow to its end, as a coroutine."""
    value, error = None, None
    while True:
        try:
            step = flow.throw(error) if error is not None else flow.send(value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        value, error = None, None
        try:
            value = await step.run_async(core)
        except BaseException as e:  # noqa: BLE001 - the flow decides what it means, cancellation included
            error = e


def iterate(core: _core.Client, stream: Stream[T]) -> Iterator[T]:
    """The items of a stream."""
    value, error = None, None
    try:
        while True:
            try:
                step = stream.throw(error) if error is not None else stream.send(value)
            except StopIteration:
                return
            value, error = None, None
            if isinstance(step, Emit):
                yield step.item
                continue
            try:
                value = step.run(core)
            except BaseException as e:  # noqa: BLE001 - as above
                error = e
    finally:
        stream.close()


async def iterate_async(core: _core.Client, stream: Stream[T]) -> AsyncIterator[T]:
    """The items of a stream, for ``async for``."""
    value, error = None, None
    try:
        while True:
            try:
                step = stream.throw(error) if error is not None else stream.send(value)
            except StopIteration:
                return
            value, error = None, None
            if isinstance(step, Emit):
                yield step.item
                continue
            try:
                value = await step.run_async(core)
            except BaseException as e:  # noqa: BLE001 - as above
                error = e
    finally:
        stream.close()
