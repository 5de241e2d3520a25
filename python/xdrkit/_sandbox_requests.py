"""What a sandbox was asked, and assertions over it."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypedDict

    from . import _core

    class RequestRecord(TypedDict):
        """One request that reached the sandbox. Never a secret or token."""

        number: int
        at: str
        method: str
        path: str
        query: str
        status: int
        operation: str | None
        service: str | None
        user: str | None
        duration_us: int
        authorization: bool
        body_bytes: int
        body: Any
        fault: int | None

    _Records = list[RequestRecord]
else:
    _Records = list


class Requests(_Records):
    """What was asked up to now, in order: a list of dicts, and what tests ask of it.

    ``body`` is what was sent to an operation, as JSON; what its names say to be secret is covered, and bodies over 256 KiB are
    not kept. ``fault`` is the id of the fault that the request met, ``status`` 0 if there was no answer.
    """

    def __init__(self, core: _core.Sandbox, records: Iterable[RequestRecord]) -> None:
        super().__init__(records)
        self._core = core

    def of(self, operation: str) -> Requests:
        """Those for an operation: its id, or a pattern such as ``"machines.*"``.

        Raises:
            InvalidArgumentError: it fits no operation at all.
        """
        from fnmatch import fnmatchcase

        self._core.check_operation(operation)
        fits = (record for record in self if record["operation"] and fnmatchcase(record["operation"], operation))
        return Requests(self._core, fits)

    @property
    def unmatched(self) -> Requests:
        """Those for which the sandbox has nothing: no operation, no sign-in, no file."""
        return Requests(self._core, (record for record in self if record["service"] is None))

    def assert_called(
        self, operation: str, *, times: int | None = None, body: Mapping[str, Any] | None = None
    ) -> Requests:
        """Fail unless an operation was called.

        Args:
            operation: Its id, or a pattern such as ``"machines.*"``.
            times: How often, exactly; 0: never. Default: at least once.
            body: What was sent with it, at least: members of the body with their values, objects within it alike.

        Returns:
            The requests that fit.

        Raises:
            AssertionError: it was not called so; it says what was.
            InvalidArgumentError: no operation is called so.
        """
        called = self.of(operation)
        fit = (
            called
            if body is None
            else Requests(self._core, (record for record in called if _holds(record["body"], body)))
        )
        if len(fit) == times or (times is None and fit):
            return fit
        wanted = "at least once" if times is None else f"{times} times"
        with_body = "" if body is None else f" with {dict(body)!r}"
        if body is not None and called:
            seen = f"; it was sent {[record['body'] for record in called]!r}"
        else:
            seen = f"; called were {[record['operation'] for record in self if record['operation']]!r}"
        raise AssertionError(f"{operation} was to be called {wanted}{with_body}, and was {len(fit)} times{seen}")

    def clear(self) -> None:
        """Forget them, here and in the sandbox."""
        self._core.clear_requests()
        super().clear()


def _holds(given: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) or hasattr(wanted, "items"):
        return isinstance(given, dict) and all(name in given and _holds(given[name], wanted[name]) for name in wanted)
    return bool(given == wanted)
