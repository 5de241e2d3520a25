"""Python values as KQL literals: text that means this value and nothing else."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

from . import _core
from ._hunted import HuntResult
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

# Characters of all literals together. What the service takes is not documented; it is certain that this is not what it is for.
LARGEST = 1_000_000
_DEEPEST = 50
_LONG = 1 << 63
# .NET's largest timespan, in ticks of 100 ns.
_SPAN = (1 << 63) - 1
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_TYPES = ("bool", "int", "long", "real", "decimal", "datetime", "timespan", "guid", "string", "dynamic")
# fmt: off
WORDS = frozenset(
    (
        "and", "as", "asc", "between", "bool", "by", "contains", "count", "datatable", "date", "datetime", "decimal",
        "declare", "desc", "distinct", "double", "dynamic", "endswith", "evaluate", "extend", "external_data",
        "externaldata", "false", "find", "first", "fork", "from", "getschema", "guid", "has", "has_all", "has_any",
        "hasprefix", "hassuffix", "in", "int", "invoke", "join", "last", "let", "limit", "long", "lookup", "materialize",
        "matches", "mv", "not", "nulls", "null", "of", "on", "or", "order", "parse", "partition", "pattern", "print",
        "project", "range", "real", "reduce", "regex", "render", "restrict", "sample", "scan", "search", "serialize", "set",
        "sort", "startswith", "step", "string", "summarize", "table", "take", "time", "timespan", "to", "top", "toscalar",
        "true", "typeof", "union", "uuid", "view", "where", "with",
    )
)
# fmt: on


class Null:
    """Nothing, of a type: what ``let x = datetime(null);`` says."""

    __slots__ = ("type",)

    def __init__(self, type: str) -> None:
        if type not in _TYPES or type == "string":
            raise InvalidArgumentError(
                f"type: {type!r} has no null; it is one of {', '.join(t for t in _TYPES if t != 'string')}",
                argument="type",
                allowed=[t for t in _TYPES if t != "string"],
                hint='a string is never null: give ""' if type == "string" else None,
            )
        self.type = type

    def __repr__(self) -> str:
        return f"null({self.type!r})"


def null(type: str) -> Null:
    """Nothing, of a type, for `params`: None alone is ``dynamic(null)``.

    Args:
        type: ``"bool"``, ``"int"``, ``"long"``, ``"real"``, ``"decimal"``, ``"datetime"``, ``"timespan"``, ``"guid"`` or
            ``"dynamic"``. A string is never null.
    """
    return Null(type)


def literal(value: Any) -> str:
    """A Python value as KQL text that means this value and nothing else.

    Args:
        value: str, bool, int (64 bits), float, Decimal, an aware datetime, date (midnight UTC), timedelta, UUID, None, or `null()`;
            list, tuple, set or dict, which become dynamic; or a table: a `HuntResult`, a data frame or an Arrow table, which
            becomes a ``datatable``.

    Raises:
        InvalidArgumentError: there is no literal for it, or it is out of the type's range.
    """
    return of("value", value)


def of(name: str, value: Any) -> str:
    """The literal; errors name the value `name`."""
    plain = _scalar(name, value)
    if plain is not None:
        return plain
    if value is None:
        return "dynamic(null)"
    if isinstance(value, Null):
        return f"{value.type}(null)"
    if (table := _table(name, value)) is not None:
        return _datatable(name, table)
    return f"dynamic({_dynamic(name, value, 0)})"


def _scalar(name: str, value: Any) -> str | None:
    """The literal of a scalar; None if it is none."""
    from decimal import Decimal
    from uuid import UUID

    value = _plain(value)
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"long({_whole(name, value)})"
    if isinstance(value, float):
        return f"real({_real(value)})"
    if isinstance(value, Decimal):
        return f"decimal({_decimal(name, value)})"
    if isinstance(value, datetime):
        return f"datetime({_moment(name, value)})"
    if isinstance(value, date):
        return f"datetime({value.isoformat()})"
    if isinstance(value, timedelta):
        return f"timespan({_span(name, value)})"
    if isinstance(value, UUID):
        return f"guid({value})"
    return None


def _plain(value: Any) -> Any:
    """A scalar of numpy's as Python's own; anything else as it is."""
    if type(value).__module__.partition(".")[0] == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Control characters, what some readers take for a line's end, and what makes text run backwards on a screen.
_SPECIAL = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]')


def _text(name: str, value: str) -> str:
    """A string literal that also is JSON."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(
            f"{name}: holds half of a surrogate pair, which is no text", argument="params"
        ) from None
    return '"' + _SPECIAL.sub(lambda c: _NAMED.get(c[0]) or f"\\u{ord(c[0]):04x}", value) + '"'


