"""A world recorded from a tenant: what a sandbox needs to look like it, with the names taken out.

from xdrkit import Client, record_world, sandbox

with Client() as client:
    record_world(client, "world.json.gz", tables=["DeviceProcessEvents", "DeviceInfo"], since="7d")
sb = sandbox(world="world.json.gz")
"""

from __future__ import annotations

from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from typing import Any

    from ._client import Client

__all__ = ["record_world"]

# What a world's file has of a machine and an alert beside what follows from other properties.
_MACHINE = [
    "id",
    "computerDnsName",
    "firstSeen",
    "lastSeen",
    "osPlatform",
    "osProcessor",
    "version",
    "lastIpAddress",
    "lastExternalIpAddress",
    "agentVersion",
    "osBuild",
    "healthStatus",
    "deviceValue",
    "rbacGroupId",
    "rbacGroupName",
    "exposureLevel",
    "isAadJoined",
    "aadDeviceId",
    "machineTags",
    "onboardingStatus",
    "managedBy",
    "isExcluded",
    "exclusionReason",
]
_ALERT = [
    "id",
    "incidentId",
    "investigationId",
    "assignedTo",
    "severity",
    "status",
    "classification",
    "determination",
    "detectionSource",
    "detectorId",
    "category",
    "threatFamilyName",
    "title",
    "description",
    "alertCreationTime",
    "firstEventTime",
    "lastEventTime",
    "lastUpdateTime",
    "resolvedTime",
    "machineId",
    "threatName",
    "mitreTechniques",
]


def record_world(
    client: Client,
    path: str | os.PathLike[str],
    *,
    tables: Sequence[str],
    since: str = "7d",
    limit: int = 10_000,
    redact: bool = True,
    keep: Sequence[str] = (),
) -> dict[str, int]:
    """Write a tenant's machines, alerts and hunting rows into a file that ``sandbox(world=…)`` reads.

    Args:
        client: Who reads: it needs to list machines and alerts, and to hunt.
        path: The file; packed if it ends in ``.gz``.
        tables: The hunting tables.
        since: How far back rows go, as `Client.hunt` takes it.
        limit: The most rows of a table, the newest; that some were left out is told (``"cut"`` in the answer).
        redact: Whether the tenant's id, people, hosts, domains, mail addresses, SIDs and public addresses are replaced. Equal
            names get equal stand-ins, so that pivots and joins still work. Texts in which nothing of that is recognised, such as
            names of files and command lines with other secrets in them, stay as they are: look at the file before you share it.
        keep: Domains that stay, such as ``"microsoft.com"``.

    Returns:
        How many there are of each, and how many tables were cut.
    """
    if isinstance(tables, str):
        raise InvalidArgumentError("tables: takes a list of names", argument="tables")
    if limit < 1:
        raise InvalidArgumentError("limit: must be 1 or more", argument="limit")
    from datetime import datetime, timezone

    from ._sandbox_data import _TYPES, write_world

    now = datetime.now(timezone.utc)
    machines = [_only(machine, _MACHINE) for machine in client.machines.list()]
    known = {machine.get("id") for machine in machines}
    alerts = [_only(alert, _ALERT) for alert in client.alerts.list()]
    for alert in alerts:
        if alert.get("machineId") not in known:
            alert.pop("machineId", None)
    found: dict[str, Any] = {}
    counts = {"machines": len(machines), "alerts": len(alerts), "cut": 0}
    newest = ""
    for table in tables:
        result = client.hunt(f"{table} | sort by Timestamp desc | take {limit + 1}", since=since)
        rows = [dict(row) for row in result][:limit]
        counts["cut"] += len(result) > limit
        names = [name for name, _ in result.schema]
        types = {name: _TYPES.get(wire, "string") for name, wire in result.schema}
        found[table] = {"columns": types, "rows": [[row.get(name) for name in names] for row in rows]}
        counts[table] = len(rows)
        newest = max([newest, *(str(row.get("Timestamp") or "") for row in rows)])
    # The tenant's present is where its newest row is, or now.
    world: dict[str, Any] = {
        "format": "xdrkit-world",
        "version": 1,
        "now": max(newest, *(str(m.get("lastSeen") or "") for m in machines), "")
        or now.isoformat().replace("+00:00", "Z"),
        "machines": machines,
        "alerts": alerts,
        "tables": found,
    }
    if redact:
        world = _without_names(world, keep)
    write_world(path, world)
    return counts


def _without_names(world: dict[str, Any], keep: Sequence[str]) -> dict[str, Any]:
    import os

    from ._redact import Redactor

    redactor = Redactor(os.urandom(16), keep=keep, addresses=True)
    tables = world["tables"]
    # What any part knows of names holds for all.
    redactor.learn([world["machines"], world["alerts"]])
    for table in tables.values():
        redactor.learn([dict(zip(table["columns"], row)) for row in table["rows"]])
    rows = {name: {**table, "rows": redactor.value(table["rows"])} for name, table in tables.items()}
    return {
        **world,
        "machines": redactor.value(world["machines"]),
        "alerts": redactor.value(world["alerts"]),
        "tables": rows,
    }


def _only(item: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: item[name] for name in names if item.get(name) is not None}
