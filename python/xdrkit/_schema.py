"""`client.schema()`: the hunting tables with their columns, bundled or asked of the service."""

from __future__ import annotations

from . import _core
from ._flow import Step
from ._resources import given
from .errors import InvalidArgumentError, NotFoundError, PermissionDeniedError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from ._flow import Flow


class Schema(dict["str", "dict[str, str]"]):
    """The hunting tables: from a table's name to its columns, each with its KQL type.

    A dict, so that ``schema["DeviceEvents"]["Timestamp"]`` is ``"datetime"``; `kql.lint` takes it.

    Attributes:
        live: Whether the service was asked; else it is the schema that xdrkit was made with.
    """

    live: bool

    def __init__(self, tables: Mapping[str, Mapping[str, str]] = {}, *, live: bool = False) -> None:
        super().__init__({name: dict(columns) for name, columns in tables.items()})
        self.live = live

    def tables(self) -> list[str]:
        """The names of all tables, sorted."""
        return sorted(self)

    def columns(self, table: str) -> dict[str, str]:
        """The columns of a table with their types."""
        if table in self:
            return dict(self[table])
        from difflib import get_close_matches

        near = get_close_matches(str(table), self, 1, 0.6)
        hint = f"did you mean {near[0]!r}?" if near else None
        raise InvalidArgumentError(f"table: there is no table {table!r} in this schema", argument="table", hint=hint)

    def find(self, text: str) -> dict[str, dict[str, str]]:
        """The columns whose names contain a text, whatever the case, by their tables; and all columns of tables that are named so."""
        wanted = text.casefold()
        found = {}
        for table in self.tables():
            whole = wanted in table.casefold()
            columns = {name: type_ for name, type_ in self[table].items() if whole or wanted in name.casefold()}
            if columns:
                found[table] = columns
        return found

    def _lines(self) -> Iterator[str]:
        yield f"{len(self)} hunting tables, {'as the service has them' if self.live else 'bundled with xdrkit'}"
        for table in self.tables():
            names = list(self[table])
            shown = ", ".join(names[:6]) + (f", … ({len(names)} columns)" if len(names) > 6 else "")
            yield f"  {table}: {shown}"

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def __reduce__(self) -> Any:
        return _again, (dict(self), self.live)


def _again(tables: Any, live: bool) -> Schema:
    return Schema(tables, live=live)


def bundled() -> Schema:
    """The schema that xdrkit was made with."""
    return Schema(_core.hunting_schema()["tables"])


def schema(
    live: bool = False,
    tables: Sequence[str] | None = None,
    api: str = "auto",
    timeout: Any = None,
    deadline: Any = None,
) -> Flow[Schema]:
    """The flow behind ``client.schema()``."""
    names: Any = tables
    if names is not None and (isinstance(names, str) or not all(isinstance(name, str) and name for name in names)):
        raise InvalidArgumentError("tables: takes a list of names", argument="tables")
    if api not in ("auto", "graph", "xdr", "endpoint"):
        raise InvalidArgumentError(
            f'api: {api!r} is not allowed; it is "auto", "graph", "xdr" or "endpoint"', argument="api"
        )
    if not live:
        known = bundled()
        if tables is None:
            return known
        return Schema({name: known.columns(name) for name in tables})
    refused: PermissionDeniedError | NotFoundError | None = None
    if api in ("auto", "graph"):
        try:
            whole = yield Step("call", "graph.hunting.schema", {}, given(timeout=timeout, deadline=deadline))
        except (PermissionDeniedError, NotFoundError) as error:
            # For users alone, and in beta: the query language tells as much, a table at a time.
            refused = error
        else:
            found = Schema(
                {t["name"]: {c["name"]: c["dataType"] for c in t["columns"]} for t in whole["tables"]}, live=True
            )
            return found if tables is None else Schema({name: found.columns(name) for name in tables}, live=True)
    if tables is None:
        raise InvalidArgumentError(
            "tables: name the tables; this sign-in may not ask the service for all of them",
            argument="tables",
            hint='client.schema(live=True, tables=["DeviceEvents"]) asks for one table after the other',
        ) from refused
    options = given(api=api, timeout=timeout, deadline=deadline)
    answers = yield Step("hunt_many", [(f"{_quoted(name)} | getschema", options) for name in tables], 3)
    made = Schema(live=True)
    for name, answer in zip(tables, answers):
        if isinstance(answer, BaseException):
            raise answer
        made[name] = {row["ColumnName"]: row["ColumnType"] for row in answer.rows(0, len(answer))}
    return made


def _quoted(name: str) -> str:
    import re

    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        return name
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    if any(ord(c) < 32 for c in name):
        raise InvalidArgumentError(f"tables: {name!r} is no name of a table", argument="tables")
    return f"['{escaped}']"
