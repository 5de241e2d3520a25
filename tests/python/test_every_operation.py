"""Every operation once against the sandbox, from both clients: it answers what its type says, and what it changes shows.

A round is written once. `api("machines.get", …)` calls the method of either client and reads a list to its end; it also sees to it that
the answer has no key that the declaration does not know, and that the sandbox took the request for the operation that was meant.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import xdrkit
from xdrkit import _core

DECLARED = {op["id"]: op for op in xdrkit.operations()}
TYPES: dict[str, dict[str, Any]] = {entity["name"]: entity for entity in _core.types()["entities"]}
# Keys that the service spells otherwise in one place (quirk 8).
VARIANTS = {"MachineAction": {"lastupdatetimeutc"}}
# Two operations with one path and one answer: the sandbox cannot tell them apart.
TWINS = {"exports.information_gathering_files": "av_health.export_files"}

ROUNDS: dict[str, Callable[[Api], Any]] = {}


class Api:
    """Both clients' methods by the ids of their operations."""

    def __init__(self, sb: xdrkit.Sandbox, loop: asyncio.AbstractEventLoop, kind: str) -> None:
        self.sb = sb
        self.loop = loop
        self.kind = kind
        sync = kind == "sync"
        self.app: Any = sb.client() if sync else sb.async_client()
        self.user: Any = sb.user_client() if sync else sb.async_user_client()
        # The operations that a round has called with success.
        self.passed: dict[Callable[[Api], Any], set[str]] = {}

    def __call__(self, id: str, /, *args: Any, as_user: bool = False, **kwargs: Any) -> Any:
        client = self.user if as_user else self.app
        for name in id.split("."):
            client = getattr(client, name)

        async def main() -> Any:
            answer = client(*args, **kwargs)
            if hasattr(answer, "collect"):
                answer = answer.collect()
            return await answer if inspect.isawaitable(answer) else answer

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", xdrkit.errors.LegacyHuntingWarning)
            answer = self.loop.run_until_complete(main())
        self.check(id, answer)
        return answer

    def check(self, id: str, answer: Any) -> None:
        mine = [record for record in self.sb.requests if record["operation"] == TWINS.get(id, id)]
        assert mine, f"{id} was taken for {[r['operation'] for r in self.sb.requests]}"
        assert all(200 <= record["status"] < 300 for record in mine)
        kind, ty = DECLARED[id]["returns"]["kind"], DECLARED[id]["returns"]["type"]
        if kind == "many":
            assert type(answer) is list
            for item in answer:
                known(ty, item)
        elif kind == "one":
            assert type(answer) is dict
            known(ty, answer)
        elif kind == "nothing":
            assert answer is None
        elif kind == "number":
            assert type(answer) is int
        elif kind == "text":
            assert type(answer) is str

    def first(self, id: str, /, *args: Any, **kwargs: Any) -> Any:
        """The first item of a list that must not be empty."""
        items = self(id, *args, **kwargs)
        assert items, f"{id} is empty"
        return items[0]

    # What most rounds begin with.

    def machine(self) -> dict[str, Any]:
        """An onboarded Windows machine with alerts."""
        machines = self("machines.list", filter="osPlatform eq 'Windows11' and healthStatus eq 'Active'")
        return next(m for m in machines if m["riskScore"] == "High")

    def alert(self) -> dict[str, Any]:
        """An Endpoint alert of a machine, with files, addresses and a user for its evidence."""
        alerts = self("alerts.list", expand="evidence")

        def richness(alert: dict[str, Any]) -> int:
            return len({piece["entityType"] for piece in alert["evidence"]})

        best: dict[str, Any] = max((a for a in alerts if a["machineId"] and a["relatedUser"]), key=richness)
        return best

    def done(self, action: dict[str, Any]) -> dict[str, Any]:
        """An action when it has ended well."""
        self.sb.advance(120)
        ended: dict[str, Any] = self("machine_actions.get", action["id"])
        assert ended["status"] == "Succeeded", ended
        return ended


def properties(entity: dict[str, Any]) -> dict[str, str]:
    base = TYPES.get(entity["base"] or "")
    return {**(properties(base) if base else {}), **{p["name"].lower(): p["type"] for p in entity["properties"]}}


def known(ty: str, value: Any, where: str = "") -> None:
    """No key that the declaration does not know, all the way down. The case of keys varies in the services."""
    entity = TYPES.get(ty)
    if entity is None or not isinstance(value, dict) or not (entity["properties"] or entity["base"]):
        return
    keys = properties(entity)
    for key, inner in value.items():
        if "@odata." in key or key.lower() in VARIANTS.get(ty, ()):
            continue
        if value.get("@odata.type") and key.lower() not in keys:
            continue  # a type that stands behind the declared one
        assert key.lower() in keys, f"{ty}{where} has no {key!r}"
        inner_ty = keys[key.lower()]
        items = inner if isinstance(inner, list) else [inner]
        for item in items:
            known(
                inner_ty[len("Collection(") : -1] if inner_ty.startswith("Collection(") else inner_ty, item, f".{key}"
            )


@pytest.fixture(scope="module")
def house() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox() as sb:
        yield sb


