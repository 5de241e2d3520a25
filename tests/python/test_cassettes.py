"""Record and replay: what was done with a tenant once is done again without one, and no name or secret is kept."""

from __future__ import annotations

import gzip
import json
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit._cassette import Cassette
from xdrkit._exchanges import redacted
from xdrkit._redact import REMOVED, Redactor

from .faces import Face, Faces

HUNT = "DeviceProcessEvents | where AccountName != '' | project Timestamp, DeviceName, AccountName, ProcessCommandLine"


def playbook(face: Face) -> dict[str, Any]:
    """What a runbook does: looks, hunts, acts, waits."""
    machine = face.all("machines.list", top=3)[0]
    rows = face("hunt", HUNT + " | take 5", since="20d").rows
    action = face("machines.isolate", machine["id"], comment="suspicious", wait=True)
    return {"name": machine["computerDnsName"], "rows": rows, "status": action["status"]}


class Player(Faces):
    """Faces of clients that are told nothing of a tenant."""

    def fresh(self) -> Face:
        face = Face.__new__(Face)
        face.is_async = self.is_async
        import asyncio

        face.client = (xdrkit.AsyncClient if self.is_async else xdrkit.Client)()
        face.loop = asyncio.new_event_loop() if self.is_async else None
        self.made.append(face)
        return face


@pytest.fixture(params=["sync", "async"])
def players(request: pytest.FixtureRequest, sb: xdrkit.Sandbox) -> Any:
    """Makes clients, of the sandbox or of nothing."""
    made = Player(sb, request.param == "async")
    yield made
    for face in made.made:
        face.close()


def names_of(sb: xdrkit.Sandbox) -> set[str]:
    """What must not be found in a cassette of this sandbox."""
    with sb.client() as client:
        machines = client.machines.list().collect()
        people = client.hunt("IdentityInfo | distinct AccountName, AccountUpn, AccountDisplayName").rows
    found = {m["computerDnsName"] for m in machines} | {m["computerDnsName"].partition(".")[0] for m in machines}
    found |= {row[name] for row in people for name in row}
    return {name.lower() for name in found if name and len(name) > 3}


