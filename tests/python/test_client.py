"""The blocking client against the sandbox. Mirrored, name by name, in test_async_client.py."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

import xdrkit


def operations_of(sb: xdrkit.Sandbox) -> list[str]:
    return [record["operation"] for record in sb.requests if record["operation"]]


def test_a_list_is_iterated(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    machines = list(client.machines.list(filter="riskScore eq 'High'"))
    assert machines
    assert {machine["riskScore"] for machine in machines} == {"High"}
    assert set(operations_of(sb)) == {"machines.list"}


def test_a_list_with_wrong_arguments_is_refused_when_it_is_made(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        client.machines.list(top=-1)
    assert caught.value.argument == "top"
    assert sb.requests == []


def test_a_list_of_many_pages_is_whole_and_in_order() -> None:
    with xdrkit.sandbox(page_size=7) as sb, sb.client() as client:
        machines = [machine["id"] for machine in client.machines.list(page_size=7)]
        assert len(machines) == len(set(machines)) > 21
        assert len(operations_of(sb)) > 3
        incidents = [incident["id"] for incident in client.graph.incidents.list(page_size=5)]
        assert len(incidents) == len(set(incidents)) > 5
        assert client.machines.list().collect(3) == list(client.machines.list(top=3))


def test_one_object_is_a_dict_as_the_service_sent_it(client: xdrkit.Client) -> None:
    first = client.machines.list().first()
    assert first is not None
    machine = client.machines.get(first["id"])
    assert type(machine) is dict
    assert machine["id"] == first["id"]
    assert machine["computerDnsName"] == first["computerDnsName"]


def test_a_number_is_taken_as_an_id(client: xdrkit.Client) -> None:
    first = client.incidents.list().first()
    assert first is not None
    number = first["incidentId"]
    assert isinstance(number, int)
    assert client.incidents.get(number)["incidentId"] == number
    assert client.incidents.get(str(number))["incidentId"] == number


def test_a_machine_is_isolated_and_the_action_waited_for(client: xdrkit.Client) -> None:
    machine = next(iter(client.machines.list()))
    action = client.machines.isolate(machine["id"], comment="case 42", isolation_type="Full")
    assert (action["type"], action["machineId"]) == ("Isolate", machine["id"])
    done = client.machine_actions.wait(action["id"], timeout=30, poll=timedelta(milliseconds=50))
    assert done["status"] == "Succeeded"
    assert client.machine_actions.get(action["id"])["status"] == "Succeeded"


def test_waiting_for_an_action_that_was_cancelled_raises_with_the_action(client: xdrkit.Client) -> None:
    machine = next(iter(client.machines.list()))
    action = client.machines.scan(machine["id"], comment="case 42", scan_type="Quick")
    client.machine_actions.cancel(action["id"], comment="no")
    with pytest.raises(xdrkit.ActionFailedError) as caught:
        client.machine_actions.wait(action["id"], timeout=30, poll=0.05)
    assert caught.value.action is not None
    assert caught.value.action["status"] == "Cancelled"


def test_what_is_left_out_of_an_update_stays_as_it_is(client: xdrkit.Client) -> None:
    incident = client.incidents.list().first()
    assert incident is not None
    changed = client.incidents.update(incident["incidentId"], tags=["reviewed"], assigned_to=None)
    assert changed["tags"] == ["reviewed"]
    assert changed["incidentName"] == incident["incidentName"]
    assert changed.get("assignedTo") == incident.get("assignedTo")


def test_a_tag_is_put_on_and_taken_off(client: xdrkit.Client) -> None:
    machine = next(iter(client.machines.list()))
    assert "case-42" in client.machines.add_tag(machine["id"], tag="case-42")["machineTags"]
    assert "case-42" not in client.machines.remove_tag(machine["id"], tag="case-42")["machineTags"]


def test_any_operation_is_called_by_its_id(client: xdrkit.Client) -> None:
    page = client.call("machines.list", top=2)
    assert len(page["value"]) == 2
    assert client.call("machines.get", id=page["value"][0]["id"])["id"] == page["value"][0]["id"]


def test_any_request_is_sent_signed_in(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    body = client.request("GET", "/api/machines", params={"$top": 1})
    assert len(body["value"]) == 1
    assert client.request("GET", f"{sb.url}/api/machines")["value"]
    assert [r["authorization"] for r in sb.requests if r["path"] == "/api/machines"] == [True, True]


def test_a_request_to_another_host_is_refused_before_it_is_sent(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        client.request("GET", "https://evil.example/api/machines")
    assert caught.value.argument == "path"
    assert sb.requests == []


def test_the_app_knows_who_it_is(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    me = client.whoami()
    assert (me["kind"], me["tenant_id"], me["client_id"]) == ("app", sb.tenant_id, sb.client_id)
    assert me["permissions"]
    assert isinstance(me["expires_on"], int)


def test_the_user_signs_in_by_device_code(sb: xdrkit.Sandbox) -> None:
    with sb.user_client() as client:
        me = client.whoami()
        assert (me["kind"], me["user"]) == ("user", sb.identity["user"])
        assert client.machines.list().first()


def test_a_missing_thing_is_not_found(client: xdrkit.Client) -> None:
    with pytest.raises(xdrkit.NotFoundError) as caught:
        client.machines.get("f" * 40)
    assert caught.value.status == 404
    assert isinstance(caught.value, LookupError)


def test_a_missing_permission_is_named_with_the_app_that_carries_it(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    sb.revoke("Machine.Isolate")
    machine = next(iter(client.machines.list()))
    with pytest.raises(PermissionError) as caught:
        client.machines.isolate(machine["id"], comment="case 42")
    error = caught.value
    assert isinstance(error, xdrkit.PermissionDeniedError)
    assert list(error.missing) == ["Machine.Isolate"]
    assert error.app == "WindowsDefenderATP"
    assert "Machine.Isolate" in str(error)


def test_a_failing_service_raises_after_the_retries_that_were_allowed(sb: xdrkit.Sandbox) -> None:
    sb.fault(path="/api/machines", status=503, headers={"Retry-After": "0"}, times=None)
    with sb.client(max_retries=0) as client, pytest.raises(xdrkit.ServiceError) as caught:
        client.machines.list().collect()
    assert caught.value.status == 503
    assert caught.value.retryable


def test_options_make_a_client_that_shares_everything_else(client: xdrkit.Client) -> None:
    impatient = client.with_options(timeout=5, deadline=timedelta(seconds=20), max_retries=0)
    assert type(impatient) is type(client)
    assert impatient.machines.list().first()
    assert client.stats["requests"] == impatient.stats["requests"] >= 1
    client.close()
    with pytest.raises(xdrkit.ClosedError):
        impatient.machines.list().first()


def test_a_closed_client_says_so_and_closes_twice(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        assert client.machines.list().first()
    client.close()
    with pytest.raises(xdrkit.ClosedError):
        client.machines.get("a")
    with pytest.raises(xdrkit.ClosedError):
        client.hunt("DeviceInfo | take 1")


def test_counters_count(client: xdrkit.Client) -> None:
    assert client.stats["requests"] == 0
    client.machines.list().first()
    assert client.stats["requests"] >= 1
    assert set(client.stats) >= {"requests", "retries", "throttled_seconds", "token_requests", "bytes_received"}


def test_no_secret_is_shown_or_pickled(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    assert sb.identity["client_secret"] not in repr(client)
    assert sb.tenant_id in repr(client)
    assert repr(client).startswith("<Client ")
    with pytest.raises(TypeError, match="make a new one"):
        pickle.dumps(client)


def test_everything_is_taken_from_the_environment(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sb.env().items():
        monkeypatch.setenv(name, value)
    with xdrkit.Client() as client:
        assert client.whoami()["client_id"] == sb.client_id


class AzureLike:
    """What azure-identity's credentials look like from outside."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.scopes: list[str] = []

    def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        self.scopes += scopes
        return self.inner.get_token(*scopes, **kwargs)


