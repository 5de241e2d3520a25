"""What a script printed in a live response session: JSON that strict parsers refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from pathlib import Path
    from typing import List, Optional

__all__ = ["CommandResult", "Transcript", "read"]


class Transcript(TypedDict):
    """What a script printed. NUL bytes, which consoles leave behind, are taken out."""

    script_name: Optional[str]
    exit_code: Optional[int]
    script_output: str
    script_errors: str


class CommandResult(TypedDict):
    """What came of one command of a live response session."""

    index: int
    type: str
    value: str  # the script, the path, or the library file
    status: Optional[str]
    errors: List[str]
    transcript: Optional[Transcript]  # of RunScript
    path: Optional[Path]  # of GetFile: where the file was saved


def read(data: bytes) -> Transcript:
    """The transcript in a file. What is no JSON at all is taken for the output itself."""
    import json

    text = _text(data).replace("\0", "").strip()
    try:
        # Not strict: line ends and other control characters stand raw within its strings.
        found = json.loads(text, strict=False)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"script_name": None, "exit_code": None, "script_output": text, "script_errors": ""}
    by_name = {str(name).lower(): value for name, value in found.items()}
    return {
        "script_name": None if by_name.get("script_name") is None else str(by_name["script_name"]),
        "exit_code": _number(by_name.get("exit_code")),
        "script_output": _plain(by_name.get("script_output")),
        "script_errors": _plain(by_name.get("script_errors")),
    }


def _text(data: bytes) -> str:
    """The text, in whichever encoding a Windows machine wrote it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    # No JSON has a NUL beside its first brace unless each character has two bytes.
    if data[:2] in (b"{\0", b"\0{"):
        return data.decode("utf-16-le" if data[:1] == b"{" else "utf-16-be", "replace")
    return data.decode("utf-8-sig", "replace")


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "")
    from json import dumps

    return "\n".join(map(_plain, value)) if isinstance(value, list) else dumps(value)
