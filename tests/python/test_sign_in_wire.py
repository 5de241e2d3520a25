"""What goes out for each way to sign in, field by field: what Entra documents, and not a field, header or request more.

At the end the same beside Microsoft's own libraries, which sign in to the same server. Each difference is named there, with its reason.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest

import xdrkit
from xdrkit import errors

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
    no_other_roots,
    password,
    pasted,
    secret,
    where,
    workload,
)

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CP1 = '{"access_token":{"xms_cc":{"values":["CP1"]}}}'
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# 256 bits as base64 for URLs: 43 characters, which is what PKCE asks for at least.
RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")
FORM = "application/x-www-form-urlencoded"
AGENT = f"xdrkit/{xdrkit.__version__}"


@pytest.fixture(autouse=True)
def _no_other_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    no_other_roots(monkeypatch)


@pytest.fixture(scope="module")
def shared() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(tls=True, record_forms=True) as running:
        yield running


@pytest.fixture
def sb(shared: xdrkit.Sandbox) -> xdrkit.Sandbox:
    shared.reset()
    return shared


@pytest.fixture
def browser(sb: xdrkit.Sandbox) -> Browser:
    return Browser(sb)


# ---- how a request is looked at -----------------------------------------------------------------------------------------------------


def encoded(fields: dict[str, str]) -> bytes:
    return "&".join(f"{name}={urllib.parse.quote(value, safe='-._~')}" for name, value in fields.items()).encode()


def form_of(
    sb: xdrkit.Sandbox, request: Any, page: str = "token", tenant: str | None = None, anchor: str | None = None
) -> dict[str, str]:
    """The form of one of our requests, once all around it was found to be right: no header more than these."""
    assert (request["method"], request["path"]) == ("POST", f"/{tenant or sb.tenant_id}/oauth2/v2.0/{page}")
    assert request["query"] == {}, "what is secret stands in the body, since addresses are logged"
    headers = dict(request["headers"])
    assert GUID.fullmatch(headers.pop("client-request-id"))
    assert headers == {
        "host": urllib.parse.urlsplit(sb.url).netloc,
        "user-agent": AGENT,
        "accept": "application/json",
        "accept-encoding": "gzip",
        "content-type": FORM,
        # No field twice, and nothing beside the fields: a dict of them would not show it.
        "content-length": str(len(encoded(request["form"]))),
        "x-client-sku": "xdrkit",
        "x-client-ver": xdrkit.__version__,
        **({} if anchor is None else {"x-anchormailbox": anchor}),
    }
    form: dict[str, str] = request["form"]
    return form


def only_form(sb: xdrkit.Sandbox, **around: Any) -> dict[str, str]:
    """The same of the one request that there was."""
    (request,) = sb.token_requests
    assert [record["authorization"] for record in sb.requests] == [False]
    return form_of(sb, request, **around)


def jwt_part(part: str) -> dict[str, Any]:
    assert "=" not in part
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def b64url(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def app_form(sb: xdrkit.Sandbox, scope: str = GRAPH, **proof: str) -> dict[str, str]:
    return {"client_id": sb.client_id, "grant_type": "client_credentials", "scope": scope, **proof}


def user_scope(scope: str = GRAPH) -> str:
    return f"{scope} openid profile offline_access"


# ---- applications -------------------------------------------------------------------------------------------------------------------


def test_a_client_secret(sb: xdrkit.Sandbox) -> None:
    assert secret(sb).get_token(GRAPH).token
    assert only_form(sb) == app_form(sb, client_secret=sb.identity["client_secret"])


def test_a_secret_that_needs_coding_arrives_as_it_is(sb: xdrkit.Sandbox) -> None:
    odd = "a+b&c=d e%20ü~€/?#"
    with pytest.raises(errors.AuthenticationError):
        secret(sb, client_secret=odd).get_token(GRAPH)
    assert only_form(sb) == app_form(sb, client_secret=odd)


def asserted(sb: xdrkit.Sandbox, form: dict[str, str], tenant: str | None = None) -> tuple[dict[str, Any], Any]:
    """Header and claims of the assertion in a form. All but the header is the same for every certificate."""
    assert form["client_assertion_type"] == JWT_BEARER
    head, body, signature = form["client_assertion"].split(".")
    assert len(base64.urlsafe_b64decode(signature + "==")) == 256, "an RSA signature of 2048 bits"
    claims = jwt_part(body)
    assert set(claims) == {"aud", "iss", "sub", "jti", "nbf", "iat", "exp"}
    assert claims["aud"] == f"{sb.url}/{tenant or sb.tenant_id}/oauth2/v2.0/token"
    assert claims["iss"] == claims["sub"] == sb.client_id
    assert GUID.fullmatch(claims["jti"])
    assert all(type(claims[name]) is int for name in ("nbf", "iat", "exp"))
    assert abs(claims["iat"] - time.time()) < 5
    assert claims["nbf"] == claims["iat"]
    assert claims["exp"] - claims["iat"] == 600, "Entra takes ten minutes at most"
    return jwt_part(head), claims


LEAF = (DATA / "leaf.der").read_bytes()
CHAIN = [
    base64.b64encode((DATA / f"{name}.der").read_bytes()).decode() for name in ("leaf", "issuing", "middle", "root")
]
SHA256 = {"x5t#S256": b64url(hashlib.sha256(LEAF).digest())}
SHA1 = {"x5t": b64url(hashlib.sha1(LEAF, usedforsecurity=False).digest())}
CERTIFICATES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "PEM": ("leaf.pem", {}, {"alg": "PS256", **SHA256}),
    "PFX": ("aes.pfx", {"password": "correct-horse"}, {"alg": "PS256", **SHA256}),
    "for AD FS": ("leaf.pem", {"algorithm": "RS256", "thumbprint_sha1": True}, {"alg": "RS256", **SHA1}),
    "RS256": ("leaf.pem", {"algorithm": "RS256"}, {"alg": "RS256", **SHA256}),
    "chain of a PEM in disorder": (
        "chain-in-disorder.pem",
        {"send_certificate_chain": True},
        {"alg": "PS256", **SHA256, "x5c": CHAIN},
    ),
    "chain of a PFX": (
        "aes.pfx",
        {"send_certificate_chain": True, "password": b"correct-horse"},
        {"alg": "PS256", **SHA256, "x5c": CHAIN},
    ),
}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_a_certificate(sb: xdrkit.Sandbox, kind: str) -> None:
    file, options, header = CERTIFICATES[kind]
    assert certificate(sb, file, **options).get_token(GRAPH).token
    form = only_form(sb)
    proof = {name: form[name] for name in ("client_assertion_type", "client_assertion")}
    assert form == app_form(sb, **proof)
    assert asserted(sb, form)[0] == {"typ": "JWT", **header}, "no chain unless it is wanted; the leaf first where it is"


def test_each_assertion_of_a_certificate_is_another_one(sb: xdrkit.Sandbox) -> None:
    credential = certificate(sb, additionally_allowed_tenants=[sb.identity["domain"]])
    for tenant in (sb.tenant_id, sb.identity["domain"]):
        for scope in (GRAPH, ENDPOINT):
            assert credential.get_token(scope, tenant_id=tenant).token
    tenants = [sb.tenant_id, sb.tenant_id, sb.identity["domain"], sb.identity["domain"]]
    forms = [form_of(sb, request, tenant=tenant) for request, tenant in zip(sb.token_requests, tenants)]
    names = [asserted(sb, form, tenant)[1]["jti"] for form, tenant in zip(forms, tenants)]
    assert len(set(names)) == len(tenants)
    assert [form["scope"] for form in forms] == [GRAPH, ENDPOINT] * 2


def test_an_assertion_by_the_programs_own_function(sb: xdrkit.Sandbox) -> None:
    given: list[str] = []

    def sign() -> str:
        given.append(sb.federated_token())
        return given[-1]

    assert assertion(sb, func=sign).get_token(GRAPH).token
    assert only_form(sb) == app_form(sb, client_assertion_type=JWT_BEARER, client_assertion=given[0])


def test_a_platforms_token_file(sb: xdrkit.Sandbox, tmp_path: Path) -> None:
    credential = workload(sb, tmp_path)
    assert credential.get_token(GRAPH).token
    text = (tmp_path / "token").read_text().strip()
    assert only_form(sb) == app_form(sb, client_assertion_type=JWT_BEARER, client_assertion=text)


class Build:
    """A build service that gives its jobs tokens, and keeps how it was asked."""

    def __init__(self, sb: xdrkit.Sandbox) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.given: list[str] = []
        build = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                build.asked.append((self.command, self.path, headers, body))
                build.given.append(sb.federated_token())
                answer = json.dumps({"value": build.given[-1], "oidcToken": build.given[-1]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_GET  # noqa: N815 - as the class wants it

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.netloc = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def build(sb: xdrkit.Sandbox) -> Iterator[Build]:
    made = Build(sb)
    yield made
    made.server.shutdown()
    made.server.server_close()


BUILD_HEADERS = {"user-agent": AGENT, "accept": "application/json", "accept-encoding": "gzip"}


def test_a_job_of_github_actions(sb: xdrkit.Sandbox, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"http://{build.netloc}/token?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "a-job")
    credential = xdrkit.GitHubActionsCredential(sb.tenant_id, sb.client_id, **where(sb))
    assert credential.get_token(GRAPH).token
    ((method, path, headers, body),) = build.asked
    assert (method, body) == ("GET", b"")
    assert path == "/token?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange"
    assert headers == {**BUILD_HEADERS, "host": build.netloc, "authorization": "bearer a-job"}
    assert only_form(sb) == app_form(sb, client_assertion_type=JWT_BEARER, client_assertion=build.given[0])
    assert credential.get_token(ENDPOINT).token
    assert len(build.given) == 2, "GitHub's tokens live for minutes: a new one for each request"


def test_a_job_of_azure_pipelines(sb: xdrkit.Sandbox, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = "11111111-2222-3333-4444-555555555555"
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"http://{build.netloc}/plans/oidctoken")
    credential = xdrkit.AzurePipelinesCredential(sb.tenant_id, sb.client_id, connection, "a-job", **where(sb))
    assert credential.get_token(GRAPH).token
    ((method, path, headers, body),) = build.asked
    assert (method, body) == ("POST", b"")
    assert path == f"/plans/oidctoken?api-version=7.1&serviceConnectionId={connection}"
    headers.pop("content-length", None)  # the next test's
    assert headers == {
        **BUILD_HEADERS,
        "host": build.netloc,
        "authorization": "Bearer a-job",
        "content-type": "application/json",
        "x-tfs-fedauthredirect": "Suppress",
    }
    assert only_form(sb) == app_form(sb, client_assertion_type=JWT_BEARER, client_assertion=build.given[0])


def test_a_request_without_a_body_says_so(sb: xdrkit.Sandbox, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM_OIDCREQUESTURI", f"http://{build.netloc}/plans/oidctoken")
    connection = "11111111-2222-3333-4444-555555555555"
    xdrkit.AzurePipelinesCredential(sb.tenant_id, sb.client_id, connection, "a-job", **where(sb)).get_token(GRAPH)
    assert build.asked[0][2].get("content-length") == "0"


def test_claims_are_asked_for_where_a_challenge_can_be_answered(sb: xdrkit.Sandbox) -> None:
    known = {"client_secret": sb.identity["client_secret"]}
    challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    both = '{"access_token":{"nbf":{"essential":true,"value":"1"},"xms_cc":{"values":["CP1"]}}}'
    for options, claims in (
        ({}, None),
        ({"enable_cae": True}, CP1),
        ({"claims": challenge}, challenge),
        ({"claims": challenge, "enable_cae": True}, both),
    ):
        sb.reset()
        assert secret(sb).get_token(GRAPH, **options).token
        form = only_form(sb)
        assert json.loads(form.pop("claims", "null")) == (None if claims is None else json.loads(claims))
        assert form == app_form(sb, **known)


def test_on_behalf_of_a_user(sb: xdrkit.Sandbox) -> None:
    sent = password(sb).get_token(f"{sb.client_id}/.default").token
    expected = {
        "client_id": sb.client_id,
        "grant_type": ON_BEHALF_OF,
        "assertion": sent,
        "requested_token_use": "on_behalf_of",
        "scope": GRAPH,
    }
    sb.reset()
    assert behalf(sb, user_assertion=sent).get_token(GRAPH).token
    assert only_form(sb) == {**expected, "client_secret": sb.identity["client_secret"]}
    sb.reset()
    sb.register_certificate(DATA / "leaf.pem")
    assert behalf(sb, user_assertion=sent, certificate_path=DATA / "leaf.pem").get_token(GRAPH).token
    form = only_form(sb)
    assert asserted(sb, form)[0] == {"typ": "JWT", "alg": "PS256", **SHA256}
    assert {name: value for name, value in form.items() if not name.startswith("client_assertion")} == expected


# ---- people -------------------------------------------------------------------------------------------------------------------------


def test_a_device_code(sb: xdrkit.Sandbox) -> None:
    pending = {"error": "authorization_pending", "error_description": "AADSTS70016: not yet"}

    def approve(code: xdrkit.DeviceCode) -> None:
        assert len(sb.token_requests) == 1, "the prompt comes before the first poll"
        sb.fault(path=f"/{sb.tenant_id}/oauth2/v2.0/token", status=400, body=pending)
        sb.approve(code.user_code)

    with client_of(sb, device(sb, prompt=approve), _virtual_clock=True) as client:
        assert client.whoami("graph")["kind"] == "user"
    begun, *polls = sb.token_requests
    public = sb.identity["public_client_id"]
    assert form_of(sb, begun, "devicecode") == {"client_id": public, "scope": user_scope(), "claims": CP1}
    forms = [form_of(sb, poll) for poll in polls]
    assert forms[0] == forms[1]
    code = forms[0].pop("device_code")
    assert len(code) >= 43
    assert forms[0] == {"client_id": public, "grant_type": DEVICE_CODE, "client_info": "1"}
    assert len(polls) == 2


def authorize_query(sb: xdrkit.Sandbox, request: Any, tenant: str | None = None) -> dict[str, str]:
    """What the sign-in page is asked, without what is made anew for each sign-in."""
    assert (request["method"], request["path"]) == ("GET", f"/{tenant or sb.tenant_id}/oauth2/v2.0/authorize")
    query = dict(request["query"])
    made = [query.pop(name) for name in ("state", "nonce", "code_challenge")]
    assert all(RANDOM.fullmatch(text) for text in made)
    assert len(set(made)) == 3
    return query


OPTIONS = {"login_hint": "nadia.petrescu@larkmoor.example", "domain_hint": "larkmoor.example"}
CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


@pytest.mark.parametrize("way", ["browser", "paste"])
@pytest.mark.parametrize("told", [False, True], ids=["plain", "with all options"])
def test_a_code_by_browser_or_pasted(sb: xdrkit.Sandbox, browser: Browser, way: str, told: bool) -> None:
    options: dict[str, Any] = dict(OPTIONS) if told else {}
    if told and way == "browser":
        options["prompt"] = "select_account"
    make: Any = interactive if way == "browser" else pasted
    claims = CLAIMS if told else None
    assert make(sb, browser, **options).get_token(GRAPH, claims=claims).token

    asked, redeemed = sb.token_requests
    (page,) = browser.pages
    redirect = page.redirect_uri
    if way == "browser":
        assert re.fullmatch(r"http://localhost:[0-9]+", redirect)
    else:
        assert redirect == f"{sb.url}/common/oauth2/nativeclient"
    assert page.url.startswith(f"{sb.url}/"), "what was asked for is what the person was shown"
    assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query, strict_parsing=True)) == asked["query"]
    public = sb.identity["public_client_id"]
    extra = {} if claims is None else {"claims": claims}
    assert authorize_query(sb, asked) == {
        "client_id": public,
        "response_type": "code",
        "redirect_uri": redirect,
        "response_mode": "form_post" if way == "browser" else "query",
        "scope": user_scope(),
        "code_challenge_method": "S256",
        "client_info": "1",
        **options,
        **extra,
    }

    anchor = f"UPN:{options['login_hint']}" if told else None
    form = form_of(sb, redeemed, anchor=anchor)
    verifier = form.pop("code_verifier")
    assert RANDOM.fullmatch(verifier)
    assert b64url(hashlib.sha256(verifier.encode()).digest()) == asked["query"]["code_challenge"]
    assert browser.answers[0]["state"] == asked["query"]["state"]
    assert form == {
        "client_id": public,
        "client_info": "1",
        "grant_type": "authorization_code",
        "code": browser.answers[0]["code"],
        "redirect_uri": redirect,
        "scope": user_scope(),
        **extra,
    }


def test_nothing_of_one_sign_in_is_used_in_the_next(sb: xdrkit.Sandbox, browser: Browser) -> None:
    for _ in range(3):
        assert interactive(sb, browser).get_token(GRAPH).token
        assert pasted(sb, browser).get_token(GRAPH).token
    seen = []
    for request in sb.token_requests:
        fields = {**request["query"], **request["form"]}
        seen += [fields[n] for n in ("state", "nonce", "code_challenge", "code_verifier", "code") if n in fields]
        seen += [request["headers"].get("client-request-id", f"a browser's {len(seen)}")]
    assert len(seen) == 6 * (4 + 3)
    assert len(set(seen)) == len(seen)


def test_who_names_no_tenant_is_sent_to_the_page_of_all_organizations(sb: xdrkit.Sandbox, browser: Browser) -> None:
    assert interactive(sb, browser, tenant_id=None).get_token(GRAPH).token
    asked, redeemed = sb.token_requests
    authorize_query(sb, asked, "organizations")
    form_of(sb, redeemed, tenant="organizations")


def test_a_redirect_that_was_registered_with_a_path_keeps_it(sb: xdrkit.Sandbox, browser: Browser) -> None:
    assert interactive(sb, browser, redirect_uri="http://127.0.0.1/signed/in").get_token(GRAPH).token
    asked, redeemed = sb.token_requests
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/signed/in", asked["query"]["redirect_uri"])
    assert redeemed["form"]["redirect_uri"] == asked["query"]["redirect_uri"]


def test_a_refresh_token(sb: xdrkit.Sandbox, browser: Browser) -> None:
    """Each answer brings another one, and that is the next to be redeemed."""
    credential = interactive(sb, browser, **OPTIONS)
    for scope in (GRAPH, ENDPOINT):
        assert credential.get_token(scope).token
    assert credential.get_token(GRAPH, claims=CLAIMS).token
    _, _, *renewals = sb.token_requests
    user, home = credential.accounts()[0]["home_account_id"].split(".")
    tokens = []
    for request, scope, extra in zip(renewals, (ENDPOINT, GRAPH), ({}, {"claims": CLAIMS})):
        form = form_of(sb, request, anchor=f"Oid:{user}@{home}")
        tokens.append(form.pop("refresh_token"))
        assert form == {
            "client_id": sb.identity["public_client_id"],
            "client_info": "1",
            "grant_type": "refresh_token",
            "scope": user_scope(scope),
            **extra,
        }
    assert len(set(tokens)) == len(renewals) == 2


def test_the_renewal_of_a_user_who_signed_in_is_led_to_the_users_data_center(
    sb: xdrkit.Sandbox, browser: Browser
) -> None:
    credential = interactive(sb, browser)
    for scope in (GRAPH, ENDPOINT):
        assert credential.get_token(scope).token
    user, tenant = credential.accounts()[0]["home_account_id"].split(".")
    form_of(sb, sb.token_requests[-1], anchor=f"Oid:{user}@{tenant}")


def test_a_password(sb: xdrkit.Sandbox) -> None:
    assert password(sb).get_token(GRAPH).token
    assert only_form(sb, anchor=f"UPN:{sb.identity['user']}") == {
        "client_id": sb.identity["public_client_id"],
        "client_info": "1",
        "grant_type": "password",
        "username": sb.identity["user"],
        "password": sb.identity["user_password"],
        "scope": user_scope(),
    }, "and nobody was asked before who keeps the password"


def test_who_keeps_a_password_is_asked_when_it_was_refused(sb: xdrkit.Sandbox) -> None:
    with pytest.raises(errors.AuthenticationError):
        password(sb, "wrong").get_token(GRAPH)
    refused, realm = sb.token_requests
    assert form_of(sb, refused, anchor=f"UPN:{sb.identity['user']}")["password"] == "wrong"
    assert (realm["method"], realm["form"]) == ("GET", {})
    assert urllib.parse.unquote(realm["path"]) == f"/common/userrealm/{sb.identity['user']}"
    assert realm["query"] == {"api-version": "1.0"}
    assert set(realm["headers"]) == {"host", "user-agent", "accept", "accept-encoding"}


# ---- all of them: which requests, in which order ------------------------------------------------------------------------------------

APP = ["token", "token"]
ORDER = {
    "device code": ["devicecode", "token", "token"],
    "browser": ["authorize", "token", "token"],
    "paste": ["authorize", "token", "token"],
    "on behalf of, with a secret": ["token", *APP],
    "on behalf of, with a certificate": ["token", *APP],
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_else_is_asked_for_two_services(sb: xdrkit.Sandbox, browser: Browser, tmp_path: Path, way: str) -> None:
    """No discovery of any kind, no realm, no second sign-in: a person's second service takes the refresh token."""
    credential = WAYS[way][1](sb, browser, tmp_path)
    for _ in range(2):
        assert credential.get_token(GRAPH).token
        assert credential.get_token(ENDPOINT).token
    assert [record["path"].rpartition("/")[2] for record in sb.requests] == ORDER.get(way, APP)
    assert not any(record["authorization"] for record in sb.requests)
    assert not any("cookie" in request["headers"] for request in sb.token_requests if request["form"])
    if WAYS[way][0] == "user" and "behalf" not in way:
        assert sb.token_requests[-1]["form"]["grant_type"] == "refresh_token"


