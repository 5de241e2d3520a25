"""What the values say: medians, how each goal is met, as text, JSON, a table in Markdown and a picture."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, NamedTuple

from . import picture

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    Found = dict[str, dict[str, Any]]

STALLS = ("dicts", "polars", "pandas", "arrow")
BEGIN, END = "<!-- benches/hunting: begin -->", "<!-- benches/hunting: end -->"
BARE = "import/bare interpreter"


class Fact(NamedTuple):
    """Something measured: how it is called, its unit, how many digits are shown."""

    label: str
    unit: str
    digits: int = 0


FACTS = {
    "cpu": Fact("CPU", "ms"),
    "wall": Fact("time", "ms"),
    "first": Fact("first row", "ms"),
    "peak": Fact("peak", "MB"),
    "kept": Fact("kept", "MB"),
    "most": Fact("whole process", "MB"),
    "stall": Fact("longest stall", "ms"),
    "call cpu": Fact("CPU a call", "µs"),
    "call wall": Fact("time a call", "µs"),
    "import cpu": Fact("CPU", "ms", 1),
}


class Goal(NamedTuple):
    """How many times less than a peer's, or, without a peer, at most how much."""

    what: str
    fact: str
    ours: str
    peer: str | None
    bound: float


def _times_less(what: str, fact: str, ours: str, **peers: float) -> list[Goal]:
    return [Goal(what, fact, ours, peer, bound) for peer, bound in peers.items()]


GOALS = [
    *_times_less(
        "to dicts, CPU",
        "cpu",
        "dicts/xdrkit .rows",
        **{"dicts/requests + json": 3, "dicts/httpx + orjson": 1.75, "dicts/urllib3 + orjson": 1.45},
    ),
    Goal("memory that the dicts keep", "kept", "dicts/xdrkit .rows", "dicts/urllib3 + orjson", 1 / 0.6),
    Goal("to polars, CPU", "cpu", "polars/xdrkit .to_polars", "polars/httpx + orjson", 8),
    Goal("to polars, peak memory", "peak", "polars/xdrkit .to_polars", "polars/httpx + orjson", 1 / 0.12),
    *_times_less(
        "to pandas, CPU",
        "cpu",
        "pandas/xdrkit .to_pandas",
        **{"pandas/msticpy": 18, "pandas/msgraph-sdk, to its models": 60},
    ),
    Goal("time to the first row", "first", "dicts/xdrkit hunt_iter", None, 15),
    Goal("longest stall, to columns", "stall", "polars/xdrkit .to_polars", None, 6),
    Goal("longest stall, to dicts", "stall", "dicts/xdrkit .rows", None, 25),
    *_times_less(
        "small request, CPU",
        "call cpu",
        "small/xdrkit",
        **{"small/requests": 10, "small/httpx": 8, "small/pyreqwest": 1.4},
    ),
    *_times_less(
        "64 small requests in flight, CPU",
        "call cpu",
        "crowd/xdrkit",
        **{"crowd/httpx": 50, "crowd/aiohttp": 3.5, "crowd/pyreqwest": 1.8},
    ),
    Goal("import, CPU over the bare interpreter", "import cpu", "import/xdrkit", None, 15),
    Goal("a million rows by hunt_iter, whole process", "most", "million/xdrkit hunt_iter", None, 400),
]

