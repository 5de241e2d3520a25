"""The example that the README begins with, exactly as it is written there: in a script, in a running loop, and awaited."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest

import xdrkit

# ruff: noqa: E501
SYNC = """
import xdrkit
with xdrkit.sandbox() as sb, sb.client() as client:
    for row in client.hunt("DeviceProcessEvents | where FileName =~ 'powershell.exe' | project Timestamp, DeviceName, ProcessCommandLine | take 5"):
        print(row["Timestamp"], row["DeviceName"])
    machine = next(iter(client.machines.list(filter="riskScore eq 'High'")))
    action = client.machines.isolate(machine["id"], comment="case 42", isolation_type="Full")
    action = client.machine_actions.wait(action["id"])
"""
# The same example goes on so; what stands for the reader's own tenant is filled in, and the last line has its body.
ASYNC = """
async def main():
    async with xdrkit.AsyncClient(tenant_id=TENANT, client_id=APP, client_secret=SECRET) as client:
        result = await client.hunt("DeviceInfo | take 3")
        found = []
        async for incident in client.incidents.list(filter="status eq 'Active'"):
            found.append(incident)
        return result, found
"""


def check(printed: str, namespace: dict[str, Any]) -> None:
    assert len(printed.splitlines()) == 5
    assert namespace["machine"]["riskScore"] == "High"
    assert namespace["action"]["status"] == "Succeeded"


def test_it_runs_as_a_script() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = SYNC + "\nprint(action['status'], file=sys.stderr)".replace("sys.", "__import__('sys').")
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "Succeeded")
    assert len(done.stdout.splitlines()) == 5


def test_it_runs_inside_a_running_loop(capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> dict[str, Any]:
        namespace: dict[str, Any] = {}
        exec(SYNC, namespace)
        return namespace

    namespace = asyncio.run(main())
    check(capsys.readouterr().out, namespace)


def test_its_async_half_runs(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    env = sb.env()
    monkeypatch.setenv("XDRKIT_BASE_URL", env["XDRKIT_BASE_URL"])
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", env["AZURE_AUTHORITY_HOST"])
    namespace: dict[str, Any] = {
        "xdrkit": xdrkit,
        "TENANT": sb.tenant_id,
        "APP": sb.client_id,
        "SECRET": env["AZURE_CLIENT_SECRET"],
    }
    exec(ASYNC, namespace)
    result, incidents = asyncio.run(namespace["main"]())
    assert len(result) == 3
    assert incidents
    assert {incident["status"] for incident in incidents} == {"Active"}
