"""What guards and records calls that change something, and what came of such calls.

A client that was given `confirm`, `allow_device_groups`, `on_action` or `dry_run` has a `Policy`. `_guard.py` keeps to it.
"""

from __future__ import annotations

import os

from ._light import Generic, Sequence, TypeVar, overload
from .errors import ConfigurationError, PartialFailureError, XdrError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

T = TypeVar("T")

__all__ = ["Outcome", "Outcomes", "Plan", "Policy"]

# Rows that a repr shows, and rows of an HTML table.
_SHOWN = 10
_TABLE = 100


class Outcome(Generic[T]):
    """What came of one of several calls.

    Attributes:
        id: The id that was given.
        value: What the service answered, if all went well.
        error: What went wrong, or None.
        attached: Whether `value` is an action that somebody had begun before (``if_active="attach"``).
        found: Whether the answer was lost, and what came of the call was found out by looking.
    """

    __slots__ = ("attached", "error", "found", "id", "value")

    def __init__(
        self,
        id: Any,
        value: T | None = None,
        error: XdrError | None = None,
        *,
        attached: bool = False,
        found: bool = False,
    ) -> None:
        self.id: Any = id
        self.value: T = value  # type: ignore[assignment]  # whoever reads it has seen that it is ok
        self.error: XdrError | None = error
        self.attached: bool = attached
        self.found: bool = found

    @property
    def ok(self) -> bool:
        """Whether it went well."""
        return self.error is None

    def __repr__(self) -> str:
        marks = "".join(f", {name}=True" for name in ("attached", "found") if getattr(self, name))
        what = f"error={self.error!r}" if self.error is not None else f"value={self.value!r}"
        return f"Outcome(id={self.id!r}, {what}{marks})"


class Outcomes(Sequence["Outcome[T]"]):
    """What came of several calls, one `Outcome` for each id, in the order in which they were given.

    An id that was given twice is acted on once, and stands here once.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[Outcome[T]]) -> None:
        self._items = tuple(items)

    @property
    def ok(self) -> list[Outcome[T]]:
        """Those that went well."""
        return [one for one in self._items if one.error is None]

    @property
    def failed(self) -> list[Outcome[T]]:
        """Those that did not."""
        return [one for one in self._items if one.error is not None]

    def values(self) -> list[T]:
        """What the service answered, of those that went well."""
        return [one.value for one in self._items if one.error is None]

    def raise_for_failed(self) -> None:
        """Raise what failed, if anything did.

        Raises:
            PartialFailureError: some failed; `outcomes` has all. Of a single id: its own error.
        """
        failed = self.failed
        if not failed:
            return
        if len(self._items) == 1 and failed[0].error is not None:
            raise failed[0].error
        first = "; ".join(f"{one.id}: {_brief(one.error)}" for one in failed[:3])
        more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
        raise PartialFailureError(
            f"{len(failed)} of {len(self._items)} failed: {first}{more}",
            outcomes=self,
            retryable=all(one.error is not None and one.error.retryable for one in failed),
            hint="`outcomes.ok` and `outcomes.failed` say which; what went well has happened",
        )

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Outcome[T]: ...
    @overload
    def __getitem__(self, index: slice) -> Outcomes[T]: ...
    def __getitem__(self, index: int | slice) -> Outcome[T] | Outcomes[T]:
        return Outcomes(self._items[index]) if isinstance(index, slice) else self._items[index]

    def __repr__(self) -> str:
        head = f"<Outcomes: {len(self.ok)} ok, {len(self.failed)} failed"
        rows = [f"  {one.id}: {_said(one)}" for one in (self.failed + self.ok)[:_SHOWN]]
        more = [f"  … {len(self) - _SHOWN} more"] if len(self) > _SHOWN else []
        return "\n".join([head, *rows, *more]) + ">"

    def _repr_html_(self) -> str:
        rows = [(one.id, "ok" if one.ok else "failed", _said(one)) for one in self._items[:_TABLE]]
        return _html(f"{len(self.ok)} ok, {len(self.failed)} failed", ("id", "", "what came of it"), rows, len(self))


class Plan(Sequence["dict[str, Any]"]):
    """What a call would send: a dict for each request, with nothing sent.

    Each has `id`, `method`, `url`, `body`, `allowed` and, where the client has an allow list, `device_group`; what is not
    allowed has a `reason`. Values of members such as a password show as ``***``.

    Attributes:
        operation: The operation's id, or method and path of a request.
        effect: ``"acts"`` for what cannot be taken back by sending the opposite value, else ``"changes"``.
    """

    __slots__ = ("_items", "effect", "operation")

    def __init__(self, operation: str, effect: str, items: Iterable[dict[str, Any]]) -> None:
        self.operation: str = operation
        self.effect: str = effect
        self._items = tuple(items)

    @property
    def allowed(self) -> list[dict[str, Any]]:
        """What would be sent."""
        return [one for one in self._items if one["allowed"]]

    @property
    def refused(self) -> list[dict[str, Any]]:
        """What would not: each has a `reason`."""
        return [one for one in self._items if not one["allowed"]]

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Sequence[dict[str, Any]]:
        return self._items[index]

    def __repr__(self) -> str:
        return "\n".join([f"<Plan: {self._head()}", *self._lines()]) + ">"

    def _repr_html_(self) -> str:
        rows = [
            ("" if one["id"] is None else one["id"], _request(one), one.get("reason") or one.get("device_group") or "")
            for one in self._items[:_TABLE]
        ]
        return _html(self._head(), ("id", "request", "device group, or why it would be refused"), rows, len(self))

    def _head(self) -> str:
        refused = f", {len(self.refused)} would be refused" if self.refused else ""
        return f"{self.operation}, {len(self.allowed)} to send{refused}"

    def _lines(self) -> list[str]:
        lines = [
            f"  {_request(one)}" + ("" if one["allowed"] else f"  REFUSED: {one['reason']}")
            for one in self._items[:_SHOWN]
        ]
        return lines + ([f"  … {len(self) - _SHOWN} more"] if len(self) > _SHOWN else [])


class Policy:
    """What a client was told about calls that change something. Made by the client from its arguments."""

    __slots__ = ("confirm", "device_groups", "dry_run", "on_action")

    def __init__(
        self,
        confirm: Callable[[Plan], Any] | None = None,
        allow_device_groups: Iterable[str] | None = None,
        on_action: Callable[[dict[str, Any]], Any] | str | os.PathLike[str] | None = None,
        dry_run: bool = False,
    ) -> None:
        self.confirm = confirm
        self.device_groups = None if allow_device_groups is None else tuple(allow_device_groups)
        self.on_action = on_action if on_action is None or callable(on_action) else os.fspath(on_action)
        self.dry_run = dry_run

    @classmethod
    def of(
        cls, confirm: Any, allow_device_groups: Any, on_action: Any, dry_run: Any, *, is_async: bool
    ) -> Policy | None:
        """The policy of a client's arguments, each checked; None if nothing was asked for."""
        if confirm is None and allow_device_groups is None and on_action is None and dry_run is False:
            return None
        if not isinstance(dry_run, bool):
            raise _wrong("dry_run", f"{dry_run!r} is not allowed; it is True or False")
        if confirm is not None and not callable(confirm):
            raise _wrong("confirm", "is a function that is given a Plan and answers True or False")
        if on_action is not None and not callable(on_action):
            if not isinstance(on_action, (str, os.PathLike)):
                raise _wrong(
                    "on_action", "is a function that is given a dict, or the path of a file to append lines to"
                )
            if isinstance(os.fspath(on_action), bytes) or not os.fspath(on_action):
                raise _wrong("on_action", f"{on_action!r} is no path")
        for name, function in (("confirm", confirm), ("on_action", on_action)):
            if not is_async and _is_coroutine(function):
                raise _wrong(name, "is a coroutine function, which only an AsyncClient can wait for")
        if allow_device_groups is not None:
            if isinstance(allow_device_groups, (str, bytes)):
                raise _wrong("allow_device_groups", "is a list of names, not one text")
            allow_device_groups = tuple(allow_device_groups)
            if not all(isinstance(name, str) and name for name in allow_device_groups):
                raise _wrong("allow_device_groups", "is a list of names of device groups")
        return cls(confirm, allow_device_groups, on_action, dry_run)

    def __repr__(self) -> str:
        told = [
            *(["confirm"] if self.confirm is not None else []),
            *([f"allow_device_groups={list(self.device_groups)!r}"] if self.device_groups is not None else []),
            *(["on_action"] if self.on_action is not None else []),
            *(["dry_run"] if self.dry_run else []),
        ]
        return f"<Policy {', '.join(told)}>"


