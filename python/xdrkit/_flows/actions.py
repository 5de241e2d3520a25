"""Calls that change something, for one id or many: the one body behind every generated method that does."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from xdrkit._flow import Flow, Step
from xdrkit._flows import guard
from xdrkit._flows.guard import Sending
from xdrkit._policy import Outcome, Outcomes
from xdrkit._resources import given, listed
from xdrkit.errors import ActionOutcomeUnknownError, ConflictError, InvalidArgumentError, XdrError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xdrkit._resources import Resource

# How long wait=True waits.
WAIT = 600.0
# Actions that this process was told of: none of them is the answer that got lost.
_told: deque[tuple[str, ...]] = deque(maxlen=10_000)
# Ids that mean the same in capitals: machines, and what has a GUID.
_ANY_CASE = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def change(
    client: Resource,
    operation: str,
    ids: Any,
    arguments: dict[str, Any],
    *,
    wait: Any = False,
    cancel_on_timeout: bool = False,
    if_active: str = "raise",
    on_error: str = "raise",
    dry_run: bool = False,
    timeout: Any = None,
    deadline: Any = None,
) -> Flow[Any]:
    """A call that changes something: the answer, or `Outcomes` for several ids, or a `Plan` for a dry run."""
    known = guard.facts(operation)
    if known is None:
        raise InvalidArgumentError(f"operation: there is no {operation!r}", argument="operation")
    limit = _limit(wait, cancel_on_timeout)
    one_of("if_active", if_active, ("raise", "attach"))
    one_of("on_error", on_error, ("raise", "collect"))
    several = known.target is not None and is_several(known.target, ids)
    each = keys(known.target or "id", ids) if several else [_key(known.target, ids)]
    items = [arguments if known.target is None else {**arguments, known.target: key} for key in each]
    policy = client._policy
    options = given(timeout=timeout, deadline=deadline) or None

    if policy is not None or several or dry_run:
        # Also checks every argument before anything is sent.
        sending = guard.prepared(client, operation, each, items)
    else:
        sending = Sending(operation, known.effect, each, items, ())
    if dry_run or (policy is not None and policy.dry_run):
        return (yield from guard.would(client, sending)).plan

    began = client._core.now()
    many = Step("call_many", operation, items, guard.CONCURRENCY, options)
    answers = yield from guard.sent(client, sending, many if several else Step("call", operation, items[0], options))
    outcomes: list[Outcome[Any]] = [
        Outcome(key, None, answer)
        if isinstance(answer, XdrError)
        else Outcome(key, listed(answer) if known.is_list else answer)
        for key, answer in zip(each, answers)
    ]
    lost = [i for i, one in enumerate(outcomes) if isinstance(one.error, ActionOutcomeUnknownError)]
    taken = (
        [i for i, one in enumerate(outcomes) if isinstance(one.error, ConflictError)] if if_active == "attach" else []
    )
    if lost or taken:
        from xdrkit._flows import fate

        yield from fate.find(client, sending, outcomes, lost, began)
        yield from fate.attach(client, sending, outcomes, taken)
    if known.answers in ("MachineAction", "Investigation"):
        _told.extend(_named(client, one.value) for one in outcomes if isinstance(one.value, dict))
    if limit is not None:
        from xdrkit._flows import waiting

        yield from waiting.wait(client, outcomes, limit, cancel=cancel_on_timeout)
    return ended(outcomes, several, on_error)


def is_told(client: Resource, answer: dict[str, Any]) -> bool:
    """Whether this process knows an action or investigation already."""
    return _named(client, answer) in _told


def _named(client: Resource, answer: dict[str, Any]) -> tuple[str, ...]:
    # A sandbox that is started again gives the same ids again.
    began = answer.get("creationDateTimeUtc") or answer.get("startTime")
    return client._core.base_urls["endpoint"], str(answer.get("id")), str(began)[:19]


def ended(outcomes: list[Outcome[Any]], several: bool, on_error: str = "raise") -> Any:
    """What the caller gets: the answer or `Outcomes`, or the error."""
    if several:
        all_of_them: Outcomes[Any] = Outcomes(outcomes)
        if on_error == "raise":
            all_of_them.raise_for_failed()
        return all_of_them
    if outcomes[0].error is not None:
        raise outcomes[0].error
    return outcomes[0].value


def is_several(name: str, ids: Any) -> bool:
    """Whether these are several ids; a text is one."""
    if isinstance(ids, Mapping):
        text = f"{name}: a {type(ids).__name__} is not allowed; give the id itself, or a list of ids"
        raise InvalidArgumentError(text, argument=name)
    if hasattr(ids, "columns") and hasattr(ids, "shape"):
        raise InvalidArgumentError(f"{name}: a table is not allowed; give its column with the ids", argument=name)
    return not isinstance(ids, (str, bytes, int)) and hasattr(ids, "__iter__")


def keys(name: str, ids: Iterable[Any]) -> list[Any]:
    """The ids, each once, in the order in which they were given first."""
    found: dict[str, Any] = {}
    for i, one in enumerate(ids):
        key = _key(name, one)
        if not isinstance(key, (str, int)) or isinstance(key, bool) or key == "":
            raise InvalidArgumentError(f"{name}: item {i} of the list is {one!r}, which is no id", argument=name)
        text = str(key)
        found.setdefault(text.lower() if _ANY_CASE.fullmatch(text) else text, key)
    if not found:
        raise InvalidArgumentError(f"{name}: the list is empty", argument=name)
    return list(found.values())


def _key(name: str | None, one: Any) -> Any:
    """An id as text or int, whatever a data frame or the `uuid` module makes of it."""
    if name is None or isinstance(one, (str, int)) or one is None:
        return one
    if hasattr(one, "__index__"):
        return int(one)
    return str(one) if type(one).__name__ == "UUID" else one


def one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Refuses a value that is none of these."""
    if value not in allowed:
        names = " or ".join(f'"{one}"' for one in allowed)
        raise InvalidArgumentError(f"{name}: {value!r} is not allowed; it is {names}", argument=name, allowed=allowed)


def seconds(name: str, value: Any) -> float:
    """A time in seconds, checked."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number) or number <= 0:
        text = f"{name}: {value!r} is not allowed; it is a number of seconds above 0, or a timedelta"
        raise InvalidArgumentError(text, argument=name)
    return float(number)


def _limit(wait: Any, cancel_on_timeout: Any) -> float | None:
    """Seconds to wait at most; None not to wait."""
    if wait is False or wait is None:
        if cancel_on_timeout:
            text = "cancel_on_timeout: there is no time to be out of; give wait=True or wait=seconds, too"
            raise InvalidArgumentError(text, argument="cancel_on_timeout")
        return None
    return WAIT if wait is True else seconds("wait", wait)
