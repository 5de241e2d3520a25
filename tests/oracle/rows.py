"""Runs our own queries over small tables in the engine and in duckdb-kql, an independent engine, and keeps what both agree on.

    python tests/oracle/rows.py DIFFERENCES.txt [COMMAND...]

Needs `duckdb-kql`, `duckdb` and `pytz` (Python 3.11 or later). The command runs the test `answers` of `src/kql/tests/oracle_rows.rs`. The
tests read `rows.jsonl.gz` alone.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any

import duckdb_kql
from mutants import HERE, TOKEN, queries
from tables import NOW, Maker, Query

GOLDEN = HERE / "rows.jsonl.gz"
ENGINE = ["cargo", "test", "--quiet", "--lib", "--all-features", "oracle_rows::answers", "--", "--ignored"]
TRIES = 4
SQL = {"string": "VARCHAR", "int": "INTEGER", "long": "BIGINT", "real": "DOUBLE", "bool": "BOOLEAN"}
SQL |= {"datetime": "TIMESTAMP", "timespan": "INTERVAL", "dynamic": "JSON", "guid": "UUID", "decimal": "DECIMAL(38,10)"}
# What no two engines answer alike, and rightly.
FREE = (
    r"\b(take|limit|sample|sample-distinct|rand|new_guid|take_any|take_anyif|any|anyif|top-hitters|ingestion_time)\b"
    r"|make_set\([^()]*, *[0-9]+\)"
)
UNORDERED = r"\b(make_set|make_set_if|makeset|make_list|make_list_if|makelist|make_list_with_nulls|set_\w+|bag_keys)\b"
YEAR_ONE = datetime(1, 1, 1)  # noqa: DTZ001 (what duckdb answers has no zone)

Case = dict[str, Any]


def split(text: str, sign: str) -> list[str]:
    """The parts of a text between signs that are in no bracket and no string."""
    parts, depth = [""], 0
    for match in TOKEN.finditer(text):
        word = match.group()
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if depth == 0 and (word == sign or (sign == "and" and word == "or")):
            parts.append("")
        else:
            parts[-1] += word
    return [part.strip() for part in parts]


def variants(name: str, text: str) -> list[tuple[str, str]]:
    """A query, and of one with many expressions or predicates every one alone: what one engine lacks then hides no other."""
    found = [(name, text)]
    stages = split(text, "|")
    for at, stage in enumerate(stages):
        match = re.match(r"(project|summarize|where|extend)\s+(.*)", stage, re.DOTALL)
        if not match or ";" in text or "\n" in text:
            continue
        verb, rest = match.groups()
        by = split(rest, "by")[1:] if verb == "summarize" else []
        some = split(split(rest, "by")[0] if by else rest, "and" if verb == "where" else ",")
        if len(some) < 2 or (at < len(stages) - 1 and verb != "where"):
            continue
        for number, part in enumerate(some):
            stage = f"{verb} {part}" + (f" by {by[0]}" if by else "")
            found.append((f"{name}.{number + 1}", " | ".join([*stages[:at], stage, *stages[at + 1 :]])))
    return found


def cases() -> list[Case]:
    """Every query, over a few tables each."""
    made = []
    own = queries() + [(f"rows:{at + 1}", text) for at, text in enumerate(blocks(HERE / "rows.kql"))]
    for name, text in [one for query in own for one in variants(*query)]:
        query = Query(text)
        for attempt in range(TRIES):
            tables = Maker(query, Random(f"{text} {attempt}")).tables()
            made.append({"name": name, "query": text, "now": NOW, "tables": tables})
    return made


def blocks(path: Path) -> list[str]:
    """The queries of a file, one a line."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line for line in lines if line.strip() and not line.startswith("//")]


