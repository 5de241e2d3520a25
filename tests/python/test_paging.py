"""Lists arrive whole and once each from services that page as badly as the real ones are known to.

Each server here has one of the behaviours that the documentation and the issues report: links that lose their parameters
and go round, ``$top`` that ends a list early, lists that stop at 10,000 without a word, ``$skip`` that is refused, rows that
come and go while one reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs, quote, urlsplit

import pytest

import xdrkit

KEY = "lastUpdateDateTime"
Answer = Callable[[dict[str, str]], "tuple[int, Any]"]


class Service:
    """A server on loopback that answers every request with what `answer` makes of its query."""

    def __init__(self, answer: Callable[[Service, dict[str, str]], Any]) -> None:
        self.asked: list[dict[str, str]] = []
        self.lines: list[str] = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
                service.lines.append(self.path)
                service.asked.append(query)
                answered = answer(service, query)
                status, body = answered if isinstance(answered, tuple) else (200, answered)
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.do_GET()

            def log_message(self, *_: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """Starts servers that end with the test."""
    with contextlib.ExitStack() as stack:

        def start(answer: Callable[[Service, dict[str, str]], Any]) -> Service:
            service = Service(answer)
            stack.callback(service.close)
            return service

        yield start


class Lists:
    """`lists(service, "graph.alerts.list", **arguments)` reads a whole list by either client."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def options(self, service: Service) -> dict[str, Any]:
        return {"credential": lambda scope: "token", "base_url": service.url, "_virtual_clock": True}

    def use(self, service: Service, operation: str, method: str, *values: Any, **arguments: Any) -> Any:
        *resource, verb = operation.split(".")
        if self.kind == "sync":
            with xdrkit.Client(**self.options(service)) as client:
                target: Any = client
                for name in resource:
                    target = getattr(target, name)
                return getattr(getattr(target, verb)(**arguments), method)(*values)

        async def main() -> Any:
            async with xdrkit.AsyncClient(**self.options(service)) as client:
                target: Any = client
                for name in resource:
                    target = getattr(target, name)
                return await getattr(getattr(target, verb)(**arguments), method)(*values)

        return asyncio.run(main())

    def __call__(self, service: Service, operation: str, **arguments: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.use(service, operation, "collect", **arguments)
        return items


@pytest.fixture(params=["sync", "async"])
def lists(request: pytest.FixtureRequest) -> Lists:
    return Lists(request.param)


def rows(n: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": f"r{i}"} for i in range(first, first + n)]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def window(all_rows: list[dict[str, Any]], query: dict[str, str], default: int = 10_000) -> list[dict[str, Any]]:
    """What `$top` and `$skip` ask for."""
    skip = int(query.get("$skip", 0))
    return all_rows[skip : skip + int(query.get("$top", default))]


# The Endpoint service


def test_the_machines_link_that_lost_its_names_is_never_followed(serve: Callable[..., Service], lists: Lists) -> None:
    table = rows(25_000)

    def answer(service: Service, query: dict[str, str]) -> Any:
        page = window(table, query)
        # The link goes round for ever; it comes with the last page, too, as long as that is not empty.
        link = (
            {"@odata.nextLink": f"{service.url}/api/machines?=onboardingstatus%20eq%20x&=10000&$skip=10000"}
            if len(page) > 1
            else {}
        )
        return {"value": page, **link}

    service = serve(answer)
    assert ids(lists(service, "machines.list")) == ids(table)
    assert not any("onboarding" in line for line in service.lines)
    assert len(service.lines) <= 5


def test_a_full_page_without_a_link_is_not_the_end(serve: Callable[..., Service], lists: Lists) -> None:
    table = rows(23_456)
    service = serve(lambda _, query: {"value": window(table, query)})
    assert ids(lists(service, "av_health.list")) == ids(table)
    assert len(service.lines) == 3


def test_short_pages_with_links_are_not_the_end(serve: Callable[..., Service], lists: Lists) -> None:
    table = rows(12_000)

    def answer(service: Service, query: dict[str, str]) -> Any:
        page = window(table, {**query, "$top": "700"})
        more = int(query.get("$skip", 0)) + 700 < len(table)
        return {"value": page, **({"@odata.nextLink": service.url + "/api/machines?x"} if more else {})}

    assert ids(lists(serve(answer), "machines.list")) == ids(table)


def test_rows_that_come_twice_are_given_once(serve: Callable[..., Service], lists: Lists) -> None:
    table = rows(500)
    # Every page repeats five rows of the one before it, and its own first row.
    service = serve(
        lambda _, query: {
            "value": (window(table, query)[:1] + table[max(int(query.get("$skip", 0)) - 5, 0) :])[: int(query["$top"])]
        }
    )
    got = ids(lists(service, "machines.list", page_size=60))
    assert sorted(got) == sorted(ids(table))


@pytest.mark.parametrize("gone", [1, 3, 40, 400])
def test_rows_that_go_away_in_front_make_us_miss_nothing(
    serve: Callable[..., Service], lists: Lists, gone: int
) -> None:
    table = rows(11_000)

    def answer(service: Service, query: dict[str, str]) -> Any:
        page = window(table, query)
        if len(service.lines) in (1, 3):
            del table[:gone]
        return {"value": page}

    service = serve(answer)
    got = ids(lists(service, "machines.list", page_size=1000))
    assert len(got) == len(set(got)), "twice"
    assert set(got) >= set(ids(table)), "missing"
    assert got == ids(rows(11_000)) or len(got) < 11_000


def test_rows_that_come_in_front_and_rows_that_move_there_are_not_lost(
    serve: Callable[..., Service], lists: Lists
) -> None:
    table = rows(3_000)

    def answer(service: Service, query: dict[str, str]) -> Any:
        page = window(table, query)
        if len(service.lines) == 2:
            table.insert(0, {"id": "new"})
            table.insert(0, table.pop(2_500))  # what was changed stands in front now
        return {"value": page}

    got = ids(lists(serve(answer), "machines.list", page_size=1000))
    assert len(got) == len(set(got))
    assert set(got) == set(ids(table))


def test_a_list_that_is_gone_half_way_is_an_end(serve: Callable[..., Service], lists: Lists) -> None:
    def answer(service: Service, query: dict[str, str]) -> Any:
        if len(service.lines) > 1:
            return 404, {"error": {"code": "ResourceNotFound", "message": "No machines"}}
        return {"value": rows(100)}

    assert len(lists(serve(answer), "machines.list", page_size=100)) == 100


def test_a_404_for_an_empty_list_is_an_empty_list(serve: Callable[..., Service], lists: Lists) -> None:
    service = serve(lambda *_: (404, {"error": {"code": "ResourceNotFound", "message": "No machines were found"}}))
    assert lists(service, "machines.list") == []
    with pytest.raises(xdrkit.NotFoundError):
        lists(service, "machines.alerts", id="m1")


def test_a_service_that_does_not_heed_skip_is_an_error_and_not_an_endless_loop(
    serve: Callable[..., Service], lists: Lists
) -> None:
    service = serve(lambda _, query: {"value": rows(int(query["$top"]))})
    with pytest.raises(xdrkit.PagingError, match="skip"):
        lists(service, "machines.list", page_size=100)
    assert len(service.lines) < 20


def test_exports_are_asked_by_page_size_and_never_by_top(serve: Callable[..., Service], lists: Lists) -> None:
    table = [{"DeviceId": f"r{i}"} for i in range(12_000)]

    def answer(service: Service, query: dict[str, str]) -> Any:
        start = int(query.get("$skiptoken", 0))
        size = int(query.get("pageSize") or query.get("pagesize") or 0)
        page = table[start : start + size]
        # `$top` suppresses the link.
        if "$top" in query or start + size >= len(table):
            return {"value": page}
        return {
            "value": page,
            "@odata.nextLink": f"{service.url}/api/machines/SoftwareInventoryByMachine?pagesize={size}&$skiptoken={start + size}",
        }

    service = serve(answer)
    assert lists(service, "exports.software_inventory", page_size=5_000) == table
    assert [q.get("pageSize") for q in service.asked] == ["5000", None, None]
    assert lists(service, "exports.software_inventory", page_size=5_000, top=7_000) == table[:7_000]
    assert not any("$top" in query for query in service.asked)


def test_a_list_inside_of_value_inside_of_value_is_found(serve: Callable[..., Service], lists: Lists) -> None:
    inner = {"@odata.context": "x", "value": [{"key": "tabs", "permissionName": "t"}]}
    for body in ({"value": inner}, {"value": [inner]}, inner["value"]):
        assert lists(serve(lambda *_, body=body: body), "exports.browser_permissions") == inner["value"]


@pytest.mark.parametrize("link", ["https://evil.example/api", "//evil.example/x", "http://127.0.0.1:1/x"])
def test_no_link_leads_to_another_host(serve: Callable[..., Service], lists: Lists, link: str) -> None:
    for operation, arguments in [
        ("exports.software_inventory", {}),
        ("machines.alerts", {"id": "m1"}),
        ("graph.detection_rules.list", {}),
        ("graph.alerts.list", {}),
    ]:
        service = serve(lambda *_: {"value": rows(1), "@odata.nextLink": link})
        with pytest.raises(xdrkit.UnsafeUrlError):
            lists(service, operation, **arguments)
        assert len(service.lines) == 1


# Graph


def moment(at: int) -> str:
    return f"2026-{at // 2_592_000 % 12 + 1:02}-{at // 86_400 % 28 + 1:02}T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}.1234567Z"


def graph(times: list[int], order: str = "own") -> Callable[[Service, dict[str, str]], Any]:
    """Graph as it is: links that skip, and 400 for what skips too far."""
    table = [{"id": f"r{i}", KEY: moment(at)} for i, at in enumerate(times)]
    if order != "own":
        table.sort(key=lambda row: row[KEY], reverse=order == "falling")
    tests = {"ge": str.__ge__, "gt": str.__gt__, "le": str.__le__, "lt": str.__lt__, "eq": str.__eq__, "ne": str.__ne__}

    def fits(row: dict[str, Any], condition: str) -> bool:
        name, operator, value = condition.strip("()").split(" ")
        return tests[operator](str(row.get(name, "new")), value.strip("'"))

    def answer(service: Service, query: dict[str, str]) -> Any:
        skip, top = int(query.get("$skip", 0)), int(query.get("$top", 50))
        if skip > 500:
            message = (
                "The query specified in the URI is not valid. The limit of '500' for Skip query has been exceeded."
            )
            return 400, {"error": {"code": "BadRequest", "message": message}}
        found = [row for row in table if all(fits(row, c) for c in query.get("$filter", "id ne 'none'").split(" and "))]
        body: dict[str, Any] = {"value": found[skip : skip + top]}
        if query.get("$count") == "true":
            body["@odata.count"] = len(found)
        if skip + top < len(found):
            rest = "".join(f"&{name}={quote(value)}" for name, value in query.items() if name not in ("$skip", "$top"))
            body["@odata.nextLink"] = (
                f"{service.url}{urlsplit(service.lines[-1]).path}?$top={top}&$skip={skip + top}{rest}"
            )
        return body

    return answer


@pytest.mark.parametrize("order", ["falling", "rising", "own"])
@pytest.mark.parametrize(("operation", "n"), [("graph.alerts.list", 11_000), ("graph.incidents.list", 1_700)])
def test_graph_gives_all_although_it_skips_through_500_only(
    serve: Callable[..., Service], lists: Lists, operation: str, n: int, order: str
) -> None:
    # Three rows a moment, in an order that has nothing to do with it.
    times = [(i * 7919) % n // 3 for i in range(n)]
    service = serve(graph(times, order))
    got = ids(lists(service, operation))
    assert len(got) == len(set(got)) == n
    assert all(int(query.get("$skip", 0)) <= 500 for query in service.asked)
    if order != "own":
        again = ids(lists(service, operation))
        assert got == again, "the order is stable"


def test_graph_keeps_the_users_filter_top_and_skip(serve: Callable[..., Service], lists: Lists) -> None:
    service = serve(graph(list(range(3_000)), "falling"))
    expected = [f"r{i}" for i in range(2_999, -1, -1)]
    assert ids(lists(service, "graph.alerts.list", filter="status eq 'new'")) == expected
    assert all(
        query["$filter"].startswith("(status eq 'new')") or query["$filter"] == "status eq 'new'"
        for query in service.asked
    )
    assert ids(lists(service, "graph.alerts.list", top=1_600)) == expected[:1_600]
    assert ids(lists(service, "graph.alerts.list", skip=700, top=1_600)) == expected[700:2_300]


def test_more_rows_of_one_moment_than_graph_gives_are_an_error_that_names_it(
    serve: Callable[..., Service], lists: Lists
) -> None:
    service = serve(graph([9] * 2_000))
    with pytest.raises(xdrkit.PagingError, match=moment(9).replace(".", r"\.")):
        lists(service, "graph.alerts.list")
    assert len(lists(serve(graph([9] * 1_400)), "graph.alerts.list")) == 1_400


def test_links_with_a_token_are_followed_as_they_are(serve: Callable[..., Service], lists: Lists) -> None:
    def answer(service: Service, query: dict[str, str]) -> Any:
        at = int(query.get("$skiptoken", 0))
        return {
            "value": rows(2, at),
            **({"@odata.nextLink": f"{service.url}/v1.0/x?$skiptoken={at + 2}"} if at < 6 else {}),
        }

    for operation in ("graph.alerts.list", "graph.detection_rules.list"):
        assert ids(lists(serve(answer), operation)) == ids(rows(8))


# Restart, memory


def test_a_walk_goes_on_after_an_error(serve: Callable[..., Service]) -> None:
    table = rows(300)
    broken = {2}

    def answer(service: Service, query: dict[str, str]) -> Any:
        if len(service.lines) in broken:
            return 403, {"error": {"code": "Forbidden", "message": "for now"}}
        return {"value": window(table, query)}

    service = serve(answer)
    with xdrkit.Client(credential=lambda scope: "token", base_url=service.url) as client:
        cursor = client._core.pages("machines.list", {}, {"page_size": 100})
        got = ids(cursor.next() or [])
        with pytest.raises(xdrkit.PermissionDeniedError):
            cursor.next()
        while (page := cursor.next()) is not None:
            got += ids(page)
    assert got == ids(table)


def test_memory_is_bounded_by_a_page(serve: Callable[..., Service], tmp_path: Path) -> None:
    table = [{"id": f"r{i}", "computerDnsName": f"host{i}" * 20} for i in range(20_000)]
    service = serve(lambda _, query: {"value": window(table, query)})
    with xdrkit.Client(credential=lambda scope: "token", base_url=service.url) as client:
        seen = 0
        tracemalloc.start()
        for item in client.machines.list(page_size=500):
            seen += bool(item)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert seen == 20_000
    # All rows as dicts are more than 10 MB; a page of them, with what the server makes of it, is not 4.
    assert peak < 6_000_000, peak


# Other forms

MACHINES = [
    {
        "id": f"m{i}",
        "computerDnsName": f'host{i}, "x"',
        "lastSeen": "2026-11-01T10:20:30.1234567Z" if i else "0001-01-01T00:00:00Z",
        "rbacGroupId": i,
        "isAadJoined": True,
        "machineTags": ["a", "b"],
        "ipAddresses": [{"ipAddress": "10.0.0.1"}],
        "lastIpAddress": None,
        **({"brandNew": {"a": 1}} if i == 3 else {}),
    }
    for i in range(250)
]


@pytest.fixture
def machines(serve: Callable[..., Service]) -> Service:
    return serve(lambda _, query: {"value": window(MACHINES, query)})


def test_frames_have_declared_types_and_lose_nothing(machines: Service, lists: Lists) -> None:
    pl = pytest.importorskip("polars")
    frame = lists.use(machines, "machines.list", "to_polars", page_size=100)
    assert frame.shape[0] == 250
    assert frame.schema["lastSeen"] == pl.Datetime("ns", "UTC")
    assert frame["lastSeen"].null_count() == 1
    assert frame.schema["rbacGroupId"] == pl.Int64
    assert frame.schema["isAadJoined"] == pl.Boolean
    assert frame.schema["machineTags"] == pl.List(pl.String)
    assert json.loads(frame["ipAddresses"][7]) == [{"ipAddress": "10.0.0.1"}]
    assert frame.columns[-1] == "_more"
    assert json.loads(frame["_more"][3]) == {"brandNew": {"a": 1}}


def test_pandas_and_arrow_get_the_same(machines: Service, lists: Lists) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = lists.use(machines, "machines.list", "to_pandas", page_size=100)
    assert frame["rbacGroupId"].tolist() == list(range(250))
    assert str(frame["lastSeen"].dtype).startswith("datetime64[")
    assert "UTC" in str(frame["lastSeen"].dtype)
    assert frame["machineTags"][5] == ["a", "b"]
    table = lists.use(machines, "machines.list", "to_arrow", page_size=100)
    assert table.column_names == list(frame.columns)
    assert table.num_rows == 250


def test_batches_are_pages_with_the_same_columns(machines: Service) -> None:
    pa = pytest.importorskip("pyarrow")
    with xdrkit.Client(credential=lambda scope: "token", base_url=machines.url) as client:
        batches = [pa.record_batch(b) for b in client.machines.list(page_size=100).batches()]
    assert [b.num_rows for b in batches] == [100, 100, 50]
    assert len({b.schema.to_string() for b in batches}) == 1
    assert batches[0].schema.names[-1] == "_more"

    async def main() -> int:
        async with xdrkit.AsyncClient(credential=lambda scope: "token", base_url=machines.url) as client:
            return sum([len(b) async for b in client.machines.list(page_size=100).batches()])

    assert asyncio.run(main()) == 250


def test_files_hold_what_was_sent(machines: Service, lists: Lists, tmp_path: Path) -> None:
    import csv

    path = tmp_path / "machines"
    lists.use(machines, "machines.list", "write_ndjson", path, page_size=100)
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == MACHINES
    lists.use(machines, "machines.list", "write_csv", str(path), page_size=100)
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["id"] for row in table] == ids(MACHINES)
    assert table[3]["computerDnsName"] == 'host3, "x"'
    assert json.loads(table[3]["_more"]) == {"brandNew": {"a": 1}}
    assert table[0]["lastSeen"] == "0001-01-01T00:00:00Z", "text as it was sent"
    pl = pytest.importorskip("polars")
    lists.use(machines, "machines.list", "write_parquet", path, page_size=100)
    frame = pl.read_parquet(path)
    assert frame.shape[0] == 250
    assert frame.schema["lastSeen"] == pl.Datetime("ns", "UTC")
    assert frame["machineTags"][5].to_list() == ["a", "b"]
    assert json.loads(frame["_more"][3]) == {"brandNew": {"a": 1}}
    assert [p.name for p in tmp_path.iterdir()] == ["machines"]


def test_parquet_needs_no_other_library(
    machines: Service, lists: Lists, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("polars", "pyarrow", "pandas"):
        monkeypatch.setitem(sys.modules, library, None)
    lists.use(machines, "machines.list", "write_parquet", tmp_path / "x", page_size=100)
    monkeypatch.undo()
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(tmp_path / "x")
    assert table["id"].to_pylist() == ids(MACHINES)
    assert table["machineTags"][5].as_py() == ["a", "b"]


@pytest.mark.parametrize("method", ["write_ndjson", "write_csv", "write_parquet"])
def test_a_list_that_breaks_leaves_the_old_file_and_no_other(
    serve: Callable[..., Service], lists: Lists, tmp_path: Path, method: str
) -> None:
    def answer(service: Service, query: dict[str, str]) -> Any:
        if len(service.lines) == 2:
            return 403, {"error": {"code": "Forbidden", "message": "no more"}}
        return {"value": window(MACHINES, query)}

    path = tmp_path / "list"
    path.write_text("old")
    with pytest.raises(xdrkit.PermissionDeniedError):
        lists.use(serve(answer), "machines.list", method, path, page_size=100)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["list"]


def test_an_empty_list_has_columns_and_a_heading(serve: Callable[..., Service], lists: Lists, tmp_path: Path) -> None:
    service = serve(lambda *_: {"value": []})
    lists.use(service, "machines.list", "write_csv", tmp_path / "x")
    assert (tmp_path / "x").read_text().startswith("id,")
    pl = pytest.importorskip("polars")
    lists.use(service, "machines.list", "write_parquet", tmp_path / "x")
    assert pl.read_parquet(tmp_path / "x").schema["lastSeen"] == pl.Datetime("ns", "UTC")
    assert lists.use(service, "machines.list", "to_polars").shape[0] == 0


def test_lists_are_counted_where_the_service_counts(serve: Callable[..., Service], lists: Lists) -> None:
    service = serve(graph(list(range(1_234))))
    assert lists.use(service, "graph.alerts.list", "count", top=7, skip=3, page_size=20) == 1_234
    assert service.asked == [{"$top": "1", "$count": "true"}]
    with pytest.raises(xdrkit.InvalidArgumentError, match=r"machines\.list cannot count"):
        lists.use(service, "machines.list", "count")
    with pytest.raises(xdrkit.BadResponseError):
        lists.use(serve(lambda *_: {"value": []}), "graph.alerts.list", "count")
