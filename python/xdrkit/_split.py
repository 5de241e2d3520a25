"""How a window is cut into pieces, and a piece into halves. Pure.

The pieces of a split are disjoint and cover exactly [begin, end), so that every row is in one of them and in no other. A part by
hash is cut in the same way: what leaves the remainder i by n leaves i or i + n by 2 n.
"""

from __future__ import annotations

from ._time import iso
from ._windows import DAY, HOUR, MINUTE, SECOND, shown
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

# More pieces than anybody's quota has calls for in a day.
_MOST = 50_000
_PARTS = 1024
_NICE = (DAY, 6 * HOUR, HOUR, 10 * MINUTE, MINUTE, 10 * SECOND, SECOND)


class Piece:
    """One window, or one part by hash of it, that is asked for by itself."""

    __slots__ = ("begin", "end", "part")

    def __init__(self, begin: int | None, end: int | None, part: tuple[str, int, int] | None = None) -> None:
        self.begin = begin
        self.end = end
        self.part = part

    @property
    def window(self) -> tuple[str | None, str | None]:
        """Its ends as text."""
        return (None if self.begin is None else iso(self.begin), None if self.end is None else iso(self.end))

    def options(self) -> dict[str, Any]:
        """In the form that Rust takes."""
        chosen: dict[str, Any] = {}
        if self.begin is not None:
            chosen.update(since=iso(self.begin), exact=True)
        if self.end is not None:
            chosen.update(until=iso(self.end), exact=True)
        if self.part is not None:
            chosen["part"] = self.part
        return chosen

    def halves(self, floor: int) -> tuple[Piece, Piece] | None:
        """Two pieces that are this one together; None if it is as small as it may be."""
        if self.part is not None:
            column, n, i = self.part
            if 2 * n > _PARTS:
                return None
            return Piece(self.begin, self.end, (column, 2 * n, i)), Piece(self.begin, self.end, (column, 2 * n, i + n))
        if self.begin is None or self.end is None or self.end - self.begin <= floor:
            return None
        middle = _middle(self.begin, self.end, floor)
        return Piece(self.begin, middle), Piece(middle, self.end)

    def __str__(self) -> str:
        begin, end = self.window
        text = "" if begin is None and end is None else f"[{begin or '…'}, {end or 'now'})"
        if self.part is None:
            return text
        column, n, i = self.part
        return f"{text} part {i} of {n} by {column}".strip()

    def __repr__(self) -> str:
        return f"<Piece {self}>"


def windows(begin: int, end: int, length: int) -> list[Piece]:
    """[begin, end) cut at the multiples of `length` since midnight of the year 1, so that the next hunt cuts at the same places."""
    count = (end - 1) // length - begin // length + 1
    if count > _MOST:
        raise InvalidArgumentError(
            f"split: {shown(length)} makes {count:,} pieces of {shown(end - begin)}; at most {_MOST:,}",
            argument="split",
            hint='take longer pieces, or split="auto"',
        )
    cuts = [begin, *range((begin // length + 1) * length, end, length), end]
    return [Piece(a, b) for a, b in zip(cuts, cuts[1:])]


def parts(begin: int | None, end: int | None, column: str, n: int) -> list[Piece]:
    """The whole window in `n` parts by the hash of a column."""
    return [Piece(begin, end, (column, n, i)) for i in range(n)]


def check_parts(n: Any) -> int:
    """The number of parts by hash."""
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _PARTS:
        raise InvalidArgumentError(
            f"split: with split_by it is a number of parts, 1 to {_PARTS}, not {n!r}", argument="split"
        )
    return n


def _middle(begin: int, end: int, floor: int) -> int:
    """A moment near the middle: at a full hour or minute where there is one, else at a multiple of the floor."""
    exact = begin + (end - begin) // 2
    for unit in _NICE:
        if unit > floor and unit * 4 <= end - begin:
            return (exact + unit // 2) // unit * unit
    near = (exact + floor // 2) // floor * floor
    return near if begin < near < end else exact
