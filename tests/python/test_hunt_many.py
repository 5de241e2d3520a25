"""Several hunts at once: each has an outcome of its own."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import xdrkit
from xdrkit import HuntResult, InvalidArgumentError, PartialFailureError, QueryError

from .faces import Face, operations_of

PROCESSES = "DeviceProcessEvents | project Timestamp, DeviceName | take 5"
WRONG = "DeviceEvents | wher x"


def test_each_name_has_its_result_in_the_order_given(face: Face) -> None:
    queries = {"b": PROCESSES, "a": {"query": "print x = y", "params": {"y": 7}}, "c": "DeviceInfo | take 1"}
    found = face("hunt_many", queries)
    assert list(found) == ["b", "a", "c"]
    assert [len(one) for one in found.values()] == [5, 1, 1]
    assert found["a"].rows == [{"x": 7}]
    assert all(isinstance(one, HuntResult) for one in found.values())


def test_with_collect_an_error_stands_in_its_results_place(face: Face) -> None:
    found = face("hunt_many", {"good": PROCESSES, "bad": WRONG}, on_error="collect")
    assert len(found["good"]) == 5
    assert isinstance(found["bad"], QueryError)


def test_else_all_run_and_the_error_has_every_outcome(face: Face) -> None:
    with pytest.raises(PartialFailureError, match="1 of 2 failed: bad: ") as caught:
        face("hunt_many", {"bad": WRONG, "good": PROCESSES})
    outcomes = {one.id: one for one in caught.value.outcomes or ()}
    assert len(outcomes["good"].value) == 5
    assert isinstance(outcomes["bad"].error, QueryError)
    again: Any = pickle.loads(pickle.dumps(caught.value))
    assert again.outcomes[1].value == outcomes["good"].value.rows


def test_a_single_query_raises_its_own_error(face: Face) -> None:
    with pytest.raises(QueryError):
        face("hunt_many", {"bad": WRONG})


def test_what_is_given_for_all_holds_for_those_that_say_nothing_else(face: Face) -> None:
    window = {"since": "3d", "until": "1h"}
    found = face(
        "hunt_many",
        {"all": "DeviceProcessEvents | count", "own": {"query": "DeviceProcessEvents | count", "since": "2d"}},
        **window,
        parse_dates=True,
    )
    whole = face("hunt", "DeviceProcessEvents | count", **window)
    assert found["all"].rows == whole.rows
    assert found["own"].rows != whole.rows


def test_a_hunt_among_them_may_be_split(face: Face) -> None:
    query = {"query": "DeviceProcessEvents | project Timestamp", "since": "3d", "until": "1h", "split": "1d"}
    found = face("hunt_many", {"whole": {**query, "split": None}, "split": query})
    assert sorted(row["Timestamp"] for row in found["split"]) == sorted(row["Timestamp"] for row in found["whole"])
    assert found["split"].stats["pieces"] >= 3


def test_progress_is_told(face: Face) -> None:
    told: list[Any] = []
    face("hunt_many", {f"q{i}": PROCESSES for i in range(6)}, concurrency=1, progress=lambda *facts: told.append(facts))
    assert told[-1] == (6, 6, 30)
    assert len(told) == 2


@pytest.mark.parametrize(
    ("queries", "options", "name", "words"),
    [
        ([PROCESSES], {}, "queries", "must be a dict"),
        ({"a": 5}, {}, "queries", "queries['a']"),
        ({"a": {"since": "1d"}}, {}, "queries", "has no query"),
        ({"a": {"query": "print 1", "sinc": "1d"}}, {}, "queries", "'sinc' is not allowed"),
        ({"a": PROCESSES, "b": {"query": "print 1", "since": "x"}}, {}, "since", "queries['b']: since"),
        ({"a": PROCESSES}, {"concurrency": 0}, "concurrency", "1 to 32"),
        ({"a": PROCESSES}, {"on_error": "x"}, "on_error", '"collect"'),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_sent(
    face: Face, sb: xdrkit.Sandbox, queries: Any, options: Any, name: str, words: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        face("hunt_many", queries, **options)
    assert caught.value.argument == name
    assert words in str(caught.value)
    assert operations_of(sb) == []


def test_none_is_none(face: Face) -> None:
    assert face("hunt_many", {}) == {}
