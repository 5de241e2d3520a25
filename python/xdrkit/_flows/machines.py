"""Machines: finding them by what people call them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xdrkit._flow import Flow, Step, next_page
from xdrkit._resources import wire
from xdrkit.errors import InvalidArgumentError, NotFoundError

if TYPE_CHECKING:
    from typing import Any, List

    from xdrkit._generated.types import Machine
    from xdrkit._resources import Resource
    from xdrkit._time import Moment

_ID = re.compile(r"[0-9a-fA-F]{40}")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# So long ago is now: a service whose clock is behind takes no moment that lies ahead.
_NOW = 60.0


def find(
    client: Resource,
    query: str | None = None,
    *,
    id: str | None = None,
    name: str | None = None,
    ip: str | None = None,
    aad_device_id: str | None = None,
    tag: str | None = None,
    at: Moment | None = None,
) -> Flow[List[Machine]]:
    """Find machines by what people call them: an id, an IP address, an Entra device id, a name.

    Which one `query` is follows from how it looks. A name is the full DNS name, or the host name without its domain; where
    a machine has the very name that was given, those whose name only begins so are left out. Several machines may have
    a name or address, such as one that was set up anew.

    Args:
        query: An id (40 hexadecimal digits), an IP address, a GUID (an Entra device id), or else a name. Or one of the
            following instead, which says what it is:
        id: Machine id: 40 hexadecimal digits.
        name: DNS name or host name, in any case.
        ip: IP address: of machines that used it as an internal address around `at`, and, without `at`, whose last one
            it was.
        aad_device_id: The id of the device in Entra ID, a GUID.
        tag: A tag, the whole of it.
        at: When the IP address was in use: a datetime, ISO 8601 text or how long ago; within the last 30 days. Default: now.

    Returns:
        The `Machine` items, each once; an empty list if there are none.

    Raises:
        InvalidArgumentError: none or several of them were given, or what was given is no such thing; nothing was sent.
        PermissionDeniedError: the token lacks the permission; `missing` names it.

    Permissions:
        Application: `Machine.Read.All` or `Machine.ReadWrite.All`. Delegated: `Machine.Read` or `Machine.ReadWrite`. Any one
        will do. On WindowsDefenderATP.
    """
    what, value = _what(query, id=id, name=name, ip=ip, aad_device_id=aad_device_id, tag=tag)
    if at is not None and what != "ip":
        raise InvalidArgumentError("at: is for an IP address; a machine's id or name has no moment", argument="at")
    return (yield from _found(client, what, value, at))


def find_one(
    client: Resource,
    query: str | None = None,
    *,
    id: str | None = None,
    name: str | None = None,
    ip: str | None = None,
    aad_device_id: str | None = None,
    tag: str | None = None,
    at: Moment | None = None,
) -> Flow[Machine]:
    """Find the one machine of that id, IP address, Entra device id or name: `find`, where there must be no doubt.

    Args:
        query: An id (40 hexadecimal digits), an IP address, a GUID (an Entra device id), or else a name. Or one of the
            following instead, which says what it is:
        id: Machine id: 40 hexadecimal digits.
        name: DNS name or host name, in any case.
        ip: IP address.
        aad_device_id: The id of the device in Entra ID, a GUID.
        tag: A tag, the whole of it.
        at: When the IP address was in use: a datetime, ISO 8601 text or how long ago; within the last 30 days. Default: now.

    Returns:
        The `Machine`, as the service sent it.

    Raises:
        InvalidArgumentError: several machines fit, and the message names them; or the arguments are wrong.
        NotFoundError: none does.
        PermissionDeniedError: the token lacks the permission; `missing` names it.

    Permissions:
        Application: `Machine.Read.All` or `Machine.ReadWrite.All`. Delegated: `Machine.Read` or `Machine.ReadWrite`. Any one
        will do. On WindowsDefenderATP.
    """
    machines = yield from find(client, query, id=id, name=name, ip=ip, aad_device_id=aad_device_id, tag=tag, at=at)
    what, value = _what(query, id=id, name=name, ip=ip, aad_device_id=aad_device_id, tag=tag)
    if len(machines) == 1:
        return machines[0]
    if not machines:
        raise NotFoundError(f"there is no machine of the {_WORDS[what]} {value!r}")
    shown = ", ".join(
        f"{m.get('id')} ({m.get('computerDnsName')}, {m.get('healthStatus')}, last seen {m.get('lastSeen')})"
        for m in machines[:5]
    )
    more = f" and {len(machines) - 5} more" if len(machines) > 5 else ""
    given = "query" if query is not None else what
    raise InvalidArgumentError(
        f"{given}: {len(machines)} machines have the {_WORDS[what]} {value!r}: {shown}{more}; take one by its id",
        argument=given,
        allowed=[str(m.get("id")) for m in machines],
    )


_WORDS = {"id": "id", "name": "name", "ip": "IP address", "aad_device_id": "Entra device id", "tag": "tag"}


def _what(query: Any, **given: Any) -> tuple[str, str]:
    """What is looked for, and its value, checked."""
    chosen = {name: value for name, value in given.items() if value is not None}
    if query is not None:
        chosen["query"] = query
    if len(chosen) != 1:
        names = "query, id, name, ip, aad_device_id or tag"
        got = f"not {', '.join(chosen)} together" if chosen else "not none"
        raise InvalidArgumentError(f"query: give one of {names}, {got}", argument="query")
    ((what, value),) = chosen.items()
    value = value if isinstance(value, str) else str(value) if type(value).__name__ in _TEXTUAL else value
    if not isinstance(value, str) or not value.strip():
        raise InvalidArgumentError(f"{what}: {value!r} is not allowed; it is a text that is not empty", argument=what)
    value = value.strip()
    if what == "query":
        return _kind(value), value
    forms = {"id": "40 hexadecimal digits", "aad_device_id": "a GUID", "ip": "an IP address"}
    if what in forms and _kind(value) != what:
        raise InvalidArgumentError(f"{what}: {value!r} is not {forms[what]}", argument=what)
    return what, value


# What stands for a text in other libraries.
_TEXTUAL = ("UUID", "IPv4Address", "IPv6Address")


def _kind(value: str) -> str:
    if _ID.fullmatch(value):
        return "id"
    if _GUID.fullmatch(value):
        return "aad_device_id"
    return "ip" if _is_ip(value) else "name"


def _is_ip(value: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _found(client: Resource, what: str, value: str, at: Any) -> Flow[List[Machine]]:
    if what == "id":
        try:
            return [(yield Step("call", "machines.get", {"id": value}, None))]
        except NotFoundError:
            return []
    if what == "tag":
        return (yield from _whole("machines.find_by_tag", {"tag": value}))
    if what == "aad_device_id":
        return (yield from _all(client, "machines.list", {"filter": f"aadDeviceId eq {value.lower()}"}))
    if what == "ip":
        from xdrkit._audit import moment

        when = moment(client._core.now() - _NOW) if at is None else at
        arguments = wire(ip=value, timestamp=when)
        try:
            client._core.preview("machines.find_by_ip", arguments)
        except InvalidArgumentError as error:
            text = error.message.replace("timestamp:", "at:", 1)
            raise InvalidArgumentError(
                text, argument="at" if error.argument == "timestamp" else error.argument
            ) from None
        machines = yield from _whole("machines.find_by_ip", arguments)
        if at is None:
            machines += yield from _all(client, "machines.list", {"filter": f"lastIpAddress eq {_quoted(value)}"})
        return list({str(machine.get("id")): machine for machine in machines}.values())
    low = value.lower().rstrip(".")
    either = f"computerDnsName eq {_quoted(low)} or startswith(computerDnsName,{_quoted(low + '.')})"
    machines = yield from _all(client, "machines.list", {"filter": either})
    # The service decides what fits; which of them have the very name is seen here.
    exact = [machine for machine in machines if str(machine.get("computerDnsName")).lower() == low]
    return exact or machines


def _all(client: Resource, operation: str, arguments: dict[str, Any]) -> Flow[List[Machine]]:
    """Every item of a list, page by page."""
    cursor = client._core.pages(operation, arguments)
    items: List[Machine] = []
    try:
        while True:
            page = yield next_page(cursor)
            if page is None:
                return items
            items += page
    except NotFoundError:
        # Some of these answer so when there are none.
        return items


def _whole(operation: str, arguments: dict[str, Any]) -> Flow[List[Machine]]:
    """Every item of a list that is answered at once."""
    try:
        answer = yield Step("call", operation, arguments, None)
    except NotFoundError:
        return []
    return list(answer.get("value") or []) if isinstance(answer, dict) else list(answer or [])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
