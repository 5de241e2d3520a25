"""Calls that change something: one id or many, waiting, joining what runs, and answers that got lost. Both clients."""

from __future__ import annotations

import pickle
import uuid
from datetime import timedelta
from typing import Any

import pytest

import xdrkit

from .faces import Face, Faces, machine_ids, operations_of

ABSENT = "f" * 40


def sent(sb: xdrkit.Sandbox) -> list[str]:
    return operations_of(sb, "machines.list")


# One id, and many


def test_one_id_is_one_call_and_its_answer(sb: xdrkit.Sandbox, face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    action = face("machines.isolate", machine, comment="case 1")
    assert type(action) is dict
    assert (action["type"], action["machineId"]) == ("Isolate", machine)
    assert sent(sb) == ["machines.isolate"]


@pytest.mark.parametrize("kind", [list, tuple, iter, lambda ids: dict.fromkeys(ids).keys()])
def test_several_ids_give_an_outcome_each_in_their_order(sb: xdrkit.Sandbox, face: Face, kind: Any) -> None:
    ids = machine_ids(face)
    outcomes = face("machines.isolate", kind(ids), comment="case 2")
    assert isinstance(outcomes, xdrkit.Outcomes)
    assert [one.id for one in outcomes] == ids
    assert [one.value["machineId"] for one in outcomes.ok] == ids == [a["machineId"] for a in outcomes.values()]
    assert outcomes.failed == []
    assert (outcomes[0].attached, outcomes[0].found, outcomes[0].ok) == (False, False, True)
    assert isinstance(outcomes[1:], xdrkit.Outcomes)
    assert sent(sb) == ["machines.isolate"] * 3


def test_a_list_of_one_id_still_gives_outcomes(face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    assert [one.id for one in face("machines.add_tag", [machine], tag="t")] == [machine]


def test_an_id_that_is_given_twice_is_acted_on_once(sb: xdrkit.Sandbox, face: Face) -> None:
    one, other = machine_ids(face, 2)
    outcomes = face("machines.isolate", [one, other, one.upper(), one], comment="case 3")
    assert [outcome.id for outcome in outcomes] == [one, other]
    assert sent(sb) == ["machines.isolate"] * 2


def test_ids_of_data_frames_and_of_uuid_are_taken(face: Face) -> None:
    polars = pytest.importorskip("polars")
    ids = machine_ids(face, 2)
    outcomes = face("machines.add_tag", polars.Series("id", ids), tag="t")
    assert [one.id for one in outcomes] == ids
    table = polars.DataFrame({"id": ids})
    with pytest.raises(xdrkit.InvalidArgumentError, match="table"):
        face("machines.add_tag", table, tag="t")
    with pytest.raises(xdrkit.NotFoundError):
        face("machine_actions.cancel", uuid.UUID(int=7), comment="no")


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        ([], "empty"),
        (iter(()), "empty"),
        (["a", None], "item 1"),
        ([""], "item 0"),
        ([True], "item 0"),
        ({"id": "a"}, "dict"),
    ],
    ids=["empty list", "empty iterator", "none among them", "empty text", "bool", "a dict"],
)
def test_what_is_no_list_of_ids_is_refused_before_anything_is_sent(
    sb: xdrkit.Sandbox, face: Face, ids: Any, says: str
) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError, match=says) as caught:
        face("machines.isolate", ids, comment="case")
    assert caught.value.argument == "id"
    assert sb.requests == []


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("if_active", {"if_active": "join"}),
        ("on_error", {"on_error": "ignore"}),
        ("wait", {"wait": 0}),
        ("wait", {"wait": -1.5}),
        ("wait", {"wait": float("nan")}),
        ("wait", {"wait": timedelta(0)}),
        ("wait", {"wait": "long"}),
        ("cancel_on_timeout", {"cancel_on_timeout": True}),
        ("comment", {"comment": 7}),
        ("id", {"id": ["a" * 40, 5.5]}),
        # The first is good, and is not isolated all the same.
        ("id", {"id": ["a" * 40, "../b"]}),
    ],
)
def test_a_wrong_option_is_refused_by_name_before_anything_is_sent(
    sb: xdrkit.Sandbox, face: Face, argument: str, given: dict[str, Any]
) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        face("machines.isolate", **{"id": ["a" * 40], "comment": "case", **given})
    assert caught.value.argument == argument
    assert argument in str(caught.value)
    assert sb.requests == []


