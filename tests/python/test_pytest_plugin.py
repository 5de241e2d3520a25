"""The pytest plugin in the wheel: fixtures, the marker, and what a failed test shows; each in a pytest of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., str]


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def start(folder: Path, source: str, *arguments: str, ini: str = "") -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "test_it.py").write_text(textwrap.dedent(source), encoding="utf-8")
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers -p no:cacheprovider\n{ini}\n")
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


@pytest.fixture
def pytester(tmp_path: Path) -> Run:
    """Runs tests in a pytest of their own and demands its exit code."""

    def run(source: str, *arguments: str, ini: str = "", code: int = 0) -> str:
        process = start(tmp_path / "project", source, *arguments, ini=ini)
        said, _ = process.communicate(timeout=100)
        assert process.returncode == code, said
        return said

    return run


def test_the_fixtures_are_found_and_fresh_for_each_test(pytester: Run) -> None:
    said = pytester(
        """
        import asyncio
        import pytest

        ports = set()

        @pytest.mark.parametrize("turn", [1, 2])
        def test_blocking(xdr_sandbox, xdr_client, turn):
            assert xdr_sandbox.requests == []
            assert xdr_client.machines.list().first()["id"]
            assert xdr_sandbox.requests[-1]["operation"] == "machines.list"
            ports.add(xdr_sandbox.url)
            assert len(ports) == turn

        def test_async_without_any_plugin(xdr_sandbox, xdr_async_client):
            async def main():
                return await xdr_async_client.hunt("DeviceInfo | take 1")

            assert len(asyncio.run(main())) == 1
            assert len(asyncio.run(main())) == 1, "it belongs to no loop"

        def test_both_share_the_tenant(xdr_sandbox, xdr_client, xdr_async_client):
            asyncio.run(xdr_async_client.hunt("DeviceInfo | take 1"))
            xdr_client.hunt("DeviceInfo | take 1")
            asked = [r["operation"] for r in xdr_sandbox.requests]
            assert asked.count("graph.hunting.run") == 2
        """
    )
    assert "4 passed" in said


@pytest.mark.parametrize(
    ("module", "mark", "more"),
    [
        ("pytest_asyncio", "pytest.mark.asyncio", ""),
        ("anyio", "pytest.mark.anyio", "@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"),
    ],
)
def test_the_async_client_is_good_in_tests_of_other_plugins(pytester: Run, module: str, mark: str, more: str) -> None:
    if not installed(module):
        pytest.skip(f"there is no {module} here")
    body = "async def test_it(xdr_async_client):\n    assert len(await xdr_async_client.hunt('DeviceInfo | take 1')) == 1\n"
    assert "1 passed" in pytester(f"import pytest\n{more}\n@{mark}\n{body}")


def test_the_marker_has_the_options_and_the_nearest_one_wins(pytester: Run) -> None:
    said = pytester(
        """
        import pytest
        import xdrkit

        pytestmark = pytest.mark.xdr_sandbox(seed=7, permissions=["Machine.Read.All"])

        def test_of_the_module(xdr_sandbox, xdr_client):
            with xdrkit.sandbox(seed=7) as same:
                assert xdr_sandbox.identity["user"] == same.identity["user"]
            assert xdr_client.machines.list().first()
            with pytest.raises(xdrkit.PermissionDeniedError):
                xdr_client.alerts.list().first()

        @pytest.mark.xdr_sandbox(permissions=["Alert.Read.All"])
        def test_of_its_own(xdr_client):
            assert xdr_client.alerts.list().first()
            with pytest.raises(xdrkit.PermissionDeniedError):
                xdr_client.machines.list().first()
        """
    )
    assert "2 passed" in said
    assert "xdr_sandbox(**options)" in pytester("", "--markers")


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("'empty'", "xdr_sandbox: takes options by name, not 'empty'"),
        ("permisions=[]", "permisions"),
        ("permissions=['Machine.Rea']", "no such permission: Machine.Rea"),
    ],
)
def test_a_wrong_marker_is_told_by_name(pytester: Run, marker: str, told: str) -> None:
    source = f"import pytest\n\n@pytest.mark.xdr_sandbox({marker})\ndef test_it(xdr_sandbox):\n    pass\n"
    said = pytester(source, code=1)
    assert told in said
    assert "Traceback" not in said


def test_a_failed_test_shows_what_it_asked_for(pytester: Run) -> None:
    said = pytester(
        """
        import pytest
        import xdrkit

        @pytest.fixture
        def mine():
            with xdrkit.sandbox() as running:
                yield running

        def test_wrong(xdr_sandbox, xdr_client):
            for _ in range(30):
                xdr_client.machines.get(xdr_client.machines.list().first()["id"])
            assert False, "on purpose"

        def test_wrong_with_my_own(mine):
            with mine.user_client() as client:
                client.hunt("DeviceInfo | take 1")
            assert False, "on purpose"

        def test_right(xdr_client):
            xdr_client.alerts.list().first()
        """,
        code=1,
    )
    assert "Requests to xdr_sandbox" in said
    assert "earlier ones)" in said
    assert "machines.get" in said
    assert "200  GET  /api/machines/" in said
    assert "Requests to mine" in said
    assert "graph.hunting.run" in said
    assert "@" in said.split("Requests to mine")[1], "whose request it was"
    assert "alerts.list" not in said, "what went well is not shown"
    for secret in ("client_secret=", "Bearer ", "eyJ"):
        assert secret not in said


def test_workers_side_by_side_do_not_meet(tmp_path: Path) -> None:
    source = """
        import pytest

        @pytest.mark.parametrize("turn", range(6))
        def test_alone(xdr_sandbox, xdr_client, turn):
            for machine in xdr_client.machines.list(top=3):
                assert xdr_client.machines.get(machine["id"])["id"] == machine["id"]
                break
            assert {r["operation"] for r in xdr_sandbox.requests} <= {None, "machines.list", "machines.get"}
            assert len([r for r in xdr_sandbox.requests if r["operation"] == "machines.get"]) == 1
    """
    if installed("xdist"):
        runs = [start(tmp_path / "project", source, "-n", "2")]
    else:
        runs = [start(tmp_path / f"project{turn}", source) for turn in range(2)]
    for process in runs:
        said, _ = process.communicate(timeout=100)
        assert process.returncode == 0, said
        assert "6 passed" in said


def test_the_plugin_loads_nothing_of_the_library_until_it_is_used(tmp_path: Path) -> None:
    source = """
        import sys

        def test_nothing():
            assert "xdrkit._sandbox" not in sys.modules
            assert "asyncio" not in sys.modules or "xdrkit._async_client" not in sys.modules
    """
    process = start(tmp_path / "project", source)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said


def test_a_cassette_is_recorded_once_and_played_without_a_tenant(pytester: Run, tmp_path: Path) -> None:
    source = """
        import pytest, xdrkit

        @pytest.mark.xdr_cassette(redact=["Falcon"])
        @pytest.mark.parametrize("take", [1, 2])
        def test_it(xdr_cassette, take, request):
            options = {}
            if request.config.getoption("--xdr-record"):
                sb = request.getfixturevalue("xdr_sandbox")
                app = {"client_id": sb.client_id, "client_secret": sb.identity["client_secret"]}
                options = {"tenant_id": sb.tenant_id, **app, "authority": sb.url, "base_url": sb.url}
            with xdrkit.Client(**options) as client:
                assert len(client.hunt(f"DeviceInfo | where DeviceName != 'Falcon' | take {take}")) == take
            xdr_cassette.assert_all_played()
    """
    assert "there is no such cassette" in pytester(source, code=1)
    assert "2 passed" in pytester(source, "--xdr-record", "once")
    folder = tmp_path / "project" / "cassettes" / "test_it"
    assert sorted(path.name for path in folder.iterdir()) == ["test_it[1].jsonl", "test_it[2].jsonl"]
    assert "Falcon" not in (folder / "test_it[1].jsonl").read_text(encoding="utf-8")
    assert "2 passed" in pytester(source)
    wrong = pytester(source.replace("take {take}", "take 3"), code=1)
    assert "nothing was recorded for POST" in wrong