@pytest.fixture(scope="module", params=["sync", "async"])
def face(request: pytest.FixtureRequest, house: xdrkit.Sandbox) -> Iterator[Api]:
    loop = asyncio.new_event_loop()
    made = Api(house, loop, request.param)
    yield made
    for client in (made.app, made.user):
        if made.kind == "sync":
            client.close()
        else:
            loop.run_until_complete(client.aclose())
    loop.close()


@pytest.fixture
def api(face: Api) -> Api:
    face.sb.reset()
    return face


Round = Callable[[Api], Any]


def covers(*ids: str) -> Callable[[Round], Round]:
    def register(round: Round) -> Round:
        for id in ids:
            assert id not in ROUNDS
            ROUNDS[id] = round
        return round

    return register


def unique(items: list[Any], key: str = "id") -> bool:
    return len({item[key] for item in items}) == len(items) > 0


def fetch(api: Api, url: str) -> bytes:
    """What a link leads to, without a token."""
    assert "authorization" not in url.lower()
    with urllib.request.urlopen(url, timeout=10) as answer:
        content: bytes = answer.read()
    return content


# Hunting


@covers("graph.hunting.run")
def _(api: Api) -> None:
    rows = api("graph.hunting.run", query="DeviceInfo | distinct DeviceId", timespan="P30D")
    assert len(rows) == len({row["DeviceId"] for row in rows}) > 10


@covers("hunting.run_xdr", "hunting.run_endpoint")
def _(api: Api) -> None:
    counts = [
        [row["n"] for row in api(id, query="DeviceInfo | summarize n = dcount(DeviceId)")]
        for id in ("hunting.run_xdr", "hunting.run_endpoint")
    ]
    assert counts[0] == counts[1]
    assert counts[0][0] > 10


@covers("hunting.run_endpoint_get")
def _(api: Api) -> None:
    answer = api("hunting.run_endpoint_get", query="DeviceInfo | take 2 | project DeviceId")
    rows = answer["Results"] if isinstance(answer, dict) else list(answer)
    assert len(rows) == 2
    assert set(rows[0]) == {"DeviceId"}


@covers("graph.hunting.schema")
def _(api: Api) -> None:
    schema = api("graph.hunting.schema", as_user=True)
    tables = {table["name"]: table for table in schema["tables"]}
    assert {"DeviceInfo", "EmailEvents"} <= set(tables)
    assert "DeviceId" in {column["name"] for column in tables["DeviceInfo"]["columns"]}


# Incidents


@covers("incidents.list", "incidents.get")
def _(api: Api) -> None:
    incidents = api("incidents.list")
    assert unique(incidents, "incidentId")
    active = api("incidents.list", filter="status eq 'Active'")
    assert {i["incidentId"] for i in active} == {i["incidentId"] for i in incidents if i["status"] == "Active"}
    got = api("incidents.get", incidents[0]["incidentId"])
    assert got["incidentName"] == incidents[0]["incidentName"]
    assert got["alerts"]


@covers("incidents.update")
def _(api: Api) -> None:
    id = api.first("incidents.list")["incidentId"]
    api(
        "incidents.update",
        id,
        status="Resolved",
        assigned_to="soc@larkmoor.example",
        classification="TruePositive",
        determination="Malware",
        tags=["case-42"],
        comment="done",
    )
    now = api("incidents.get", id)
    assert (now["status"], now["assignedTo"], now["tags"]) == ("Resolved", "soc@larkmoor.example", ["case-42"])
    assert (now["classification"], now["determination"]) == ("TruePositive", "Malware")
    assert "done" in str(now["comments"])


@covers("endpoint_incidents.list", "endpoint_incidents.get")
def _(api: Api) -> None:
    incidents = api("endpoint_incidents.list")
    assert unique(incidents, "incidentId")
    got = api("endpoint_incidents.get", incidents[0]["incidentId"])
    assert got["incidentName"] == incidents[0]["incidentName"]


# Alerts


@covers("alerts.list", "alerts.get")
def _(api: Api) -> None:
    alerts = api("alerts.list")
    assert unique(alerts)
    high = api("alerts.list", filter="severity eq 'High'")
    assert {a["id"] for a in high} == {a["id"] for a in alerts if a["severity"] == "High"}
    assert [a["id"] for a in api("alerts.list", top=2, skip=1)] == [a["id"] for a in alerts[1:3]]
    assert any(a["evidence"] for a in api("alerts.list", expand="evidence"))
    assert api("alerts.get", alerts[0]["id"])["title"] == alerts[0]["title"]


@covers("alerts.update")
def _(api: Api) -> None:
    id = api.first("alerts.list", filter="status eq 'New'")["id"]
    changed = api(
        "alerts.update",
        id,
        status="InProgress",
        assigned_to="soc@larkmoor.example",
        comment="mine",
        classification="TruePositive",
    )
    assert (changed["status"], changed["assignedTo"]) == ("InProgress", "soc@larkmoor.example")
    now = api("alerts.get", id)
    assert (now["status"], now["classification"]) == ("InProgress", "TruePositive")
    assert "mine" in [c["comment"] for c in now["comments"]]


