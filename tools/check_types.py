"""Every public name has a complete type: what an editor shows for ``xdrkit`` must never be "unknown".

``basedpyright --verifytypes`` reports a score; this asks for 100 %, and prints what is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    """Run the verifier over the package."""
    program = Path(sys.executable).with_name("basedpyright")
    done = subprocess.run(
        [str(program), "--verifytypes", "xdrkit", "--ignoreexternal", "--outputjson"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "python")},
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        sys.stderr.write(done.stdout + done.stderr)
        return 1
    for symbol in report["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            for diagnostic in symbol["diagnostics"]:
                print(f"{symbol['name']}: {diagnostic['message']}")
    counts = report["exportedSymbolCounts"]
    print(
        f"{counts['withKnownType']} public names with a complete type, {counts['withAmbiguousType'] + counts['withUnknownType']} without"
    )
    return 0 if counts["withKnownType"] and report["completenessScore"] == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
