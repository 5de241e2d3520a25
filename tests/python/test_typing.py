"""What an editor and a type checker see, and what an import costs."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import xdrkit

HEAVY = (
    "asyncio",
    "pandas",
    "polars",
    "pyarrow",
    "IPython",
    "inspect",
    "dataclasses",
    "logging",
    "email",
    "http",
    "ssl",
)
RIGHT = """
from __future__ import annotations

import datetime

import xdrkit
from xdrkit.types import Machine


def sync(client: xdrkit.Client) -> str:
    machine: Machine = client.machines.get("a", timeout=datetime.timedelta(seconds=5))
    for other in client.machines.list(filter="x", top=5):
        machine = other
    action = client.machines.isolate(machine["id"], comment="x", isolation_type="Full")
    done = client.machine_actions.wait(action["id"], timeout=60)
    incident = client.incidents.update(1, status="Resolved", determination="SomethingNew", tags=["a"])
    rows: list[dict[str, object]] = client.hunt("T", since="7d", until=datetime.datetime.now(datetime.timezone.utc))[1:]
    return done["id"] + str(incident["incidentId"]) + str(rows)


async def awaited(client: xdrkit.AsyncClient) -> str:
    machine = await client.machines.get("a")
    async for other in client.machines.list():
        machine = other
    first = await client.graph.alerts.list().first()
    async with xdrkit.sandbox() as sb, sb.async_client() as another:
        await another.hunt("T", api="graph")
    with xdrkit.Client(credential=lambda scope: ("token", 1)) as plain:
        plain.with_options(timeout=1).close()
    return machine["id"] + (first["id"] if first else "")
"""
WRONG = {
    'client.machines.isolate("a", comment="x", isolation_type="Ful")': "overload",
    'client.machines.isolate("a")': "overload",
    'client.machines.isolate("a", coment="x")': "overload",
    'client.hunt("T", api="grph")': "api",
    'client.machines.get("a")["nmae"]': "nmae",
    "client.machnes": "machnes",
}


def check(text: str, folder: Path) -> tuple[int, str]:
    pytest.importorskip("mypy")
    file = folder / "sample.py"
    file.write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--cache-dir",
        str(folder / "cache"),
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.dev
def test_programs_that_are_right_pass_the_checker_and_mistakes_do_not(tmp_path: Path) -> None:
    assert check(RIGHT, tmp_path)[0] == 0, check(RIGHT, tmp_path)[1]
    wrong = "import xdrkit\n\n\ndef f(client: xdrkit.Client) -> None:\n" + "".join(f"    {line}\n" for line in WRONG)
    code, said = check(wrong, tmp_path)
    assert code == 1
    for number, (line, word) in enumerate(WRONG.items(), 5):
        assert any(f"sample.py:{number}: error" in text and word in text for text in said.splitlines()), (line, said)


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(xdrkit.__file__).parent / "py.typed").exists()
    assert (Path(xdrkit.__file__).parent / "_core.pyi").exists()


def test_every_public_name_exists_and_is_documented() -> None:
    assert sorted(xdrkit.__all__) == xdrkit.__all__
    for name in xdrkit.__all__:
        assert name in dir(xdrkit)
        found: Any = getattr(xdrkit, name)
        if inspect.isclass(found) or inspect.isfunction(found) or inspect.ismodule(found):
            assert inspect.getdoc(found), name


@pytest.mark.parametrize(
    "kind", [xdrkit.Client, xdrkit.AsyncClient, xdrkit.HuntResult, xdrkit.Pages, xdrkit.AsyncPages, xdrkit.Sandbox]
)
def test_every_public_method_is_documented_and_annotated(kind: type[Any]) -> None:
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        member = member.fget if isinstance(member, property) else member
        if name.startswith("_") or not inspect.isfunction(member):
            continue
        if member.__module__.startswith("xdrkit"):
            assert member.__doc__, name
            missing = [
                p for p in inspect.signature(member).parameters if p != "self" and p not in member.__annotations__
            ]
            assert not missing, (name, missing)
            assert "return" in member.__annotations__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Clint"):
        xdrkit.Clint  # noqa: B018


def child(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{script}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_importing_it_brings_nothing_heavy_along() -> None:
    script = f"before = set(sys.modules)\nimport xdrkit\nprint(*(m for m in {HEAVY} if m in set(sys.modules) - before))"
    assert child(script) == ""


def test_the_async_client_is_loaded_when_it_is_named() -> None:
    loaded = "'xdrkit._async_client' in sys.modules"
    assert child(f"import xdrkit\nprint({loaded}, xdrkit.AsyncClient.__name__, {loaded})") == "False AsyncClient True"
    assert child("from xdrkit import *\nprint(AsyncClient.__name__)") == "AsyncClient"


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "xdrkit", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[:1]) == (0, ["xdr"])
