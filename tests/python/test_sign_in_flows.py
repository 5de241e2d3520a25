"""Every way to sign in, over https to the sandbox: a token, and a call with it. Sync, async, and as an Azure SDK client would."""

from __future__ import annotations

import asyncio
import http.client
import os
import stat
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import errors

from .sign_in import (
    DATA,
    ENDPOINT,
    GRAPH,
    WAYS,
    XDR,
    Browser,
    certificate,
    client_of,
    interactive,
    no_other_roots,
    password,
    pasted,
    secret,
    where,
    workload,
)


@pytest.fixture(autouse=True)
def _no_other_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    no_other_roots(monkeypatch)


@pytest.fixture(scope="module")
def shared() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(tls=True, strict_assertions=True, rotate_strictly=True) as running:
        yield running


@pytest.fixture
def tls(shared: xdrkit.Sandbox) -> xdrkit.Sandbox:
    shared.reset()
    return shared


@pytest.fixture
def browser(tls: xdrkit.Sandbox) -> Browser:
    return Browser(tls)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tls: xdrkit.Sandbox, browser: Browser, tmp_path: Path) -> tuple[str, Any]:
    kind, make = WAYS[request.param]
    return kind, make(tls, browser, tmp_path)


def test_each_way_gets_tokens_for_all_services_and_calls_them(tls: xdrkit.Sandbox, way: tuple[str, Any]) -> None:
    kind, credential = way
    with client_of(tls, credential) as client:
        for service in ("graph", "endpoint", "xdr"):
            who = client.whoami(service)
            assert who["kind"] == kind
            assert who["user"] == (tls.identity["user"] if kind == "user" else None)
        assert client.machines.list(top=1).first()
        assert len(client.hunt("AlertInfo | take 2")) == 2


def test_each_way_serves_async_clients_and_azure_sdk_clients(tls: xdrkit.Sandbox, way: tuple[str, Any]) -> None:
    credential: xdrkit.Credential = way[1]

    async def main() -> None:
        async with xdrkit.AsyncClient(credential=credential, base_url=tls.url, ca_bundle=tls.ca_file) as client:
            assert await client.machines.list(top=1).first()
        async with credential.aio as mine:
            assert (await mine.get_token(ENDPOINT)).token == credential.get_token(ENDPOINT).token
            assert (await mine.get_token_info(ENDPOINT)).expires_on == credential.get_token(ENDPOINT).expires_on

    asyncio.run(main())
    with credential as mine:
        info = mine.get_token_info(ENDPOINT, options={})
    assert info.token_type == "Bearer"
    assert info.refresh_on is not None
    assert info.refresh_on < info.expires_on
    assert info.token not in repr(info) + repr(credential)


def test_one_sign_in_serves_all_audiences_although_refresh_tokens_rotate(tls: xdrkit.Sandbox, browser: Browser) -> None:
    credential = interactive(tls, browser)
    tokens = {credential.get_token(scope).token for scope in (GRAPH, ENDPOINT, XDR)}
    assert len(tokens) == 3
    assert len(browser.pages) == 1
    assert credential.accounts()[0]["username"] == tls.identity["user"]


@pytest.mark.parametrize(
    ("asynchronous", "coded"), [(False, False), (False, True), (True, False)], ids=["text", "bytes", "coroutine"]
)
def test_assertions_are_asked_for_anew_each_time(tls: xdrkit.Sandbox, asynchronous: bool, coded: bool) -> None:
    made: list[str] = []

    def sign() -> Any:
        made.append(tls.federated_token())
        return made[-1].encode() if coded else made[-1]

    async def sign_later() -> Any:
        await asyncio.sleep(0)
        return sign()

    credential = xdrkit.ClientAssertionCredential(
        tls.tenant_id, tls.client_id, sign_later if asynchronous else sign, **where(tls)
    )
    for scope in (GRAPH, ENDPOINT, GRAPH):
        assert credential.get_token(scope).token
    assert len(made) == len(set(made)) == 2


@pytest.mark.parametrize("wrong", [None, 7, "", "two words", "a\r\nb"])
def test_what_is_no_assertion_is_not_sent(tls: xdrkit.Sandbox, wrong: Any) -> None:
    credential = xdrkit.ClientAssertionCredential(tls.tenant_id, tls.client_id, lambda: wrong, **where(tls))
    with pytest.raises(errors.AuthenticationError):
        credential.get_token(GRAPH)
    assert tls.requests == []