def _whole(name: str, value: int) -> str:
    if not -_LONG <= value < _LONG:
        raise InvalidArgumentError(
            f"{name}: {value} does not fit 64 bits", argument="params", hint="give it as str or Decimal"
        )
    return str(int(value))


def _real(value: float) -> str:
    if value != value:
        return "nan"
    if value in (float("inf"), float("-inf")):
        return "+inf" if value > 0 else "-inf"
    return repr(float(value))


def _decimal(name: str, value: Any) -> str:
    if not value.is_finite():
        raise InvalidArgumentError(f"{name}: a decimal is never {value}", argument="params", hint="give it as float")
    text = f"{value:f}"
    if len(text.lstrip("-").replace(".", "").lstrip("0")) > 34:
        raise InvalidArgumentError(f"{name}: a decimal has at most 34 digits", argument="params")
    return text


def _moment(name: str, value: datetime) -> str:
    if type(value).__name__ == "NaTType":
        raise InvalidArgumentError(f"{name}: NaT is no time", argument="params", hint='give kql.null("datetime")')
    if value.utcoffset() is None:
        raise InvalidArgumentError(
            f"{name}: {value.isoformat()} has no time zone, so it could mean anything",
            argument="params",
            hint="say which: .replace(tzinfo=timezone.utc) if it is UTC, .astimezone() if it is local time",
        )
    try:
        moment = value.astimezone(timezone.utc)
    except OverflowError:
        raise InvalidArgumentError(f"{name}: outside the years 1 to 9999", argument="params") from None
    # pandas counts nanoseconds.
    finer = _finer(name, getattr(value, "nanosecond", 0))
    digits = f"{moment.microsecond:06}{finer}".rstrip("0")
    text = moment.replace(tzinfo=None, microsecond=0).isoformat()
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def _span(name: str, value: timedelta) -> str:
    if type(value).__name__ == "NaTType":
        raise InvalidArgumentError(f"{name}: NaT is no duration", argument="params", hint='give kql.null("timespan")')
    ticks = ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 10
    ticks += int(_finer(name, getattr(value, "nanoseconds", 0)))
    if abs(ticks) > _SPAN:
        raise InvalidArgumentError(f"{name}: {value} is too long for a timespan", argument="params")
    seconds, fraction = divmod(abs(ticks), 10_000_000)
    days, seconds = divmod(seconds, 86_400)
    sign = "-" if ticks < 0 else ""
    return f"{sign}{days}.{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:07}"


def _finer(name: str, nanoseconds: int) -> str:
    tick, rest = divmod(nanoseconds, 100)
    if rest:
        raise InvalidArgumentError(f"{name}: the service counts in steps of 100 ns, this is finer", argument="params")
    return str(tick)


def _dynamic(name: str, value: Any, depth: int) -> str:
    if depth > _DEEPEST:
        raise InvalidArgumentError(f"{name}: is nested more than {_DEEPEST} deep", argument="params")
    value = _plain(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _whole(name, value)
    if isinstance(value, float):
        if value - value != 0:
            raise InvalidArgumentError(f"{name}: {value} has no place in a dynamic value", argument="params")
        return repr(float(value))
    if (plain := _scalar(name, value)) is not None:
        return plain
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_key(name, key)}: {_dynamic(name, one, depth + 1)}" for key, one in value.items()) + "}"
        )
    return "[" + ", ".join(_dynamic(name, one, depth + 1) for one in _items(name, value)) + "]"


