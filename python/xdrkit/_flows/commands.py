"""The commands of a live response session: from the forms that people write to the wire's, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdrkit._flows import actions
from xdrkit.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Tuple, Union

    Command = Union[Mapping[str, Any], Tuple[str, ...]]

# A session opens and its commands begin; and what a script may take.
_OPENING, _SCRIPT, _FILE = 600.0, 600.0, 300.0
# By type: the wire's names of the main parameter and of the second, and what a dict may call them.
_COMMANDS = {
    "putfile": ("PutFile", "FileName", None, ("file", "name", "filename")),
    "getfile": ("GetFile", "Path", None, ("path",)),
    "runscript": ("RunScript", "ScriptName", "Args", ("script", "name", "scriptname")),
}


def listed(commands: Any) -> list[Any]:
    """The commands, of which there is at least one."""
    if isinstance(commands, (str, bytes, dict)) or not hasattr(commands, "__iter__"):
        raise InvalidArgumentError("commands: is a list of commands", argument="commands")
    found = list(commands)
    if not found:
        raise InvalidArgumentError("commands: the list is empty", argument="commands")
    return found


def wired(index: int, command: Any) -> dict[str, Any]:
    """A command in the wire's form."""

    def wrong(text: str) -> InvalidArgumentError:
        return InvalidArgumentError(f"commands: item {index} {text}", argument="commands")

    names = ("PutFile", "GetFile", "RunScript")
    if isinstance(command, (tuple, list)):
        kind, *values = command or [None]
    elif hasattr(command, "keys"):
        kind, values = command.get("type"), []
    else:
        raise wrong(f"is {command!r}; it is a tuple such as ('RunScript', 'a.ps1') or a dict")
    known = _COMMANDS.get(str(kind).replace("_", "").lower())
    if known is None:
        raise wrong(f"has the type {kind!r}; it is {', '.join(names)}")
    type_, main, second, aliases = known
    if hasattr(command, "keys"):
        if "params" in command:
            more = sorted(set(command) - {"type", "params"})
            if more:
                raise wrong(f"has both `params` and {', '.join(more)}")
            return {"type": type_, "params": [dict(param) for param in command["params"]]}
        allowed = {"type", *aliases, *(["args"] if second else [])}
        unknown = sorted(str(key) for key in set(command) - allowed)
        given = [alias for alias in aliases if command.get(alias) is not None]
        if unknown:
            raise wrong(f"({type_}) has {', '.join(unknown)}; it takes {aliases[0]}{' and args' if second else ''}")
        if len(given) != 1:
            raise wrong(f"({type_}) needs {aliases[0]}")
        values = [command[given[0]], *([command["args"]] if command.get("args") is not None else [])]
    if len(values) not in ((1, 2) if second else (1,)) or not all(isinstance(value, str) for value in values):
        raise wrong(f"({type_}) takes {aliases[0]}{' and perhaps args' if second else ''}, as text")
    if not values[0]:
        raise wrong(f"({type_}) has an empty {aliases[0]}")
    params = [{"key": main, "value": values[0]}]
    if second is not None and len(values) == 2:
        params.append({"key": second, "value": values[1]})
    return {"type": type_, "params": params}


def read(command: dict[str, Any]) -> tuple[str, str]:
    """A command's type and the value of its main parameter."""
    kind = str(command.get("type"))
    main = _COMMANDS.get(kind.lower(), ("", "", None, ()))[1]
    for param in command.get("params") or []:
        if param.get("key") == main:
            return kind, str(param.get("value"))
    return kind, ""


def limit(timeout: Any, wire: list[dict[str, Any]]) -> float:
    """Seconds to wait for such a session."""
    if timeout is not None:
        return actions.seconds("timeout", timeout)
    return _OPENING + sum(_SCRIPT if command["type"] == "RunScript" else _FILE for command in wire)


def folder(to: Any, needed: bool) -> Path | None:
    """The folder for files, checked before anybody waits for them."""
    from os import PathLike
    from pathlib import Path

    if to is None:
        if needed:
            raise InvalidArgumentError("to: a GetFile needs a folder to save the file in", argument="to")
        return None
    if not isinstance(to, (str, PathLike)) or not Path(to).is_dir():
        raise InvalidArgumentError(f"to: {to!r} is no folder", argument="to")
    return Path(to)


def file_name(path: str) -> str:
    """The last part of a path on a machine of any kind, as a name for a file here."""
    name = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    safe = "".join(c if c.isprintable() and c not in '<>:"|?*' else "_" for c in name)[:150]
    return safe if safe.strip(". ") else "file"
