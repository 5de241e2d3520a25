"""What a hunting query found: typed columns in Rust, from which dicts, Arrow columns and data frames are made when asked for."""

from __future__ import annotations

from ._frames import library, pandas_column
from ._light import Sequence, overload
from .errors import InvalidArgumentError, LegacyHuntingWarning, TruncatedResultWarning

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any, ClassVar, NoReturn

    import pandas
    import polars
    import pyarrow

    from . import _core

_CHUNK = 2048


class HuntResult(Sequence["dict[str, Any]"]):
    """What a hunting query found: a sequence of rows, each a dict from column to value.

    Values keep their meaning on all three services: bool, int, float, text, None for what is missing; what a dynamic column
    holds is compact JSON text. Times are ISO 8601 text in UTC with up to seven digits, as the service has them, so that rows are
    ready for JSON; with ``parse_dates=True`` they are aware datetimes, which hold six digits. Rows are made when they
    are asked for: changing one does not change the result.
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
        if self.api == "graph":
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
    def query(self) -> str:
        """The query as it was sent."""
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
    def stats(self) -> dict[str, Any] | None:
        """What the service says about the query's cost, where it does."""
        return self._table.stats

    @property
    def truncated(self) -> str | None:
        """Why rows are missing, if some are; else None."""
        return self._table.truncated

    @property
    def window(self) -> tuple[str | None, str | None]:
        """The window that was asked for: first moment, first moment after it. None where it is open."""
        return self._table.window

    @property
    def missing(self) -> list[Any]:
        """The windows of a split that failed and are not in it: UTC texts of the first moment and the first after. Empty if none."""
        return []

    def unique(self, column: str) -> list[Any]:
        """The different values of a column in the order of their first appearance, without None.

        Raises:
            InvalidArgumentError: there is no such column.
        """
        names = [name for name, _ in self._table.schema]
        if column not in names:
            raise InvalidArgumentError(
                f"column: there is no {column!r}",
                argument="column",
                allowed=names,
                hint=f"the columns are {', '.join(names)}",
            )
        seen: dict[Any, Any] = {}
        for row in self:
            value = row[column]
            if value is not None:
                seen.setdefault(_identity(value), value)
        return list(seen.values())

    # Other forms

    def to_polars(self) -> polars.DataFrame:
        """A polars data frame. Times are UTC with nanoseconds.

        Raises:
            ImportError: polars is not installed.
        """
        return library("polars", "polars").DataFrame(self._table)  # type: ignore[no-any-return]

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow table. Times are UTC with nanoseconds.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return library("pyarrow", "pyarrow").table(self._table)  # type: ignore[no-any-return]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame; pyarrow is not needed.

        Whole numbers and bools have pandas' nullable types, times are UTC.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = library("pandas", "pandas")
        rows = self._table.rows(0, len(self))
        columns = {name: pandas_column(pd, [row[name] for row in rows], family(type_)) for name, type_ in self.schema}
        return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))  # type: ignore[no-any-return]

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow C stream, which polars, pyarrow, DuckDB and others read without copying."""
        return self._table.__arrow_c_stream__(requested_schema)

    def write_ndjson(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON object a line, UTF-8."""
        self._table.ndjson(_path(path))

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write comma-separated values with a heading, UTF-8; lists and objects as JSON text."""
        self._table.csv(_path(path))

    def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file.

        Raises:
            ImportError: neither polars nor pyarrow is installed.
        """
        from importlib.util import find_spec

        if find_spec("polars") is not None:
            self.to_polars().write_parquet(_path(path))
            return
        parquet: Any = library("pyarrow.parquet", "polars or pyarrow")
        parquet.write_table(self.to_arrow(), _path(path))

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
    "double": "float",
    "single": "float",
    "real": "float",
    "decimal": "text",
    "string": "text",
    "guid": "text",
    "timespan": "text",
}


def family(wire_type: str) -> str:
    """What a wire type holds: datetime, bool, int, float, text, or object."""
    return _FAMILIES.get(wire_type.rpartition(".")[2].lower(), "object")


def _identity(value: Any) -> Any:
    """Something hashable that is equal only for equal values of the same type; True is not 1 here."""
    try:
        hash(value)
    except TypeError:
        import json

        return dict, json.dumps(value, sort_keys=True, default=str)
    return type(value), value


def _path(path: str | os.PathLike[str]) -> str:
    import os

    return os.fspath(path)