@covers("alerts.update_many")
def _(api: Api) -> None:
    ids = [a["id"] for a in api("alerts.list", filter="status eq 'New'")][:2]
    assert len(ids) == 2
    api("alerts.update_many", ids=ids, status="Resolved", comment="all of them")
    assert {api("alerts.get", id)["status"] for id in ids} == {"Resolved"}


@covers("alerts.create")
def _(api: Api) -> None:
    (event,) = api(
        "graph.hunting.run", query="DeviceProcessEvents | take 1 | project DeviceId, ReportId, T = tostring(Timestamp)"
    )
    said = {
        "machine_id": event["DeviceId"],
        "report_id": str(event["ReportId"]),
        "event_time": event["T"],
        "title": "Made by hand",
        "description": "d",
        "recommended_action": "r",
        "severity": "Low",
        "category": "Malware",
    }
    made = api("alerts.create", **said)
    assert (made["title"], made["severity"], made["machineId"]) == ("Made by hand", "Low", event["DeviceId"])
    assert made["id"] in [a["id"] for a in api("alerts.list")]
    # An open alert of the same title on the same machine takes it in.
    assert api("alerts.create", **said)["id"] == made["id"]


@covers("alerts.domains", "alerts.files", "alerts.ips")
def _(api: Api) -> None:
    alerts = [a["id"] for a in api("alerts.list")]
    for id, key in (("alerts.domains", "host"), ("alerts.files", "sha1"), ("alerts.ips", "id")):
        found = [item for alert in alerts for item in api(id, alert)]
        assert found, id
        assert all(item[key] for item in found)


@covers("alerts.machine")
def _(api: Api) -> None:
    alert = api.alert()
    assert api("alerts.machine", alert["id"])["id"] == alert["machineId"]


@covers("alerts.user")
def _(api: Api) -> None:
    alert = api.alert()
    user = api("alerts.user", alert["id"])
    assert user["accountName"].lower() == alert["relatedUser"]["userName"].lower()


# Machines


@covers("machines.list", "machines.get")
def _(api: Api) -> None:
    machines = api("machines.list")
    assert unique(machines)
    high = api("machines.list", filter="riskScore eq 'High'")
    assert {m["id"] for m in high} == {m["id"] for m in machines if m["riskScore"] == "High"}
    by_name = api("machines.get", machines[0]["computerDnsName"])
    assert by_name == api("machines.get", machines[0]["id"])
    assert by_name["id"] == machines[0]["id"]


@covers("machines.add_tag", "machines.remove_tag")
def _(api: Api) -> None:
    id = api.machine()["id"]
    assert "case-42" in api("machines.add_tag", id, tag="case-42")["machineTags"]
    assert "case-42" in api("machines.get", id)["machineTags"]
    assert "case-42" not in api("machines.remove_tag", id, tag="case-42")["machineTags"]
    assert "case-42" not in api("machines.get", id)["machineTags"]


@covers("machines.add_tag_to_many", "machines.remove_tag_from_many", "machines.find_by_tag")
def _(api: Api) -> None:
    ids = {m["id"] for m in api("machines.list", top=3)}
    assert {m["id"] for m in api("machines.add_tag_to_many", tag="case-42", ids=sorted(ids))} == ids
    assert {m["id"] for m in api("machines.find_by_tag", tag="case-42")} == ids
    assert api("machines.find_by_tag", tag="case-") == []
    assert {m["id"] for m in api("machines.find_by_tag", tag="case-", starts_with=True)} == ids
    api("machines.remove_tag_from_many", tag="case-42", ids=sorted(ids))
    assert api("machines.find_by_tag", tag="case-42") == []


@covers("machines.logon_users")
def _(api: Api) -> None:
    users = api("machines.logon_users", api.machine()["id"])
    assert unique(users)
    assert all(user["accountName"] for user in users)


@covers("machines.alerts", "machines.count_alerts")
def _(api: Api) -> None:
    id = api.machine()["id"]
    alerts = api("machines.alerts", id)
    assert {a["machineId"] for a in alerts} == {id}
    assert api("machines.count_alerts", id) == len(alerts) > 0
    api("alerts.update", alerts[0]["id"], status="Resolved")
    open_ones = api("machines.alerts", id, filter="status ne 'Resolved'")
    assert alerts[0]["id"] not in [a["id"] for a in open_ones]
    assert api("machines.count_alerts", id, filter="status ne 'Resolved'") == len(open_ones)


@covers("machines.software", "machines.recommendations", "machines.missing_kbs")
def _(api: Api) -> None:
    machines = [m["id"] for m in api("machines.list", filter="osPlatform eq 'Windows11'", top=5)]
    software = api("machines.software", machines[0])
    assert unique(software)
    assert {s["id"] for s in software} <= {s["id"] for s in api("software.list")}
    recommended = [r for m in machines for r in api("machines.recommendations", m)]
    assert {r["id"] for r in recommended} <= {r["id"] for r in api("recommendations.list")}
    assert recommended
    assert any(api("machines.missing_kbs", m) for m in machines)


@covers("machines.vulnerabilities")
def _(api: Api) -> None:
    machines = api("machines.list", filter="osPlatform eq 'Windows11'")
    found = {v["id"]: m["id"] for m in machines for v in api("machines.vulnerabilities", m["id"])}
    cve, machine = next(iter(found.items()))
    assert machine in [m["id"] for m in api("vulnerabilities.machines", cve)]


