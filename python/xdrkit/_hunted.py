"""What a hunting query found: typed columns in Rust, from which dicts, Arrow columns and data frames are made when asked for."""

from __future__ import annotations

from ._frames import PlainStream, is_there, library, pandas_column, pandas_from_arrow
from ._light import Sequence, overload
from .errors import InvalidArgumentError, LegacyHuntingWarning, TruncatedResultWarning

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any, ClassVar, NoReturn

    import duckdb
    import pandas
    import polars
    import pyarrow

    from . import _core

_CHUNK = 2048


class Truncation(str):
    """Why rows are missing, in words; `reason` is ``"rows"`` or ``"bytes"``."""

    reason: str

    def __new__(cls, text: str, reason: str) -> Truncation:
        made = super().__new__(cls, text)
        made.reason = reason
        return made


class HuntResult(Sequence["dict[str, Any]"]):
    """What a hunting query found: a sequence of rows, each a dict from column to value.

    Values keep their meaning on all three services: bool, int, float, text, None for what is missing; what a dynamic column
    holds is compact JSON text, which `dynamic` decodes. Times are ISO 8601 text in UTC with up to seven digits, so that rows
    are ready for JSON; with ``parse_dates=True`` they are aware datetimes, which hold six digits. The rows lie in typed
    columns, and dicts are made when they are asked for: changing one does not change the result.
    """

    __slots__ = ("_dates", "_table")
    __hash__: ClassVar[None]  # type: ignore[assignment]

    def __init__(self, table: _core.Table, *, parse_dates: bool = False) -> None:
        self._table = table
        self._dates = [name for name, type_ in table.schema if family(type_) == "datetime"] if parse_dates else []

    @classmethod
    def _finished(cls, table: _core.Table, *, parse_dates: bool = False, stacklevel: int = 3) -> HuntResult:
        """The result, with the warnings that belong to it shown at the caller's line."""
        import warnings

        result = cls(table, parse_dates=parse_dates)
        if result.truncated is not None:
            warnings.warn(
                f"the result was cut: {result.truncated}. Narrow the query or its window.",
                TruncatedResultWarning,
                stacklevel=stacklevel,
            )
        if (legacy := result._legacy()) is not None:
            warnings.warn(legacy, LegacyHuntingWarning, stacklevel=stacklevel)
        return result

    def _legacy(self) -> str | None:
        if self.api not in ("xdr", "endpoint"):
            return None
        return (
            f'hunting with api="{self.api}" stops returning data on 2027-02-01. Grant the app ThreatHunting.Read.All on Microsoft Graph, '
            'then leave api away or use api="graph".'
        )

    # The sequence

    def __len__(self) -> int:
        return len(self._table)

    def __bool__(self) -> bool:
        return len(self._table) > 0

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._rows(start, max(start, stop))
            return [self[i] for i in range(start, stop, step)]
        from operator import index as as_index

        i = as_index(index)
        if i < 0:
            i += len(self)
        if not 0 <= i < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return self._dated(self._table.row(i))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self), _CHUNK):
            yield from self._rows(start, min(start + _CHUNK, len(self)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, HuntResult):
            return self.schema == other.schema and self.rows == other.rows
        return self.rows == other if isinstance(other, list) else NotImplemented

    def _rows(self, start: int, stop: int) -> list[dict[str, Any]]:
        rows = self._table.rows(start, stop)
        return [self._dated(row) for row in rows] if self._dates else rows

    def _dated(self, row: dict[str, Any]) -> dict[str, Any]:
        if self._dates:
            from ._time import parse_datetime

            for name in self._dates:
                row[name] = parse_datetime(row[name])
        return row

    # What is known about it

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows, made anew at each access."""
        return self._rows(0, len(self))

    @property
    def schema(self) -> list[tuple[str, str]]:
        """The columns in order with their types in the service's words, such as `DateTime`, or `SByte` for bool."""
        return list(self._table.schema)

    @property
    def api(self) -> str:
        """The service that answered: ``"graph"``, ``"xdr"`` or ``"endpoint"``."""
        return self._table.api

    @property
    def kql(self) -> str:
        """The query's text as it was sent."""
        return self._table.query

    @property
    def elapsed(self) -> float:
        """Seconds from the call to the decoded answer, waiting and repetitions included."""
        return self._table.elapsed

    @property
    def request_ids(self) -> list[str]:
        """The ids to quote to Microsoft's support."""
        return list(self._table.request_ids)

    @property
    def stats(self) -> dict[str, Any]:
        """What it cost.

        `requests` that were sent, `retries` among them, seconds `waited` for quotas, `bytes` of the answers, `pieces` of a split hunt
        (else 1), how many of them were `cached`, and `service`: what the service itself says of the run, or None.
        """
        stats = self._table.stats
        return {**stats, "pieces": 1, "cached": 0, "service": stats["service"]}

    @property
    def truncated(self) -> Truncation | None:
        """Why rows are missing, if some are; else None. Its `reason` is ``"rows"`` or ``"bytes"``."""
        cut = self._table.truncated
        return None if cut is None else Truncation(*cut)

    @property
    def window(self) -> tuple[str | None, str | None]:
        """The window that was asked for: first moment, first moment after it. None where it is open."""
        return self._table.window

    @property
    def missing(self) -> list[Any]:
        """The windows of a split that failed and are not in it: UTC texts of the first moment and the first after. Empty if none."""
        told = getattr(self._table, "missing", None) or []
        return [tuple(one) if isinstance(one, list) else one for one in told]

    def unique(self, column: str) -> list[Any]:
        """The different values of a column in the order of their first appearance, without None.

        Raises:
            InvalidArgumentError: there is no such column.
        """
        at = self._place(column)
        seen: dict[Any, Any] = {}
        for value in self._table.column(at):
            if value is not None:
                seen.setdefault(_identity(value), value)
        if column in self._dates:
            from ._time import parse_datetime

            return [parse_datetime(value) for value in seen.values()]
        return list(seen.values())

    def query(self, kql: str) -> HuntResult:
        """Run KQL on these rows, here: no request, no quota. They are the table ``Result``.

        A query that begins with an operator is about them: ``result.query("summarize count() by DeviceName")``. What it only passes
        on keeps its value to the last digit.

        Raises:
            QueryError: the query is wrong, or needs what the engine here lacks (then `unsupported` names it).
        """
        if not isinstance(kql, str):
            raise InvalidArgumentError("kql: takes KQL text", argument="kql")
        from . import _core

        return HuntResult(_core.kql_run(kql, {"Result": self._table}), parse_dates=bool(self._dates))

    def dynamic(self, column: str) -> list[Any]:
        """The values of a column of JSON text, decoded: dicts, lists and the like. None stays None, and text that is no JSON stays text.

        Raises:
            InvalidArgumentError: there is no such column.
        """
        import json

        def decoded(text: str) -> Any:
            try:
                return json.loads(text)
            except ValueError:
                return text

        values = self._table.column(self._place(column))
        return [decoded(value) if isinstance(value, str) else value for value in values]

    def _place(self, column: str) -> int:
        names = [name for name, _ in self._table.schema]
        if column not in names:
            raise InvalidArgumentError(
                f"column: there is no {column!r}",
                argument="column",
                allowed=names,
                hint=f"the columns are {', '.join(names)}",
            )
        return names.index(column)

    # Other forms

    def to_polars(self) -> polars.DataFrame:
        """A polars data frame, without a copy of the texts. Times are UTC with nanoseconds.

        Raises:
            ImportError: polars is not installed.
        """
        return library("polars", "polars").DataFrame(self._table)  # type: ignore[no-any-return]

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow table. Times are UTC with nanoseconds, texts are `large_string`.

        ``pyarrow.table(result)`` copies nothing: there, texts are `string_view`, with which older functions of pyarrow cannot work.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return library("pyarrow", "pyarrow").table(PlainStream(self._table))  # type: ignore[no-any-return]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame. pyarrow is not needed; where it is installed, this is faster.

        Whole numbers and bools have pandas' nullable types, times are UTC, time spans `timedelta64`.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = library("pandas", "pandas")
        if is_there("pyarrow"):
            return pandas_from_arrow(pd, library("pyarrow", "pyarrow"), PlainStream(self._table))
        types = self._table.arrow_types()
        columns = {}
        for i, (name, wire) in enumerate(self.schema):
            kind, values = family(wire), self._table.column(i)
            if types[i] == "Utf8View" and kind != "text":
                kind, values = "text", [_as_text(value) for value in values]
            columns[name] = pandas_column(pd, values, kind)
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self)))  # type: ignore[no-any-return]

    def to_duckdb(self, connection: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyRelation:
        """A DuckDB relation of the rows, on which SQL runs: ``result.to_duckdb().query("r", "select … from r")``.

        Args:
            connection: The connection to use. Default: DuckDB's own.

        Raises:
            ImportError: duckdb or pyarrow, through which it reads, is not installed.
        """
        duckdb = library("duckdb", "duckdb")
        table = self.to_arrow()
        return (duckdb if connection is None else connection).from_arrow(table)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow C stream, which polars, pyarrow, DuckDB and others read without copying."""
        return self._table.__arrow_c_stream__(requested_schema)

    def write_ndjson(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON object a line, UTF-8. The file appears when it is whole."""
        self._table.ndjson(path)

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write comma-separated values with a heading, UTF-8; lists and objects as JSON text. The file appears when it is whole."""
        self._table.csv(path)

    def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file with typed columns; no other library is needed. The file appears when it is whole."""
        self._table.parquet(path)

    # Display

    def __repr__(self) -> str:
        from ._render import text_card

        return text_card(self)

    def _repr_html_(self) -> str:
        from ._render import html_card

        return html_card(self, [note for note in (self._legacy(),) if note])

    def __reduce__(self) -> NoReturn:
        raise TypeError("a HuntResult is not pickled: send its rows, or write it with write_parquet or write_ndjson")


_FAMILIES = {
    "datetime": "datetime",
    "sbyte": "bool",
    "bool": "bool",
    "boolean": "bool",
    "byte": "int",
    "int": "int",
    "int16": "int",
    "int32": "int",
    "int64": "int",
    "long": "int",
    "uint32": "int",
    "uint64": "int",
    "object": "text",
    "dynamic": "text",
    "double": "float",
    "single": "float",
    "real": "float",
    "decimal": "text",
    "string": "text",
    "guid": "text",
    "timespan": "timespan",
}


def family(wire_type: str) -> str:
    """What a wire type holds: datetime, timespan, bool, int, float, or text."""
    return _FAMILIES.get(wire_type.rpartition(".")[2].lower(), "text")


def _identity(value: Any) -> Any:
    """Something hashable that is equal only for equal values of the same type; True is not 1 here."""
    try:
        hash(value)
    except TypeError:
        import json

        return dict, json.dumps(value, sort_keys=True, default=str)
    return type(value), value


def _as_text(value: Any) -> str | None:
    """A value in a column of texts, as Arrow has it."""
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else repr(value)
