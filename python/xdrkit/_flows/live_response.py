"""Live response: sessions that are waited for, with what came out of their commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdrkit._flow import Flow, Step
from xdrkit._flows import actions, waiting
from xdrkit._flows import commands as session
from xdrkit._flows.machine_actions import action_id, fetched, file_path
from xdrkit._policy import Outcome, Plan
from xdrkit.errors import (
    ActionFailedError,
    BadResponseError,
    DeadlineExceededError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    ThrottledError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import List, Literal

    from xdrkit._flows.commands import Command
    from xdrkit._generated.types import MachineAction
    from xdrkit._resources import Resource, Seconds
    from xdrkit._transcript import CommandResult, Transcript

# A script prints text; what is longer is none.
_LONGEST = 64 << 20


def run(
    client: Resource,
    machine_id: str,
    commands: Sequence[Command],
    *,
    comment: str,
    to: str | PathLike[str] | None = None,
    external_id: str | None = None,
    timeout: Seconds | None = None,
    cancel_on_timeout: bool = False,
    if_active: Literal["raise", "attach"] = "raise",
) -> Flow[List[CommandResult]]:
    """Run commands on a machine in a live response session, wait, and fetch what came out.

    One session a machine and 25 a tenant at a time. The commands of a machine that is offline are queued for three days; a script
    may run for ten minutes; a command that fails ends the session.

    Args:
        machine_id: Machine id: 40 hexadecimal digits.
        commands: What to do, in order. Each is a tuple, ``("RunScript", "collect.ps1", "-Verbose")``, ``("GetFile", path)``,
            ``("PutFile", "tool.exe")``; or a dict such as ``{"type": "RunScript", "script": "collect.ps1", "args": "-Verbose"}``;
            or a `CustomPlaybookCommand` with its `params`. Scripts and files to put are those of the library.
        comment: Why; it is kept with the action.
        to: The folder for what `GetFile` fetches; each file has its command's index before its name. Needed where there
            is a `GetFile`.
        external_id: An id of your own that is kept with the action. Known from the service's metadata only.
        timeout: Seconds to wait at most. Default: ten minutes to open the session, ten for each script, five for each file.
        cancel_on_timeout: Cancel the session when waiting for it took too long.
        if_active: When a session runs on the machine already: raise `ConflictError`, or take it for ours if it runs the
            very same commands.

    Returns:
        A dict for each command: `index`, `type`, `value` (script, path or file), `status`, `errors`, and for a script its
        `transcript` (`script_name`, `exit_code`, `script_output`, `script_errors`), for a fetched file its `path`. A `Plan`
        from a client with ``dry_run=True``.

    Raises:
        InvalidArgumentError: a command is none, or there is no folder for a file; nothing was sent.
        ActionFailedError: a command failed: `command` is its index, `errors` what the service says, `action` all of it.
        DeadlineExceededError: it has not ended within `timeout`; it goes on: `results` fetches later what came of it.
        ConflictError: a session runs on the machine already.
        ThrottledError: 25 sessions run in the tenant already.
        PermissionDeniedError: the token lacks the permission; `missing` names it.
        NotFoundError: there is no such machine.
        ActionOutcomeUnknownError: no answer came, and no such session is seen; it may have begun all the same.

    Permissions:
        Application: `Machine.LiveResponse` and `Machine.Read.All`. Delegated: `Machine.LiveResponse` and `Machine.Read`. On
        WindowsDefenderATP.

    Limits:
        10 sessions a minute.

    Documentation:
        https://learn.microsoft.com/defender-endpoint/api/run-live-response
    """
    wire = [session.wired(i, command) for i, command in enumerate(session.listed(commands))]
    folder = session.folder(to, any(command["type"] == "GetFile" for command in wire))
    limit = session.limit(timeout, wire)
    action = yield from _session(client, machine_id, wire, comment, external_id, limit, cancel_on_timeout, if_active)
    if isinstance(action, Plan):
        return action  # type: ignore[return-value]
    return (yield from _results(client, action, folder))


def results(
    client: Resource, action: str | Mapping[str, Any], *, to: str | PathLike[str] | None = None
) -> Flow[List[CommandResult]]:
    """Fetch what the commands of a live response session left, as far as they have ended.

    For a session that was not waited for to its end, or that failed on its way.

    Args:
        action: The machine action, or its id.
        to: The folder for what `GetFile` fetched. Default: those files are left where they are.

    Returns:
        A dict for each command, as from `run`. A command that has not ended has no `transcript` and no `path`.

    Raises:
        InvalidArgumentError: the action is no live response session, or the folder is none.
        NotFoundError: there is no such action.
    """
    folder = session.folder(to, False)
    found = yield Step("call", "machine_actions.get", {"id": action_id(action)}, None)
    if found.get("type") != "LiveResponse":
        raise InvalidArgumentError(
            f"action: {found.get('id')} is {found.get('type')}, not LiveResponse", argument="action"
        )
    return (yield from _results(client, found, folder))


def run_script(
    client: Resource,
    machine_id: str,
    script: str,
    args: str | None = None,
    *,
    comment: str,
    timeout: Seconds | None = None,
    cancel_on_timeout: bool = False,
) -> Flow[Transcript]:
    """Run a script of the library on a machine, wait, and read what it printed.

    Args:
        machine_id: Machine id: 40 hexadecimal digits.
        script: The script's name in the library, such as ``"collect.ps1"``.
        args: Its arguments, in one text.
        comment: Why; it is kept with the action.
        timeout: Seconds to wait at most. Default: 1200, of which the script may take 600.
        cancel_on_timeout: Cancel the session when waiting for it took too long.

    Returns:
        `script_name`, `exit_code`, `script_output`, `script_errors`. A script that ends with another code than 0 is no error
        here.

    Raises:
        ActionFailedError: the script could not be run; `errors` has what the service says.
        DeadlineExceededError: it has not ended within `timeout`; it goes on: `results` fetches later what came of it.
        ConflictError: a session runs on the machine already.
        ThrottledError: 25 sessions run in the tenant already.
        NotFoundError: there is no such machine.
    """
    command = {"type": "RunScript", "script": script, **({} if args is None else {"args": args})}
    wire = [session.wired(0, command)]
    limit = session.limit(timeout, wire)
    action = yield from _session(client, machine_id, wire, comment, None, limit, cancel_on_timeout, "raise")
    if isinstance(action, Plan):
        return action  # type: ignore[return-value]
    done = yield from _results(client, action, None)
    transcript = done[0]["transcript"] if done else None
    if transcript is None:
        raise BadResponseError(f"the session ended, and {script} left no transcript")
    return transcript


def get_file(
    client: Resource,
    machine_id: str,
    path: str,
    to: str | PathLike[str],
    *,
    comment: str,
    timeout: Seconds | None = None,
    cancel_on_timeout: bool = False,
) -> Flow[Path]:
    """Fetch a file from a machine.

    Args:
        machine_id: Machine id: 40 hexadecimal digits.
        path: The file's path on the machine.
        to: The file to write here, as the service hands it out. One that is there already is replaced.
        comment: Why; it is kept with the action.
        timeout: Seconds to wait at most until the machine has handed it over. Default: 900.
        cancel_on_timeout: Cancel the session when waiting for it took too long.

    Returns:
        The path here.

    Raises:
        InvalidArgumentError: `to` is a folder or lies in none; nothing was sent.
        ActionFailedError: there is no such file, or it cannot be read; `errors` has what the service says.
        DeadlineExceededError: it has not ended within `timeout`; it goes on: `results` fetches later what came of it.
        ConflictError: a session runs on the machine already.
        ThrottledError: 25 sessions run in the tenant already.
        NotFoundError: there is no such machine.
        FileError: the file cannot be written.
    """
    target = file_path("to", to)
    wire = [session.wired(0, ("GetFile", path))]
    limit = session.limit(timeout, wire)
    action = yield from _session(client, machine_id, wire, comment, None, limit, cancel_on_timeout, "raise")
    if isinstance(action, Plan):
        return action  # type: ignore[return-value]
    return (yield from _fetched(action["id"], 0, target))


def put_file(
    client: Resource,
    machine_id: str,
    name: str,
    *,
    comment: str,
    timeout: Seconds | None = None,
    cancel_on_timeout: bool = False,
) -> Flow[MachineAction]:
    """Put a file of the library on a machine, into the folder of live response's downloads.

    Args:
        machine_id: Machine id: 40 hexadecimal digits.
        name: The file's name in the library.
        comment: Why; it is kept with the action.
        timeout: Seconds to wait at most. Default: 900.
        cancel_on_timeout: Cancel the session when waiting for it took too long.

    Returns:
        The `MachineAction`, which has ended.

    Raises:
        ActionFailedError: it could not be put there; `errors` has what the service says.
        DeadlineExceededError: it has not ended within `timeout`; it goes on.
        ConflictError: a session runs on the machine already.
        ThrottledError: 25 sessions run in the tenant already.
        NotFoundError: there is no such machine.
    """
    wire = [session.wired(0, ("PutFile", name))]
    limit = session.limit(timeout, wire)
    action: MachineAction = yield from _session(
        client, machine_id, wire, comment, None, limit, cancel_on_timeout, "raise"
    )
    return action


def _session(
    client: Resource,
    machine_id: Any,
    wire: list[dict[str, Any]],
    comment: str,
    external_id: str | None,
    limit: float,
    cancel: bool,
    if_active: str,
) -> Flow[Any]:
    """A session that has ended well, or a `Plan`."""
    arguments = {"comment": comment, "commands": wire, **({} if external_id is None else {"external_id": external_id})}
    if not isinstance(machine_id, str):
        raise InvalidArgumentError(
            f"machine_id: {machine_id!r} is not allowed; it is a machine's id", argument="machine_id"
        )
    try:
        action = yield from actions.change(client, "live_response.start", machine_id, arguments, if_active=if_active)
    except ThrottledError as error:
        if "session" in error.message.lower():
            error.hint = "25 live response sessions may run in a tenant at once: wait until others have ended"
        raise
    if isinstance(action, Plan):
        return action
    outcome: Outcome[Any] = Outcome(machine_id, action)
    yield from waiting.wait(client, [outcome], limit, cancel=cancel)
    if outcome.error is None:
        return outcome.value
    raise _explained(outcome.error, action["id"])


def _explained(error: Any, id: str) -> Any:
    """An error that names the command, or says what a wait was in vain for."""
    if isinstance(error, ActionFailedError):
        for one in (error.action or {}).get("commands") or []:
            if one.get("commandStatus") != "Failed":
                continue
            kind, value = session.read(one.get("command") or {})
            said = [str(text) for text in one.get("errors") or []]
            message = (
                f"command {one.get('index')} ({kind} {value}) failed: {'; '.join(said) or 'the service says no more'}"
            )
            return ActionFailedError(
                message,
                action=error.action,
                command=one.get("index"),
                errors=said,
                hint=f"live_response.results({id!r}) has what the commands before it left",
            )
    if isinstance(error, DeadlineExceededError) and error.action is not None and not error.cancelled:
        waits = (error.action or {}).get("status") == "Pending"
        queued = "it has not begun: the machine may be offline, then it is queued for three days; " if waits else ""
        error.hint = f"{queued}it goes on: live_response.results({id!r}) has what came of it later, or cancel it"
    return error


def _results(client: Resource, action: dict[str, Any], folder: Path | None) -> Flow[List[CommandResult]]:
    """What came of each command of a session."""
    found: list[CommandResult] = []
    for i, one in enumerate(action.get("commands") or []):
        kind, value = session.read(one.get("command") or {})
        index = one.get("index") if isinstance(one.get("index"), int) else i
        result: CommandResult = {
            "index": index,
            "type": kind,
            "value": value,
            "status": one.get("commandStatus"),
            "errors": [str(text) for text in one.get("errors") or []],
            "transcript": None,
            "path": None,
        }
        if result["status"] == "Completed" and kind == "RunScript":
            result["transcript"] = yield from _transcript(action["id"], index)
        elif result["status"] == "Completed" and kind == "GetFile" and folder is not None:
            try:
                target = folder / f"{index}-{session.file_name(value)}"
                result["path"] = yield from _fetched(action["id"], index, target)
            except NotFoundError as error:
                result["errors"].append(error.message)
        found.append(result)
    return found


def _fetched(id: str, index: int, target: Path) -> Flow[Path]:
    def ask() -> Flow[str]:
        url: str = yield Step("call", "live_response.result_link", {"id": id, "index": index}, None)
        return url

    return (yield from fetched(ask, target))


def _transcript(id: str, index: int) -> Flow[Any]:
    """What a script printed; None if it left nothing."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from xdrkit._transcript import read

    with TemporaryDirectory(prefix="xdrkit-") as folder:
        try:
            path = yield from _fetched(id, index, Path(folder) / "transcript.json")
        except NotFoundError:
            return None
        size = path.stat().st_size
        if size > _LONGEST:
            text = f"the transcript of command {index} has {size:,} bytes; more than {_LONGEST:,} are not read"
            raise LimitExceededError(text, hint="live_response.result_link gives the link to it")
        return read(path.read_bytes())
