"""Run the cases in turn, round for round, and write what was found.

make bench                                  a release wheel, all of it
python -m benches.hunting --quick           a short run; its figures say little
python -m benches.hunting --only 'dicts|polars' --core target/release/libxdrkit.so
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benches.machine import imported, processor

from . import report, server, small  # small: its cases enter themselves
from .cases import CASES, PIECES
from .measure import version

if TYPE_CHECKING:
    from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "xdrkit requests httpx urllib3 aiohttp pyreqwest orjson msgspec polars pandas pyarrow "
    "msgraph-sdk azure-identity crowdstrike-falconpy"
)
MSTICPY = ROOT / ".venv-bench-msticpy" / "bin" / "python"


class Bench:
    """The interpreters and the environment of those who are measured."""

    def __init__(self, core: str | None, msticpy: Path, scratch: Path) -> None:
        self.msticpy = str(msticpy) if msticpy.exists() else None
        # Nobody's proxy, no colours, and modules compiled once as in any installation.
        self.environment = {name: value for name, value in os.environ.items() if name.upper() not in UNWANTED}
        self.environment["NO_PROXY"] = "*"
        if core:
            package = scratch / "core" / "xdrkit"
            shutil.copytree(ROOT / "python" / "xdrkit", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
            shutil.copy(core, package / "_core.abi3.so")
            compileall.compile_dir(package, quiet=2)
            self.environment["PYTHONPATH"] = str(package.parent)

    def python(self, package: str) -> str | None:
        """Who runs a case; msticpy has an environment of its own."""
        return self.msticpy if package == "msticpy" else sys.executable

    def measured(self, name: str, url: str, calls: int, *, stall: bool = False) -> dict[str, Any]:
        """What a case took, or `missing` with the reason, or `failed`."""
        python = self.python(CASES[name].package)
        if python is None:
            return {"missing": "not installed: msticpy"}
        command = [python, "-m", f"{__package__}.measure", name, url, "--calls", str(calls), *["--stall"] * stall]
        try:
            child = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=300, cwd=ROOT, env=self.environment
            )
        except subprocess.TimeoutExpired:
            return {"failed": "not done after 300 s"}
        if child.returncode:
            return {"failed": (child.stderr.strip().splitlines() or [f"exit {child.returncode}"])[-1]}
        found: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
        return found

    def import_cost(self, package: str) -> dict[str, Any]:
        """CPU milliseconds of an interpreter that imports it."""
        python = self.python(package)
        if python is None:
            return {"missing": "not installed: msticpy"}
        try:
            return {"import cpu": imported(small.IMPORTS[package], python, self.environment)[0]}
        except subprocess.CalledProcessError as error:
            return {
                "missing": f"not installed: {package}" if "ModuleNotFoundError" in error.stderr else error.stderr[-200:]
            }

    def versions(self) -> dict[str, str]:
        """Of all packages that take part."""
        found = {name: number for name in PACKAGES.split() if (number := version(name))}
        if self.msticpy:
            tell = "import importlib.metadata as m; print(m.version('msticpy'), m.version('pandas'))"
            answer = subprocess.run(
                [self.msticpy, "-c", tell], check=False, capture_output=True, text=True
            ).stdout.split()
            if len(answer) == 2:
                found["msticpy"] = f"{answer[0]} (with pandas {answer[1]})"
        return found


UNWANTED = {
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "MSTICPYCONFIG",
}


def collect(
    bench: Bench, urls: dict[str, str], chosen: list[str], rounds: int, calls: int
) -> dict[str, dict[str, Any]]:
    """Every value of every case, by fact; sides take turns within each round."""
    found: dict[str, dict[str, Any]] = {}

    def keep(name: str, values: dict[str, Any]) -> None:
        mine = found.setdefault(name, {})
        for fact, value in values.items():
            if isinstance(value, str):
                mine[fact] = value
                print(f"  {name}: {value}", file=sys.stderr, flush=True)
            else:
                mine.setdefault(fact, []).append(value)

    def gone(name: str) -> bool:
        return bool(found.get(name, {}).keys() & {"missing", "failed"})

    for turn in range(rounds):
        began = time.perf_counter()
        for name in chosen:
            if name.startswith("import/"):
                if not gone(name):
                    keep(name, bench.import_cost(name.partition("/")[2]))
                continue
            url = urls[CASES[name].port]
            if not gone(name):
                keep(name, bench.measured(name, url, calls))
            if CASES[name].group in report.STALLS and not gone(name):
                keep(name, bench.measured(name, url, calls, stall=True))
        print(f"round {turn + 1} of {rounds}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each case runs (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of a fifth of the rows; its figures say little")
    parser.add_argument("--only", metavar="PATTERN", default="", help="the cases whose names match")
    parser.add_argument("--list", action="store_true", help="the names of the cases")
    parser.add_argument(
        "--core", metavar="FILE", help="measure this build of the extension module with the checkout's Python files"
    )
    parser.add_argument(
        "--msticpy", metavar="PYTHON", type=Path, default=MSTICPY, help="the interpreter that has msticpy"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, default=ROOT / "benches" / "results", help="default: %(default)s"
    )
    parser.add_argument("--docs", action="store_true", help="write the table and the picture into docs/ as well")
    options = parser.parse_args()
    if options.docs and (options.quick or options.only or options.core):
        parser.error("--docs: the documentation has the whole table of a release wheel, or none")
    names = [*CASES, *(f"import/{package}" for package in small.IMPORTS)]
    chosen = [name for name in names if re.search(options.only, name)]
    if options.list:
        print("\n".join(chosen))
        return
    rounds, rows, calls = (1, 20_000, 320) if options.quick else (options.rounds, 100_000, 2_048)
    ports = sorted({CASES[name].port for name in chosen if name in CASES})
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options.core, options.msticpy, Path(scratch))
        print("making the answers", file=sys.stderr, flush=True)
        with server.running(ports, rows, rows // 2) as urls:
            found = collect(bench, urls, chosen, rounds, calls)
    for name, facts in found.items():
        wanted = rows // 2 * PIECES if name.startswith("million/") else 0 if name.startswith("body/") else rows
        if set(facts.get("rows", [wanted])) != {wanted}:
            sys.exit(f"{name} got {facts['rows']} rows, not {wanted}: its figures are worth nothing")
    result = {
        "machine": f"{processor()}, {platform.system()} {platform.release()}, Python {platform.python_version()}",
        "versions": bench.versions(),
        "core": options.core or "the installed wheel",
        "day": time.strftime("%Y-%m-%d", time.gmtime()),
        "quick": options.quick,
        "rounds": rounds,
        "rows": rows,
        "cases": found,
    }
    result["goals"] = report.judged(found)
    report.write(result, options.out, ROOT / "docs" if options.docs else None)
    print(report.text(result))
    if failed := [name for name, facts in found.items() if "failed" in facts]:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
