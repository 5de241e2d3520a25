"""The library of live response: uploading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdrkit._flow import Flow, Step, sleep
from xdrkit._resources import given
from xdrkit.errors import ActionOutcomeUnknownError, InvalidArgumentError, XdrError

if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

    from xdrkit._generated.types import LibraryFile
    from xdrkit._resources import Resource, Seconds

# What the service takes.
_MOST = 20 * 1024 * 1024
_PAUSES = (1.0, 4.0, 10.0)


def upload(
    client: Resource,
    file: str | PathLike[str] | bytes | BinaryIO,
    *,
    name: str | None = None,
    description: str | None = None,
    parameters_description: str | None = None,
    has_parameters: bool | None = None,
    override: bool = False,
    timeout: Seconds | None = None,
    deadline: Seconds | None = None,
) -> Flow[LibraryFile]:
    """Add a file to the live response library.

    When the answer gets lost, the library is looked at instead of sending the file twice: a file of that name and content is
    what was asked for.

    Args:
        file: A path, or the content: bytes, or a file that is open for reading bytes. At most 20 MB.
        name: The name in the library. Default: the path's own; bytes have none.
        description: What it is.
        parameters_description: What parameters it takes.
        has_parameters: Whether it takes any. Default: whether they are described.
        override: Replace a file of the same name.
        timeout: Seconds for one try, a number or a timedelta. Default: the client's.
        deadline: Seconds for the whole call with its repetitions and waits, a number or a timedelta. Default: the client's.

    Returns:
        The `LibraryFile`, as the service sent it.

    Raises:
        InvalidArgumentError: the file is too large or has no name; nothing was sent.
        OSError: the file cannot be read; nothing was sent.
        ConflictError: there is a file of that name; `override=True` replaces it.
        PermissionDeniedError: the token lacks the permission; `missing` names it.
        ActionOutcomeUnknownError: no answer came, and the library does not have it; it may come all the same.

    Permissions:
        Application: `Library.Manage`. Delegated: `Library.Manage`. On WindowsDefenderATP.

    Documentation:
        https://learn.microsoft.com/defender-endpoint/api/upload-library
    """
    content, own_name = _content(file)
    name = own_name if name is None else name
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError("name: give one; only a path has a name of its own", argument="name")
    if any(character in name for character in '/\\:*?"<>|') or not name.isprintable():
        raise InvalidArgumentError(f"name: {name!r} is no file name", argument="name")
    if has_parameters is None and parameters_description is not None:
        has_parameters = True
    arguments = given(
        description=description,
        parameters_description=parameters_description,
        has_parameters=has_parameters,
        override=override or None,
    )
    options = given(timeout=timeout, deadline=deadline) or None
    try:
        answer: LibraryFile = yield Step("upload", "library.upload", arguments, name, content, options)
    except ActionOutcomeUnknownError as lost:
        found = yield from _look(name, content, lost)
        if found is None:
            raise
        answer = found
    return answer


def _content(file: Any) -> tuple[bytes, str | None]:
    """What to send, and the name that it has by itself. Nothing larger than allowed is read."""
    from os import PathLike
    from pathlib import Path

    if isinstance(file, (bytes, bytearray, memoryview)):
        content, name = bytes(file), None
    elif isinstance(file, (str, PathLike)):
        path = Path(file)
        _check_size(path.stat().st_size)
        with path.open("rb") as opened:
            content, name = opened.read(_MOST + 1), path.name
    elif hasattr(file, "read"):
        content = file.read(_MOST + 1)
        if not isinstance(content, bytes):
            raise InvalidArgumentError("file: must be open for reading bytes, not text", argument="file")
        own = getattr(file, "name", None)
        name = Path(own).name if isinstance(own, str) else None
    else:
        text = f"file: takes no {type(file).__name__}; it is a path, bytes or an open file"
        raise InvalidArgumentError(text, argument="file")
    _check_size(len(content))
    return content, name


def _check_size(size: int) -> None:
    if size > _MOST:
        raise InvalidArgumentError(f"file: has {size:,} bytes; the service takes 20 MB ({_MOST:,})", argument="file")


def _look(name: str, content: bytes, lost: ActionOutcomeUnknownError) -> Flow[Any]:
    """The file in the library, if it is there; otherwise the error says how was looked."""
    from hashlib import sha256

    wanted = sha256(content).hexdigest()
    for pause in _PAUSES:
        yield sleep(pause)
        lost.looked += 1
        try:
            answer = yield Step("call", "library.list", {}, None)
        except XdrError as error:
            lost.look_error = error
            continue
        for one in answer.get("value", []) if isinstance(answer, dict) else answer or []:
            same_name = str(one.get("fileName")).lower() == name.lower()
            if same_name and str(one.get("sha256")).lower() == wanted:
                return one
    lost.hint = (
        f"library.list was asked {lost.looked} times and has no {name!r} of this content; look before you send it again"
    )
    return None
