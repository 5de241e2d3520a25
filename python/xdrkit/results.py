"""Answers with many rows: lists that are read page by page, and what a hunting query found.

A list of 10,000 machines is 50 MB that most callers do not want at once, so a list is asked for when it is read and one
page at a time; files are written page by page, too. A hunting result is here as a whole: typed columns in Rust, from
which dicts, Arrow columns and data frames are made when asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from .errors import BadResponseError, InvalidArgumentError, LegacyHuntingWarning, TruncatedResultWarning

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, ClassVar, NoReturn

    import pandas
    import polars
    import pyarrow

    from . import _core

__all__ = ["AsyncPages", "HuntResult", "Pages"]

T = TypeVar("T")
_CHUNK = 2048


class _Listing(Generic[T]):
    """A list that has not been asked for yet."""

    __slots__ = ("_arguments", "_core", "_countable", "_limitable", "_operation", "_options")

    def __init__(self, core: _core.Client, operation: str, arguments: dict[str, Any], options: dict[str, Any]) -> None:
        """Checks the arguments and asks nothing. An argument that is None was not given."""
        self._core = core
        self._operation = operation
        self._limitable = "top" in arguments
        self._countable = "count" in arguments
        self._arguments = {name: value for name, value in arguments.items() if value is not None}
        self._options = options
        self._cursor()

    def _cursor(self, at_most: int | None = None) -> _core.PageCursor:
        arguments = self._arguments
        if at_most is not None and self._limitable:
            # The service then sends no more than is wanted.
            arguments = {**arguments, "top": min(at_most, arguments.get("top", at_most))}
        return self._core.pages(self._operation, arguments, self._options or None)

    def _counting(self) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
        """The call that counts."""
        if not self._countable:
            raise InvalidArgumentError(
                f"count: {self._operation} cannot count; the service does not offer it here",
                argument="count",
                hint="len(pages.collect()) reads the list",
            )
        arguments = {name: value for name, value in self._arguments.items() if name not in ("top", "skip")}
        options = {name: value for name, value in self._options.items() if name != "page_size"}
        return self._operation, {**arguments, "top": 1, "count": True}, options or None

    def _counted(self, page: Any) -> int:
        count = page.get("@odata.count") if isinstance(page, dict) else None
        if not isinstance(count, int):
            raise BadResponseError(f"{self._operation}: the service did not say how many there are")
        return count

    def _frame(self) -> _core.Frame:
        """Room for all rows."""
        from . import _core

        return _core.Frame(self._operation)

    def __repr__(self) -> str:
        arguments = "".join(f" {name}={value!r}" for name, value in self._arguments.items())
        return f"<{type(self).__name__} of {self._operation}{arguments}>"


class Pages(_Listing[T]):
    """A list that is read page by page.

    Nothing is asked before the first item is wanted. Each ``for`` loop asks anew, so that a second one sees what has
    changed. Items are dicts as the service sent them; `to_polars`, `to_arrow`, `to_pandas`, `batches` and `write_parquet`
    give the columns that the type declares, typed: times are UTC, objects inside of items are JSON text. What does not fit
    is not lost: the column becomes text, or the value stands in a last column `_more`, as do keys that are not declared.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[T]:
        """The items, one by one; pages are asked for on the way."""
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[list[T]]:
        """The pages, as lists."""
        return self._read(self._cursor())

    def _read(self, cursor: _core.PageCursor) -> Iterator[list[T]]:
        while (page := cursor.next()) is not None:
            yield page

    def collect(self, limit: int | None = None) -> list[T]:
        """All items, or the first `limit` of them, for which no more is asked than is needed."""
        if _checked_limit(limit) == 0:
            return []
        items: list[T] = []
        for page in self._read(self._cursor(limit)):
            items += page
            if limit is not None and len(items) >= limit:
                return items[:limit]
        return items

    def first(self) -> T | None:
        """The first item, or None if there is none."""
        return next(iter(self.collect(1)), None)

    def count(self) -> int:
        """How many items there are, as the service counts them; one small request.

        `top` and `skip` do not matter to it.

        Raises:
            InvalidArgumentError: the service does not count this list.
        """
        operation, arguments, options = self._counting()
        return self._counted(self._core.call(operation, arguments, options))

    def batches(self) -> Iterator[_core.Frame]:
        """Typed columns, page by page.

        Each has ``__arrow_c_array__`` and ``__arrow_c_stream__``, so that ``pyarrow.record_batch(batch)`` and
        ``polars.DataFrame(batch)`` read it. All have the same columns, `_more` as the last of them, and times in microseconds.
        """
        cursor = self._cursor()
        while (frame := cursor.next_frame()) is not None:
            yield frame

    def _whole(self) -> _core.Frame:
        whole = self._frame()
        for frame in self.batches():
            whole.extend(frame)
        return whole

    def to_polars(self) -> polars.DataFrame:
        """All items as a polars data frame. Times are UTC with nanoseconds.

        Raises:
            ImportError: polars is not installed.
        """
        pl = _library("polars", "polars")
        return pl.DataFrame(self._whole())  # type: ignore[no-any-return]

    def to_arrow(self) -> pyarrow.Table:
        """All items as a pyarrow table. Times are UTC with nanoseconds.

        Raises:
            ImportError: pyarrow is not installed.
        """
        pa = _library("pyarrow", "pyarrow")
        return pa.table(self._whole())  # type: ignore[no-any-return]

    def to_pandas(self) -> pandas.DataFrame:
        """All items as a pandas data frame; pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = _library("pandas", "pandas")
        return _pandas_frame(pd, self._whole())

    def write_ndjson(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON object a line, UTF-8, as the service sent them. The file appears when it is whole."""
        self._write(_NdjsonFile(path))

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write comma-separated values with a heading, UTF-8; lists and objects as JSON text.

        The columns are those that the type declares; what else there is stands in `_more`. The file appears when it is whole.
        """
        self._write(_CsvFile(path, self._operation))

    def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file, with typed columns as in `batches`.

        With pyarrow a page at a time is in memory, with polars alone the whole list. The file appears when it is whole.

        Raises:
            ImportError: neither pyarrow nor polars is installed.
        """
        self._write(_ParquetFile(path, self._operation))

    def _write(self, file: _File) -> None:
        with file:
            for frame in self.batches():
                file.add(frame)


