"""The least permissions: for names, for helpers, and for scripts, which are read and never run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

import xdrkit
from xdrkit import errors, permissions_for, permissions_for_script

OPERATIONS = {op["id"]: op for op in xdrkit.operations()}


def allows(granted: set[str], op: dict[str, Any], context: str) -> bool:
    declared = op["app_permissions" if context == "application" else "delegated_permissions"]
    return not declared or bool(granted & set(declared))


def test_a_person_reads_what_to_grant_where() -> None:
    found = permissions_for("machines.list", "machines.isolate", "graph.alerts.update")
    assert found["endpoint"]["app"] == "WindowsDefenderATP"
    assert found["endpoint"]["application"] == ["Machine.Isolate", "Machine.Read.All"]
    assert found["endpoint"]["delegated"] == ["Machine.Isolate", "Machine.Read"]
    assert found["endpoint"]["operations"]["Machine.Read.All"] == ["machines.list"]
    assert found["graph"]["application"] == ["SecurityAlert.ReadWrite.All"]
    assert "xdr" not in found
    assert repr(found).splitlines()[:3] == [
        "Application permissions on WindowsDefenderATP",
        "  Machine.Isolate   for machines.isolate",
        "  Machine.Read.All  for machines.list",
    ]
    assert "<pre>Application permissions" in found._repr_html_()
    assert json.loads(json.dumps(found)) == found


def test_who_may_write_is_not_given_the_permission_to_read_as_well() -> None:
    assert permissions_for("machines.list", "machines.add_tag")["endpoint"]["application"] == ["Machine.ReadWrite.All"]


def test_a_permission_to_read_is_no_permission_to_act() -> None:
    found = permissions_for("machines.list", "machines.quarantine_file")["endpoint"]["application"]
    assert found == ["Machine.Read.All", "Machine.StopAndQuarantine"]


def test_what_a_context_cannot_do_is_told() -> None:
    found = permissions_for("graph.hunting.schema")
    assert found["graph"]["impossible"] == {"application": ["graph.hunting.schema"]}
    assert "not possible in application context: graph.hunting.schema" in repr(found)


@pytest.mark.parametrize(
    ("helper", "application"),
    [
        ("machines.find", ["Machine.Read.All"]),
        ("indicators.sync", ["Ti.ReadWrite"]),
        ("live_response.run", ["Machine.LiveResponse", "Machine.Read.All"]),
        ("exports.download:certificates", permissions_for("exports.certificates_files")["endpoint"]["application"]),
        ("alerts.watch", ["Alert.Read.All"]),
    ],
)
def test_helpers_need_what_their_requests_need(helper: str, application: list[str]) -> None:
    assert permissions_for(helper)["endpoint"]["application"] == application


def test_every_helper_of_the_client_is_known(client: xdrkit.Client) -> None:
    groups = {name.rpartition(".")[0] for name in OPERATIONS}
    missing = []
    for group in groups:
        resource: Any = client
        for part in group.split("."):
            resource = getattr(resource, part)
        for verb in dir(type(resource)):
            name = f"{group}.{verb}"
            # Groups inside groups are no methods, and what every resource has begins with an underscore.
            if verb.startswith("_") or name in groups or not callable(getattr(type(resource), verb)):
                continue
            try:
                permissions_for(name)
            except errors.UnknownOperationError:
                missing.append(name)
    assert missing == [], "tell src/permissions.rs which operations they call"


def test_hunting_needs_graph() -> None:
    assert permissions_for("hunt")["graph"]["delegated"] == ["ThreatHunting.Read.All"]


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ("machines.isolat", errors.UnknownOperationError, 'Did you mean "machines.isolate"?'),
        ("indicators.synk", errors.UnknownOperationError, 'Did you mean "indicators.sync"?'),
        (5, errors.InvalidArgumentError, "not int"),
    ],
)
def test_a_wrong_name_is_told(wrong: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind) as caught:
        permissions_for("machines.list", wrong)
    assert said in str(caught.value)


def test_the_set_allows_everything_and_nothing_of_it_can_go() -> None:
    chance = random.Random(4)
    for size in [1] * 40 + [2] * 40 + [8] * 20 + [40, len(OPERATIONS)]:
        names = chance.sample(sorted(OPERATIONS), size)
        found = permissions_for(*names)
        for service, granted in found.items():
            ops = [OPERATIONS[name] for name in names if OPERATIONS[name]["service"] == service]
            for context in ("application", "delegated"):
                every = set(granted[context])
                assert all(allows(every, op, context) for op in ops), (names, context)
                for gone in every:
                    # What is only to be read does not count for what acts: see test_a_permission_to_read_…
                    used = granted["operations"][gone]
                    assert used
                    others = {p for p in every if p != gone}
                    alone = [n for n in used if not any(n in granted["operations"][p] for p in others)]
                    assert alone, (names, context, gone)


def test_the_sandbox_lets_in_whoever_has_just_these_permissions() -> None:
    found = permissions_for("machines.list", "machines.isolate", "alerts.list")
    with xdrkit.sandbox(permissions=found["endpoint"]["application"]) as sb, sb.client() as client:
        machine = client.machines.list().collect(1)[0]["id"]
        client.machines.isolate(machine, comment="x")
        assert client.alerts.list().collect(1)
    calls: dict[str, Callable[[xdrkit.Client], Any]] = {
        "Machine.Read.All": lambda c: c.machines.list().collect(1),
        "Machine.Isolate": lambda c: c.machines.isolate(machine, comment="x"),
        "Alert.Read.All": lambda c: c.alerts.list().collect(1),
    }
    assert sorted(calls) == sorted(found["endpoint"]["application"])
    for gone, call in calls.items():
        with xdrkit.sandbox(permissions=[p for p in calls if p != gone]) as sb, sb.client() as client:
            with pytest.raises(errors.PermissionDeniedError) as caught:
                call(client)
            assert gone in caught.value.missing


def test_require_knows_helpers() -> None:
    with xdrkit.sandbox(permissions=["Ti.ReadWrite", "AdvancedQuery.Read.All"]) as sb, sb.client() as client:
        client.require("indicators.sync", "hunt")
        with pytest.raises(
            errors.PermissionDeniedError, match=r"live_response\.run \(live_response\.start\)"
        ) as caught:
            client.require("live_response.run")
        assert caught.value.missing == ["Machine.LiveResponse", "Machine.Read.All", "Machine.ReadWrite.All"]


SCRIPT = """
import subprocess
import xdrkit

