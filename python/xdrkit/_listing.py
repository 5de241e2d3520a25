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
        ``polars.DataFrame(batch)`` read it. All have the same columns, `_more` as the last of them; a time past the year 2262 stands there.
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
        self._cursor().write(path, "ndjson")

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write comma-separated values with a heading, UTF-8; lists and objects as JSON text.

        The columns are those that the type declares; what else there is stands in `_more`. The file appears when it is whole.
        """
        self._cursor().write(path, "csv")

    def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file, with typed columns as in `batches`. The file appears when it is whole."""
        self._cursor().write(path, "parquet")


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
        ``polars.DataFrame(batch)`` read it. All have the same columns, `_more` as the last of them; a time past the year 2262 stands there.
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
        await self._cursor().write_async(path, "ndjson")

    async def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write comma-separated values with a heading, UTF-8; lists and objects as JSON text.

        The columns are those that the type declares; what else there is stands in `_more`. The file appears when it is whole.
        """
        await self._cursor().write_async(path, "csv")

    async def write_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write a Parquet file, with typed columns as in `batches`. The file appears when it is whole."""
        await self._cursor().write_async(path, "parquet")


def _checked_limit(limit: int | None) -> int | None:
    whole: object = limit
    if limit is not None and (isinstance(whole, bool) or not isinstance(whole, int) or limit < 0):
        raise InvalidArgumentError(f"limit: {limit!r} is no number of items", argument="limit")
    return limit