class AsyncPages(_Listing[T]):
    """A list that is read page by page, with ``async for``.

    Nothing is asked before the first item is wanted. Each loop asks anew, so that a second one sees what has changed.
    Items are dicts as the service sent them; `to_polars`, `to_arrow`, `to_pandas`, `batches` and `write_parquet` give the
    columns that the type declares, typed: times are UTC, objects inside of items are JSON text. What does not fit is not
    lost: the column becomes text, or the value stands in a last column `_more`, as do keys that are not declared.
    """

    __slots__ = ()

    async def __aiter__(self) -> AsyncIterator[T]:
        """The items, one by one; pages are asked for on the way."""
        async for page in self.pages():
            for item in page:
                yield item

    def pages(self) -> AsyncIterator[list[T]]:
        """The pages, as lists."""
        return self._read(self._cursor())

    async def _read(self, cursor: _core.PageCursor) -> AsyncIterator[list[T]]:
        while (page := await cursor.next_async()) is not None:
            yield page

    async def collect(self, limit: int | None = None) -> list[T]:
        """All items, or the first `limit` of them, for which no more is asked than is needed."""
        if _checked_limit(limit) == 0:
            return []
        items: list[T] = []
        async for page in self._read(self._cursor(limit)):
            items += page
            if limit is not None and len(items) >= limit:
                return items[:limit]
        return items

    async def first(self) -> T | None:
        """The first item, or None if there is none."""
        return next(iter(await self.collect(1)), None)

    async def count(self) -> int:
        """How many items there are, as the service counts them; one small request.

        `top` and `skip` do not matter to it.

        Raises:
            InvalidArgumentError: the service does not count this list.
        """
        operation, arguments, options = self._counting()
        return self._counted(await self._core.call_async(operation, arguments, options))

    async def batches(self) -> AsyncIterator[_core.Frame]:
        """Typed columns, page by page.

        Each has ``__arrow_c_array__`` and ``__arrow_c_stream__``, so that ``pyarrow.record_batch(batch)`` and
        ``polars.DataFrame(batch)`` read it. All have the same columns, `_more` as the last of them, and times in microseconds.
        """
        cursor = self._cursor()
        while (frame := await cursor.next_frame_async()) is not None:
            yield frame

    async def _whole(self) -> _core.Frame:
        whole = self._frame()
        async for frame in self.batches():
            whole.extend(frame)
        return whole

    async def to_polars(self) -> polars.DataFrame:
        """All items as a polars data frame. Times are UTC with nanoseconds.

        Raises:
            ImportError: polars is not installed.
        """
        pl = _library("polars", "polars")
        return pl.DataFrame(await self._whole())  # type: ignore[no-any-return]

    async def to_arrow(self) -> pyarrow.Table:
        """All items as a pyarrow table. Times are UTC with nanoseconds.

        Raises:
            ImportError: pyarrow is not installed.
        """
        pa = _library("pyarrow", "pyarrow")
        return pa.table(await self._whole())  # type: ignore[no-any-return]

    async def to_pandas(self) -> pandas.DataFrame:
        """All items as a pandas data frame; pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = _library("pandas", "pandas")
        return _pandas_frame(pd, await self._whole())

    async def write_ndjson(self, path: str | os.PathLike[str]) -> None:
        """Write one JSON object a line, UTF-8, as the service sent them. The file appears when it is whole."""
        await self._write(_NdjsonFile(path))

    async def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write comma-separated values with a heading, UTF-8; lists and objects as JSON text.

        The columns are those that the type declares; what else there is stands in `_more`. The file appears when it is whole.
        """
        await self._write(_CsvFile(path, self._operation))

    async def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file, with typed columns as in `batches`.

        With pyarrow a page at a time is in memory, with polars alone the whole list. The file appears when it is whole.

        Raises:
            ImportError: neither pyarrow nor polars is installed.
        """
        await self._write(_ParquetFile(path, self._operation))

    async def _write(self, file: _File) -> None:
        from asyncio import get_running_loop

        loop = get_running_loop()
        with file:
            async for frame in self.batches():
                await loop.run_in_executor(None, file.add, frame)


class _File:
    """A file that is written a page at a time, under another name until it is whole."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from pathlib import Path

        self.path = Path(path)
        self.part = self.path.with_name(self.path.name + ".part")

    def __enter__(self) -> None:
        self.open()

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        try:
            self.close(whole=kind is None)
            if kind is None:
                self.part.replace(self.path)
        finally:
            if self.part.exists():
                self.part.unlink()

    def open(self) -> None:
        self.file = self.part.open("wb")

    def add(self, frame: _core.Frame) -> None:
        raise NotImplementedError

    def close(self, *, whole: bool) -> None:
        import os

        with self.file:
            if whole:
                self.file.flush()
                os.fsync(self.file.fileno())


