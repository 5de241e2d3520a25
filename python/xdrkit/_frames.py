"""Columns of ours as data frames of other libraries, which are imported when they are asked for."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    import pandas

    from . import _core


def library(module: str, install: str) -> Any:
    from importlib import import_module

    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this needs {install}, which xdrkit does not bring along: pip install {install.split()[0]}", name=module
        ) from error


def is_there(module: str) -> bool:
    """Whether a library is installed."""
    from importlib.util import find_spec

    return find_spec(module) is not None


class PlainStream:
    """A table for those who cannot work with `string_view`."""

    def __init__(self, table: _core.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.plain_stream()


def pandas_from_arrow(pd: Any, pa: Any, stream: object) -> pandas.DataFrame:
    """By way of pyarrow, with the types that `pandas_column` gives without it."""
    kinds = {pa.bool_(): pd.BooleanDtype(), pa.int32(): pd.Int64Dtype(), pa.int64(): pd.Int64Dtype()}
    return pa.table(stream).to_pandas(types_mapper=kinds.get, self_destruct=True)  # type: ignore[no-any-return]


def pandas_frame(pd: Any, frame: _core.Frame) -> pandas.DataFrame:
    columns = {name: pandas_column(pd, values, family) for name, family, values in frame.columns()}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))  # type: ignore[no-any-return]


def pandas_column(pd: Any, values: list[Any], family: str) -> Any:
    if family == "datetime":
        try:
            return pd.to_datetime(pd.Series(values, dtype="object"), utc=True, format="ISO8601")
        except (ValueError, OverflowError):
            # Outside what pandas can count in: the texts lose nothing.
            return pd.Series(values, dtype="object")
    if family == "timespan":
        return pd.to_timedelta(pd.Series([_days(value) for value in values], dtype="object"))
    dtype = {"bool": "boolean", "int": "Int64", "float": "float64"}.get(family)
    try:
        return (
            pd.Series(values, dtype=dtype or "object") if family != "text" else pd.Series(values, dtype=text_dtype(pd))
        )
    except (TypeError, ValueError, OverflowError):
        return pd.Series(values, dtype="object")


def text_dtype(pd: Any) -> str:
    return "str" if int(pd.__version__.partition(".")[0]) >= 3 else "object"


def _days(span: str | None) -> str | None:
    """A time span as pandas reads it: days stand apart."""
    if span is None:
        return None
    days, dot, clock = span.partition(".")
    return f"{days} days {'-' if days.startswith('-') else ''}{clock}" if dot and ":" not in days else span
