"""Incidents that were merged into others: going where they went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import BadResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._flow import Flow

# A chain of merges is short; a longer one is a mistake of the service's.
_MOST = 10


def followed(fetch: Callable[[Any], Flow[Any]], id: Any, follow: bool) -> Flow[Any]:
    """The incident, or the one that it was merged into in the end."""
    seen = [str(id)]
    while True:
        incident = yield from fetch(seen[-1] if len(seen) > 1 else id)
        target = incident.get("redirectIncidentId") if follow else None
        if target in (None, "", 0, "0"):
            return incident
        if str(target) in seen or len(seen) > _MOST:
            way = " -> ".join([*seen, str(target)])
            what = "goes round in a circle" if str(target) in seen else f"has more than {_MOST} steps"
            raise BadResponseError(f"the redirection of incident {id} {what}: {way}")
        seen.append(str(target))
