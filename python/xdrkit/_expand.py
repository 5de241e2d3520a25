"""Graph incidents with their alerts, also where the service cannot do that at once.

On big tenants ``$expand=alerts`` with a filter ends in a lasting 500. So the list is asked for in smaller pages, then without
alerts, and those are fetched for each incident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._flow import Step, call_many, next_page, run, run_async
from ._resources import is_expanding
from .errors import BadResponseError, ServiceError, XdrError
from .results import AsyncPages, Pages

if TYPE_CHECKING:
    from . import _core
    from ._flow import Flow

_LIST, _GET = "graph.incidents.list", "graph.incidents.get"
_SMALL = 10
_AT_A_TIME = 4
_TOO_MUCH = (500, 504)
_ALERTS = "/v1.0/security/alerts_v2"


def opened(core: _core.Client, operation: str, arguments: dict[str, Any], options: dict[str, Any]) -> Any:
    """A walk through a list, with the help of this module where it is needed."""
    if is_expanding(operation, arguments):
        return ExpandingCursor(core, arguments, options)
    return core.pages(operation, arguments, options or None)


class ExpandingCursor:
    """A walk through incidents with their alerts."""

    __slots__ = ("_arguments", "_core", "_cursor", "_is_bare", "_is_small", "_options", "_seen")

    def __init__(self, core: _core.Client, arguments: dict[str, Any], options: dict[str, Any]) -> None:
        self._core = core
        self._arguments = arguments
        self._options = options
        self._is_small = self._is_bare = False
        self._seen: set[str] = set()
        self._cursor = core.pages(_LIST, arguments, options or None)

    def next(self) -> list[Any] | None:
        """The next page; None at the end."""
        return run(self._core, self._next())

    async def next_async(self) -> list[Any] | None:
        """The next page; None at the end."""
        return await run_async(self._core, self._next())

    def next_frame(self) -> _core.Frame | None:
        """The next page as typed columns; None at the end."""
        return _frame(self.next())

    async def next_frame_async(self) -> _core.Frame | None:
        """The next page as typed columns; None at the end."""
        return _frame(await self.next_async())

    def _next(self) -> Flow[list[Any] | None]:
        while True:
            try:
                page: list[Any] | None = yield next_page(self._cursor)
            except ServiceError as error:
                if error.status not in _TOO_MUCH or self._is_bare:
                    raise
                self._fall_back(error)
                continue
            if page is None:
                return None
            # A walk that began anew gives again what was given.
            fresh = [incident for incident in page if str(incident.get("id")) not in self._seen]
            if page and not fresh:
                continue
            if self._is_bare:
                yield from with_alerts(fresh)
            self._seen.update(str(incident.get("id")) for incident in fresh)
            return fresh

    def _fall_back(self, error: ServiceError) -> None:
        import logging

        arguments, options = dict(self._arguments), dict(self._options)
        if not self._is_small and (options.get("page_size") or _SMALL + 1) > _SMALL:
            self._is_small, way = True, f"pages of {_SMALL} are tried"
            options["page_size"] = _SMALL
        else:
            self._is_bare, way = True, "the alerts of each incident are asked for"
            arguments.pop("expand", None)
        logging.getLogger("xdrkit").info("%s: status %s for expand=alerts: %s", _LIST, error.status, way)
        self._cursor = self._core.pages(_LIST, arguments, options or None)


def _frame(page: list[Any] | None) -> _core.Frame | None:
    from . import _core

    return None if page is None else _core.Frame(_LIST, True, page)


def with_alerts(incidents: list[dict[str, Any]]) -> Flow[None]:
    """Puts into each incident its alerts."""
    wanted = [{"id": str(incident["id"]), "expand": "alerts"} for incident in incidents]
    answers = yield call_many(_GET, wanted, _AT_A_TIME)
    for incident, answer in zip(incidents, answers):
        if isinstance(answer, ServiceError) and answer.status in _TOO_MUCH:
            incident["alerts"] = yield from _alerts_of(str(incident["id"]), answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            incident["alerts"] = answer.get("alerts") or []


def _alerts_of(id: str, refused: XdrError) -> Flow[list[Any]]:
    """The alerts of an incident from the list of alerts, which can be filtered so although that is not documented."""
    found: list[Any] = []
    links: set[str] = set()
    options: dict[str, Any] = {
        "service": "graph",
        "params": {"$filter": "incidentId eq '" + id.replace("'", "''") + "'"},
    }
    path = _ALERTS
    while True:
        try:
            answer = yield Step("request", "GET", path, options)
        except XdrError as error:
            raise refused from error
        found += answer.get("value") or []
        link = answer.get("@odata.nextLink")
        if not link:
            return found
        if link in links:
            raise BadResponseError(f"the alerts of incident {id} come in pages that do not end")
        links.add(link)
        path, options = link, {"service": "graph"}


def plain(id: Any, options: dict[str, Any]) -> Flow[Any]:
    """One incident without its alerts."""
    answer = yield Step("call", _GET, {"id": id}, options or None)
    return answer


def expanded(id: Any, expand: Any, options: dict[str, Any]) -> Flow[Any]:
    """One incident with its alerts."""
    try:
        incident = yield Step("call", _GET, {"id": id, "expand": expand}, options or None)
    except ServiceError as error:
        if error.status not in _TOO_MUCH:
            raise
        incident = yield from plain(id, options)
        incident["alerts"] = yield from _alerts_of(str(incident.get("id", id)), error)
    return incident


class ExpandedPages(Pages[Any]):
    """Incidents with their alerts."""

    __slots__ = ()

    def _cursor(self, at_most: int | None = None) -> Any:
        return _expanded(self, at_most)


class AsyncExpandedPages(AsyncPages[Any]):
    """Incidents with their alerts."""

    __slots__ = ()

    def _cursor(self, at_most: int | None = None) -> Any:
        return _expanded(self, at_most)


def _expanded(pages: Any, at_most: int | None) -> ExpandingCursor:
    arguments = dict(pages._arguments)
    if at_most is not None:
        arguments["top"] = min(at_most, arguments.get("top", at_most))
    return ExpandingCursor(pages._core, arguments, pages._options)