def _key(name: str, key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidArgumentError(f"{name}: the key {key!r} is no text", argument="params")
    return _text(name, key)


def _items(name: str, value: Any) -> Iterable[Any]:
    from collections.abc import KeysView, Set, ValuesView

    if isinstance(value, (list, tuple, ValuesView)):
        return value
    if isinstance(value, KeysView):
        return list(value)
    if isinstance(value, Set):
        # A set's order differs from run to run; a query should not.
        return sorted(value, key=lambda one: (type(one).__name__, one if isinstance(one, str) else repr(one)))
    for method in ("to_list", "tolist"):
        if hasattr(value, method):
            listed = getattr(value, method)()
            if isinstance(listed, list):
                return listed
    raise InvalidArgumentError(
        f"{name}: there is no KQL literal for a {type(value).__name__}",
        argument="params",
        hint="str, bool, int, float, Decimal, datetime, date, timedelta, UUID, None, list, dict, or a table",
    )


# Tables

_KINDS = {
    "datetime": "datetime",
    "sbyte": "bool",
    "bool": "bool",
    "boolean": "bool",
    "byte": "int",
    "int16": "int",
    "int32": "int",
    "int": "int",
    "uint16": "int",
    "uint32": "long",
    "int64": "long",
    "long": "long",
    "uint64": "long",
    "double": "real",
    "single": "real",
    "real": "real",
    "decimal": "decimal",
    "guid": "guid",
    "timespan": "timespan",
    "string": "string",
}


def _table(name: str, value: Any) -> Any:
    """The native table behind a table of any kind; None if it is none."""
    if isinstance(value, HuntResult):
        return value._table
    if not hasattr(value, "__arrow_c_stream__") or hasattr(value, "to_list"):
        return None
    try:
        return _core.table_of(value)
    except (TypeError, ValueError, ImportError) as error:
        raise InvalidArgumentError(f"{name}: cannot be read as a table: {error}", argument="params") from error


def _datatable(name: str, table: Any) -> str:
    columns = [(column, _KINDS.get(wire.rpartition(".")[2].lower(), "dynamic")) for column, wire in table.schema]
    if not columns:
        raise InvalidArgumentError(f"{name}: the table has no columns", argument="params")
    cells: list[str] = []
    size = 0
    for start in range(0, len(table), 1024):
        for row in table.rows(start, min(start + 1024, len(table))):
            for column, kind in columns:
                cells.append(_cell(f"{name}.{column}", kind, row[column]))
                size += len(cells[-1]) + 2
        if size > LARGEST:
            raise InvalidArgumentError(
                f"{name}: a table of {len(table):,} rows is more than goes with a query: {LARGEST:,} characters",
                argument="params",
                hint="take the columns and the rows that the query needs, or hunt in portions",
            )
    heading = ", ".join(f"{_column(name, column)}:{kind}" for column, kind in columns)
    return f"datatable({heading})[{', '.join(cells)}]"


def _column(name: str, column: str) -> str:
    return column if NAME.fullmatch(column) and column not in WORDS else f"[{_text(name, column)}]"


def _cell(name: str, kind: str, value: Any) -> str:
    if value is None:
        return '""' if kind == "string" else f"{kind}(null)"
    if kind == "string":
        return _text(name, str(value))
    if kind == "dynamic":
        return f"dynamic({_json(name, value)})"
    if kind == "bool":
        return "true" if value else "false"
    if kind in ("int", "long"):
        return f"{kind}({_whole(name, value)})"
    if kind == "real":
        return f"real({_real(value)})"
    # What is left is text of a shape that has no parenthesis in it.
    text = str(value)
    if not re.fullmatch(r"[0-9A-Za-z+:. -]+", text):
        raise InvalidArgumentError(f"{name}: {text[:40]!r} is no {kind}", argument="params")
    return f"{kind}({text})"


def _json(name: str, value: Any) -> str:
    """A dynamic cell, which is JSON text or a value, as what goes into dynamic()."""
    if not isinstance(value, str):
        return _dynamic(name, value, 0)
    import json

    try:
        return _dynamic(name, json.loads(value), 0)
    except ValueError:
        return _text(name, value)
