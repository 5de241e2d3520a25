"""Live response, packages, logs, and the library: what is waited for, fetched and read. Both clients."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit._transcript import read

from .faces import Face, Faces, operations_of
from .storage_server import SIGNATURE, Storage, serve

MACHINE = "a" * 40
ACTION = "11111111-2222-3333-4444-555555555555"
SCRIPT = ("RunScript", "collect.ps1", "-Days 3")


@pytest.fixture
def storage() -> Iterator[Storage]:
    made = Storage()
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


def of_type(type_: str, value: str, status: str = "Completed", **more: Any) -> dict[str, Any]:
    """A command of a session, as the service tells of it."""
    key = {"RunScript": "ScriptName", "GetFile": "Path", "PutFile": "FileName"}[type_]
    command = {"type": type_, "params": [{"key": key, "value": value}]}
    return {"command": command, "commandStatus": status, "errors": [], **more}


def session(sb: xdrkit.Sandbox, *commands: dict[str, Any], status: str = "Succeeded", **more: Any) -> dict[str, Any]:
    """From now on a session begins when one is asked for, and ends so."""
    numbered = [{"index": i, **command} for i, command in enumerate(commands)]
    action: dict[str, Any] = {"id": ACTION, "type": "LiveResponse", "machineId": MACHINE, "commands": numbered, **more}
    sb.fault(operation="live_response.start", status=201, body={**action, "status": "Pending"}, times=None)
    sb.fault(operation="machine_actions.get", status=200, body={**action, "status": status}, times=None)
    return action


def result(sb: xdrkit.Sandbox, storage: Storage, index: int, content: bytes, times: int | None = None) -> None:
    """What a command left."""
    storage.blobs[f"r{index}"] = content
    path = f"/api/machineactions/{ACTION}/GetLiveResponseResultDownloadLink(index={index})"
    sb.fault(path=path, status=200, body={"value": storage.link(f"r{index}")}, times=times)


def transcript(output: str = "done", code: Any = 0) -> bytes:
    text = {"script_name": "collect.ps1", "exit_code": code, "script_output": output, "script_errors": ""}
    return json.dumps(text).encode()


# Commands


def test_commands_are_taken_in_every_form(sb: xdrkit.Sandbox, storage: Storage, faces: Faces, tmp_path: Path) -> None:
    face = faces(dry_run=True)
    script = [{"key": "ScriptName", "value": "a.ps1"}, {"key": "Args", "value": "-x 1"}]
    wire = [
        {"type": "PutFile", "params": [{"key": "FileName", "value": "t.exe"}]},
        {"type": "RunScript", "params": script},
        {"type": "RunScript", "params": script[:1]},
        {"type": "GetFile", "params": [{"key": "Path", "value": "c:\\t.txt"}]},
    ]
    forms: list[list[Any]] = [
        [("PutFile", "t.exe"), ("RunScript", "a.ps1", "-x 1"), ("RunScript", "a.ps1"), ("GetFile", "c:\\t.txt")],
        [("put_file", "t.exe"), ["run_script", "a.ps1", "-x 1"], ("runscript", "a.ps1"), ("get_file", "c:\\t.txt")],
        [
            {"type": "PutFile", "file": "t.exe"},
            {"type": "RunScript", "script": "a.ps1", "args": "-x 1"},
            {"type": "RunScript", "script": "a.ps1", "args": None},
            {"type": "GetFile", "path": "c:\\t.txt"},
        ],
        wire,
    ]
    for commands in forms:
        plan = face("live_response.run", MACHINE, commands, comment="c", to=tmp_path)
        assert plan[0]["body"]["Commands"] == wire
    assert face("live_response.run_script", MACHINE, "a.ps1", "-x 1", comment="c")[0]["body"]["Commands"] == wire[1:2]
    assert (
        face("live_response.get_file", MACHINE, "c:\\t.txt", tmp_path / "t", comment="c")[0]["body"]["Commands"]
        == wire[3:]
    )
    assert face("live_response.put_file", MACHINE, "t.exe", comment="c")[0]["body"]["Commands"] == wire[:1]
    assert sb.requests == []


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        ([], "empty"),
        ("RunScript", "list"),
        ({"type": "RunScript"}, "list"),
        (None, "list"),
        ([()], "item 0"),
        ([SCRIPT, "x"], "item 1"),
        ([("Delete", "x")], "PutFile, GetFile, RunScript"),
        ([("GetFile",)], "path"),
        ([("GetFile", "a", "b")], "path"),
        ([("RunScript", "a", "b", "c")], "script"),
        ([("RunScript", "a", ["b"])], "text"),
        ([("RunScript", "")], "empty script"),
        ([{"type": "RunScript"}], "needs script"),
        ([{"type": "RunScript", "script": "a", "arguments": "b"}], "arguments"),
        ([{"type": "GetFile", "path": "a", "args": "b"}], "args"),
        ([{"type": "GetFile", "path": "a", "params": []}], "params"),
        ([{"type": "RunScript", "script": "a", "name": "b"}], "needs script"),
    ],
)
def test_what_is_no_command_is_refused_with_its_place(sb: xdrkit.Sandbox, face: Face, commands: Any, says: str) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError, match=says) as caught:
        face("live_response.run", MACHINE, commands, comment="c", to=".")
    assert caught.value.argument == "commands"
    assert sb.requests == []


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"to": None}, "to"),
        ({"to": "/no/such/folder"}, "to"),
        ({"to": 7}, "to"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "long"}, "timeout"),
        ({"if_active": "wait"}, "if_active"),
        ({"machine_id": ["a" * 40]}, "machine_id"),
        ({"comment": None}, "comment"),
    ],
)
def test_a_wrong_option_is_refused_before_a_session_begins(
    sb: xdrkit.Sandbox, face: Face, options: dict[str, Any], argument: str
) -> None:
    given: dict[str, Any] = {
        "machine_id": MACHINE,
        "commands": [("GetFile", "x")],
        "comment": "c",
        "to": ".",
        **options,
    }
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        face("live_response.run", **given)
    assert caught.value.argument == argument
    assert sb.requests == []


# What comes out


def test_a_script_is_run_and_read(sb: xdrkit.Sandbox, storage: Storage, face: Face) -> None:
    session(sb, of_type("RunScript", "collect.ps1"))
    result(sb, storage, 0, transcript("line 1\nline 2", 3))
    said = face("live_response.run_script", MACHINE, "collect.ps1", "-Days 3", comment="case 7")
    assert said == {
        "script_name": "collect.ps1",
        "exit_code": 3,
        "script_output": "line 1\nline 2",
        "script_errors": "",
    }
    assert operations_of(sb) == ["live_response.start", "machine_actions.get", "live_response.result_link"]
    assert all("authorization" not in map(str.lower, headers) for _, _, headers in storage.seen)


def test_a_file_is_fetched(sb: xdrkit.Sandbox, storage: Storage, face: Face, tmp_path: Path) -> None:
    session(sb, of_type("GetFile", "c:\\temp\\a.bin"))
    content = bytes(range(256)) * 1000
    result(sb, storage, 0, content)
    target = tmp_path / "a.bin"
    assert face("live_response.get_file", MACHINE, "c:\\temp\\a.bin", target, comment="case 8") == target
    assert target.read_bytes() == content


def test_a_file_is_put(sb: xdrkit.Sandbox, face: Face) -> None:
    session(sb, of_type("PutFile", "tool.exe"))
    assert face("live_response.put_file", MACHINE, "tool.exe", comment="case 9")["status"] == "Succeeded"
    assert operations_of(sb) == ["live_response.start", "machine_actions.get"]


def test_several_commands_give_a_result_each(sb: xdrkit.Sandbox, storage: Storage, face: Face, tmp_path: Path) -> None:
    session(
        sb, of_type("PutFile", "t.exe"), of_type("RunScript", "a.ps1"), of_type("GetFile", "c:\\x\\..\\out?.txt"),
        of_type("GetFile", "/var/log/syslog"),
    )  # fmt: skip
    result(sb, storage, 1, transcript())
    result(sb, storage, 2, b"windows")
    result(sb, storage, 3, b"linux")
    commands = [("PutFile", "t.exe"), ("RunScript", "a.ps1"), ("GetFile", "x"), ("GetFile", "y")]
    put, ran, first, second = face("live_response.run", MACHINE, commands, comment="case 10", to=tmp_path)
    assert put == {
        "index": 0,
        "type": "PutFile",
        "value": "t.exe",
        "status": "Completed",
        "errors": [],
        "transcript": None,
        "path": None,
    }
    assert ran["transcript"]["script_output"] == "done"
    assert (first["path"], second["path"]) == (tmp_path / "2-out_.txt", tmp_path / "3-syslog")
    assert first["path"].read_bytes() + second["path"].read_bytes() == b"windowslinux"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2-out_.txt", "3-syslog"]


def test_a_link_that_ended_is_renewed_once(sb: xdrkit.Sandbox, storage: Storage, face: Face) -> None:
    session(sb, of_type("RunScript", "a.ps1"))
    result(sb, storage, 0, transcript(), times=1)
    storage.generation = 2
    result(sb, storage, 0, transcript())
    assert face("live_response.run_script", MACHINE, "a.ps1", comment="c")["script_output"] == "done"
    assert operations_of(sb).count("live_response.result_link") == 2


def test_no_link_is_told_when_fetching_fails(sb: xdrkit.Sandbox, storage: Storage, face: Face) -> None:
    session(sb, of_type("RunScript", "a.ps1"))
    result(sb, storage, 0, transcript())
    storage.generation = 2
    with pytest.raises(xdrkit.PermissionDeniedError) as caught:
        face("live_response.run_script", MACHINE, "a.ps1", comment="c")
    assert SIGNATURE not in repr(caught.value) + str(caught.value)
    assert operations_of(sb).count("live_response.result_link") == 2


def test_a_script_without_a_transcript_is_an_error(sb: xdrkit.Sandbox, face: Face) -> None:
    session(sb, of_type("RunScript", "a.ps1"))
    gone = {"error": {"code": "ResourceNotFound", "message": "none"}}
    sb.fault(operation="live_response.result_link", status=404, body=gone, times=None)
    with pytest.raises(xdrkit.BadResponseError, match="left no transcript"):
        face("live_response.run_script", MACHINE, "a.ps1", comment="c")


# What goes wrong


def test_a_command_that_fails_is_named_with_what_the_service_says(
    sb: xdrkit.Sandbox, face: Face, tmp_path: Path
) -> None:
    failed = of_type("GetFile", "c:\\no", "Failed", errors=["File c:\\no does not exist", "0x80070002"])
    session(sb, of_type("RunScript", "a.ps1"), failed, of_type("PutFile", "t", "Created"), status="Failed")
    with pytest.raises(xdrkit.ActionFailedError, match=r"command 1 \(GetFile c:\\no\) failed: File") as caught:
        face("live_response.run", MACHINE, [("RunScript", "a.ps1"), ("GetFile", "c:\\no")], comment="c", to=tmp_path)
    assert caught.value.command == 1
    assert caught.value.errors == ["File c:\\no does not exist", "0x80070002"]
    assert caught.value.action is not None
    assert caught.value.action["id"] == ACTION
    assert f"live_response.results('{ACTION}')" in str(caught.value)


def test_what_came_before_a_failure_can_be_fetched(
    sb: xdrkit.Sandbox, storage: Storage, face: Face, tmp_path: Path
) -> None:
    action = session(
        sb, of_type("RunScript", "a.ps1"), of_type("GetFile", "c:\\a"), of_type("GetFile", "c:\\no", "Failed", errors=["no"]),
        status="Failed",
    )  # fmt: skip
    result(sb, storage, 0, transcript())
    result(sb, storage, 1, b"a")
    for given in (ACTION, action):
        ran, got, failed = face("live_response.results", given, to=tmp_path)
        assert ran["transcript"]["script_output"] == "done"
        assert got["path"] == tmp_path / "1-a"
        assert (failed["status"], failed["errors"], failed["path"]) == ("Failed", ["no"], None)
    assert face("live_response.results", ACTION)[1]["path"] is None
    sb.reset()
    sb.fault(operation="machine_actions.get", status=200, body={"id": ACTION, "type": "Isolate"})
    with pytest.raises(xdrkit.InvalidArgumentError, match="Isolate"):
        face("live_response.results", ACTION)


@pytest.mark.parametrize(("status", "queued"), [("Pending", True), ("InProgress", False)])
def test_a_session_that_takes_too_long_is_said_to_be_queued(
    sb: xdrkit.Sandbox, face: Face, status: str, queued: bool
) -> None:
    session(sb, of_type("RunScript", "a.ps1", "Created"), status=status)
    with pytest.raises(xdrkit.DeadlineExceededError) as caught:
        face("live_response.run_script", MACHINE, "a.ps1", comment="c", timeout=60)
    assert ("queued for three days" in str(caught.value)) is queued
    assert f"live_response.results('{ACTION}')" in str(caught.value)
    assert caught.value.action is not None


def test_a_session_that_takes_too_long_is_cancelled_where_that_is_wanted(sb: xdrkit.Sandbox, face: Face) -> None:
    action = session(sb, of_type("RunScript", "a.ps1", "Created"), status="Pending")
    sb.fault(operation="machine_actions.cancel", status=200, body={**action, "status": "Cancelled"})
    with pytest.raises(xdrkit.DeadlineExceededError, match="cancelled") as caught:
        face("live_response.run_script", MACHINE, "a.ps1", comment="c", timeout=60, cancel_on_timeout=True)
    assert caught.value.cancelled is True


def test_a_full_tenant_is_said(sb: xdrkit.Sandbox, faces: Faces) -> None:
    face = faces(max_retries=0)
    full = {"error": {"code": "429", "message": "Live response sessions quota exceeded! maximum 25"}}
    sb.fault(operation="live_response.start", status=429, body=full, times=None)
    with pytest.raises(xdrkit.ThrottledError, match="25 live response sessions may run in a tenant at once"):
        face("live_response.run_script", MACHINE, "a.ps1", comment="c")


def test_a_running_session_is_joined_only_if_it_does_the_same(sb: xdrkit.Sandbox, storage: Storage, face: Face) -> None:
    busy = {"error": {"code": "ActiveRequestAlreadyExists", "message": "Action is already in progress"}}
    sb.fault(operation="live_response.start", status=400, body=busy, times=None)
    action = session(sb, of_type("RunScript", "a.ps1"))
    running = {**action, "status": "InProgress", "creationDateTimeUtc": "2026-01-01T00:00:00Z"}
    sb.fault(operation="machine_actions.list", status=200, body={"value": [running]}, times=None)
    result(sb, storage, 0, transcript())
    (done,) = face("live_response.run", MACHINE, [("RunScript", "a.ps1")], comment="c", if_active="attach")
    assert done["transcript"]["script_output"] == "done"
    for commands, options in (([("RunScript", "b.ps1")], {"if_active": "attach"}), ([("RunScript", "a.ps1")], {})):
        with pytest.raises(xdrkit.ConflictError):
            face("live_response.run", MACHINE, commands, comment="c", **options)


def test_a_lost_answer_is_found_by_comment_and_commands(sb: xdrkit.Sandbox, storage: Storage, face: Face) -> None:
    sb.fault(operation="live_response.start", kind="reset")
    action = session(sb, of_type("RunScript", "a.ps1"))
    mine = {**action, "requestorComment": "mine", "status": "Pending", "creationDateTimeUtc": "2099-01-01T00:00:00Z"}
    theirs = {**mine, "id": "x", "commands": [{"index": 0, **of_type("RunScript", "b.ps1")}]}
    sb.fault(operation="machine_actions.list", status=200, body={"value": [theirs, mine]}, times=None)
    result(sb, storage, 0, transcript())
    assert face("live_response.run_script", MACHINE, "a.ps1", comment="mine")["script_output"] == "done"
    assert operations_of(sb).count("live_response.start") == 1


# Transcripts


RAW = b'{\r\n "script_name": "a.ps1",\r\n "exit_code": 0,\r\n "script_output": "one\r\ntwo\x00\tthree",\r\n "script_errors": ""\r\n}'


@pytest.mark.parametrize(
    ("data", "output", "code"),
    [
        (RAW, "one\r\ntwo\tthree", 0),
        (b"\xef\xbb\xbf" + RAW, "one\r\ntwo\tthree", 0),
        (RAW.decode().encode("utf-16"), "one\r\ntwo\tthree", 0),
        (RAW.decode().encode("utf-16-be"), "one\r\ntwo\tthree", 0),
        (RAW.decode().encode("utf-16-le"), "one\r\ntwo\tthree", 0),
        (RAW + b"\x00\x00", "one\r\ntwo\tthree", 0),
        (b'{"Script_Output": "x", "exit_code": "5"}', "x", 5),
        (b'{"script_output": null, "exit_code": "?"}', "", None),
        (b'{"script_output": ["a", "b"], "exit_code": -1}', "a\nb", -1),
        ('{"script_output": "caf\u00e9 \\u2713"}'.encode(), "caf\u00e9 \u2713", None),
        (b'{"script_output": "caf\xe9"}', "caf\ufffd", None),
        (b"no JSON at all\r\n", "no JSON at all", None),
        (b"[1, 2]", "[1, 2]", None),
        (b'{"script_output": "cut of', '{"script_output": "cut of', None),
        (b"", "", None),
    ],
)
def test_transcripts_are_read_leniently(data: bytes, output: str, code: int | None) -> None:
    found = read(data)
    assert (found["script_output"], found["exit_code"]) == (output, code)
    assert isinstance(found["script_errors"], str)


# Packages and logs

COLLECTED = [
    ("machine_actions.download_package", "CollectInvestigationPackage", "machine_actions.package_uri"),
    ("machine_actions.download_logs", "LogsCollection", "machine_actions.logs_uri"),
]
each = pytest.mark.parametrize(("method", "kind", "link"), COLLECTED, ids=["package", "logs"])


def collected(sb: xdrkit.Sandbox, kind: str, *statuses: str) -> dict[str, Any]:
    """An action that is seen in these states, and in the last of them for ever."""
    action = {"id": ACTION, "type": kind, "machineId": MACHINE}
    for status in statuses[:-1]:
        sb.fault(operation="machine_actions.get", status=200, body={**action, "status": status})
    sb.fault(operation="machine_actions.get", status=200, body={**action, "status": statuses[-1]}, times=None)
    return action


@each
def test_what_was_collected_is_waited_for_and_fetched(
    sb: xdrkit.Sandbox, storage: Storage, face: Face, tmp_path: Path, method: str, kind: str, link: str
) -> None:
    action = collected(sb, kind, "Pending", "InProgress", "Succeeded")
    gone = {"error": {"code": "ResourceNotFound", "message": "not ready"}}
    sb.fault(operation=link, status=404, body=gone, times=2)
    storage.blobs["package.zip"] = b"PK" * 50_000
    quoted = {"value": f'"{storage.link("package.zip")}"'}
    sb.fault(operation=link, status=200, body=quoted, times=None)
    target = tmp_path / "package.zip"
    assert face(method, action, target) == target
    assert target.read_bytes() == storage.blobs["package.zip"]
    assert operations_of(sb) == ["machine_actions.get"] * 3 + [link] * 3
    assert all("authorization" not in map(str.lower, headers) for _, _, headers in storage.seen)
    assert face(method, ACTION, str(target)) == target


@each
def test_a_package_link_that_ended_is_renewed_once(
    sb: xdrkit.Sandbox, storage: Storage, face: Face, tmp_path: Path, method: str, kind: str, link: str
) -> None:
    collected(sb, kind, "Succeeded")
    storage.blobs["p"] = b"PK"
    sb.fault(operation=link, status=200, body={"value": storage.link("p")})
    storage.generation = 2
    sb.fault(operation=link, status=200, body={"value": storage.link("p")})
    assert face(method, ACTION, tmp_path / "p.zip").read_bytes() == b"PK"
    # And not twice.
    sb.fault(operation=link, status=200, body={"value": storage.link("p")}, times=None)
    storage.generation = 3
    with pytest.raises(xdrkit.PermissionDeniedError) as caught:
        face(method, ACTION, tmp_path / "q.zip")
    assert SIGNATURE not in repr(caught.value) + str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["p.zip"]


@each
def test_what_is_never_ready_is_given_up(
    sb: xdrkit.Sandbox, face: Face, tmp_path: Path, method: str, kind: str, link: str
) -> None:
    collected(sb, kind, "Succeeded")
    gone = {"error": {"code": "ResourceNotFound", "message": "not ready"}}
    sb.fault(operation=link, status=404, body=gone, times=None)
    with pytest.raises(xdrkit.DeadlineExceededError, match="not ready after 100 s") as caught:
        face(method, ACTION, tmp_path / "p.zip", timeout=100)
    assert caught.value.action is not None
    # 2 a minute are allowed.
    assert operations_of(sb).count(link) <= 6


@each
def test_a_collection_that_fails_or_is_none_is_an_error(
    sb: xdrkit.Sandbox, face: Face, tmp_path: Path, method: str, kind: str, link: str
) -> None:
    collected(sb, kind, "Pending", "Failed")
    with pytest.raises(xdrkit.ActionFailedError):
        face(method, ACTION, tmp_path / "p.zip")
    sb.reset()
    collected(sb, "Isolate", "Succeeded")
    with pytest.raises(xdrkit.InvalidArgumentError, match=f"Isolate, not {kind}"):
        face(method, ACTION, tmp_path / "p.zip")
    assert link not in operations_of(sb)


@pytest.mark.parametrize(
    ("action", "path", "options", "argument"),
    [
        (ACTION, ".", {}, "path"),
        (ACTION, "/no/such/folder/p.zip", {}, "path"),
        (ACTION, 7, {}, "path"),
        (ACTION, "", {}, "path"),
        ("", "p.zip", {}, "action"),
        (7, "p.zip", {}, "action"),
        ({}, "p.zip", {}, "action"),
        (ACTION, "p.zip", {"timeout": 0}, "timeout"),
    ],
)
def test_a_wrong_target_is_refused_before_anything_is_sent(
    sb: xdrkit.Sandbox, face: Face, action: Any, path: Any, options: dict[str, Any], argument: str
) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        face("machine_actions.download_package", action, path, **options)
    assert caught.value.argument == argument
    assert sb.requests == []


# Waiting for several


def test_several_actions_are_waited_for(sb: xdrkit.Sandbox, face: Face) -> None:
    ids = [m["id"] for m in face.all("machines.list", top=3)]
    actions = [one["id"] for one in face("machines.isolate", ids, comment="c").values()]
    outcomes = face("machine_actions.wait_many", actions)
    assert [one.id for one in outcomes] == actions
    assert {one["status"] for one in outcomes.values()} == {"Succeeded"}
    absent = "99999999-2222-3333-4444-555555555555"
    outcomes = face("machine_actions.wait_many", [*actions, absent], on_error="collect")
    assert [one.id for one in outcomes.failed] == [absent]
    assert isinstance(outcomes[3].error, xdrkit.NotFoundError)
    with pytest.raises(xdrkit.PartialFailureError):
        face("machine_actions.wait_many", [*actions, absent])
    before = len(sb.requests)
    for wrong in ([], ACTION, [7.5]):
        with pytest.raises(xdrkit.InvalidArgumentError):
            face("machine_actions.wait_many", wrong)
    assert len(sb.requests) == before


# The library


def uploaded(sb: xdrkit.Sandbox) -> None:
    sb.fault(operation="library.upload", status=200, body={"fileName": "a.ps1", "sha256": "x"}, times=None)


def test_a_file_is_uploaded_from_wherever_it_is(sb: xdrkit.Sandbox, face: Face, tmp_path: Path) -> None:
    uploaded(sb)
    path = tmp_path / "a.ps1"
    path.write_bytes(b"Get-Date")
    for file, options in (
        (path, {}),
        (str(path), {"name": "b.ps1", "override": True}),
        (b"Get-Date", {"name": "a.ps1", "description": "d", "parameters_description": "none"}),
        (io.BytesIO(b"Get-Date"), {"name": "a.ps1", "has_parameters": False}),
    ):
        assert face("library.upload", file, **options)["fileName"] == "a.ps1"
    with path.open("rb") as opened:
        assert face("library.upload", opened)["fileName"] == "a.ps1"
    assert operations_of(sb) == ["library.upload"] * 5


@pytest.mark.parametrize(
    ("file", "options", "argument"),
    [
        (b"x", {}, "name"),
        (b"x", {"name": " "}, "name"),
        (b"x", {"name": "../a.ps1"}, "name"),
        (b"x", {"name": "a\r\n.ps1"}, "name"),
        (b"x" * (20 * 1024 * 1024 + 1), {"name": "a"}, "file"),
        (io.BytesIO(b"x" * (20 * 1024 * 1024 + 1)), {"name": "a"}, "file"),
        (io.StringIO("x"), {"name": "a"}, "file"),
        (7, {"name": "a"}, "file"),
        (b"x", {"name": "a", "description": 7}, "description"),
    ],
    ids=["no name", "blank", "path", "line end", "too large", "too large to read", "text", "int", "description"],
)
def test_a_wrong_upload_is_refused_before_anything_is_sent(
    sb: xdrkit.Sandbox, face: Face, file: Any, options: dict[str, Any], argument: str
) -> None:
    if hasattr(file, "seek"):
        file.seek(0)
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        face("library.upload", file, **options)
    assert caught.value.argument == argument
    assert sb.requests == []


def test_a_path_that_is_too_large_is_not_read(sb: xdrkit.Sandbox, face: Face, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    with pytest.raises(xdrkit.InvalidArgumentError, match="20 MB"):
        face("library.upload", path)
    with pytest.raises(FileNotFoundError):
        face("library.upload", tmp_path / "absent.ps1")
    assert sb.requests == []


def test_an_upload_whose_answer_got_lost_is_looked_for(sb: xdrkit.Sandbox, face: Face) -> None:
    sb.fault(operation="library.upload", kind="reset")
    there = {"fileName": "A.ps1", "sha256": hashlib.sha256(b"Get-Date").hexdigest().upper()}
    sb.fault(operation="library.list", status=200, body={"value": [{"fileName": "b"}, there]}, times=None)
    assert face("library.upload", b"Get-Date", name="a.ps1") == there
    sb.fault(operation="library.upload", kind="reset")
    with pytest.raises(xdrkit.ActionOutcomeUnknownError, match="asked 3 times") as caught:
        face("library.upload", b"Get-Date -Format o", name="a.ps1")
    assert caught.value.looked == 3
    assert operations_of(sb).count("library.upload") == 2


def test_an_upload_is_recorded_without_its_content(sb: xdrkit.Sandbox, faces: Faces) -> None:
    seen: list[dict[str, Any]] = []
    uploaded(sb)
    faces(on_action=seen.append)("library.upload", b"top secret script", name="a.ps1", description="d")
    assert [one["phase"] for one in seen] == ["intent", "outcome"]
    assert seen[0]["arguments"] == {"description": "d", "file": "a.ps1", "bytes": 17}
    assert "top secret" not in repr(seen)
    with pytest.raises(xdrkit.ActionRefusedError):
        faces(dry_run=True)("library.upload", b"x", name="a.ps1")
    assert operations_of(sb) == ["library.upload"]


# Against the sandbox's own live response


def test_the_whole_way_from_the_library_to_the_transcript(face: Face, tmp_path: Path) -> None:
    machine = face.all("machines.list", top=1)[0]["id"]
    face("library.upload", b"Get-Date", name="when.ps1", description="the time")
    assert "when.ps1" in [one["fileName"] for one in face.all("library.list")]
    commands = [("PutFile", "when.ps1"), ("RunScript", "when.ps1", "-Utc"), ("GetFile", "c:\\temp\\log.txt")]
    put, ran, got = face("live_response.run", machine, commands, comment="case 1", to=tmp_path)
    assert [put["status"], ran["status"], got["status"]] == ["Completed"] * 3
    assert ran["transcript"]["exit_code"] == 0
    assert "Arguments: -Utc\r\n" in ran["transcript"]["script_output"]
    assert got["path"].stat().st_size > 0
    with pytest.raises(xdrkit.ActionFailedError, match="does not exist") as caught:
        face("live_response.run", machine, [("RunScript", "when.ps1"), ("RunScript", "absent.ps1")], comment="case 1")
    assert caught.value.command == 1
    assert caught.value.action is not None
    ran, failed = face("live_response.results", caught.value.action["id"])
    assert (ran["transcript"]["exit_code"], failed["transcript"]) == (0, None)
    face("library.delete", "when.ps1")
    assert "when.ps1" not in [one["fileName"] for one in face.all("library.list")]


def test_a_package_and_logs_arrive(sb: xdrkit.Sandbox, face: Face, tmp_path: Path) -> None:
    machine = face.all("machines.list", top=1)[0]["id"]
    package = face("machines.collect_package", machine, comment="case 2")
    path = face("machine_actions.download_package", package, tmp_path / "package.zip")
    assert path.read_bytes()[:2] == b"PK"
    logs = face("machines.collect_logs", machine, comment="case 3")
    assert face("machine_actions.download_logs", logs["id"], tmp_path / "logs").stat().st_size > 0
    face("live_response.get_file", machine, "c:\\a.txt", tmp_path / "a.txt", comment="case 4")
    stored = [r for r in sb.requests if r["path"].startswith("/_storage/")]
    assert all(r["authorization"] is False for r in stored)


@pytest.mark.parametrize("what", ["live_response", "investigation"])
def test_a_session_or_investigation_whose_answer_got_lost_is_found(sb: xdrkit.Sandbox, face: Face, what: str) -> None:
    machine = face.all("machines.list", top=1)[0]["id"]
    if what == "live_response":
        face("library.upload", b"x", name="x.ps1")
        sb.fault(operation="live_response.start", kind="truncate")
        assert face("live_response.run_script", machine, "x.ps1", comment="lost")["exit_code"] == 0
    else:
        sb.fault(operation="investigations.start", kind="truncate")
        (one,) = face("investigations.start", [machine], comment="lost")
        assert one.found
        assert one.value["machineId"] == machine
    started = [r for r in sb.requests if r["operation"] in ("live_response.start", "investigations.start")]
    assert len(started) == 1
