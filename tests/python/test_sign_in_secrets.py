"""No way to sign in shows a secret: neither what is sent nor what is answered, whether it goes well or goes wrong.

What is secret is not listed by hand: a relay between the client and the sandbox keeps every request and every answer. What it saw
is then looked for in all that can be seen: the log at its lowest level, reprs, errors in every form, standard output and error.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import http.client
import json
import logging
import pickle
import re
import shlex
import sys
import threading
import time
import traceback
import urllib.parse
import urllib.request
import uuid
import webbrowser
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest

import xdrkit
from xdrkit import _core, _prompts

from .sign_in import (
    DATA,
    ENDPOINT,
    GRAPH,
    WAYS,
    Browser,
    assertion,
    behalf,
    certificate,
    client_of,
    device,
    interactive,
    password,
    pasted,
    secret,
    where,
    workload,
)

# ---- what is secret -----------------------------------------------------------------------------------------------------------------


class Exchange(NamedTuple):
    """A request and its answer, whole."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]
    answer_headers: dict[str, str]
    answer: str


class Relay:
    """Stands between the client and the sandbox, which keeps requests but not its own answers."""

    def __init__(self, url: str) -> None:
        self.exchanges: list[Exchange] = []
        target = urllib.parse.urlsplit(url).netloc
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {k.lower(): v for k, v in self.headers.items() if k.lower() != "accept-encoding"}
                upstream = http.client.HTTPConnection(target, timeout=20)
                try:
                    upstream.request(self.command, self.path, body, {**headers, "connection": "close"})
                    answer = upstream.getresponse()
                    content = answer.read()
                except (OSError, http.client.HTTPException):
                    self.close_connection = True
                    relay.keep(self.path, headers, body, {}, b"")
                    return
                finally:
                    upstream.close()
                relay.keep(self.path, headers, body, dict(answer.getheaders()), content)
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 - as the class wants it

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def keep(self, path: str, headers: dict[str, str], body: bytes, back: dict[str, str], content: bytes) -> None:
        form = dict(urllib.parse.parse_qsl(body.decode("latin-1"))) if body[:1] not in (b"", b"{") else {}
        self.exchanges.append(Exchange(path, headers, form, back, content.decode("utf-8", "replace")))

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


FIELDS = (
    "client_secret",
    "password",
    "client_assertion",
    "assertion",
    "device_code",
    "code",
    "code_verifier",
    "refresh_token",
)
MEMBERS = ("access_token", "refresh_token", "id_token", "device_code", "value", "oidcToken")
HEADERS = ("authorization", "x-identity-header", "secret")


