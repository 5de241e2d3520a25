"""`xdr sandbox record`: a tenant into a file that a sandbox starts from."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FAILED = 1
_USAGE = 2
# What most hunting queries look at and most tenants have.
_TABLES = (
    "AlertEvidence",
    "AlertInfo",
    "DeviceEvents",
    "DeviceFileEvents",
    "DeviceInfo",
    "DeviceLogonEvents",
    "DeviceNetworkEvents",
    "DeviceProcessEvents",
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xdr sandbox record",
        description="Write a tenant's machines, alerts and hunting rows into a file for `xdr sandbox up --world FILE`. Reads and "
        "changes nothing. Signs in with AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET. Names of people, hosts and "
        "domains, mail addresses, SIDs and public addresses are replaced, equal ones by equal ones; other texts stay as they "
        "are, so look at the file before you share it.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="where to write; packed if it ends in .gz")
    parser.add_argument(
        "--tables", default=",".join(_TABLES), help="the hunting tables, with commas. Default: %(default)s"
    )
    parser.add_argument("--since", default="7d", help="how far back rows go. Default: %(default)s")
    parser.add_argument(
        "--limit", type=int, default=10_000, help="the most rows of a table, the newest. Default: %(default)s"
    )
    parser.add_argument("--keep", default="", metavar="DOMAINS", help="domains that are not replaced, with commas")
    parser.add_argument("--no-redact", action="store_true", help="replace nothing")
    parser.add_argument("--force", action="store_true", help="overwrite the file")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def main(arguments: Sequence[str]) -> int:
    """Run the command and answer its exit code."""
    try:
        given = _parser().parse_args(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else _USAGE
    from ._client import Client
    from ._worlds import record_world
    from .errors import ConfigurationError, InvalidArgumentError, XdrError

    if not given.force and os.path.lexists(given.file):
        sys.stderr.write(f"xdr: {given.file} is there already; --force overwrites it\n")
        return _USAGE
    try:
        with Client() as client:
            counts = record_world(
                client,
                given.file,
                tables=_names(given.tables),
                since=given.since,
                limit=given.limit,
                redact=not given.no_redact,
                keep=_names(given.keep),
            )
    except (ConfigurationError, InvalidArgumentError) as error:
        sys.stderr.write(f"xdr: {error}\n")
        return _USAGE
    except (XdrError, OSError) as error:
        sys.stderr.write(f"xdr: {error}\n")
        return _FAILED
    told = [f"{name}: {count:,}" for name, count in counts.items() if name != "cut"]
    sys.stdout.write("\n".join(told) + "\n")
    if counts["cut"]:
        sys.stderr.write(
            f"xdr: {counts['cut']} tables have more rows than --limit {given.limit}; the newest were written\n"
        )
    if given.no_redact:
        sys.stderr.write(f"xdr: {given.file} has the tenant's own names\n")
    return 0
