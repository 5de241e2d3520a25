"""Alerts of Defender for Endpoint: watching."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdrkit._watch import ALERTS
from xdrkit._watch import watch as shared

if TYPE_CHECKING:
    from typing import Literal

    from xdrkit._bookmark import Bookmark
    from xdrkit._filter import Filter
    from xdrkit._flow import Stream
    from xdrkit._generated.types import Alert
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
    expand: Literal["evidence"] | None = None,
) -> Stream[Alert]:
    """Watch for new and changed alerts: they come as they appear, the oldest first, for as long as you ask.

    Nothing is lost and nothing comes twice: not where alerts share a moment, not where one shows up late within `overlap`,
    not across restarts with a `bookmark`. An alert counts as handed over when the next one is asked for. If the program dies
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
        expand: `evidence` includes each alert's evidence.

    Returns:
        An iterator over `Alert` as the service sent them. It ends by itself only with `once` or `limit`.

    Raises:
        InvalidArgumentError: an argument is wrong; nothing was sent.
        ConfigurationError: the bookmark is damaged, cannot be written, or belongs to another tenant, list or filter.
        PermissionDeniedError: the token lacks the permission; `missing` names it.

    Permissions:
        Application: `Alert.Read.All` or `Alert.ReadWrite.All`. Delegated: `Alert.Read` or `Alert.ReadWrite`. On WindowsDefenderATP.

    Limits:
        100 calls a minute and 1,500 calls an hour for an app in a tenant. A look is one request as a rule.
    """
    return shared(
        client,
        ALERTS,
        since=since,
        filter=filter,
        bookmark=bookmark,
        poll=poll,
        overlap=overlap,
        updates=updates,
        once=once,
        limit=limit,
        expand=expand,
    )
