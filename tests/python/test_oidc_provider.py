"""Signing in to a server that nobody here wrote: oidc-provider, certified, and stricter than Entra in what may be used twice."""

from __future__ import annotations

import html
import http.cookiejar
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import xdrkit
from xdrkit import errors

pytestmark = pytest.mark.dev

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".cache" / "oidc"
TENANT = "11111111-2222-3333-4444-555555555555"
SCOPE = "https://api.security.microsoft.com/.default"
OTHER = "https://api.security.microsoft.com/AdvancedHunting.Read"


class Provider:
    """A running server, and a browser that trusts it."""

    def __init__(self, url: str, folder: Path, log: Path) -> None:
        self.url = url
        self.folder = folder
        self.log = log
        self.common = {"authority": url, "ca_bundle": str(folder / "ca.crt")}

    def token_requests(self) -> int:
        return self.log.read_text().count(f"POST /{TENANT}/oauth2/v2.0/token")

    def browser(self) -> Browser:
        return Browser(self.folder / "ca.crt")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Browser:
    """What a person's browser does: keeps cookies, follows redirects, sends forms."""

    def __init__(self, ca: Path) -> None:
        context = ssl.create_default_context(cafile=str(ca))
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            _NoRedirect(),
        )

    def open(self, url: str, form: dict[str, str] | None = None, stop: str | None = None) -> tuple[str, str]:
        """Goes where it is sent; gives the last address and page. `stop` is where a browser could not go on."""
        for _ in range(20):
            if stop is not None and url.startswith(stop):
                return url, ""
            data = None if form is None else urllib.parse.urlencode(form).encode()
            try:
                with self.opener.open(urllib.request.Request(url, data), timeout=20) as answer:
                    return url, answer.read().decode()
            except urllib.error.HTTPError as error:
                if not 300 <= error.code < 400:
                    page = error.read().decode()
                    if "<form" in page:  # an error that goes to the program is posted like a code
                        return url, page
                    raise AssertionError(f"{error.code} from {url.split('?')[0]}: {page[:2000]}") from error
                url, form = urllib.parse.urljoin(url, error.headers["Location"]), None
        raise AssertionError("redirects without end")

    def send_form(self, url: str, page: str, **more: str) -> tuple[str, str]:
        action = re.search(r'<form[^>]*action="([^"]*)"', page)
        assert action is not None, page
        fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page))
        fields = {name: html.unescape(value) for name, value in fields.items()}
        return self.open(urllib.parse.urljoin(url, html.unescape(action.group(1))), {**fields, **more})

    def sign_in(self, page: xdrkit.SignInPage) -> bool:
        """To the page that posts the code to the program, and on."""
        url, body = self.open(page.url)
        if "<form" in body:
            url, body = self.send_form(url, body)
        return True