# ---- managed identities -------------------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """How a platform is asked."""

    path: str
    version: str | None
    headers: dict[str, str]
    # The name of the parameter for each of an identity's names; those that are not here the platform does not know.
    names: dict[str, str]


KEY = "sandbox-identity-header"
BY_ID = {"client_id": "client_id", "object_id": "object_id"}
PLACES = {
    "imds": Place(
        "/metadata/identity/oauth2/token", "2018-02-01", {"metadata": "true"}, {**BY_ID, "resource_id": "msi_res_id"}
    ),
    "app-service": Place(
        "/msi/token",
        "2019-08-01",
        {"metadata": "true", "x-identity-header": KEY},
        {**BY_ID, "resource_id": "mi_res_id"},
    ),
    "automation": Place(
        "/automation/oauth2/token",
        "2019-08-01",
        {"metadata": "True", "x-identity-header": KEY},
        {**BY_ID, "resource_id": "mi_res_id"},
    ),
    "automation-hybrid": Place(
        "/automation/hybrid/oauth2/token", None, {"metadata": "true", "secret": KEY}, {"client_id": "client_id"}
    ),
    "azure-ml": Place("/ml/msi/token", "2017-09-01", {"secret": KEY}, {"client_id": "clientid"}),
    "cloud-shell": Place("/cloud-shell/oauth2/token", None, {"metadata": "true"}, {}),
    "arc": Place(
        "/arc/metadata/identity/oauth2/token",
        "2020-06-01",
        {"metadata": "true"},
        {**BY_ID, "resource_id": "msi_res_id"},
    ),
}
IDENTITIES = ("client_id", "object_id", "resource_id")
VARIABLES = (
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "AZUREPS_HOST_ENVIRONMENT",
    "AUTOMATION_ASSET_ACCOUNTID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "DEFAULT_IDENTITY_CLIENT_ID",
)


