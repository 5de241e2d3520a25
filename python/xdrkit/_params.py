"""`params={...}`: values that go into a query as values, whatever they hold.

Each becomes ``let name = <literal>;`` in front of the query, on its first line, so that the places which errors name stay right. Nothing
of a value is ever query text: quotes, backslashes, line ends and control characters are escaped.
"""

from __future__ import annotations

import re

from . import _core, _literals
from ._literals import NAME, WORDS, of
from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n\r]*)
    | (?P<text>[hH]?(?:```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|@"(?:[^"]|"")*(?:"|\Z)|@'(?:[^']|'')*(?:'|\Z)
        |"(?:[^"\\\n\r]|\\.)*"?|'(?:[^'\\\n\r]|\\.)*'?))
    | (?P<word>\w+)
    | (?P<space>\s+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def written(query: str, params: Mapping[str, Any] | None) -> str:
    """The query with its parameters in front.

    Raises:
        InvalidArgumentError: a name or a value cannot be a parameter, or the query does not use it.
    """
    if not isinstance(query, str):
        raise InvalidArgumentError(f"query: must be KQL text, not {type(query).__name__}", argument="query")
    return query if not params else prelude(query, params)


def prelude(query: str, params: Mapping[str, Any]) -> str:
    """The query with a ``let`` for each parameter in front. See `written`."""
    try:
        given = dict(params)
    except (TypeError, ValueError):
        raise InvalidArgumentError("params: must be a dict from name to value", argument="params") from None
    tokens = [(kind, text) for kind, text, _ in _tokens(query)]
    uses, lets = _uses(tokens)
    for name in given:
        _check_name(name, uses, lets)
    text = " ".join(f"let {name} = {of(f'params[{name!r}]', value)};" for name, value in given.items())
    if len(text) > _literals.LARGEST:
        raise InvalidArgumentError(
            f"params: their literals are {len(text):,} characters; at most {_literals.LARGEST:,} go with a query",
            argument="params",
            hint="hunt in portions, or look for it locally with result.query()",
        )
    at = _behind_settings(query)
    return f"{query[:at]}{text} {query[at:]}"


# Names


def _tokens(query: str) -> Iterable[tuple[str, str, int]]:
    """What the query is made of, without spaces and comments: kind, text, place behind it."""
    for found in _TOKEN.finditer(query):
        kind = found.lastgroup or "sign"
        if kind not in ("comment", "space"):
            yield kind, found.group(), found.end()


def _uses(tokens: list[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """The names that a query uses and those that it defines with ``let``."""
    uses, lets = set(), set()
    before = ("", "")
    for kind, text in tokens:
        if kind == "word" and before == ("word", "let"):
            lets.add(text)
        elif kind == "word" and before[1] != ".":
            uses.add(text)
        before = (kind, text)
    return uses, lets


def _behind_settings(query: str) -> int:
    """Where the parameters go: ``set`` statements stay in front."""
    at, opening = 0, True
    settings = False
    for _, text, end in _tokens(query):
        if opening:
            settings = text == "set"
            if not settings:
                return at
        opening = text == ";"
        if opening:
            at = end
    return at


def _check_name(name: Any, uses: set[str], lets: set[str]) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidArgumentError(
            f"params: {name!r} is no name; letters, digits and underscores, not beginning with a digit",
            argument="params",
        )
    if name in WORDS:
        raise InvalidArgumentError(f"params: {name!r} is a word of KQL; take another name", argument="params")
    if name in lets:
        raise InvalidArgumentError(
            f"params: the query has a let of its own for {name!r}", argument="params", hint="remove one of the two"
        )
    tables: dict[str, dict[str, str]] = _core.hunting_schema()["tables"]
    if name in tables:
        raise InvalidArgumentError(f"params: {name!r} is the name of a table; take another", argument="params")
    if name not in uses:
        from difflib import get_close_matches

        near = get_close_matches(name, sorted(uses - WORDS), n=1)
        raise InvalidArgumentError(
            f"params: the query does not use {name!r}",
            argument="params",
            hint=f"did you mean {near[0]!r}?"
            if near
            else "it is used by its bare name, as in: where DeviceName == name",
        )
    for table in sorted(uses & tables.keys()):
        if name in tables[table]:
            raise InvalidArgumentError(
                f"params: {table} has a column {name!r}, which would be taken instead of the parameter",
                argument="params",
                hint=f"take another name, such as {name + '_'!r}",
            )
