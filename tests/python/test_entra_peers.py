"""Microsoft's own libraries, unmodified, sign in to the sandbox: what they believe to be Entra ID is near enough to test ours against.

Each token is then used, so that it is not only given but good.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import threading
import urllib.request
import webbrowser
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.message import Message
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest

import xdrkit

pytestmark = pytest.mark.dev

GRAPH = "https://graph.microsoft.com/.default"
ENDPOINT = "https://api.securitycenter.microsoft.com/.default"
CP1 = ["CP1"]
PASSWORD = b"a key's password"
PATHS = {GRAPH: "/v1.0/security/incidents?$top=1", ENDPOINT: "/api/machines?$top=1"}


@pytest.fixture(autouse=True)
def _no_other_trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """With these set, MSAL does not look at the certificate that it was given."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def sb() -> Iterator[xdrkit.Sandbox]:
    """A sandbox that speaks https and keeps what was sent."""
    with xdrkit.sandbox(tls=True, record_forms=True) as running:
        yield running


@pytest.fixture
def msal() -> Any:
    """The library, looked for only where these tests run."""
    import msal

    return msal


@pytest.fixture
def identity() -> Any:
    """The library, looked for only where these tests run."""
    import azure.identity

    return azure.identity


@pytest.fixture
def session(sb: xdrkit.Sandbox) -> Iterator[Any]:
    """What MSAL sends requests with: its own is never closed. Two of its addresses have no port, or another one, and are led here."""
    import requests
    from requests.adapters import HTTPAdapter

    class Led(HTTPAdapter):
        def __init__(self, start: str, target: str) -> None:
            super().__init__()
            self.start, self.target = start, target

        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            request.url = request.url.replace(self.start, self.target)
            return super().send(request, *args, **options)

    shell = sb.managed_identity("cloud-shell")["MSI_ENDPOINT"]
    with requests.Session() as made:
        made.verify = sb.ca_file
        for start, target in (("https://localhost/", f"{sb.url}/"), ("http://localhost:50342/oauth2/token", shell)):
            made.mount(start, Led(start, target))
        yield made


class Key(NamedTuple):
    """A certificate with its key, in the forms that libraries read."""

    pem: bytes
    key: str
    certificate: str
    pfx: bytes


