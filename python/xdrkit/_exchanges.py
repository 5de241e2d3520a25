"""An exchange with a service as a cassette has it: what of it is kept, how it is written, and what makes two requests the same."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._redact import Redactor

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?")
_GZIP = b"\x1f\x8b"


class Exchange(NamedTuple):
    """A request and what was answered."""

    #: Seconds from the beginning of the recording to the answer.
    at: float
    method: str
    #: Path and query, without the host.
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_headers: dict[str, str]
    answer: bytes


def target(url: str) -> str:
    """Path and query of a URL."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def parts(target: str, body: bytes) -> tuple[str, ...]:
    """A request's parts in one order: query parameters and a body's members have none."""
    path, _, query = target.partition("?")
    text = body.decode("utf-8", "surrogateescape")
    with suppress(ValueError):
        text = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    return (path, *sorted(f"{name}={value}" for name, value in parse_qsl(query, keep_blank_values=True)), text)


def masked(parts: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """A request's parts without the moments in them, and those."""
    found: list[str] = []
    for part in parts:
        found.extend(_MOMENT.findall(part))
    return tuple(_MOMENT.sub("<moment>", part) for part in parts), found


def learn(redactor: Redactor, body: bytes) -> None:
    """Lets a redactor know the names in a body."""
    for value in _values(_unpacked(body)):
        redactor.learn(value)


def _values(body: bytes) -> Iterable[Any]:
    """The JSON values of a body: one, or one a line."""
    with suppress(ValueError):
        return [json.loads(body)]
    values = []
    for line in body.splitlines():
        try:
            values.append(json.loads(line))
        except ValueError:
            return []
    return values


def _unpacked(body: bytes) -> bytes:
    if body[:2] != _GZIP:
        return body
    import gzip
    import zlib

    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body


def redacted(redactor: Redactor, body: bytes, made: set[str] | None = None) -> bytes:
    """A body without names and secrets, packed again if it was. What is neither JSON nor text is left as it is."""
    if body[:2] == _GZIP:
        plain = _unpacked(body)
        if plain is not body:
            import gzip

            return gzip.compress(redacted(redactor, plain, made), mtime=0)
    if not body:
        return body
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return body

    def clean(value: Any) -> Any:
        return redactor.value(value) if made is None else _each(value, lambda text: redactor.known(text, made))

    lines = text.splitlines(keepends=True) if "\n" in text.strip() else [text]
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    if whole is not None:
        return _compact(text, whole, clean(whole)).encode("utf-8", "surrogatepass")
    out = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            out.append(redactor.text(line) if made is None else redactor.known(line, made))
        else:
            ending = line[len(line.rstrip("\r\n")) :]
            out.append(_compact(line, value, clean(value)) + ending)
    return "".join(out).encode("utf-8", "surrogatepass")


def _compact(text: str, before: Any, after: Any) -> str:
    """The text of a cleaned value; the old text where nothing was to be cleaned, since reading may lose digits and order."""
    return text.rstrip("\r\n") if before == after else json.dumps(after, ensure_ascii=False, separators=(",", ":"))


def _each(value: Any, clean: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_each(item, clean) for item in value]
    if isinstance(value, dict):
        return {name: _each(item, clean) for name, item in value.items()}
    return value


def written(body: bytes) -> Any:
    """A body as JSON where that gives the same bytes again, else as text, else in base64."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"base64": b64encode(body).decode()}
    with suppress(ValueError):
        value = json.loads(text)
        if json.dumps(value, ensure_ascii=False, separators=(",", ":")) == text:
            return {"json": value}
    return {"text": text}


def read(written: Any) -> bytes:
    """The body that `written` wrote."""
    if "json" in written:
        return json.dumps(written["json"], ensure_ascii=False, separators=(",", ":")).encode()
    if "text" in written:
        return str(written["text"]).encode()
    from base64 import b64decode

    return b64decode(written["base64"], validate=True)


def exchange(line: dict[str, Any]) -> Exchange:
    """An exchange from its line."""
    return Exchange(
        float(line["at"]),
        line["method"],
        line["target"],
        dict(line["headers"]),
        read(line["body"]),
        int(line["status"]),
        dict(line["answer_headers"]),
        read(line["answer"]),
    )
