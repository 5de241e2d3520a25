"""The sandbox is a tenant of one's own: it can be looked into, changed, broken and reset."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import xdrkit

CLIENT_IN_A_CHILD = """
import xdrkit
with xdrkit.Client() as client:
    print(client.whoami()["tenant_id"], len(client.hunt("DeviceInfo | take 3")))
"""


def test_it_listens_on_loopback_alone(sb: xdrkit.Sandbox) -> None:
    assert sb.url.startswith("http://127.0.0.1:")
    assert repr(sb) == f"<Sandbox {sb.url} tenant={sb.tenant_id}>"


def test_its_variables_make_another_program_its_client(sb: xdrkit.Sandbox) -> None:
    env = {**os.environ, **sb.env(), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", CLIENT_IN_A_CHILD], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [sb.tenant_id, "3"], "")


def test_it_records_what_was_asked_and_never_a_secret(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    machine = next(iter(client.machines.list()))
    client.machines.add_tag(machine["id"], tag="case-42")
    asked = [(r["method"], r["status"], r["operation"]) for r in sb.requests if r["operation"]]
    assert asked == [("GET", 200, "machines.list"), ("POST", 200, "machines.add_tag")]
    assert sb.identity["client_secret"] not in str(sb.requests)


def test_a_reset_puts_it_back_to_the_start(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    machine = next(iter(client.machines.list()))
    client.machines.add_tag(machine["id"], tag="case-42")
    sb.reset()
    assert sb.requests == []
    assert client.machines.get(machine["id"])["machineTags"] == machine["machineTags"]


def test_two_of_them_know_nothing_of_each_other(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    with xdrkit.sandbox() as other:
        assert other.url != sb.url
        client.machines.list().first()
        assert other.requests == []


def test_the_same_seed_and_moment_tell_the_same_story() -> None:
    now = datetime(2026, 5, 20, tzinfo=timezone.utc)

    def story(**options: Any) -> list[Any]:
        with xdrkit.sandbox(**options) as sb, sb.client() as client:
            return [(m["id"], m["computerDnsName"], m["lastSeen"]) for m in client.machines.list()]

    assert story(now=now) == story(now="2026-05-20T02:00:00+02:00")
    assert story(now=now) != story(now=now, seed=1)


def test_its_moment_must_have_a_zone() -> None:
    with pytest.raises(xdrkit.InvalidArgumentError, match="no time zone") as caught:
        xdrkit.sandbox(now=datetime(2026, 5, 20))  # noqa: DTZ001
    assert caught.value.argument == "now"


def test_permissions_are_what_they_were_made_to_be() -> None:
    with xdrkit.sandbox(permissions=["Machine.Read.All"]) as sb, sb.client() as client:
        machine = client.machines.list().first()
        assert machine is not None
        with pytest.raises(xdrkit.PermissionDeniedError):
            client.machines.isolate(machine["id"], comment="case 42")
        sb.grant("Machine.Isolate")
    with sb_granted() as sb, sb.client() as client:
        machine = client.machines.list().first()
        assert machine is not None
        assert client.machines.isolate(machine["id"], comment="case 42")["type"] == "Isolate"


def sb_granted() -> xdrkit.Sandbox:
    sb = xdrkit.sandbox(permissions=["Machine.Read.All"])
    sb.grant("Machine.Isolate")
    return sb


def test_permissions_as_one_text_are_refused() -> None:
    with pytest.raises(xdrkit.InvalidArgumentError, match="list of names"):
        xdrkit.sandbox(permissions="Machine.Read.All")


def test_a_fault_happens_as_often_as_it_was_asked_for(sb: xdrkit.Sandbox) -> None:
    with sb.client(max_retries=0) as client:
        sb.fault(operation="machines.list", status=500, body={"error": {"code": "Oops", "message": "broken"}})
        with pytest.raises(xdrkit.ServiceError) as caught:
            client.machines.list().collect()
        assert caught.value.status == 500
        assert client.machines.list().collect()


def test_a_device_code_is_denied() -> None:
    with xdrkit.sandbox(auto_approve=False) as sb:
        credential = xdrkit.DeviceCodeCredential(
            sb.tenant_id,
            sb.identity["public_client_id"],
            prompt=lambda code: sb.deny(code.user_code),
            authority=sb.url,
        )
        with xdrkit.Client(credential=credential, base_url=sb.url) as client, pytest.raises(xdrkit.AuthenticationError):
            client.whoami("endpoint")
        assert sb.approve("NOSUCHCODE") is False
        assert sb.deny("NOSUCHCODE") is False


def test_a_user_client_signs_itself_in_where_nothing_is_approved_by_itself() -> None:
    with xdrkit.sandbox(auto_approve=False) as sb, sb.user_client() as client:
        assert client.whoami("endpoint")["kind"] == "user"


def test_it_is_a_context_manager_of_async_code_too() -> None:
    async def main() -> int:
        async with xdrkit.sandbox() as sb, sb.async_client() as client, sb.async_user_client() as user:
            assert (await user.whoami("xdr"))["kind"] == "user"
            return len(await client.machines.list().collect())

    assert asyncio.run(main()) > 30


def test_it_stops_twice_and_then_answers_no_more() -> None:
    with xdrkit.sandbox() as sb, sb.client(max_retries=0) as client:
        sb.close()
        sb.close()
        with pytest.raises(ConnectionError):
            client.machines.list().collect()


def test_others_can_ask_it_for_its_health(sb: xdrkit.Sandbox) -> None:
    with urllib.request.urlopen(f"{sb.url}/_sandbox/health", timeout=10) as answer:
        assert answer.status == 200


def test_the_story_is_thirty_days_long(client: xdrkit.Client) -> None:
    span = client.hunt(
        "DeviceProcessEvents | summarize first = min(Timestamp), last = max(Timestamp)", parse_dates=True
    )[0]
    assert timedelta(days=25) < span["last"] - span["first"] <= timedelta(days=30)


def test_the_fixtures_for_other_programs_work(xdr_sandbox: xdrkit.Sandbox, xdr_client: xdrkit.Client) -> None:
    assert xdr_client.machines.list().first()
    assert [r["operation"] for r in xdr_sandbox.requests if r["operation"]] == ["machines.list"]