def test_a_certificate_is_replaced_without_a_restart(tls: xdrkit.Sandbox, tmp_path: Path) -> None:
    """Another certificate, one that the app does not know, is in the way first."""
    file = tmp_path / "certificate.pem"
    file.write_bytes((DATA / "renewed.pem").read_bytes())
    file.chmod(0o600)
    tls.register_certificate(DATA / "leaf.pem")
    credential = xdrkit.CertificateCredential(tls.tenant_id, tls.client_id, file, **where(tls))
    with pytest.raises(errors.AuthenticationError, match="AADSTS700027"):
        credential.get_token(GRAPH)
    file.write_bytes((DATA / "leaf.pem").read_bytes())
    os.utime(file, (1, 1))
    assert credential.get_token(GRAPH).token


def test_a_platforms_token_file_is_read_each_time(tls: xdrkit.Sandbox, tmp_path: Path) -> None:
    credential = workload(tls, tmp_path)
    assert credential.get_token(GRAPH).token
    (tmp_path / "token").write_text("not.a.token")
    with pytest.raises(errors.AuthenticationError):
        credential.get_token(ENDPOINT)
    (tmp_path / "token").unlink()
    with pytest.raises(errors.CredentialUnavailableError):
        credential.get_token(XDR)


def test_a_clock_that_is_wrong_by_an_hour_does_no_harm(tls: xdrkit.Sandbox) -> None:
    """An assertion of a machine whose clock is behind is refused; the server's `Date` says by how much it is wrong."""
    with xdrkit.sandbox(tls=True, now="2031-01-01T00:00:00Z") as future:
        assert certificate(future).get_token(GRAPH).token
        assert [record["status"] for record in future.requests] == [401, 200]


def test_a_wrong_password_is_told_and_not_shown(tls: xdrkit.Sandbox) -> None:
    with pytest.raises(errors.AuthenticationError, match="AADSTS50126") as caught:
        password(tls, "canary-password").get_token(GRAPH)
    assert "canary-password" not in repr(caught.value)
    for name in ("correlation_id", "trace_id", "timestamp"):
        assert getattr(caught.value, name), name


def test_who_needs_a_second_factor_is_sent_to_another_way(tls: xdrkit.Sandbox) -> None:
    with xdrkit.sandbox(tls=True) as strict:
        assert strict.require_mfa(strict.identity["user"])
        with pytest.raises(errors.InteractionRequiredError) as caught:
            password(strict).get_token(GRAPH)
    assert caught.value.hint is not None
    assert "browser" in caught.value.hint


def test_a_sign_in_that_is_declined_in_the_browser_ends(tls: xdrkit.Sandbox) -> None:
    def decline(page: xdrkit.SignInPage) -> bool:
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)["state"][0]
        form = urllib.parse.urlencode({"error": "access_denied", "error_description": "<b>no</b>", "state": state})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(page.redirect_uri, form.encode(), timeout=20) as answer:
            assert b"<b>no</b>" not in answer.read()
        return True

    credential = interactive(tls, Browser(tls), open_browser=decline)
    with pytest.raises(errors.AuthenticationError) as caught:
        credential.get_token(GRAPH)
    assert caught.value.code == "access_denied"


