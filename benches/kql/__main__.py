"""Run queries over a million rows of a table that is here, and say what each costs.

python -m benches.kql                       a million rows, three rounds
python -m benches.kql --rows 100000 --rounds 1
python -m benches.kql --only 'summarize|join'

CPU is that of the process with all its threads, the least of the rounds; reading the columns from Arrow is part of it. Memory is
resident memory over what the process held before the query.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import sys
import time
from pathlib import Path

from benches.machine import processor

from xdrkit import HuntResult, _core, kql

NOW = "2026-11-21T12:00:00Z"
NOW_SECONDS = 1_795_262_400
QUERIES = {
    "filter and project": "T | where ActionType == 'Action3' and FileName has 'power' | project Timestamp, DeviceName, FileName",
    "where on time": "T | where Timestamp > ago(1d) | project Timestamp, DeviceName",
    "where on a number": "T | where ProcessId > 30000 | count",
    "where with a regex": "T | where ProcessCommandLine matches regex '(?i)enc [0-9]+77$' | count",
    "summarize": "T | summarize count(), dcount(DeviceId), max(Timestamp) by ActionType, bin(Timestamp, 1h)",
    "summarize, arg_max": "T | summarize arg_max(Timestamp, *) by DeviceId",
    "summarize, make_set": "T | summarize make_set(FileName), avg(ProcessId) by DeviceName",
    "join with 10,000": "T | join kind=inner (S) on DeviceName | summarize count() by Owner",
    "top 100": "T | top 100 by Timestamp desc | project Timestamp, DeviceName",
    "sort": "T | sort by DeviceName asc, Timestamp desc | take 10 | project DeviceName, Timestamp",
    "distinct": "T | distinct DeviceName, ActionType",
}
TYPES = {"Timestamp": "DateTime", "ProcessId": "Int64"}


def answer(columns: dict[str, list[str | int]]) -> bytes:
    """The body in which the service would answer these rows."""
    schema = [{"Name": name, "Type": TYPES.get(name, "String")} for name in columns]
    names = list(columns)
    rows = [dict(zip(names, cells)) for cells in zip(*columns.values())]
    return json.dumps({"Stats": {}, "Schema": schema, "Results": rows}).encode()


def telemetry(rows: int, seed: random.Random) -> bytes:
    """Rows in which machines, files and command lines repeat as they do in a tenant."""
    device = [seed.randrange(2_000) for _ in range(rows)]
    span = 30 * 86_400
    moment = (NOW_SECONDS - span + at * span / rows for at in range(rows))
    stamp = [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e7):07}Z" for at in moment]
    files = [f"power shell{at}.exe" if at % 10 == 0 else f"tool{at}.exe" for at in range(1_500)]
    return answer(
        {
            "Timestamp": list(stamp),
            "DeviceId": [f"0123456789abcdef0123456789abcdef{at}" for at in device],
            "DeviceName": [f"device-{at}" for at in device],
            "ActionType": [f"Action{seed.randrange(12)}" for _ in range(rows)],
            "FileName": [seed.choice(files) for _ in range(rows)],
            "ProcessCommandLine": [f"cmd.exe /c something long -enc {seed.randrange(100_000)}" for _ in range(rows)],
            "ProcessId": [seed.randrange(60_000) for _ in range(rows)],
        }
    )


def owners(rows: int) -> bytes:
    """Who owns which machine."""
    return answer(
        {
            "DeviceName": [f"device-{at * 3}" for at in range(rows)],
            "Owner": [f"owner{at % 100}" for at in range(rows)],
        }
    )


def spent() -> float:
    """CPU milliseconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e3


def resident() -> float:
    """Megabytes of resident memory; nothing where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return float("nan")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=re.compile, default=re.compile(""))
    args = parser.parse_args()
    tables = {
        "T": HuntResult(_core.kql_rows(telemetry(args.rows, random.Random(7)))),
        "S": HuntResult(_core.kql_rows(owners(args.rows // 100))),
    }
    print(
        f"{processor()}, Python {sys.version.split()[0]}, {args.rows:,} rows; CPU is the least of {args.rounds} rounds\n"
    )
    print("| query | CPU, ms | rows | memory, MB |\n|---|---:|---:|---:|")
    for name, query in QUERIES.items():
        if not args.only.search(name):
            continue
        costs = []
        before = resident()
        for _ in range(args.rounds):
            start = spent()
            rows = len(kql.run(query, tables, now=NOW))
            costs.append(spent() - start)
        print(f"| {name} | {min(costs):,.0f} | {rows:,} | {resident() - before:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
