"""Hunting answers as the services send them: DeviceProcessEvents, made from a seed, so that every run decodes the same bytes.

Machines, users, files, hashes and command lines come again and again, as they do in a tenant; ids, times and a part of the command lines
do not.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

SEED = 20261121
DAY = 24 * 3600 * 10_000_000  # ticks of 100 ns

# What a query with a `project` of the usual columns answers: about 480 bytes a row.
NARROW = {
    "Timestamp": "DateTime",
    "DeviceName": "String",
    "ActionType": "String",
    "FileName": "String",
    "FolderPath": "String",
    "SHA1": "String",
    "ProcessId": "Int64",
    "ProcessCommandLine": "String",
    "AccountName": "String",
    "IsProcessRemoteSession": "SByte",
    "ReportId": "Int64",
}
# And one with more of them: about 1,240 bytes a row.
WIDE = {
    **NARROW,
    "DeviceId": "String",
    "SHA256": "String",
    "FileSize": "Int64",
    "ProcessIntegrityLevel": "String",
    "ProcessVersionInfoCompanyName": "String",
    "ProcessCreationTime": "DateTime",
    "AccountDomain": "String",
    "AccountSid": "String",
    "AccountUpn": "String",
    "LogonId": "Int64",
    "InitiatingProcessCommandLine": "String",
    "InitiatingProcessSHA1": "String",
    "InitiatingProcessId": "Int64",
    "InitiatingProcessFileName": "String",
    "InitiatingProcessCreationTime": "DateTime",
    "AdditionalFields": "Object",
}

PROGRAMS = [
    (
        "powershell.exe",
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
        "-NoProfile -ExecutionPolicy Bypass -File C:\\Ops\\inventory.ps1",
    ),
    ("cmd.exe", "C:\\Windows\\System32", '/c "echo %COMPUTERNAME% && ipconfig /all"'),
    ("svchost.exe", "C:\\Windows\\System32", "-k netsvcs -p -s Schedule"),
    (
        "chrome.exe",
        "C:\\Program Files\\Google\\Chrome\\Application",
        "--type=renderer --lang=de --enable-features=Ünïcode",
    ),
    ("MsMpEng.exe", "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18", ""),
    ("bash", "/usr/bin", "-c 'find /var/log -name \"*.gz\" -mtime +7'"),
    ("python3.11", "/usr/bin", "/opt/agent/collect.py --once --quiet"),
    ("rundll32.exe", "C:\\Windows\\System32", "shell32.dll,Control_RunDLL"),
    ("teams.exe", "C:\\Users\\Public\\AppData\\Local\\Microsoft\\Teams\\current", "--type=gpu-process"),
    ("conhost.exe", "C:\\Windows\\System32", "0xffffffff -ForceV1"),
]


class Shape(NamedTuple):
    """How a service frames its answer."""

    schema: str
    name: str
    type: str
    results: str
    begin: dict[str, Any]
    companions: bool


GRAPH = Shape(
    "schema",
    "name",
    "type",
    "results",
    {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults"},
    companions=True,
)
LEGACY = Shape(
    "Schema",
    "Name",
    "Type",
    "Results",
    {"Stats": {"ExecutionTime": 3.25, "resource_usage": {"cache": {"memory": {"hits": 1, "misses": 0, "total": 1}}}}},
    companions=False,
)


def answer(shape: Shape, columns: dict[str, str], rows: int) -> bytes:
    """The whole body."""
    head = {**shape.begin, shape.schema: [{shape.name: name, shape.type: type_} for name, type_ in columns.items()]}
    lines = ",".join(_lines(columns, rows, companions=shape.companions))
    return f'{_text(head)[:-1]},"{shape.results}":[{lines}]}}'.encode()


def machine() -> bytes:
    """A small answer, of 2 KB: one machine."""
    found = {
        "@odata.context": "https://api.securitycenter.microsoft.com/api/$metadata#Machines/$entity",
        "id": "1e5bc9d7e413ddd7902c2932e418702b84d0cc07",
        "computerDnsName": "machine-1.contoso.com",
        "firstSeen": "2026-08-02T14:55:03.7791856Z",
        "lastSeen": "2026-11-20T07:43:12.1234567Z",
        "osPlatform": "Windows11",
        "version": "24H2",
        "osBuild": 26100,
        "healthStatus": "Active",
        "onboardingStatus": "Onboarded",
        "riskScore": "Medium",
        "exposureLevel": "Low",
        "rbacGroupId": 140,
        "rbacGroupName": "The-A-Team",
        "isAadJoined": True,
        "aadDeviceId": "80fe8ff8-2624-418e-9591-41f0491218f9",
        "machineTags": [f"tag {i}" for i in range(12)],
        "ipAddresses": [
            {
                "ipAddress": f"10.0.{i}.7",
                "macAddress": f"00155D0A{i:04X}",
                "type": "Ethernet",
                "operationalStatus": "Up",
            }
            for i in range(13)
        ],
    }
    return _text(found).encode()


def _lines(columns: dict[str, str], rows: int, *, companions: bool) -> Iterator[str]:
    """Each row as text. A companion says what JSON does not: that a 0 is a bool."""
    chance = random.Random(SEED)
    keys = [
        (f'"{name}@odata.type":"#SByte",' if companions and type_ == "SByte" else "") + f'"{name}":'
        for name, type_ in columns.items()
    ]
    cells = _columns(chance)
    makers = [cells[name] for name in columns]
    for i in range(rows):
        values = _Row(i, chance)
        yield "{" + ",".join([key + make(values) for key, make in zip(keys, makers)]) + "}"


class _Row:
    """What the cells of one row agree on."""

    __slots__ = ("device", "i", "parent", "pid", "program", "ticks", "user")

    def __init__(self, i: int, chance: random.Random) -> None:
        self.i = i
        self.ticks = int(chance.random() * DAY)
        self.pid = chance.randrange(4, 60_000)
        # Few of each are most of what there is.
        self.device = int(chance.random() ** 2 * 500)
        self.user = int(chance.random() ** 3 * 200)
        self.program = int(chance.random() ** 2 * len(PROGRAMS))
        self.parent = int(chance.random() ** 3 * len(PROGRAMS))


def _columns(chance: random.Random) -> dict[str, Callable[[_Row], str]]:
    """How the cell of each column is written, ready as JSON. What repeats is written once."""
    hex_ = [f"{chance.getrandbits(256):064x}" for _ in PROGRAMS]
    devices = [f"{chance.getrandbits(160):040x}" for _ in range(500)]
    files = [_text(file) for file, _, _ in PROGRAMS]
    paths = [_text(f"{folder}{'/' if folder.startswith('/') else chr(92)}{file}") for file, folder, _ in PROGRAMS]
    commands = [_text(f"{file} {arguments} --trace")[:-1] for file, _, arguments in PROGRAMS]
    return {
        "Timestamp": lambda row: _time(row.ticks),
        "DeviceId": lambda row: f'"{devices[row.device]}"',
        "DeviceName": lambda row: f'"machine-{row.device:04}.contoso.com"',
        "ActionType": lambda row: '"ProcessCreated"',
        "FileName": lambda row: files[row.program],
        "FolderPath": lambda row: paths[row.program],
        "SHA1": lambda row: f'"{hex_[row.program][:40]}"',
        "SHA256": lambda row: f'"{hex_[row.program]}"',
        "FileSize": lambda row: str(40_960 + row.program * 7919),
        "ProcessId": lambda row: str(row.pid),
        # Every other one is like no other.
        "ProcessCommandLine": lambda row: (
            commands[row.program] + (f" --run {row.i * 2654435761 % 2**32:08x}" if row.i % 2 else "") + '"'
        ),
        "ProcessIntegrityLevel": lambda row: '"High"' if row.program == 0 else '"Medium"',
        "ProcessVersionInfoCompanyName": lambda row: '"Microsoft Corporation"' if row.program < 5 else "null",
        "ProcessCreationTime": lambda row: _time(row.ticks - 13),
        "AccountName": lambda row: f'"user.{row.user:03}"' if row.user else '"system"',
        "AccountDomain": lambda row: '"contoso"' if row.user else '"nt authority"',
        "AccountSid": lambda row: f'"S-1-5-21-1004336348-1177238915-682003330-{1000 + row.user}"',
        "AccountUpn": lambda row: f'"user.{row.user:03}@contoso.com"' if row.user else "null",
        "LogonId": lambda row: str(999 + row.user),
        "InitiatingProcessFileName": lambda row: files[row.parent],
        "InitiatingProcessCommandLine": lambda row: commands[row.parent] + '"',
        "InitiatingProcessSHA1": lambda row: f'"{hex_[row.parent][:40]}"',
        "InitiatingProcessId": lambda row: str(row.pid // 3 + 4),
        "InitiatingProcessCreationTime": lambda row: _time(row.ticks // 2),
        "IsProcessRemoteSession": lambda row: "1" if row.pid % 16 == 0 else "0",
        "ReportId": lambda row: str(100_000 + row.i),
        "AdditionalFields": lambda row: f'"{{\\"InitiatingProcessSource\\":\\"Kernel\\",\\"Rank\\":{row.pid % 9}}}"',
    }


def _time(ticks: int) -> str:
    """A moment of 20 November 2026, with the service's seven digits."""
    seconds, fraction = divmod(ticks % DAY, 10_000_000)
    return f'"2026-11-20T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:07}Z"'


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