def certificates(folder: Path) -> None:
    """A CA with a leaf for the server, and a certificate for the client, as PEM and PFX."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import pkcs12

    now = datetime.datetime.now(datetime.timezone.utc)

    def key() -> Any:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def named(name: str) -> Any:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    def certificate(subject: str, public: Any, issuer: str, signer: Any, ca: bool, names: list[Any]) -> Any:
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        )
        if ca:
            usage = x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            )
            builder = builder.add_extension(usage, critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signer, hashes.SHA256())

    def pem(private: Any) -> bytes:
        return private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    ca_key, leaf_key, client_key = key(), key(), key()
    ca = certificate("test CA", ca_key.public_key(), "test CA", ca_key, True, [])
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = certificate("localhost", leaf_key.public_key(), "test CA", ca_key, False, hosts)
    client = certificate("client", client_key.public_key(), "client", client_key, False, [])
    encoded = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(ca.public_bytes(encoded))
    (folder / "leaf.crt").write_bytes(leaf.public_bytes(encoded) + ca.public_bytes(encoded))
    (folder / "tls.key").write_bytes(pem(leaf_key))
    (folder / "client.crt").write_bytes(client.public_bytes(encoded))
    (folder / "client.pem").write_bytes(pem(client_key) + client.public_bytes(encoded))
    encryption = serialization.BestAvailableEncryption(b"pass word")
    (folder / "client.pfx").write_bytes(
        pkcs12.serialize_key_and_certificates(b"c", client_key, client, None, encryption)
    )
    for name in ("client.pem", "client.pfx", "tls.key"):
        (folder / name).chmod(0o600)


def start(folder: Path, **environment: str) -> tuple[subprocess.Popen[bytes], Provider]:
    node = shutil.which("node")
    if node is None or not (INSTALLED / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("Node or npm is not here: oidc-provider was not asked (make test-python installs it where it can)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / f"log-{port}"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [node, str(INSTALLED / "server.mjs")],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "PORT": str(port),
                "TENANT": TENANT,
                "NODE_NO_WARNINGS": "1",
                **environment,
            },
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    while "listening" not in log.read_text():
        assert process.poll() is None, log.read_text()
    return process, Provider(f"https://localhost:{port}", folder, log)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("oidc")
    certificates(made)
    return made


@pytest.fixture(scope="module")
def provider(folder: Path) -> Iterator[Provider]:
    process, running = start(folder)
    yield running
    process.kill()
    process.wait()


@pytest.fixture
def common(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    return provider.common


def test_a_client_secret(common: dict[str, Any]) -> None:
    credential = xdrkit.ClientSecretCredential(TENANT, "app-secret", "s3cret", **common)
    token = credential.get_token(SCOPE)
    assert token.token.count(".") == 2
    assert credential.get_token(SCOPE) == token, "the second one comes from the cache"


def test_a_wrong_secret_is_told_in_the_servers_words(common: dict[str, Any]) -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        xdrkit.ClientSecretCredential(TENANT, "app-secret", "wrong-canary", **common).get_token(SCOPE)
    assert caught.value.code == "invalid_client"
    assert "wrong-canary" not in repr(caught.value)


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
@pytest.mark.parametrize("file", ["client.pem", "client.pfx"])
def test_a_certificate(common: dict[str, Any], folder: Path, algorithm: Any, file: str) -> None:
    password = "pass word" if file.endswith("pfx") else None
    credential = xdrkit.CertificateCredential(
        TENANT, "app-cert", folder / file, password=password, algorithm=algorithm, **common
    )
    assert credential.get_token(SCOPE).token


def test_an_assertion_is_never_used_twice(common: dict[str, Any], folder: Path, provider: Provider) -> None:
    """This server refuses a `jti` that it has seen; MSAL keeps an assertion for nine minutes and fails here."""
    credential = xdrkit.CertificateCredential(TENANT, "app-cert", folder / "client.pem", **common)
    before = provider.token_requests()
    for claims in (None, '{"access_token":{"nbf":{"value":"1"}}}', '{"access_token":{"nbf":{"value":"2"}}}'):
        assert credential.get_token(SCOPE, claims=claims).token
    assert provider.token_requests() == before + 3


def test_an_assertion_of_somebody_elses_making(common: dict[str, Any], folder: Path) -> None:
    import time
    import uuid

    import jwt

    key = (folder / "client.pem").read_bytes()
    made = []

    def sign() -> str:
        now = int(time.time())
        url = f"{common['authority']}/{TENANT}/oauth2/v2.0/token"
        claims = {
            "iss": "app-cert",
            "sub": "app-cert",
            "aud": url,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 300,
        }
        made.append(jwt.encode(claims, key, "PS256"))
        return made[-1]

    credential = xdrkit.ClientAssertionCredential(TENANT, "app-cert", sign, **common)
    assert credential.get_token(SCOPE).token
    assert credential.get_token(SCOPE, claims="{}").token
    assert len(made) == 2


def test_a_device_code(common: dict[str, Any], provider: Provider) -> None:
    shown: list[xdrkit.DeviceCode] = []

    def type_in(code: xdrkit.DeviceCode) -> None:
        shown.append(code)
        browser = provider.browser()
        url, page = browser.open(code.verification_uri)
        url, page = browser.send_form(url, page, user_code=code.user_code)
        browser.send_form(url, page, confirm="yes")

    credential = xdrkit.DeviceCodeCredential(TENANT, "native", prompt=type_in, **common)
    assert credential.get_token(SCOPE).token
    assert shown[0].user_code in shown[0].message, "this server sends no message, so ours has to do"


def test_a_browser(common: dict[str, Any], provider: Provider) -> None:
    """Code, PKCE, state, nonce, form_post to a loopback port, and the issuer in the answer (RFC 9207)."""
    credential = xdrkit.InteractiveBrowserCredential(
        TENANT, "native", prompt="consent", open_browser=provider.browser().sign_in, **common
    )
    assert credential.get_token(SCOPE).token
    assert [account["username"] for account in credential.accounts()] == ["analyst@contoso.example"]


def test_a_pasted_address(common: dict[str, Any], provider: Provider) -> None:
    def copy(page: xdrkit.SignInPage) -> str:
        url, _ = provider.browser().open(page.url, stop="http://localhost")
        return f"  <{url}>\n"

    credential = xdrkit.PasteRedirectCredential(TENANT, "native", redirect_uri="http://localhost", ask=copy, **common)
    assert credential.get_token(SCOPE).token


def test_rotated_refresh_tokens_are_used_once_each(common: dict[str, Any], provider: Provider) -> None:
    """The second use of a refresh token would end the session, and with it the third token below."""
    pages = []

    def once(page: xdrkit.SignInPage) -> bool:
        pages.append(page)
        return provider.browser().sign_in(page)

    credential = xdrkit.InteractiveBrowserCredential(TENANT, "native", prompt="consent", open_browser=once, **common)
    tokens = [credential.get_token(SCOPE)]
    tokens += [credential.get_token(SCOPE, claims=f'{{"id_token":{{"x{n}":null}}}}') for n in range(4)]
    assert len({token.token for token in tokens}) == 5
    assert len(pages) == 1


def test_consent_that_is_refused_is_told(folder: Path, common: dict[str, Any]) -> None:
    process, denying = start(folder, AUTO_DENY="1")
    try:
        credential = xdrkit.InteractiveBrowserCredential(
            TENANT, "native", prompt="consent", open_browser=denying.browser().sign_in, **denying.common
        )
        with pytest.raises(errors.AuthenticationError) as caught:
            credential.get_token(SCOPE)
        assert caught.value.code == "access_denied"
    finally:
        process.kill()
        process.wait()