@covers("machines.find_by_ip", "machines.find_by_internal_ip")
def _(api: Api) -> None:
    machine = api.machine()
    for id in ("machines.find_by_ip", "machines.find_by_internal_ip"):
        found = api(id, machine["lastIpAddress"], machine["lastSeen"])
        assert machine["id"] in [m["id"] for m in found]
        assert api(id, "10.99.99.99", machine["lastSeen"]) == []


@covers("machines.set_value", "machines.update")
def _(api: Api) -> None:
    machine = api.machine()
    other = "High" if machine["deviceValue"] != "High" else "Low"
    assert api("machines.set_value", machine["id"], value=other)["deviceValue"] == other
    api("machines.update", machine["id"], tags=["one", "two"], value="Normal")
    api("machines.update", machine["id"], tags=["two"])
    now = api("machines.get", machine["id"])
    assert (now["machineTags"], now["deviceValue"]) == (["two"], "Normal")


@covers("machines.untagged", "machines.dlp")
def _(api: Api) -> None:
    untagged = api("machines.untagged")
    assert unique(untagged)
    assert not any(m["machineTags"] for m in untagged)
    api("machines.add_tag", untagged[0]["id"], tag="t")
    assert untagged[0]["id"] not in [m["id"] for m in api("machines.untagged")]
    assert unique(api("machines.dlp"))


@covers("machines.firmware")
def _(api: Api) -> None:
    firmware = api("machines.firmware", api.machine()["id"])
    assert firmware
    assert all(f["name"] for f in firmware)


@covers("machines.set_exclusion")
def _(api: Api) -> None:
    id = api.machine()["id"]
    assert api("machines.set_exclusion", id, excluded=True, reason="DuplicateDevice")["isExcluded"] is True
    assert api("machines.get", id)["exclusionReason"] == "DuplicateDevice"
    assert api("machines.set_exclusion", id, excluded=False)["isExcluded"] is False


# Machine actions


def acted(api: Api, id: str, kind: str, **more: Any) -> dict[str, Any]:
    """An action that was asked for, seen in the list and waited for."""
    machine = api.machine()["id"]
    action: dict[str, Any] = api(id, machine, comment="case 42", external_id="ticket-7", **more)
    assert (action["type"], action["machineId"], action["requestorComment"]) == (kind, machine, "case 42")
    assert (action["status"], action["externalId"]) == ("Pending", "ticket-7")
    assert action["id"] in [a["id"] for a in api("machine_actions.list", filter=f"machineId eq '{machine}'")]
    return api.done(action)


@covers("machines.isolate", "machines.unisolate", "machines.available_actions")
def _(api: Api) -> None:
    def can(machine: str) -> dict[str, bool]:
        return {a["action"]: a["isAvailable"] for a in api("machines.available_actions", machine)}

    machine = api.machine()["id"]
    assert can(machine)["FullIsolation"] is True
    assert acted(api, "machines.isolate", "Isolate", isolation_type="Full")["scope"] == "Full"
    assert can(machine)["FullIsolation"] is False
    assert can(machine)["Unisolation"] is True
    acted(api, "machines.unisolate", "Unisolate")
    assert can(machine)["Unisolation"] is False


@covers("machines.restrict", "machines.unrestrict")
def _(api: Api) -> None:
    acted(api, "machines.restrict", "RestrictCodeExecution")
    acted(api, "machines.unrestrict", "UnrestrictCodeExecution")


@covers("machines.scan")
def _(api: Api) -> None:
    assert acted(api, "machines.scan", "RunAntiVirusScan", scan_type="Quick")["scope"] == "Quick"


@covers("machines.offboard")
def _(api: Api) -> None:
    acted(api, "machines.offboard", "Offboard")
    offboarded = api("machines.list", filter="onboardingStatus ne 'Onboarded'")
    machine = next(r for r in api("machine_actions.list") if r["type"] == "Offboard")["machineId"]
    assert machine in [m["id"] for m in offboarded]


@covers("machines.quarantine_file")
def _(api: Api) -> None:
    machine = api.machine()["id"]
    query = f"DeviceProcessEvents | where DeviceId == '{machine}' and isnotempty(SHA1) | take 1 | project SHA1"
    (row,) = api("graph.hunting.run", query=query)
    done = acted(api, "machines.quarantine_file", "StopAndQuarantineFile", sha1=row["SHA1"])
    assert done["relatedFileInfo"]["fileIdentifier"].lower() == row["SHA1"].lower()


@covers("machines.collect_package", "machine_actions.package_uri")
def _(api: Api) -> None:
    done = acted(api, "machines.collect_package", "CollectInvestigationPackage")
    url = api("machine_actions.package_uri", done["id"])
    assert url.startswith("http")
    assert fetch(api, url).startswith(b"PK")


@covers("machines.collect_logs", "machine_actions.logs_uri")
def _(api: Api) -> None:
    done = acted(api, "machines.collect_logs", "LogsCollection")
    assert fetch(api, api("machine_actions.logs_uri", done["id"])).startswith(b"PK")


