"""Lists that are read page by page.

A list of 10,000 machines is 50 MB that most callers do not want at once, so a list is asked for when it is read and one
page at a time; files are written page by page, too.
"""

from __future__ import annotations

from ._frames import library, pandas_frame
from ._light import Generic, TypeVar
from .errors import BadResponseError, InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

    import pandas
    import polars
    import pyarrow

    from . import _core

T = TypeVar("T")


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
        pl = library("polars", "polars")
        return pl.DataFrame(self._whole())  # type: ignore[no-any-return]

    def to_arrow(self) -> pyarrow.Table:
        """All items as a pyarrow table. Times are UTC with nanoseconds.

        Raises:
            ImportError: pyarrow is not installed.
        """
        pa = library("pyarrow", "pyarrow")
        return pa.table(self._whole())  # type: ignore[no-any-return]

    def to_pandas(self) -> pandas.DataFrame:
        """All items as a pandas data frame; pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = library("pandas", "pandas")
        return pandas_frame(pd, self._whole())

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
        pl = library("polars", "polars")
        return pl.DataFrame(await self._whole())  # type: ignore[no-any-return]

    async def to_arrow(self) -> pyarrow.Table:
        """All items as a pyarrow table. Times are UTC with nanoseconds.

        Raises:
            ImportError: pyarrow is not installed.
        """
        pa = library("pyarrow", "pyarrow")
        return pa.table(await self._whole())  # type: ignore[no-any-return]

    async def to_pandas(self) -> pandas.DataFrame:
        """All items as a pandas data frame; pyarrow is not needed.

        Raises:
            ImportError: pandas is not installed.
        """
        pd = library("pandas", "pandas")
        return pandas_frame(pd, await self._whole())

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
            self.arrow = library("pyarrow", "pyarrow or polars")
            parquet = library("pyarrow.parquet", "pyarrow or polars")
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
            library("polars", "polars").DataFrame(self.empty).write_parquet(self.part)


def _checked_limit(limit: int | None) -> int | None:
    whole: object = limit
    if limit is not None and (isinstance(whole, bool) or not isinstance(whole, int) or limit < 0):
        raise InvalidArgumentError(f"limit: {limit!r} is no number of items", argument="limit")
    return limit
