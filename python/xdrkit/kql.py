"""The query language without the service: check a query, lay it out, complete it, run it on rows that are here, write values as literals.

    >>> from xdrkit import kql
    >>> kql.lint("DeviceEvents | where DeviceNam == 'x'")
    1:22 error: no column 'DeviceNam' in DeviceEvents; did you mean DeviceName?
    1:1 warning: no filter on Timestamp: without since= or timespan= the service reads 30 days

The engine is the one behind the sandbox. It runs what hunting uses most; what it lacks it names, and never answers wrongly.
"""

from __future__ import annotations

from . import _core
from ._hunted import HuntResult
from ._literals import literal, null
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any, Literal

    from ._schema import Schema

__all__ = [
    "Completion",
    "Problem",
    "Problems",
    "complete",
    "coverage",
    "describe",
    "format",
    "functions",
    "lint",
    "literal",
    "null",
    "run",
]


class Problem:
    """One thing to know about a query.

    Attributes:
        severity: ``"error"``: the service will refuse the query. ``"warning"``: it may be slow or not mean what was meant.
            ``"info"``: what the engine cannot judge.
        message: What is wrong.
        line: The line, from 1.
        column: The first character in it, from 1.
        end: Line and character behind the last one.
        code: Which kind of thing it is, such as ``"unknown-column"``.
        suggestion: What to write instead, where that is known.
    """

    __slots__ = ("code", "column", "end", "line", "message", "severity", "suggestion")

    severity: Literal["error", "warning", "info"]
    message: str
    line: int
    column: int
    end: tuple[int, int]
    code: str
    suggestion: str | None

    def __init__(
        self,
        *,
        severity: Literal["error", "warning", "info"],
        message: str,
        line: int,
        column: int,
        end: tuple[int, int],
        code: str,
        suggestion: str | None = None,
    ) -> None:
        self.severity = severity
        self.message = message
        self.line = line
        self.column = column
        self.end = end
        self.code = code
        self.suggestion = suggestion

    def __str__(self) -> str:
        return f"{self.line}:{self.column} {self.severity}: {self.message}"

    def __repr__(self) -> str:
        return f"<Problem {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Problem):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.line, self.column, self.code, self.message))


class Problems(list["Problem"]):
    """What `lint` found, in the order of the text: a list, which prints a problem a line."""

    @property
    def errors(self) -> list[Problem]:
        """Those that the service would refuse the query for."""
        return [problem for problem in self if problem.severity == "error"]

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self) or "no problems"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        if not self:
            return "<p>no problems</p>"
        rows = "".join(
            f"<tr><td>{p.line}:{p.column}</td><td>{p.severity}</td><td style='text-align:left'>{escape(p.message)}</td></tr>"
            for p in self
        )
        return f"<table><tbody>{rows}</tbody></table>"


def lint(query: str, tables: Schema | Mapping[str, Mapping[str, str]] | None = None) -> Problems:
    """Check names, types and syntax of a query, without the service.

    Args:
        query: The KQL.
        tables: What there is: a `Schema` of ``client.schema()``, or columns with their types by the table's name. The bundled schema
            if left out.

    Returns:
        What was found; empty if there is nothing to say. What the engine cannot judge is one ``"info"``, never an error.
    """
    return Problems(Problem(**found) for found in _core.kql_lint(_text(query), _shapes(tables)))


