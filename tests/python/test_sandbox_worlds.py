"""Worlds: by name, by file, recorded; each deterministic, and refused where they make no sense."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import InvalidArgumentError, sandbox

NOW = "2026-11-20T09:30:00Z"


def count(client: xdrkit.Client, query: str) -> int:
    rows = client.hunt(f"{query} | count").rows
    number: int = rows[0]["Count"]
    return number


def test_more_machines_and_fewer_days() -> None:
    with sandbox(now=NOW, machines=60, days=7) as sb, sb.client() as client:
        machines = list(client.machines.list())
        assert len(machines) == 60
        busy = client.hunt("DeviceProcessEvents | summarize dcount(DeviceId)").rows[0]
        # One of the story's own has been silent for longer.
        assert next(iter(busy.values())) == 59
        assert count(client, "DeviceInfo | where Timestamp < ago(20d)") == 0
        assert len(list(client.incidents.list())) == 12


def test_an_empty_tenant_has_its_app_its_analyst_and_nothing_else() -> None:
    with sandbox(now=NOW, world="empty") as sb, sb.client() as client, sandbox(now=NOW) as full:
        assert sb.identity == full.identity
        assert list(client.machines.list()) == []
        assert list(client.alerts.list()) == []
        assert list(client.incidents.list()) == []
        assert list(client.indicators.list()) == []
        assert list(client.software.list()) == []
        result = client.hunt("DeviceProcessEvents | project Timestamp, DeviceName")
        assert result.rows == []
        assert [name for name, _ in result.schema] == ["Timestamp", "DeviceName"]
        with sb.user_client() as user:
            assert list(user.machines.list()) == []


def test_a_large_tenant_hides_the_intrusion_in_a_million_rows() -> None:
    with sandbox(now=NOW, world="large", machines=400) as sb, sb.client() as client:
        tables = [
            f"Device{kind}Events" for kind in ("Process", "Network", "File", "Registry", "ImageLoad", "Logon", "")
        ]
        assert sum(count(client, table) for table in [*tables, "EmailEvents"]) == 1_000_000
        found = client.hunt(
            "DeviceProcessEvents | where ProcessCommandLine has 'vssadmin' | project DeviceName, FileName"
        )
        assert any(row["DeviceName"].startswith("lark-bkp-01") for row in found)
        assert len(client.hunt("DeviceNetworkEvents | take 10")) == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"machines": 39}, "machines: 39 is not allowed; it is 40 to 2000"),
        ({"world": "empty", "machines": 3}, "machines: an empty world has none"),
        ({"days": 31}, "days: 31 is not allowed; it is 1 to 30"),
        ({"world": "larg"}, 'Did you mean "?large"?'),
        ({"engine": "kusto"}, "engine: .kusto. is not allowed"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        sandbox(**options)


@pytest.mark.parametrize("name", ["world.json", "world.json.gz"])
def test_a_world_goes_into_a_file_and_comes_back(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    queries = [
        "DeviceProcessEvents",
        "DeviceInfo",
        "AlertEvidence",
        "EmailEvents | where ThreatTypes == 'Phish'",
        "DeviceProcessEvents | where ProcessCommandLine has 'vssadmin' and Timestamp > ago(2d)",
    ]
    with sandbox(now=NOW, seed=5) as sb, sb.client() as client:
        sb.add_rows("Case_CL", [{"Timestamp": NOW, "Score": 7}], columns={"Timestamp": "datetime", "Score": "long"})
        sb.dump(file)
        before = [count(client, query) for query in queries]
        machines, alerts = list(client.machines.list()), list(client.alerts.list())
        story = client.hunt(queries[-1]).rows
    data = file.read_bytes()
    text = gzip.decompress(data) if name.endswith("gz") else data
    assert json.loads(text)["format"] == "xdrkit-world"
    # A month later, its present is the sandbox's again.
    with sandbox(now="2026-12-20T09:30:00Z", world=file) as sb, sb.client() as client:
        assert [count(client, query) for query in queries] == before
        assert [m["id"] for m in list(client.machines.list())] == [m["id"] for m in machines]
        assert [m["machineTags"] for m in list(client.machines.list())] == [m["machineTags"] for m in machines]
        again = list(client.alerts.list())
        assert [(a["id"], a["title"], a["severity"], a["status"]) for a in again] == [
            (a["id"], a["title"], a["severity"], a["status"]) for a in alerts
        ]
        assert count(client, "Case_CL | where Score == 7") == 1
        moved = client.hunt(queries[-1]).rows
        assert [r["ProcessCommandLine"] for r in moved] == [r["ProcessCommandLine"] for r in story]
        assert moved[0]["Timestamp"][:10] == "2026-12-19" or moved[0]["Timestamp"][:7] == "2026-12"
        # What comes later goes with a reset; the file's world stays.
        sb.add_machines([{"computerDnsName": "late.example"}])
        sb.reset()
        assert len(list(client.machines.list())) == len(machines)


def test_a_world_is_loaded_into_a_running_sandbox(tmp_path: Path) -> None:
    file = tmp_path / "small.json"
    world = {
        "format": "xdrkit-world",
        "version": 1,
        "now": "2020-01-01T00:00:00Z",
        "machines": [{"computerDnsName": "pc.example", "lastSeen": "2019-12-31T23:00:00Z", "machineTags": ["A"]}],
        "alerts": [{"title": "Odd", "machineId": "pc.example", "alertCreationTime": "2019-12-31T22:00:00Z"}],
        "tables": {"DeviceEvents": {"rows": [{"Timestamp": "2019-12-31T21:00:00Z", "ActionType": "Seen"}]}},
    }
    file.write_text(json.dumps(world))
    with sandbox(now=NOW) as sb, sb.client() as client:
        sb.load(file)
        (machine,) = list(client.machines.list())
        assert (machine["computerDnsName"], machine["machineTags"]) == ("pc.example", ["A"])
        assert str(machine["lastSeen"]).startswith("2026-11-20T08:30:0")
        (alert,) = list(client.alerts.list())
        assert alert["title"] == "Odd"
        (row,) = client.hunt("DeviceEvents | project Timestamp, ActionType").rows
        assert (row["Timestamp"][:18], row["ActionType"]) == ("2026-11-20T06:30:0", "Seen")
        assert count(client, "DeviceInfo") == 1
        sb.reset()
        assert len(list(client.machines.list())) == 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "x"}, "world: is no xdrkit-world document"),
        ({"version": 2}, 'world: its "version" is not 1'),
        ({"machine": []}, 'world: no part "machine". Did you mean "machines"?'),
        ({"machines": [{"osplatform": "x"}]}, 'no property "osplatform". Did you mean "osPlatform"?'),
        ({"tables": {"Nope": {"rows": []}}}, "the schema has no such table"),
    ],
)
def test_a_document_that_is_wrong_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    file = tmp_path / "w.json"
    file.write_text(json.dumps({"format": "xdrkit-world", "version": 1, "now": NOW, **change}))
    with pytest.raises(InvalidArgumentError) as refused:
        sandbox(now=NOW, world=file)
    assert message in str(refused.value)
    with pytest.raises(InvalidArgumentError, match=r"machines: a world of a file has its own"):
        sandbox(world=file, machines=50)


def test_a_tenant_is_recorded_without_its_names(tmp_path: Path) -> None:
    file = tmp_path / "recorded.json"
    tables = ["DeviceLogonEvents", "DeviceInfo", "AlertEvidence"]
    pivots = [
        "DeviceLogonEvents | summarize dcount(DeviceName), dcount(AccountName), dcount(AccountSid)",
        "DeviceLogonEvents | join kind=leftsemi DeviceInfo on DeviceName | summarize dcount(DeviceId)",
        "AlertEvidence | summarize dcount(RemoteIP)",
    ]
    with sandbox(seed=2) as sb, sb.client() as client:
        counts = xdrkit.record_world(client, file, tables=tables, since="30d", limit=30_000)
        before = [count(client, table) for table in tables]
        facts = [list(client.hunt(query).rows[0].values()) for query in pivots]
        people = [row["AccountUpn"] for row in client.hunt("IdentityInfo | project AccountUpn").rows]
        hosts = [str(m["computerDnsName"]) for m in client.machines.list()]
    assert counts["cut"] == 0
    text = file.read_text(encoding="utf-8").lower()
    names = [
        *hosts,
        *(host.split(".")[0] for host in hosts),
        *people,
        "larkmoor.example",
        "198.51.100.77",
        "s-1-5-21-1",
    ]
    assert [name for name in names[:-1] if name in text] == []
    with sandbox(world=file) as sb, sb.client() as client:
        assert [count(client, table) for table in tables] == before
        assert [list(client.hunt(query).rows[0].values()) for query in pivots] == facts
        assert len(list(client.machines.list())) == 40
    with pytest.raises(InvalidArgumentError, match="tables: takes a list"):
        xdrkit.record_world(client, file, tables="DeviceInfo")
