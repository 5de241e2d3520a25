"""What is put into a running sandbox: machines, alerts, rows, answers, whole worlds."""

from __future__ import annotations

from . import _core
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any


__all__ = ["Context", "Data", "engine", "read_world"]

# The names of the query language by those of the wire.
_TYPES = {
    "SByte": "bool",
    "Int32": "int",
    "Int64": "long",
    "Double": "real",
    "SqlDecimal": "decimal",
    "DateTime": "datetime",
    "TimeSpan": "timespan",
    "Guid": "guid",
    "Object": "dynamic",
}


class Data:
    """The part of a `Sandbox` that puts things into it. `reset()` takes all of them away."""

    _core: _core.Sandbox

    def _data(self, action: str, given: Any = None) -> Any:
        import json

        return json.loads(self._core.data(action, json.dumps(given, default=_plain)))

    def add_machines(self, machines: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add machines, which the services list and hunting shows at once.

        Args:
            machines: Properties of the Machine resource, such as ``{"computerDnsName": "pc-1.example.com", "osPlatform":
                "Windows11", "machineTags": ["VIP"]}``. What is left out is made up.

        Returns:
            Their ids.
        """
        ids: list[str] = self._data("machines", _list("machines", machines))["ids"]
        return ids

    def add_alerts(self, alerts: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add alerts, each to the incident that it names or to a new one.

        Args:
            alerts: Properties of the Endpoint service's Alert resource, such as ``{"title": "Odd logon", "severity": "High",
                "machineId": id}``, with ``evidence`` as that service writes it; and ``serviceSource``.

        Returns:
            Their ids.
        """
        ids: list[str] = self._data("alerts", _list("alerts", alerts))["ids"]
        return ids

    def add_incidents(self, incidents: Sequence[Mapping[str, Any]]) -> list[str]:
        """Add incidents without alerts; alerts that are added may name them by ``incidentId``.

        Args:
            incidents: Properties of Graph's incident resource, such as ``{"displayName": "Case 7", "severity": "high"}``.

        Returns:
            Their ids.
        """
        ids: list[str] = self._data("incidents", _list("incidents", incidents))["ids"]
        return ids

    def add_rows(self, table: str, rows: Any, *, columns: Mapping[str, str] | None = None) -> int:
        """Put rows into a hunting table; queries on every service see them at once.

        Args:
            table: A table of the schema, or a new one.
            rows: A list of dicts, or anything that speaks Arrow: a data frame, a hunting result. Columns must be the
                table's, and values are converted to their types or refused. Columns left out are empty; a row without
                ``Timestamp`` happened just now. Windows are kept: what is older than 30 days no query sees.
            columns: The columns of a new table, with their types (``{"Timestamp": "datetime", "Score": "long"}``).
                Default: those of the data frame.

        Returns:
            How many rows were added.
        """
        types, items = _rows("rows", rows)
        if columns is not None:
            types = dict(columns)
        elif isinstance(rows, (list, tuple)):
            types = {}
        added: int = self._data("rows", {"table": table, "rows": items, "columns": types})["rows"]
        return added

    def clear_rows(self, table: str) -> int:
        """Take all rows out of a hunting table. How many there were."""
        cleared: int = self._data("clear_rows", {"table": table})["rows"]
        return cleared

    def add_geo(self, places: Mapping[str, Mapping[str, Any]]) -> None:
        """Say where addresses are, for ``geo_info_from_ip_address``.

        Args:
            places: By address or network: ``{"203.0.113.0/24": {"country": "Norway", "city": "Oslo"}}``, with ``state``,
                ``latitude`` and ``longitude``. The narrowest network counts.
        """
        self._data("geo", {str(network): dict(place) for network, place in places.items()})

    def add_file_profiles(self, profiles: Sequence[Mapping[str, Any]]) -> None:
        """Say what ``FileProfile`` knows of files.

        Args:
            profiles: Columns by name, with ``SHA1``, ``SHA256`` or ``MD5``: ``{"SHA1": "…", "GlobalPrevalence": 12}``.
        """
        self._data("file_profiles", _list("profiles", profiles))

    def add_external(self, url: str, content: str | os.PathLike[str]) -> None:
        """Say what ``externaldata`` finds at a URL. Nothing is fetched; a URL that nobody registered is refused.

        Args:
            url: As the query writes it.
            content: The text, or the path of a file with it.
        """
        if not isinstance(content, str):
            from pathlib import Path

            content = Path(content).read_text(encoding="utf-8")
        self._data("external", {url: content})

    def add_answer(
        self,
        *,
        query: str | None = None,
        contains: str | None = None,
        match: str | None = None,
        rows: Any = None,
        error: str | None = None,
        status: int | None = None,
    ) -> None:
        """Answer some queries with rows or an error that are written down, whatever the engine.

        Args:
            query: The query, but for white space.
            contains: Queries with this text in them.
            match: Queries that this regular expression finds something in.
            rows: What is answered: a list of dicts, or anything that speaks Arrow.
            error: The message of the error that is answered instead.
            status: Its status, 400 to 599. Default: 400.
        """
        answer: dict[str, Any] = {
            "query": query,
            "contains": contains,
            "match": match,
            "error": error,
            "status": status,
        }
        if rows is not None:
            answer["columns"], answer["rows"] = _rows("rows", rows)
        self._data("answers", {name: value for name, value in answer.items() if value is not None})

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What `add_answer` registered, each with how often it was used (``used``)."""
        found: list[dict[str, Any]] = self._data("answers_used")["answers"]
        return found

    @property
    def unanswered(self) -> list[str]:
        """With ``engine="canned"``: the queries that no answer was registered for."""
        found: list[str] = self._data("answers_used")["unmatched"]
        return found

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Write the tenant as it is into a file that `load` and ``sandbox(world=…)`` read: JSON, packed if it ends in ``.gz``."""
        write_world(path, self._data("dump"))

    def load(self, path: str | os.PathLike[str], *, shift: bool = True) -> None:
        """Put another tenant in the place of this one, from a file. `reset()` brings this one back.

        Args:
            path: A file of `dump`, `xdrkit.record_world` or your own.
            shift: Whether its times are moved so that its present is the sandbox's.
        """
        self._data("load", {"world": read_world(path), "shift": shift})


class Context:
    """What an engine is given beside the query.

    Attributes:
        now: The sandbox's present, ISO 8601.
        window: From and to of what the query may see, ISO 8601.
        api: ``"graph"``, ``"xdr"`` or ``"endpoint"``.
    """

    __slots__ = ("_sandbox", "api", "now", "window")

    def __init__(self, sandbox: _core.Sandbox, now: str, window: tuple[str, str], api: str) -> None:
        self._sandbox = sandbox
        self.now = now
        self.window = window
        self.api = api

    def run(self, query: str) -> list[dict[str, Any]]:
        """The rows that the built-in engine answers to a query on the sandbox's tables."""
        import json

        answer = json.loads(self._sandbox.data("run", json.dumps({"query": query})))
        return [dict(zip(answer["columns"], row)) for row in answer["rows"]]

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        return self.run(name)


def engine(function: Callable[[str, Context], Any], core: Callable[[], _core.Sandbox]) -> Callable[..., str]:
    """What the core calls for a query: it asks `function` and writes the answer as JSON."""

    def answer(query: str, now: str, since: str, until: str, api: str) -> str:
        import json

        rows = function(query, Context(core(), now, (since, until), api))
        types, items = _rows("engine", rows)
        return json.dumps({"columns": types, "rows": items}, default=_plain)

    return answer


def read_world(path: str | os.PathLike[str]) -> Any:
    """The document in a file."""
    import gzip
    import json
    from pathlib import Path

    data = Path(path).read_bytes()
    if os_path(path).endswith(".gz"):
        data = gzip.decompress(data)
    try:
        return json.loads(data)
    except ValueError as error:
        raise InvalidArgumentError(f"world: {os_path(path)} is no JSON: {error}", argument="world") from None


def write_world(path: str | os.PathLike[str], world: Any) -> None:
    """Write a document, whole or not at all."""
    import gzip
    import json
    from pathlib import Path

    data = json.dumps(world, ensure_ascii=False, indent=1).encode()
    if os_path(path).endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    part = Path(f"{os_path(path)}.part")
    part.write_bytes(data)
    part.replace(path)


def os_path(path: str | os.PathLike[str]) -> str:
    """The path as text."""
    import os

    return os.fspath(path)


def _plain(value: Any) -> Any:
    from datetime import date, timedelta
    from uuid import UUID

    if isinstance(value, (date, timedelta, UUID)):
        from .kql import _cell

        return _cell(value, "")
    raise TypeError(f"a {type(value).__name__} is no value of a property")


def _list(name: str, items: Any) -> list[dict[str, Any]]:
    if isinstance(items, (str, bytes)) or not all(hasattr(item, "keys") for item in items):
        raise InvalidArgumentError(f"{name}: takes a list of dicts", argument=name)
    return [dict(item) for item in items]


def _rows(name: str, rows: Any) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Types by column, and rows that JSON can hold; times to the last digit."""
    from .kql import _table

    if isinstance(rows, (list, tuple)) and not rows:
        return {}, []
    try:
        table = _table(name, rows)
    except InvalidArgumentError:
        message = f"{name}: takes a list of dicts, or what has __arrow_c_stream__ (polars, pyarrow, pandas from 2.2, a hunting result)"
        raise InvalidArgumentError(message, argument=name) from None
    types = {column: _TYPES.get(wire, "string") for column, wire in table.schema}
    items = table.rows(0, len(table))
    return types, items
