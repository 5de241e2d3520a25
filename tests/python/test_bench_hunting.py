"""The benchmark of hunting measures what it says: its answers are the same rows in every shape, and its verdicts follow from the values."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.dev


@pytest.fixture
def bench(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(root)
    return lambda name: importlib.import_module(f"benches.hunting.{name}")


@pytest.fixture
def url(bench: Any, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(root)
    with bench("server").running(["graph"], 300, 0) as urls:
        yield urls["graph"]


def test_the_services_send_the_same_rows(bench: Any) -> None:
    answer = bench("answer")
    graph = json.loads(answer.answer(answer.GRAPH, answer.NARROW, 50))
    endpoint = json.loads(answer.answer(answer.LEGACY, answer.NARROW, 50))
    rows = [{name: value for name, value in row.items() if "@" not in name} for row in graph["results"]]
    assert rows == endpoint["Results"]
    assert all(set(row) == set(answer.NARROW) for row in rows)
    assert {column["name"]: column["type"] for column in graph["schema"]} == answer.NARROW
    assert all(
        set(row) == set(answer.WIDE) for row in json.loads(answer.answer(answer.LEGACY, answer.WIDE, 50))["Results"]
    )
    # What compression by repetition lives on, and what it does not.
    assert len({row["DeviceName"] for row in rows}) < 50 == len({row["ReportId"] for row in rows})
    assert answer.answer(answer.GRAPH, answer.WIDE, 9) == answer.answer(answer.GRAPH, answer.WIDE, 9)


def test_the_size_of_a_row_is_what_the_page_says(bench: Any, root: Path) -> None:
    answer = bench("answer")
    page = (root / "docs" / "performance.md").read_text(encoding="utf-8")
    for shape, columns, said in ((answer.GRAPH, answer.NARROW, 48), (answer.LEGACY, answer.WIDE, 122)):
        assert f"{said} MB" in page
        assert len(answer.answer(shape, columns, 10_000)) / 1e5 == pytest.approx(said, rel=0.02)


def test_a_peer_and_xdrkit_get_the_rows_that_were_asked_for(bench: Any, url: str) -> None:
    cases, measure = bench("cases"), bench("measure")
    pytest.importorskip("requests")
    for name in ("dicts/requests + json", "dicts/xdrkit .rows"):
        run = cases.CASES[name].make(url)
        assert len(run(measure.WARM, lambda: None)) == 20
        assert len(run(measure.QUERY, lambda: None)) == 300


def test_a_case_is_a_process_that_tells_what_it_took(bench: Any, url: str, root: Path) -> None:
    def measured(*options: str) -> dict[str, Any]:
        python = [sys.executable, "-m", "benches.hunting.measure", "dicts/xdrkit .rows", url, *options]
        child = subprocess.run(python, capture_output=True, text=True, check=True, cwd=root)
        return json.loads(child.stdout)  # type: ignore[no-any-return]

    found = measured()
    assert found["rows"] == 300
    assert found["cpu"] > 0
    assert found["wall"] >= found["first"] > 0
    assert measured("--stall")["stall"] >= 0


def test_a_case_that_is_not_built_yet_says_so(bench: Any) -> None:
    cases = bench("cases")
    with pytest.raises(cases.NotBuilt, match="hunt_iter"):
        cases._hunt_iter(object())


@pytest.mark.parametrize("name", ["dicts/xdrkit hunt_iter", "polars/xdrkit hunt_iter", "million/xdrkit hunt_iter"])
def test_the_first_row_of_a_stream_is_told_before_the_second_batch_is_there(
    bench: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    cases = bench("cases")
    told: list[str] = []

    def hunt_iter(query: str, **options: Any) -> Iterator[Any]:
        for _ in range(3):
            told.append("batch")
            yield client.hunt("DeviceProcessEvents | take 4")

    with xdrkit.sandbox() as sb, sb.client() as client:
        polars = pytest.importorskip("polars") if name.startswith("polars/") else None
        monkeypatch.setattr(cases, "xdrkit_client", lambda url: None)
        monkeypatch.setattr(cases, "_hunt_iter", lambda client: hunt_iter)
        found = cases.CASES[name].make("")("", lambda: told.append("first row"))
        rows = client.hunt("DeviceProcessEvents | take 4").rows
    assert told == ["batch", "first row", "batch", "batch"]
    if name.startswith("dicts/"):
        assert found == rows * 3
    elif polars is not None:
        assert found.to_dicts()[4:8] == found.to_dicts()[:4]
        assert len(found) == 12
    else:
        assert found == 12


def values(report: Any, worse: float) -> dict[str, dict[str, list[float]]]:
    """All goals met with a tenth to spare; our side is then made worse by a factor."""
    found: dict[str, dict[str, list[float]]] = {report.BARE: {"import cpu": [10.0]}}
    for goal in report.GOALS:
        base = 10.0 if goal.fact == "import cpu" else 0.0
        ours = 100.0 if goal.peer else goal.bound / 1.1
        found.setdefault(goal.ours, {})[goal.fact] = [base + ours * worse, base + ours * worse, 1e9]
        if goal.peer:
            found.setdefault(goal.peer, {})[goal.fact] = [1.0, 100 * goal.bound * 1.1, 100 * goal.bound * 1.1]
    return found


def test_a_goal_is_met_or_missed_by_medians(bench: Any) -> None:
    report = bench("report")
    assert {goal["verdict"] for goal in report.judged(values(report, 1))} == {"met"}
    assert {goal["verdict"] for goal in report.judged(values(report, 1.2))} == {"missed"}


def test_what_is_not_there_is_no_goal_that_was_met(bench: Any) -> None:
    report = bench("report")
    found: dict[str, dict[str, Any]] = values(report, 1)
    found["pandas/msticpy"] = {"missing": "not installed: msticpy"}
    found["dicts/xdrkit hunt_iter"] = {"missing": "not built: hunt_iter"}
    told = {(goal["ours"], goal["peer"]): (goal["verdict"], goal["why"]) for goal in report.judged(found)}
    assert told["pandas/xdrkit .to_pandas", "pandas/msticpy"] == ("not measured", "not installed: msticpy")
    assert told["dicts/xdrkit hunt_iter", None] == ("not measured", "not built: hunt_iter")
    assert told["pandas/xdrkit .to_pandas", "pandas/msgraph-sdk, to its models"] == ("met", "")


def test_the_report_has_every_case_and_lands_between_its_marks(bench: Any, tmp_path: Path, root: Path) -> None:
    report = bench("report")
    found: dict[str, dict[str, Any]] = values(report, 1)
    found["dicts/<a> & b"] = {"cpu": [7.0]}
    result = {
        "machine": "2 x a processor",
        "versions": {"xdrkit": "1"},
        "core": "the installed wheel",
        "day": "2026-11-21",
        "rounds": 3,
        "rows": 100_000,
        "cases": found,
        "goals": report.judged(found),
    }
    docs = tmp_path / "docs"
    docs.mkdir()
    page = (root / "docs" / "performance.md").read_text(encoding="utf-8")
    (docs / "performance.md").write_text(page, encoding="utf-8")
    for _ in range(2):
        report.write(result, tmp_path / "results", docs)
    written = (docs / "performance.md").read_text(encoding="utf-8")
    before, table, after = re.split(f"{re.escape(report.BEGIN)}|{re.escape(report.END)}", written)
    assert page.startswith(before)
    assert page.endswith(after)
    for name in found:
        assert name == report.BARE or f"| {name.partition('/')[2]} |" in table
        assert name == report.BARE or name.partition("/")[2] in report.text(result)
    kept = json.loads((tmp_path / "results" / "hunting.json").read_text(encoding="utf-8"))
    assert kept["cases"]["dicts/<a> & b"] == {"cpu": [7.0]}
    drawn = ET.fromstring((docs / "images" / "hunting.svg").read_text(encoding="utf-8"))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "<a> & b" in texts
    with pytest.raises(ValueError, match="no place"):
        report.placed("no marks", "table")