def test_answers_that_are_not_ours_do_not_end_the_wait(tls: xdrkit.Sandbox, browser: Browser) -> None:
    def under_attack(page: xdrkit.SignInPage) -> bool:
        port = urllib.parse.urlsplit(page.redirect_uri).port
        assert port is not None
        for method, path, body in (
            ("POST", "/", "code=stolen&state=guessed"),
            ("GET", "/?code=stolen&state=guessed", None),
            ("GET", "/favicon.ico", None),
            ("POST", "/", "error=access_denied&state=guessed"),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded"})
            assert connection.getresponse().status >= 400
            connection.close()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/", headers={"Host": "evil.example"})
        assert connection.getresponse().status >= 400
        connection.close()
        return browser.open(page)

    assert interactive(tls, browser, open_browser=under_attack).get_token(GRAPH).token


@pytest.mark.parametrize("fallback", ["paste", "device-code", "none"])
def test_where_no_browser_opens_the_next_way_is_taken(
    tls: xdrkit.Sandbox, browser: Browser, fallback: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: browser.last_address(shown()))

    def shown() -> xdrkit.SignInPage:
        (url,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("https://")]
        return xdrkit.SignInPage(url, "")

    if fallback == "device-code":
        with xdrkit.sandbox(tls=True) as sb:
            credential = interactive(sb, browser, open_browser=lambda _: False, fallback=fallback)
            assert credential.get_token(GRAPH).token
            assert "enter the code" in capsys.readouterr().err
        return
    credential = interactive(tls, browser, open_browser=lambda _: False, fallback=fallback)
    if fallback == "paste":
        assert credential.get_token(GRAPH).token
        assert "nativeclient" in browser.pages[-1].url, (
            "the login host's own page, which needs nothing on this computer"
        )
    else:
        with pytest.raises(errors.InteractionRequiredError) as caught:
            credential.get_token(GRAPH)
        assert caught.value.hint is not None
        assert "device-code" in caught.value.hint


@pytest.mark.parametrize(
    "answer",
    [
        "code-alone",
        "https://evil.example/?code=a&state=b",
        "http://localhost/?state=only",
    ],
)
def test_what_is_pasted_must_be_the_whole_address_of_this_sign_in(
    tls: xdrkit.Sandbox, browser: Browser, answer: str
) -> None:
    notes: list[str | None] = []

    def ask(page: xdrkit.SignInPage) -> str:
        notes.append(page.note)
        return answer if len(notes) < 3 else f" <{browser.last_address(page)}>\n"

    credential = pasted(tls, browser, ask=ask, redirect_uri="http://localhost")
    assert credential.get_token(GRAPH).token
    assert notes[0] is None
    assert all(notes[1:]), "asked again with the reason"


def test_a_remote_kernel_pastes_by_itself(tls: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CODESPACES", "JUPYTERHUB_USER", "AZUREML_RUN_ID"):
        monkeypatch.setenv(name, "true")
        assert "paste" in repr(xdrkit.InteractiveBrowserCredential("contoso.com", "app"))
        monkeypatch.delenv(name)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert "browser" in repr(xdrkit.InteractiveBrowserCredential("contoso.com", "app"))


def test_claims_that_a_service_wants_are_asked_for_once_and_merged(tls: xdrkit.Sandbox) -> None:
    with xdrkit.sandbox(tls=True, record_forms=True) as sb, client_of(sb, secret(sb)) as client:
        assert client.machines.list(top=1).first()
        sb.revoke_sessions()
        assert client.machines.list(top=1).first()
        assert client.stats["token_requests"] == 2
        claims = [request["form"]["claims"] for request in sb.token_requests]
    assert claims[0] == '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
    assert '"xms_cc":{"values":["CP1"]}' in claims[1]
    assert '"nbf"' in claims[1]


def test_a_persistent_cache_remembers_a_user_and_not_an_application(
    tls: xdrkit.Sandbox, browser: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"

    def cache() -> xdrkit.PersistentCache:
        return xdrkit.PersistentCache(folder, key=b"k" * 32)

    first = interactive(tls, browser, cache=cache())
    refresh = first.get_token(GRAPH)
    again = interactive(tls, browser, cache=cache())
    assert again.get_token(ENDPOINT).token != refresh.token
    assert len(browser.pages) == 1, "the second one was not asked"
    assert [a["username"] for a in again.accounts()] == [tls.identity["user"]]
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*") if file.is_file()} == {0o600}
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert tls.identity["user"].encode() not in content
            assert b"refresh" not in content
    with client_of(tls, again) as client:
        assert client.sign_out() == 1
    interactive(tls, browser, cache=cache()).get_token(GRAPH)
    assert len(browser.pages) == 2, "signed out means asked again"


@pytest.mark.parametrize("make", [str.encode, bytearray, lambda s: lambda: s], ids=["bytes", "bytearray", "function"])
def test_secrets_may_come_in_other_forms_than_text(tls: xdrkit.Sandbox, make: Any) -> None:
    text = tls.identity["client_secret"]
    given = make(text.encode()) if make is bytearray else make(text)
    assert xdrkit.ClientSecretCredential(tls.tenant_id, tls.client_id, given, **where(tls)).get_token(GRAPH).token


def test_a_secret_may_be_a_secret_str(tls: xdrkit.Sandbox) -> None:
    class SecretStr:
        def get_secret_value(self) -> str:
            return tls.identity["client_secret"]

    assert xdrkit.ClientSecretCredential(tls.tenant_id, tls.client_id, SecretStr(), **where(tls)).get_token(GRAPH).token