# How the groups are headed, and what is shown of each.
GROUPS = {
    "body": ("The body alone, thrown away", ["cpu", "wall", "peak"]),
    "dicts": ("To a list of dicts", ["cpu", "wall", "first", "peak", "kept", "stall"]),
    "polars": ("To polars", ["cpu", "wall", "first", "peak", "kept", "stall"]),
    "pandas": ("To pandas", ["cpu", "wall", "first", "peak", "kept", "stall"]),
    "arrow": ("To an Arrow table of pyarrow", ["cpu", "wall", "first", "peak", "kept", "stall"]),
    "large dicts": (
        "The largest answer, 1,225 bytes a row, to a list of dicts",
        ["cpu", "wall", "first", "peak", "kept"],
    ),
    "large polars": ("The largest answer, 1,225 bytes a row, to polars", ["cpu", "wall", "first", "peak", "kept"]),
    "paced dicts": ("To a list of dicts over a line of 800 Mbit/s", ["cpu", "wall", "first", "peak", "kept"]),
    "paced polars": ("To polars over a line of 800 Mbit/s", ["cpu", "wall", "first", "peak", "kept"]),
    "million": ("A million rows in 20 windows, each looked at and let go", ["cpu", "wall", "first", "peak", "most"]),
    "small": ("Small requests one after the other", ["call cpu", "call wall"]),
    "crowd": ("Small requests, 64 in flight", ["call cpu", "call wall"]),
    "import": ("Import, over the bare interpreter", ["import cpu"]),
}


def median(found: Found, name: str, fact: str) -> float | None:
    """Of a fact of a case; an import's is what it costs over the bare interpreter."""
    values = found.get(name, {}).get(fact)
    if not values:
        return None
    middle = statistics.median(values)
    if fact == "import cpu":
        bare = median(found, BARE, fact) if name != BARE else 0.0
        return middle - (bare or 0.0)
    return middle


def judged(found: Found) -> list[dict[str, Any]]:
    """Each goal with what was reached: met, missed, or not measured. Those of cases that were not asked for are left out."""
    rows = []
    for goal in GOALS:
        if goal.ours not in found:
            continue
        ours = median(found, goal.ours, goal.fact)
        theirs = median(found, goal.peer, goal.fact) if goal.peer else None
        reached: float | None = None
        if ours is not None and goal.peer is None:
            reached, met = ours, ours <= goal.bound
        elif ours is not None and theirs is not None:
            reached = theirs / max(ours, 0.1)  # memory is counted in pages: it can be none
            met = reached >= goal.bound
        else:
            met = False
        row: dict[str, Any] = {**goal._asdict(), "value": ours, "peer_value": theirs, "reached": reached}
        row["verdict"] = "not measured" if reached is None else "met" if met else "missed"
        reasons = [
            found[name].get("missing") or found[name].get("failed") for name in (goal.ours, goal.peer) if name in found
        ]
        row["why"] = "; ".join(reason for reason in reasons if reason)
        rows.append(row)
    return rows


def text(result: dict[str, Any]) -> str:
    """For a terminal."""
    found: Found = result["cases"]
    lines = [result["machine"], ", ".join(f"{name} {version}" for name, version in result["versions"].items())]
    lines.append(f"core: {result['core']}; {result['rows']:,} rows, rounds: {result['rounds']}, medians")
    for group, (title, facts) in GROUPS.items():
        names = [name for name in found if name.partition("/")[0] == group and name != BARE]
        if not names:
            continue
        lines += ["", f"{title:46}" + "".join(f"{f'{FACTS[fact].label}, {FACTS[fact].unit}':>18}" for fact in facts)]
        for name in names:
            if reason := found[name].get("missing") or found[name].get("failed"):
                lines.append(f"  {name.partition('/')[2]:44}  {reason}")
            else:
                cells = [_cell(median(found, name, fact), fact) for fact in facts]
                lines.append(f"  {name.partition('/')[2]:44}" + "".join(f"{cell:>18}" for cell in cells))
    lines += ["", f"{'goal':46}{'xdrkit':>12}{'peer':>12}{'reached':>12}{'wanted':>12}  verdict"]
    for goal in result["goals"]:
        lines.append(f"{_what(goal):46}{''.join(f'{cell:>12}' for cell in _cells(goal))}  {_verdict(goal)}")
    return "\n".join(lines)