@covers("machines.actions", "machines.latest_actions", "machine_actions.list", "machine_actions.get")
def _(api: Api) -> None:
    acted(api, "machines.scan", "RunAntiVirusScan", scan_type="Quick")
    last = acted(api, "machines.scan", "RunAntiVirusScan", scan_type="Full")
    machine = last["machineId"]
    assert [a["type"] for a in api("machines.actions", machine)].count("RunAntiVirusScan") == 2
    assert [a["id"] for a in api("machines.latest_actions", machine) if a["type"] == "RunAntiVirusScan"] == [last["id"]]
    assert unique(api("machine_actions.list"))
    assert api("machine_actions.get", last["id"])["scope"] == "Full"


@covers("machine_actions.cancel")
def _(api: Api) -> None:
    action = api("machines.scan", api.machine()["id"], comment="c", scan_type="Quick")
    assert api("machine_actions.cancel", action["id"], comment="a mistake")["status"] == "Cancelled"
    now = api("machine_actions.get", action["id"])
    assert (now["status"], now["cancellationComment"]) == ("Cancelled", "a mistake")


# Live response


@covers("live_response.start", "live_response.result_link")
def _(api: Api) -> None:
    script = api.first("library.list")["fileName"]
    commands = [
        {"type": "RunScript", "params": [{"key": "ScriptName", "value": script}]},
        {"type": "GetFile", "params": [{"key": "Path", "value": "C:\\Windows\\notepad.exe"}]},
    ]
    action = api("live_response.start", api.machine()["id"], comment="c", commands=commands)
    done = api.done(action)
    assert [c["commandStatus"] for c in done["commands"]] == ["Completed", "Completed"]
    transcript = fetch(api, api("live_response.result_link", action["id"], 0))
    assert script.encode() in transcript
    assert fetch(api, api("live_response.result_link", action["id"], 1))


@covers("library.list", "library.upload", "library.delete")
def _(api: Api) -> None:
    before = {f["fileName"] for f in api("library.list")}
    assert before
    made = api("library.upload", b"Write-Host 1", name="Round trip.ps1", description="d", override=True)
    assert (made["fileName"], made["description"]) == ("Round trip.ps1", "d")
    assert {f["fileName"] for f in api("library.list")} == before | {"Round trip.ps1"}
    api("library.delete", "Round trip.ps1")
    assert {f["fileName"] for f in api("library.list")} == before


# Investigations


@covers("investigations.list", "investigations.get")
def _(api: Api) -> None:
    investigations = api("investigations.list")
    assert unique(investigations)
    assert api("investigations.get", investigations[0]["id"])["machineId"] == investigations[0]["machineId"]


@covers("investigations.start")
def _(api: Api) -> None:
    machine = api.machine()["id"]
    started = api("investigations.start", machine, comment="c")
    assert started["machineId"] == machine
    assert started["id"] in [i["id"] for i in api("investigations.list", filter=f"machineId eq '{machine}'")]


# Indicators


INDICATOR = {"action": "Block", "title": "t", "description": "d", "severity": "High"}


@covers("indicators.list", "indicators.upsert", "indicators.get", "indicators.delete")
def _(api: Api) -> None:
    before = api("indicators.list")
    assert unique(before)
    made = api("indicators.upsert", value="evil.example", type="DomainName", **INDICATOR)
    assert (made["indicatorValue"], made["action"]) == ("evil.example", "Block")
    again = api("indicators.upsert", value="evil.example", type="DomainName", **{**INDICATOR, "title": "new"})
    assert again["id"] == made["id"]
    assert api("indicators.get", made["id"])["title"] == "new"
    assert len(api("indicators.list")) == len(before) + 1
    api("indicators.delete", made["id"])
    assert len(api("indicators.list")) == len(before)


@covers("indicators.import_batch", "indicators.update_batch", "indicators.delete_batch")
def _(api: Api) -> None:
    before = {i["id"] for i in api("indicators.list")}
    items = [
        {**INDICATOR, "indicatorValue": value, "indicatorType": "IpAddress"}
        for value in ("198.51.100.7", "198.51.100.8")
    ]
    outcomes = api("indicators.import_batch", indicators=items)
    assert [o["isFailed"] for o in outcomes] == [False, False]
    ids = [i["id"] for i in api("indicators.list") if i["id"] not in before]
    assert len(ids) == 2
    changed = api("indicators.update_batch", indicators=[{"id": ids[0], "title": "changed"}])
    assert [c["title"] for c in changed] == ["changed"]
    api("indicators.delete_batch", ids=ids)
    assert {i["id"] for i in api("indicators.list")} == before


# Domains, files, addresses, users


@covers("domains.alerts", "domains.machines", "domains.stats")
def _(api: Api) -> None:
    hosts = [(d["host"], a["id"]) for a in api("alerts.list") for d in api("alerts.domains", a["id"])]
    assert hosts
    host, alert = hosts[0]
    assert alert in [a["id"] for a in api("domains.alerts", host)]
    machines = [api("domains.machines", h) for h, _ in hosts]
    assert any(machines)
    stats = api("domains.stats", host, hours=720)
    assert stats["host"] == host
    assert int(stats["orgPrevalence"]) == len(api("domains.machines", host))
    assert api("domains.alerts", "unheard-of.example") == []