def own_credential(sb: xdrkit.Sandbox) -> xdrkit.ClientSecretCredential:
    return xdrkit.ClientSecretCredential(sb.tenant_id, sb.client_id, sb.identity["client_secret"], authority=sb.url)


def test_a_credential_of_ours_signs_in(sb: xdrkit.Sandbox) -> None:
    with xdrkit.Client(credential=own_credential(sb), base_url=sb.url) as client:
        assert client.machines.list().first()


def test_any_object_with_get_token_signs_in(sb: xdrkit.Sandbox) -> None:
    credential = AzureLike(own_credential(sb))
    with xdrkit.Client(credential=credential, base_url=sb.url) as client:
        assert client.machines.list().first()
        assert client.graph.alerts.list().first()
    assert len(credential.scopes) == len(set(credential.scopes)) == 2
    assert all(scope.endswith("/.default") for scope in credential.scopes)


def test_any_function_signs_in(sb: xdrkit.Sandbox) -> None:
    inner = own_credential(sb)
    with xdrkit.Client(credential=lambda scope: inner.get_token(scope), base_url=sb.url) as client:
        assert client.machines.list().first()
    with xdrkit.Client(credential=lambda scope: inner.get_token(scope).token, base_url=sb.url) as client:
        assert client.machines.list().first()


def test_a_token_at_hand_signs_in(sb: xdrkit.Sandbox) -> None:
    scope = "https://api.securitycenter.microsoft.com/.default"
    token = own_credential(sb).get_token(scope)
    assert token.token not in repr(token)
    credential = xdrkit.StaticTokenCredential(token.token)
    assert credential.get_token(scope).token == token.token
    with xdrkit.Client(credential=credential, base_url=sb.url) as client:
        assert client.machines.list().first()


def test_a_credential_shows_no_secret_and_is_not_pickled(sb: xdrkit.Sandbox) -> None:
    credential = own_credential(sb)
    assert sb.identity["client_secret"] not in repr(credential) + str(credential.__dict__)
    with pytest.raises(TypeError, match="make it anew"):
        pickle.dumps(credential)


def test_the_user_is_shown_the_code(sb: xdrkit.Sandbox) -> None:
    shown: list[xdrkit.DeviceCode] = []
    credential = xdrkit.DeviceCodeCredential(
        sb.tenant_id, sb.identity["public_client_id"], prompt=shown.append, authority=sb.url
    )
    with xdrkit.Client(credential=credential, base_url=sb.url) as client:
        assert client.whoami("endpoint")["kind"] == "user"
    assert len(shown) == 1
    assert shown[0].user_code in shown[0].message
    assert shown[0].verification_uri.startswith("http")
    assert shown[0].expires_in > 0


def test_the_code_goes_to_standard_error_when_nobody_asks_for_it(
    sb: xdrkit.Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    credential = xdrkit.DeviceCodeCredential(sb.tenant_id, sb.identity["public_client_id"], authority=sb.url)
    with xdrkit.Client(credential=credential, base_url=sb.url) as client:
        assert client.whoami("endpoint")["kind"] == "user"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "http" in printed.err