def secrets_of(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Everything of an exchange that nobody else may see, with its name."""
    for name in FIELDS:
        yield name, exchange.form.get(name, "")
    for name in HEADERS:
        yield name, exchange.headers.get(name, "").rpartition(" ")[2]
    location = exchange.answer_headers.get("location", exchange.answer_headers.get("Location", ""))
    for address in (exchange.path, location):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        for name in ("state", "nonce", "code"):
            yield name, query.get(name, "")
    yield from (("code", code) for code in re.findall(r'name="code" value="([^"]+)"', exchange.answer))
    try:
        body = json.loads(exchange.answer)
    except ValueError:
        return
    for name in MEMBERS:
        if isinstance(body, dict) and isinstance(body.get(name), str):
            yield name, body[name]


def spelled_out(secrets: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Texts to look for, each with its names. A token's parts count alone: the last one is its signature."""
    texts: dict[str, set[str]] = {}
    for name, text in secrets:
        parts = text.split(".") if text.count(".") == 2 and text.startswith("eyJ") else []
        for part in filter(None, (text, *parts)):
            texts.setdefault(part, set()).add(name)
    return texts


def found_in(text: str, secrets: dict[str, set[str]]) -> set[str]:
    """The names of the secrets that show in a text, as they are or as an address has them."""
    plain = urllib.parse.unquote_plus(text)
    return {name for secret, names in secrets.items() if secret in text or secret in plain for name in names}


# ---- what is seen -------------------------------------------------------------------------------------------------------------------


class Behind(xdrkit.Sandbox):
    """A sandbox that is reached through the relay."""

    relay: Relay

    @property
    def url(self) -> str:
        return self.relay.url

    def managed_identity(self, platform: Any, *, expires_on: Any = "epoch") -> dict[str, str]:
        given = super().managed_identity(platform, expires_on=expires_on)
        return {name: value.replace(self.http_url, self.url) for name, value in given.items()}


def refusal(copies: Callable[[Any], Any], thing: object) -> str:
    """Why a thing is not copied. (`pytest.raises` would keep it alive, and its tokens would be the next test's.)"""
    try:
        copies(thing)
    except TypeError as error:
        return str(error)
    raise AssertionError(f"{copies.__name__} copies a {type(thing).__name__}")


class Watch:
    """Gathers what is to be seen, and looks for secrets in it."""

    def __init__(self, sb: Behind, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self.sb, self.caplog, self.capfd = sb, caplog, capfd
        self.seen: list[tuple[str, str]] = []
        self.pages: list[str] = []
        self.known: list[tuple[str, str]] = []

    def see(self, place: str, thing: object) -> None:
        self.seen.append((place, thing if isinstance(thing, str) else repr(thing)))

    def printed(self) -> str:
        """What came to standard output and error since the last time."""
        out, err = self.capfd.readouterr()
        self.see("standard output", out)
        self.see("standard error", err)
        return str(err)

    def credential(self, made: xdrkit.Credential) -> xdrkit.Credential:
        """A credential in all its forms. Copies of it are refused."""
        for thing in (made, str(made), made.aio, vars(made), vars(made.aio), made._core, f"{made}"):
            self.see("repr", thing)
        for refuse in (copy.copy, copy.deepcopy, pickle.dumps):
            self.see("refusal", refusal(refuse, made))
        return made

    def client(self, made: xdrkit.Client) -> xdrkit.Client:
        for thing in (made, vars(made), made.stats):
            self.see("client", thing)
        self.see("refusal", refusal(pickle.dumps, made))
        return made

    def error(self, error: BaseException) -> None:
        shown = traceback.TracebackException.from_exception(error, capture_locals=False)
        self.see("traceback", "".join(shown.format()))
        for thing in (error, str(error), error.args, error.__dict__):
            self.see("error", thing)
        pickled = pickle.dumps(error)
        self.see("pickle", pickled.decode("latin-1"))
        self.see("error", pickle.loads(pickled))

    def fails(self, call: Callable[[], Any]) -> xdrkit.XdrError:
        try:
            call()
        except xdrkit.XdrError as error:
            self.error(error)
            return error
        raise AssertionError("it was expected to fail")

    def refused(self, made: xdrkit.Credential) -> xdrkit.XdrError:
        """The failure of a credential, over a client that waits for nothing; for a browser there has to be time."""
        credential = self.credential(made)
        with client_of(self.sb, credential, _virtual_clock="browser" not in repr(made)) as client:
            error = self.fails(lambda: client.whoami("graph"))
            self.client(client)
        return error

    def log(self) -> str:
        """All that was logged, once all is there: lines come over a thread, so one that is expected is sent after them."""
        mark = uuid.uuid4().hex
        # Not through the relay: this token is nobody's secret.
        direct, nobody = super(Behind, self.sb).url, xdrkit.StaticTokenCredential("a-mark")
        with (
            xdrkit.Client(credential=nobody, base_url=direct, max_retries=0) as client,
            contextlib.suppress(xdrkit.XdrError),
        ):
            client.request("GET", f"/api/{mark}")
        end = time.monotonic() + 5
        while f"{mark} ->" not in self.caplog.text and time.monotonic() < end:
            time.sleep(0.002)
        records = [f"{record.getMessage()} {record.__dict__}" for record in self.caplog.records]
        assert any(f"{mark} ->" in record for record in records), "nothing is logged, so nothing would be proved"
        return "\n".join(records)

    def secrets(self) -> dict[str, set[str]]:
        every = [pair for exchange in self.sb.relay.exchanges for pair in secrets_of(exchange)]
        texts = spelled_out((*every, *self.known))
        sent = {field for request in self.sb.token_requests for field in request["form"] if field in FIELDS}
        assert sent <= {name for name, text in every if text}, "the relay saw all that the sandbox was sent"
        assert all(len(text) >= 7 for text in texts), "a word as short as that shows everywhere"
        return texts

    def check(self, *expected: str) -> None:
        """Nothing secret is to be seen, though there was something: at least secrets of these names."""
        self.printed()
        self.see("log", self.log())
        secrets = self.secrets()
        assert set(expected) <= set().union(*secrets.values())
        for place, text in self.seen:
            for page in self.pages:  # a person has to see it; it is good for this sign-in alone
                text = text.replace(page, "")
            assert found_in(text, secrets) == set(), f"shown in {place}"


ELSEWHERE = (
    "SSH_CONNECTION",
    "CODESPACES",
    "JUPYTERHUB_USER",
    "DATABRICKS_RUNTIME_VERSION",
    "AZUREML_RUN_ID",
    "BROWSER",
)
PLATFORMS = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "AZUREPS_HOST_ENVIRONMENT",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
)


@pytest.fixture(scope="module")
def shared() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(record_forms=True) as running:
        yield running


@pytest.fixture
def sb(shared: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Behind]:
    """Behind a relay of the test's own: at another address there are no tokens of an earlier test's."""
    shared.reset()
    for name in (*ELSEWHERE, *PLATFORMS):
        monkeypatch.delenv(name, raising=False)
    behind = Behind(shared._core)
    behind.relay = Relay(shared.url)
    yield behind
    behind.relay.close()


@pytest.fixture
def browser(sb: Behind) -> Browser:
    return Browser(sb)


@pytest.fixture
def watch(sb: Behind, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Watch]:
    """Looks at everything, at the lowest levels that there are."""
    caplog.set_level(1)
    caplog.set_level(1, logger="xdrkit")
    _core.set_log_level(0)
    yield Watch(sb, caplog, capfd)
    _core.set_log_level(255)


def test_what_is_planted_is_found(sb: Behind, watch: Watch) -> None:
    """The search itself, in each place."""
    word = sb.identity["client_secret"]
    secret(sb).get_token(GRAPH)
    places: dict[str, Callable[[], Any]] = {
        "log": lambda: logging.getLogger("xdrkit").debug("it is %s", word),
        "standard error": lambda: sys.stderr.write(urllib.parse.quote(word)),
        "standard output": lambda: print(f"client_secret={word}"),
        "pickle": lambda: watch.error(xdrkit.XdrError("no", hint=word)),
    }
    watch.check("client_secret", "access_token")
    for place, plant in places.items():
        watch.seen.clear()
        plant()
        watch.printed()
        watch.see("log", watch.log())
        shown = {where for where, text in watch.seen if found_in(text, watch.secrets())}
        assert place in shown
        watch.caplog.clear()


# ---- what goes well -----------------------------------------------------------------------------------------------------------------


class Person:
    """Somebody who uses what is shown by default: a code on standard error, a browser, a question."""

    def __init__(self, sb: Behind, watch: Watch, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sb, self.watch, self.browser = sb, watch, browser
        show = _prompts._show

        def shown(text: str, card: str) -> None:
            show(text, card)
            code = re.search(r"enter the code ([A-Z0-9]+)", text)
            if code is not None:
                assert sb.approve(code.group(1))

        monkeypatch.setattr(_prompts, "_show", shown)
        monkeypatch.setattr("builtins.input", self.pastes)
        monkeypatch.setattr(webbrowser, "get", lambda: self)

    def open(self, url: str) -> bool:
        self.watch.pages.append(url)
        return self.browser.open(xdrkit.SignInPage(url, ""))

    def pastes(self, _: str) -> str:
        (url,) = [line for line in self.watch.printed().splitlines() if line.startswith(self.sb.url)]
        self.watch.pages.append(url)
        return self.browser.last_address(xdrkit.SignInPage(url, ""))


@pytest.fixture
def person(sb: Behind, watch: Watch, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Person:
    return Person(sb, watch, browser, monkeypatch)


ASSERTED = {"client_assertion", "access_token"}
USERS = {"refresh_token", "id_token", "access_token"}
SHOULD_BE_THERE = {
    "client secret": {"client_secret", "access_token"},
    "device code": {"device_code", *USERS},
    "browser": {"code", "code_verifier", "state", "nonce", *USERS},
    "paste": {"code", "code_verifier", "state", "nonce", *USERS},
    "password": {"password", *USERS},
    "on behalf of, with a secret": {"assertion", "client_secret", *USERS},
    "on behalf of, with a certificate": {"assertion", *ASSERTED, *USERS},
    "chain": {"client_secret", "access_token"},
}


def lines_of(*keys: Path) -> list[tuple[str, str]]:
    """The lines of key files: none of them may show, not even one."""
    lines = [line.strip() for key in keys for line in key.read_text().splitlines()]
    return [("a line of a key", line) for line in lines if len(line) == 64]


Make = Callable[[xdrkit.Sandbox, Browser, Path], xdrkit.Credential]
DEFAULT_PROMPTS: dict[str, Make] = {
    "device code": lambda sb, b, f: device(sb, prompt=None),
    "browser": lambda sb, b, f: interactive(sb, b, open_browser=None),
    "paste": lambda sb, b, f: pasted(sb, b, ask=None),
}


@pytest.mark.usefixtures("person")
@pytest.mark.parametrize("way", WAYS)
def test_a_sign_in_that_goes_well_shows_nothing(
    sb: Behind, browser: Browser, watch: Watch, tmp_path: Path, way: str
) -> None:
    makes = DEFAULT_PROMPTS.get(way, WAYS[way][1])
    credential = watch.credential(makes(sb, browser, tmp_path))
    with client_of(sb, credential, _virtual_clock=way != "browser") as client:
        for service in ("graph", "endpoint"):
            assert client.whoami(service)["kind"] == WAYS[way][0]
        assert client.machines.list(top=1).first()
        watch.see("whoami", client.whoami())
        watch.client(client)

        async def main() -> None:
            async with credential.aio as mine:
                watch.see("repr", await mine.get_token_info(ENDPOINT))
            async with xdrkit.AsyncClient(credential=credential, base_url=sb.url) as other:
                watch.see("whoami", await other.whoami("endpoint"))
                watch.see("client", other)

        asyncio.run(main())
        token = credential.get_token(ENDPOINT)
        for thing in (token, str(token), credential.get_token_info(ENDPOINT), credential.accounts()):
            watch.see("repr", thing)
        if WAYS[way][0] == "user" and "behalf" not in way:
            assert client.sign_out() == 1
    watch.known += [*lines_of(DATA / "leaf.pem"), ("the certificate's password", "correct-horse")]
    watch.check(*SHOULD_BE_THERE.get(way, ASSERTED))


@pytest.mark.usefixtures("person")
def test_a_remembered_user_shows_nothing(sb: Behind, browser: Browser, watch: Watch, tmp_path: Path) -> None:
    key = (b"canary-" * 5)[:32]
    watch.known.append(("the cache's key", key.decode()))
    for _ in range(2):
        cache = xdrkit.PersistentCache(tmp_path, key=key)
        watch.see("repr", cache)
        watch.see("refusal", refusal(pickle.dumps, cache))
        credential = watch.credential(interactive(sb, browser, open_browser=None, cache=cache))
        assert credential.get_token(GRAPH).token
    for file in tmp_path.rglob("*"):
        watch.see("path", str(file))
        if file.is_file():
            watch.see("file", file.read_bytes().decode("latin-1"))
    assert len(browser.pages) == 1
    watch.check(*USERS)


@pytest.mark.parametrize(
    "platform", ["imds", "app-service", "automation", "automation-hybrid", "azure-ml", "cloud-shell"]
)
def test_a_managed_identity_shows_nothing(
    sb: Behind, watch: Watch, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    for name, value in sb.managed_identity(platform).items():
        monkeypatch.setenv(name, value)
    credential = watch.credential(xdrkit.ManagedIdentityCredential())
    assert credential.get_token(GRAPH).token
    guard = {"app-service": "x-identity-header", "automation": "x-identity-header"}.get(platform)
    guard = guard or {"automation-hybrid": "secret", "azure-ml": "secret"}.get(platform)
    if guard is not None:
        # What goes wrong afterwards, with the platform's secret in the answer.
        (word,) = {exchange.headers[guard] for exchange in sb.relay.exchanges}
        path = sb.relay.exchanges[0].path.partition("?")[0]
        for status, body in ((400, {"error": "no", "error_description": f"{word} is wrong"}), (500, f"<p>{word}</p>")):
            sb.fault(path=path, status=status, body=body, times=4)
            watch.refused(xdrkit.ManagedIdentityCredential(client_id=sb.identity["managed_client_id"]))
    watch.check("access_token", *filter(None, [guard]))


def test_the_key_of_an_arc_machine_is_not_shown(
    sb: Behind, watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in sb.managed_identity("arc").items():
        monkeypatch.setenv(name, value)
    watch.fails(lambda: xdrkit.ManagedIdentityCredential(_arc_keys=str(tmp_path)).get_token(GRAPH))
    realm = next(v for k, v in sb.relay.exchanges[0].answer_headers.items() if k.lower() == "www-authenticate")
    folder = Path(realm.partition("realm=")[2].strip('"')).parent
    credential = watch.credential(xdrkit.ManagedIdentityCredential(_arc_keys=str(folder)))
    assert credential.get_token(GRAPH).token
    ignored = {"object_id": sb.identity["managed_object_id"], "_arc_keys": str(folder)}
    watch.refused(xdrkit.ManagedIdentityCredential(**ignored))
    watch.check("authorization", "access_token")


@pytest.mark.parametrize("status", [200, 403])
def test_a_build_services_tokens_are_not_shown(
    sb: Behind, watch: Watch, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    given = sb.federated_token()
    body = {"value": given, "oidcToken": given, "message": f"{given} is what you get"}
    sb.fault(path="/build", status=status, body=body, times=None)
    job = "the-token-of-this-job"
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{sb.url}/build?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job)
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"{sb.url}/build/oidc")
    app = (sb.tenant_id, sb.client_id)
    made: list[Callable[[], xdrkit.Credential]] = [
        lambda: xdrkit.GitHubActionsCredential(*app, **where(sb)),
        lambda: xdrkit.AzurePipelinesCredential(*app, "11111111-2222-3333-4444-555555555555", job, **where(sb)),
    ]
    for make in made:
        if status == 200:
            assert watch.credential(make()).get_token(GRAPH).token
        else:
            watch.refused(make())
    watch.check("authorization", "value", *(ASSERTED if status == 200 else ()))


@pytest.mark.skipif(sys.platform == "win32", reason="the tools are stood in for by scripts of a shell")
@pytest.mark.parametrize("status", [0, 1])
def test_what_developers_tools_say_is_not_shown(
    sb: Behind, watch: Watch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: int
) -> None:
    token = secret(sb).get_token(GRAPH).token
    said = json.dumps(
        {"accessToken": token, "token": token, "expires_on": 4102444800, "expiresOn": "2100-01-01T00:00:00Z"}
    )
    for name in ("az", "azd", "pwsh"):
        text = f"xdrkit%{token}%4102444800" if name == "pwsh" else said
        line = f"echo {shlex.quote(text)}"
        if status:
            line = f"{line}; echo {shlex.quote('ERROR: this does not work: ' + said)} >&2; exit 1"
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    made = [xdrkit.AzureCliCredential, xdrkit.AzureDeveloperCliCredential, xdrkit.AzurePowerShellCredential]
    for make in made:
        credential = watch.credential(make(tenant_id=f"status-{status}.example"))
        if status:
            watch.refused(credential)
        else:
            assert credential.get_token(GRAPH).token == token
    if status:
        error = watch.fails(lambda: xdrkit.ChainedCredential(*(make() for make in made)).get_token(GRAPH))
        assert "this does not work" in str(error)
    watch.check("access_token")


# ---- what goes wrong: every way, every trouble --------------------------------------------------------------------------------------

CANARIES = {
    "refresh_token": "canary-refresh-token",
    "id_token": "eyJhIjoxfQ.eyJub25jZSI6ImNhbmFyeSJ9.canary-signature",
}
TROUBLE: dict[str, dict[str, Any]] = {
    "a page with 503": {"status": 503, "body": "<html>down</html>"},
    "a page with 200": {"status": 200, "body": "<html>sign in to the hotel</html>"},
    "a redirect": {"status": 307, "headers": {"Location": "https://evil.example/"}},
    "a reset": {"kind": "reset"},
    "half an answer": {"kind": "truncate"},
    "no usable token": {"status": 200, "body": {**CANARIES, "access_token": "canary token", "token_type": "Bearer"}},
    "no bearer token": {"status": 200, "body": {**CANARIES, "access_token": "canary-token", "token_type": "mac"}},
    "a refusal": {
        "status": 400,
        "body": {
            "error": "invalid_grant",
            "error_description": "AADSTS70000: no\r\nTrace ID: t\r\nCorrelation ID: c",
            "error_codes": [70000],
            "suberror": "bad_token",
            "trace_id": "t",
            "correlation_id": "c",
            "claims": "{}",
        },
    },
    "a long pause": {"status": 429, "headers": {"Retry-After": "100000"}},
}
# Each with the secrets that it has sent by then.
IN_TROUBLE: dict[str, tuple[Make, set[str]]] = {
    "client secret": (lambda sb, b, f: secret(sb), {"client_secret"}),
    "certificate": (lambda sb, b, f: certificate(sb), {"client_assertion"}),
    "assertion": (lambda sb, b, f: assertion(sb), {"client_assertion"}),
    "workload identity": (lambda sb, b, f: workload(sb, f), {"client_assertion"}),
    "browser": (lambda sb, b, f: interactive(sb, b), {"code", "code_verifier", "state", "nonce"}),
    "paste": (lambda sb, b, f: pasted(sb, b), {"code", "code_verifier", "state", "nonce"}),
    "password": (lambda sb, b, f: password(sb), {"password"}),
    "on behalf of": (lambda sb, b, f: behalf(sb), {"client_secret", "assertion"}),
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("way", IN_TROUBLE)
def test_a_sign_in_in_trouble_shows_nothing(
    sb: Behind, browser: Browser, watch: Watch, tmp_path: Path, way: str, trouble: str
) -> None:
    make, sent = IN_TROUBLE[way]
    credential = make(sb, browser, tmp_path)
    sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", times=None, **TROUBLE[trouble])
    watch.refused(credential)
    watch.check(*sent)


@pytest.mark.parametrize("trouble", [name for name in TROUBLE if name != "a long pause"])
def test_a_device_code_in_trouble_shows_nothing(sb: Behind, watch: Watch, trouble: str) -> None:
    """It goes on through what may pass; then the person declines."""

    def decline(code: xdrkit.DeviceCode) -> None:
        sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", times=6, **TROUBLE[trouble])
        sb.deny(code.user_code)

    watch.refused(device(sb, prompt=decline))
    watch.check("device_code")


@pytest.mark.parametrize("trouble", ["a page with 503", "no usable token", "a refusal"])
def test_a_renewal_in_trouble_shows_nothing(sb: Behind, watch: Watch, trouble: str) -> None:
    with client_of(sb, device(sb), _virtual_clock=True) as client:
        client.whoami("graph")
        sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", times=12, **TROUBLE[trouble])
        sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/devicecode", times=None, **TROUBLE[trouble])
        watch.fails(lambda: client.whoami("endpoint"))
        watch.client(client)
    watch.check("device_code", *USERS)


# ---- what goes wrong: the particular ways -------------------------------------------------------------------------------------------


# Not written where they are used: a traceback has the lines of this file, too.
WRONG = "canary-of-a-word"
NO_TOKEN = "two words-of-the-canary"
FORGED = "eyJhIjoxfQ.eyJhIjoxfQ.canary-signature"


def test_a_wrong_secret_is_not_shown(sb: Behind, watch: Watch) -> None:
    assert watch.refused(secret(sb, client_secret=WRONG)).code == "invalid_client"
    watch.check("client_secret")


def test_a_wrong_password_is_not_shown(sb: Behind, watch: Watch) -> None:
    watch.refused(password(sb, WRONG))
    sb.require_mfa(sb.identity["user"])
    assert watch.refused(password(sb)).code == "interaction_required"
    watch.check("password")
    assert {WRONG, sb.identity["user_password"]} <= set(watch.secrets())


def test_a_wrong_certificate_is_not_shown(sb: Behind, watch: Watch, tmp_path: Path) -> None:
    assert watch.refused(certificate(sb, "renewed.pem")).code == "invalid_client"
    text = (DATA / "leaf.pem").read_text()
    damaged = tmp_path / "damaged.pem"
    damaged.write_text(text.replace("A", "B", 40))
    key_only = (DATA / "key-only.pem").read_bytes()
    app = (sb.tenant_id, sb.client_id)
    makes: list[Callable[[], xdrkit.Credential]] = [
        lambda: certificate(sb, "aes.pfx", password=WRONG),
        lambda: certificate(sb, "encrypted.pem", password=WRONG),
        lambda: certificate(sb, str(damaged)),
        lambda: xdrkit.CertificateCredential(*app, certificate_data=key_only),
        lambda: xdrkit.CertificateCredential(*app, certificate_data=text.encode()[:1200]),
    ]
    for make in makes:
        watch.fails(make)
    watch.known += lines_of(DATA / "leaf.pem", DATA / "key-only.pem", DATA / "renewed.pem", damaged)
    watch.known.append(("the certificate's password", WRONG))
    watch.check("client_assertion", "a line of a key")


def test_a_wrong_assertion_is_not_shown(sb: Behind, watch: Watch) -> None:
    strange = sb.federated_token("a-stranger", trusted=False)
    for text in (NO_TOKEN, WRONG, FORGED, strange):
        watch.known.append(("an assertion", text))
        watch.refused(assertion(sb, func=lambda text=text: text))
    watch.refused(behalf(sb, user_assertion=secret(sb).get_token(GRAPH).token))
    watch.fails(lambda: behalf(sb, user_assertion=NO_TOKEN))
    watch.check("client_assertion", "assertion")


def test_a_wrong_token_file_is_not_shown(sb: Behind, watch: Watch, tmp_path: Path) -> None:
    credential = workload(sb, tmp_path)
    for text in (NO_TOKEN, FORGED):
        watch.known.append(("the file's token", text))
        (tmp_path / "token").write_text(text)
        watch.refused(credential)
    watch.check("client_assertion")


def test_a_token_that_is_given_is_not_shown(sb: Behind, watch: Watch) -> None:
    token = secret(sb).get_token(GRAPH).token
    with client_of(sb, watch.credential(xdrkit.StaticTokenCredential(token))) as client:
        watch.client(client)
        watch.fails(lambda: client.whoami("endpoint"))
    watch.fails(lambda: xdrkit.StaticTokenCredential(f"Bearer {token}"))

    class Theirs:
        def get_token(self, *scopes: str, **options: Any) -> Any:
            return (f"{token} twice", 0)

    with client_of(sb, Theirs()) as client:
        watch.fails(lambda: client.whoami("graph"))
    watch.check("access_token")


@pytest.mark.parametrize("how", ["declined", "expired", "unknown"])
def test_a_device_code_that_comes_to_nothing_is_not_shown(sb: Behind, watch: Watch, how: str) -> None:
    def answered(code: xdrkit.DeviceCode) -> None:
        if how == "declined":
            sb.deny(code.user_code)
        elif how == "expired":
            sb.advance(1000)
        else:
            refusal = {"error": "bad_verification_code", "error_description": "AADSTS70019: no such code"}
            sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", status=400, body=refusal)

    codes = {"declined": "authorization_declined", "expired": "expired_token", "unknown": "bad_verification_code"}
    assert watch.refused(device(sb, prompt=answered)).code == codes[how]
    watch.check("device_code")


def test_a_browser_that_brings_something_else_shows_nothing(sb: Behind, browser: Browser, watch: Watch) -> None:
    def post(page: xdrkit.SignInPage, **fields: str) -> None:
        data = urllib.parse.urlencode(fields).encode()
        try:
            browser.opener.open(page.redirect_uri, data, timeout=20).close()
        except urllib.error.HTTPError as refused:
            with refused:
                watch.see("page", refused.read().decode())

    def decline(page: xdrkit.SignInPage) -> bool:
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)["state"][0]
        browser.sign_in(page.url)  # so that there is a code that nobody brings
        post(page, code=WRONG, state=FORGED)
        post(page, error="access_denied", error_description="AADSTS65004: declined", state=state)
        return True

    watch.known += [("a stranger's code", WRONG), ("a stranger's state", FORGED)]
    assert watch.refused(interactive(sb, browser, open_browser=decline)).code == "access_denied"
    watch.check("state", "nonce", "code")


@pytest.mark.parametrize("way", ["browser", "paste"])
def test_an_id_token_of_another_sign_in_is_not_shown(sb: Behind, browser: Browser, watch: Watch, way: str) -> None:
    body = {**CANARIES, "access_token": "canary-access-token", "token_type": "Bearer", "expires_in": 3600}
    sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", status=200, body=body)
    make: Any = interactive if way == "browser" else pasted
    error = watch.refused(make(sb, browser))
    assert "nonce" in error.message
    watch.check("access_token", "code_verifier", *USERS)


def test_a_wrong_address_that_was_pasted_is_not_shown(sb: Behind, browser: Browser, watch: Watch) -> None:
    def ask(page: xdrkit.SignInPage) -> str:
        watch.pages.append(page.url)
        good = browser.last_address(page)
        watch.see("note", page.note or "")
        wrong = (good.partition("code=")[2], good.replace("state=", "state=x"), good.partition("?")[0])
        return wrong[len(browser.pages) - 1]

    error = watch.refused(pasted(sb, browser, ask=ask))
    assert len(browser.pages) == 3
    assert "no usable address" in error.message
    watch.check("code", "state", "nonce")


def test_a_prompt_that_fails_shows_nothing(sb: Behind, browser: Browser, watch: Watch) -> None:
    def fail(_: Any) -> Any:
        raise RuntimeError("no screen")

    watch.refused(device(sb, prompt=fail))
    watch.refused(interactive(sb, browser, open_browser=fail))
    watch.refused(pasted(sb, browser, ask=fail))
    watch.refused(interactive(sb, browser, open_browser=lambda _: False, fallback="none"))
    watch.check("device_code")


def test_what_a_login_host_repeats_of_a_request_is_not_shown(sb: Behind, watch: Watch) -> None:
    word = f"canary-{uuid.uuid4().hex}"
    refusal = {"error": "invalid_client", "error_description": f"AADSTS7000215: the secret {word} is wrong"}
    sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", status=401, body=refusal)
    error = watch.refused(secret(sb, client_secret=word))
    assert "the secret *** is wrong" in error.message
    watch.check("client_secret")