@covers("files.get", "files.alerts", "files.machines", "files.stats")
def _(api: Api) -> None:
    files = [(f["sha1"], a) for a in api("alerts.list") for f in api("alerts.files", a["id"])]
    sha1, alert = files[0]
    assert alert["id"] in [a["id"] for a in api("files.alerts", sha1)]
    assert any(api("files.machines", s) for s, _ in files[:5])
    got = api("files.get", sha1)
    assert got["sha1"] == sha1
    assert api("files.get", got["sha256"])["sha1"] == sha1
    assert api("files.stats", sha1, hours=720)["sha1"] == sha1


@covers("ips.alerts", "ips.stats")
def _(api: Api) -> None:
    addresses = [(i["id"], a["id"]) for a in api("alerts.list") for i in api("alerts.ips", a["id"])]
    ip, alert = addresses[0]
    assert alert in [a["id"] for a in api("ips.alerts", ip)]
    stats = api("ips.stats", ip, hours=720)
    assert stats["ipAddress"] == ip
    assert api("ips.stats", "198.18.0.1")["orgPrevalence"] == "0"


@covers("users.alerts", "users.machines", "users.get")
def _(api: Api) -> None:
    alert = api.alert()
    account = alert["relatedUser"]["userName"]
    assert alert["id"] in [a["id"] for a in api("users.alerts", account)]
    machine = api.machine()["id"]
    logged_on = api("machines.logon_users", machine)[0]["accountName"]
    assert machine in [m["id"] for m in api("users.machines", logged_on)]
    assert api("users.get", logged_on)["accountName"] == logged_on
    assert api("users.alerts", "nobody.at.all") == []


# Vulnerability management


@covers("software.list", "software.get", "software.versions", "software.machines")
def _(api: Api) -> None:
    software = api("software.list")
    assert unique(software)
    most = max(software, key=lambda s: s["installedMachines"])
    assert api("software.get", most["id"])["name"] == most["name"]
    assert {s["id"] for s in api("software.list", filter=f"vendor eq '{most['vendor']}'")} >= {most["id"]}
    versions = api("software.versions", most["id"])
    machines = api("software.machines", most["id"])
    assert unique(machines)
    assert len(machines) == most["installedMachines"]
    assert sum(v["installations"] for v in versions) >= len(machines)


@covers("software.vulnerabilities", "software.missing_kbs")
def _(api: Api) -> None:
    software = api("software.list")
    weak = max(software, key=lambda s: s["weaknesses"])
    vulnerabilities = api("software.vulnerabilities", weak["id"])
    assert len(vulnerabilities) == weak["weaknesses"] > 0
    assert any(api("software.missing_kbs", s["id"]) for s in software if s["weaknesses"])


@covers("vulnerabilities.list", "vulnerabilities.get", "vulnerabilities.machines", "vulnerabilities.by_machine")
def _(api: Api) -> None:
    vulnerabilities = api("vulnerabilities.list")
    assert unique(vulnerabilities)
    exposed = max(vulnerabilities, key=lambda v: v["exposedMachines"])
    assert api("vulnerabilities.get", exposed["id"])["name"] == exposed["name"]
    machines = {m["id"] for m in api("vulnerabilities.machines", exposed["id"])}
    assert len(machines) == exposed["exposedMachines"] > 0
    pairs = api("vulnerabilities.by_machine", filter=f"cveId eq '{exposed['id']}'")
    assert {p["machineId"] for p in pairs} == machines


@covers(
    "recommendations.list",
    "recommendations.get",
    "recommendations.machines",
    "recommendations.vulnerabilities",
    "recommendations.software",
)
def _(api: Api) -> None:
    recommendations = api("recommendations.list")
    assert unique(recommendations)
    update = next(r for r in recommendations if r["weaknesses"] and r["exposedMachinesCount"])
    assert api("recommendations.get", update["id"])["recommendationName"] == update["recommendationName"]
    assert len(api("recommendations.machines", update["id"])) == update["exposedMachinesCount"]
    assert api("recommendations.vulnerabilities", update["id"])
    assert api("recommendations.software", update["id"])["name"] == update["productName"]


@covers("remediations.list", "remediations.get", "remediations.machines")
def _(api: Api) -> None:
    tasks = api("remediations.list")
    assert unique(tasks)
    assert api("remediations.get", tasks[0]["id"])["title"] == tasks[0]["title"]
    assert any(api("remediations.machines", task["id"]) for task in tasks)


@covers("scores.exposure", "scores.exposure_by_group", "scores.secure")
def _(api: Api) -> None:
    assert 0 <= api("scores.exposure")["score"] <= 100
    groups = api("scores.exposure_by_group")
    assert unique(groups, "rbacGroupName")
    assert api("scores.secure")["score"] > 0


@covers("av_health.list")
def _(api: Api) -> None:
    health = api("av_health.list")
    assert len(health) > 20  # the service's own page is 20
    assert unique(health)
    off = api("av_health.list", filter="avMode ne '0'")
    assert {h["id"] for h in off} == {h["id"] for h in health if h["avMode"] != "0"}


# Exports


