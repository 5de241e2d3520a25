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
    dtype = {"bool": "boolean", "int": "Int64", "float": "float64"}.get(family)
    try:
        return (
            pd.Series(values, dtype=dtype or "object") if family != "text" else pd.Series(values, dtype=text_dtype(pd))
        )
    except (TypeError, ValueError, OverflowError):
        return pd.Series(values, dtype="object")


def text_dtype(pd: Any) -> str:
    return "str" if int(pd.__version__.partition(".")[0]) >= 3 else "object"