class _NdjsonFile(_File):
    def add(self, frame: _core.Frame) -> None:
        self.file.write(frame.ndjson().encode())


class _CsvFile(_File):
    def __init__(self, path: str | os.PathLike[str], operation: str) -> None:
        super().__init__(path)
        self.operation = operation

    def open(self) -> None:
        from . import _core

        super().open()
        self.file.write(_core.Frame(self.operation).csv(heading=True).encode())

    def add(self, frame: _core.Frame) -> None:
        self.file.write(frame.csv(heading=False).encode())


class _ParquetFile(_File):
    def __init__(self, path: str | os.PathLike[str], operation: str) -> None:
        super().__init__(path)
        self.operation = operation

    def open(self) -> None:
        from importlib.util import find_spec

        from . import _core

        self.empty = _core.Frame(self.operation, same=True)
        self.arrow: Any = None
        if find_spec("pyarrow") is not None or find_spec("polars") is None:
            self.arrow = _library("pyarrow", "pyarrow or polars")
            parquet = _library("pyarrow.parquet", "pyarrow or polars")
            self.writer = parquet.ParquetWriter(str(self.part), self.arrow.table(self.empty).schema)

    def add(self, frame: _core.Frame) -> None:
        if self.arrow is None:
            self.empty.extend(frame)
        elif len(frame):
            self.writer.write_table(self.arrow.table(frame))

    def close(self, *, whole: bool) -> None:
        if self.arrow is not None:
            self.writer.close()
        elif whole:
            _library("polars", "polars").DataFrame(self.empty).write_parquet(self.part)


def _checked_limit(limit: int | None) -> int | None:
    whole: object = limit
    if limit is not None and (isinstance(whole, bool) or not isinstance(whole, int) or limit < 0):
        raise InvalidArgumentError(f"limit: {limit!r} is no number of items", argument="limit")
    return limit


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
        self._dates = [name for name, type_ in table.schema if _family(type_) == "datetime"] if parse_dates else []

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
        return _library("polars", "polars").DataFrame(self._table)  # type: ignore[no-any-return]

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow table. Times are UTC with nanoseconds.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return _library("pyarrow", "pyarrow").table(self._table)  # type: ignore[no-any-return]

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame; pyarrow is not needed.

        Whole numbers and bools have pandas' nullable types, times are UTC.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = _library("pandas", "pandas")
        rows = self._table.rows(0, len(self))
        columns = {name: _pandas_column(pd, [row[name] for row in rows], _family(type_)) for name, type_ in self.schema}
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
        parquet: Any = _library("pyarrow.parquet", "polars or pyarrow")
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


def _family(wire_type: str) -> str:
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


def _library(module: str, install: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this needs {install}, which xdrkit does not bring along: pip install {install.split()[0]}", name=module
        ) from error


def _pandas_frame(pd: Any, frame: _core.Frame) -> pandas.DataFrame:
    columns = {name: _pandas_column(pd, values, family) for name, family, values in frame.columns()}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))  # type: ignore[no-any-return]


def _pandas_column(pd: Any, values: list[Any], family: str) -> Any:
    if family == "datetime":
        try:
            return pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")
        except (ValueError, OverflowError):
            # Outside what pandas can count in: the texts lose nothing.
            return pd.Series(values, dtype="object")
    dtype = {"bool": "boolean", "int": "Int64", "float": "float64"}.get(family)
    try:
        return (
            pd.Series(values, dtype=dtype or "object") if family != "text" else pd.Series(values, dtype=_text_dtype(pd))
        )
    except (TypeError, ValueError, OverflowError):
        return pd.Series(values, dtype="object")


def _text_dtype(pd: Any) -> str:
    return "str" if int(pd.__version__.partition(".")[0]) >= 3 else "object"
