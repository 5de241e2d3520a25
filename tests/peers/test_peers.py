"""Each client runs unmodified, in an environment and a process of its own, against the hosts that it knows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit

from .gateway import Gateway

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
QUERY = """
DeviceProcessEvents
| where FileName =~ 'powershell.exe'
| project Timestamp, DeviceName, ProcessId, FileName
| top 20 by Timestamp desc
"""


@pytest.fixture(scope="module")
def sb() -> Iterator[xdrkit.Sandbox]:
    """A sandbox that speaks https."""
    with xdrkit.sandbox(tls=True) as running:
        yield running


@pytest.fixture
def gateway(sb: xdrkit.Sandbox) -> Iterator[Gateway]:
    """Leads to it."""
    made = Gateway(sb)
    yield made
    made.close()
    # Where msticpy reads how clouds are called, and goes on without.
    assert set(made.refused) <= {"management.azure.com"}


def run(python: str, sb: xdrkit.Sandbox, gateway: Gateway, script: str, *arguments: str) -> str:
    """Runs a peer's script, which finds nothing but the gateway."""
    interpreter = Path(
        os.environ.get(
            f"XDRKIT_PEERS_{python.upper()}",
            ROOT / f".venv-bench{'-msticpy' if python == 'msticpy' else ''}/bin/python",
        )
    )
    if not interpreter.exists():
        pytest.skip(f"{interpreter} is not there: make test-peers")
    assert sb.ca_file is not None
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "AZURE_TENANT_ID": sb.tenant_id,
        "AZURE_CLIENT_ID": sb.client_id,
        "AZURE_CLIENT_SECRET": sb.identity["client_secret"],
        "HTTPS_PROXY": gateway.url,
        "HTTP_PROXY": gateway.url,
        "SSL_CERT_FILE": sb.ca_file,
        "REQUESTS_CA_BUNDLE": sb.ca_file,
    }
    done = subprocess.run(
        [str(interpreter), str(HERE / "scripts" / script), *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return done.stdout


def expected(sb: xdrkit.Sandbox) -> list[dict[str, Any]]:
    """What xdrkit gets."""
    with sb.client() as client:
        rows = client.hunt(QUERY).rows
    assert len(rows) == 20
    return rows


def test_msgraph_sdk_hunts_and_lists(sb: xdrkit.Sandbox, gateway: Gateway) -> None:
    answer = json.loads(run("peers", sb, gateway, "msgraph_hunt.py", QUERY))
    rows = expected(sb)
    assert [name for name, _ in answer["schema"]] == ["Timestamp", "DeviceName", "ProcessId", "FileName"]
    assert [row["DeviceName"] for row in answer["rows"]] == [row["DeviceName"] for row in rows]
    assert [row["ProcessId"] for row in answer["rows"]] == [row["ProcessId"] for row in rows]
    with sb.client() as client:
        assert sorted(answer["incidents"]) == sorted(i["id"] for i in client.graph.incidents.list())
    assert "graph.microsoft.com" in gateway.asked
    assert "login.microsoftonline.com" in gateway.asked


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("M365DGraph", "graph.microsoft.com"),
        ("M365D", "api.securitycenter.microsoft.com"),
        ("MDE", "api.securitycenter.microsoft.com"),
    ],
)
def test_msticpy_hunts(sb: xdrkit.Sandbox, gateway: Gateway, environment: str, host: str) -> None:
    said = run("msticpy", sb, gateway, "msticpy_hunt.py", environment, QUERY)
    answer = json.loads(said.partition("ROWS ")[2])
    rows = expected(sb)
    assert [row["DeviceName"] for row in answer] == [row["DeviceName"] for row in rows]
    assert [row["ProcessId"] for row in answer] == [row["ProcessId"] for row in rows]
    assert [row["Timestamp"][:19] for row in answer] == [row["Timestamp"][:19] for row in rows]
    assert host in gateway.asked
