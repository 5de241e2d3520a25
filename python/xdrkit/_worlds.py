"""A world recorded from a tenant: what a sandbox needs to look like it, with the names taken out.

from xdrkit import Client, sandbox
from xdrkit._worlds import record

with Client() as client:
record(client, "world.json.gz", tables=["DeviceProcessEvents", "DeviceInfo"], since="7d")
sb = sandbox(world="world.json.gz")
"""

from __future__ import annotations

from .errors import InvalidArgumentError

TYPE_CHECKING = False

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from typing import Any

    from ._client import Client

__all__ = ["Redactor", "record"]

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
# Columns whose whole text is a name, by how they end.
_HOSTS = ("DeviceName", "RemoteDeviceName", "SessionDeviceName", "ComputerDnsName", "computerDnsName")
_PEOPLE = (
    "AccountName",
    "AccountDisplayName",
    "GivenName",
    "Surname",
    "SenderDisplayName",
    "DisplayName",
    "accountName",
    "UserName",
    "Manager",
)


def record(
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
        world = Redactor(world, keep=keep).world()
    write_world(path, world)
    return counts


class Redactor:
    """Replaces names in a world, the same name with the same stand-in everywhere."""

    def __init__(self, world: dict[str, Any], *, keep: Sequence[str] = ()) -> None:
        import re

        self._source = world
        self._keep = tuple(domain.lower() for domain in keep)
        self._known: dict[tuple[str, str], str] = {}
        # Texts that were looked at already: most repeat.
        self._seen: dict[str, str] = {}
        # Names that stand inside of other texts, in small letters, with their stand-ins.
        self._inside: dict[str, str] = {}
        self._patterns: list[tuple[Any, Callable[[str], str]]] = [
            (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), self._mail),
            (re.compile(r"S-1-(?:5-21|12-1)(?:-\d+)+"), self._sid),
            (re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"), self._address),
            (
                re.compile(r"(?<![0-9a-fA-F:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}(?![0-9a-fA-F:])"),
                self._address6,
            ),
        ]
        self._collect()
        names = sorted(self._inside, key=len, reverse=True)
        self._names = (
            re.compile("|".join(rf"(?<![\w-]){re.escape(n)}(?![\w-])" for n in names), re.IGNORECASE) if names else None
        )

    def world(self) -> dict[str, Any]:
        """The world without the names."""
        world = dict(self._source)
        world["machines"] = [self._object(m) for m in world["machines"]]
        world["alerts"] = [self._object(a) for a in world["alerts"]]
        tables = {}
        for name, table in world["tables"].items():
            rows = [[self._value(cell) for cell in row] for row in table["rows"]]
            tables[name] = {"columns": table["columns"], "rows": rows}
        world["tables"] = tables
        return world

    def _cells(self) -> Any:
        for kind in ("machines", "alerts"):
            for item in self._source[kind]:
                yield from item.items()
        for table in self._source["tables"].values():
            names = list(table["columns"])
            for row in table["rows"]:
                yield from zip(names, row)

    def _collect(self) -> None:
        """Learns the names: hosts, people, domains, the tenant's id."""
        for column, cell in self._cells():
            if not isinstance(cell, str) or not cell:
                continue
            if column.endswith(_HOSTS):
                host, _, domain = cell.lower().partition(".")
                self._learn("host", host, "host-{}")
                self._learn("domain", domain, "domain-{}.example")
            elif column.endswith(("AccountUpn", "EmailAddress", "FromAddress", "assignedTo")) and "@" in cell:
                account, _, domain = cell.lower().partition("@")
                self._learn("person", account, "user-{}")
                self._learn("domain", domain, "domain-{}.example")
            elif column.endswith("AccountDomain"):
                if cell.lower() not in ("nt authority", "font driver host", "window manager", "nt service"):
                    self._learn("workgroup", cell.lower(), "GROUP-{}")
            elif column.endswith(_PEOPLE):
                if cell.lower() not in (
                    "system",
                    "local service",
                    "network service",
                    "root",
                ) and not cell.lower().startswith("umfd-"):
                    self._learn("person", cell.lower(), "user-{}")
            elif column in ("TenantId", "aadTenantId"):
                self._learn("tenant", cell.lower(), "00000000-0000-0000-0000-{:012}")

    def _learn(self, kind: str, name: str, form: str) -> None:
        if len(name) < 3 or name in self._keep or any(name.endswith(f".{domain}") for domain in self._keep):
            return
        if name not in self._inside:
            self._inside[name] = self._stand_in(kind, name, form)

    def _stand_in(self, kind: str, name: str, form: str) -> str:
        key = (kind, name)
        if key not in self._known:
            number = 1 + sum(1 for other, _ in self._known if other == kind)
            self._known[key] = form.format(number)
        return self._known[key]

    def _object(self, item: dict[str, Any]) -> dict[str, Any]:
        return {name: self._value(value) for name, value in item.items()}

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {name: self._value(item) for name, item in value.items()}
        return value

    def _text(self, text: str) -> str:
        known = self._seen.get(text)
        if known is None:
            known = self._seen[text] = self._replaced(text)
        return known

    def _replaced(self, text: str) -> str:
        for pattern, replace in self._patterns:
            text = pattern.sub(lambda match, replace=replace: replace(match.group()), text)
        if self._names is not None:
            text = self._names.sub(lambda match: self._inside[match.group().lower()], text)
        return text

    def _mail(self, text: str) -> str:
        account, _, domain = text.lower().partition("@")
        if domain in self._keep:
            return text
        person = self._inside.get(account) or self._stand_in("person", account, "user-{}")
        return f"{person}@{self._inside.get(domain) or self._stand_in('domain', domain, 'domain-{}.example')}"

    def _sid(self, text: str) -> str:
        return self._stand_in("sid", text, "S-1-5-21-1-1-1-{}")

    def _address(self, text: str) -> str:
        import ipaddress

        try:
            address = ipaddress.IPv4Address(text)
        except ValueError:
            return text
        if address.is_loopback or address.is_unspecified or address.is_multicast or text == "255.255.255.255":
            return text
        inside = any(
            address in ipaddress.IPv4Network(net)
            for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
        )
        if inside:
            return text
        number = int(self._stand_in("address", text, "{}"))
        # A range that is kept for tests of networks, and has room.
        return str(ipaddress.IPv4Address("198.18.0.0") + number)

    def _address6(self, text: str) -> str:
        import ipaddress

        try:
            address = ipaddress.IPv6Address(text)
        except ValueError:
            return text
        if address.is_link_local or address.is_loopback:
            return text
        return f"2001:db8::{int(self._stand_in('address6', text.lower(), '{}')):x}"


def _only(item: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: item[name] for name in names if item.get(name) is not None}