@pytest.fixture(scope="module")
def key() -> Key:
    """A new RSA key under a certificate that it signed itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hunter")])
    now = datetime.now(timezone.utc)
    made = x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
    certificate = (
        made.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    seal = serialization.BestAvailableEncryption(PASSWORD)
    pfx = pkcs12.serialize_key_and_certificates(b"hunter", private, certificate, None, seal)
    return Key(pem + text, pem.decode(), text.decode(), pfx)


# ---- what is done with a token ------------------------------------------------------------------------------------------------------


def call(sb: xdrkit.Sandbox, token: str, scope: str = GRAPH) -> tuple[int, Message]:
    """Status and headers of an operation's answer."""
    request = urllib.request.Request(sb.url + PATHS[scope], headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(
            request, context=ssl.create_default_context(cafile=sb.ca_file), timeout=20
        ) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def good(sb: xdrkit.Sandbox, token: str, *, user: bool, scope: str = GRAPH) -> bool:
    """Whether a token opens its service, and is of the kind that was asked for."""
    assert call(sb, token, scope)[0] == 200
    return claims(token).get("upn") == (sb.identity["user"] if user else None)


def last_form(sb: xdrkit.Sandbox) -> dict[str, str]:
    return [request["form"] for request in sb.token_requests if request["path"].endswith("/token")][-1]


def assertion_header(sb: xdrkit.Sandbox) -> dict[str, Any]:
    part = last_form(sb)["client_assertion"].split(".")[0]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


# ---- a person with a browser --------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The form of a page: where it goes, and what it carries."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = facts["action"]
        elif tag == "input":
            self.fields[facts["name"]] = facts["value"]


class Browser:
    """Follows the sign-in page's form as a browser does that runs its script."""

    def __init__(self, ca_file: str | None) -> None:
        self.trust = ssl.create_default_context(cafile=ca_file)
        self.threads: list[threading.Thread] = []
        self.landed: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.threads.append(threading.Thread(target=self.visit, args=(url,)))
        self.threads[-1].start()
        return True

    def visit(self, url: str) -> None:
        with urllib.request.urlopen(url, context=self.trust, timeout=20) as answer:
            page = Page(answer.read().decode())
        data = urllib.parse.urlencode(page.fields).encode()
        with urllib.request.urlopen(page.action, data=data, timeout=20) as answer:
            self.landed.append(answer.read().decode())


def register(made: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes it the only browser of this computer."""
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    monkeypatch.setattr(webbrowser, "_browsers", {})
    webbrowser.register("sandbox", None, made, preferred=True)  # type: ignore[arg-type]


@pytest.fixture
def browser(sb: xdrkit.Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """The system's browser, for the length of a test."""
    made = Browser(sb.ca_file)
    register(made, monkeypatch)
    yield made
    for thread in made.threads:
        thread.join(20)


# ---- MSAL ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def confidential(sb: xdrkit.Sandbox, msal: Any, session: Any) -> Callable[..., Any]:
    """Makes MSAL's application with a proof of its own."""

    def make(credential: Any, **options: Any) -> Any:
        return msal.ConfidentialClientApplication(
            sb.client_id,
            client_credential=credential,
            authority=f"{sb.url}/{sb.tenant_id}",
            instance_discovery=False,
            http_client=session,
            **options,
        )

    return make


@pytest.fixture
def public(sb: xdrkit.Sandbox, msal: Any, session: Any) -> Any:
    """MSAL's application for people."""
    return msal.PublicClientApplication(
        sb.identity["public_client_id"],
        authority=f"{sb.url}/{sb.tenant_id}",
        instance_discovery=False,
        http_client=session,
        client_capabilities=CP1,
    )


def test_msal_signs_in_with_a_secret(sb: xdrkit.Sandbox, confidential: Callable[..., Any]) -> None:
    app = confidential(sb.identity["client_secret"], client_capabilities=CP1)
    for scope in (GRAPH, ENDPOINT):
        answer = app.acquire_token_for_client([scope])
        assert good(sb, answer["access_token"], user=False, scope=scope)
        assert claims(answer["access_token"])["xms_cc"] == CP1
    assert app.acquire_token_for_client([GRAPH])["token_source"] == "cache"
    wrong = confidential("wrong").acquire_token_for_client([GRAPH])
    assert (wrong["error"], wrong["error_codes"]) == ("invalid_client", [7000215])


def test_msal_signs_in_with_a_certificate_by_thumbprint(
    sb: xdrkit.Sandbox, confidential: Callable[..., Any], key: Key
) -> None:
    thumbprint = sb.register_certificate(key.certificate)
    answer = confidential({"private_key": key.key, "thumbprint": thumbprint}).acquire_token_for_client([GRAPH])
    assert good(sb, answer["access_token"], user=False)
    assert assertion_header(sb)["alg"] == "RS256"
    assert "x5t" in assertion_header(sb)


def test_msal_signs_in_with_a_pfx_file(
    sb: xdrkit.Sandbox, confidential: Callable[..., Any], key: Key, tmp_path: Path
) -> None:
    (tmp_path / "app.pem").write_text(key.certificate)
    sb.register_certificate(tmp_path / "app.pem")
    (tmp_path / "app.pfx").write_bytes(key.pfx)
    credential = {
        "private_key_pfx_path": str(tmp_path / "app.pfx"),
        "passphrase": PASSWORD.decode(),
        "public_certificate": True,
    }
    answer = confidential(credential).acquire_token_for_client([GRAPH])
    assert good(sb, answer["access_token"], user=False)
    assert assertion_header(sb)["alg"] == "PS256"
    assert {"x5t#S256", "x5c"} <= set(assertion_header(sb))


def test_msal_is_refused_with_a_certificate_that_nobody_registered(
    sb: xdrkit.Sandbox, confidential: Callable[..., Any], key: Key
) -> None:
    answer = confidential({"private_key": key.key, "thumbprint": "00" * 20}).acquire_token_for_client([GRAPH])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])


