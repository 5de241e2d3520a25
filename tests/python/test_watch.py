"""Watching: each item once and none lost, whatever the service and the program do in between. Sync and async alike."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit

from .fake_tenant import TENANT, FakeTenant, Side, ago, failure, token_of

ALERTS, INCIDENTS = "/api/alerts", "/api/incidents"


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param == "async")


@pytest.fixture
def tenant() -> Iterator[FakeTenant]:
    with FakeTenant() as running:
        yield running


def alert(id: str, changed: str, created: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "lastUpdateTime": changed, "alertCreationTime": created or changed, **more}


def ids(items: list[Any]) -> list[str]:
    return [item["id"] for item in items]


def once(side: Side, tenant: FakeTenant, bookmark: Any = None, **named: Any) -> list[str]:
    return ids(side.loop(tenant, "alerts.watch", once=True, bookmark=bookmark, **named))


def test_items_come_oldest_first_and_each_once(side: Side, tenant: FakeTenant) -> None:
    tenant.lists[ALERTS] = [alert("c", ago(10)), alert("a", ago(30)), alert("b", ago(20))]
    seen: list[str] = []

    def body(item: Any) -> bool:
        seen.append(item["id"])
        if item["id"] == "c":
            tenant.lists[ALERTS].append(alert("d", ago(5)))
        return item["id"] == "d"

    side.loop(tenant, "alerts.watch", body, since="1h", poll=1)
    assert seen == ["a", "b", "c", "d"]


def test_a_bookmark_lets_a_new_client_go_on_where_the_old_one_was(
    side: Side, tenant: FakeTenant, tmp_path: Path
) -> None:
    mark = tmp_path / "alerts.json"
    tenant.lists[ALERTS] = [alert("a", ago(30)), alert("b", ago(20))]
    assert once(side, tenant, mark, since="1h") == ["a", "b"]
    assert once(side, tenant, mark) == []
    tenant.lists[ALERTS].append(alert("c", ago(10)))
    assert once(side, tenant, str(mark)) == ["c"]


def test_without_since_it_begins_as_long_ago_as_the_overlap(side: Side, tenant: FakeTenant) -> None:
    tenant.lists[ALERTS] = [alert("old", ago(700)), alert("new", ago(60))]
    assert once(side, tenant) == ["new"]
    assert once(side, tenant, overlap="15m") == ["old", "new"]


def test_items_of_one_moment_are_all_found_though_they_show_up_one_by_one(
    side: Side, tenant: FakeTenant, tmp_path: Path
) -> None:
    moment = ago(20, "7")
    for n in range(4):
        tenant.lists[ALERTS].append(alert(str(n), moment))
        assert once(side, tenant, tmp_path / "b", since="1h", overlap=0) == [str(n)]


def test_what_shows_up_late_is_found_within_the_overlap_only(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    tenant.lists[ALERTS] = [alert("a", ago(100))]
    assert once(side, tenant, tmp_path / "b", since="1h", overlap=60) == ["a"]
    tenant.lists[ALERTS] += [alert("late", ago(155)), alert("too late", ago(165))]
    assert once(side, tenant, tmp_path / "b", overlap=60) == ["late"]


def test_nothing_before_since_comes_because_of_the_overlap(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    tenant.lists[ALERTS] = [alert("before", ago(200)), alert("a", ago(100))]
    assert once(side, tenant, tmp_path / "b", since=ago(150), overlap="10m") == ["a"]
    assert once(side, tenant, tmp_path / "b", overlap="10m") == []


def test_a_change_comes_again_and_only_the_new_where_that_is_wanted(
    side: Side, tenant: FakeTenant, tmp_path: Path
) -> None:
    tenant.lists[ALERTS] = [alert("a", ago(100))]
    assert once(side, tenant, tmp_path / "all", since="1h") == ["a"]
    assert once(side, tenant, tmp_path / "new", since="1h", updates=False) == ["a"]
    tenant.lists[ALERTS] = [alert("a", ago(50), ago(100)), alert("b", ago(40))]
    assert once(side, tenant, tmp_path / "all") == ["a", "b"]
    assert once(side, tenant, tmp_path / "new", updates=False) == ["b"]
    assert "alertCreationTime ge" in tenant.requests[-1][2]["$filter"]


def test_a_moment_in_the_future_hides_nothing(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    tenant.lists[ALERTS] = [alert("a", ago(30)), alert("from a wrong clock", ago(-7200))]
    assert len(once(side, tenant, tmp_path / "b", since="1h")) == 2
    tenant.lists[ALERTS].append(alert("b", ago(1)))
    assert once(side, tenant, tmp_path / "b") == ["b"]


def test_the_filter_is_kept_together_whatever_it_says(side: Side, tenant: FakeTenant) -> None:
    tenant.lists[ALERTS] = [alert("a", ago(30), severity="High"), alert("b", ago(20), severity="Low")]
    assert once(side, tenant, since="1h", filter="severity eq 'High'") == ["a"]
    assert tenant.requests[-1][2]["$filter"].startswith("(severity eq 'High') and lastUpdateTime ge ")


def test_what_is_older_than_a_day_comes_a_day_at_a_time(side: Side, tenant: FakeTenant) -> None:
    day = 86_400
    tenant.lists[ALERTS] = [alert(str(n), ago(n * day)) for n in range(9)]
    assert once(side, tenant, since="10d") == [str(n) for n in reversed(range(9))]
    windows = [query["$filter"] for _, path, query, _ in tenant.requests if path == ALERTS]
    assert len(windows) == 9
    assert all(" lt " in window for window in windows[:-1])
    assert " lt " not in windows[-1]


# What is written when


def test_what_the_program_died_on_comes_again_and_what_was_done_does_not(
    side: Side, tenant: FakeTenant, tmp_path: Path
) -> None:
    tenant.lists[ALERTS] = [alert(str(n), ago(100 - n)) for n in range(5)]

    class DiedError(Exception):
        pass

    def body(item: Any) -> bool:
        if item["id"] == "3":
            raise DiedError
        return False

    with pytest.raises(DiedError):
        side.loop(tenant, "alerts.watch", body, since="1h", bookmark=tmp_path / "b")
    assert once(side, tenant, tmp_path / "b") == ["3", "4"]


def test_leaving_the_loop_keeps_what_was_done(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    tenant.lists[ALERTS] = [alert(str(n), ago(100 - n)) for n in range(5)]
    side.loop(tenant, "alerts.watch", lambda item: item["id"] == "2", since="1h", bookmark=tmp_path / "b")
    assert once(side, tenant, tmp_path / "b") == ["2", "3", "4"]


def test_a_limit_ends_it_with_all_kept(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    tenant.lists[ALERTS] = [alert(str(n), ago(100 - n)) for n in range(5)]
    named = {"since": "1h", "bookmark": tmp_path / "b"}
    assert ids(side.loop(tenant, "alerts.watch", limit=2, **named)) == ["0", "1"]
    assert ids(side.loop(tenant, "alerts.watch", limit=3, **named)) == ["2", "3", "4"]
    assert once(side, tenant, tmp_path / "b") == []


def test_a_killed_program_loses_nothing(tenant: FakeTenant, tmp_path: Path, python: str) -> None:
    tenant.lists[ALERTS] = [alert(str(n), ago(1000 - n)) for n in range(140)]
    program = textwrap.dedent(
        """
        import os, sys, signal, xdrkit
        url, mark, done, token = sys.argv[1:]
        client = xdrkit.Client(credential=xdrkit.StaticTokenCredential(token), base_url=url)
        for alert in client.alerts.watch(since="1h", bookmark=mark):
            with open(done, "a") as file:
                file.write(alert["id"] + "\\n")
            if alert["id"] == "120":
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done, mark = tmp_path / "done", tmp_path / "b"
    child = subprocess.run([python, "-c", program, tenant.url, str(mark), str(done), token_of(TENANT)], timeout=60)
    assert child.returncode == -9
    before = done.read_text().split()
    after = once(Side(False), tenant, mark)
    assert before == [str(n) for n in range(121)]
    assert sorted({*before, *after}, key=int) == [str(n) for n in range(140)]
    # Those since the last write come again: 100 were written.
    assert after == [str(n) for n in range(100, 140)]


