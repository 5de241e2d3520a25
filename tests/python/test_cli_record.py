"""`xdr sandbox record`: from a tenant into a file, and from the file into a sandbox."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import xdrkit

if TYPE_CHECKING:
    from pathlib import Path


def record(sb: xdrkit.Sandbox | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xdrkit", "sandbox", "record", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        env={**os.environ, **({} if sb is None else sb.env())},
        check=False,
    )


def test_what_was_recorded_is_a_world_without_the_tenants_names(sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "world.json.gz"
    done = record(sb, str(file), "--tables", "DeviceInfo,AlertInfo", "--since", "30d")
    assert (done.returncode, done.stderr) == (0, "")
    with sb.client() as client:
        machines = len(client.machines.list().collect())
        rows = len(client.hunt("DeviceInfo", since="30d"))
    assert f"machines: {machines}\n" in done.stdout
    assert f"DeviceInfo: {rows:,}\n" in done.stdout
    text = gzip.decompress(file.read_bytes()).decode()
    for name in (sb.tenant_id, sb.identity["domain"], sb.identity["user"]):
        assert name not in text
    with xdrkit.sandbox(world=file) as other, other.client() as client:
        assert len(client.machines.list().collect()) == machines
    assert {r["method"] for r in sb.requests if r["operation"] and "hunting" not in r["operation"]} == {"GET"}


def test_what_was_cut_and_what_was_kept_is_told(sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    done = record(sb, str(file), "--tables", "DeviceInfo", "--since", "30d", "--limit", "3", "--no-redact")
    assert done.returncode == 0
    assert "1 tables have more rows than --limit 3" in done.stderr
    assert "own names" in done.stderr
    assert sb.identity["domain"] in file.read_text(encoding="utf-8")
    again = record(sb, str(file), "--tables", "DeviceInfo")
    assert (again.returncode, again.stdout) == (2, "")
    assert "--force" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "--no-redact"),
        ([], 2, "FILE"),
        (["out.json", "--limit", "0"], 2, "limit: "),
        (["out.json", "--tabels", "x"], 2, "--tabels"),
        (["out.json", "--tables", "Nothing"], 1, "Nothing"),
        (["no/such/folder/out.json", "--tables", "DeviceInfo"], 1, "no/such/folder"),
    ],
)
def test_what_is_wrong_is_told(sb: xdrkit.Sandbox, arguments: list[str], code: int, said: str) -> None:
    done = record(sb, *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_without_a_tenant_it_says_what_is_missing(tmp_path: Path) -> None:
    done = record(None, str(tmp_path / "world.json"))
    assert done.returncode == 2
    assert "AZURE_TENANT_ID" in done.stderr
