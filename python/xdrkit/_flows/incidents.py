"""Incidents of Defender XDR: watching, and following merged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdrkit._flow import Step
from xdrkit._redirects import followed
from xdrkit._resources import given
from xdrkit._watch import INCIDENTS
from xdrkit._watch import watch as shared

if TYPE_CHECKING:
    from typing import Any

    from xdrkit._bookmark import Bookmark
    from xdrkit._filter import Filter
    from xdrkit._flow import Flow, Stream
    from xdrkit._generated.types import Incident
    from xdrkit._resources import Resource, Seconds
    from xdrkit._time import Moment


def watch(
    client: Resource,
    *,
    since: Moment | None = None,
    filter: str | Filter | None = None,
    bookmark: Bookmark | None = None,
    poll: Seconds | str = 60,
    overlap: Seconds | str = "5m",
    updates: bool = True,
    once: bool = False,
    limit: int | None = None,
) -> Stream[Incident]:
    """Watch for new and changed incidents: they come as they appear, the oldest first, for as long as you ask.

    Nothing is lost and nothing comes twice: not where incidents share a moment, not where one shows up late within `overlap`,
    not across restarts with a `bookmark`. An incident counts as handed over when the next one is asked for. If the program dies
    while it works on one, or leaves the loop there, that one comes again.

    What may pass (throttling, failures of the service, a lost connection) is waited out and told to the logger `xdrkit`.

    Args:
        since: From when on, if there is no bookmark yet: a point in time, or how long ago, such as `"7d"`. Default: as long ago
            as `overlap`. What is older than a day comes a day at a time.
        filter: Which ones: OData text, or what `xdrkit.field("severity").eq("High")` makes. Default: all.
        bookmark: Where to keep how far the watch has come: the path of a file, or an object with `load()` and `save(text)`
            (with the async client they may be coroutine functions). Default: nowhere; then it begins anew each time.
        poll: Seconds between two looks, a number, a timedelta or text such as `"5m"`.
        overlap: How late something may show up in the list and still be found: each look reaches back so far.
        updates: Whether a change of one that was seen before counts; False gives each only once, when it is new.
        once: Look once and end, such as for cron; then failures that may pass are raised.
        limit: End after so many.

    Returns:
        An iterator over `Incident` as the service sent them. It ends by itself only with `once` or `limit`.

    Raises:
        InvalidArgumentError: an argument is wrong; nothing was sent.
        ConfigurationError: the bookmark is damaged, cannot be written, or belongs to another tenant, list or filter.
        PermissionDeniedError: the token lacks the permission; `missing` names it.

    Permissions:
        Application: `Incident.Read.All` or `Incident.ReadWrite.All`. Delegated: `Incident.Read` or `Incident.ReadWrite`. On Microsoft
            Threat Protection.

    Limits:
        50 calls a minute and 1,500 calls an hour for an app in a tenant. A look is one request as a rule.
    """
    return shared(
        client,
        INCIDENTS,
        since=since,
        filter=filter,
        bookmark=bookmark,
        poll=poll,
        overlap=overlap,
        updates=updates,
        once=once,
        limit=limit,
    )


def get(
    client: Resource,
    id: str | int,
    *,
    follow: bool = False,
    timeout: Seconds | None = None,
    deadline: Seconds | None = None,
) -> Flow[Incident]:
    """Get one incident with its alerts.

    Args:
        id: Incident id, a number.
        follow: Whether an incident that was merged into another (`redirectIncidentId`) is answered with that other one.
        timeout: Seconds for one try, a number or a timedelta. Default: the client's.
        deadline: Seconds for each call with its repetitions and waits, a number or a timedelta. Default: the client's.

    Returns:
        The `Incident`, as the service sent it.

    Raises:
        InvalidArgumentError: an argument is wrong; nothing was sent.
        PermissionDeniedError: the token lacks the permission; `missing` names it.
        NotFoundError: there is nothing of that id.
        BadResponseError: the redirections go round in a circle.

    Permissions:
        Application: `Incident.Read.All` or `Incident.ReadWrite.All`. Delegated: `Incident.Read` or `Incident.ReadWrite`. Any one will
            do. On Microsoft Threat Protection.

    Limits:
        50 calls a minute and 1,500 calls an hour for an app in a tenant, shared by all operations of the class `xdr incidents`.

    Repetition:
        Safe: after a failure that may pass, it is sent again.

    Documentation:
        https://learn.microsoft.com/defender-xdr/api-get-incident
    """
    options = given(timeout=timeout, deadline=deadline)

    def fetch(id: Any) -> Flow[Any]:
        answer = yield Step("call", "incidents.get", {"id": id}, options or None)
        return answer

    incident: Incident = yield from followed(fetch, id, follow)
    return incident