def engine(made: list[Case], command: list[str]) -> list[Case]:
    """What our engine answers."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "cases", Path(folder) / "answers"
        asked.write_text("".join(json.dumps(case) + "\n" for case in made), encoding="utf-8")
        environment = {**os.environ, "XDRKIT_ROWS_CASES": str(asked), "XDRKIT_ROWS_ANSWERS": str(answered)}
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in answered.read_text(encoding="utf-8").splitlines()]


def sql_cell(cell: Any, kind: str) -> Any:
    """A cell as duckdb takes it."""
    if cell is None:
        return None
    if kind == "dynamic":
        return json.dumps(cell)
    return cell.rstrip("Z") if kind == "datetime" else cell


def other(case: Case) -> tuple[list[str], list[Any]] | str:
    """What duckdb-kql answers, or why it does not."""
    con = duckdb_kql.connect()
    try:
        for name, table in case["tables"].items():
            heads = ", ".join(f'"{column}" {SQL[kind]}' for column, kind in table["columns"])
            con.execute(f'CREATE TABLE "{name}" ({heads})')
            marks = ", ".join("?" for _ in table["columns"])
            kinds = [kind for _, kind in table["columns"]]
            rows = [[sql_cell(cell, kind) for cell, kind in zip(row, kinds)] for row in table["rows"]]
            con.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
        moment = datetime.fromisoformat(NOW.replace("Z", "+00:00"))
        found = duckdb_kql.query(con, case["query"], query_now=moment)
        return list(found.columns), found.fetchall()
    except Exception as error:  # it fails in many ways, with assertions too
        return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    finally:
        con.close()


def ticks(value: timedelta) -> int:
    """Units of 100 ns."""
    return (value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds) * 10


def tame(value: Any, unordered: bool) -> Any:
    """A JSON value in which what is equal looks equal."""
    if isinstance(value, dict):
        return {str(key): tame(value[key], unordered) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        parts = [tame(part, unordered) for part in value]
        return sorted(parts, key=json.dumps) if unordered else parts
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(f"{value:.10g}")
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(value, timedelta):
        return ticks(value)
    return value


def plain(value: Any, kind: str, unordered: bool, there: bool) -> Any:
    """A cell of either engine, so that what is equal looks equal."""
    if kind in ("string", "guid"):
        return "" if value is None and kind == "string" else value if value is None else str(value)
    if value is None:
        return None
    if kind == "datetime" and isinstance(value, int):
        return value // 10 * 10  # duckdb keeps microseconds
    if kind == "datetime" and isinstance(value, datetime):
        naive = value.astimezone(timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return ticks(naive - YEAR_ONE)
    if kind == "timespan" and isinstance(value, timedelta):
        return ticks(value)
    if kind in ("real", "decimal"):
        # Zero has no sign in the language.
        return f"{float(value) + 0.0:.9e}"
    if kind in ("int", "long") and not isinstance(value, (int, str)):
        return int(value)
    if kind == "dynamic":
        if there and isinstance(value, str) and value[:1] in '[{"0123456789-tfn':
            try:
                value = json.loads(value)
            except ValueError:
                return value
        return tame(value, unordered)
    return value


def judge(case: Case, ours: Case, theirs: tuple[list[str], list[Any]] | str) -> tuple[str, str]:
    """Whether the two answers are equal, and if not, how they differ."""
    if isinstance(theirs, str):
        return "refused by duckdb-kql", theirs
    names, rows = theirs
    if names != [name for name, _ in ours["columns"]]:
        return "differ", f"columns {[name for name, _ in ours['columns']]} here, {names} there"
    kinds, unordered = [kind for _, kind in ours["columns"]], bool(re.search(UNORDERED, case["query"]))
    here = [json.dumps([plain(c, k, unordered, False) for c, k in zip(row, kinds)]) for row in ours["rows"]]
    there = [json.dumps([plain(c, k, unordered, True) for c, k in zip(row, kinds)], default=str) for row in rows]
    case["ordered"] = bool(re.match(r"(sort|order|top)\b", split(case["query"], "|")[-1])) and here == there
    if Counter(here) == Counter(there):
        return ("equal" if here else "equal and empty"), ""
    only = [list((Counter(a) - Counter(b)).elements()) for a, b in ((here, there), (there, here))]
    return "differ", f"{len(here)} rows here, {len(there)} there\n  here  {only[0][:3]}\n  there {only[1][:3]}"


def settle(tried: list[tuple[Case, Case]]) -> tuple[tuple[Case, Case], str, str]:
    """The first tables of a query over which both engines answer rows, and the verdict on them."""
    for case, ours in tried:
        if "error" in ours:
            both = isinstance(other(case), str)
            return (case, ours), "refused by both" if both else "refused here", ours["error"]
    found = (tried[0], "", "")
    # Tables that give rows first, for an empty answer proves little.
    for case, ours in sorted(tried, key=lambda pair: not pair[1]["rows"])[:3]:
        verdict, why = judge(case, ours, other(case))
        joined = "join" in case["query"] and not re.search(r"kind\s*=\s*(?!innerunique)", case["query"])
        if re.search(FREE, case["query"]) or (joined and verdict == "differ"):
            verdict = "free to differ"
        found = ((case, ours), verdict, why)
        if verdict != "equal and empty":
            break
    return found


def main(report: str, command: list[str]) -> None:
    """Writes the golden file and the list of differences."""
    made = cases()
    answers = engine(made, command)
    kept, verdicts, lines = [], {}, []
    groups = [list(zip(made, answers))[at : at + TRIES] for at in range(0, len(made), TRIES)]
    with ProcessPoolExecutor() as pool:
        for (case, ours), verdict, why in pool.map(settle, groups, chunksize=4):
            verdicts[case["name"]] = verdict
            if verdict == "equal":
                kept.append({**case, "answer": ours})
            elif verdict != "equal and empty":
                lines.append(f"## {case['name']}: {verdict}: {why}\n{case['query']}\n")
    Path(report).write_text("\n".join(lines), encoding="utf-8")
    with GOLDEN.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        for case in kept:
            out.write((json.dumps(case, separators=(",", ":")) + "\n").encode())
    print(f"{len(verdicts)} queries: {dict(Counter(verdicts.values()))}")
    print(f"{len(kept)} cases, {sum(len(c['answer']['rows']) for c in kept)} rows: {GOLDEN.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or ENGINE)