def test_the_bookmark_is_replaced_as_a_whole_and_only_its_owner_reads_it(
    side: Side, tenant: FakeTenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "b"
    tenant.lists[ALERTS] = [alert("a", ago(30))]
    once(side, tenant, mark, since="1h")
    before = mark.read_text()
    assert mark.stat().st_mode & 0o777 == 0o600

    def fails(*_: Any) -> None:
        raise OSError("the disk is full")

    tenant.lists[ALERTS].append(alert("b", ago(20)))
    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(xdrkit.ConfigurationError, match="the disk is full"):
        once(side, tenant, mark)
    assert (mark.read_text(), list(tmp_path.iterdir())) == (before, [mark])
    monkeypatch.undo()
    assert once(side, tenant, mark) == ["b"]


def test_the_bookmark_does_not_grow(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    tenant.lists[ALERTS] = [alert(str(n), ago(2000 - n * 10)) for n in range(150)]
    once(side, tenant, tmp_path / "b", since="1h", overlap=100)
    assert len(json.loads((tmp_path / "b").read_text())["seen"]) == 11


def test_a_store_of_ones_own_is_asked(side: Side, tenant: FakeTenant) -> None:
    class Store:
        text: str | None = None

        def load(self) -> str | None:
            return self.text

        def save(self, text: str) -> None:
            self.text = text

    class AsyncStore:
        text: str | None = None

        async def load(self) -> str | None:
            return self.text

        async def save(self, text: str) -> None:
            self.text = text

    tenant.lists[ALERTS] = [alert("a", ago(30))]
    store = AsyncStore() if side.is_async else Store()
    assert once(side, tenant, store, since="1h") == ["a"]
    assert store.text is not None
    assert once(side, tenant, store) == []


# What is refused


def test_a_bookmark_of_another_watch_is_refused(side: Side, tenant: FakeTenant, tmp_path: Path) -> None:
    mark = tmp_path / "b"
    once(side, tenant, mark)
    named: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("filter", "alerts.watch", {"filter": "severity eq 'High'"}, {}),
        ("operation", "incidents.watch", {}, {}),
        ("updates", "alerts.watch", {"updates": False}, {}),
        ("tenant", "alerts.watch", {}, {"credential": xdrkit.StaticTokenCredential(token_of("9" * 8 + TENANT[8:]))}),
    ]
    for what, method, arguments, client in named:
        with pytest.raises(xdrkit.ConfigurationError, match="belongs to another watch") as caught:
            side.loop(tenant, method, once=True, bookmark=mark, client=client, **arguments)
        assert what in str(caught.value)
    once(side, tenant, mark, overlap="1h", poll=5)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 1, "watch": {}, "floor": "x", "high": "y", "seen": {}}']
)
def test_a_damaged_bookmark_is_an_error_and_no_new_beginning(
    side: Side, tenant: FakeTenant, tmp_path: Path, text: str
) -> None:
    (tmp_path / "b").write_text(text)
    with pytest.raises(xdrkit.ConfigurationError, match="damaged"):
        once(side, tenant, tmp_path / "b", since="1h")
    assert (tmp_path / "b").read_text() == text


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("poll", 0),
        ("poll", "soon"),
        ("overlap", -1),
        ("overlap", True),
        ("limit", 0),
        ("limit", 1.5),
        ("since", "tomorrow"),
        ("since", ago(-3600)),
        ("bookmark", 7),
        ("bookmark", " "),
        ("bookmark", "."),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    side: Side, tenant: FakeTenant, argument: str, value: Any
) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        side.loop(tenant, "alerts.watch", once=True, **{argument: value})
    assert caught.value.argument == argument
    assert tenant.requests == []


