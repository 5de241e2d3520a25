"""`cache=`: what was paid for once is not asked for again, nobody sees another's answer, and nothing that may have changed is believed."""

from __future__ import annotations

import os
import pickle
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import HuntCache, ServiceError, _core
from xdrkit._windows import when
from xdrkit.errors import FileError, InvalidArgumentError, PartialResultError

from .faces import Face, Faces, operations_of
from .fake_service import NOW, Rows, Service, at, patch
from .test_split import hunter

A = at("2026-11-01T00:00:00Z")
WINDOW = {"since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
# 2026-11-18, by the fake service's clock.
DAY = 86_400


class Tenant(Service):
    """A service that says who asks."""

    who: dict[str, Any] = {"kind": "app", "tenant_id": "t", "client_id": "c", "user": None}  # noqa: RUF012

    def whoami(self, service: str) -> dict[str, Any]:
        return self.who

    async def whoami_async(self, service: str) -> dict[str, Any]:
        return self.who


def read(path: str) -> Any:
    try:
        return pickle.loads(Path(path).read_bytes())
    except (pickle.PickleError, EOFError, IndexError) as error:
        raise ValueError(str(error)) from error


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Tenant:
    patch(monkeypatch)
    monkeypatch.setattr(_core, "read_parquet", read, raising=False)
    monkeypatch.setattr(Rows, "parquet", lambda self, path: Path(path).write_bytes(pickle.dumps(self)), raising=False)
    return Tenant([(A + k, k) for k in range(5)])


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_window_that_is_over_is_asked_for_once_and_for_ever(service: Tenant, tmp_path: Path, is_async: bool) -> None:
    client = hunter(service, is_async)
    first = client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    service.time += 400 * DAY
    again = client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    assert again == first
    assert len(service.asked) == 1
    assert (again.stats["cached"], again.stats["requests"]) == (1, 0)
    assert again.window == first.window


def test_a_window_that_moves_is_believed_for_a_while(service: Tenant, tmp_path: Path, is_async: bool) -> None:
    client = hunter(service, is_async)
    cache = HuntCache(tmp_path, max_age="15m")
    for since in ("7d", timedelta(days=7)):
        service.asked.clear()
        for wait, asked in ((0, 1), (899, 1), (2, 2), (0, 2), (-1000, 3)):
            service.time += wait
            client.hunt("DeviceEvents", since=since, cache=cache)
            assert len(service.asked) == asked
        service.time = NOW


@pytest.mark.parametrize(
    "query",
    ["DeviceEvents | where Timestamp > ago(1h)", "DeviceEvents | extend n = now()", "DeviceTvmSoftwareInventory"],
)
def test_a_query_that_names_the_present_is_not_kept_for_ever(
    service: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    patch(monkeypatch, tables=[query.split(" ")[0]])
    client = hunter(service)
    for wait, asked in ((0, 1), (10, 1), (DAY, 2)):
        service.time += wait
        client.hunt(query, **WINDOW, cache=tmp_path)
        assert len(service.asked) == asked


def test_a_window_whose_rows_may_still_arrive_is_believed_for_a_while(service: Tenant, tmp_path: Path) -> None:
    client = hunter(service)
    until = "2026-11-18T10:00:00Z"
    service.time = at(until) / 10_000_000 - 62_135_596_800 + 3599
    for wait, asked in ((0, 1), (0, 1), (DAY, 2), (DAY, 2)):
        service.time += wait
        client.hunt("DeviceEvents", since="2026-11-18", until=until, cache=tmp_path)
        assert len(service.asked) == asked


def test_only_the_same_question_of_the_same_asker_is_answered_from_it(service: Tenant, tmp_path: Path) -> None:
    client = hunter(service)
    client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    others: list[dict[str, Any]] = [
        {"query": "DeviceEvents | take 1"},
        {"since": "2026-11-01T00:00:00.0000001Z"},
        {"until": "2026-11-01T23:59:59.9999999Z"},
        {"api": "graph"},
        {"query": "DeviceEvents | take x", "params": {"x": 1}},
        {"query": "DeviceEvents | take x", "params": {"x": 2}},
    ]
    for count, other in enumerate(others, 2):
        arguments = {"query": "DeviceEvents", **WINDOW, **other}
        client.hunt(arguments.pop("query"), **arguments, cache=tmp_path)
        assert len(service.asked) == count, other
    for who in (
        {"tenant_id": "t2"},
        {"client_id": "c2"},
        {"kind": "user", "user": "ann@x"},
        {"kind": "user", "user": "bob@x"},
    ):
        service.who = {**Tenant.who, **who}
        count = len(service.asked)
        client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
        client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
        assert len(service.asked) == count + 1, who
    service.who = dict(Tenant.who)
    count = len(service.asked)
    client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    assert len(service.asked) == count


def test_who_cannot_be_known_gets_nothing_from_it(service: Tenant, tmp_path: Path) -> None:
    service.who = {"kind": "unknown", "tenant_id": None, "client_id": None, "user": None}
    for _ in range(2):
        hunter(service).hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    assert len(service.asked) == 2
    assert list(tmp_path.iterdir()) == []


def test_pieces_are_kept_one_by_one_so_that_a_broken_hunt_goes_on(
    service: Tenant, tmp_path: Path, is_async: bool
) -> None:
    client = hunter(service, is_async)
    service.fails = lambda o: ServiceError("down", status=500) if o["since"] == "2026-11-01T12:00:00Z" else None
    with pytest.raises(PartialResultError):
        client.hunt("DeviceEvents", **WINDOW, split="6h", cache=tmp_path)
    service.fails = lambda o: None
    service.asked.clear()
    found = client.hunt("DeviceEvents", **WINDOW, split="6h", cache=tmp_path)
    assert [o["since"] for o in service.asked] == ["2026-11-01T12:00:00Z"]
    assert len(found) == 5
    assert (found.stats["cached"], found.stats["pieces"]) == (3, 4)


def test_what_is_cut_off_is_never_kept(service: Tenant, tmp_path: Path) -> None:
    service.rows_cap = 3
    for options in ({}, {"split": "1d"}):
        with pytest.warns(xdrkit.TruncatedResultWarning):
            hunter(service).hunt("DeviceEvents", **WINDOW, **options, cache=HuntCache(tmp_path))
    kept = [read(str(path)) for path in tmp_path.iterdir()]
    assert all(table.truncated is None and len(table) == 0 for table in kept)


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\0" * 100])
def test_a_damaged_file_is_ignored_and_written_anew(service: Tenant, tmp_path: Path, damage: bytes) -> None:
    client = hunter(service)
    client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    assert len(client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)) == 5
    client.hunt("DeviceEvents", **WINDOW, cache=tmp_path)
    assert len(service.asked) == 2


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_files_are_their_owners_alone(service: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    hunter(service).hunt("DeviceEvents", **WINDOW, cache=folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(FileError, match="others may write") as caught:
        hunter(service).hunt("DeviceEvents", **WINDOW, cache=shared)
    assert caught.value.filename == str(shared)


def test_a_link_is_not_followed(service: Tenant, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    hunter(service).hunt("DeviceEvents", **WINDOW, cache=folder)
    (path,) = folder.iterdir()
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    hunter(service).hunt("DeviceEvents", **WINDOW, cache=folder)
    assert len(service.asked) == 2
    assert not path.is_symlink()


def test_it_can_be_cleared_and_stays_within_its_size(service: Tenant, tmp_path: Path) -> None:
    cache = HuntCache(tmp_path)
    (tmp_path / "mine.txt").write_text("x")
    client = hunter(service)
    client.hunt("DeviceEvents", **WINDOW, cache=cache, split="6h")
    assert cache.size > 0
    assert "4 answers" in repr(cache)
    one = cache.size // 4
    small = HuntCache(tmp_path, max_bytes=int(one * 2.5))
    client.hunt("DeviceEvents | take 1", **WINDOW, cache=small)
    assert 0 < small.size <= one * 2.5
    assert cache.clear() > 0
    assert cache.size == cache.clear() == 0
    assert (tmp_path / "mine.txt").exists()


def test_a_cache_that_cannot_be_written_fails_no_hunt(
    service: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Any, path: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Rows, "parquet", full, raising=False)
    with pytest.warns(RuntimeWarning, match="No space left"):
        assert len(hunter(service).hunt("DeviceEvents", **WINDOW, cache=tmp_path)) == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"path": ""}, "cache"),
        ({"path": 5}, "cache"),
        ({"path": "x", "max_age": "1y"}, "max_age"),
        ({"path": "x", "settle": 5}, "settle"),
        ({"path": "x", "max_bytes": -1}, "max_bytes"),
    ],
)
def test_what_is_wrong_is_refused(arguments: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidArgumentError) as caught:
        HuntCache(**arguments)
    assert caught.value.argument == name


def test_against_a_tenant_values_come_back_as_they_were(
    face: Face, faces: Faces, sb: xdrkit.Sandbox, tmp_path: Path
) -> None:
    query = "DeviceProcessEvents | project Timestamp, DeviceName, ProcessId, AdditionalFields, IsInitiatingProcessRemoteSession"
    now = when(until="2h").window[1]
    window = {"since": "2026-01-01", "until": now}
    first = face("hunt", query, **window, cache=tmp_path)
    again = faces()("hunt", query, **window, cache=tmp_path)
    assert again == first
    assert again.schema == first.schema
    assert again.stats["cached"] == 1
    assert operations_of(sb) == ["graph.hunting.run"]
