"""An export arrives complete and once, whatever links, connections, snapshots and processes do in the meantime. Sync and async alike."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import logging
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

import xdrkit
from xdrkit import _core, errors
from xdrkit.exports import ExportProgress, ExportResult

from .storage_server import SIGNATURE, Storage, cut, packed, rows_of, serve

PARTS = 6
ROWS = 50
TOKEN = "top-secret-token"


def name(i: int, snapshot: str = "s1") -> str:
    return f"tvm/{snapshot}/_RbacGroupId={i % 2}/part-{i:05}.c000.json.gz"


@pytest.fixture
def storage() -> Iterator[Storage]:
    """A snapshot of some parts, each of several gzip members."""
    made = Storage(blobs={name(i): packed(rows_of(i, ROWS), members=3) for i in range(PARTS)})
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


def options(storage: Storage, **more: Any) -> dict[str, Any]:
    return {"credential": xdrkit.StaticTokenCredential(TOKEN), "base_url": storage.url, "_virtual_clock": True, **more}


@pytest.fixture(params=["sync", "async"])
def download(request: pytest.FixtureRequest, storage: Storage) -> Callable[..., ExportResult]:
    """`download(name, to=…)` by either client; waits pass at once."""
    if request.param == "sync":
        return lambda *args, **more: xdrkit.Client(**options(storage)).exports.download(*args, **more)

    def run(*args: Any, **more: Any) -> ExportResult:
        async def main() -> ExportResult:
            async with xdrkit.AsyncClient(**options(storage)) as client:
                return await client.exports.download(*args, **more)

        return asyncio.run(main())

    return run


@pytest.fixture
def export(storage: Storage) -> Callable[..., ExportResult]:
    """The same by the sync client alone."""
    return lambda *args, **more: xdrkit.Client(**options(storage)).exports.download(*args, **more)


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of all files that lie there."""
    files = sorted(folder.glob("part-*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def expected(parts: Any = range(PARTS)) -> list[dict[str, Any]]:
    return [row for i in parts for row in rows_of(i, ROWS)]


def manifest(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def fetched(storage: Storage) -> list[str]:
    """The parts that were asked for, in order."""
    return [path.split("?")[0].removeprefix("/store/") for _, path, _ in storage.seen if path.startswith("/store/")]


# ---- what arrives --------------------------------------------------------------------------------------------------------------------


def test_all_rows_arrive_as_they_were_sent(storage: Storage, download: Any, tmp_path: Path) -> None:
    told: list[ExportProgress] = []
    result = download("software_inventory", to=tmp_path / "a" / "b", format="ndjson", progress=told.append)
    folder = tmp_path / "a" / "b"
    assert read(folder) == expected()
    assert (result.rows, result.parts, result.resumed, result.renewed) == (PARTS * ROWS, PARTS, 0, 0)
    assert result.generated_time == storage.generated
    assert result.superseded is None
    assert result.files == sorted(folder.glob("part-*"))
    assert result.bytes == sum(file.stat().st_size for file in result.files)
    assert visible(folder) == ["manifest.json", *(f"part-{i + 1:05}.ndjson" for i in range(PARTS))]
    assert (told[0].done, told[0].parts, told[-1].done, told[-1].rows) == (0, PARTS, PARTS, PARTS * ROWS)
    for part in manifest(folder)["parts"]:
        content = (folder / part["file"]).read_bytes()
        assert (part["bytes"], part["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert part["rows"] == content.count(b"\n") == ROWS


def test_the_token_goes_to_the_service_and_never_to_the_storage(
    storage: Storage, download: Any, tmp_path: Path
) -> None:
    download("software_inventory", to=tmp_path, format="ndjson")
    assert len(fetched(storage)) == PARTS
    for _, path, headers in storage.seen:
        names = {header.lower() for header in headers}
        assert ("authorization" in names) == (not path.startswith("/store/")), path
        assert not names & {"cookie", "referer"}
        assert (TOKEN in str(headers)) == ("authorization" in names)


def test_hours_go_out_without_a_dollar_sign(storage: Storage, download: Any, tmp_path: Path) -> None:
    download("software_inventory", to=tmp_path, format="ndjson", hours=6)
    assert storage.seen[0][1] == "/api/machines/SoftwareInventoryExport?sasValidHours=6"


def test_an_export_of_nothing_is_whole(storage: Storage, download: Any, tmp_path: Path) -> None:
    storage.blobs = {}
    result = download("vulnerabilities", to=tmp_path)
    assert (result.rows, result.parts, result.files) == (0, 0, [])
    assert manifest(tmp_path)["complete"] is True


def test_columns_have_the_declared_types_in_every_file(storage: Storage, download: Any, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    odd = [
        {"DeviceId": "d", "softwareFirstSeenTimestamp": "2020-12-30 14:17:26.0", "numberOfWeaknesses": "many", "x": 1}
    ]
    storage.blobs[name(0)] = packed(odd)
    storage.blobs[name(1)] = packed([])
    download("software_inventory", to=tmp_path / "p")
    download("software_inventory", to=tmp_path / "a", format="arrow")
    tables = [parquet.read_table(file) for file in sorted((tmp_path / "p").glob("*.parquet"))]
    for table, file in zip(tables, sorted((tmp_path / "a").glob("*.arrow"))):
        assert pyarrow.ipc.open_file(file).read_all().equals(table)
    assert len({str(table.schema) for table in tables}) == 1
    schema = tables[0].schema
    assert schema.field("numberOfWeaknesses").type == pyarrow.int64()
    assert schema.field("diskPaths").type.value_type == pyarrow.string()
    assert schema.field("softwareFirstSeenTimestamp").type == pyarrow.timestamp("ns", "UTC")
    (row,) = tables[0].to_pylist()
    assert row["deviceId"] == "d"
    assert row["softwareFirstSeenTimestamp"].isoformat() == "2020-12-30T14:17:26+00:00"
    assert json.loads(row["_more"]) == {"numberOfWeaknesses": "many", "x": 1}
    assert tables[1].num_rows == 0
    rest = [row for table in tables[2:] for row in table.to_pylist()]
    known = ("deviceId", "softwareName", "numberOfWeaknesses", "diskPaths")
    assert [{key: row[key] for key in known} for row in rest] == expected(range(2, PARTS))
    assert all(row["_more"] is None for row in rest)


def test_lists_keep_what_is_empty_and_what_is_missing(storage: Storage, export: Any, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    lists = [["a", None, ""], [], None, ["b"], [None], [], ["c", "d"]]
    storage.blobs = {name(0): packed([{"deviceId": str(i), "diskPaths": paths} for i, paths in enumerate(lists)])}
    (file,) = export("software_inventory", to=tmp_path).files
    assert parquet.read_table(file)["diskPaths"].to_pylist() == lists


MEASURED = """
import resource, sys, xdrkit
client = xdrkit.Client(credential=xdrkit.StaticTokenCredential("t"), base_url=sys.argv[1])
print(client.exports.download("software_inventory", to=sys.argv[2], format=sys.argv[3]).rows)
try:
    # Linux's ru_maxrss begins with what the parent had.
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
print(peak // 1024)
"""


@pytest.mark.parametrize("format", ["ndjson", "parquet", "arrow"])
def test_memory_does_not_grow_with_the_export(storage: Storage, tmp_path: Path, format: str) -> None:
    pytest.importorskip("resource")
    rows = rows_of(0, 20_000)
    for row in rows:
        row["diskPaths"] = [f"c:\\program files\\{row['deviceId']}\\{i}" for i in range(5)]
    storage.blobs = {name(i): packed(rows) for i in range(4)}
    command = [sys.executable, "-c", MEASURED, storage.url, str(tmp_path), format]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(said[0]) == 80_000
    assert int(said[1]) < 300, f"{said[1]} MB"


def test_polars_reads_both(storage: Storage, export: Any, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    export("software_inventory", to=tmp_path / "p")
    export("software_inventory", to=tmp_path / "a", format="arrow")
    parquet = polars.read_parquet(tmp_path / "p" / "*.parquet")
    assert parquet.height == PARTS * ROWS
    assert parquet.equals(polars.read_ipc(tmp_path / "a" / "*.arrow"))
    assert parquet["softwareName"].to_list() == [row["softwareName"] for row in expected()]


def test_parts_are_fetched_side_by_side_and_no_more_than_wanted(storage: Storage, export: Any, tmp_path: Path) -> None:
    together = threading.Event()

    def trouble(handler: Any, part: str) -> bool:
        if storage.active >= 3:
            together.set()
        assert together.wait(10), "they came one after the other"
        return False

    storage.trouble = trouble
    export("software_inventory", to=tmp_path, format="ndjson", parallel=3)
    assert storage.busiest == 3
    assert read(tmp_path) == expected()


# ---- what goes wrong -----------------------------------------------------------------------------------------------------------------


def test_links_that_end_are_had_anew_and_nothing_is_fetched_twice(
    storage: Storage, download: Any, tmp_path: Path
) -> None:
    served: list[str] = []

    def trouble(handler: Any, part: str) -> bool:
        if len(served) == 2 and storage.generation == 1:
            storage.generation = 2
            storage.blobs = dict(reversed(list(storage.blobs.items())))
        if f"g={storage.generation}&" in handler.path:
            served.append(part)
        return False

    storage.trouble = trouble
    result = download("software_inventory", to=tmp_path, format="ndjson", parallel=2)
    assert (result.renewed, storage.lists) == (1, 2)
    assert read(tmp_path) == expected()
    assert len(served) == len(set(served)) == PARTS


def test_many_links_that_end_at_once_cost_one_listing(storage: Storage, export: Any, tmp_path: Path) -> None:
    together = threading.Event()

    def trouble(handler: Any, part: str) -> bool:
        storage.generation = 2
        if "g=1&" in handler.path:
            if storage.active >= 3:
                together.set()
            assert together.wait(10), "they came one after the other"
        return False

    storage.trouble = trouble
    assert export("software_inventory", to=tmp_path, format="ndjson", parallel=3).renewed == 1
    assert storage.lists == 2
    assert len(fetched(storage)) == PARTS + 3


def test_links_are_had_anew_before_the_storage_refuses_them(storage: Storage, tmp_path: Path) -> None:
    client = xdrkit.Client(**options(storage))

    def later(progress: ExportProgress) -> None:
        if progress.done == 1:
            storage.life = 3 * 3600
            client._core.sleep(2 * 3600)

    result = client.exports.download("software_inventory", to=tmp_path, format="ndjson", parallel=1, progress=later)
    assert (result.renewed, storage.lists) == (1, 2)
    assert len(fetched(storage)) == PARTS
    assert read(tmp_path) == expected()


def test_a_wrong_clock_costs_no_listings(storage: Storage, export: Any, tmp_path: Path) -> None:
    storage.life = -3600
    assert export("software_inventory", to=tmp_path, format="ndjson").renewed == 0
    assert storage.lists == 1


def test_a_link_that_is_refused_again_and_again_is_an_error(storage: Storage, export: Any, tmp_path: Path) -> None:
    def trouble(handler: Any, part: str) -> bool:
        if part == name(3):
            handler.answer(403, b"<Error><Code>AuthorizationFailure</Code></Error>")
        return part == name(3)

    storage.trouble = trouble
    with pytest.raises(errors.PermissionDeniedError, match="part-00003") as raised:
        export("software_inventory", to=tmp_path, format="ndjson")
    assert raised.value.code == "AuthorizationFailure"
    assert storage.lists == 3
    storage.trouble = None
    assert export("software_inventory", to=tmp_path, format="ndjson").rows == PARTS * ROWS
    assert read(tmp_path) == expected()


def test_a_connection_that_breaks_in_a_part_is_taken_up(storage: Storage, download: Any, tmp_path: Path) -> None:
    broken: set[str] = set()

    def trouble(handler: Any, part: str) -> bool:
        if part in broken:
            return False
        broken.add(part)
        cut(storage.blobs[part], 300, tag=part != name(2))(handler)
        return True

    storage.trouble = trouble
    assert download("software_inventory", to=tmp_path, format="ndjson").rows == PARTS * ROWS
    assert read(tmp_path) == expected()
    ranges = [path for _, path, headers in storage.seen if "range" in headers]
    assert len(ranges) == PARTS - 1, "each but the one that nothing proves to be the same"


@pytest.mark.parametrize("damage", ["cut", "flipped", "not gzip", "no lines"])
def test_a_damaged_part_is_fetched_again_and_then_an_error(
    storage: Storage, export: Any, tmp_path: Path, damage: str
) -> None:
    whole = storage.blobs[name(2)]
    middle = len(whole) // 2
    storage.blobs[name(2)] = {
        "cut": whole[:-5],
        "flipped": whole[:middle] + bytes([whole[middle] ^ 0x55]) + whole[middle + 1 :],
        "not gzip": b'{"deviceId":"d"}',
        "no lines": gzip.compress(b"<html>"),
    }[damage]
    with pytest.raises(errors.BadResponseError, match="part-00002") as raised:
        export("software_inventory", to=tmp_path, format="ndjson", parallel=1)
    assert fetched(storage).count(name(2)) == 3
    assert raised.value.url == f"{storage.url}/store/{name(2)}"
    assert visible(tmp_path) == ["manifest.json", "part-00001.ndjson", "part-00002.ndjson"], "and nothing half"
    storage.blobs[name(2)] = whole
    result = export("software_inventory", to=tmp_path, format="ndjson")
    assert (result.resumed, result.rows) == (2, PARTS * ROWS)
    assert read(tmp_path) == expected()
    assert fetched(storage).count(name(0)) == fetched(storage).count(name(1)) == 1


def test_a_snapshot_that_is_over_is_set_aside_and_the_next_one_begun(
    storage: Storage, download: Any, tmp_path: Path
) -> None:
    new = {name(i, "s2"): packed(rows_of(10 + i, ROWS)) for i in range(3)}

    def trouble(handler: Any, part: str) -> bool:
        if part == name(2):
            storage.blobs, storage.generated, storage.generation = new, "2026-11-21T12:00:00Z", 2
        return False

    storage.trouble = trouble
    result = download("software_inventory", to=tmp_path, format="ndjson", parallel=1)
    assert result.generated_time == "2026-11-21T12:00:00Z"
    assert (result.rows, result.parts, result.resumed, result.renewed) == (3 * ROWS, 3, 0, 1)
    assert read(tmp_path) == expected(range(10, 13))
    assert result.superseded == tmp_path / "older-2026-11-21T06_00_00Z"
    assert read(result.superseded) == expected(range(2)), "what was whole is still there"
    assert manifest(result.superseded)["complete"] is False


def test_snapshots_that_never_stay_end_in_an_error(storage: Storage, export: Any, tmp_path: Path) -> None:
    def trouble(handler: Any, part: str) -> bool:
        storage.generation += 1
        storage.generated = f"snapshot {storage.generation}"
        return False

    storage.trouble = trouble
    with pytest.raises(errors.ServiceError, match="replaced the snapshot 3 times"):
        export("software_inventory", to=tmp_path, format="ndjson", parallel=1)


CHILD = """
import sys, xdrkit
client = xdrkit.Client(credential=xdrkit.StaticTokenCredential("t"), base_url=sys.argv[1])
client.exports.download("software_inventory", to=sys.argv[2], format=sys.argv[3], parallel=2)
"""


@pytest.mark.parametrize("format", ["ndjson", "parquet"])
def test_after_kill_9_it_goes_on_with_nothing_lost_and_nothing_twice(
    storage: Storage, export: Any, tmp_path: Path, format: str
) -> None:
    stuck, go = threading.Event(), threading.Event()

    def trouble(handler: Any, part: str) -> bool:
        if part != name(4):
            return False
        body = storage.blobs[part]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        stuck.set()
        go.wait(20)
        handler.close_connection = True
        return True

    storage.trouble = trouble
    child = subprocess.Popen([sys.executable, "-c", CHILD, storage.url, str(tmp_path), format])
    try:
        assert stuck.wait(30)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            done = [part for part in manifest(tmp_path)["parts"] if "sha256" in part]
            if len(done) == PARTS - 1:
                break
            time.sleep(0.005)
        assert any(file.endswith(".part") for file in visible(tmp_path)), "it was killed while it wrote"
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        go.set()
    before = {file: (tmp_path / file).stat().st_mtime_ns for file in visible(tmp_path) if file.startswith("part-")}
    storage.trouble = None
    storage.seen.clear()
    result = export("software_inventory", to=tmp_path, format=format)
    assert (result.rows, result.resumed) == (PARTS * ROWS, PARTS - 1)
    assert fetched(storage) == [name(4)]
    assert visible(tmp_path) == ["manifest.json", *(f"part-{i + 1:05}.{format}" for i in range(PARTS))]
    for part in done:
        assert (tmp_path / part["file"]).stat().st_mtime_ns == before[part["file"]]
    if format == "ndjson":
        assert read(tmp_path) == expected()


def test_cancelling_leaves_what_is_whole_and_nothing_else(storage: Storage, export: Any, tmp_path: Path) -> None:
    stuck, go = threading.Event(), threading.Event()

    def trouble(handler: Any, part: str) -> bool:
        if part == name(2):
            stuck.set()
            go.wait(20)
        return False

    storage.trouble = trouble

    async def main() -> None:
        async with xdrkit.AsyncClient(**options(storage)) as client:
            work = asyncio.ensure_future(
                client.exports.download("software_inventory", to=tmp_path, format="ndjson", parallel=1)
            )
            await asyncio.get_running_loop().run_in_executor(None, stuck.wait, 20)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work

    asyncio.run(main())
    go.set()
    storage.trouble = None
    assert export("software_inventory", to=tmp_path, format="ndjson").resumed == 2
    assert read(tmp_path) == expected()


def test_a_progress_function_that_fails_ends_it_and_leaves_the_folder_free(
    storage: Storage, download: Any, tmp_path: Path
) -> None:
    def fail(progress: ExportProgress) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        download("software_inventory", to=tmp_path, format="ndjson", progress=fail)
    assert download("software_inventory", to=tmp_path, format="ndjson").rows == PARTS * ROWS


def test_progress_may_be_a_coroutine(storage: Storage, tmp_path: Path) -> None:
    told: list[int] = []

    async def tell(progress: ExportProgress) -> None:
        await asyncio.sleep(0)
        told.append(progress.done)

    async def main() -> None:
        async with xdrkit.AsyncClient(**options(storage)) as client:
            await client.exports.download("software_inventory", to=tmp_path, format="ndjson", progress=tell)

    asyncio.run(main())
    assert told == sorted(told)
    assert told[-1] == PARTS


# ---- what the folder holds already ---------------------------------------------------------------------------------------------------


def test_a_whole_export_is_not_fetched_again(storage: Storage, download: Any, tmp_path: Path) -> None:
    first = download("software_inventory", to=tmp_path, format="ndjson")
    storage.seen.clear()
    again = download("software_inventory", to=tmp_path, format="ndjson")
    assert fetched(storage) == []
    assert (again.rows, again.files, again.resumed) == (first.rows, first.files, PARTS)


def test_a_part_that_somebody_changed_or_removed_is_fetched_again(
    storage: Storage, export: Any, tmp_path: Path
) -> None:
    files = export("software_inventory", to=tmp_path, format="ndjson").files
    files[1].write_bytes(files[1].read_bytes().replace(b"1-0", b"x-x"))
    files[3].unlink()
    storage.seen.clear()
    assert export("software_inventory", to=tmp_path, format="ndjson").resumed == PARTS - 2
    assert sorted(fetched(storage)) == sorted([name(1), name(3)])
    assert read(tmp_path) == expected()


def test_another_export_format_or_snapshot_is_refused_and_nothing_is_touched(
    storage: Storage, download: Any, tmp_path: Path
) -> None:
    download("software_inventory", to=tmp_path, format="ndjson")
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    storage.seen.clear()
    for arguments in ({"name": "vulnerabilities", "format": "ndjson"}, {"name": "software_inventory"}):
        with pytest.raises(errors.InvalidArgumentError, match=r"^to: .* holds software_inventory as ndjson"):
            download(to=tmp_path, **arguments)
    assert storage.seen == [], "that is known without asking"
    storage.generated = "2026-11-21T12:00:00Z"
    with pytest.raises(errors.InvalidArgumentError, match=r"^to: .* the whole export of 2026-11-21T06:00:00Z"):
        download("software_inventory", to=tmp_path, format="ndjson")
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_beginning_anew_sets_aside_what_was_there(storage: Storage, download: Any, tmp_path: Path) -> None:
    download("software_inventory", to=tmp_path, format="ndjson")
    for n in ("", "-2"):
        result = download("software_inventory", to=tmp_path, format="ndjson", resume=False)
        assert result.superseded == tmp_path / f"older-2026-11-21T06_00_00Z{n}"
        assert read(result.superseded) == read(tmp_path) == expected()


def test_a_half_export_of_an_older_snapshot_is_set_aside(storage: Storage, export: Any, tmp_path: Path) -> None:
    whole = storage.blobs.pop(name(3))
    storage.blobs[name(3)] = b"damaged"
    with pytest.raises(errors.BadResponseError):
        export("software_inventory", to=tmp_path, format="ndjson", parallel=1)
    storage.blobs[name(3)] = whole
    storage.generated = "2026-11-21T12:00:00Z"
    result = export("software_inventory", to=tmp_path, format="ndjson")
    assert sorted(row["deviceId"] for row in read(tmp_path)) == sorted(row["deviceId"] for row in expected())
    assert result.superseded is not None
    assert len(read(result.superseded)) == (PARTS - 1) * ROWS


def test_only_one_may_write_to_a_folder(storage: Storage, tmp_path: Path) -> None:
    client = xdrkit.Client(**options(storage))
    first = client._core.export("software_inventory", tmp_path, {"format": "ndjson"})
    first.next()
    with pytest.raises(errors.FileError, match="another export is writing"):
        client.exports.download("software_inventory", to=tmp_path, format="ndjson")
    first.close()
    assert client.exports.download("software_inventory", to=tmp_path, format="ndjson").rows == PARTS * ROWS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "software_inventry"},
            r'^name: "software_inventry" is not allowed; it is "av_health", .* Did you mean',
        ),
        ({"name": "exports.vulnerabilities_files"}, "^name: "),
        ({"format": "csv"}, r'^format: "csv" is not allowed; it is "parquet", "ndjson" or "arrow"'),
        ({"parallel": 0}, "^parallel: 0 is not allowed; it is 1 to 16"),
        ({"parallel": 17}, "^parallel: "),
        ({"parallel": "2"}, "^parallel: "),
        ({"hours": 7}, "^hours: "),
        ({"hours": 0}, "^hours: "),
        ({"name": "firmware", "hours": 1}, "^hours: is not offered for firmware"),
        ({"to": ""}, "^to: is empty"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_sent(
    storage: Storage, download: Any, tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.InvalidArgumentError, match=message):
        download(**{"name": "software_inventory", "to": tmp_path / "x", **arguments})
    assert storage.seen == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_of_ours_is_left_alone(storage: Storage, download: Any, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    strangers = tmp_path / "strangers"
    strangers.mkdir()
    (strangers / "part-00001.parquet").write_text("mine")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "manifest.json").write_text('{"manifest": 3}')
    for bad in (file, strangers, foreign):
        with pytest.raises(errors.InvalidArgumentError, match=r"^to: "):
            download("software_inventory", to=bad, resume=False)
    assert storage.seen == []
    assert (strangers / "part-00001.parquet").read_text() == "mine"


def test_a_link_to_an_unsafe_place_is_refused(storage: Storage, download: Any, tmp_path: Path) -> None:
    storage.place = "http://files.example"
    with pytest.raises(errors.UnsafeUrlError, match="plain http"):
        download("software_inventory", to=tmp_path)
    assert fetched(storage) == []


def test_no_signature_shows_anywhere(storage: Storage, export: Any, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, logger="xdrkit")
    _core.set_log_level(10)
    whole = storage.blobs[name(1)]
    storage.blobs[name(1)] = b"damaged"
    seen = []
    for trouble in (None, lambda handler, part: handler.answer(403, handler.path.encode()) or True):
        storage.trouble = trouble
        with pytest.raises(errors.XdrError) as raised:
            export("software_inventory", to=tmp_path, format="ndjson")
        seen += [str(raised.value), repr(raised.value), repr(raised.value.__dict__)]
    storage.trouble, storage.blobs[name(1)] = None, whole
    seen.append(repr(export("software_inventory", to=tmp_path, format="ndjson")))
    end = time.monotonic() + 2
    while "-> 403" not in caplog.text and time.monotonic() < end:
        time.sleep(0.005)
    _core.set_log_level(255)
    text = "\n".join([caplog.text, *seen, (tmp_path / "manifest.json").read_text()])
    assert "-> 403" in text, "nothing was logged, so nothing was proved"
    assert SIGNATURE not in text
    assert TOKEN not in text


def test_the_native_list_of_exports_is_the_one_of_the_signature(root: Path) -> None:
    source = (root / "python" / "xdrkit" / "_flows" / "exports.py").read_text(encoding="utf-8")
    listed = textwrap.dedent(source.split("name: Literal[")[1].split("]")[0])
    assert sorted(_core.exports()) == [word.strip().strip('"') for word in listed.split(",") if word.strip()]


# ---- the sandbox's exports -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", _core.exports())
def test_every_export_of_the_sandbox_arrives_in_columns(sb: xdrkit.Sandbox, tmp_path: Path, which: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with sb.client(_virtual_clock=True) as client:
        rows = list(client.exports.rows(which))
        columns = client.exports.download(which, to=tmp_path / "p")
        lines = client.exports.download(which, to=tmp_path / "n", format="ndjson")
    assert rows
    assert read(tmp_path / "n") == rows
    assert columns.rows == lines.rows == len(rows)
    found = [row for file in columns.files for row in parquet.read_table(file).to_pylist()]
    for row, sent in zip(found, rows):
        folded = {key.lower(): value for key, value in sent.items()}
        assert row["deviceId"] == folded["deviceid"]
        left = json.loads(row["_more"] or "{}")
        there = {key.lower() for key, value in row.items() if value is not None} | {key.lower() for key in left}
        lost = {key for key, value in folded.items() if value not in (None, "") and key not in there}
        assert all(str(folded[key]).startswith("0001-01-01") for key in lost), lost


def test_links_of_the_sandbox_that_end_are_had_anew(sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    def later(progress: ExportProgress) -> None:
        if progress.done == 1:
            sb.advance(2 * 3600)

    with sb.client() as client:
        result = client.exports.download("software_inventory", to=tmp_path, format="ndjson", parallel=1, progress=later)
        assert result.renewed == 1
        assert result.superseded is None
        assert read(tmp_path) == list(client.exports.rows("software_inventory"))


# ---- rows and changes, without a disk ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sync", "async"])
def items(request: pytest.FixtureRequest, storage: Storage) -> Callable[..., list[Any]]:
    """`items(verb, …)`: what a stream of either client gives."""
    if request.param == "sync":
        return lambda verb, *args, **more: list(getattr(xdrkit.Client(**options(storage)).exports, verb)(*args, **more))

    def run(verb: str, *args: Any, **more: Any) -> list[Any]:
        async def main() -> list[Any]:
            async with xdrkit.AsyncClient(**options(storage)) as client:
                return [item async for item in getattr(client.exports, verb)(*args, **more)]

        return asyncio.run(main())

    return run


def test_rows_come_once_and_in_order_over_broken_connections_and_ended_links(storage: Storage, items: Any) -> None:
    broken: set[str] = set()

    def trouble(handler: Any, part: str) -> bool:
        if part == name(4) and storage.generation == 1:
            storage.generation = 2
        if part in broken:
            return False
        broken.add(part)
        cut(storage.blobs[part], len(storage.blobs[part]) - 20, tag=part != name(2))(handler)
        return True

    storage.trouble = trouble
    assert items("rows", "software_inventory") == expected()
    assert storage.lists == 2


def test_rows_of_a_long_part_that_begins_anew_are_not_given_twice(storage: Storage, items: Any) -> None:
    long = rows_of(1, 5000)
    storage.blobs = {name(0): packed(long)}
    broken: list[bool] = [True]

    def trouble(handler: Any, part: str) -> bool:
        if not broken:
            return False
        broken.pop()
        cut(storage.blobs[part], len(storage.blobs[part]) * 3 // 4, tag=False)(handler)
        return True

    storage.trouble = trouble
    assert items("rows", "software_inventory") == long


def test_rows_of_a_snapshot_that_is_over_end_in_an_error(storage: Storage, items: Any) -> None:
    def trouble(handler: Any, part: str) -> bool:
        if part == name(2):
            storage.generation, storage.generated = 2, "later"
        return False

    storage.trouble = trouble
    with pytest.raises(errors.ServiceError, match="replaced the snapshot"):
        items("rows", "software_inventory")


def test_a_walk_that_is_given_up_ends(storage: Storage) -> None:
    client = xdrkit.Client(**options(storage))
    walk = client.exports.rows("software_inventory")
    assert next(iter(walk)) == expected()[0]
    del walk
    client.close()


def test_a_machine_that_moved_was_not_fixed(sb: xdrkit.Sandbox) -> None:
    from xdrkit._flow import iterate
    from xdrkit._flows import exports

    def item(id: str, status: str, group: int, moment: str) -> dict[str, Any]:
        return {"id": id, "status": status, "rbacGroupId": group, "eventTimestamp": moment}

    moved = [item("moved", "Fixed", 1, "2026-11-20T10:00:00Z"), item("moved", "New", 2, "2026-11-20T10:00:00Z")]
    fixed = [item("fixed", "New", 1, "2026-11-19T10:00:00Z"), item("fixed", "Fixed", 1, "2026-11-20T10:00:00Z")]
    later = [item("later", "New", 2, "2026-11-18T10:00:00Z"), item("later", "Fixed", 1, "2026-11-20T10:00:00Z")]
    alone = [item("alone", "Fixed", 1, "2026-11-20T10:00:00Z"), item("up", "Updated", 1, "2026-11-20T10:00:00Z")]
    pages = [[moved[0], *fixed, alone[1]], [moved[1], *later, alone[0]]]

    class Core:
        def pages(self, operation: str, arguments: dict[str, Any], options: Any) -> Any:
            assert (operation, arguments) == ("exports.vulnerability_changes", {"since": "7d"})
            left = iter(pages)
            return type("Cursor", (), {"next": lambda self: next(left, None)})()

    class Resource:
        _core = Core()

    found = list(iterate(Resource._core, exports.changes(Resource(), "7d")))  # type: ignore[arg-type]
    assert found == [fixed[0], alone[1], moved[1], later[0], fixed[1], later[1], alone[0]]
    kept = list(iterate(Resource._core, exports.changes(Resource(), "7d", moved="keep")))  # type: ignore[arg-type]
    assert kept == [*pages[0], *pages[1]]
    with pytest.raises(errors.InvalidArgumentError, match=r"^moved: "):
        list(iterate(Resource._core, exports.changes(Resource(), "7d", moved="x")))  # type: ignore[arg-type]