def describe(query: str, tables: Schema | Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    """The columns that a query answers, without running it.

        >>> kql.describe("DeviceEvents | summarize count() by DeviceName, day = bin(Timestamp, 1d)")
        {'DeviceName': 'string', 'day': 'datetime', 'count_': 'long'}

    Args:
        query: The KQL.
        tables: What there is, as for `lint`. The bundled schema if left out.

    Returns:
        The types by the columns' names, in the order of the columns.

    Raises:
        QueryError: the query is wrong, or needs what the engine lacks (then `unsupported` names it); `line` and `column` say where.
    """
    return dict(_core.kql_describe(_text(query), _shapes(tables)))


def format(query: str, *, width: int = 100, indent: int = 4) -> str:
    """Lay a query out: an operator a line, long lists wrapped.

    Nothing but white space changes: comments and the spelling of literals stay, and so do operators that the engine does not know.

        >>> print(kql.format("DeviceEvents|where ActionType=='x'|take 5"))
        DeviceEvents
        | where ActionType == 'x'
        | take 5

    Args:
        query: The KQL.
        width: How long lines may be where they can be broken, from 20 characters.
        indent: How far what goes on is indented, up to 16 characters.

    Raises:
        QueryError: it is no query: brackets that do not match, a text without an end; `line` and `column` say where.
    """
    return _core.kql_format(_text(query), _whole("width", width), _whole("indent", indent))


class Completion:
    """Something that may stand at a place of a query.

    Attributes:
        text: What to write.
        kind: What it is; a ``"name"`` was made by ``let``.
        detail: The type of a column or a name, what a function takes and answers; else empty.
        start: Where what it replaces begins, in characters from 0.
        end: Where that ends: the cursor.
    """

    __slots__ = ("detail", "end", "kind", "start", "text")

    text: str
    kind: Literal["table", "column", "name", "operator", "function", "aggregate", "keyword"]
    detail: str
    start: int
    end: int

    def __init__(self, text: str, kind: Any, detail: str, start: int, end: int) -> None:
        self.text = text
        self.kind = kind
        self.detail = detail
        self.start = start
        self.end = end

    def __repr__(self) -> str:
        return f"<Completion {self.text!r} {self.kind}{f': {self.detail}' if self.detail else ''}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Completion):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.text, self.kind, self.start))


def complete(
    query: str, cursor: int | None = None, tables: Schema | Mapping[str, Mapping[str, str]] | None = None
) -> list[Completion]:
    """What may stand at a place of a query that is being written.

        >>> [found.text for found in kql.complete("DeviceEvents | where ActionT")]
        ['ActionType']

    Args:
        query: The text so far; what stands behind the cursor does not count.
        cursor: The place, in characters from 0; the end if left out.
        tables: What there is, as for `lint`. The bundled schema if left out.

    Returns:
        What begins with the word before the cursor, then what contains it. Empty inside of texts and comments.
    """
    if cursor is not None and not 0 <= _whole("cursor", cursor) <= len(_text(query)):
        raise InvalidArgumentError(
            f"cursor: {cursor} is not from 0 to {len(query)}, the length of the query", argument="cursor"
        )
    return [Completion(*found) for found in _core.kql_complete(_text(query), cursor, _shapes(tables))]


def coverage() -> dict[str, dict[str, list[str]]]:
    """What the engine has, and what it knows and refuses by name.

    Returns:
        For ``"operators"``, ``"functions"``, ``"aggregates"`` and ``"plugins"``: the names that are ``"supported"`` and those that are
        ``"refused"``. A name in neither is an error as in the service.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for kind, name, _, supported in _core.kql_coverage():
        names = found.setdefault(f"{kind}s", {"supported": [], "refused": []})
        names["supported" if supported else "refused"].append(name)
    return {kind: found[kind] for kind in ("operators", "functions", "aggregates", "plugins")}


def functions() -> dict[str, str]:
    """The scalar functions that the engine has: what each takes and answers, by its name.

    >>> kql.functions()["strlen"]
    'strlen(scalar): long'
    """
    found = _core.kql_coverage()
    return {
        name: signature or f"{name}(...)"
        for kind, name, signature, supported in found
        if supported and kind == "function"
    }


def _whole(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgumentError(f"{name}: takes a whole number", argument=name)
    return value


def _text(query: str) -> str:
    if not isinstance(query, str):
        raise InvalidArgumentError("query: takes KQL text", argument="query")
    return query


def _shapes(tables: Mapping[str, Mapping[str, str]] | None) -> dict[str, list[tuple[str, str]]] | None:
    if tables is None:
        return None
    try:
        return {
            name: [(str(column), str(type_)) for column, type_ in columns.items()] for name, columns in tables.items()
        }
    except AttributeError:
        text = "tables: takes a Schema of client.schema(), or columns with their types by the table's name"
        raise InvalidArgumentError(text, argument="tables") from None


def run(query: str, tables: Mapping[str, Any] | None = None, *, now: datetime | str | None = None) -> HuntResult:
    """Run a query on rows that are here. It costs no quota and sends nothing.

    Args:
        query: The KQL. One that begins with an operator or ``|`` is about the table ``Result``.
        tables: The rows by the table's name: hunting results, data frames and all else that has ``__arrow_c_stream__``, or lists of
            dicts.
        now: What ``now()`` and ``ago()`` go by; the present if left out.

    Raises:
        QueryError: the query is wrong, or needs what the engine lacks (then `unsupported` names it); `line` and `column` say where.
    """
    moment = None
    if now is not None:
        from ._time import iso
        from ._windows import when

        end = when(until=now).end
        moment = None if end is None else iso(end)
    given = {name: _table(name, rows) for name, rows in (tables or {}).items()}
    return HuntResult(_core.kql_run(_text(query), given, moment))


def _table(name: str, rows: Any) -> _core.Table:
    if isinstance(rows, HuntResult):
        return rows._table
    if isinstance(rows, _core.Table):
        return rows
    if hasattr(rows, "__arrow_c_stream__"):
        return _core.table_of(rows)
    if isinstance(rows, (list, tuple)) and all(isinstance(row, dict) for row in rows):
        return of_dicts(rows)
    raise InvalidArgumentError(
        f"tables: {name!r} must be a hunting result, have __arrow_c_stream__ (polars, pyarrow, pandas from 2.2), or be a list of dicts",
        argument="tables",
    )


def of_dicts(rows: Iterable[Mapping[str, Any]]) -> _core.Table:
    """A table of dicts: a column for every key, of the type that all its values have, else text."""
    import json

    rows = list(rows)
    kinds: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.items():
            kind = _kind(value)
            found = kinds.setdefault(str(key), set())
            if kind:
                found.add(kind)
    types = {name: _together(found) for name, found in kinds.items()}
    results = [{str(key): _cell(value, types[str(key)]) for key, value in row.items()} for row in rows]
    schema = [{"Name": name, "Type": type_} for name, type_ in types.items()]
    return _core.kql_rows(json.dumps({"Schema": schema, "Results": results}).encode())


def _kind(value: Any) -> str:
    from datetime import date, timedelta
    from uuid import UUID

    if value is None:
        return ""
    if isinstance(value, bool):
        return "SByte"
    if isinstance(value, int):
        return "Int64" if -(1 << 63) <= value < 1 << 63 else "Double"
    if isinstance(value, float):
        return "Double"
    if isinstance(value, date):
        return "DateTime"
    if isinstance(value, timedelta):
        return "TimeSpan"
    if isinstance(value, UUID):
        return "Guid"
    if isinstance(value, (dict, list, tuple)):
        return "Object"
    return "String"


def _together(kinds: set[str]) -> str:
    if kinds == {"Int64", "Double"}:
        return "Double"
    return next(iter(kinds)) if len(kinds) == 1 else "String"


def _cell(value: Any, type_: str) -> Any:
    from datetime import date, datetime, timedelta, timezone

    if value is None or isinstance(value, str):
        return value
    if isinstance(value, timedelta):
        ticks = (value.days * 86_400 + value.seconds) * 10_000_000 + value.microseconds * 10
        sign, ticks = ("-" if ticks < 0 else ""), abs(ticks)
        seconds, fraction = divmod(ticks, 10_000_000)
        days, seconds = divmod(seconds, 86_400)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"{sign}{f'{days}.' if days else ''}{clock}{f'.{fraction:07}' if fraction else ''}"
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    if type_ == "String":
        import json

        return json.dumps(value, default=str) if isinstance(value, (bool, dict, list, tuple)) else str(value)
    if isinstance(value, (bool, int, float)):
        return value
    if type_ == "Object":
        import json

        return json.dumps(value, default=str, separators=(",", ":"))
    return str(value)
