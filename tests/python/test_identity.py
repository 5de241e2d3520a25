"""Who the client is, what it may do, which user is signed in, and the same in another tenant; sync and async."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

import pytest

import xdrkit
from xdrkit import errors

OTHER = "99999999-8888-7777-6666-555555555555"
Call = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Call:
    """Calls a client's method by name: the sync client's, or the async one's in a loop."""

    def sync(sb: xdrkit.Sandbox, method: str, *arguments: Any, user: bool = False, **options: Any) -> Any:
        with (sb.user_client if user else sb.client)(**options) as client:
            return getattr(client, method)(*arguments)

    def with_loop(sb: xdrkit.Sandbox, method: str, *arguments: Any, user: bool = False, **options: Any) -> Any:
        async def main() -> Any:
            async with (sb.async_user_client if user else sb.async_client)(**options) as client:
                return await getattr(client, method)(*arguments)

        return asyncio.run(main())

    return sync if request.param == "sync" else with_loop


def test_whoami_tells_tenant_app_audience_permissions_and_expiry(sb: xdrkit.Sandbox, call: Call) -> None:
    who = call(sb, "whoami", "endpoint")
    assert (who["kind"], who["tenant_id"], who["client_id"]) == ("app", sb.tenant_id, sb.client_id)
    assert who["audience"] == "https://api.securitycenter.microsoft.com"
    assert "Machine.Read.All" in who["permissions"]
    assert who["expires_on"] > 1_600_000_000


def test_what_is_there_may_be_required(sb: xdrkit.Sandbox, call: Call) -> None:
    assert (
        call(sb, "require", "Machine.Isolate", "Machine.Read.All", "machines.isolate", "ThreatHunting.Read.All") is None
    )


def test_what_is_missing_is_told_before_it_is_needed_with_the_page_of_consent(call: Call) -> None:
    with xdrkit.sandbox(permissions=["Machine.Read.All"]) as sb, pytest.raises(errors.PermissionDeniedError) as caught:
        call(sb, "require", "Machine.Isolate", "Machine.Read.All", "graph.hunting.run")
    error = caught.value
    assert error.missing == ["Machine.Isolate", "ThreatHunting.Read.All"]
    assert "WindowsDefenderATP" in error.message
    assert "Microsoft Graph" in error.message
    assert error.hint is not None
    assert f"/{sb.tenant_id}/adminconsent?client_id={sb.client_id}" in error.hint


def test_who_may_write_may_read(call: Call) -> None:
    with xdrkit.sandbox(permissions=["Alert.ReadWrite.All"]) as sb:
        assert call(sb, "require", "Alert.Read.All") is None
        with pytest.raises(errors.PermissionDeniedError):
            call(sb, "require", "Machine.Read.All")


@pytest.mark.parametrize("slip", ["Machine.Isolat", "machines.isolat", ""])
def test_a_slip_in_a_requirement_is_no_missing_permission(sb: xdrkit.Sandbox, call: Call, slip: str) -> None:
    with pytest.raises(errors.InvalidArgumentError, match="is no permission, no operation and no helper"):
        call(sb, "require", slip)
    assert sb.requests == []


def test_an_application_has_no_accounts(sb: xdrkit.Sandbox, call: Call) -> None:
    assert call(sb, "accounts") == []
    assert call(sb, "sign_out") == 0


def test_a_user_is_an_account_until_signed_out(sb: xdrkit.Sandbox) -> None:
    with sb.user_client(_virtual_clock=True) as client:
        assert client.accounts() == []
        client.whoami()
        (account,) = client.accounts()
        assert account["username"] == sb.identity["user"]
        assert account["tenant_id"] == sb.tenant_id
        assert account["home_account_id"].endswith(f".{sb.tenant_id}")
        assert client.sign_out("nobody@example.com") == 0
        assert client.sign_out(account["username"].upper()) == 1
        assert client.accounts() == []
        client.whoami()
    assert sum(record["path"].endswith("/devicecode") for record in sb.requests) == 2, "signed out means asked again"


def test_a_user_is_an_account_until_signed_out_async(sb: xdrkit.Sandbox) -> None:
    async def main() -> None:
        async with sb.async_user_client(_virtual_clock=True) as client:
            assert await client.accounts() == []
            await client.whoami()
            assert len(await client.accounts()) == 1
            assert await client.sign_out() == 1
            assert await client.accounts() == []

    asyncio.run(main())


def test_another_tenant_has_to_be_allowed(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        with pytest.raises(errors.InvalidArgumentError, match="not on this credential's list"):
            client.for_tenant(OTHER)
        with pytest.raises(errors.InvalidArgumentError, match="neither a GUID nor a domain"):
            client.for_tenant("../evil")
        assert client.for_tenant(sb.tenant_id).machines.list(top=1).first()
    assert all(OTHER not in record["path"] for record in sb.requests)


def test_another_tenant_has_tokens_of_its_own(sb: xdrkit.Sandbox) -> None:
    with sb.client(additionally_allowed_tenants=[OTHER, sb.identity["domain"]]) as client:
        assert client.machines.list(top=1).first()
        there = client.for_tenant(sb.identity["domain"])
        assert there.tenant_id == sb.identity["domain"]
        assert there.machines.list(top=1).first()
        with pytest.raises(errors.AuthenticationError, match="AADSTS90002"):
            client.for_tenant(OTHER).machines.list().first()
        there.close()
        assert client.machines.list(top=1).first(), "closing one leaves the other open"
    paths = [record["path"] for record in sb.requests if record["path"].endswith("/token")]
    tenants = [sb.tenant_id, sb.identity["domain"], OTHER]
    assert paths == [f"/{tenant}/oauth2/v2.0/token" for tenant in tenants]


def test_clients_with_one_application_share_its_tokens_and_another_secret_is_another_application(
    sb: xdrkit.Sandbox,
) -> None:
    async def main() -> None:
        async with sb.async_client() as other:
            await other.whoami("endpoint")

    with sb.client() as first, sb.client() as second:
        first.whoami("endpoint")
        second.whoami("endpoint")
        asyncio.run(main())
        assert first.stats["token_requests"] == 1
        with sb.client(client_secret="wrong") as third, pytest.raises(errors.AuthenticationError):
            third.whoami("endpoint")


def test_a_permission_that_was_granted_meanwhile_is_noticed() -> None:
    with xdrkit.sandbox(permissions=["Alert.Read.All"]) as sb, sb.client(_virtual_clock=True) as client:
        with pytest.raises(errors.PermissionDeniedError):
            client.machines.list().first()
        sb.grant("Machine.Read.All")
        sb.fault(operation="alerts.list", status=429, headers={"Retry-After": "90"})
        assert client.alerts.list(top=1).first(), "a minute and a half passes"
        assert client.machines.list(top=1).first()
        assert client.stats["token_requests"] == 2


def test_audiences_may_be_others_than_the_clouds(sb: xdrkit.Sandbox) -> None:
    windows = "https://api.securitycenter.windows.com"
    with sb.client(audience={"endpoint": windows}) as client:
        assert client.whoami("endpoint")["audience"] == windows
    for wrong in ({"mde": windows}, {"endpoint": f"{windows}/.default"}, {"endpoint": ""}):
        with pytest.raises(errors.ConfigurationError, match=r"^audience:"):
            sb.client(audience=wrong)


def test_china_is_refused_with_the_reason() -> None:
    with pytest.raises(errors.ConfigurationError, match="21Vianet"):
        xdrkit.Client("contoso.com", "c", "s", cloud="china")