# Trouble


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_that_may_pass_is_waited_out_and_told(
    side: Side, tenant: FakeTenant, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    tenant.lists[ALERTS] = [alert("a", ago(30))]
    left = [9]

    def hook(*_: Any) -> Any:
        left[0] -= 1
        return failure(status, "x", "not now") if left[0] >= 0 else None

    tenant.hook = hook
    with caplog.at_level("WARNING", "xdrkit"):
        items = side.loop(tenant, "alerts.watch", limit=1, since="1h")
    assert ids(items) == ["a"]
    assert "alerts.list" in caplog.text
    assert "the watch goes on" in caplog.text


def test_a_failure_between_two_pages_gives_nothing_twice(side: Side, tenant: FakeTenant) -> None:
    tenant.lists[ALERTS] = [alert(str(n), ago(100_000 - n)) for n in range(3)] + [alert("z", ago(5))]

    def hook(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        # The second window fails for as long as the client tries.
        fails = " lt " not in query.get("$filter", "") and len(tenant.requests) < 8
        return failure(500, "x", "not now") if fails else None

    tenant.hook = hook
    assert ids(side.loop(tenant, "alerts.watch", limit=4, since="3d")) == ["0", "1", "2", "z"]


def test_a_single_look_raises_what_may_pass(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = lambda *_: failure(503, "x", "not now")
    with pytest.raises(xdrkit.ServiceError):
        once(side, tenant)


def test_a_missing_permission_ends_it(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = lambda *_: failure(403, "Forbidden", "no")
    with pytest.raises(xdrkit.PermissionDeniedError):
        side.loop(tenant, "alerts.watch")


def test_it_waits_on_the_clients_clock(side: Side, tenant: FakeTenant) -> None:
    asked = 5

    def hook(*_: Any) -> Any:
        if len(tenant.requests) == asked:
            tenant.lists[ALERTS].append(alert("a", ago(-3 * 3600)))
        return None

    tenant.hook = hook
    # Four hours by the client's clock, in no time by that of the test.
    assert ids(side.loop(tenant, "alerts.watch", limit=1, poll="1h")) == ["a"]
    assert len(tenant.requests) == asked


# The other lists


def test_incidents_of_xdr_and_graph_and_alerts_of_graph_are_watched(
    side: Side, tenant: FakeTenant, tmp_path: Path
) -> None:
    tenant.lists[INCIDENTS] = [{"incidentId": 7, "lastUpdateTime": ago(20), "createdTime": ago(20)}]
    graph = {"lastUpdateDateTime": ago(20), "createdDateTime": ago(20)}
    tenant.lists["/v1.0/security/alerts_v2"] = [{"id": "g1", **graph}]
    tenant.lists["/v1.0/security/incidents"] = [{"id": "9", **graph}]
    for method, key, expected in [
        ("incidents.watch", "incidentId", 7),
        ("graph.alerts.watch", "id", "g1"),
        ("graph.incidents.watch", "id", "9"),
    ]:
        mark = tmp_path / method
        found = side.loop(tenant, method, once=True, since="1h", bookmark=mark)
        assert [item[key] for item in found] == [expected]
        assert side.loop(tenant, method, once=True, bookmark=mark) == []
        assert side.loop(tenant, method, once=True, since="1h", updates=False)


def test_the_sandbox_is_watched(side: Side, sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    for method in ("alerts", "incidents", "graph.alerts", "graph.incidents"):
        everything = side.call(sb, f"{method}.list")
        mark = tmp_path / method
        watched = side.loop(sb, f"{method}.watch", once=True, since="60d", bookmark=mark)
        assert len(watched) == len(everything) > 0
        assert side.loop(sb, f"{method}.watch", once=True, bookmark=mark) == []
    changed = side.call(sb, "alerts.list")[0]["id"]
    side.call(sb, "alerts.update", changed, status="Resolved")
    again = side.loop(sb, "alerts.watch", once=True, bookmark=tmp_path / "alerts")
    assert [(item["id"], item["status"]) for item in again] == [(changed, "Resolved")]