def _wrong(name: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"{name}: {message}", argument=name)


def _is_coroutine(function: Any) -> bool:
    if function is None or not callable(function):
        return False
    # `inspect` is slow to import: only those who give a function need it.
    from inspect import iscoroutinefunction

    return iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)


def _brief(error: BaseException | None) -> str:
    """An error on one line."""
    text = error.message if isinstance(error, XdrError) else str(error)
    return f"{type(error).__name__}: {' '.join(text.split())[:200]}"


def _said(one: Outcome[Any]) -> str:
    """What came of one call, on one line."""
    if one.error is not None:
        return _brief(one.error)
    marks = [name for name in ("attached", "found") if getattr(one, name)]
    value = one.value
    if isinstance(value, dict):
        facts = [f"{key} {value[key]}" for key in ("id", "type", "status") if value.get(key) is not None]
        return ", ".join([*facts, *marks]) or "ok"
    return ", ".join(["ok", *marks])


def _request(one: dict[str, Any]) -> str:
    """A request of a plan, on one line."""
    if one["body"] is None:
        return f"{one['method']} {one['url']}"
    from json import dumps

    return f"{one['method']} {one['url']} {dumps(one['body'], ensure_ascii=False, default=str)}"


def _html(head: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], total: int) -> str:
    from html import escape

    def row(tag: str, cells: Sequence[Any]) -> str:
        shown = "".join(f'<{tag} style="text-align:left">{escape(str(cell))}</{tag}>' for cell in cells)
        return f"<tr>{shown}</tr>"

    more = f"<div><small>{total - len(rows):,} more</small></div>" if total > len(rows) else ""
    body = "".join(row("td", cells) for cells in rows)
    return f"<div><div><b>{escape(head)}</b></div><table>{row('th', columns)}{body}</table>{more}</div>"
