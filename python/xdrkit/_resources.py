"""What the generated resource classes stand on."""

from __future__ import annotations

from .results import AsyncPages, HuntResult, Pages

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import timedelta
    from types import FrameType
    from typing import Any, FrozenSet, List, Set, Tuple, Union

    from . import _core
    from ._policy import Policy

    Seconds = Union[float, timedelta]
    # Several ids; a text is one.
    Ids = Union[List[Any], Tuple[Any, ...], Set[Any], FrozenSet[Any]]


# What is no timedelta, as almost every value; so `datetime` is loaded by those alone who have used it.
_PLAIN = frozenset((str, int, float, bool, bytes, dict, list, tuple))


def is_span(value: Any) -> bool:
    """Whether it is a timedelta."""
    if type(value) in _PLAIN:
        return False
    from datetime import timedelta

    return isinstance(value, timedelta)


def seconds(value: Any) -> Any:
    """A timedelta in seconds; anything else as it is, for Rust to judge."""
    return value.total_seconds() if is_span(value) else value


def given(**values: Any) -> dict[str, Any]:
    """The options that were given: None means "leave it out" everywhere."""
    return {name: seconds(value) for name, value in values.items() if value is not None}


def wire(**values: Any) -> dict[str, Any]:
    """The arguments that were given, in the form that Rust takes: a timedelta is how long ago."""
    return {
        name: f"{abs(value.total_seconds()):f}s" if is_span(value) else value
        for name, value in values.items()
        if value is not None
    }


class Resource:
    """Methods of one resource. Made by the client."""

    __slots__ = ("_core", "_policy")

    def __init__(self, core: _core.Client, policy: Policy | None = None) -> None:
        self._core = core
        self._policy = policy

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._core.tenant_id}>"

    def _call(self, operation: str, arguments: dict[str, Any], **options: Any) -> Any:
        if self._policy is not None:
            return self._run("guard", "call", operation, wire(**arguments), given(**options) or None)
        return self._core.call(operation, wire(**arguments), given(**options) or None)

    def _list(self, operation: str, arguments: dict[str, Any], **options: Any) -> Any:
        return listed(self._call(operation, arguments, **options))

    def _pages(self, operation: str, arguments: dict[str, Any], **options: Any) -> Pages[Any]:
        # The names of what was not given tell what the list takes.
        known = {**dict.fromkeys(arguments), **wire(**arguments)}
        if is_expanding(operation, arguments):
            from ._expand import ExpandedPages

            return ExpandedPages(self._core, operation, known, given(**options))
        return Pages(self._core, operation, known, given(**options))

    def _hunt(self, api: str, arguments: dict[str, Any], **options: Any) -> HuntResult:
        query = arguments.pop("query")
        return HuntResult._finished(self._core.hunt(query, given(api=api, **arguments, **options)), stacklevel=4)

    def _request(self, method: str, path: str, options: dict[str, Any]) -> Any:
        if self._policy is not None:
            return self._run("guard", "request", method, path, options)
        return self._core.request(method, path, options)

    def _change(self, operation: str, ids: Any, arguments: dict[str, Any], **options: Any) -> Any:
        return self._run("actions", "change", operation, ids, wire(**arguments), **options)

    def _run(self, module: str, function: str, *arguments: Any, **options: Any) -> Any:
        from ._flow import run

        return run(self._core, self._flow(module, function, *arguments, **options))

    def _stream(self, module: str, function: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        from ._flow import iterate

        return iterate(self._core, self._flow(module, function, *arguments, **options))

    def _flow(self, module: str, function: str, *arguments: Any, **options: Any) -> Any:
        from importlib import import_module

        flow = getattr(import_module(f"xdrkit._flows.{module}"), function)(self, *arguments, **options)
        if self._policy is None:
            return flow
        from ._flows.guard import guarded

        return guarded(self, flow)


class AsyncResource(Resource):
    """Methods of one resource, as coroutines. Made by the client."""

    __slots__ = ()

    async def _call(self, operation: str, arguments: dict[str, Any], **options: Any) -> Any:
        if self._policy is not None:
            return await self._run("guard", "call", operation, wire(**arguments), given(**options) or None)
        return await self._core.call_async(operation, wire(**arguments), given(**options) or None)

    async def _list(self, operation: str, arguments: dict[str, Any], **options: Any) -> Any:
        return listed(await self._call(operation, arguments, **options))

    def _pages(self, operation: str, arguments: dict[str, Any], **options: Any) -> AsyncPages[Any]:  # type: ignore[override]
        # The names of what was not given tell what the list takes.
        known = {**dict.fromkeys(arguments), **wire(**arguments)}
        if is_expanding(operation, arguments):
            from ._expand import AsyncExpandedPages

            return AsyncExpandedPages(self._core, operation, known, given(**options))
        return AsyncPages(self._core, operation, known, given(**options))

    async def _hunt(self, api: str, arguments: dict[str, Any], **options: Any) -> HuntResult:  # type: ignore[override]
        query = arguments.pop("query")
        return HuntResult._finished(
            await self._core.hunt_async(query, given(api=api, **arguments, **options)), stacklevel=4
        )

    async def _request(self, method: str, path: str, options: dict[str, Any]) -> Any:
        if self._policy is not None:
            return await self._run("guard", "request", method, path, options)
        return await self._core.request_async(method, path, options)

    async def _change(self, operation: str, ids: Any, arguments: dict[str, Any], **options: Any) -> Any:
        return await self._run("actions", "change", operation, ids, wire(**arguments), **options)

    async def _run(self, module: str, function: str, *arguments: Any, **options: Any) -> Any:
        from ._flow import run_async

        return await run_async(self._core, self._flow(module, function, *arguments, **options))

    def _stream(self, module: str, function: str, *arguments: Any, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        from ._flow import iterate_async

        return iterate_async(self._core, self._flow(module, function, *arguments, **options))


def warn_of_unknown_member(text: str) -> None:
    """Warns at the line outside this package that made the call."""
    import sys
    import warnings

    from .errors import UnknownMemberWarning

    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "xdrkit":
        frame, level = frame.f_back, level + 1
    warnings.warn(text, UnknownMemberWarning, stacklevel=level)


def is_expanding(operation: str, arguments: dict[str, Any]) -> bool:
    """Whether the service may fail to do so at once, so that `_expand` is needed."""
    return operation == "graph.incidents.list" and bool(arguments.get("expand"))


def listed(answer: Any) -> Any:
    """The items of an answer that is a list."""
    return answer.get("value", []) if isinstance(answer, dict) else answer or []
