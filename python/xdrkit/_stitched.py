"""A hunting result of several pieces, and the plan of one."""

from __future__ import annotations

from collections.abc import Sequence

from ._hunted import HuntResult

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any, overload

    from . import _core


class StitchedResult(HuntResult):
    """What a hunt found that was asked for in pieces, or lay in a cache: the rows are one table, the facts are those of all of it."""

    __slots__ = ("_facts",)

    def __init__(self, table: _core.Table, facts: dict[str, Any], *, parse_dates: bool = False) -> None:
        super().__init__(table, parse_dates=parse_dates)
        self._facts = facts

    @property
    def api(self) -> str:
        return str(self._facts["api"])

    @property
    def kql(self) -> str:
        return str(self._facts["kql"])

    @property
    def elapsed(self) -> float:
        return float(self._facts["elapsed"])

    @property
    def request_ids(self) -> list[str]:
        return list(self._facts["request_ids"])

    @property
    def stats(self) -> dict[str, Any]:
        return dict(self._facts["stats"])

    @property
    def truncated(self) -> Any:
        return self._facts["truncated"]

    @property
    def window(self) -> tuple[str | None, str | None]:
        return self._facts["window"]  # type: ignore[no-any-return]

    @property
    def missing(self) -> list[Any]:
        return list(self._facts["missing"])


def about(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts in the words in which a file keeps them."""
    since, until = facts["window"]
    stats, truncated = facts["stats"], facts["truncated"]
    told = {
        "api": facts["api"],
        "query": facts["kql"],
        "since": since,
        "until": until,
        "elapsed": facts["elapsed"],
        "request_ids": facts["request_ids"],
        "requests": stats["requests"],
        "waited": stats["waited"],
        "bytes": stats["bytes"],
        "stats": stats["service"],
        "truncated": None if truncated is None else truncated.reason,
        "missing": [one if isinstance(one, str) else list(one) for one in facts["missing"]] or None,
    }
    return {name: value for name, value in told.items() if value is not None}


class HuntPlan(Sequence["tuple[str | None, str | None]"]):
    """What a hunt would ask for: a sequence of its windows, each with its first moment and the first moment after it.

    Attributes:
        calls: How many calls it takes if no piece has to be halved.
        seconds: How long the service's limits on calls hold it up from now on; the queries' own time comes on top.
    """

    windows: list[tuple[str | None, str | None]]
    calls: int
    seconds: float

    def __init__(self, windows: list[tuple[str | None, str | None]], seconds: float) -> None:
        self.windows = windows
        self.calls = len(windows)
        self.seconds = seconds

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> tuple[str | None, str | None]: ...
        @overload
        def __getitem__(self, index: slice) -> list[tuple[str | None, str | None]]: ...

    def __getitem__(self, index: Any) -> Any:
        return self.windows[index]

    def __len__(self) -> int:
        return len(self.windows)

    def __repr__(self) -> str:
        return f"<HuntPlan: {self}>"

    def __str__(self) -> str:
        windows = "1 window" if self.calls == 1 else f"{self.calls:,} windows"
        return f"{windows}, {_about(self.seconds)}"


def _about(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 1:
        return "no waiting for quotas"
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size:
            return (
                f"about {seconds / size:.0f} {unit}" if seconds >= 10 * size else f"about {seconds / size:.1g} {unit}"
            )
    return f"about {seconds:.0f} s"