def test_a_playbook_is_replayed_without_a_tenant(players: Player, sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "isolate.jsonl"
    with Cassette(path, record="once") as tape:
        assert tape.recording
        first = playbook(players())
    assert first["status"] == "Succeeded"
    assert len(first["rows"]) == 5
    asked = len(sb.requests)
    sb.close()
    with Cassette(path) as tape:
        assert not tape.recording
        again = playbook(players.fresh())
    assert len(sb.requests) == asked
    tape.assert_all_played()
    assert again["status"] == "Succeeded"
    assert again["name"] != first["name"]
    for row, before in zip(again["rows"], first["rows"]):
        assert row["Timestamp"] == before["Timestamp"]
        assert row["DeviceName"] != before["DeviceName"]
    machines = {row["DeviceName"] for row in first["rows"]}
    assert len({row["DeviceName"] for row in again["rows"]}) == len(machines)


def test_no_secret_and_no_name_is_kept(players: Player, sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with Cassette(path, record="all"):
        face = players()
        playbook(face)
        face("hunt", HUNT)
        face("hunt", "IdentityInfo | project AccountName, AccountUpn, AccountDisplayName, AccountDomain, TenantId=''")
        face.all("alerts.list")
    text = path.read_text(encoding="utf-8")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secrets = {sb.identity["client_secret"], sb.identity["user_password"], sb.tenant_id}
    assert "Bearer" not in text
    assert "eyJ" not in text
    for secret in secrets:
        assert secret not in text
    lower = text.lower()
    leaked = sorted(name for name in names_of(sb) if name in lower)
    assert leaked == []


def test_what_was_not_recorded_is_told_with_what_is_nearest(players: Player, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with Cassette(path, record="once"):
        players()("hunt", "DeviceInfo | take 1")

    def twice(first: str, second: str) -> None:
        with Cassette(path), suppress(xdrkit.ConnectError):
            face = players.fresh()
            face("hunt", first)
            face("hunt", second)

    nearest = r"nothing was recorded for POST .*take 2.*nearest of what is left: POST .*DeviceInfo [|] take 1"
    with pytest.raises(xdrkit.CassetteError, match=nearest):
        twice("DeviceInfo | take 2", "DeviceInfo | take 1")
    with pytest.raises(xdrkit.CassetteError, match="everything on it was asked for already"):
        twice("DeviceInfo | take 1", "DeviceInfo | take 1")


def test_new_requests_are_added(players: Player, sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with Cassette(path, record="new"):
        players()("hunt", "DeviceInfo | count")
    with Cassette(path, record="new") as tape:
        face = players()
        before = len(sb.requests)
        face("hunt", "DeviceInfo | count")
        assert not [r for r in sb.requests[before:] if r["operation"]]
        face("hunt", "AlertInfo | count")
        assert len(tape.requests) == 2
    with Cassette(path) as tape:
        face = players.fresh()
        assert face("hunt", "AlertInfo | count").rows != []
        assert face("hunt", "DeviceInfo | count").rows != []
        tape.assert_all_played()


def test_a_window_that_moved_on_with_time_is_found_and_another_is_not(players: Player, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with Cassette(path, record="once"):
        whole = players()("hunt", "DeviceLogonEvents | count", since="4d", split="1d", merge="append")
    with Cassette(path) as tape:
        again = players.fresh()("hunt", "DeviceLogonEvents | count", since="4d", split="1d", merge="append")
        tape.assert_all_played()
    assert again.rows == whole.rows
    with pytest.raises(xdrkit.ConnectError, match="nothing was recorded"), Cassette(path):
        players.fresh()("hunt", "DeviceLogonEvents | count", since="9d", until="5d", split="1d", merge="append")


def test_literal_names_in_a_playbook_are_found_under_their_stand_ins(
    players: Player, sb: xdrkit.Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "c.jsonl"
    with sb.client() as client:
        name = client.machines.list().collect()[0]["computerDnsName"]
    query = f"DeviceInfo | where DeviceName == '{name}' | project DeviceName | take 1"
    with Cassette(path, record="once"):
        players()("hunt", query)
    assert name not in path.read_text(encoding="utf-8")
    with Cassette(path):
        assert players.fresh()("hunt", query).rows[0]["DeviceName"].startswith("host-")


def test_an_export_s_files_are_recorded_whole(players: Player, sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    def export(face: Face, to: Path) -> list[Any]:
        face("exports.download", "software_inventory", to=to, format="ndjson")
        files = sorted(to.rglob("*.ndjson"))
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    path = tmp_path / "c.jsonl"
    with Cassette(path, record="once"):
        first = export(players(), tmp_path / "one")
    text = path.read_text(encoding="utf-8")
    assert "sig=" not in text.replace(f"sig={REMOVED}", "")
    with Cassette(path) as tape:
        again = export(players.fresh(), tmp_path / "two")
        tape.assert_all_played()
    assert len(again) == len(first) > 0
    assert [row["softwareName"] for row in again] == [row["softwareName"] for row in first]
    assert all(row["deviceName"].startswith("host-") for row in again)


def test_refusals_are_recorded_as_well(sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with Cassette(path, record="all"), sb.client() as client:
        client.hunt("DeviceInfo | count")
        with pytest.raises(xdrkit.QueryError):
            client.hunt("DeviceInfo | no")
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such cassette"),
        ("", "no cassette"),
        ("{}\n", "version None"),
        ('{"xdrkit_cassette": 1, "key": "00"}\n{}\n', "at"),
    ],
)
def test_what_is_no_cassette_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "c.jsonl"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(xdrkit.CassetteError, match=message), Cassette(path):
        pass
    with pytest.raises(xdrkit.InvalidArgumentError, match="record"):
        Cassette(path, record="sometimes")  # type: ignore[arg-type]


def test_names_are_replaced_alike_wherever_they_stand() -> None:
    redactor = Redactor(b"key", also=["Project Falcon"])
    row = redactor.value(
        {
            "DeviceName": "pc-7.corp.contoso.com",
            "AccountName": "a.smith",
            "AccountUpn": "a.smith@contoso.com",
            "AccountSid": "S-1-5-21-1111111111-222222222-333333333-1105",
            "ProcessCommandLine": r"C:\Users\a.smith\x.exe --host PC-7 --note 'project falcon' pc-77",
            "AdditionalFields": '{"HostName":"pc-7","password":"x"}',
            "client_secret": "abc",
            "url": "https://a.blob.core.windows.net/x?sv=1&sig=abc%3D&se=2",
            "TenantId": "11111111-2222-3333-4444-555555555555",
        }
    )
    host, user = redactor.stand_in("host", "pc-7"), redactor.stand_in("user", "a.smith")
    assert row["DeviceName"].startswith(f"{host}.domain-")
    assert row["AccountName"] == user
    assert row["AccountUpn"].startswith(f"{user}@domain-")
    assert row["AccountSid"].startswith("S-1-5-21-")
    assert "1111111111" not in row["AccountSid"]
    stand_in = redactor.stand_in("text", "Project Falcon")
    assert row["ProcessCommandLine"] == rf"C:\Users\{user}\x.exe --host {host} --note '{stand_in}' pc-77"
    assert json.loads(row["AdditionalFields"])["HostName"] == host
    assert row["client_secret"] == REMOVED
    assert row["url"].endswith(f"&sig={REMOVED}&se=2")
    assert redactor.value({"displayName": "Suspicious sign-in"}) == {"displayName": "Suspicious sign-in"}
    assert redactor.value({"displayName": "A. Smith", "accountUpn": "a.smith@contoso.com"})["displayName"] != "A. Smith"
    assert row["TenantId"] != "11111111-2222-3333-4444-555555555555"
    assert Redactor(b"key").value({"DeviceName": "PC-7"})["DeviceName"] == host
    assert Redactor(b"other").value({"DeviceName": "PC-7"})["DeviceName"] != host


def test_packed_lines_are_redacted_inside() -> None:
    redactor = Redactor(b"key")
    body = gzip.compress(b'{"DeviceName":"pc-7","n":1.50}\n{"DeviceName":"pc-8","n":2}\n')
    text = gzip.decompress(redacted(redactor, body)).decode()
    assert "pc-" not in text
    assert [json.loads(line)["n"] for line in text.splitlines()] == [1.5, 2]
