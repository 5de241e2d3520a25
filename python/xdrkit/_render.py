"""How a hunting result is shown: a text table in a terminal, a card in a notebook.

Rows come from machines that an attacker may have touched, so every control character is made visible (an escape
sequence in a command line must not reach the terminal, nor a right-to-left mark turn a file name round) and every text
is escaped for HTML. The card has no script and loads nothing: it looks the same offline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .results import HuntResult

_TEXT_ROWS = 10
_HTML_ROWS = 20
_HTML_CELL = 300
_NARROWEST = 6


def visible(value: Any, most: int) -> str:
    """A value in one line of at most `most` characters, with nothing in it that a terminal or browser would obey."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else _plain(value)
    # Not all of a long text: its length is the attacker's choice too.
    text = "".join(_shown(c) for c in text[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        import json

        return json.dumps(value, ensure_ascii=False, default=str)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _shown(char: str) -> str:
    if " " <= char <= "~":
        return char
    from unicodedata import category

    if category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return char
    code = ord(char)
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    return named or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _fit(text: str, width: int) -> str:
    """The text, cut or filled up to that many columns."""
    if _width(text) > width:
        while text and _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _width(text))


def summary(result: HuntResult) -> str:
    """Counts, service and time in one line."""
    rows, columns = len(result), len(result.schema)
    return f"{rows:,} row{'' if rows == 1 else 's'}, {columns} column{'' if columns == 1 else 's'}, {result.api}, {result.elapsed:.2f} s"


def text_card(result: HuntResult, width: int | None = None) -> str:
    """The first rows as a text table that fits the terminal."""
    if width is None:
        from shutil import get_terminal_size

        width = get_terminal_size((100, 24)).columns
    lines = [_fit(visible(f"HuntResult: {summary(result)}", 500), max(width, 40)).rstrip()]
    schema = result.schema
    rows = result[:_TEXT_ROWS]
    cells = [
        [visible(name, width), visible(type_, width), *(visible(r[name], width) for r in rows)]
        for name, type_ in schema
    ]
    if cells:
        widths, shown = _share([max(map(_width, column)) for column in cells], width)
        cells = cells[:shown]
        for at in range(len(rows) + 2):
            lines.append("  ".join(_fit(column[at], w) for column, w in zip(cells, widths)).rstrip())
            if at == 1:
                lines.append("  ".join("─" * w for w in widths))
        if hidden := len(schema) - shown:
            names = visible(", ".join(name for name, _ in schema[shown:]), max(width - 20, 20))
            lines.append(f"… {hidden} more column{'' if hidden == 1 else 's'}: {names}")
    if (more := len(result) - len(rows)) > 0:
        lines.append(f"… {more:,} more row{'' if more == 1 else 's'}")
    if result.truncated:
        lines.append(f"TRUNCATED: {visible(result.truncated, 500)}")
    return "\n".join(lines)


def _share(wanted: list[int], width: int) -> tuple[list[int], int]:
    """The widths of those columns that fit: narrow ones get what they want, wide ones share the rest."""
    shown = len(wanted)
    while shown > 1 and sum(min(w, _NARROWEST) for w in wanted[:shown]) + 2 * (shown - 1) > width:
        shown -= 1
    wanted = wanted[:shown]
    left = max(width - 2 * (shown - 1), _NARROWEST)
    widths = [0] * shown
    for done, at in enumerate(sorted(range(shown), key=lambda i: wanted[i])):
        widths[at] = min(wanted[at], left // (shown - done))
        left -= widths[at]
    return widths, shown


_STYLE = "border-collapse:collapse;font-size:90%"
_SHORT = ("DateTime", "Guid", "TimeSpan", "SByte", "Int32", "Int64", "Double")
_UNBROKEN = ";white-space:nowrap;overflow-wrap:normal;"
_CELL = (
    "text-align:left;vertical-align:top;padding:2px 8px;max-width:40em;overflow-wrap:anywhere;"
    "border-bottom:1px solid rgba(128,128,128,.3)"
)
_NOTE = "margin:4px 0;padding:4px 8px;border-left:3px solid #c60"


def html_card(result: HuntResult, notes: list[str]) -> str:
    """The first rows as an HTML table with what is to be known about them."""
    from html import escape

    def safe(value: Any, most: int = _HTML_CELL) -> str:
        return escape(visible(value, most))

    schema = result.schema
    rows = result[:_HTML_ROWS]
    warnings = [f"Truncated: {result.truncated}"] if result.truncated else []
    head = "".join(
        f'<th style="{_CELL}{_UNBROKEN}">{safe(n)}<br><small style="font-weight:normal;opacity:.7">{safe(t)}</small></th>'
        for n, t in schema
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td style="{_CELL}{_UNBROKEN if t in _SHORT else ""}">{safe(row[n])}</td>' for n, t in schema)
        + "</tr>"
        for row in rows
    )
    more = len(result) - len(rows)
    return (
        f"<div><div><b>{safe(summary(result))}</b></div>"
        + "".join(f'<div style="{_NOTE}">{safe(note, 1000)}</div>' for note in warnings + notes)
        + f'<div style="overflow-x:auto"><table style="{_STYLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        + (f"<div><small>{more:,} more rows</small></div>" if more > 0 else "")
        + f"<details><summary><small>query</small></summary><pre>{escape(_lines(result.kql))}</pre></details></div>"
    )


def _lines(query: str) -> str:
    """The query with its line breaks, and no other control character."""
    return "\n".join("".join(c if c == "\t" else _shown(c) for c in line) for line in query.splitlines())
