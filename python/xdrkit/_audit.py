"""The record of calls that change something: one dict, or one line of JSON, before such a call and one after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError, XdrError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Members of a body whose values stay out of plans and records.
_SECRET = re.compile(
    r"(?i)passw|secret|token|credential|authorization|(private|api|account|access)_?key|community|connection_?string|^sas"
)
_HIDDEN = "***"
# A record is for reading; a file's content is not.
_LONGEST = 10_000


def shown(value: Any) -> Any:
    """A value without secrets and without files' contents."""
    if isinstance(value, dict):
        return {k: _HIDDEN if _SECRET.search(str(k)) and v is not None else shown(v) for k, v in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)} bytes"
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… {len(value)} characters"
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(item) for item in value]
    return value


def shown_path(path: str) -> str:
    """A path or URL whose query shows its names alone, since a signature may stand there."""
    before, mark, query = path.partition("?")
    return before + mark + "&".join(part.partition("=")[0] for part in query.split("&") if part)


def moment(now: float) -> str:
    """Seconds since 1970 as ISO 8601 text."""
    from datetime import datetime, timezone

    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def outcome(answer: Any) -> dict[str, Any]:
    """What came of a call, in a few facts."""
    if isinstance(answer, BaseException):
        facts = {"ok": False, "error": type(answer).__name__}
        if isinstance(answer, XdrError):
            facts.update(message=answer.message, status=answer.status, code=answer.code, request_id=answer.request_id)
        return {name: value for name, value in facts.items() if value is not None}
    if isinstance(answer, dict):
        known = {"id": answer.get("id"), "type": answer.get("type"), "status": answer.get("status")}
        return {"ok": True, **{name: value for name, value in known.items() if isinstance(value, (str, int))}}
    return {"ok": True}


def append(path: str, records: Sequence[dict[str, Any]]) -> None:
    """Appends a line for each record, each by one write, to a file that its owner alone may read."""
    import json
    import os

    lines = [json.dumps(record, default=str).encode("ascii") + b"\n" for record in records]
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        for line in lines:
            if os.write(file, line) != len(line):
                raise OSError(f"{path}: the line was not written whole")
    finally:
        os.close(file)


def check_answered(name: str, answer: Any) -> Any:
    """What a function of the user's answered. A coroutine that nobody waits for is no answer."""
    if hasattr(answer, "__await__"):
        getattr(answer, "close", lambda: None)()
        raise ConfigurationError(
            f"{name}: answers something to wait for, which only an AsyncClient does", argument=name
        )
    return answer


def identity(accounts: Iterable[dict[str, str]]) -> str | None:
    """The user, if there is exactly one."""
    names = {account.get("username") for account in accounts}
    return names.pop() if len(names) == 1 else None
