"""Dry runs, confirmation, the allow list of device groups, and the record of what changed something. Both clients."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest

import xdrkit

from .faces import Face, Faces, operations_of

GROUPS = ["Workstations", "Executives"]


def by_group(face: Face) -> dict[str, str]:
    """A machine of each device group."""
    return {machine["rbacGroupName"]: machine["id"] for machine in face.all("machines.list")}


def changes(sb: xdrkit.Sandbox) -> list[str]:
    """What reached the sandbox that was no read."""
    return [r["path"] for r in sb.requests if r["method"] != "GET" and r["operation"]]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


# Dry runs


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(sb: xdrkit.Sandbox, face: Face) -> None:
    plan = face("machines.isolate", ["a" * 40, "b" * 40], comment="case 1", isolation_type="Full", dry_run=True)
    assert isinstance(plan, xdrkit.Plan)
    assert (plan.operation, plan.effect, len(plan)) == ("machines.isolate", "acts", 2)
    assert plan[1] == {
        "id": "b" * 40,
        "method": "POST",
        "url": f"{sb.url}/api/machines/{'b' * 40}/isolate",
        "body": {"Comment": "case 1", "IsolationType": "Full"},
        "allowed": True,
    }
    assert plan.refused == []
    assert plan.allowed == list(plan)
    assert sb.requests == []


def test_a_dry_run_of_one_id_or_of_none_is_a_plan_too(sb: xdrkit.Sandbox, face: Face) -> None:
    assert [one["id"] for one in face("machines.scan", "a" * 40, comment="c", scan_type="Quick", dry_run=True)] == [
        "a" * 40
    ]
    plan = face("indicators.delete_batch", ids=["1", "2"], dry_run=True)
    assert [(one["id"], one["method"]) for one in plan] == [(None, "POST")]
    assert sb.requests == []


def test_a_dry_run_refuses_wrong_arguments(sb: xdrkit.Sandbox, face: Face) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError):
        face("machines.isolate", ["a" * 40], comment=7, dry_run=True)
    assert sb.requests == []


def test_a_plan_is_readable(face: Face) -> None:
    plan = face("machines.isolate", [f"{i:040d}" for i in range(12)], comment="<b>now</b>", dry_run=True)
    assert repr(plan).startswith("<Plan: machines.isolate, 12 to send")
    assert "… 2 more" in repr(plan)
    assert "/isolate" in repr(plan)
    assert "<b>now" not in plan._repr_html_()
    assert "&lt;b&gt;now" in plan._repr_html_()


def test_a_dry_client_sends_nothing_that_changes_something(sb: xdrkit.Sandbox, faces: Faces) -> None:
    dry = faces(dry_run=True)
    machine = by_group(dry)["Workstations"]
    for made in (
        dry("machines.isolate", machine, comment="c"),
        dry("machines.add_tag", [machine], tag="t"),
        dry("alerts.update_many", ids=["a1"], status="Resolved"),
        dry("call", "machines.isolate", id=machine, comment="c"),
        dry("request", "POST", f"/api/machines/{machine}/isolate", json={"Comment": "c"}),
    ):
        assert isinstance(made, xdrkit.Plan), made
        assert made.allowed
    assert dry("machines.get", machine)["id"] == machine
    assert changes(sb) == []


# Confirmation


def test_confirm_is_shown_the_plan_and_decides(sb: xdrkit.Sandbox, faces: Faces) -> None:
    asked: list[xdrkit.Plan] = []
    answers = iter([True, False])

    def confirm(plan: xdrkit.Plan) -> bool:
        asked.append(plan)
        return next(answers)

    face = faces(confirm=confirm)
    ids = list(by_group(face).values())[:2]
    assert len(face("machines.isolate", ids, comment="yes").ok) == 2
    assert [one["id"] for one in asked[0]] == ids
    before = len(sb.requests)
    with pytest.raises(xdrkit.ActionRefusedError, match="confirm") as caught:
        face("machines.unisolate", ids, comment="no")
    assert caught.value.plan is asked[1]
    assert len(asked) == 2  # once for all of them
    assert len(sb.requests) == before


@pytest.mark.parametrize("answer", ["n", 1, None, "yes", object()])
def test_nothing_but_true_confirms(sb: xdrkit.Sandbox, faces: Faces, answer: Any) -> None:
    face = faces(confirm=lambda plan: answer)
    with pytest.raises(xdrkit.ActionRefusedError):
        face("machines.isolate", "a" * 40, comment="c")
    assert sb.requests == []


def test_confirm_is_not_asked_for_values_that_can_be_set_back(faces: Faces) -> None:
    face = faces(confirm=lambda plan: False)
    machine = by_group(face)["Workstations"]
    assert "t" in face("machines.add_tag", machine, tag="t")["machineTags"]


def test_an_error_in_confirm_sends_nothing(sb: xdrkit.Sandbox, faces: Faces) -> None:
    def confirm(plan: xdrkit.Plan) -> bool:
        raise KeyError("broken")

    with pytest.raises(KeyError):
        faces(confirm=confirm)("machines.isolate", "a" * 40, comment="c")
    assert sb.requests == []


def test_confirm_may_be_a_coroutine_function_for_the_async_client_alone(sb: xdrkit.Sandbox, faces: Faces) -> None:
    async def confirm(plan: xdrkit.Plan) -> bool:
        return True

    class Asker:
        async def __call__(self, plan: xdrkit.Plan) -> bool:
            return False

    if faces.is_async:
        face = faces(confirm=confirm)
        machine = by_group(face)["Workstations"]
        assert face("machines.isolate", machine, comment="c")["status"] == "Pending"
        with pytest.raises(xdrkit.ActionRefusedError):
            faces(confirm=Asker())("machines.unisolate", machine, comment="c")
        return
    for wrong in (confirm, Asker()):
        with pytest.raises(xdrkit.ConfigurationError, match="AsyncClient"):
            sb.client(confirm=wrong)
        with pytest.raises(xdrkit.ConfigurationError, match="AsyncClient"):
            sb.client(on_action=wrong)
    face = faces(confirm=lambda plan: confirm(plan))
    with pytest.raises(xdrkit.ConfigurationError, match="confirm"):
        face("machines.isolate", "a" * 40, comment="c")
    assert changes(sb) == []


@pytest.mark.parametrize(
    "options",
    [
        {"confirm": "yes"},
        {"allow_device_groups": "Workstations"},
        {"allow_device_groups": [1]},
        {"allow_device_groups": [""]},
        {"on_action": 7},
        {"on_action": b"file"},
        {"on_action": ""},
        {"dry_run": "no"},
    ],
)
def test_a_wrong_setting_is_refused_by_name(sb: xdrkit.Sandbox, faces: Faces, options: dict[str, Any]) -> None:
    with pytest.raises(xdrkit.ConfigurationError) as caught:
        faces(**options)
    assert caught.value.argument == next(iter(options))


# Device groups


def test_only_machines_of_allowed_groups_are_acted_on(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(allow_device_groups=["Workstations"])
    machines = by_group(face)
    good, bad = machines["Workstations"], machines["Executives"]
    assert face("machines.isolate", good, comment="c")["machineId"] == good
    with pytest.raises(xdrkit.ActionRefusedError, match="'Executives'; allowed are 'Workstations'") as caught:
        face("machines.isolate", bad, comment="c")
    assert caught.value.plan is not None
    assert caught.value.plan.allowed == []
    with pytest.raises(xdrkit.NotFoundError):
        face("machines.isolate", "f" * 40, comment="c")
    outcomes = face("machines.scan", [bad, good, "f" * 40], comment="c", scan_type="Quick", on_error="collect")
    assert [type(one.error) for one in outcomes] == [xdrkit.ActionRefusedError, type(None), xdrkit.NotFoundError]
    assert outcomes[1].value["machineId"] == good
    assert changes(sb) == [f"/api/machines/{good}/isolate", f"/api/machines/{good}/runAntiVirusScan"]


def test_the_plan_shows_the_groups_and_what_would_be_refused(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(allow_device_groups=["Workstations"])
    machines = by_group(face)
    ids = [machines["Executives"], machines["Workstations"]]
    plan = face("machines.isolate", ids, comment="c", dry_run=True)
    assert [one["device_group"] for one in plan] == ["Executives", "Workstations"]
    assert [one["id"] for one in plan.allowed] == ids[1:]
    assert "'Executives'" in plan.refused[0]["reason"]
    assert "REFUSED" in repr(plan)
    assert not face("machines.isolate", ids[:1], comment="c", dry_run=True).allowed
    assert changes(sb) == []


@pytest.mark.parametrize(
    "body", [{"id": "x"}, {"id": "x", "rbacGroupName": None}, {"rbacGroupName": 7}, ["Workstations"]]
)
def test_a_machine_whose_group_is_not_known_is_not_acted_on(sb: xdrkit.Sandbox, faces: Faces, body: Any) -> None:
    face = faces(allow_device_groups=["Workstations"])
    sb.fault(operation="machines.get", status=200, body=json.dumps(body))
    with pytest.raises(xdrkit.ActionRefusedError, match=r"no device group|7"):
        face("machines.isolate", "a" * 40, comment="c")
    sb.fault(operation="machines.get", status=403, body={"error": {"code": "Forbidden", "message": "no"}})
    with pytest.raises(xdrkit.PermissionDeniedError):
        face("machines.isolate", "a" * 40, comment="c")
    assert changes(sb) == []


def test_an_empty_list_allows_no_machine(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(allow_device_groups=[])
    with pytest.raises(xdrkit.ActionRefusedError):
        face("machines.isolate", by_group(face)["Workstations"], comment="c")
    assert changes(sb) == []


def test_the_list_holds_for_every_way_to_a_machine(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(allow_device_groups=["Workstations"])
    machines = by_group(face)
    good, bad = machines["Workstations"], machines["Executives"]
    command = {"type": "GetFile", "params": [{"key": "Path", "value": "x"}]}
    for call, given in (
        ("machines.add_tag", {"id": bad, "tag": "t"}),
        ("machines.update", {"id": bad, "tags": ["t"]}),
        ("machines.set_value", {"id": bad, "value": "Low"}),
        ("machines.add_tag_to_many", {"ids": [good, bad], "tag": "t"}),
        ("live_response.start", {"id": bad, "comment": "c", "commands": [command]}),
        ("investigations.start", {"machine_id": bad, "comment": "c"}),
        ("call", {"operation": "machines.isolate", "id": bad, "comment": "c"}),
        ("call", {"operation": "machines.add_tag_to_many", "ids": (bad,), "tag": "t"}),
    ):
        positional = [given.pop("operation")] if "operation" in given else []
        with pytest.raises(xdrkit.ActionRefusedError):
            face(call, *positional, **given)
    assert changes(sb) == []
    sb.fault(operation="machines.add_tag_to_many", status=200, body={"value": [{"id": good}]})
    assert face("machines.add_tag_to_many", ids=[good], tag="t") == [{"id": good}]


def test_with_the_list_a_plain_request_may_only_read(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(allow_device_groups=["Workstations"])
    good = by_group(face)["Workstations"]
    for method, path, service in (
        ("POST", f"/api/machines/{good}/isolate", "endpoint"),
        ("post", f"{sb.url}/api/machines/{good}/isolate", "endpoint"),
        ("DELETE", "/api/indicators/1", "endpoint"),
        ("POST", f"/api/advancedqueries/run/../../machines/{good}/isolate", "endpoint"),
        ("POST", f"/api/advancedqueries/run/%2e%2e/%2e%2e/machines/{good}/isolate", "endpoint"),
        ("POST", "/api/indicators", "endpoint"),
        ("POST", "/v1.0/$batch", "graph"),
        ("POST", "/api/advancedqueries/run", "graph"),
    ):
        with pytest.raises(xdrkit.ActionRefusedError, match="may only read"):
            face("request", method, path, service=service, json={"Comment": "c"})
    assert changes(sb) == []
    assert face("request", "GET", "/api/machines")["value"]
    assert face("request", "POST", "/api/advancedqueries/run", json={"Query": "DeviceInfo | take 1"})["Results"]


def test_a_plain_request_is_asked_about(sb: xdrkit.Sandbox, faces: Faces) -> None:
    asked: list[xdrkit.Plan] = []
    face = faces(confirm=lambda plan: asked.append(plan) or True)
    machine = by_group(face)["Workstations"]
    made = face("request", "POST", f"/api/machines/{machine}/isolate", json={"Comment": "c"})
    assert made["machineId"] == machine
    assert [(one["method"], one["url"], one["body"]) for one in asked[0]] == [
        ("POST", f"/api/machines/{machine}/isolate", {"Comment": "c"})
    ]


# The policy stays with the client


def test_clients_made_of_a_client_keep_its_policy(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(confirm=lambda plan: False, additionally_allowed_tenants=["*"])
    for other in (face.client.with_options(timeout=5), face.client.for_tenant(sb.tenant_id)):
        with pytest.raises(xdrkit.ActionRefusedError):
            face.of(other, "machines.isolate", "a" * 40, comment="c")
        with pytest.raises(xdrkit.ActionRefusedError):
            face.of(other, "graph.detection_rules.delete", "1")
    assert changes(sb) == []


def test_helpers_obey_it_as_well(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(confirm=lambda plan: False)
    machine = by_group(face)["Workstations"]
    with pytest.raises(xdrkit.ActionRefusedError):
        face("live_response.start", machine, comment="c", commands=[{"type": "GetFile", "params": []}])
    assert changes(sb) == []


# The record


def test_every_change_leaves_two_lines(sb: xdrkit.Sandbox, faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    face = faces(on_action=record)
    machine = by_group(face)["Workstations"]
    action = face("machines.isolate", machine, comment="caf\u00e9\n\u2028case 7")
    face("machines.add_tag", [machine], tag="t")
    assert record.read_bytes().isascii()
    before, after, *tags = lines(record)
    assert (before["phase"], after["phase"]) == ("intent", "outcome")
    for one in (before, after):
        assert one["operation"] == "machines.isolate"
        assert one["effect"] == "acts"
        assert one["id"] == machine
        assert one["arguments"] == {"id": machine, "comment": "caf\u00e9\n\u2028case 7"}
        assert one["request"] == {"method": "POST", "url": f"{sb.url}/api/machines/{machine}/isolate"}
        assert (one["client_id"], one["tenant_id"], one["user"]) == (sb.client_id, sb.tenant_id, None)
        assert one["dry_run"] is False
        assert one["time"].endswith("Z")
    assert before["outcome"] is None
    assert after["outcome"] == {"ok": True, "id": action["id"], "type": "Isolate", "status": "Pending"}
    assert [(one["phase"], one["effect"]) for one in tags] == [("intent", "changes"), ("outcome", "changes")]
    assert stat.S_IMODE(record.stat().st_mode) == 0o600


def test_reads_leave_no_line(faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    face = faces(on_action=str(record))
    face("machines.get", by_group(face)["Workstations"])
    face("request", "GET", "/api/machines")
    face("hunt", "DeviceInfo | take 1")
    assert not record.exists()


def test_what_failed_or_was_refused_is_recorded(sb: xdrkit.Sandbox, faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    face = faces(on_action=record, allow_device_groups=["Workstations"], confirm=lambda plan: len(plan) > 1)
    machines = by_group(face)
    good, bad = machines["Workstations"], machines["Executives"]
    sb.fault(operation="machines.isolate", status=400, body={"error": {"code": "X", "message": "busy"}})
    face("machines.isolate", [bad, good], comment="c", on_error="collect")
    with pytest.raises(xdrkit.ActionRefusedError):
        face("machines.isolate", good, comment="c")
    refused, before, after, unconfirmed = lines(record)
    assert (refused["phase"], refused["id"], refused["outcome"]["error"]) == ("refused", bad, "ActionRefusedError")
    assert "Executives" in refused["outcome"]["message"]
    assert (before["phase"], after["phase"], after["id"]) == ("intent", "outcome", good)
    failed = after["outcome"]
    assert (failed["ok"], failed["error"], failed["message"], failed["status"]) == (
        False,
        "BadRequestError",
        "busy",
        400,
    )
    assert failed["request_id"]
    assert (unconfirmed["phase"], unconfirmed["id"]) == ("refused", good)


def test_a_found_or_joined_action_is_recorded(sb: xdrkit.Sandbox, faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    face = faces(on_action=record)
    machine = by_group(face)["Workstations"]
    sb.fault(operation="machines.scan", kind="truncate")
    action = face("machines.scan", machine, comment="c", scan_type="Quick")
    face("machines.scan", machine, comment="d", scan_type="Quick", if_active="attach")
    told = [
        (one["phase"], (one["outcome"] or {}).get("error") or (one["outcome"] or {}).get("id")) for one in lines(record)
    ]
    assert told == [
        ("intent", None),
        ("outcome", "ActionOutcomeUnknownError"),
        ("found", action["id"]),
        ("intent", None),
        ("outcome", "ConflictError"),
        ("attached", action["id"]),
    ]


def test_cancelling_after_a_timeout_is_recorded(sb: xdrkit.Sandbox, faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    face = faces(on_action=record)
    machine = by_group(face)["Workstations"]
    action = face("machines.isolate", machine, comment="c")
    sb.fault(operation="machines.isolate", status=201, body=action)
    sb.fault(operation="machine_actions.get", status=200, body=action, times=None)
    with pytest.raises(xdrkit.DeadlineExceededError):
        face("machines.isolate", machine, comment="c", wait=10, cancel_on_timeout=True)
    assert [one["operation"] for one in lines(record)] == ["machines.isolate"] * 4 + ["machine_actions.cancel"] * 2


def test_what_can_not_be_recorded_is_not_done(sb: xdrkit.Sandbox, faces: Faces, tmp_path: Path) -> None:
    def broken(record: dict[str, Any]) -> None:
        raise OSError("the queue is full")

    for on_action in (tmp_path / "absent" / "actions.jsonl", tmp_path, broken):
        with pytest.raises(xdrkit.ActionRefusedError, match=r"on_action.*nothing was sent"):
            faces(on_action=on_action)("machines.isolate", "a" * 40, comment="c")
    assert changes(sb) == []


def test_an_outcome_that_can_not_be_recorded_is_not_lost(sb: xdrkit.Sandbox, faces: Faces) -> None:
    def broken(record: dict[str, Any]) -> None:
        if record["phase"] == "outcome":
            raise OSError("the queue is full")

    face = faces(on_action=broken)
    machine = by_group(face)["Workstations"]
    with pytest.warns(RuntimeWarning, match="the queue is full"):
        assert face("machines.isolate", machine, comment="c")["status"] == "Pending"


def test_what_was_cancelled_on_its_way_is_recorded(sb: xdrkit.Sandbox) -> None:
    seen: list[dict[str, Any]] = []

    async def main() -> None:
        async with sb.async_client(on_action=seen.append) as client:
            machine = await client.machines.list().first()
            assert machine is not None
            sb.fault(operation="machines.isolate", kind="stall")
            task = asyncio.ensure_future(client.machines.isolate(machine["id"], comment="c"))
            while not any(one["phase"] == "intent" for one in seen):
                await asyncio.sleep(0)
            for _ in range(1000):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert [one["phase"] for one in seen] == ["intent", "outcome"]
    assert seen[1]["outcome"] == {"ok": False, "error": "CancelledError"}


def test_a_function_is_given_the_records(sb: xdrkit.Sandbox, faces: Faces) -> None:
    seen: list[dict[str, Any]] = []

    async def later(record: dict[str, Any]) -> None:
        seen.append(record)

    face = faces(on_action=later if faces.is_async else seen.append)
    machine = by_group(face)["Workstations"]
    face("machines.isolate", machine, comment="c")
    assert [one["phase"] for one in seen] == ["intent", "outcome"]


def test_the_user_is_named(sb: xdrkit.Sandbox) -> None:
    seen: list[dict[str, Any]] = []
    with sb.user_client(on_action=seen.append) as client:
        machine = next(iter(client.machines.list()))["id"]
        client.machines.isolate(machine, comment="c")
    assert {one["user"] for one in seen} == {sb.identity["user"]}


def test_a_dry_run_is_recorded_as_one(faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    faces(on_action=record)("machines.isolate", "a" * 40, comment="c", dry_run=True)
    assert [(one["phase"], one["dry_run"]) for one in lines(record)] == [("intent", True)]


def test_secrets_and_signatures_stay_out(sb: xdrkit.Sandbox, faces: Faces, tmp_path: Path) -> None:
    record = tmp_path / "actions.jsonl"
    plans: list[xdrkit.Plan] = []
    face = faces(on_action=record, confirm=lambda plan: bool(plans.append(plan)))
    with pytest.raises(xdrkit.ActionRefusedError):
        face(
            "request",
            "POST",
            "/api/any?sig=SECRET1&a=b",
            json={"scan": [{"password": "SECRET2", "communityString": "SECRET3"}], "name": "n"},
            params={"token": "SECRET4"},
            headers={"X-Api-Key": "SECRET5"},
        )
    text = record.read_text() + repr(plans) + str(plans[0]._repr_html_())
    assert "SECRET" not in text
    assert '"name": "n"' in text


def test_a_client_without_a_policy_asks_nothing_more(sb: xdrkit.Sandbox, face: Face) -> None:
    assert face.client._policy is None
    machine = by_group(face)["Workstations"]
    face("machines.isolate", machine, comment="c")
    assert operations_of(sb) == ["machines.list", "machines.isolate"]