@pytest.fixture
def on(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Makes this process run on a platform. What a credential has to be told there is answered."""

    def on(platform: Any) -> dict[str, Any]:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        given = sb.managed_identity(platform)
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        if platform != "arc":
            return {}
        # A test does not write to the folder of the real agent: the first challenge says where this one's is.
        url = f"{given['IDENTITY_ENDPOINT']}?api-version=2020-06-01&resource=x"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(urllib.request.Request(url, headers={"Metadata": "true"}), timeout=20)
        with caught.value as challenge:
            realm = challenge.headers["WWW-Authenticate"].partition("realm=")[2]
        sb.reset()
        return {"_arc_keys": str(Path(realm.strip('"')).parent)}

    return on


def asked_of(sb: xdrkit.Sandbox, request: Any, place: Place) -> dict[str, str]:
    """The parameters of a request to a platform's endpoint, once all around them was found to be right."""
    headers = dict(request["headers"])
    assert GUID.fullmatch(headers.pop("x-ms-client-request-id"))
    parameters: dict[str, str] = request["query"]
    expected = {"host": urllib.parse.urlsplit(sb.http_url).netloc, "user-agent": AGENT, "accept": "application/json"}
    expected["accept-encoding"] = "gzip"
    if place is PLACES["cloud-shell"]:
        assert (request["method"], request["query"]) == ("POST", {})
        parameters = request["form"]
        expected.update({"content-type": FORM, "content-length": str(len(encoded(parameters)))})
    else:
        assert (request["method"], request["form"]) == ("GET", {})
    assert request["path"] == place.path
    assert headers == {**expected, **place.headers}, "above all no X-Forwarded-For"
    return parameters


@pytest.mark.parametrize("by", [None, *IDENTITIES])
@pytest.mark.parametrize("platform", PLACES)
def test_a_managed_identity(
    sb: xdrkit.Sandbox, on: Callable[..., dict[str, Any]], platform: str, by: str | None
) -> None:
    place, more = PLACES[platform], on(platform)
    identity = {} if by is None else {by: sb.identity[f"managed_{by}"]}
    if by is not None and by not in place.names:
        with pytest.raises(errors.ConfigurationError, match=by):
            xdrkit.ManagedIdentityCredential(**identity, **more)
        assert sb.requests == [], "what a platform does not know it ignores, and answers with another identity's token"
        return
    credential = xdrkit.ManagedIdentityCredential(**identity, **more)
    if (platform, by) == ("arc", "object_id"):
        with pytest.raises(errors.AuthenticationError, match="did not confirm"):
            credential.get_token(GRAPH)  # its answer does not repeat this name, so it is not believed
    else:
        assert credential.get_token(GRAPH).token
    parameters = {"resource": "https://graph.microsoft.com"}
    if place.version is not None:
        parameters["api-version"] = place.version
    if by is not None:
        parameters[place.names[by]] = identity[by]
    challenged = 1 if platform == "arc" else 0
    assert [asked_of(sb, request, place) for request in sb.token_requests] == [parameters] * (1 + challenged)
    assert [record["authorization"] for record in sb.requests] == [False] * challenged + [platform == "arc"]


def test_a_resource_keeps_its_own_slash(sb: xdrkit.Sandbox, on: Callable[..., dict[str, Any]]) -> None:
    """A scope is a resource and one `/.default`; a resource that ends in a slash is another one than without."""
    on("imds")
    with pytest.raises(errors.AuthenticationError):
        xdrkit.ManagedIdentityCredential().get_token("https://nobody.example//.default")
    assert {request["query"]["resource"] for request in sb.token_requests} == {"https://nobody.example/"}


# ---- beside Microsoft's libraries ---------------------------------------------------------------------------------------------------

NO_ACCOUNT = "an application's answer names no account, so there is none to be told about"
CHALLENGED = "ours is a client's request, and says that it can answer a challenge"
# Flow, request: the fields that they send and we do not.
THEIRS_ALONE: dict[tuple[str, str], dict[str, str]] = {
    ("client secret", "token"): {"client_info": NO_ACCOUNT},
    ("certificate", "token"): {"client_info": NO_ACCOUNT},
    ("assertion", "token"): {"client_info": NO_ACCOUNT},
    ("on behalf of", "token"): {"client_info": "the token that came in is what keeps users apart, not an account"},
    ("device code", "token"): {
        "code": "the name of a draft; RFC 8628 and Entra's documentation have device_code alone"
    },
    ("browser", "authorize"): {
        "X-AnchorMailbox": "a header's name; in an address it puts the user's name into one more log"
    },
}
# The fields that we send and they do not.
OURS_ALONE: dict[tuple[str, str], dict[str, str]] = {
    ("device code", "devicecode"): {"claims": CHALLENGED},
}
# Headers of the token request, the same for all flows.
HEADERS_THEIRS_ALONE = {
    "connection": "HTTP/1.1 keeps connections without being told",
    "x-client-os": "telemetry",
    "x-client-current-telemetry": "telemetry",
    "x-client-last-telemetry": "telemetry, with the error of the request before",
    "x-ms-lib-capability": "an announcement of MSAL's to Entra; Retry-After comes to others too",
}
# What stands in a field that has the same name.
OTHER_VALUES = {
    ("on behalf of", "token", "scope"): "no refresh token and no id token: nobody would redeem or read them",
    ("device code", "devicecode", "scope"): "the same words in another order",
    ("browser", "authorize", "scope"): "the same words in another order",
    ("browser", "token", "scope"): "the same words in another order",
    ("refresh", "token", "scope"): "the same words in another order",
    ("password", "token", "scope"): "the same words in another order",
}
MADE_ANEW = {"client_assertion", "code", "device_code", "code_verifier", "refresh_token", "state", "nonce"}
MADE_ANEW |= {"code_challenge", "redirect_uri"}


@pytest.fixture
def session(sb: xdrkit.Sandbox) -> Iterator[Any]:
    """What MSAL talks through: its own is never closed."""
    requests = pytest.importorskip("requests")
    with requests.Session() as made:
        made.verify = sb.ca_file
        yield made


@pytest.fixture
def msal_app(sb: xdrkit.Sandbox, session: Any) -> Callable[..., Any]:
    """An application of MSAL's; with a proof it is a confidential one."""
    msal = pytest.importorskip("msal")

    def make(proof: Any = None) -> Any:
        common: dict[str, Any] = {
            "authority": f"{sb.url}/{sb.tenant_id}",
            "instance_discovery": False,
            "http_client": session,
        }
        if proof is None:
            return msal.PublicClientApplication(sb.identity["public_client_id"], **common)
        return msal.ConfidentialClientApplication(sb.client_id, client_credential=proof, **common)

    return make


MSAL_PFX = {
    "private_key_pfx_path": str(DATA / "aes.pfx"),
    "passphrase": "correct-horse",
    "public_certificate": True,
}


def ours(flow: str, sb: xdrkit.Sandbox, browser: Browser, user_token: str) -> None:
    """Our request of a flow."""
    options = {"login_hint": sb.identity["user"]}
    if flow == "device code":
        with client_of(sb, device(sb), _virtual_clock=True) as client:
            client.whoami("graph")
        return
    made: dict[str, Callable[[], xdrkit.Credential]] = {
        "client secret": lambda: secret(sb),
        "certificate": lambda: certificate(sb, send_certificate_chain=True),
        "assertion": lambda: assertion(sb),
        "on behalf of": lambda: behalf(sb, user_assertion=user_token),
        "browser": lambda: interactive(sb, browser, **options),
        "refresh": lambda: interactive(sb, browser, **options),
        "password": lambda: password(sb),
    }
    credential = made[flow]()
    credential.get_token(GRAPH)
    if flow == "refresh":
        credential.get_token(ENDPOINT)


def theirs(
    flow: str, sb: xdrkit.Sandbox, browser: Browser, user_token: str, make: Callable[..., Any]
) -> dict[str, Any]:
    """MSAL's."""
    known = {"secret": sb.identity["client_secret"], "user": sb.identity["user"]}
    if flow in ("client secret", "certificate", "assertion"):
        proof = {
            "client secret": known["secret"],
            "certificate": MSAL_PFX,
            "assertion": {"client_assertion": sb.federated_token},
        }
        sb.register_certificate(DATA / "leaf.pem")
        answer = make(proof[flow]).acquire_token_for_client([GRAPH])
    elif flow == "on behalf of":
        answer = make(known["secret"]).acquire_token_on_behalf_of(user_token, [GRAPH])
    elif flow == "device code":
        app = make()
        begun = app.initiate_device_flow([GRAPH])
        sb.approve(begun["user_code"])
        answer = app.acquire_token_by_device_flow(begun)
    elif flow == "password":
        answer = make().acquire_token_by_username_password(known["user"], sb.identity["user_password"], [GRAPH])
    else:
        app = make()
        begun = app.initiate_auth_code_flow(
            [GRAPH], redirect_uri="http://localhost:1", response_mode="form_post", login_hint=known["user"]
        )
        answer = app.acquire_token_by_auth_code_flow(begun, browser.sign_in(begun["auth_uri"])[1])
        if flow == "refresh":
            answer = app.acquire_token_silent_with_error([ENDPOINT], app.get_accounts()[0])
    result: dict[str, Any] = answer
    return result


class Sent(NamedTuple):
    """What a flow sent: the fields and headers of each kind of request, and how often it asked for what."""

    fields: dict[str, dict[str, str]]
    headers: dict[str, set[str]]
    pages: list[str]


def sent(sb: xdrkit.Sandbox, flow: str) -> Sent:
    requests: list[Any] = list(sb.token_requests)
    pages = [request["path"].rpartition("/")[2] for request in requests]
    if flow == "refresh":
        requests, pages = requests[-1:], pages[-1:]
    by_page = dict(zip(pages, requests))
    wanted = [page for page in by_page if page in ("token", "devicecode", "authorize")]
    return Sent(
        {page: by_page[page]["form"] or by_page[page]["query"] for page in wanted},
        {page: set(by_page[page]["headers"]) for page in wanted},
        pages,
    )


FLOWS = [
    "client secret",
    "certificate",
    "assertion",
    "on behalf of",
    "device code",
    "browser",
    "refresh",
    "password",
]


@pytest.mark.dev
@pytest.mark.filterwarnings("ignore:This API has been deprecated:DeprecationWarning")
@pytest.mark.parametrize("flow", FLOWS)
def test_beside_msal_each_difference_has_a_reason(
    sb: xdrkit.Sandbox, browser: Browser, msal_app: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, flow: str
) -> None:
    # It would ask for the realm at port 443.
    authority = pytest.importorskip("msal.authority").Authority
    monkeypatch.setattr(authority, "_domains_without_user_realm_discovery", {"localhost"})
    user_token = password(sb).get_token(f"{sb.client_id}/.default").token
    sb.reset()
    ours(flow, sb, browser, user_token)
    we = sent(sb, flow)
    sb.reset()
    theirs(flow, sb, browser, user_token, msal_app)
    they = sent(sb, flow)

    assert set(we.fields) == set(they.fields)
    for page in we.fields:
        mine, other = we.fields[page], they.fields[page]
        assert set(other) - set(mine) == set(THEIRS_ALONE.get((flow, page), ())), f"{page}: sent by MSAL alone"
        assert set(mine) - set(other) == set(OURS_ALONE.get((flow, page), ())), f"{page}: sent by us alone"
        same = (set(mine) & set(other)) - MADE_ANEW
        differing = {name for name in same if mine[name] != other[name]}
        assert differing == {name for f, p, name in OTHER_VALUES if (f, p) == (flow, page)}
    # Theirs leads the redemption of a code by the answer's account even without a hint; the header is there in both.
    assert they.headers["token"] - we.headers["token"] == set(HEADERS_THEIRS_ALONE)
    assert we.headers["token"] - they.headers["token"] == set()
    if flow != "refresh":
        # Its first step is a discovery; where that is blocked, nothing of it works.
        assert they.pages[0] == "openid-configuration"
        assert they.pages[1:] == we.pages


@pytest.mark.dev
def test_the_words_of_a_scope_are_the_same_as_msals(
    sb: xdrkit.Sandbox, browser: Browser, msal_app: Callable[..., Any]
) -> None:
    ours("browser", sb, browser, "")
    mine = sent(sb, "browser").fields["authorize"]["scope"].split()
    sb.reset()
    theirs("browser", sb, browser, "", msal_app)
    other = sent(sb, "browser").fields["authorize"]["scope"].split()
    assert sorted(mine) == sorted(other)
    assert len(mine) == len(set(mine))


@pytest.mark.dev
def test_assertions_are_cleaner_than_msals(sb: xdrkit.Sandbox, msal_app: Callable[..., Any]) -> None:
    """What a strict server minds: MSAL presents one twice, breaks the lines of `x5c`, and writes fractions of seconds."""

    def assertions() -> list[tuple[dict[str, Any], dict[str, Any]]]:
        texts = [request["form"]["client_assertion"] for request in sb.token_requests if request["form"]]
        return [(jwt_part(text.split(".")[0]), jwt_part(text.split(".")[1])) for text in texts]

    credential = certificate(sb, "aes.pfx", password="correct-horse", send_certificate_chain=True)
    for scope in (GRAPH, ENDPOINT):
        credential.get_token(scope)
    ours_made = assertions()
    sb.reset()
    app = msal_app(MSAL_PFX)
    for scope in (GRAPH, ENDPOINT):
        app.acquire_token_for_client([scope])
    theirs_made = assertions()

    header, claims = ours_made[0]
    their_header, their_claims = theirs_made[0]
    assert len({made["jti"] for _, made in ours_made}) == 2
    assert len({made["jti"] for _, made in theirs_made}) == 1
    assert not any("\n" in text for text in header["x5c"])
    assert any("\n" in text for text in their_header["x5c"])
    assert header["x5c"][0] == their_header["x5c"][0].replace("\n", "")
    assert (header["alg"], header["x5t#S256"]) == (their_header["alg"], their_header["x5t#S256"].rstrip("="))
    assert {type(claims["exp"]), type(their_claims["exp"])} == {int, float}
    assert set(claims) - set(their_claims) == {"nbf"}
    assert {name: claims[name] for name in ("aud", "iss", "sub")} == {
        name: their_claims[name] for name in ("aud", "iss", "sub")
    }


@pytest.mark.dev
@pytest.mark.parametrize("flow", ["client secret", "assertion", "on behalf of"])
def test_beside_azure_identitys_own_protocol_each_difference_has_a_reason(
    sb: xdrkit.Sandbox, browser: Browser, flow: str
) -> None:
    """Its async half speaks the protocol without MSAL. It tells the server nothing of itself, and names its request in another way."""
    import asyncio

    import azure.identity.aio as identity

    user_token = password(sb).get_token(f"{sb.client_id}/.default").token
    options: dict[str, Any] = {"authority": sb.url, "disable_instance_discovery": True, "connection_verify": sb.ca_file}
    app, word = (sb.tenant_id, sb.client_id), sb.identity["client_secret"]

    async def main() -> None:
        made: dict[str, Callable[[], Any]] = {
            "client secret": lambda: identity.ClientSecretCredential(*app, word, **options),
            "assertion": lambda: identity.ClientAssertionCredential(*app, sb.federated_token, **options),
            "on behalf of": lambda: identity.OnBehalfOfCredential(
                *app, client_secret=word, user_assertion=user_token, **options
            ),
        }
        async with made[flow]() as credential:
            await credential.get_token(GRAPH)

    sb.reset()
    asyncio.run(main())
    they = sent(sb, flow)
    sb.reset()
    ours(flow, sb, browser, user_token)
    we = sent(sb, flow)
    alone = {"client_info"} if flow == "on behalf of" else set()
    assert set(they.fields["token"]) - set(we.fields["token"]) == alone
    assert set(we.fields["token"]) <= set(they.fields["token"])
    same = set(we.fields["token"]) - MADE_ANEW
    assert {n: we.fields["token"][n] for n in same} == {n: they.fields["token"][n] for n in same}
    assert we.headers["token"] - they.headers["token"] == {"client-request-id", "x-client-sku", "x-client-ver"}
    assert they.headers["token"] - we.headers["token"] == {"x-ms-client-request-id"}
    assert we.pages == they.pages == ["token"]


# Platform: the parameters and headers that azure-identity sends and we do not, and the other way round.
NEAR_THEIRS_ALONE: dict[str, dict[str, str]] = {
    "imds": {"x-client-sku": "telemetry", "x-client-ver": "telemetry"},
    "automation-hybrid": {"api-version": "it takes the place for Azure ML", "clientid": "the same"},
}
NEAR_OURS_ALONE: dict[str, dict[str, str]] = {
    "automation-hybrid": {"client_id": "the name that a runbook's endpoint knows", "metadata": "it asks for it"},
}


@pytest.mark.dev
@pytest.mark.parametrize("platform", [name for name in PLACES if name != "arc"])
def test_beside_azure_identity_a_managed_identity_is_asked_for_by_the_same_names(
    sb: xdrkit.Sandbox, on: Callable[..., dict[str, Any]], platform: str
) -> None:
    from azure.core.exceptions import ClientAuthenticationError
    from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

    on(platform)
    who: dict[str, Any] = {} if platform == "cloud-shell" else {"client_id": sb.identity["managed_client_id"]}

    def names() -> set[str]:
        (request,) = sb.token_requests
        every = {**request["query"], **request["form"], **request["headers"]}
        assert every["resource"] == "https://graph.microsoft.com"
        return set(every) - {"connection"}

    xdrkit.ManagedIdentityCredential(**who).get_token(GRAPH)
    mine = names()
    sb.reset()
    with ManagedIdentityCredential(**who) as credential:
        if platform == "automation-hybrid":
            with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
                credential.get_token(GRAPH)
        else:
            assert credential.get_token(GRAPH).token
    assert names() - mine == set(NEAR_THEIRS_ALONE.get(platform, ()))
    assert mine - names() == set(NEAR_OURS_ALONE.get(platform, ()))
