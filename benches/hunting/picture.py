"""Bars as SVG, in a few lines of our own: readable on light and dark pages, and the same bytes for the same figures."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

WIDTH, LABEL, VALUE = 860, 250, 110
BAR, GAP, HEAD, SPACE = 18, 6, 30, 22

STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 14px }
  .ours { fill: #0b7a75 } .peer { fill: #aab4be } .own { font-weight: 600 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #2fc4b2 } .peer { fill: #5b6672 } }
"""


class Panel(NamedTuple):
    """One comparison: a heading and its bars, in the order in which they are drawn."""

    title: str
    unit: str
    bars: list[tuple[str, float]]


def draw(panels: list[Panel]) -> str:
    """The whole picture. Each panel has a scale of its own, which begins at nothing."""
    parts, y = [], 8
    for panel in panels:
        parts.append(f'<text class="title" x="0" y="{y + 16}">{escape(panel.title)}, {escape(panel.unit)}</text>')
        y += HEAD
        most = max([value for _, value in panel.bars] + [1e-9])
        for name, value in panel.bars:
            ours = name.startswith("xdrkit")
            length = max(1.0, max(value, 0) / most * (WIDTH - LABEL - VALUE))
            shown = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
            own = ' class="own"' if ours else ""
            parts += [
                f'<text{own} x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
                f'<rect class="{"ours" if ours else "peer"}" x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
                f'<text{own} x="{LABEL + length + 6:.1f}" y="{y + 14}">{shown}</text>',
            ]
            y += BAR + GAP
        y += SPACE
    told = "; ".join(
        f"{p.title}: " + ", ".join(f"{name} {value:.1f} {p.unit}" for name, value in p.bars) for p in panels
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">\n'
        f"<title>xdrkit beside other clients: less is better</title>\n<desc>{escape(told)}</desc>\n<style>{STYLE}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )
