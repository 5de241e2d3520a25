"""Signing in, in both contexts: what goes out, what comes back, and what the user is told when it fails."""

from __future__ import annotations

from typing import Any

import pytest

import xdrkit
from xdrkit import errors

WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "secret": ({"client_secret": "wrong"}, 7000215, "the value is wanted"),
    "application": ({"client_id": "11111111-1111-1111-1111-111111111111"}, 700016, "check client_id"),
    "tenant": ({"tenant_id": "11111111-2222-3333-4444-555555555555"}, 90002, "check tenant_id"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_application_is_told_with_entras_code_and_what_to_do(sb: xdrkit.Sandbox, what: str) -> None:
    settings, number, hint = WRONG[what]
    with sb.client(**settings) as client, pytest.raises(errors.AuthenticationError) as caught:
        client.machines.list().first()
    assert f"AADSTS{number}" in caught.value.message
    assert caught.value.hint is not None
    assert hint in caught.value.hint
    assert caught.value.request_id
    assert [record["path"].endswith("/oauth2/v2.0/token") for record in sb.requests] == [True]


def test_each_service_gets_a_token_of_its_own_and_keeps_it(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        for _ in range(3):
            client.machines.list(top=1).first()
            client.incidents.list(top=1).first()
            client.graph.alerts.list(top=1).first()
        assert client.stats["token_requests"] == 3
    audiences = {
        client.whoami(service)["audience"] for service in ("endpoint", "xdr", "graph") for client in [sb.client()]
    }
    assert audiences == {
        "https://api.securitycenter.microsoft.com",
        "https://api.security.microsoft.com",
        "https://graph.microsoft.com",
    }


def test_nothing_is_asked_of_the_login_host_but_tokens(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        client.machines.list(top=1).first()
    others = [record["path"] for record in sb.requests if record["operation"] is None]
    assert others == [f"/{sb.tenant_id}/oauth2/v2.0/token"]


def test_one_sign_in_of_a_user_serves_all_services(sb: xdrkit.Sandbox) -> None:
    with sb.user_client(_virtual_clock=True) as client:
        assert client.whoami("graph")["kind"] == "user"
        assert client.whoami("endpoint")["kind"] == "user"
        assert client.machines.list(top=1).first()
    assert sum(record["path"].endswith("/devicecode") for record in sb.requests) == 1


@pytest.fixture
def by_hand() -> Any:
    """A sandbox whose device codes wait for somebody."""
    with xdrkit.sandbox(auto_approve=False) as running:
        yield running


def device_client(sb: xdrkit.Sandbox, prompt: Any) -> xdrkit.Client:
    credential = xdrkit.DeviceCodeCredential(
        sb.tenant_id, sb.identity["public_client_id"], prompt=prompt, authority=sb.url
    )
    return xdrkit.Client(credential=credential, base_url=sb.url, _virtual_clock=True)


def test_a_user_who_declines_is_not_asked_again(by_hand: xdrkit.Sandbox) -> None:
    def decline(code: Any) -> None:
        assert by_hand.deny(code.user_code)

    with device_client(by_hand, decline) as client, pytest.raises(errors.AuthenticationError) as caught:
        client.whoami()
    assert caught.value.code == "authorization_declined"
    assert "declined" in str(caught.value)


def test_a_code_that_nobody_uses_expires(by_hand: xdrkit.Sandbox) -> None:
    with device_client(by_hand, lambda code: None) as client, pytest.raises(errors.InteractionRequiredError) as caught:
        client.whoami()
    assert caught.value.code == "expired_token"


def test_polling_goes_on_through_trouble_that_passes(by_hand: xdrkit.Sandbox) -> None:
    def approve_late(code: Any) -> None:
        path = f"/{by_hand.tenant_id}/oauth2/v2.0/token"
        by_hand.fault(path=path, status=503, times=6)
        by_hand.fault(path=path, kind="reset", times=6)
        by_hand.fault(path=path, status=502, body="<html>no JSON</html>", times=6)
        by_hand.approve(code.user_code)

    with device_client(by_hand, approve_late) as client:
        assert client.whoami()["user"] == by_hand.identity["user"]


def test_a_prompt_that_fails_ends_the_sign_in_with_its_reason(by_hand: xdrkit.Sandbox) -> None:
    def fail(code: Any) -> None:
        raise RuntimeError("no screen here")

    with device_client(by_hand, fail) as client, pytest.raises(errors.AuthenticationError, match="no screen here"):
        client.whoami()


def test_a_foreign_credential_that_fails_is_named_with_its_reason(sb: xdrkit.Sandbox) -> None:
    class Broken:
        def get_token(self, *scopes: str) -> Any:
            raise LookupError(f"no token for {scopes[0]}")

    with (
        xdrkit.Client(credential=Broken(), base_url=sb.url) as client,
        pytest.raises(errors.AuthenticationError) as caught,
    ):
        client.machines.list().first()
    assert "Broken" in caught.value.message
    assert "no token for https://api.securitycenter.microsoft.com/.default" in caught.value.message


@pytest.mark.parametrize("answer", [None, 7, b"token", {"error": "invalid_client"}, "", "two words", ("t",), "a\r\nb"])
def test_what_is_no_token_is_refused(sb: xdrkit.Sandbox, answer: Any) -> None:
    with xdrkit.Client(credential=lambda scope: answer, base_url=sb.url) as client, pytest.raises(errors.XdrError):
        client.machines.list().first()
    assert not any(record["authorization"] for record in sb.requests)


def test_a_token_for_another_service_is_not_sent(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        token = xdrkit.ClientSecretCredential(
            sb.tenant_id, sb.client_id, sb.identity["client_secret"], authority=sb.url
        ).get_token("https://graph.microsoft.com/.default")
        assert client.tenant_id == sb.tenant_id
    with xdrkit.Client(credential=xdrkit.StaticTokenCredential(token.token), base_url=sb.url) as client:
        assert client.graph.alerts.list(top=1).first()
        with pytest.raises(errors.CredentialUnavailableError, match=r"the token is for https://graph\.microsoft\.com"):
            client.machines.list().first()
        assert client.hunt("AlertInfo | take 1").api == "graph"


def test_the_time_that_a_person_takes_does_not_count(by_hand: xdrkit.Sandbox) -> None:
    def slow(code: Any) -> None:
        by_hand.fault(path=f"/{by_hand.tenant_id}/oauth2/v2.0/token", kind="reset", times=900)
        by_hand.approve(code.user_code)

    with device_client(by_hand, slow) as client:
        assert client.machines.list(top=1).first()
