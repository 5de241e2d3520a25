"""`xdr sandbox up` as a process: what it prints for whom, how it ends, and that what it prints works when it is pasted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit

if TYPE_CHECKING:
    from collections.abc import Iterator

UP = [sys.executable, "-m", "xdrkit", "sandbox", "up"]


@contextlib.contextmanager
def up(*arguments: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*UP, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **(env or {})},
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def facts(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return told


def ended(process: subprocess.Popen[str], sent: signal.Signals) -> tuple[int, str]:
    process.send_signal(sent)
    code = process.wait(20)
    assert process.stderr is not None
    return code, process.stderr.read()


def test_people_are_told_who_is_there_and_how_to_get_in() -> None:
    with up("--port", "0") as process:
        assert process.stdout is not None
        lines = []
        while not (lines and lines[-1].startswith("# One of these alone")):
            lines.append(process.stdout.readline())
        text = "".join(lines)
        url = lines[0].split(" is at ")[1].split(";")[0]
        assert f"Status page  {url}/" in text
        for label in ("bash", "curl", "PowerShell", "xdrkit", "azure-identity", "msticpy"):
            assert f"# ---- {label} ----" in text
        for said in ("Secret", "User", "Password", "Tenant", "export AZURE_TENANT_ID=", "$env:AZURE_TENANT_ID = '"):
            assert said in text
        with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=10) as answer:
            assert answer.status == 200
        assert ended(process, signal.SIGINT) == (0, "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_server_that_is_stopped_ends_well_and_leaves_no_file(name: str, tmp_path: Path) -> None:
    with up("--https", "--port", "0", "--env", "json", env={"TMPDIR": str(tmp_path)}) as process:
        told = facts(process)
        assert Path(told["ca_file"]).is_relative_to(tmp_path)
        assert Path(told["ca_file"]).exists()
        assert ended(process, signal.Signals[name]) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_json_is_all_that_stands_on_standard_output() -> None:
    with up("--port", "0", "--env", "json", "--seed", "3", "--now", "2026-11-01T08:00:00Z") as process:
        told = facts(process)
        assert told["env"]["XDRKIT_BASE_URL"] == told["url"]
        with urllib.request.urlopen(f"{told['url']}/_sandbox/health", timeout=10) as answer:
            assert json.load(answer)["now"].startswith("2026-11-01T08:00:")
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        assert process.stdout.read() == ""


def test_quiet_is_the_address_alone() -> None:
    with up("--port", "0", "--quiet") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""


def test_a_reader_who_stops_reading_leaves_the_sandbox_up() -> None:
    with up("--port", "0") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split(" is at ")[1].split(";")[0]
        process.stdout.close()
        with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=10) as answer:
            assert answer.status == 200
        assert ended(process, signal.SIGINT) == (0, "")


def test_a_port_that_is_taken_is_told_and_is_gone_around_unless_asked_for() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = subprocess.run(
            [*UP, "--port", str(port)], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
        )
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"port: {port} is taken" in done.stderr
    with up("--env", "json") as first, up("--env", "json") as second:
        assert facts(first)["url"] != facts(second)["url"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--now", "yesterday"], "now: "),
        (["--now", "2026-11-01"], "with a zone"),
        (["--env", "cobol"], "powershell"),
        (["--port", "65536"], "65536"),
        (["--quiet", "--env", "json"], "--quiet"),
        (["--world", "intrusio"], 'Did you mean "intrusion"?'),
        (["--world", "no/such.json"], "world: no/such.json: "),
        (["--world", "empty", "--machines", "5"], "machines: "),
        (["--days", "31"], "days: "),
    ],
)
def test_a_wrong_option_is_told(arguments: list[str], said: str) -> None:
    done = subprocess.run([*UP, *arguments], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def count(url: str, table: str) -> int:
    query = json.dumps({"query": f"{table} | count"}).encode()
    asked = urllib.request.Request(f"{url}/_sandbox/query", query, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return int(json.load(answer)["rows"][0][0])


def test_a_world_is_chosen_by_name_or_file(tmp_path: Path) -> None:
    with up("--port", "0", "--env", "json", "--world", "empty") as process:
        assert count(facts(process)["url"], "DeviceInfo") == 0
    with xdrkit.sandbox(world="empty") as sb:
        sb.add_machines([{"computerDnsName": "of-the-file.example"}])
        sb.dump(tmp_path / "world.json.gz")
    with up("--port", "0", "--env", "json", "--world", str(tmp_path / "world.json.gz")) as process:
        told = facts(process)
        called = pasted([sys.executable, "-m", "xdrkit", "call", "machines.list"], "", {**os.environ, **told["env"]})
    assert [machine["computerDnsName"] for machine in json.loads(called)["value"]] == ["of-the-file.example"]


def test_machines_and_days_make_the_world_larger_or_shorter() -> None:
    with up("--port", "0", "--env", "json", "--machines", "60", "--days", "3") as process:
        url = facts(process)["url"]
        assert count(url, "DeviceInfo | distinct DeviceId") == 60


def snippet(name: str, *options: str) -> contextlib.AbstractContextManager[tuple[str, subprocess.Popen[str]]]:
    """The text for a language, and the sandbox that it is for."""

    @contextlib.contextmanager
    def made() -> Iterator[tuple[str, subprocess.Popen[str]]]:
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as out,
            up("--port", "0", "--env", name, *options) as process,
        ):
            # It stays up, so the text has no end: it is read until nothing more is there.
            assert process.stdout is not None
            fd = process.stdout.fileno()
            out.write(os.read(fd, 65536).decode())
            out.seek(0)
            yield out.read(), process

    return made()


def pasted(command: list[str], text: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("options", [(), ("--https",)], ids=["http", "https"])
def test_the_block_for_curl_works_as_it_stands(options: tuple[str, ...]) -> None:
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("there is no curl here")
    with snippet("curl", *options) as (text, _):
        answer = json.loads(pasted(["bash", "-euo", "pipefail"], text))
    assert len(answer["results"]) == 3


def test_the_block_for_bash_is_enough_for_the_command() -> None:
    with snippet("bash") as (text, _):
        answer = pasted(
            ["bash", "-euo", "pipefail"], f"{text}\n'{sys.executable}' -m xdrkit call machines.list top=2\n"
        )
    assert len(json.loads(answer)["value"]) == 2


@pytest.mark.parametrize("options", [(), ("--https",)], ids=["http", "https"])
def test_the_block_for_xdrkit_works_as_it_stands(options: tuple[str, ...]) -> None:
    with snippet("xdrkit", *options) as (text, _):
        assert "HuntResult: 3 rows" in pasted([sys.executable, "-"], text)


@pytest.mark.dev
def test_the_block_for_azure_identity_works_as_it_stands() -> None:
    pytest.importorskip("azure.identity")
    pytest.importorskip("requests")
    with snippet("azure-identity", "--https") as (text, _):
        assert "Timestamp" in pasted([sys.executable, "-"], text)
    with snippet("azure-identity") as (text, _):
        assert "--https" in text


@pytest.mark.dev
def test_the_block_for_powershell_works_as_it_stands() -> None:
    shell = shutil.which("pwsh")
    if shell is None:
        pytest.skip("there is no PowerShell here: its block was not run")
    with snippet("powershell", "--https") as (text, _):
        assert "Timestamp" in pasted([shell, "-NoProfile", "-Command", "-"], text)
