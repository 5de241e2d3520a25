"""Hunting against the sandbox, sync and async, on all three services."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Coroutine
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable

import pytest

import xdrkit

Run = Callable[[Coroutine[Any, Any, Any]], Any]
QUERY = "DeviceProcessEvents | project Timestamp, DeviceName, ProcessId, ProcessCommandLine | take 5"
PERMISSIONS = {
    "graph": "ThreatHunting.Read.All",
    "xdr": "AdvancedHunting.Read.All",
    "endpoint": "AdvancedQuery.Read.All",
}


def same(sb: xdrkit.Sandbox, run: Run, query: str, **options: Any) -> xdrkit.HuntResult:
    """Hunts with both clients, which must find the same."""

    async def with_async() -> xdrkit.HuntResult:
        async with sb.async_client() as client:
            return await client.hunt(query, **options)

    with sb.client() as client:
        found = client.hunt(query, **options)
    assert run(with_async()) == found
    return found


def test_rows_are_dicts_with_the_columns_of_the_query(sb: xdrkit.Sandbox, run: Run) -> None:
    result = same(sb, run, QUERY)
    assert len(result) == 5
    assert [name for name, _ in result.schema] == ["Timestamp", "DeviceName", "ProcessId", "ProcessCommandLine"]
    for row in result:
        assert list(row) == [name for name, _ in result.schema]
        assert isinstance(row["Timestamp"], str)
        assert row["Timestamp"].endswith("Z")
        assert isinstance(row["ProcessId"], int)
    assert result.api == "graph"
    assert result.kql
    assert result.elapsed > 0


def test_the_query_may_hold_any_text(sb: xdrkit.Sandbox, run: Run) -> None:
    assert same(sb, run, "print name = '日本語 “x” \\\\ é'")[0]["name"] == "日本語 “x” \\ é"


def test_dates_are_parsed_when_asked_for(sb: xdrkit.Sandbox, run: Run) -> None:
    for row in same(sb, run, QUERY, parse_dates=True):
        assert row["Timestamp"].tzinfo is timezone.utc
    text = same(sb, run, QUERY + " | take 1")[0]["Timestamp"]
    parsed = same(sb, run, QUERY + " | take 1", parse_dates=True)[0]["Timestamp"]
    assert parsed.strftime("%Y-%m-%dT%H:%M:%S") == text[:19]


def test_a_window_bounds_what_is_found(sb: xdrkit.Sandbox, run: Run) -> None:
    count = "DeviceProcessEvents | summarize n = count(), first = min(Timestamp), last = max(Timestamp)"
    everything = same(sb, run, count)[0]
    now = datetime.now(timezone.utc)
    week = same(sb, run, count, since=now - timedelta(days=7), until=now, parse_dates=True)
    assert 0 < week[0]["n"] < everything["n"]
    assert now - timedelta(days=7) <= week[0]["first"] <= week[0]["last"] < now
    assert week.window[0] is not None
    assert week.window[0].endswith("Z")
    assert 0 < same(sb, run, count, timespan="P7D")[0]["n"] < everything["n"]
    assert 0 < same(sb, run, count, timespan=timedelta(days=7))[0]["n"] < everything["n"]


@pytest.mark.parametrize("api", ["xdr", "endpoint"])
def test_a_legacy_service_finds_the_same_and_warns(sb: xdrkit.Sandbox, run: Run, api: str) -> None:
    graph = same(sb, run, QUERY, api="graph")
    with pytest.warns(xdrkit.LegacyHuntingWarning, match="2027-02-01") as caught:
        legacy = same(sb, run, QUERY, api=api)
    assert legacy.api == api
    assert legacy.rows == graph.rows
    assert {warning.filename for warning in caught} == {__file__}


def test_auto_takes_what_the_token_allows(run: Run) -> None:
    with xdrkit.sandbox(permissions=[PERMISSIONS["endpoint"]]) as sb, pytest.warns(xdrkit.LegacyHuntingWarning):
        assert same(sb, run, QUERY).api == "endpoint"


def test_no_permission_to_hunt_is_named(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    sb.revoke(PERMISSIONS["graph"])
    with pytest.raises(xdrkit.PermissionDeniedError) as caught:
        client.hunt(QUERY, api="graph")
    assert list(caught.value.missing) == [PERMISSIONS["graph"]]


def test_no_endpoint_at_all_is_told_with_the_reason_of_each(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    for permission in PERMISSIONS.values():
        sb.revoke(permission)
    with pytest.raises(xdrkit.PermissionDeniedError) as caught:
        client.hunt(QUERY)
    assert list(caught.value.missing) == [PERMISSIONS["graph"]]
    assert all(
        f"{api}: the token lacks {permission}" in caught.value.message for api, permission in PERMISSIONS.items()
    )
    assert not any(record["operation"] for record in sb.requests)


def test_a_query_that_is_wrong_is_refused_by_the_service(client: xdrkit.Client, sb: xdrkit.Sandbox, run: Run) -> None:
    with pytest.raises(xdrkit.QueryError) as caught:
        client.hunt("DeviceProcessEvents | wher x == 1")
    assert caught.value.status == 400

    async def main() -> None:
        async with sb.async_client() as other:
            with pytest.raises(xdrkit.QueryError):
                await other.hunt("DeviceProcessEvents | wher x == 1")

    run(main())


def test_the_hunting_methods_of_the_resources_are_the_same_hunt(
    sb: xdrkit.Sandbox, client: xdrkit.Client, run: Run
) -> None:
    found = client.hunt(QUERY, api="graph")
    assert client.graph.hunting.run(query=QUERY) == found
    with pytest.warns(xdrkit.LegacyHuntingWarning) as caught:
        assert client.hunting.run_xdr(query=QUERY).api == "xdr"
    assert caught[0].filename == __file__
    with pytest.warns(xdrkit.LegacyHuntingWarning):
        assert client.hunting.run_endpoint(query=QUERY).api == "endpoint"

    async def main() -> xdrkit.HuntResult:
        async with sb.async_client() as other:
            return await other.graph.hunting.run(query=QUERY)

    assert run(main()) == found


def test_results_become_files(client: xdrkit.Client, tmp_path: Path) -> None:
    result = client.hunt(QUERY)
    result.write_ndjson(tmp_path / "r.ndjson")
    lines = (tmp_path / "r.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == result.rows
    result.write_csv(str(tmp_path / "r.csv"))
    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["ProcessCommandLine"] for row in rows] == [row["ProcessCommandLine"] or "" for row in result]


def test_results_become_data_frames(client: xdrkit.Client) -> None:
    pl = pytest.importorskip("polars")
    result = client.hunt(QUERY)
    names = [name for name, _ in result.schema]
    frame = result.to_polars()
    assert frame.columns == names
    assert frame["Timestamp"].dtype == pl.Datetime("ns", "UTC")
    assert frame["DeviceName"].to_list() == [row["DeviceName"] for row in result]
    assert pl.DataFrame(result).columns == names
    pytest.importorskip("pandas")
    assert list(result.to_pandas()["ProcessId"]) == [row["ProcessId"] for row in result]


def test_results_become_arrow(client: xdrkit.Client) -> None:
    pa = pytest.importorskip("pyarrow")
    result = client.hunt(QUERY)
    table = result.to_arrow()
    assert table.column_names == [name for name, _ in result.schema]
    assert table["Timestamp"].type == pa.timestamp("ns", "UTC")
    assert table["DeviceName"].type == pa.large_string()
    direct = pa.table(result)
    assert direct["DeviceName"].type == pa.string_view()
    assert direct.cast(table.schema).equals(table)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_results_become_parquet_with_whichever_library_is_there(
    client: xdrkit.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    pytest.importorskip(library)
    parquet = pytest.importorskip("pyarrow.parquet")
    result = client.hunt(QUERY)
    if library == "pyarrow":
        monkeypatch.setitem(sys.modules, "polars", None)
    result.write_parquet(tmp_path / "r.parquet")
    table = parquet.read_table(tmp_path / "r.parquet")
    assert table.column_names == [name for name, _ in result.schema]
    assert table["DeviceName"].to_pylist() == [row["DeviceName"] for row in result]


def test_a_result_is_shown_in_a_terminal_and_in_a_notebook(client: xdrkit.Client) -> None:
    result = client.hunt(QUERY)
    assert "DeviceName" in repr(result)
    assert "<table" in result._repr_html_()
