"""The command `xdr`, as a process: the demo, the sandbox, any operation, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

import xdrkit

if TYPE_CHECKING:
    from collections.abc import Mapping

XDR = [sys.executable, "-m", "xdrkit"]


def xdr(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*XDR, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )


def test_the_demo_does_the_main_job_and_names_its_requests() -> None:
    done = xdr("demo")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    for said in (
        "Sandbox automation by client secret",
        "by device code",
        "Machine.Isolate",
        "(delegated)",
        "WINWORD.EXE",
        "from graph",
        "Multi-stage incident",
        "Succeeded",
    ):
        assert said in text
    requests = re.findall(r"→ (\w+) (\S+) .*?→ (\d+)", text)
    paths = [(method, path.split("?")[0].rsplit("/", 1)[-1], status) for method, path, status in requests]
    assert paths.count(("POST", "runHuntingQuery", "200")) == 3
    assert ("POST", "devicecode", "200") in paths
    assert ("POST", "isolate", "201") in paths
    assert ("GET", "incidents", "200") in paths
    assert len(re.findall(r"found +\d+ rows? in [\d.]+ ms", text)) == 3
    assert "\x1b" not in text, "colours are for terminals"


def test_a_reader_who_stops_reading_is_no_error() -> None:
    with subprocess.Popen([*XDR, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_the_sandbox_serves_other_programs_until_it_is_interrupted() -> None:
    with subprocess.Popen(
        [*XDR, "sandbox", "up", "--port", "0", "--env", "bash"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        variables = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        assert set(variables) == {
            "AZURE_TENANT_ID",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_AUTHORITY_HOST",
            "XDRKIT_BASE_URL",
        }
        with urllib.request.urlopen(f"{variables['XDRKIT_BASE_URL']}/_sandbox/health", timeout=10) as answer:
            assert answer.status == 200
        called = xdr("call", "machines.list", "filter=riskScore eq 'High'", "top=2", env=variables)
        assert (called.returncode, called.stderr) == (0, "")
        assert len(json.loads(called.stdout)["value"]) == 2
        called = xdr("call", "ips.stats", "ip=10.0.0.1", "hours=24", env=variables)
        assert (called.returncode, json.loads(called.stdout)["ipAddress"]) == (0, "10.0.0.1")
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0, "whoever stops a server has had what it was there for"
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_a_port_that_is_taken_is_told(sb: xdrkit.Sandbox) -> None:
    done = xdr("sandbox", "up", "--port", sb.url.rsplit(":", 1)[1])
    assert done.returncode == 2
    assert "port" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["call", "machines.isolat"], 'Did you mean "machines.isolate"?'),
        (["call", "machines.list", "top"], "name=value"),
        (["call", "machines.list"], "AZURE_TENANT_ID"),
        (["demos"], "demo"),
        ([], "Usage"),
    ],
)
def test_a_wrong_command_line_says_what_would_be_right(arguments: list[str], said: str) -> None:
    done = xdr(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_help_and_version_go_to_standard_output() -> None:
    for flag, said in (("--help", "Hunt and respond"), ("--version", xdrkit.__version__)):
        done = xdr(flag)
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout


def test_the_command_is_installed_under_its_name() -> None:
    from importlib.metadata import entry_points

    found: object = entry_points()
    scripts = found.select(group="console_scripts") if hasattr(found, "select") else found["console_scripts"]  # type: ignore[index]
    assert any(script.name == "xdr" and script.value == "xdrkit._cli:main" for script in scripts)
