"""Our own queries, and mistakes made in them: what Microsoft's binder and the engine are both asked about.

A mutant is an edit of a query, `(start, end, text)`, so that the golden file stays small and readable. The generator is seeded with the
query's text and uses `random()` alone, whose numbers are the same in every version of Python.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
TOKEN = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*)
    | (?P<string>[hH]?(?:@"[^"]*"|@'[^']*'|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|```.*?```))
    | (?P<number>\d+(?:\.\d+)?(?:[a-z]+)?)
    | (?P<word>[$]?[A-Za-z_]\w*)
    | (?P<sign>==|!=|=~|!~|<=|>=|\.\.|=>|.)
    """,
    re.VERBOSE | re.DOTALL,
)
COMPARISONS = (
    "==",
    "!=",
    "=~",
    "!~",
    "<",
    ">",
    "<=",
    ">=",
    "has",
    "contains",
    "startswith",
    "endswith",
    "in",
    "in~",
    "has_any",
    "+",
    "-",
)
LITERALS = ('"x"', "5", "1.5", "1h", "datetime(2026-01-01)", "true", "dynamic([1])", "guid(null)")
JOIN_KINDS = (
    "inner",
    "leftouter",
    "rightouter",
    "fullouter",
    "leftanti",
    "rightanti",
    "leftsemi",
    "rightsemi",
    "innerunique",
)

Edit = tuple[int, int, str]


def queries() -> list[tuple[str, str]]:
    """Name and text of our own queries: in each file they are separated by blank lines."""
    found = []
    for path in sorted((HERE / "queries").glob("*.kql")):
        blocks = [block.strip("\n") for block in re.split(r"\n\s*\n", path.read_text("utf-8")) if block.strip()]
        found += [(f"{path.stem}:{at}", block) for at, block in enumerate(blocks, 1)]
    return found


def apply(query: str, edit: Edit) -> str:
    """The query with the edit made."""
    start, end, text = edit
    return query[:start] + text + query[end:]


def mutants(query: str, count: int = 10) -> list[Edit]:
    """Some mistakes in a query, each different, the same ones every time."""
    rng = Random(query)
    tokens = [m for m in TOKEN.finditer(query) if m.lastgroup != "skip"]
    pick = lambda items: items[int(rng.random() * len(items))]  # noqa: E731
    kinds = ("name", "name", "drop", "drop", "bracket", "operator", "literal", "swap", "repeat", "argument", "glue")
    edits: dict[str, Edit] = {}
    for _ in range(count * 8):
        edit = _mistake(pick(kinds), tokens, query, pick)
        if edit is not None:
            text = apply(query, edit)
            if text != query:
                edits.setdefault(text, edit)
        if len(edits) == count:
            break
    return list(edits.values())


def _mistake(kind, tokens, query, pick):  # type: ignore[no-untyped-def]
    def of(test):  # type: ignore[no-untyped-def]
        found = [t for t in tokens if test(t)]
        return pick(found) if found else None

    at = pick(range(len(tokens)))
    token, following = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else None
    if kind == "name":
        token = of(lambda t: t.lastgroup == "word")
        return token and (token.start(), token.end(), pick(("Zz", token[0] + "Zz", token[0][:-1])))
    if kind == "drop":
        return (token.start(), token.end(), "")
    if kind == "bracket":
        token = of(lambda t: t[0] in "()[]{}")
        return token and (token.start(), token.end(), pick(("", "", token[0] * 2)))
    if kind == "operator":
        token = of(lambda t: t[0] in COMPARISONS or t[0] in JOIN_KINDS)
        return token and (token.start(), token.end(), pick(JOIN_KINDS if token[0] in JOIN_KINDS else COMPARISONS))
    if kind == "literal":
        token = of(lambda t: t.lastgroup in ("string", "number"))
        return token and (token.start(), token.end(), pick(LITERALS))
    if kind == "swap" and following is not None:
        return (token.start(), following.end(), following[0] + query[token.end() : following.start()] + token[0])
    if kind == "repeat":
        return (token.end(), token.end(), " " + token[0])
    if kind == "argument":
        token = of(lambda t: t[0] == ")")
        return token and (token.start(), token.start(), pick((", 1", ', "x"', ",")))
    if kind == "glue" and following is not None and token.end() < following.start():
        return (token.end(), following.start(), pick(("", " | ", ", ", "; ")))
    return None