EXPORTS = {
    "software_inventory": ("deviceId", "softwareName"),
    "vulnerabilities": ("deviceId", "cveId"),
    "secure_configurations": ("deviceId", "configurationId"),
    "non_cpe_software": ("deviceId", "softwareName"),
    "browser_extensions": ("deviceId", "extensionId"),
    "certificates": ("deviceId", "thumbprint"),
    "firmware": ("deviceId", "componentName"),
    "baselines": ("deviceId", "configurationId"),
}


def folded(item: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in item.items()}


def exported(name: str, keys: tuple[str, ...]) -> Round:
    def round(api: Api) -> None:
        rows = api(f"exports.{name}")
        assert rows
        assert all(folded(row)[key.lower()] for row in rows for key in keys)
        assert api(f"exports.{name}", page_size=7) == rows
        assert api(f"exports.{name}", top=3) == rows[:3]

    return round


for name, keys in EXPORTS.items():
    covers(f"exports.{name}")(exported(name, keys))


@covers("exports.vulnerability_changes")
def _(api: Api) -> None:
    changes = api("exports.vulnerability_changes", since="13d")
    assert {change["status"] for change in changes} >= {"New", "Fixed"}
    assert len(api("exports.vulnerability_changes", since="1h")) <= len(changes)


@covers("exports.browser_permissions")
def _(api: Api) -> None:
    permissions = api("exports.browser_permissions")
    assert unique(permissions, "key")
    assert all(p["permissionName"] for p in permissions)


def files(id: str) -> Round:
    def round(api: Api) -> None:
        import gzip

        answer = api(id)
        assert answer["exportFiles"]
        rows = [
            json.loads(line) for url in answer["exportFiles"] for line in gzip.decompress(fetch(api, url)).splitlines()
        ]
        assert rows
        assert all(type(row) is dict for row in rows)

    return round


for id in DECLARED:
    if id.startswith(("exports.", "av_health.")) and id.endswith("_files"):
        covers(id)(files(id))


# Baselines, scans


@covers("baselines.profiles", "baselines.configurations", "baselines.exceptions")
def _(api: Api) -> None:
    for id in ("baselines.profiles", "baselines.configurations", "baselines.exceptions"):
        assert unique(api(id)), id
    profile = api.first("baselines.profiles")
    assert profile["passedDevices"] <= profile["totalDevices"]


@covers("scans.list", "scans.create", "scans.update", "scans.delete_many")
def _(api: Api) -> None:
    before = {scan["id"] for scan in api("scans.list")}
    made = api(
        "scans.create",
        scan_type="Network",
        name="Round trip",
        active=True,
        target="10.20.30.9",
        interval_hours=4,
        target_type="Ip",
        scanner_agent={"machine_id": api.first("scans.agents")["machineId"]},
        authentication={
            "@odata.type": "#microsoft.windowsDefenderATP.api.SnmpAuthParams",
            "type": "CommunityString",
            "communityString": "secret",
        },
    )
    assert made["scanName"] == "Round trip"
    assert "secret" not in str(made)
    assert {scan["id"] for scan in api("scans.list")} == before | {made["id"]}
    assert api("scans.update", made["id"], active=False, name="Renamed")["isActive"] is False
    assert "Renamed" in [scan["scanName"] for scan in api("scans.list")]
    api("scans.delete_many", ids=[made["id"]])
    assert {scan["id"] for scan in api("scans.list")} == before


@covers("scans.agents", "scans.agent")
def _(api: Api) -> None:
    agents = api("scans.agents")
    assert unique(agents)
    one = api("scans.agent", agents[0]["id"])
    # The page's example answers a list in spite of its context.
    (one,) = one.get("value", [one])
    assert one["machineId"] == agents[0]["machineId"]


@covers("scans.history", "scans.history_of_sessions")
def _(api: Api) -> None:
    ids = [scan["id"] for scan in api("scans.list")]
    history = api("scans.history", ids=ids)
    assert history
    assert {run["scanDefinitionId"] for run in history} <= set(ids)
    assert len(api("scans.history", ids=ids, top=1)) == 1
    session = history[0]["sessionId"]
    assert {run["sessionId"] for run in api("scans.history_of_sessions", session_ids=[session])} == {session}


# Device groups, data exports


@covers("device_groups.list", "device_groups.get", "device_groups.add", "device_groups.delete")
def _(api: Api) -> None:
    before = api("device_groups.list")
    assert unique(before)
    assert api("device_groups.get", before[0]["id"])["deviceGroupName"] == before[0]["deviceGroupName"]
    api("device_groups.add", groups=[{"device_group_name": "Round trip"}])
    (made,) = [g for g in api("device_groups.list") if g["deviceGroupName"] == "Round trip"]
    api("device_groups.delete", ids=[made["id"]])
    assert [g["id"] for g in api("device_groups.list")] == [g["id"] for g in before]


@covers("device_groups.replace")
def _(api: Api) -> None:
    before = api("device_groups.list")
    kept = [{"id": g["id"], "deviceGroupName": g["deviceGroupName"]} for g in before[:-1]]
    api("device_groups.replace", groups=[*kept, {"deviceGroupName": "New"}], additions=1, deletions=1)
    names = [g["deviceGroupName"] for g in api("device_groups.list")]
    assert names == [g["deviceGroupName"] for g in kept] + ["New"]


