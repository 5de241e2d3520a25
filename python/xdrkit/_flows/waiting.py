"""Waiting for machine actions: one in Rust, several in rounds here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdrkit._flow import Flow, Step, sleep
from xdrkit._flows import guard
from xdrkit.errors import (
    ActionFailedError,
    BadResponseError,
    ConnectionLostError,
    DeadlineExceededError,
    NotFoundError,
    XdrError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdrkit._policy import Outcome
    from xdrkit._resources import Resource

_FIRST, _LONGEST = 2.0, 15.0
# So many actions are looked at in a minute and no more: a quota of 100 is shared with all else.
_EACH = 0.65
_OVER = ("Succeeded", "Failed", "TimeOut", "Cancelled")


def wait(client: Resource, outcomes: Sequence[Outcome[Any]], limit: float, *, cancel: bool) -> Flow[None]:
    """Waits until the actions among the outcomes have ended; each outcome then has what came of its own."""
    ends = client._core.now() + limit
    waiting = [one for one in outcomes if one.error is None]
    for one in waiting:
        if not isinstance(one.value, dict) or not one.value.get("id"):
            one.error = BadResponseError(f"the answer names no action to wait for: {str(one.value)[:200]}")
    waiting = [one for one in waiting if one.error is None]
    if len(outcomes) == 1:
        late = yield from _wait_for_one(waiting, limit)
    else:
        late = yield from _wait_for_all(client, waiting, ends)
    if late:
        yield from _out_of_time(client, late, limit, cancel=cancel)


def _wait_for_one(waiting: Sequence[Outcome[Any]], limit: float) -> Flow[list[Outcome[Any]]]:
    for one in waiting:
        action = one.value
        if action.get("status") in _OVER:
            _settle(one, action)
            continue
        try:
            one.value = yield Step("wait_action", action["id"], {"timeout": limit})
        except XdrError as error:
            last: Any = getattr(error, "action", None)
            if isinstance(error, DeadlineExceededError) and last is not None:
                one.value = last
                return [one]
            _fail(one, error, last or action)
    return []


def _wait_for_all(client: Resource, waiting: Sequence[Outcome[Any]], ends: float) -> Flow[list[Outcome[Any]]]:
    """Looks at all that have not ended in one round, with growing pauses; gives those whose time is over."""
    pause = _FIRST
    while True:
        waiting = [one for one in waiting if one.error is None and not _settle(one, one.value)]
        left = ends - client._core.now()
        if not waiting or left <= 0:
            return list(waiting)
        yield sleep(min(max(pause, _EACH * len(waiting)), left))
        pause = min(pause * 1.5, _LONGEST)
        asked = [{"id": one.value["id"]} for one in waiting]
        answers = yield Step("call_many", "machine_actions.get", asked, guard.CONCURRENCY)
        for one, answer in zip(waiting, answers):
            if not isinstance(answer, XdrError):
                one.value = answer
            elif not (answer.retryable or isinstance(answer, ConnectionLostError)):
                _fail(one, answer, one.value)


def _settle(one: Outcome[Any], action: dict[str, Any]) -> bool:
    """Whether the action has ended; then the outcome says how."""
    status = action.get("status")
    if status not in _OVER:
        return False
    if status != "Succeeded":
        message = f"{action.get('type') or 'action'} {action.get('id')} ended with status {status}"
        _fail(one, ActionFailedError(message, action=action), action)
    return True


def _fail(one: Outcome[Any], error: XdrError, action: Any) -> None:
    """An error that knows the action, since that is the only way to find it again."""
    if getattr(error, "action", None) is None:
        error.__dict__["action"] = action
    one.value, one.error = None, error


def _out_of_time(client: Resource, late: Sequence[Outcome[Any]], limit: float, *, cancel: bool) -> Flow[None]:
    """What to say of actions that have not ended, or to do with them."""
    if not cancel:
        for one in late:
            _fail(
                one, _late(one.value, limit, "it goes on; machine_actions.wait() for it again, or cancel it"), one.value
            )
        return
    why = f"not ended within {limit:g} s; cancelled by the program that asked for it (cancel_on_timeout)"
    asked = [{"id": one.value["id"], "comment": why} for one in late]
    answers = yield Step("call_many", "machine_actions.cancel", asked, guard.CONCURRENCY)
    for one, answer in zip(late, answers):
        if not isinstance(answer, XdrError):
            done = answer if isinstance(answer, dict) else one.value
            _fail(one, _late(one.value, limit, "it was cancelled", action=done, cancelled=True), done)
            continue
        # It may have ended just now.
        try:
            one.value = yield Step("call", "machine_actions.get", {"id": one.value["id"]}, None)
        except NotFoundError as error:
            _fail(one, error, one.value)
            continue
        except XdrError:
            pass
        if not _settle(one, one.value):
            text = f"it could not be cancelled and goes on: {answer.message}"
            _fail(one, _late(one.value, limit, text), one.value)


def _late(
    last: dict[str, Any], limit: float, hint: str, *, action: Any = None, cancelled: bool = False
) -> DeadlineExceededError:
    text = f"{last.get('type') or 'action'} {last.get('id')} is still {last.get('status')} after {limit:g} s"
    return DeadlineExceededError(text, action=action or last, cancelled=cancelled, retryable=not cancelled, hint=hint)