def test_msal_presents_an_assertion_again_and_a_strict_server_minds(msal: Any, key: Key) -> None:
    import requests

    def ask(strict: bool) -> tuple[str, ...]:
        with xdrkit.sandbox(tls=True, strict_assertions=strict) as sb, requests.Session() as session:
            session.verify = sb.ca_file
            app = msal.ConfidentialClientApplication(
                sb.client_id,
                client_credential={"private_key": key.key, "thumbprint": sb.register_certificate(key.certificate)},
                authority=f"{sb.url}/{sb.tenant_id}",
                instance_discovery=False,
                http_client=session,
            )
            return tuple(app.acquire_token_for_client([scope]).get("error", "") for scope in (GRAPH, ENDPOINT))

    assert ask(False) == ("", "")
    assert ask(True) == ("", "invalid_client")


def test_msal_signs_in_with_an_assertion_of_another_platform(
    sb: xdrkit.Sandbox, confidential: Callable[..., Any]
) -> None:
    app = confidential({"client_assertion": lambda: sb.federated_token("repo:hunting")})
    assert good(sb, app.acquire_token_for_client([GRAPH])["access_token"], user=False)
    stranger = confidential({"client_assertion": lambda: sb.federated_token("stranger", trusted=False)})
    assert stranger.acquire_token_for_client([GRAPH])["error_codes"] == [700213]


def test_msal_acts_on_behalf_of_who_called(
    sb: xdrkit.Sandbox, confidential: Callable[..., Any], public: Any, msal: Any
) -> None:
    sent = by_device_code(sb, public, [f"api://{sb.client_id}/user_impersonation"])["access_token"]
    app = confidential(sb.identity["client_secret"])
    answer = app.acquire_token_on_behalf_of(sent, [GRAPH])
    assert good(sb, answer["access_token"], user=True)
    other = by_device_code(sb, public, [GRAPH])["access_token"]
    assert app.acquire_token_on_behalf_of(other, [ENDPOINT])["error_codes"] == [50013]


def by_device_code(sb: xdrkit.Sandbox, app: Any, scopes: list[str]) -> dict[str, Any]:
    flow = app.initiate_device_flow(scopes)
    assert flow["user_code"] in flow["message"]
    assert sb.approve(flow["user_code"])
    answer: dict[str, Any] = app.acquire_token_by_device_flow(flow)
    return answer


def test_msal_signs_a_person_in_by_device_code_and_renews(sb: xdrkit.Sandbox, public: Any) -> None:
    answer = by_device_code(sb, public, [GRAPH])
    assert good(sb, answer["access_token"], user=True)
    (account,) = public.get_accounts()
    assert account["username"] == sb.identity["user"]
    assert public.acquire_token_silent([GRAPH], account)["token_source"] == "cache"
    other = public.acquire_token_silent([ENDPOINT], account)
    assert good(sb, other["access_token"], user=True, scope=ENDPOINT)
    renewed = public.acquire_token_silent([GRAPH], account, force_refresh=True)
    assert renewed["access_token"] != answer["access_token"]
    assert good(sb, renewed["access_token"], user=True)
    assert last_form(sb)["grant_type"] == "refresh_token"


def test_msal_is_told_what_it_must_know_of_a_lifetime(msal: Any) -> None:
    import requests

    with xdrkit.sandbox(tls=True, token_lifetime=7200, refresh_in=3600) as sb, requests.Session() as session:
        session.verify = sb.ca_file
        app = msal.ConfidentialClientApplication(
            sb.client_id,
            client_credential=sb.identity["client_secret"],
            authority=f"{sb.url}/{sb.tenant_id}",
            instance_discovery=False,
            http_client=session,
        )
        assert app.acquire_token_for_client([GRAPH])["expires_in"] == 7199
        (kept,) = app.token_cache.search(msal.TokenCache.CredentialType.ACCESS_TOKEN)
        assert int(kept["refresh_on"]) - int(kept["cached_at"]) == 3600


