"""Credentials of other libraries in our clients, and ours in theirs: azure-identity, azure-core and MSAL as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import xdrkit
from xdrkit import errors

pytestmark = pytest.mark.dev

ENDPOINT = "https://api.securitycenter.microsoft.com/.default"


@pytest.fixture(autouse=True)
def _no_other_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def tls() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(tls=True) as running:
        yield running


def azure(tls: xdrkit.Sandbox) -> dict[str, Any]:
    return {"authority": tls.url, "disable_instance_discovery": True, "connection_verify": tls.ca_file}


def application(tls: xdrkit.Sandbox) -> tuple[str, str, str]:
    return tls.tenant_id, tls.client_id, tls.identity["client_secret"]


def client_of(tls: xdrkit.Sandbox, credential: Any) -> xdrkit.Client:
    return xdrkit.Client(credential=credential, base_url=tls.url, ca_bundle=tls.ca_file)


def test_a_credential_of_azure_identity(tls: xdrkit.Sandbox) -> None:
    from azure.identity import ClientSecretCredential

    with ClientSecretCredential(*application(tls), **azure(tls)) as theirs, client_of(tls, theirs) as client:
        assert client.machines.list(top=1).first()
        assert client.whoami("graph")["kind"] == "app"
        assert client.stats["token_requests"] == 2


def test_an_async_credential_of_azure_identity(tls: xdrkit.Sandbox) -> None:
    from azure.identity.aio import ClientSecretCredential

    async def main() -> None:
        async with ClientSecretCredential(*application(tls), **azure(tls)) as theirs:
            async with xdrkit.AsyncClient(credential=theirs, base_url=tls.url, ca_bundle=tls.ca_file) as client:
                assert await client.whoami("endpoint")
            with client_of(tls, theirs) as client:
                assert await asyncio.to_thread(client.whoami, "xdr")

    asyncio.run(main())


def test_a_claims_challenge_reaches_their_credential(tls: xdrkit.Sandbox) -> None:
    from azure.identity import ClientSecretCredential

    with ClientSecretCredential(*application(tls), **azure(tls)) as theirs, client_of(tls, theirs) as client:
        assert client.machines.list(top=1).first()
        tls.revoke_sessions()
        assert client.machines.list(top=1).first()


def test_a_credential_that_is_not_available_lets_a_chain_go_on(tls: xdrkit.Sandbox) -> None:
    from azure.identity import ClientSecretCredential, EnvironmentCredential

    theirs = ClientSecretCredential(*application(tls), **azure(tls))
    chain = xdrkit.ChainedCredential(EnvironmentCredential(), xdrkit.EnvironmentCredential(), theirs)
    with theirs, client_of(tls, chain) as client:
        assert client.machines.list(top=1).first()
    with pytest.raises(errors.CredentialUnavailableError):
        xdrkit.ChainedCredential(EnvironmentCredential(), xdrkit.EnvironmentCredential()).get_token(ENDPOINT)


def test_a_confidential_application_of_msal(tls: xdrkit.Sandbox) -> None:
    import msal

    theirs = msal.ConfidentialClientApplication(
        tls.client_id,
        client_credential=tls.identity["client_secret"],
        authority=f"{tls.url}/{tls.tenant_id}",
        instance_discovery=False,
        verify=tls.ca_file,
    )
    with client_of(tls, theirs) as client:
        assert client.machines.list(top=1).first()
        assert client.stats["token_requests"] == 1


def test_a_public_application_of_msal_has_to_be_signed_in(tls: xdrkit.Sandbox) -> None:
    import msal

    theirs = msal.PublicClientApplication(
        tls.identity["public_client_id"],
        authority=f"{tls.url}/{tls.tenant_id}",
        instance_discovery=False,
        verify=tls.ca_file,
    )
    with client_of(tls, theirs) as client:
        with pytest.raises(errors.InteractionRequiredError, match="nobody is signed in"):
            client.machines.list().first()
        flow = theirs.initiate_device_flow([ENDPOINT])
        assert tls.approve(flow["user_code"])
        assert "access_token" in theirs.acquire_token_by_device_flow(flow)
        assert client.machines.list(top=1).first()


@pytest.mark.parametrize("kind", ["text", "no argument", "pair", "coroutine"])
def test_any_function(tls: xdrkit.Sandbox, kind: str) -> None:
    import time

    token = xdrkit.ClientSecretCredential(*application(tls), authority=tls.url, ca_bundle=tls.ca_file).get_token

    async def later(scope: str) -> str:
        return token(scope).token

    functions: dict[str, Any] = {
        "text": lambda scope: token(scope).token,
        "no argument": lambda: token(ENDPOINT).token,
        "pair": lambda scope: (token(scope).token, int(time.time()) + 60),
        "coroutine": later,
    }
    with client_of(tls, functions[kind]) as client:
        assert client.machines.list(top=1).first()


def test_ours_signs_requests_of_azure_core(tls: xdrkit.Sandbox) -> None:
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy
    from azure.core.rest import HttpRequest

    mine = xdrkit.ClientSecretCredential(*application(tls), authority=tls.url, ca_bundle=tls.ca_file)
    policy = BearerTokenCredentialPolicy(mine, ENDPOINT)
    with PipelineClient(tls.url, policies=[policy], connection_verify=tls.ca_file) as theirs:
        for _ in range(3):
            answer = theirs.send_request(HttpRequest("GET", f"{tls.url}/api/machines?$top=1"))
            assert answer.status_code == 200
        tls.revoke_sessions()
        answer = theirs.send_request(HttpRequest("GET", f"{tls.url}/api/machines?$top=1"))
        assert answer.status_code in (200, 401)


def test_ours_signs_requests_of_azure_cores_async_half(tls: xdrkit.Sandbox) -> None:
    from azure.core import AsyncPipelineClient
    from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
    from azure.core.rest import HttpRequest

    mine = xdrkit.ClientSecretCredential(*application(tls), authority=tls.url, ca_bundle=tls.ca_file)

    async def main() -> int:
        policy = AsyncBearerTokenCredentialPolicy(mine.aio, ENDPOINT)
        async with AsyncPipelineClient(tls.url, policies=[policy], connection_verify=tls.ca_file) as theirs:
            answer = await theirs.send_request(HttpRequest("GET", f"{tls.url}/api/machines?$top=1"))
            return answer.status_code

    assert asyncio.run(main()) == 200
