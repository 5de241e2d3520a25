"""Several hunts at once, each with an outcome of its own."""

from __future__ import annotations

from ._asked import ask, check_concurrency
from ._flow import Ask, Step
from ._hunted import HuntResult
from ._hunting import _warn, hunt
from ._policy import Outcome, Outcomes
from .errors import InvalidArgumentError, XdrError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Union

    from . import _core
    from ._asked import Asked
    from ._flow import Flow

    Found = dict[str, Union[HuntResult, XdrError]]

_ALLOWED = (
    "query",
    "since",
    "until",
    "around",
    "window",
    "timespan",
    "params",
    "split",
    "split_by",
    "merge",
    "floor",
    "cache",
    "api",
    "timeout",
    "deadline",
    "parse_dates",
)
_MODES = ("raise", "collect")
_AHEAD = 4


class _Found(Outcome["HuntResult"]):
    """An outcome that can be pickled: a result stays in its process, its rows need not."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Outcome, (self.id, self.value.rows if self.ok else None, self.error)


def asked_of(queries: Any, shared: dict[str, Any]) -> dict[str, Asked]:
    """Each query with its arguments, checked before anything is sent."""
    try:
        given = dict(queries)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            "queries: must be a dict from name to KQL text, or to dict(query=..., since=...)", argument="queries"
        ) from None
    found = {}
    for name, one in given.items():
        arguments = {"query": one} if isinstance(one, str) else one
        try:
            found[name] = ask(**{**shared, **_known(arguments)})
        except InvalidArgumentError as error:
            error.message = f"queries[{name!r}]: {error.message}"
            error.args = (error.message,)
            raise
    return found


def _known(arguments: Any) -> dict[str, Any]:
    if not hasattr(arguments, "keys"):
        raise InvalidArgumentError(
            f"must be KQL text or a dict with a query, not {type(arguments).__name__}", argument="queries"
        )
    unknown = [key for key in arguments if key not in _ALLOWED]
    if unknown:
        raise InvalidArgumentError(
            f"{unknown[0]!r} is not allowed; it is one of {', '.join(_ALLOWED)}", argument="queries", allowed=_ALLOWED
        )
    if "query" not in arguments:
        raise InvalidArgumentError("has no query", argument="queries")
    return {key: value for key, value in arguments.items() if value is not None}


def hunt_many(
    core: _core.Client,
    hunts: dict[str, Asked],
    concurrency: Any,
    on_error: Any,
    progress: Callable[..., Any] | None = None,
) -> Flow[Found]:
    """Runs them all: those of one request side by side, then those in pieces one after the other."""
    if on_error not in _MODES:
        raise InvalidArgumentError(
            f'on_error: {on_error!r} is not allowed; it is "raise" or "collect"', argument="on_error", allowed=_MODES
        )
    check_concurrency(concurrency)
    found: dict[str, Any] = {}
    rows = 0
    plain = [name for name, asked in hunts.items() if asked.pieces is None and asked.cache is None]
    for start in range(0, len(plain), concurrency * _AHEAD):
        names = plain[start : start + concurrency * _AHEAD]
        queries = [(hunts[name].query, hunts[name].options()) for name in names]
        outcomes = yield Step("hunt_many", queries, concurrency)
        for name, outcome in zip(names, outcomes):
            if isinstance(outcome, BaseException):
                if not isinstance(outcome, XdrError):
                    raise outcome
                found[name] = outcome
                continue
            found[name] = HuntResult(outcome, parse_dates=hunts[name].parse_dates)
            _warn(found[name])
            rows += len(outcome)
        if progress is not None:
            yield Ask(progress, len(found), len(hunts), rows)
    for name, asked in hunts.items():
        if name in found:
            continue
        try:
            found[name] = yield from hunt(core, asked)
            rows += len(found[name])
        except XdrError as error:
            found[name] = error
        if progress is not None:
            yield Ask(progress, len(found), len(hunts), rows)
    ordered = {name: found[name] for name in hunts}
    if on_error == "raise":
        Outcomes(
            _Found(name, error=one) if isinstance(one, XdrError) else _Found(name, one) for name, one in ordered.items()
        ).raise_for_failed()
    return ordered
