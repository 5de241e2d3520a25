"""Writes what follows from the declaration: resource classes, types, the reference and the permission matrix.

The declaration (src/ops) is compiled into the native module, which shows it as dicts; nothing here repeats it. The
helpers are read from python/xdrkit/_flows. Run with a Python in which the native module was built::

    python tools/generate.py            # write
    python tools/generate.py --check    # write nothing; exit 1 with a diff when a file is not what it would be
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
import types
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "xdrkit"
sys.path.insert(0, str(ROOT / "tools"))

from generator.reference import reference_pages  # noqa: E402 - the folder beside this file
from generator.resources import resources_package  # noqa: E402
from generator.types import types_module  # noqa: E402
from generator.words import banner  # noqa: E402


def load_core() -> Any:
    """The native module alone: the package itself imports what is generated here, missing or broken as it may be."""
    package = types.ModuleType("xdrkit")
    package.__path__ = [str(PACKAGE)]
    sys.modules["xdrkit"] = package
    return importlib.import_module("xdrkit._core")


def generated(core: Any) -> dict[Path, str]:
    """Every generated file with its text."""
    operations, declared = core.operations(), core.types()
    for param in (param for op in operations for param in op["params"]):
        param["enum"] = param["enum"] or []
    files = {
        PACKAGE / "_generated" / "__init__.py": banner() + "\n",
        PACKAGE / "_generated" / "types.py": types_module(declared),
    }
    for package, is_async in (("sync", False), ("aio", True)):
        for name, text in resources_package(operations, is_async).items():
            files[PACKAGE / "_generated" / package / name] = text
    for name, text in reference_pages(operations, declared).items():
        files[ROOT / "docs" / "reference" / name] = text
    return files


def differences(files: dict[Path, str]) -> list[str]:
    """What is not as it would be, as a diff."""
    out: list[str] = []
    for path, text in files.items():
        have = path.read_text(encoding="utf-8") if path.exists() else ""
        name = str(path.relative_to(ROOT))
        out += difflib.unified_diff(have.splitlines(), text.splitlines(), name, f"{name} (generated)", lineterm="")
    return out + [f"{path.relative_to(ROOT)}: nothing generates this any more" for path in orphans(files)]


def orphans(files: dict[Path, str]) -> list[Path]:
    """Files in the generated folders that no operation asks for now."""
    folders = [(PACKAGE / "_generated", "**/*.py"), (ROOT / "docs" / "reference", "*")]
    return sorted(path for folder, pattern in folders for path in folder.glob(pattern) if path not in files)


def main(arguments: list[str] | None = None) -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 with a diff when a file is out of date"
    )
    check = parser.parse_args(arguments).check
    files = generated(load_core())
    if check:
        found = differences(files)
        print("\n".join(found[:400]) if found else f"{len(files)} generated files are current")
        return 1 if found else 0
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n") if sys.version_info >= (3, 10) else path.write_bytes(
                text.encode()
            )
    for path in orphans(files):
        path.unlink()
    print(f"{len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