def test_msal_signs_a_person_in_by_browser(sb: xdrkit.Sandbox, public: Any, browser: Browser) -> None:
    answer = public.acquire_token_interactive([GRAPH], login_hint=sb.identity["user"], timeout=20)
    assert good(sb, answer["access_token"], user=True)
    assert answer["id_token_claims"]["preferred_username"] == sb.identity["user"]
    (account,) = public.get_accounts()
    assert good(sb, public.acquire_token_silent([ENDPOINT], account)["access_token"], user=True, scope=ENDPOINT)
    (sent,) = [r["query"] for r in sb.token_requests if r["path"].endswith("/authorize")]
    assert (sent["response_mode"], sent["code_challenge_method"]) == ("form_post", "S256")


def test_msal_hears_that_a_person_declined(msal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with xdrkit.sandbox(tls=True, auto_approve=False) as sb:
        import requests

        class Decliner(Browser):
            def visit(self, url: str) -> None:
                request = urllib.request.Request(url, data=b"answer=deny", headers={"Origin": sb.url})
                with urllib.request.urlopen(request, context=self.trust, timeout=20) as answer:
                    page = Page(answer.read().decode())
                data = urllib.parse.urlencode(page.fields).encode()
                urllib.request.urlopen(page.action, data=data, timeout=20).close()

        made = Decliner(sb.ca_file)
        register(made, monkeypatch)
        with requests.Session() as session:
            session.verify = sb.ca_file
            app = msal.PublicClientApplication(
                sb.identity["public_client_id"],
                authority=f"{sb.url}/{sb.tenant_id}",
                instance_discovery=False,
                http_client=session,
            )
            answer = app.acquire_token_interactive([GRAPH], timeout=20)
        made.threads[0].join(20)
        assert (answer["error"], "AADSTS65004" in answer["error_description"]) == ("access_denied", True)


@pytest.mark.filterwarnings("ignore:This API has been deprecated:DeprecationWarning")
def test_msal_signs_a_person_in_by_password(sb: xdrkit.Sandbox, public: Any) -> None:
    user = sb.identity["user"]
    answer = public.acquire_token_by_username_password(user, sb.identity["user_password"], [GRAPH])
    assert good(sb, answer["access_token"], user=True)
    assert public.acquire_token_by_username_password(user, "guess", [GRAPH])["error_codes"] == [50126]
    sb.require_mfa(user)
    more = public.acquire_token_by_username_password(user, sb.identity["user_password"], [GRAPH])
    assert (more["error"], more["error_codes"]) == ("interaction_required", [50076])
    assert f"/common/userrealm/{user}" in [record["path"] for record in sb.requests]


@pytest.mark.parametrize("place", ["imds", "app-service", "automation", "azure-ml"])
def test_msal_finds_a_managed_identity(
    sb: xdrkit.Sandbox, msal: Any, session: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    for name, value in sb.managed_identity(place).items():  # type: ignore[arg-type]
        monkeypatch.setenv(name, value)
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=session)
    answer = client.acquire_token_for_client(resource="https://graph.microsoft.com")
    assert good(sb, answer["access_token"], user=False)
    wanted = msal.UserAssignedManagedIdentity(client_id=sb.identity["managed_client_id"])
    client = msal.ManagedIdentityClient(wanted, http_client=session)
    answer = client.acquire_token_for_client(resource="https://graph.microsoft.com")
    assert claims(answer["access_token"])["xms_mirid"] == sb.identity["managed_resource_id"]


def test_msal_is_the_person_in_cloud_shell(sb: xdrkit.Sandbox, public: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sb.managed_identity("cloud-shell").items():
        monkeypatch.setenv(name, value)
    answer = public.acquire_token_interactive([GRAPH], prompt="none")
    assert good(sb, answer["access_token"], user=True)


# ---- azure-identity -----------------------------------------------------------------------------------------------------------------


def options(sb: xdrkit.Sandbox) -> dict[str, Any]:
    return {"authority": sb.url, "disable_instance_discovery": True, "connection_verify": sb.ca_file}


def applications(sb: xdrkit.Sandbox, module: Any, key: Key, folder: Path) -> dict[str, Callable[[], Any]]:
    """Every credential of an application, by its name; `module` has the blocking or the async ones."""
    (folder / "app.pem").write_bytes(key.pem)
    (folder / "app.pfx").write_bytes(key.pfx)
    (folder / "token").write_text(sb.federated_token())
    sb.register_certificate(folder / "app.pem")
    where = (sb.tenant_id, sb.client_id)
    return {
        "secret": lambda: module.ClientSecretCredential(*where, sb.identity["client_secret"], **options(sb)),
        "pem": lambda: module.CertificateCredential(*where, str(folder / "app.pem"), **options(sb)),
        "pfx": lambda: module.CertificateCredential(
            *where, str(folder / "app.pfx"), password=PASSWORD, send_certificate_chain=True, **options(sb)
        ),
        "assertion": lambda: module.ClientAssertionCredential(*where, sb.federated_token, **options(sb)),
        "workload": lambda: module.WorkloadIdentityCredential(
            tenant_id=sb.tenant_id, client_id=sb.client_id, token_file_path=str(folder / "token"), **options(sb)
        ),
        "chain": lambda: module.ChainedTokenCredential(
            module.EnvironmentCredential(),
            module.ClientSecretCredential(*where, sb.identity["client_secret"], **options(sb)),
        ),
    }


KINDS = ["secret", "pem", "pfx", "assertion", "workload", "chain"]


@pytest.mark.parametrize("kind", KINDS)
def test_azure_identity_signs_an_application_in(
    sb: xdrkit.Sandbox, identity: Any, key: Key, tmp_path: Path, kind: str
) -> None:
    with applications(sb, identity, key, tmp_path)[kind]() as credential:
        for scope in (GRAPH, ENDPOINT):
            assert good(sb, credential.get_token(scope).token, user=False, scope=scope)
        info = credential.get_token_info(GRAPH)
        assert abs(info.expires_on - claims(info.token)["exp"]) < 5


@pytest.mark.parametrize("kind", KINDS)
def test_azure_identity_signs_an_application_in_without_blocking(
    sb: xdrkit.Sandbox, key: Key, tmp_path: Path, kind: str
) -> None:
    import azure.identity.aio

    async def main() -> list[str]:
        async with applications(sb, azure.identity.aio, key, tmp_path)[kind]() as credential:
            return [(await credential.get_token(scope)).token for scope in (GRAPH, ENDPOINT)]

    graph, endpoint = asyncio.run(main())
    assert good(sb, graph, user=False)
    assert good(sb, endpoint, user=False, scope=ENDPOINT)


def test_azure_identity_reads_the_environment(
    sb: xdrkit.Sandbox, identity: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sb.env().items():
        if name.startswith("AZURE_"):
            monkeypatch.setenv(name, value)
    trust = {"disable_instance_discovery": True, "connection_verify": sb.ca_file}
    for make in (identity.EnvironmentCredential, identity.DefaultAzureCredential):
        with make(**trust) as credential:
            assert good(sb, credential.get_token(GRAPH).token, user=False)


def test_azure_identity_hears_what_is_wrong(sb: xdrkit.Sandbox, identity: Any) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    with (
        identity.ClientSecretCredential(sb.tenant_id, sb.client_id, "wrong", **options(sb)) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(GRAPH)


def test_azure_identity_asks_again_with_the_claims_of_a_challenge(sb: xdrkit.Sandbox, identity: Any) -> None:
    secret = sb.identity["client_secret"]
    with identity.ClientSecretCredential(sb.tenant_id, sb.client_id, secret, **options(sb)) as credential:
        first = credential.get_token(GRAPH, enable_cae=True).token
        assert claims(first)["xms_cc"] == CP1
        assert call(sb, first)[0] == 200
        sb.revoke_sessions()
        status, headers = call(sb, first)
        assert status == 401
        challenge = headers["WWW-Authenticate"].split('claims="')[1].split('"')[0]
        assert call(sb, credential.get_token(GRAPH, enable_cae=True).token)[0] == 401, "its cache has the old one"
        wanted = base64.b64decode(challenge).decode()
        assert call(sb, credential.get_token(GRAPH, enable_cae=True, claims=wanted).token)[0] == 200


def test_azure_identity_signs_a_person_in_by_device_code(sb: xdrkit.Sandbox, identity: Any) -> None:
    with identity.DeviceCodeCredential(
        sb.identity["public_client_id"],
        tenant_id=sb.tenant_id,
        prompt_callback=lambda uri, code, expires: sb.approve(code),
        **options(sb),
    ) as credential:
        assert good(sb, credential.get_token(GRAPH).token, user=True)
        assert good(sb, credential.get_token(ENDPOINT).token, user=True, scope=ENDPOINT)
    assert last_form(sb)["grant_type"] == "refresh_token", "the second service needs no second code"


def test_azure_identity_signs_a_person_in_by_browser(sb: xdrkit.Sandbox, identity: Any, browser: Browser) -> None:
    with identity.InteractiveBrowserCredential(
        client_id=sb.identity["public_client_id"], tenant_id=sb.tenant_id, timeout=20, **options(sb)
    ) as credential:
        record = credential.authenticate(scopes=[GRAPH])
        assert record.username == sb.identity["user"]
        assert good(sb, credential.get_token(GRAPH).token, user=True)
    browser.threads[0].join(20)
    assert len(browser.landed) == 1


@pytest.mark.filterwarnings("ignore:This API has been deprecated:DeprecationWarning")
def test_azure_identity_signs_a_person_in_by_password(
    sb: xdrkit.Sandbox, identity: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from msal.authority import Authority

    monkeypatch.setattr(Authority, "_domains_without_user_realm_discovery", {"localhost"})
    who = (sb.identity["public_client_id"], sb.identity["user"], sb.identity["user_password"])
    with pytest.warns(DeprecationWarning, match="deprecated"):
        made = identity.UsernamePasswordCredential(*who, tenant_id=sb.tenant_id, **options(sb))
    with made as credential:
        assert good(sb, credential.get_token(GRAPH).token, user=True)


def test_azure_identity_acts_on_behalf_of_who_called(sb: xdrkit.Sandbox, identity: Any, key: Key, public: Any) -> None:
    import azure.identity.aio

    sent = by_device_code(sb, public, [f"{sb.client_id}/.default"])["access_token"]
    sb.register_certificate(key.certificate)
    proofs = ({"client_secret": sb.identity["client_secret"]}, {"client_certificate": key.pem})
    for proof in proofs:
        arguments: dict[str, Any] = {**proof, "user_assertion": sent, **options(sb)}
        with identity.OnBehalfOfCredential(sb.tenant_id, sb.client_id, **arguments) as credential:
            assert good(sb, credential.get_token(GRAPH).token, user=True)

        async def main(arguments: dict[str, Any] = arguments) -> str:
            async with azure.identity.aio.OnBehalfOfCredential(sb.tenant_id, sb.client_id, **arguments) as credential:
                return (await credential.get_token(GRAPH)).token  # type: ignore[no-any-return]

        assert good(sb, asyncio.run(main()), user=True)
    assert assertion_header(sb)["alg"] == "PS256"


@pytest.mark.parametrize("place", ["imds", "app-service", "automation", "azure-ml", "cloud-shell"])
def test_azure_identity_finds_a_managed_identity(
    sb: xdrkit.Sandbox, identity: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    import azure.identity.aio
    from azure.core.exceptions import ClientAuthenticationError

    for name, value in sb.managed_identity(place).items():  # type: ignore[arg-type]
        monkeypatch.setenv(name, value)
    who = {} if place == "cloud-shell" else {"client_id": sb.identity["managed_client_id"]}
    with identity.ManagedIdentityCredential(**who) as credential:
        token = credential.get_token(GRAPH)
    assert good(sb, token.token, user=place == "cloud-shell")
    assert abs(token.expires_on - claims(token.token)["exp"]) < 5
    if who:
        assert claims(token.token)["xms_mirid"] == sb.identity["managed_resource_id"]

    async def main() -> str:
        async with azure.identity.aio.ManagedIdentityCredential(**who) as credential:
            return (await credential.get_token(GRAPH)).token  # type: ignore[no-any-return]

    if place == "automation":
        # Its async half does not send the header that runbooks are asked for.
        with pytest.raises(ClientAuthenticationError, match="metadata header"):
            asyncio.run(main())
    else:
        assert good(sb, asyncio.run(main()), user=place == "cloud-shell")
