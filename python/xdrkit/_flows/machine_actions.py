"""Machine actions: waiting for them, and fetching what they collected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdrkit._flow import Flow, Step, sleep
from xdrkit._policy import Outcome
from xdrkit._resources import given
from xdrkit.errors import (
    ApiError,
    BadResponseError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    XdrError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from pathlib import Path
    from typing import Literal

    from xdrkit._generated.types import MachineAction
    from xdrkit._policy import Outcomes
    from xdrkit._resources import Ids, Resource, Seconds

# The link may be asked for twice a minute.
_AGAIN = 30.0
_OVER = ("Succeeded", "Failed", "TimeOut", "Cancelled")


def wait(client: Resource, id: str, *, timeout: Seconds = 600, poll: Seconds | None = None) -> Flow[MachineAction]:
    """Wait until a machine action has ended.

    Args:
        id: Machine action id, a GUID.
        timeout: Seconds to wait at most. Default: 600.
        poll: Seconds between two looks. Default: short at first, then longer.

    Returns:
        The `MachineAction` in its final state, `Succeeded`.

    Raises:
        ActionFailedError: it ended otherwise; `action` holds what the service says.
        DeadlineExceededError: it has not ended within `timeout`. It goes on all the same.
        NotFoundError: there is no such action.
    """
    action: MachineAction = yield Step("wait_action", id, given(timeout=timeout, poll=poll))
    return action


def wait_many(
    client: Resource,
    ids: Ids,
    *,
    timeout: Seconds = 600,
    cancel_on_timeout: bool = False,
    on_error: Literal["raise", "collect"] = "raise",
) -> Flow[Outcomes[MachineAction]]:
    """Wait until several machine actions have ended, looking at all of them in one round.

    Args:
        ids: Machine action ids, GUIDs.
        timeout: Seconds to wait at most, for all of them together. Default: 600.
        cancel_on_timeout: Cancel those that have not ended by then.
        on_error: `raise` waits for them all and then raises what failed, `collect` leaves that to `Outcomes.failed`.

    Returns:
        An `Outcome` for each, with the `MachineAction` in its final state or the error: `ActionFailedError` where it ended
        otherwise than `Succeeded`, `DeadlineExceededError` where it has not ended within `timeout`.

    Raises:
        PartialFailureError: some failed; `outcomes` has all.
        InvalidArgumentError: the list is empty, or has what is no id; nothing was sent.
    """
    from xdrkit._flows import actions, guard, waiting

    limit = actions.seconds("timeout", timeout)
    actions.one_of("on_error", on_error, ("raise", "collect"))
    if not actions.is_several("ids", ids):
        raise InvalidArgumentError("ids: is a list of ids; for one take `wait`", argument="ids")
    keys = actions.keys("ids", ids)
    asked = [{"id": key} for key in keys]
    for one in asked:
        client._core.preview("machine_actions.get", one)
    answers = yield Step("call_many", "machine_actions.get", asked, guard.CONCURRENCY)
    outcomes: list[Outcome[Any]] = [
        Outcome(key, None, answer) if isinstance(answer, XdrError) else Outcome(key, answer)
        for key, answer in zip(keys, answers)
    ]
    yield from waiting.wait(client, outcomes, limit, cancel=cancel_on_timeout)
    ended: Outcomes[MachineAction] = actions.ended(outcomes, True, on_error)
    return ended


def download_package(
    client: Resource,
    action: str | Mapping[str, Any],
    path: str | PathLike[str],
    *,
    timeout: Seconds = 1800,
) -> Flow[Path]:
    """Fetch the investigation package that an action of `machines.collect_package` collected.

    Waits for the action to end and for the package to be ready, then fetches it without a token from where the service keeps it.
    The file appears under its name when it is whole. A link that ended in between is renewed.

    Args:
        action: The machine action, or its id.
        path: The file to write, a zip file. One that is there already is replaced.
        timeout: Seconds to wait at most until it is ready; fetching it may take longer. Default: 1800.

    Returns:
        The path.

    Raises:
        InvalidArgumentError: the action collects no package, or the path is a folder or lies in none.
        ActionFailedError: the collection failed; `action` holds what the service says.
        DeadlineExceededError: it was not ready within `timeout`; the collection goes on.
        NotFoundError: there is no such action.
        FileError: the file cannot be written.

    Permissions:
        Application: `Machine.Read.All` or `Machine.ReadWrite.All`. Delegated: `Machine.CollectForensics`. On WindowsDefenderATP.

    Limits:
        The link may be asked for 2 times a minute and 120 times an hour.
    """
    collected = ("CollectInvestigationPackage", "machine_actions.package_uri")
    return (yield from _collected(client, action, path, timeout, *collected))


def download_logs(
    client: Resource,
    action: str | Mapping[str, Any],
    path: str | PathLike[str],
    *,
    timeout: Seconds = 1800,
) -> Flow[Path]:
    """Fetch the sensor's logs that an action of `machines.collect_logs` collected.

    Waits, fetches and renews as `download_package` does. Not documented: known from the service's own metadata.

    Args:
        action: The machine action, or its id.
        path: The file to write. One that is there already is replaced.
        timeout: Seconds to wait at most until they are ready; fetching them may take longer. Default: 1800.

    Returns:
        The path.

    Raises:
        InvalidArgumentError: the action collects no logs, or the path is a folder or lies in none.
        ActionFailedError: the collection failed; `action` holds what the service says.
        DeadlineExceededError: they were not ready within `timeout`; the collection goes on.
        NotFoundError: there is no such action.
        FileError: the file cannot be written.
    """
    return (yield from _collected(client, action, path, timeout, "LogsCollection", "machine_actions.logs_uri"))


def _collected(client: Resource, action: Any, path: Any, timeout: Any, kind: str, link: str) -> Flow[Path]:
    from xdrkit._flows import actions

    id = action_id(action)
    limit = actions.seconds("timeout", timeout)
    target = file_path("path", path)
    ends = client._core.now() + limit
    found = yield Step("call", "machine_actions.get", {"id": id}, None)
    if found.get("type") != kind:
        raise InvalidArgumentError(f"action: {id} is {found.get('type')}, not {kind}", argument="action")
    if found.get("status") != "Succeeded":
        # Also tells of one that has failed.
        yield Step("wait_action", id, {"timeout": limit})

    def ask() -> Flow[str]:
        """The link, as soon as there is one."""
        while True:
            try:
                url: str = yield Step("call", link, {"id": id}, None)
                return url
            except NotFoundError as error:
                left = ends - client._core.now()
                if left <= 0:
                    text = f"what the action {id} collected is not ready after {limit:g} s: {error.message}"
                    raise DeadlineExceededError(text, action=found, retryable=True, hint="try again later") from error
                yield sleep(min(_AGAIN, left))

    return (yield from fetched(ask, target))


def fetched(ask: Any, target: Path) -> Flow[Path]:
    """Fetches what a link leads to; asks for the link once more if it ended in between."""
    from pathlib import Path

    for again in (True, False):
        url = yield from ask()
        if not isinstance(url, str) or not url:
            raise BadResponseError("the service gave no link")
        try:
            facts = yield Step("download", url, target, {})
            return Path(facts["path"])
        except ApiError as error:
            if not again or error.status not in (401, 403, 404, 410):
                raise
    raise AssertionError("the loop returns or raises")  # pragma: no cover


def action_id(action: Any) -> str:
    """The id of an action that is given as such or by its id."""
    id = action if isinstance(action, str) else action.get("id") if hasattr(action, "get") else None
    if not isinstance(id, str) or not id:
        raise InvalidArgumentError("action: is a machine action, or its id", argument="action")
    return id


def file_path(name: str, path: Any) -> Path:
    """Where a file is to be written, checked before anybody waits for it."""
    from os import PathLike
    from pathlib import Path

    if not isinstance(path, (str, PathLike)) or not str(path):
        raise InvalidArgumentError(f"{name}: {path!r} is no path", argument=name)
    target = Path(path)
    if target.is_dir():
        raise InvalidArgumentError(f"{name}: {target} is a folder; name the file to write", argument=name)
    if not target.parent.is_dir():
        raise InvalidArgumentError(f"{name}: {target} lies in a folder that does not exist", argument=name)
    return target
