"""Exports via files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdrkit._flow import Ask, Emit, Flow, Step, Stream
from xdrkit._resources import given, wire
from xdrkit.errors import InvalidArgumentError
from xdrkit.exports import progress_of, result_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike
    from typing import Any, Literal

    from xdrkit._generated.types import DeltaAssetVulnerability
    from xdrkit._resources import Resource
    from xdrkit._time import Moment
    from xdrkit.exports import ExportProgress, ExportResult


def download(
    client: Resource,
    name: Literal[
        "av_health",
        "baselines",
        "browser_extensions",
        "certificates",
        "firmware",
        "information_gathering",
        "non_cpe_software",
        "secure_configurations",
        "software_inventory",
        "vulnerabilities",
    ],
    *,
    to: str | PathLike[str],
    format: Literal["parquet", "ndjson", "arrow"] = "parquet",
    hours: int | None = None,
    parallel: int = 4,
    resume: bool = True,
    progress: Callable[[ExportProgress], Any] | None = None,
) -> Flow[ExportResult]:
    """Download a whole export to a folder: all machines, all rows, once each.

    The parts are fetched side by side from the cloud storage, without the token, and written as they arrive: memory
    does not grow with the export. Links that end are asked for anew. Each part becomes one file, `part-00001.parquet` and
    so on, which is there whole or not at all; `manifest.json` lists them with rows, bytes and SHA-256. To read all of them,
    name them: `polars.read_parquet("folder/*.parquet")`, or `ExportResult.files`.

    Calling it again after a crash goes on where it ended. What is whole is neither fetched again nor removed. If the service
    replaces the snapshot before all of it was here, the new one is begun, and what there was of the old one is moved to
    a folder `older-…` beside the files (`ExportResult.superseded`), so that two snapshots never lie side by side.

    The columns of Parquet and Arrow files follow from the declared type, the same in each file and on each day. Times are
    UTC; the year 1, which the service writes for "never", is null. What does not fit its column, and what the declaration does not
    know, is kept as JSON in the column `_more`. `ndjson` has the rows as the service wrote them.

    Args:
        name: Which export.
        to: The folder to write to; it is made where it is missing. Each export wants a folder of its own.
        format: What to write: ``"parquet"``, ``"ndjson"`` (one JSON object a line) or ``"arrow"`` (Arrow's file format,
            also known as Feather).
        hours: How long the links are to live, 1 to 6 (24 for some). Default: the service's.
        parallel: How many parts to fetch at a time, 1 to 16.
        resume: Go on with what the folder holds. False sets it aside into a folder `older-…` and begins anew.
        progress: A function that is told an `ExportProgress`, at the beginning and after each part.

    Returns:
        What was written, and where.

    Raises:
        InvalidArgumentError: an argument is wrong, or the folder holds another export, another format, or the whole of an
            older snapshot; nothing there was changed.
        FileError: the disk is full, or another process is writing to that folder.
        BadResponseError: a part is damaged, also when it was fetched again.
        PermissionDeniedError: the token lacks the permission of the export's operation.
    """
    run = client._core.export(name, to, given(format=format, hours=hours, parallel=parallel, anew=not resume))
    try:
        last: dict[str, Any] = {}
        facts: dict[str, Any] | None = yield Step("next", target=run)
        while facts is not None:
            last = facts
            if progress is not None:
                yield Ask(progress, progress_of(facts))
            facts = yield Step("next", target=run)
    except GeneratorExit:
        raise
    except BaseException:
        yield Step("close", target=run)
        raise
    return result_of(last)


def rows(
    client: Resource,
    name: Literal[
        "av_health",
        "baselines",
        "browser_extensions",
        "certificates",
        "firmware",
        "information_gathering",
        "non_cpe_software",
        "secure_configurations",
        "software_inventory",
        "vulnerabilities",
    ],
    *,
    hours: int | None = None,
) -> Stream[dict[str, Any]]:
    """Read a whole export row by row, without a disk: for what is looked at once, and thrown away.

    The parts come one after the other, and are read from the storage as fast as the rows are taken: memory is bounded by some
    hundred rows. A part whose connection breaks goes on where it ended; each row comes once.

    Args:
        name: Which export.
        hours: How long the links are to live, 1 to 6 (24 for some): at least as long as the reading takes. Default: the service's.

    Returns:
        The rows, as the service wrote them.

    Raises:
        InvalidArgumentError: an argument is wrong; nothing was sent.
        ServiceError: the service replaced the snapshot before all of it was read. `download` would keep what it has.
        BadResponseError: a part is damaged, also when it was fetched again.
    """
    cursor = client._core.export_rows(name, given(hours=hours))
    while True:
        batch: list[dict[str, Any]] | None = yield Step("next", target=cursor)
        if batch is None:
            return
        for row in batch:
            yield Emit(row)


def changes(
    client: Resource, since: Moment, *, moved: Literal["drop", "keep"] = "drop"
) -> Stream[DeltaAssetVulnerability]:
    """Read what changed in the vulnerabilities of all machines, without those that only changed their group.

    A machine that moves to another device group makes the service report each of its vulnerabilities twice under one `id`: as
    `Fixed` in the old group and as `New` in the new one. Nothing was fixed there. Such a `Fixed` is left out; the `New` stays,
    with the group where the machine is now. One that was fixed after it came, or in the same group, is kept.

    `Fixed` items come last, since the other half of a pair may be on any page: so many of them are held in memory.

    Args:
        since: From when on: an aware datetime, a date, ISO 8601 text, or how long ago, such as ``"7d"``; at most 14 days.
        moved: ``"keep"`` gives everything as the service sends it, in its order.

    Returns:
        The `DeltaAssetVulnerability` items.

    Raises:
        InvalidArgumentError: an argument is wrong; nothing was sent.
        PermissionDeniedError: the token lacks the permission; `missing` names it.
    """
    if moved not in ("drop", "keep"):
        raise InvalidArgumentError(f'moved: {moved!r} is not allowed; it is "drop" or "keep"', argument="moved")
    cursor = client._core.pages("exports.vulnerability_changes", wire(since=since), None)
    fixed: list[Any] = []
    came: dict[str, tuple[str, str]] = {}
    while True:
        page: list[Any] | None = yield Step("next", target=cursor)
        if page is None:
            break
        for item in page:
            if moved == "keep" or item.get("status") not in ("Fixed", "New") or not item.get("id"):
                yield Emit(item)
            elif item["status"] == "Fixed":
                fixed.append(item)
            else:
                came[item["id"]] = max(came.get(item["id"], ("", "")), (_moment(item), str(_group(item))))
                yield Emit(item)
    for item in fixed:
        moment, group = came.get(item["id"], ("", ""))
        if not (moment and moment >= _moment(item) and group != str(_group(item))):
            yield Emit(item)


def _moment(item: dict[str, Any]) -> str:
    return str(item.get("eventTimestamp") or "")


def _group(item: dict[str, Any]) -> Any:
    return item.get("rbacGroupId", item.get("rbacGroupName"))
