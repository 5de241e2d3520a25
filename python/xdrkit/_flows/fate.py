"""What came of a call whose answer was lost: found out by looking, never by sending it again. And actions to join in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdrkit._audit import moment
from xdrkit._flow import Flow, Step, sleep
from xdrkit._flows import guard
from xdrkit.errors import NotFoundError, XdrError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdrkit._flows.guard import Sending
    from xdrkit._policy import Outcome
    from xdrkit._resources import Resource

# What the service calls that which an operation begins.
TYPES = {
    "machines.isolate": "Isolate",
    "machines.unisolate": "Unisolate",
    "machines.scan": "RunAntiVirusScan",
    "machines.restrict": "RestrictCodeExecution",
    "machines.unrestrict": "UnrestrictCodeExecution",
    "machines.offboard": "Offboard",
    "machines.collect_package": "CollectInvestigationPackage",
    "machines.quarantine_file": "StopAndQuarantineFile",
    "machines.collect_logs": "LogsCollection",
    "live_response.start": "LiveResponse",
}
# After a lost answer: seconds before each look.
_PAUSES = (1.0, 4.0, 10.0)
# How far the service's clock may be from ours.
_SKEW = 120.0
# Where a deleted thing would still be seen: the operation that reads it, and where it is a list, the key of its id.
_DELETED = {
    "indicators.delete": ("indicators.get", None),
    "data_exports.delete": ("data_exports.get", None),
    "graph.detection_rules.delete": ("graph.detection_rules.get", None),
    "library.delete": ("library.list", "fileName"),
}
_RUNNING = "(status eq 'Pending' or status eq 'InProgress')"


def find(
    client: Resource, sending: Sending, outcomes: Sequence[Outcome[Any]], lost: Sequence[int], began: float
) -> Flow[None]:
    """Looks what came of the calls whose answers are lost, up to three times."""
    look = _look(client, sending, began)
    if look is None or not lost:
        return
    left = list(lost)
    failed: dict[int, XdrError] = {}
    for pause in _PAUSES:
        yield sleep(pause)
        operation, arguments, found = look
        answers = yield Step("call_many", operation, [arguments(i) for i in left], guard.CONCURRENCY)
        still = []
        for i, answer in zip(left, answers):
            is_there, value = found(i, answer)
            if not is_there:
                still.append(i)
                if isinstance(answer, XdrError) and not isinstance(answer, NotFoundError):
                    failed[i] = answer
                continue
            outcomes[i].value, outcomes[i].error, outcomes[i].found = value, None, True
            yield from guard.noted(client, sending, "found", i, value)
        left = still
        if not left:
            return
    until = moment(client._core.now())
    for i in left:
        error: Any = outcomes[i].error
        error.looked, error.looked_until, error.look_error = len(_PAUSES), until, failed.get(i)
        if i in failed:
            error.hint = f"looking for it failed: {failed[i].message}; {error.hint or ''}".rstrip("; ")
        elif sending.operation in _DELETED:
            error.hint = f"at {until} it was still there: deleting it again is safe"
        else:
            error.hint = (
                f"{operation} was asked {len(_PAUSES)} times until {until} and does not have it: it has most likely not "
                "begun; look once more before you send it again"
            )


def attach(client: Resource, sending: Sending, outcomes: Sequence[Outcome[Any]], taken: Sequence[int]) -> Flow[None]:
    """Takes the action that is running already for ours, where it is the same."""
    kind = TYPES.get(sending.operation)
    if kind is None or not taken:
        return
    asked = [{"filter": f"machineId eq {_quoted(sending.ids[i])} and {_RUNNING}"} for i in taken]
    answers = yield Step("call_many", "machine_actions.list", asked, guard.CONCURRENCY)
    for i, answer in zip(taken, answers):
        for action in _items(answer):
            running = action.get("status") in ("Pending", "InProgress")
            if running and _is_of(action, kind, sending.ids[i]) and _does(action, sending.items[i]):
                outcomes[i].value, outcomes[i].error, outcomes[i].attached = action, None, True
                yield from guard.noted(client, sending, "attached", i, action)
                break


def _look(client: Resource, sending: Sending, began: float) -> Any:
    """The operation to look with, its arguments for each call, and how its answer is read; None where there is no way."""
    since = moment(began - _SKEW)
    if sending.operation in TYPES:
        return (
            "machine_actions.list",
            lambda i: {"filter": f"machineId eq {_quoted(sending.ids[i])} and creationDateTimeUtc ge {since}"},
            lambda i, answer: _begun(client, sending, i, answer, began),
        )
    if sending.operation == "investigations.start":
        return (
            "investigations.list",
            lambda i: {"filter": f"machineId eq {_quoted(sending.ids[i])} and startTime ge {since}"},
            lambda i, answer: _only_new(client, sending, i, answer, began),
        )
    if sending.operation in _DELETED:
        operation, key = _DELETED[sending.operation]
        if key is None:
            return (
                operation,
                lambda i: {"id": sending.ids[i]},
                lambda _, answer: (isinstance(answer, NotFoundError), None),
            )
        return operation, lambda _: {}, lambda i, answer: (_is_gone(answer, key, sending.ids[i]), None)
    return None


def _begun(client: Resource, sending: Sending, i: int, answer: Any, began: float) -> tuple[bool, Any]:
    """The newest action that is what we asked for, and that we were not told of."""
    from xdrkit._flows.actions import is_told

    item = sending.items[i]
    ours = []
    for action in _items(answer):
        if not _is_of(action, TYPES[sending.operation], sending.ids[i]) or is_told(client, action):
            continue
        if item.get("external_id") and action.get("externalId") not in (None, item["external_id"]):
            continue
        comment = action.get("requestorComment")
        if str(comment or "").strip() != str(item.get("comment") or "").strip() or not _does(action, item):
            continue
        created = _epoch(action.get("creationDateTimeUtc"))
        if created is not None and created >= began - _SKEW:
            ours.append((created, action))
    return (True, max(ours, key=lambda pair: pair[0])[1]) if ours else (False, None)


def _only_new(client: Resource, sending: Sending, i: int, answer: Any, began: float) -> tuple[bool, Any]:
    """The one investigation that began on the machine since. It has no comment to know it by, so of two it is neither."""
    from xdrkit._flows.actions import is_told

    new = [
        one
        for one in _items(answer)
        if _same(one.get("machineId"), sending.ids[i])
        and not is_told(client, one)
        and (_epoch(one.get("startTime")) or 0.0) >= began - _SKEW
    ]
    return (True, new[0]) if len(new) == 1 else (False, None)


def _is_gone(answer: Any, key: str, id: Any) -> bool:
    if isinstance(answer, NotFoundError):
        return True
    # A page that is not the last may have it behind it.
    if not isinstance(answer, dict) or "@odata.nextLink" in answer:
        return False
    return not any(_same(one.get(key), id) for one in _items(answer))


def _is_of(action: dict[str, Any], kind: str, machine: Any) -> bool:
    return action.get("type") == kind and _same(action.get("machineId"), machine)


def _does(action: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether an action does what these arguments ask for, as far as it says what it does."""
    scope = item.get("isolation_type") or item.get("scan_type")
    if scope and action.get("scope") and not _same(action["scope"], scope):
        return False
    file = (action.get("relatedFileInfo") or {}).get("fileIdentifier")
    if item.get("sha1") and file and not _same(file, item["sha1"]):
        return False
    if item.get("commands") is not None and action.get("commands"):
        return [_command(one.get("command") or {}) for one in action["commands"]] == [
            _command(c) for c in item["commands"]
        ]
    return True


def _command(command: Any) -> tuple[str, frozenset[tuple[str, str]]]:
    params = command.get("params") or []
    return str(command.get("type")).lower(), frozenset((str(p.get("key")), str(p.get("value"))) for p in params)


def _items(answer: Any) -> list[dict[str, Any]]:
    items = answer.get("value") if isinstance(answer, dict) else answer if isinstance(answer, list) else None
    return [one for one in items or [] if isinstance(one, dict)]


def _same(one: Any, other: Any) -> bool:
    return str(one).lower() == str(other).lower()


def _quoted(text: Any) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _epoch(text: Any) -> float | None:
    """Seconds since 1970 of the service's times, which are UTC and may have seven digits."""
    from datetime import datetime, timezone

    try:
        return datetime.strptime(str(text)[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
