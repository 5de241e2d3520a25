"""README, docs and examples are run as they stand, against a sandbox of their own.

A fenced block is run when the second word after its fence is `run`: ```` ```python run ````, ```` ```sh run ````, ```` ```console run ````
(where a line that begins with `$ ` is a command and the rest is what a reader would see). `run on` goes on where the block of that
language before it ended. GitHub shows only the first word, so readers see none of this. Every Python block that is not run must still
be Python.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

import xdrkit

ROOT = Path(__file__).resolve().parents[2]
SIGN_IN = sorted((ROOT / "docs" / "authentication").glob("*.md"))
SANDBOX = sorted((ROOT / "docs" / "sandbox").glob("*.md"))
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *SIGN_IN, *SANDBOX]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "examples").rglob("*.ipynb"))
FENCE = re.compile(
    r"^(?P<indent> *)(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$", re.MULTILINE | re.DOTALL
)
PYTHON = ("python", "py", "python3")
SHELL = ("sh", "shell", "bash", "console")

pytestmark = pytest.mark.dev


class Block(NamedTuple):
    """A fenced block that is run."""

    where: str
    language: str
    text: str


def fences(document: Path) -> list[tuple[int, list[str], str]]:
    """Every fenced block: its line, the words after the fence, its text."""
    source = document.read_text(encoding="utf-8") if document.exists() else ""
    return [
        (source.count("\n", 0, match.start()) + 1, match["info"].split(), textwrap.dedent(match["text"]))
        for match in FENCE.finditer(source)
    ]


def executable(document: Path) -> list[Block]:
    """The blocks to run, each with those before it that it goes on from."""
    blocks: list[Block] = []
    before: dict[str, str] = {}
    for line, info, text in fences(document):
        if info[1:2] == ["run"]:
            language = "python" if info[0] in PYTHON else info[0]
            text = (before.get(language, "") + "\n" if info[2:3] == ["on"] else "") + text
            before[language] = text
            blocks.append(Block(f"{document.relative_to(ROOT)}:{line}", language, text))
    return blocks


BLOCKS = [block for document in DOCUMENTS for block in executable(document)]
RUNNER = """
import ast, asyncio, inspect, sys
code = compile(sys.stdin.read(), sys.argv[1], "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
names = {"__name__": "__main__"}
made = eval(code, names)
if inspect.iscoroutine(made):
    asyncio.run(made)
"""


def shell(text: str, language: str) -> str:
    """What to give to bash; of a console session the commands alone."""
    if language == "console":
        text = "\n".join(line[2:] for line in text.splitlines() if line.startswith("$ "))
    return text


def run(command: list[str], given: str, folder: Path, env: dict[str, str]) -> None:
    """Run a block in an empty folder with the environment's programs first on the path, and demand success without a warning."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **env, "PATH": path, "PYTHONWARNINGS": "error", "NO_COLOR": "1"},
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "Warning" not in done.stderr


@pytest.mark.parametrize("block", BLOCKS, ids=[block.where for block in BLOCKS])
def test_the_block_runs(block: Block, xdr_sandbox: xdrkit.Sandbox, tmp_path: Path) -> None:
    if block.language == "python":
        run([sys.executable, "-c", RUNNER, block.where], block.text, tmp_path, xdr_sandbox.env())
    else:
        assert block.language in SHELL, f"nothing is known that runs {block.language}"
        run(["bash", "-euo", "pipefail"], shell(block.text, block.language), tmp_path, xdr_sandbox.env())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_python_block_is_python(document: Path) -> None:
    for line, info, text in fences(document):
        if info[:1] and info[0] in PYTHON:
            compile(text, f"{document.name}:{line}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)


def test_the_readme_has_an_example_that_is_run() -> None:
    assert any(block.language == "python" for block in executable(ROOT / "README.md"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_local_link_leads_somewhere(document: Path) -> None:
    source = FENCE.sub("", document.read_text(encoding="utf-8")) if document.exists() else ""
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", source)
    broken = [target for target in targets if "://" not in target and not (document.parent / target).exists()]
    assert broken == []


@pytest.fixture(scope="module")
def sources() -> str:
    """The library's own code, its texts in one piece and with plain quotation marks."""
    code = [f for f in (ROOT / "src").rglob("*.rs") if "tests" not in f.stem]
    texts = [f.read_text(encoding="utf-8") for f in [*code, *(ROOT / "python" / "xdrkit").glob("*.py")]]
    return re.sub(r"\\\n\s*", "", "\n".join(texts)).replace('\\"', '"')


@pytest.mark.parametrize("page", SIGN_IN, ids=lambda path: path.name)
def test_every_error_that_a_page_quotes_is_one_that_is_raised(page: Path, sources: str) -> None:
    """In the tables of errors, italics are words of ours, with an ellipsis for what differs from case to case."""
    tables = page.read_text(encoding="utf-8").split("| What you see |")[1:]
    seen = [line.split(" | ")[0] for table in tables for line in table.split("\n\n")[0].splitlines()]
    quoted = [quote for cell in seen for quote in re.findall(r"\*([^*()]+)\*", cell)]
    assert tables
    for quote in quoted:
        assert re.search(".{1,60}?".join(re.escape(part) for part in quote.split("…")), sources), quote


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_example_runs(example: Path, xdr_sandbox: xdrkit.Sandbox, tmp_path: Path) -> None:
    run([sys.executable, str(example)], "", tmp_path, xdr_sandbox.env())


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_runs(
    notebook: Path, xdr_sandbox: xdrkit.Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for name, value in xdr_sandbox.env().items():
        monkeypatch.setenv(name, value)
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    content = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(content, timeout=90, resources={"metadata": {"path": str(tmp_path)}}).execute()