# What failed


def test_collect_leaves_what_failed_in_the_outcomes(face: Face) -> None:
    one, other = machine_ids(face, 2)
    outcomes = face("machines.isolate", [one, ABSENT, other], comment="case 4", on_error="collect")
    assert [outcome.id for outcome in outcomes.ok] == [one, other]
    (failed,) = outcomes.failed
    assert (failed.id, failed.value) == (ABSENT, None)
    assert isinstance(failed.error, xdrkit.NotFoundError)
    with pytest.raises(xdrkit.PartialFailureError) as caught:
        outcomes.raise_for_failed()
    assert caught.value.outcomes is outcomes


def test_raise_tries_all_of_them_first(sb: xdrkit.Sandbox, face: Face) -> None:
    one, other = machine_ids(face, 2)
    with pytest.raises(xdrkit.PartialFailureError, match=f"1 of 3 failed: {ABSENT}: NotFoundError") as caught:
        face("machines.isolate", [ABSENT, one, other], comment="case 5")
    outcomes = caught.value.outcomes
    assert outcomes is not None
    assert [outcome.id for outcome in outcomes.ok] == [one, other]
    assert sent(sb) == ["machines.isolate"] * 3
    again = pickle.loads(pickle.dumps(caught.value))
    assert [outcome.id for outcome in again.outcomes] == [ABSENT, one, other]
    assert isinstance(again.outcomes.failed[0].error, xdrkit.NotFoundError)


def test_a_list_of_one_id_that_fails_raises_its_own_error(face: Face) -> None:
    with pytest.raises(xdrkit.NotFoundError):
        face("machines.isolate", [ABSENT], comment="case 6")


def test_the_error_names_the_first_few_and_counts_the_rest(face: Face) -> None:
    with pytest.raises(xdrkit.PartialFailureError, match=r"5 of 5 failed: .*; and 2 more"):
        face("machines.isolate", [str(i) * 40 for i in range(5)], comment="case 7")


