"""The async client against the sandbox. Mirrors test_client.py, name by name."""

from __future__ import annotations

import asyncio
import functools
import pickle
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Callable

import pytest

import xdrkit


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def first_of(pages: xdrkit.AsyncPages[Any]) -> Any:
    async for item in pages:
        return item
    raise AssertionError("the list is empty")


def operations_of(sb: xdrkit.Sandbox) -> list[str]:
    return [record["operation"] for record in sb.requests if record["operation"]]


@in_a_loop
async def test_a_list_is_iterated(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        machines = [machine async for machine in client.machines.list(filter="riskScore eq 'High'")]
        assert machines
        assert {machine["riskScore"] for machine in machines} == {"High"}
        assert set(operations_of(sb)) == {"machines.list"}


@in_a_loop
async def test_a_list_with_wrong_arguments_is_refused_when_it_is_made(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            client.machines.list(top=-1)
        assert caught.value.argument == "top"
        assert sb.requests == []


@in_a_loop
async def test_a_list_of_many_pages_is_whole_and_in_order() -> None:
    async with xdrkit.sandbox(page_size=7) as sb, sb.async_client() as client:
        machines = [machine["id"] async for machine in client.machines.list(page_size=7)]
        assert len(machines) == len(set(machines)) > 21
        assert len(operations_of(sb)) > 3
        incidents = [incident["id"] async for incident in client.graph.incidents.list(page_size=5)]
        assert len(incidents) == len(set(incidents)) > 5
        assert await client.machines.list().collect(3) == await client.machines.list(top=3).collect()


@in_a_loop
async def test_one_object_is_a_dict_as_the_service_sent_it(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        first = await client.machines.list().first()
        assert first is not None
        machine = await client.machines.get(first["id"])
        assert type(machine) is dict
        assert machine["id"] == first["id"]
        assert machine["computerDnsName"] == first["computerDnsName"]


@in_a_loop
async def test_a_number_is_taken_as_an_id(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        first = await client.incidents.list().first()
        assert first is not None
        number = first["incidentId"]
        assert isinstance(number, int)
        assert (await client.incidents.get(number))["incidentId"] == number
        assert (await client.incidents.get(str(number)))["incidentId"] == number


@in_a_loop
async def test_a_machine_is_isolated_and_the_action_waited_for(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        machine = await first_of(client.machines.list())
        action = await client.machines.isolate(machine["id"], comment="case 42", isolation_type="Full")
        assert (action["type"], action["machineId"]) == ("Isolate", machine["id"])
        done = await client.machine_actions.wait(action["id"], timeout=30, poll=timedelta(milliseconds=50))
        assert done["status"] == "Succeeded"
        assert (await client.machine_actions.get(action["id"]))["status"] == "Succeeded"


@in_a_loop
async def test_waiting_for_an_action_that_was_cancelled_raises_with_the_action(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        machine = await first_of(client.machines.list())
        action = await client.machines.scan(machine["id"], comment="case 42", scan_type="Quick")
        await client.machine_actions.cancel(action["id"], comment="no")
        with pytest.raises(xdrkit.ActionFailedError) as caught:
            await client.machine_actions.wait(action["id"], timeout=30, poll=0.05)
        assert caught.value.action is not None
        assert caught.value.action["status"] == "Cancelled"


@in_a_loop
async def test_what_is_left_out_of_an_update_stays_as_it_is(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        incident = await client.incidents.list().first()
        assert incident is not None
        changed = await client.incidents.update(incident["incidentId"], tags=["reviewed"], assigned_to=None)
        assert changed["tags"] == ["reviewed"]
        assert changed["incidentName"] == incident["incidentName"]
        assert changed.get("assignedTo") == incident.get("assignedTo")


@in_a_loop
async def test_a_tag_is_put_on_and_taken_off(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        machine = await first_of(client.machines.list())
        assert "case-42" in (await client.machines.add_tag(machine["id"], tag="case-42"))["machineTags"]
        assert "case-42" not in (await client.machines.remove_tag(machine["id"], tag="case-42"))["machineTags"]


@in_a_loop
async def test_any_operation_is_called_by_its_id(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        page = await client.call("machines.list", top=2)
        assert len(page["value"]) == 2
        assert (await client.call("machines.get", id=page["value"][0]["id"]))["id"] == page["value"][0]["id"]


@in_a_loop
async def test_any_request_is_sent_signed_in(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        body = await client.request("GET", "/api/machines", params={"$top": 1})
        assert len(body["value"]) == 1
        assert (await client.request("GET", f"{sb.url}/api/machines"))["value"]
        assert [r["authorization"] for r in sb.requests if r["path"] == "/api/machines"] == [True, True]


@in_a_loop
async def test_a_request_to_another_host_is_refused_before_it_is_sent(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            await client.request("GET", "https://evil.example/api/machines")
        assert caught.value.argument == "path"
        assert sb.requests == []


@in_a_loop
async def test_the_app_knows_who_it_is(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        me = await client.whoami()
        assert (me["kind"], me["tenant_id"], me["client_id"]) == ("app", sb.tenant_id, sb.client_id)
        assert me["permissions"]
        assert isinstance(me["expires_on"], int)


@in_a_loop
async def test_the_user_signs_in_by_device_code(sb: xdrkit.Sandbox) -> None:
    async with sb.async_user_client() as client:
        me = await client.whoami()
        assert (me["kind"], me["user"]) == ("user", sb.identity["user"])
        assert await client.machines.list().first()


@in_a_loop
async def test_a_missing_thing_is_not_found(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        with pytest.raises(xdrkit.NotFoundError) as caught:
            await client.machines.get("f" * 40)
        assert caught.value.status == 404
        assert isinstance(caught.value, LookupError)


@in_a_loop
async def test_a_missing_permission_is_named_with_the_app_that_carries_it(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        sb.revoke("Machine.Isolate")
        machine = await first_of(client.machines.list())
        with pytest.raises(PermissionError) as caught:
            await client.machines.isolate(machine["id"], comment="case 42")
        error = caught.value
        assert isinstance(error, xdrkit.PermissionDeniedError)
        assert list(error.missing) == ["Machine.Isolate"]
        assert error.app == "WindowsDefenderATP"
        assert "Machine.Isolate" in str(error)


@in_a_loop
async def test_a_failing_service_raises_after_the_retries_that_were_allowed(sb: xdrkit.Sandbox) -> None:
    sb.fault(path="/api/machines", status=503, headers={"Retry-After": "0"}, times=None)
    async with sb.async_client(max_retries=0) as client:
        with pytest.raises(xdrkit.ServiceError) as caught:
            await client.machines.list().collect()
    assert caught.value.status == 503
    assert caught.value.retryable


@in_a_loop
async def test_options_make_a_client_that_shares_everything_else(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        impatient = client.with_options(timeout=5, deadline=timedelta(seconds=20), max_retries=0)
        assert type(impatient) is type(client)
        assert await impatient.machines.list().first()
        assert client.stats["requests"] == impatient.stats["requests"] >= 1
        await client.aclose()
        with pytest.raises(xdrkit.ClosedError):
            await impatient.machines.list().first()


@in_a_loop
async def test_a_closed_client_says_so_and_closes_twice(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        assert await client.machines.list().first()
    await client.aclose()
    with pytest.raises(xdrkit.ClosedError):
        await client.machines.get("a")
    with pytest.raises(xdrkit.ClosedError):
        await client.hunt("DeviceInfo | take 1")


@in_a_loop
async def test_counters_count(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        assert client.stats["requests"] == 0
        await client.machines.list().first()
        assert client.stats["requests"] >= 1
        assert set(client.stats) >= {"requests", "retries", "throttled_seconds", "token_requests", "bytes_received"}


@in_a_loop
async def test_no_secret_is_shown_or_pickled(sb: xdrkit.Sandbox) -> None:
    async with sb.async_client() as client:
        assert sb.identity["client_secret"] not in repr(client)
        assert sb.tenant_id in repr(client)
        assert repr(client).startswith("<AsyncClient ")
        with pytest.raises(TypeError, match="make a new one"):
            pickle.dumps(client)


@in_a_loop
async def test_everything_is_taken_from_the_environment(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sb.env().items():
        monkeypatch.setenv(name, value)
    async with xdrkit.AsyncClient() as client:
        assert (await client.whoami())["client_id"] == sb.client_id


class AzureLike:
    """What azure-identity's async credentials look like from outside."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        self.scopes += scopes
        return self.inner.get_token(*scopes, **kwargs)


def own_credential(sb: xdrkit.Sandbox) -> xdrkit.ClientSecretCredential:
    return xdrkit.ClientSecretCredential(sb.tenant_id, sb.client_id, sb.identity["client_secret"], authority=sb.url)


@in_a_loop
async def test_a_credential_of_ours_signs_in(sb: xdrkit.Sandbox) -> None:
    async with xdrkit.AsyncClient(credential=own_credential(sb), base_url=sb.url) as client:
        assert await client.machines.list().first()


@in_a_loop
async def test_any_object_with_get_token_signs_in(sb: xdrkit.Sandbox) -> None:
    credential = AzureLike(own_credential(sb))
    async with xdrkit.AsyncClient(credential=credential, base_url=sb.url) as client:
        assert await client.machines.list().first()
        assert await client.graph.alerts.list().first()
    assert len(credential.scopes) == len(set(credential.scopes)) == 2
    assert all(scope.endswith("/.default") for scope in credential.scopes)


@in_a_loop
async def test_any_function_signs_in(sb: xdrkit.Sandbox) -> None:
    inner = own_credential(sb)

    async def token(scope: str) -> str:
        return inner.get_token(scope).token

    async with xdrkit.AsyncClient(credential=lambda scope: inner.get_token(scope), base_url=sb.url) as client:
        assert await client.machines.list().first()
    async with xdrkit.AsyncClient(credential=token, base_url=sb.url) as client:
        assert await client.machines.list().first()


@in_a_loop
async def test_a_token_at_hand_signs_in(sb: xdrkit.Sandbox) -> None:
    scope = "https://api.securitycenter.microsoft.com/.default"
    token = own_credential(sb).get_token(scope)
    assert token.token not in repr(token)
    credential = xdrkit.StaticTokenCredential(token.token)
    assert credential.get_token(scope).token == token.token
    async with xdrkit.AsyncClient(credential=credential, base_url=sb.url) as client:
        assert await client.machines.list().first()


@in_a_loop
async def test_a_credential_shows_no_secret_and_is_not_pickled(sb: xdrkit.Sandbox) -> None:
    credential = own_credential(sb)
    assert sb.identity["client_secret"] not in repr(credential) + str(credential.__dict__)
    with pytest.raises(TypeError, match="make it anew"):
        pickle.dumps(credential)


@in_a_loop
async def test_the_user_is_shown_the_code(sb: xdrkit.Sandbox) -> None:
    shown: list[xdrkit.DeviceCode] = []
    credential = xdrkit.DeviceCodeCredential(
        sb.tenant_id, sb.identity["public_client_id"], prompt=shown.append, authority=sb.url
    )
    async with xdrkit.AsyncClient(credential=credential, base_url=sb.url) as client:
        assert (await client.whoami("endpoint"))["kind"] == "user"
    assert len(shown) == 1
    assert shown[0].user_code in shown[0].message
    assert shown[0].verification_uri.startswith("http")
    assert shown[0].expires_in > 0


@in_a_loop
async def test_the_code_goes_to_standard_error_when_nobody_asks_for_it(
    sb: xdrkit.Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    credential = xdrkit.DeviceCodeCredential(sb.tenant_id, sb.identity["public_client_id"], authority=sb.url)
    async with xdrkit.AsyncClient(credential=credential, base_url=sb.url) as client:
        assert (await client.whoami("endpoint"))["kind"] == "user"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "http" in printed.err
