"""Filters from parts, so that no text of anybody's becomes a condition.

A filter that is put together with f-strings breaks at the first apostrophe, and what a user typed may say more than it
should. Here a name is checked, a value becomes a literal of its own kind, and parentheses stand where they are needed.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ._time import iso, ticks
from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from enum import Enum
    from typing import ClassVar, NoReturn, Union
    from uuid import UUID

    Scalar = Union[str, int, float, bool, datetime, date, timedelta, UUID, Enum]

__all__ = ["Field", "Filter", "field"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_PART = frozenset(_LETTERS + "0123456789")
_OR, _AND, _ONE = 1, 2, 3


class Filter:
    """A condition, or several. Combine them with ``&``, ``|`` and ``~``; its text is the OData that is sent.

    Made by `xdrkit.field`. A moment such as ``"7d"`` ago is counted from when the filter was made.
    """

    __slots__ = ("_binds", "_text")

    def __init__(self, text: str, *, _binds: int = _OR) -> None:
        """Takes OData text as it is, for what the builder has no word for. Nothing in it is escaped."""
        given: object = text
        if not isinstance(given, str) or not given.strip():
            raise InvalidArgumentError(f"filter: {text!r} is no OData text", argument="filter")
        self._text = text
        self._binds = _binds

    def __and__(self, other: Filter) -> Filter:
        return self._with(other, "and", _AND)

    def __or__(self, other: Filter) -> Filter:
        return self._with(other, "or", _OR)

    def __invert__(self) -> Filter:
        return Filter(f"not ({self._text})", _binds=_ONE)

    def _with(self, other: object, word: str, binds: int) -> Filter:
        if not isinstance(other, Filter):
            sign = "&" if word == "and" else "|"
            raise TypeError(
                f"a filter is combined with another filter, not with {type(other).__name__}: "
                f'such as {sign} xdrkit.field("name").eq(value), or {sign} xdrkit.Filter("OData text")'
            )
        return Filter(f"{self._inside(binds)} {word} {other._inside(binds)}", _binds=binds)

    def _inside(self, binds: int) -> str:
        return self._text if self._binds >= binds else f"({self._text})"

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a filter is neither true nor false: write & for and, | for or, ~ for not, "
            "and put parentheses around chained comparisons"
        )

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._text

    def __odata__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Filter) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)


class Field:
    """A property to filter by. Made by `xdrkit.field`."""

    __slots__ = ("_name", "_range")
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(self, name: str, *, _range: int = 0) -> None:
        given: object = name
        parts = given.split("/") if isinstance(given, str) else [""]
        if not all(part and part[0] in _LETTERS and _PART.issuperset(part) for part in parts):
            raise InvalidArgumentError(
                f"name: {name!r} is no property: it has letters, digits and underscores, and / between a property and one inside it",
                argument="name",
            )
        self._name = name
        self._range = _range

    def field(self, name: str) -> Field:
        """A property inside this one: ``field("vmMetadata").field("vmId")`` is ``field("vmMetadata/vmId")``."""
        return Field(f"{self._name}/{Field(name)._name}", _range=self._range)

    def eq(self, value: Scalar | None) -> Filter:
        """Equal. Text is text, whatever it looks like; a datetime, a date or a timedelta ago is a moment."""
        return self._compare("eq", value)

    def ne(self, value: Scalar | None) -> Filter:
        """Not equal; the value in the same forms as for `eq`."""
        return self._compare("ne", value)

    def gt(self, value: Scalar) -> Filter:
        """Greater, or later.

        Text that reads as a moment is one: ISO 8601 with its zone, a date, or how long ago, such as ``"7d"`` or ``"-24h"``.
        """
        return self._compare("gt", value)

    def ge(self, value: Scalar) -> Filter:
        """Greater or equal, or not earlier; the value in the same forms as for `gt`."""
        return self._compare("ge", value)

    def lt(self, value: Scalar) -> Filter:
        """Less, or earlier; the value in the same forms as for `gt`."""
        return self._compare("lt", value)

    def le(self, value: Scalar) -> Filter:
        """Less or equal, or not later; the value in the same forms as for `gt`."""
        return self._compare("le", value)

    def startswith(self, text: str) -> Filter:
        """Begins with that text; the services take any letter case."""
        return self._call("startswith", text)

    def endswith(self, text: str) -> Filter:
        """Ends with that text."""
        return self._call("endswith", text)

    def contains(self, text: str) -> Filter:
        """Holds that text."""
        return self._call("contains", text)

    def in_(self, values: Iterable[Scalar | None]) -> Filter:
        """Equal to one of these; sent as a chain of ``or``, since no service documents ``in``."""
        if isinstance(values, (str, bytes)):
            raise InvalidArgumentError(
                f"values: takes several values, not one text: [{values!r}] is a list of one", argument="values"
            )
        found = None
        for value in values:
            one = self.eq(value)
            found = one if found is None else found | one
        if found is None:
            raise InvalidArgumentError(
                f"values: is empty, and nothing is one of nothing: {self._name}", argument="values"
            )
        return found

    def is_null(self) -> Filter:
        """Has no value."""
        return self._compare("eq", None)

    def any(self, condition: Scalar | Callable[[Field], Filter]) -> Filter:
        """Some item of a list is that value, or meets a condition.

        ``field("machineTags").any("vip")``, ``field("machineTags").any(lambda tag: tag.startswith("vip"))``,
        ``field("evidence").any(lambda e: e.field("sha1").eq(sha1))``.
        """
        return self._over("any", condition)

    def all(self, condition: Scalar | Callable[[Field], Filter]) -> Filter:
        """Every item of a list is that value, or meets a condition; as `any`."""
        return self._over("all", condition)

    def _compare(self, operator: str, value: object) -> Filter:
        ordered = operator not in ("eq", "ne")
        if value is None and ordered:
            raise InvalidArgumentError(f"value: nothing is greater or less than None: {self._name}", argument="value")
        return Filter(f"{self._name} {operator} {_literal(value, ordered)}", _binds=_ONE)

    def _call(self, function: str, text: str) -> Filter:
        if not isinstance(text, str):
            raise InvalidArgumentError(f"text: takes text, not {type(text).__name__}", argument="text")
        return Filter(f"{function}({self._name}, {_quoted(text)})", _binds=_ONE)

    def _over(self, word: str, condition: object) -> Filter:
        depth = self._range + 1
        variable = Field("t" if depth == 1 else f"t{depth}", _range=depth)
        inner = condition(variable) if callable(condition) else variable._compare("eq", condition)
        if not isinstance(inner, Filter):
            raise InvalidArgumentError(
                f"condition: the function makes a {type(inner).__name__}, not a filter", argument="condition"
            )
        return Filter(f"{self._name}/{word}({variable._name}: {inner})", _binds=_ONE)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError(f'a field is compared with its methods: xdrkit.field("{self._name}").eq(…), ne, gt, ge, lt, le')

    def __ne__(self, other: object) -> NoReturn:
        self.__eq__(other)

    def __lt__(self, other: object) -> NoReturn:
        self.__eq__(other)

    def __le__(self, other: object) -> NoReturn:
        self.__eq__(other)

    def __gt__(self, other: object) -> NoReturn:
        self.__eq__(other)

    def __ge__(self, other: object) -> NoReturn:
        self.__eq__(other)

    def __bool__(self) -> NoReturn:
        raise TypeError(f'a field is no condition: xdrkit.field("{self._name}").eq(True)')

    def __repr__(self) -> str:
        return f"field({self._name!r})"


def field(name: str) -> Field:
    """Begin a filter with the property that it looks at.

        high = xdrkit.field("riskScore").eq("High") & xdrkit.field("lastSeen").gt("7d")
        for machine in client.machines.list(filter=high): ...

    Args:
        name: The property in the service's spelling, such as ``"riskScore"``; ``/`` leads into an object. Which ones an
            operation takes, its method's documentation tells.

    Returns:
        A `Field` with `eq`, `ne`, `gt`, `ge`, `lt`, `le`, `startswith`, `endswith`, `contains`, `in_`, `any`, `all` and `is_null`,
        each of which makes a `Filter`. Values become literals of their own kind: text is quoted, whatever it holds; datetimes
        (with a zone), dates (midnight UTC) and timedeltas (so long ago) become moments; a UUID stands without quotes.

    Raises:
        InvalidArgumentError: the name is none, or a value is of a kind that no filter knows.
    """
    return Field(name)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(value: object, ordered: bool = False) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "_name_") and hasattr(value, "value"):  # an Enum stands for its value
        return _literal(value.value, ordered)
    if isinstance(value, str):
        return _moment(value) if ordered and _reads_as_moment(value) else _quoted(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float) and value - value == 0:
        return float.__repr__(value)
    if isinstance(value, (date, timedelta)):  # a datetime is a date
        return _moment(value)
    if type(value).__name__ == "UUID":
        return str(value)
    shown = repr(value) if isinstance(value, float) else type(value).__name__
    raise InvalidArgumentError(
        f"value: {shown} is nothing that a filter can hold",
        argument="value",
        hint="text, numbers, bools, None, datetimes, dates, timedeltas, UUIDs and members of an Enum can be",
    )


def _moment(value: datetime | date | timedelta | str) -> str:
    return iso(ticks("value", value, datetime.now(timezone.utc)))


def _reads_as_moment(text: str) -> bool:
    """Whether text was meant as a moment; what is wrong with it then, `ticks` tells."""
    text = text.strip()
    if text.lower() == "now":
        return True
    ago = text[1:].lstrip() if text[:1] == "-" else text
    if ago[-1:] in ("s", "m", "h", "d", "w") and ago[:-1].strip().isdecimal():
        return True
    return len(text) >= 10 and text[:4].isdecimal() and text[4] == text[7] == "-" and text[5:7].isdecimal()