@covers("data_exports.list", "data_exports.get", "data_exports.create", "data_exports.delete")
def _(api: Api) -> None:
    assert api("data_exports.list") == []
    logs = [{"category": "AdvancedHunting-DeviceInfo", "enabled": True}]
    made = api("data_exports.create", id="stream 1", logs=logs, storage_account={"storage_account_resource_id": "/x"})
    assert made["id"] == "stream 1"
    assert api("data_exports.get", "stream 1")["logs"] == logs
    assert [s["id"] for s in api("data_exports.list")] == ["stream 1"]
    api("data_exports.delete", "stream 1")
    assert api("data_exports.list") == []


# Graph


@covers("graph.incidents.list", "graph.incidents.get")
def _(api: Api) -> None:
    incidents = api("graph.incidents.list")
    assert unique(incidents)
    assert {i["id"] for i in incidents} == {str(i["incidentId"]) for i in api("incidents.list")}
    got = api("graph.incidents.get", incidents[0]["id"], expand="alerts")
    assert {a["incidentId"] for a in got["alerts"]} == {incidents[0]["id"]}
    assert all(i["alerts"] for i in api("graph.incidents.list", expand="alerts", top=3))


@covers("graph.incidents.update", "graph.incidents.comment")
def _(api: Api) -> None:
    id = api.first("graph.incidents.list")["id"]
    api("graph.incidents.update", id, status="resolved", custom_tags=["t"], resolving_comment="over")
    comments = api("graph.incidents.comment", id, comment="look here")
    assert "look here" in [c["comment"] for c in comments]
    now = api("graph.incidents.get", id)
    assert (now["status"], now["customTags"], now["resolvingComment"]) == ("resolved", ["t"], "over")
    # The other service shows the same incident.
    assert api("incidents.get", id)["status"] == "Resolved"


@covers("graph.incidents.merge")
def _(api: Api) -> None:
    ids = [i["id"] for i in api("graph.incidents.list")][:2]
    target = api("graph.incidents.merge", ids=ids, comment="one story", reasons="sameActor")["targetIncidentId"]
    assert target in ids
    (gone,) = set(ids) - {target}
    now = api("graph.incidents.get", gone)
    assert (now["status"], now["redirectIncidentId"]) == ("redirected", target)


@covers("graph.alerts.list", "graph.alerts.get")
def _(api: Api) -> None:
    alerts = api("graph.alerts.list")
    assert unique(alerts)
    high = api("graph.alerts.list", filter="severity eq 'high'")
    assert {a["id"] for a in high} == {a["id"] for a in alerts if a["severity"] == "high"}
    assert api("graph.alerts.get", alerts[0]["id"])["title"] == alerts[0]["title"]


@covers("graph.alerts.update", "graph.alerts.comment")
def _(api: Api) -> None:
    id = api.first("graph.alerts.list", filter="status eq 'new'")["id"]
    api("graph.alerts.update", id, status="resolved", classification="truePositive", determination="malware")
    comments = api("graph.alerts.comment", id, comment="closed")
    assert "closed" in [c["comment"] for c in comments]
    now = api("graph.alerts.get", id)
    assert (now["status"], now["classification"], now["determination"]) == ("resolved", "truePositive", "malware")


@covers("graph.alerts.move")
def _(api: Api) -> None:
    alerts = api("graph.alerts.list")
    alert = alerts[0]
    other = next(a["incidentId"] for a in alerts if a["incidentId"] != alert["incidentId"])
    assert api("graph.alerts.move", ids=[alert["id"]], incident_id=other)["targetIncidentId"] == other
    assert api("graph.alerts.get", alert["id"])["incidentId"] == other


@covers(
    "graph.detection_rules.list",
    "graph.detection_rules.get",
    "graph.detection_rules.create",
    "graph.detection_rules.update",
    "graph.detection_rules.delete",
)
def _(api: Api) -> None:
    before = api("graph.detection_rules.list")
    assert unique(before)
    made = api(
        "graph.detection_rules.create",
        id="round-trip",
        display_name="Round trip",
        status="enabled",
        query_condition={"queryText": "DeviceEvents | take 1"},
        schedule={"frequency": "PT1H"},
        detection_action={"alertTemplate": {"title": "t", "description": "d", "severity": "low"}},
    )
    assert made["id"] == "round-trip"
    assert api("graph.detection_rules.update", "round-trip", status="disabled")["status"] == "disabled"
    assert api("graph.detection_rules.get", "round-trip")["displayName"] == "Round trip"
    names = [
        r["displayName"] for r in api("graph.detection_rules.list", select=["id", "displayName"], orderby="displayName")
    ]
    assert names == sorted(names)
    api("graph.detection_rules.delete", "round-trip")
    assert [r["id"] for r in api("graph.detection_rules.list")] == [r["id"] for r in before]


def test_every_operation_has_a_round() -> None:
    assert set(ROUNDS) == set(DECLARED)


@pytest.mark.parametrize("id", DECLARED)
def test_a_round_trip(api: Api, id: str) -> None:
    round = ROUNDS[id]
    if round not in api.passed:  # one round may cover several operations
        round(api)
        api.passed[round] = {r["operation"] or "" for r in api.sb.requests if r["status"] < 300}
    assert TWINS.get(id, id) in api.passed[round]