def markdown(result: dict[str, Any]) -> str:
    """The tables for docs/performance.md."""
    found: Found = result["cases"]
    lines = [
        f"{result['day']}: {result['machine']}. {', '.join(f'{name} {version}' for name, version in result['versions'].items())}.",
        f"{result['rows']:,} rows; each case ran {result['rounds']} times, medians.",
        "",
        "| goal | against | xdrkit | peer | reached | wanted | |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for goal in result["goals"]:
        peer = goal["peer"].partition("/")[2] if goal["peer"] else ""
        lines.append(f"| {goal['what']} | {peer} | {' | '.join(_cells(goal))} | {_verdict(goal)} |")
    for group, (title, facts) in GROUPS.items():
        names = [name for name in found if name.partition("/")[0] == group and name != BARE]
        if not names:
            continue
        heads = " | ".join(f"{FACTS[fact].label}, {FACTS[fact].unit}" for fact in facts)
        lines += ["", f"| {title} | {heads} |", f"|---|{'---:|' * len(facts)}"]
        for name in names:
            cells = [_cell(median(found, name, fact), fact) for fact in facts]
            if reason := found[name].get("missing") or found[name].get("failed"):
                cells[0] = reason
            lines.append(f"| {name.partition('/')[2]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write(result: dict[str, Any], folder: Path, docs: Path | None) -> None:
    """`hunting.json`, `hunting.md` and `hunting.svg`; and the last two into the documentation."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = json.loads(json.dumps(result), parse_float=lambda number: round(float(number), 3))
    (folder / "hunting.json").write_text(json.dumps(rounded, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    table, drawn = markdown(result), picture.draw(panels(result["cases"], result["rows"]))
    (folder / "hunting.md").write_text(table + "\n", encoding="utf-8")
    (folder / "hunting.svg").write_text(drawn, encoding="utf-8")
    if docs:
        (docs / "images").mkdir(exist_ok=True)
        (docs / "images" / "hunting.svg").write_text(drawn, encoding="utf-8")
        page = docs / "performance.md"
        page.write_text(placed(page.read_text(encoding="utf-8"), table), encoding="utf-8")


def placed(page: str, table: str) -> str:
    """The page with the table between its marks."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"the page has no place for the table: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


PICTURED = [
    ("dicts", "cpu", "{rows:,} rows to a list of dicts, CPU"),
    ("polars", "cpu", "{rows:,} rows to polars, CPU"),
    ("polars", "peak", "{rows:,} rows to polars, peak memory"),
    ("pandas", "cpu", "{rows:,} rows to pandas, CPU"),
    ("dicts", "stall", "Longest stall of other Python threads, to dicts"),
    ("crowd", "call cpu", "A small request with 64 in flight, CPU"),
    ("import", "import cpu", "Import, CPU over the bare interpreter"),
]


def panels(found: Found, rows: int) -> list[picture.Panel]:
    """What the picture shows: the cases of a group, the longest bar last."""
    drawn = []
    for group, fact, title in PICTURED:
        names = [name for name in found if name.partition("/")[0] == group and name != BARE]
        values = [(name.partition("/")[2], median(found, name, fact)) for name in names]
        bars = [(name, value) for name, value in values if value is not None]
        if bars:
            drawn.append(picture.Panel(title.format(rows=rows), FACTS[fact].unit, sorted(bars, key=lambda bar: bar[1])))
    return drawn


def _cell(value: float | None, fact: str) -> str:
    return "" if value is None else f"{value:,.{FACTS[fact].digits if abs(value) >= 10 else 1}f}"


def _cells(goal: dict[str, Any]) -> list[str]:
    unit = FACTS[goal["fact"]].unit
    ours, theirs = (_cell(goal[key], goal["fact"]) for key in ("value", "peer_value"))
    ours, theirs = (f"{cell} {unit}" if cell else "" for cell in (ours, theirs))
    if goal["peer"] is None:
        return [ours, "", ours, f"<= {goal['bound']:g} {unit}"]
    reached = f"{goal['reached']:.2f} x less" if goal["reached"] is not None else ""
    return [ours, theirs, reached, f"{goal['bound']:.3g} x less"]


def _what(goal: dict[str, Any]) -> str:
    return f"{goal['what']} / {goal['peer'].partition('/')[2]}" if goal["peer"] else goal["what"]


def _verdict(goal: dict[str, Any]) -> str:
    return f"{goal['verdict']}: {goal['why']}" if goal["why"] else goal["verdict"]
