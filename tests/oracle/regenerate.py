"""Asks Microsoft's parser and binder about our own queries and about mistakes in them, and writes down the verdicts (`make oracle`).

    python tests/oracle/regenerate.py PACKAGE_FOLDER

The tests read `golden.jsonl.gz` alone: Node and the package are not needed to run them.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys

from mutants import HERE, apply, mutants, queries

GOLDEN = HERE / "golden.jsonl.gz"
SCHEMA = HERE.parents[1] / "src" / "ops" / "hunting-schema.json"


def ask(package: str, texts: list[str]) -> list[dict[str, object]]:
    """Microsoft's verdict on each text."""
    lines = "".join(json.dumps({"query": text}) + "\n" for text in texts)
    answer = subprocess.run(
        ["node", str(HERE / "bind.mjs"), str(SCHEMA), package], input=lines, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in answer.stdout.splitlines()]


def compact(verdict: dict[str, object]) -> object:
    """The columns as one string, or nothing for a refused query; `*` behind them where rows may add more."""
    columns = verdict.get("columns")
    if not isinstance(columns, list):
        return None
    return ",".join(f"{name}:{kind}" for name, kind in columns) + (",*" if verdict.get("open") else "")


def main(package: str) -> None:
    """Writes the golden file."""
    own = queries()
    edits = [mutants(text) for _, text in own]
    asked = [text for _, text in own] + [apply(text, edit) for (_, text), some in zip(own, edits) for edit in some]
    verdicts = [compact(v) for v in ask(package, asked)]
    rest = iter(verdicts[len(own) :])
    lines = []
    for (name, text), some, verdict in zip(own, edits, verdicts):
        # "=" stands for the columns of the query itself.
        judged = [[*edit, "=" if found is not None and found == verdict else found] for edit, found in zip(some, rest)]
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        lines.append(
            json.dumps({"name": name, "of": digest, "columns": verdict, "mutants": judged}, separators=(",", ":"))
        )
    with GOLDEN.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write(("\n".join(lines) + "\n").encode())
    rejected = sum(1 for v in verdicts[len(own) :] if v is None)
    print(
        f"{len(own)} queries, {len(verdicts) - len(own)} mutants of which {rejected} are rejected: {GOLDEN.stat().st_size:,} bytes"
    )


if __name__ == "__main__":
    main(sys.argv[1])
