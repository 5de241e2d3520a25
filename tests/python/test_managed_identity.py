"""Managed identities, each platform by its own endpoint over real HTTP, with every way in which the end of a token is written."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import errors

SCOPE = "https://api.securitycenter.microsoft.com/.default"
PLATFORMS = {
    "imds": "IMDS",
    "app-service": "App Service",
    "automation": "Azure Automation",
    "automation-hybrid": "Azure Automation",
    "azure-ml": "Azure ML",
    "arc": "Azure Arc",
    "cloud-shell": "Cloud Shell",
}
ENDS = ("epoch", "number", "spaced", "american", "american-12h", "rfc3339", "absent", "nothing")


@pytest.fixture(scope="module")
def shared() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox() as running:
        yield running


@pytest.fixture
def sb(shared: xdrkit.Sandbox) -> xdrkit.Sandbox:
    shared.reset()
    return shared


def on(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch, platform: Any, expires_on: Any = "epoch", **identity: str
) -> xdrkit.ManagedIdentityCredential:
    """The credential as a program finds it there."""
    given = sb.managed_identity(platform, expires_on=expires_on)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    private = {"_arc_keys": arc_keys(given["IDENTITY_ENDPOINT"])} if platform.startswith("arc") else {}
    return xdrkit.ManagedIdentityCredential(**identity, **private)


def arc_keys(endpoint: str) -> str:
    """Where this agent puts its keys; the real one's folder is a fixed one, and not a test's to write to."""
    request = urllib.request.Request(f"{endpoint}?api-version=2020-06-01&resource=x", headers={"Metadata": "true"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)
    realm = caught.value.headers["WWW-Authenticate"].split("realm=")[1]
    caught.value.close()
    return os.fspath(Path(realm.strip('"')).parent)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_gives_tokens_that_services_take(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    credential = on(sb, monkeypatch, platform)
    assert PLATFORMS[platform] in repr(credential)
    with xdrkit.Client(credential=credential, base_url=sb.url) as client:
        assert client.whoami("endpoint")["credential"] == credential._core.kind
        assert client.machines.list(top=1).first()
        assert client.stats["token_requests"] == 1


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("platform", ["app-service", "automation", "imds"])
def test_the_end_of_a_token_is_read_in_every_form(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch, platform: str, ends: str
) -> None:
    token = on(sb, monkeypatch, platform, ends).get_token(SCOPE)
    assert 82_000 < token.expires_on - time.time() < 87_000


@pytest.mark.parametrize("by", ["client_id", "object_id", "resource_id"])
@pytest.mark.parametrize("platform", ["imds", "app-service"])
def test_an_identity_is_chosen_by_each_of_its_names(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch, platform: str, by: str
) -> None:
    credential = on(sb, monkeypatch, platform, **{by: sb.identity[f"managed_{by}"]})
    with xdrkit.Client(credential=credential, base_url=sb.url) as client:
        assert client.whoami("endpoint")["client_id"] == sb.identity["managed_client_id"]


def test_an_identity_that_is_not_assigned_is_unavailable_and_named(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(errors.CredentialUnavailableError, match=strange):
        on(sb, monkeypatch, "imds", client_id=strange).get_token(SCOPE)


def test_an_agent_that_ignores_the_wanted_identity_is_not_believed(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = on(sb, monkeypatch, "arc-old", resource_id=sb.identity["managed_resource_id"])
    with pytest.raises(errors.AuthenticationError):
        credential.get_token(SCOPE)


def test_a_busy_metadata_service_is_waited_for(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sb.fault(path="/metadata/identity/oauth2/token", status=429, headers={"Retry-After": "1"}, times=1)
    credential = on(sb, monkeypatch, "imds")
    with xdrkit.Client(credential=credential, base_url=sb.url, _virtual_clock=True) as client:
        assert client.machines.list(top=1).first()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"client_id": "x"}, "client_id"),
        ({"object_id": "../a"}, "object_id"),
        ({"resource_id": "/subscriptions/1"}, "resource_id"),
        ({"client_id": "1" * 36, "object_id": "2" * 36}, "client_id"),
    ],
)
def test_an_identity_that_cannot_be_right_is_refused(sb: xdrkit.Sandbox, wrong: dict[str, str], named: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=named):
        xdrkit.ManagedIdentityCredential(**wrong)


@pytest.fixture
def nowhere(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without tools, without variables, and with nobody behind the metadata service's address."""
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")


@pytest.mark.usefixtures("nowhere")
def test_a_machine_that_is_nowhere_near_azure_is_told_so_in_two_seconds() -> None:
    began = time.monotonic()
    with pytest.raises(errors.CredentialUnavailableError) as caught:
        xdrkit.DefaultCredential().get_token(SCOPE)
    assert time.monotonic() - began < 2
    lines = [line.split(":")[0].strip() for line in caught.value.message.splitlines()]
    ways = [
        "environment",
        "workload-identity",
        "managed-identity",
        "azure-cli",
        "azure-developer-cli",
        "azure-powershell",
    ]
    assert [line for line in lines if line in ways] == ways, caught.value.message


@pytest.mark.usefixtures("nowhere")
def test_an_application_in_the_environment_that_is_no_identity_does_not_end_the_default_chain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "somebody-elses")
    with pytest.raises(errors.CredentialUnavailableError, match="azure-cli"):
        xdrkit.DefaultCredential().get_token(SCOPE)


@pytest.mark.usefixtures("nowhere")
def test_the_default_chain_takes_the_environments_application(
    sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sb.env().items():
        monkeypatch.setenv(name, value)
    with xdrkit.Client(credential="default", base_url=sb.url) as client:
        assert client.whoami("endpoint")["credential"] == "client secret"


@pytest.mark.usefixtures("nowhere")
def test_a_real_failure_ends_the_chain_and_names_the_way(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**sb.env(), "AZURE_CLIENT_SECRET": "wrong"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(errors.AuthenticationError, match="AADSTS7000215") as caught:
        xdrkit.DefaultCredential().get_token(SCOPE)
    assert not isinstance(caught.value, errors.CredentialUnavailableError)
    assert "environment" in caught.value.message


def test_the_default_chain_takes_the_machines_identity(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    on(sb, monkeypatch, "imds")
    with xdrkit.Client(credential="default", base_url=sb.url) as client:
        assert "managed identity" in client.whoami("endpoint")["credential"] or client.machines.list(top=1).first()
        assert "managed identity" in client.whoami("endpoint")["credential"]