raise SystemExit("read, not run")

subprocess.call("ls")
{}.get("x")
print("a".upper(), client.machines)


class Responder:
    def __init__(self, whatever):
        self.machines = whatever.machines
        self.actions, g = whatever.machine_actions, whatever.graph
        self.alerts = g.alerts

    def contain(self, ident):
        self.machines.isolate(ident, comment="x", wait=600, if_active="attach", cancel_on_timeout=True)
        self.machines.unisolate(ident, comment="x", wait=False)
        self.actions.get("x")
        self.alerts.update("a", status="new")


async def main():
    async with xdrkit.AsyncClient() as c:
        stop = c.machines.quarantine_file
        await stop("m", comment="x", sha1="0" * 40)
        async for machine in c.for_tenant("t").with_options(timeout=5).machines.list(): ...
        await c.hunt("T", api="xdr")
        await c.hunt("T")
        c.call("scores.secure")
        c.exports.download("certificates", to="x")
        c.require("software.list", "Machine.Isolate")
"""


def script(folder: Path, text: str, name: str = "script.py") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_script_is_read_and_not_run(tmp_path: Path) -> None:
    path = script(tmp_path, SCRIPT)
    found = permissions_for_script(path)
    assert [call.name for call in found.calls] == [
        "machines.isolate",
        "machine_actions.wait",
        "machine_actions.cancel",
        "machine_actions.list",
        "machines.unisolate",
        "machine_actions.get",
        "graph.alerts.update",
        "machines.quarantine_file",
        "machines.list",
        "hunting.run_xdr",
        "hunt",
        "scores.secure",
        "exports.download:certificates",
        "software.list",
    ]
    assert found.unsure == []
    assert found.calls[0].file == path
    assert "machines.isolate(" in SCRIPT.splitlines()[found.calls[0].line - 1]
    assert found == permissions_for(*[call.name for call in found.calls])
    assert f"{path}:{found.calls[0].line}  machines.isolate" in repr(found)


def test_what_cannot_be_told_is_said(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        "def contain(machines, c, name):\n"
        "    machines.isolate('m', comment='x')\n"
        "    c.call(name)\n"
        "    c.request('GET', '/api/machines')\n",
    )
    found = permissions_for_script(path)
    assert (found.calls, dict(found)) == ([], {})
    assert [call.line for call in found.unsure] == [2, 3, 4]
    assert "machines.isolate('m', comment='x')" in repr(found)
    assert "no permissions" in repr(found)


def test_several_files_and_notebooks(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["client.software.list()"]},
        {"cell_type": "code", "source": ["%pip install xdrkit\n", "m = client.machines\n", "!ls"]},
        {"cell_type": "code", "source": "%%bash\nclient.scores.secure()"},
        {"cell_type": "code", "source": ["await m.get('x')"]},
    ]
    notebook = script(tmp_path, json.dumps({"cells": cells}), "notebook.ipynb")
    found = permissions_for_script(notebook, script(tmp_path, "c.alerts.list()"))
    assert [call.name for call in found.calls] == ["machines.get", "alerts.list"]
    assert found["endpoint"]["application"] == ["Alert.Read.All", "Machine.Read.All"]


@pytest.mark.parametrize(("text", "name"), [("def (", "a.py"), ("{}", "a.ipynb"), ("[", "a.ipynb"), ("a\0b", "b.py")])
def test_what_is_no_script_is_refused(tmp_path: Path, text: str, name: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="is no Python"):
        permissions_for_script(script(tmp_path, text, name))


def xdr(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xdrkit", "permissions", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)


def test_the_command_prints_what_to_grant(tmp_path: Path) -> None:
    path = script(tmp_path, SCRIPT)
    done = xdr(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == repr(permissions_for_script(path)) + "\n"
    done = xdr("--json", path)
    read = json.loads(done.stdout)
    assert read["permissions"] == permissions_for_script(path)
    assert read["calls"][0] == {
        "file": path,
        "line": permissions_for_script(path).calls[0].line,
        "name": "machines.isolate",
    }


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    for arguments, code, said in [
        ([], 2, "FILES"),
        (["--jsn", "x.py"], 2, "--jsn"),
        ([str(tmp_path / "absent.py")], 2, "absent.py: No such file"),
        ([script(tmp_path, "def (")], 1, "is no Python"),
    ]:
        done = xdr(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), arguments
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    done = xdr("--help")
    assert done.returncode == 0
    assert "without running them" in done.stdout


def test_the_examples_need_what_the_scanner_finds(root: Path) -> None:
    found = permissions_for_script(*sorted((root / "examples").glob("*.py")))
    names = {call.name for call in found.calls}
    assert {"machines.list", "machines.isolate", "incidents.list"} <= names
