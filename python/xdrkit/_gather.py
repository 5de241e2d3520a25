"""The pieces of a hunt while it runs: what to ask next, and what came of each.

A piece that was cut off, or was too large or too slow for the service, is thrown away and halved. At the floor the rows of one that was cut
off are kept and it is told; any other becomes missing, and that is told, too. Nothing here waits or sends.
"""

from __future__ import annotations

from ._split import Piece
from .errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ClosedError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidArgumentError,
    LimitExceededError,
    PermissionDeniedError,
    UnauthorizedError,
    XdrError,
)

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# What would happen to every other piece as well.
_FATAL = (
    AuthenticationError,
    BadRequestError,
    ClosedError,
    ConfigurationError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnauthorizedError,
)
_TRIES = 2
# So many failures without any success are the service's, not a piece's.
_IN_A_ROW = 24


class Slot:
    """One piece and what came of it."""

    __slots__ = ("cut", "error", "piece", "table", "tries")

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.table: Any = None
        # Why its rows are not all, at the floor.
        self.cut: str | None = None
        self.error: XdrError | None = None
        self.tries = 0

    @property
    def is_open(self) -> bool:
        """Whether it is to be asked (again)."""
        return self.table is None and self.tries < _TRIES


class Gather:
    """All pieces, in order."""

    def __init__(self, pieces: Iterable[Piece], floor: int) -> None:
        self.slots = [Slot(piece) for piece in pieces]
        self.floor = floor
        self.failures = 0
        self.fatal: XdrError | None = None
        self.rows = 0
        self.tally = Tally()

    def next(self, most: int, *, in_order: bool = False) -> list[Slot]:
        """The next slots to ask for: those that failed once come after the others, unless they are wanted in order."""
        if self.fatal is not None:
            return []
        waiting = [slot for slot in self.slots if slot.is_open]
        if not in_order:
            waiting.sort(key=lambda slot: slot.tries)
            waiting = [slot for slot in waiting if slot.tries == waiting[0].tries]
        return waiting[:most]

    def settle(self, slot: Slot, outcome: Any, truncated: str | None) -> None:
        """Takes in what came of a slot: a table, with why it was cut off if it was, or an error."""
        if not isinstance(outcome, BaseException):
            self.tally.add(outcome)
            self.failures = 0
            if truncated is not None and self._halve(slot):
                return
            slot.table, slot.cut, slot.error = outcome, truncated, None
            self.rows += len(outcome)
            return
        if not isinstance(outcome, XdrError):
            raise outcome
        self.tally.failed(outcome)
        self.failures += 1
        limit = limit_of(outcome)
        if limit is not None and self.failures < _IN_A_ROW and self._halve(slot):
            return
        slot.error = outcome
        slot.tries = _TRIES if limit is not None else slot.tries + 1
        if (limit is None and isinstance(outcome, _FATAL)) or self.failures >= _IN_A_ROW:
            self.fatal = outcome

    def give_up(self, error: XdrError) -> None:
        """Nothing more is asked for."""
        self.fatal = error

    def _halve(self, slot: Slot) -> bool:
        halves = slot.piece.halves(self.floor)
        if halves is None:
            return False
        at = self.slots.index(slot)
        self.slots[at : at + 1] = [Slot(half) for half in halves]
        return True

    @property
    def done(self) -> list[Slot]:
        """Those that have their rows, in order."""
        return [slot for slot in self.slots if slot.table is not None]

    @property
    def missing(self) -> list[Slot]:
        """Those that have none."""
        return [slot for slot in self.slots if slot.table is None]

    def error_of(self, slot: Slot) -> XdrError:
        """Why a slot is missing."""
        error = slot.error or self.fatal
        return error if error is not None else XdrError("was not asked for")


class Tally:
    """What all requests of a hunt together took."""

    __slots__ = ("bytes", "cached", "request_ids", "requests", "retries", "service", "waited")

    def __init__(self) -> None:
        self.requests = self.retries = self.bytes = self.cached = 0
        self.waited = 0.0
        self.request_ids: list[str] = []
        self.service: list[Any] = []

    def add(self, table: Any) -> None:
        """One answer."""
        stats = table.stats if isinstance(table.stats, dict) else {}
        for name in ("requests", "retries", "bytes", "waited", "cached"):
            setattr(self, name, getattr(self, name) + (stats.get(name) or 0))
        self.request_ids += table.request_ids
        if stats.get("service") is not None:
            self.service.append(stats["service"])

    def failed(self, error: XdrError) -> None:
        """One that ended in an error."""
        self.requests += error.attempts
        self.retries += max(error.attempts - 1, 0)
        if error.request_id is not None:
            self.request_ids.append(error.request_id)

    def stats(self, pieces: int) -> dict[str, Any]:
        """As `HuntResult.stats` has it; `service` is a list, one for each answer that said something."""
        return {
            "requests": self.requests,
            "retries": self.retries,
            "waited": self.waited,
            "bytes": self.bytes,
            "pieces": pieces,
            "cached": self.cached,
            "service": self.service or None,
        }


def limit_of(error: XdrError) -> str | None:
    """The limit of the service's that a smaller piece would not reach: "bytes" or "time"; None if it is another error."""
    if isinstance(error, LimitExceededError):
        return "bytes"
    if isinstance(error, DeadlineExceededError):
        return "time"
    if isinstance(error, ApiError):
        text = error.message.lower()
        if "exceeded the allowed result size" in text:
            return "bytes"
        if "exceeded the allowed limits" in text or "preempted" in text or error.status == 504:
            return "time"
    return None