def test_outcomes_are_readable(face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    outcomes = face("machines.isolate", [machine, ABSENT], comment="case 8", on_error="collect")
    assert repr(outcomes).startswith("<Outcomes: 1 ok, 1 failed")
    assert f"{ABSENT}: NotFoundError" in repr(outcomes)
    assert "type Isolate, status Pending" in repr(outcomes)
    html = outcomes._repr_html_()
    assert machine in html
    assert "NotFoundError" in html
    bad: xdrkit.Outcomes[Any] = xdrkit.Outcomes([xdrkit.Outcome("<script>", None, xdrkit.XdrError("<b>"))])
    assert "<script>" not in bad._repr_html_()
    assert "<b>&lt;" not in bad._repr_html_()


# Waiting


@pytest.mark.parametrize("wait", [True, 60, 90.5, timedelta(minutes=2)])
def test_one_action_is_waited_for(face: Face, wait: Any) -> None:
    (machine,) = machine_ids(face, 1)
    action = face("machines.isolate", machine, comment="case 9", wait=wait)
    assert action["status"] == "Succeeded"


def test_many_actions_are_waited_for_in_rounds(sb: xdrkit.Sandbox, face: Face) -> None:
    ids = machine_ids(face, 4)
    outcomes = face("machines.isolate", ids, comment="case 10", wait=True)
    assert [action["status"] for action in outcomes.values()] == ["Succeeded"] * 4
    assert sent(sb)[:4] == ["machines.isolate"] * 4
    assert set(sent(sb)[4:]) == {"machine_actions.get"}


def pending(sb: xdrkit.Sandbox, face: Face, status: str = "Pending") -> None:
    """From now on every action that is looked at is in that state."""
    body = {"id": str(uuid.UUID(int=1)), "type": "Isolate", "status": status, "machineId": "m"}
    sb.fault(operation="machine_actions.get", status=200, body=body, times=None)


@pytest.mark.parametrize("count", [1, 2])
def test_an_action_that_takes_too_long_is_told_with_the_action(sb: xdrkit.Sandbox, face: Face, count: int) -> None:
    ids = machine_ids(face, count)
    pending(sb, face)
    with pytest.raises((xdrkit.DeadlineExceededError, xdrkit.PartialFailureError)) as caught:
        face("machines.isolate", ids, comment="case 11", wait=30)
    error: Any = caught.value if count == 1 else caught.value.outcomes[1].error  # type: ignore[union-attr, index]
    assert isinstance(error, xdrkit.DeadlineExceededError)
    assert error.action is not None
    assert error.action["status"] == "Pending"
    assert error.cancelled is False
    assert "it goes on" in str(error)
    assert "machine_actions.cancel" not in sent(sb)


@pytest.mark.parametrize("count", [1, 2])
def test_an_action_that_takes_too_long_is_cancelled_where_that_is_wanted(
    sb: xdrkit.Sandbox, face: Face, count: int
) -> None:
    ids = machine_ids(face, count)
    for machine in ids:
        action = face("machines.isolate", machine, comment="case 12")
        path = f"/api/machineactions/{action['id']}"
        sb.fault(operation="machines.isolate", path=f"/api/machines/{machine}", status=201, body=action)
        sb.fault(operation="machine_actions.get", path=path, status=200, body=action, times=None)
    outcomes = face("machines.isolate", ids, comment="x", wait=20, cancel_on_timeout=True, on_error="collect")
    assert len(outcomes.failed) == count
    error: Any = outcomes[0].error
    assert isinstance(error, xdrkit.DeadlineExceededError)
    assert error.cancelled is True
    assert error.action["status"] == "Cancelled"
    assert "not ended within 20 s" in error.action["cancellationComment"]
    assert sent(sb).count("machine_actions.cancel") == count


def test_an_action_that_can_not_be_cancelled_is_said_to_go_on(sb: xdrkit.Sandbox, face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    pending(sb, face)
    sb.fault(
        operation="machine_actions.cancel", status=400, body={"error": {"code": "BadRequest", "message": "too late"}}
    )
    with pytest.raises(xdrkit.DeadlineExceededError, match="could not be cancelled and goes on: too late") as caught:
        face("machines.isolate", machine, comment="case 13", wait=20, cancel_on_timeout=True)
    assert caught.value.cancelled is False


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("status", ["Failed", "TimeOut", "Cancelled"])
def test_an_action_that_ends_otherwise_is_an_error_with_the_action(
    sb: xdrkit.Sandbox, face: Face, count: int, status: str
) -> None:
    ids = machine_ids(face, count)
    pending(sb, face, status)
    outcomes = face("machines.isolate", ids, comment="case 14", wait=True, on_error="collect")
    for one in outcomes:
        assert isinstance(one.error, xdrkit.ActionFailedError)
        assert one.error.action is not None
        assert one.error.action["status"] == status


@pytest.mark.parametrize("count", [1, 2])
def test_when_looking_is_forbidden_the_error_still_knows_the_action(sb: xdrkit.Sandbox, face: Face, count: int) -> None:
    ids = machine_ids(face, count)
    sb.fault(
        operation="machine_actions.get", status=403, body={"error": {"code": "Forbidden", "message": "no"}}, times=None
    )
    outcomes = face("machines.isolate", ids, comment="case 15", wait=True, on_error="collect")
    for one in outcomes:
        assert isinstance(one.error, xdrkit.PermissionDeniedError)
        assert one.error.action["type"] == "Isolate"  # type: ignore[attr-defined]


def test_one_look_that_fails_does_not_end_the_wait(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(max_retries=0)
    ids = machine_ids(face, 2)
    sb.fault(operation="machine_actions.get", status=503, times=2)
    assert face("machines.isolate", ids, comment="case 16", wait=True).failed == []


# What runs already


def test_a_conflict_is_an_error_unless_joining_is_wanted(sb: xdrkit.Sandbox, face: Face) -> None:
    one, other = machine_ids(face, 2)
    first = face("machines.scan", one, comment="theirs", scan_type="Quick")
    with pytest.raises(xdrkit.ConflictError):
        face("machines.scan", one, comment="ours", scan_type="Quick")
    outcomes = face("machines.scan", [one, other], comment="ours", scan_type="Quick", if_active="attach")
    assert [outcome.attached for outcome in outcomes] == [True, False]
    assert outcomes[0].value["id"] == first["id"]
    assert face("machines.scan", one, comment="ours", scan_type="Quick", if_active="attach")["id"] == first["id"]


def test_an_action_of_another_kind_is_not_joined(sb: xdrkit.Sandbox, face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    face("machines.scan", machine, comment="theirs", scan_type="Quick")
    with pytest.raises(xdrkit.ConflictError):
        face("machines.scan", machine, comment="ours", scan_type="Full", if_active="attach")
    face("machines.isolate", machine, comment="theirs")
    with pytest.raises(xdrkit.ConflictError):
        face("machines.unisolate", machine, comment="ours", if_active="attach")


# Answers that got lost


def test_an_answer_that_got_lost_is_found_and_nothing_is_sent_twice(sb: xdrkit.Sandbox, face: Face) -> None:
    one, other = machine_ids(face, 2)
    sb.fault(operation="machines.isolate", kind="truncate")
    action = face("machines.isolate", one, comment="case 17")
    assert (action["type"], action["machineId"], action["requestorComment"]) == ("Isolate", one, "case 17")
    assert sent(sb) == ["machines.isolate", "machine_actions.list"]
    sb.fault(operation="machines.scan", kind="truncate")
    outcomes = face("machines.scan", [one, other], comment="case 18", scan_type="Quick")
    assert sorted(outcome.found for outcome in outcomes) == [False, True]
    assert [outcome.value["machineId"] for outcome in outcomes] == [one, other]
    assert sent(sb).count("machines.scan") == 2


def test_a_lost_action_is_waited_for_when_it_is_found(sb: xdrkit.Sandbox, face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    sb.fault(operation="machines.isolate", kind="truncate")
    assert face("machines.isolate", machine, comment="case 19", wait=True)["status"] == "Succeeded"


@pytest.mark.parametrize("kind", ["reset", "stall", "answer"])
def test_an_action_that_never_began_stays_unknown_and_says_how_was_looked(
    sb: xdrkit.Sandbox, faces: Faces, kind: Any
) -> None:
    face = faces(timeout=0.3) if kind == "stall" else faces()
    (machine,) = machine_ids(face, 1)
    sb.fault(operation="machines.isolate", kind=kind, status=502)
    with pytest.raises(xdrkit.ActionOutcomeUnknownError) as caught:
        face("machines.isolate", machine, comment="case 20")
    assert caught.value.looked == 3
    assert caught.value.looked_until is not None
    assert "asked 3 times until" in str(caught.value)
    assert caught.value.retryable is False
    assert sent(sb) == ["machines.isolate"] + ["machine_actions.list"] * 3


def test_what_we_were_told_of_or_another_began_is_not_the_lost_answer(sb: xdrkit.Sandbox, face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    told = face("machines.isolate", machine, comment="case 21")
    face("machine_actions.cancel", told["id"], comment="again")
    sb.fault(operation="machines.isolate", kind="reset")
    with pytest.raises(xdrkit.ActionOutcomeUnknownError):
        face("machines.isolate", machine, comment="case 21")
    # Somebody else's, with another comment.
    face("machines.scan", machine, comment="theirs", scan_type="Quick")
    sb.fault(operation="machines.scan", kind="reset")
    with pytest.raises(xdrkit.ActionOutcomeUnknownError):
        face("machines.scan", machine, comment="ours", scan_type="Quick")


def listed(machine: str, **more: Any) -> dict[str, Any]:
    """An answer of machine_actions.list with one action that nobody was told of."""
    action = {
        "id": str(uuid.uuid4()),
        "type": "Isolate",
        "machineId": machine,
        "requestorComment": "c",
        "status": "Pending",
        "creationDateTimeUtc": "2099-01-01T00:00:00.1234567Z",
        **more,
    }
    return {"value": [action]}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, True),
        ({"type": "Unisolate"}, False),
        ({"machineId": ABSENT}, False),
        ({"requestorComment": "another"}, False),
        ({"creationDateTimeUtc": "2020-01-01T00:00:00Z"}, False),
        ({"creationDateTimeUtc": None}, False),
        ({"externalId": "ours"}, True),
        ({"externalId": "theirs"}, False),
        ({"scope": "Selective"}, False),
        ({"scope": "full"}, True),
    ],
)
def test_the_lost_action_is_known_by_all_that_it_says(
    sb: xdrkit.Sandbox, face: Face, more: dict[str, Any], found: bool
) -> None:
    (machine,) = machine_ids(face, 1)
    sb.fault(operation="machines.isolate", kind="reset")
    answer = listed(machine, **more)
    sb.fault(operation="machine_actions.list", status=200, body=answer, times=None)
    arguments: dict[str, Any] = {"comment": "c", "isolation_type": "Full", "external_id": "ours"}
    if found:
        assert face("machines.isolate", machine, **arguments)["id"] == answer["value"][0]["id"]
    else:
        with pytest.raises(xdrkit.ActionOutcomeUnknownError):
            face("machines.isolate", machine, **arguments)


def test_when_nobody_may_look_the_error_says_so(sb: xdrkit.Sandbox, face: Face) -> None:
    (machine,) = machine_ids(face, 1)
    sb.fault(operation="machines.isolate", kind="reset")
    sb.fault(
        operation="machine_actions.list", status=403, body={"error": {"code": "Forbidden", "message": "no"}}, times=None
    )
    with pytest.raises(xdrkit.ActionOutcomeUnknownError, match="looking for it failed") as caught:
        face("machines.isolate", machine, comment="case 22")
    assert isinstance(caught.value.look_error, xdrkit.PermissionDeniedError)


def test_a_deletion_whose_answer_got_lost_is_looked_after(sb: xdrkit.Sandbox, face: Face) -> None:
    gone = {"error": {"code": "ResourceNotFound", "message": "gone"}}
    sb.fault(operation="indicators.delete", kind="reset")
    sb.fault(operation="indicators.get", status=404, body=gone, times=None)
    outcomes = face("indicators.delete", ["17"])
    assert (outcomes[0].found, outcomes[0].value) == (True, None)
    sb.reset()
    sb.fault(operation="indicators.delete", kind="reset")
    sb.fault(operation="indicators.get", status=200, body={"id": "17"}, times=None)
    with pytest.raises(xdrkit.ActionOutcomeUnknownError, match="still there: deleting it again is safe"):
        face("indicators.delete", "17")


@pytest.mark.parametrize(("names", "gone"), [([], True), (["other.ps1"], True), (["A.PS1"], False)])
def test_a_file_of_the_library_is_gone_when_it_is_not_listed(
    sb: xdrkit.Sandbox, face: Face, names: list[str], gone: bool
) -> None:
    sb.fault(operation="library.delete", kind="reset")
    sb.fault(operation="library.list", status=200, body={"value": [{"fileName": n} for n in names]}, times=None)
    if gone:
        assert face("library.delete", "a.ps1") is None
    else:
        with pytest.raises(xdrkit.ActionOutcomeUnknownError):
            face("library.delete", "a.ps1")


@pytest.mark.parametrize(("count", "found"), [(0, False), (1, True), (2, False)])
def test_an_investigation_is_found_if_it_can_be_no_other(
    sb: xdrkit.Sandbox, face: Face, count: int, found: bool
) -> None:
    (machine,) = machine_ids(face, 1)
    sb.fault(operation="investigations.start", kind="reset")
    new = [{"id": str(uuid.uuid4()), "machineId": machine, "startTime": "2099-01-01T00:00:00Z"} for _ in range(count)]
    old = {"id": "1", "machineId": machine, "startTime": "2020-01-01T00:00:00Z"}
    sb.fault(operation="investigations.list", status=200, body={"value": [old, *new]}, times=None)
    if found:
        assert face("investigations.start", machine, comment="c") == new[0]
    else:
        with pytest.raises(xdrkit.ActionOutcomeUnknownError):
            face("investigations.start", machine, comment="c")
