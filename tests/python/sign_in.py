"""What the tests of signing in share: every credential as a program makes it for a sandbox, and a person with a browser."""

from __future__ import annotations

import html
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import xdrkit

if TYPE_CHECKING:
    import pytest

DATA = Path(__file__).resolve().parents[1] / "data" / "certificates"
GRAPH = "https://graph.microsoft.com/.default"
ENDPOINT = "https://api.securitycenter.microsoft.com/.default"
XDR = "https://api.security.microsoft.com/.default"


def no_other_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trusted but what a test says."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def where(sb: xdrkit.Sandbox) -> dict[str, Any]:
    return {"authority": sb.url, "ca_bundle": sb.ca_file}


def client_of(sb: xdrkit.Sandbox, credential: Any, **options: Any) -> xdrkit.Client:
    return xdrkit.Client(credential=credential, base_url=sb.url, ca_bundle=sb.ca_file, **options)


class _StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Browser:
    """A person's browser: goes to the sign-in page, and sends the one form that it is shown there."""

    def __init__(self, sb: xdrkit.Sandbox) -> None:
        context = ssl.create_default_context(cafile=sb.ca_file)
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _StayHere()
        )
        self.pages: list[xdrkit.SignInPage] = []
        self.answers: list[dict[str, str]] = []

    def sign_in(self, url: str) -> tuple[str, dict[str, str]]:
        """Where the page's answer goes, and what it is."""
        with self.opener.open(url, timeout=20) as answer:
            body = answer.read().decode()
        action = re.search(r'action="([^"]*)"', body)
        assert action is not None
        self.answers.append({k: html.unescape(v) for k, v in re.findall(r'name="([^"]*)" value="([^"]*)"', body)})
        return html.unescape(action.group(1)), self.answers[-1]

    def open(self, page: xdrkit.SignInPage) -> bool:
        self.pages.append(page)
        target, fields = self.sign_in(page.url)
        with self.opener.open(target, urllib.parse.urlencode(fields).encode(), timeout=20) as answer:
            assert answer.status == 200
        return True

    def last_address(self, page: xdrkit.SignInPage) -> str:
        """Where the browser ends up, which it may not be able to show."""
        self.pages.append(page)
        try:
            self.opener.open(page.url, timeout=20).close()
        except urllib.error.HTTPError as redirect:
            with redirect:
                location: str = redirect.headers["Location"]
            query = urllib.parse.urlsplit(location).query
            self.answers.append(dict(urllib.parse.parse_qsl(query)))
            return location
        raise AssertionError("the sign-in page sends nobody on")


def certificate(sb: xdrkit.Sandbox, file: str = "leaf.pem", **options: Any) -> xdrkit.CertificateCredential:
    sb.register_certificate(DATA / "leaf.pem")
    return xdrkit.CertificateCredential(sb.tenant_id, sb.client_id, DATA / file, **{**where(sb), **options})


def secret(sb: xdrkit.Sandbox, **options: Any) -> xdrkit.ClientSecretCredential:
    given = {"client_secret": sb.identity["client_secret"], **where(sb), **options}
    return xdrkit.ClientSecretCredential(sb.tenant_id, sb.client_id, **given)


def assertion(sb: xdrkit.Sandbox, **options: Any) -> xdrkit.ClientAssertionCredential:
    given = {"func": lambda: sb.federated_token().encode(), **where(sb), **options}
    return xdrkit.ClientAssertionCredential(sb.tenant_id, sb.client_id, **given)


def workload(sb: xdrkit.Sandbox, folder: Path, **options: Any) -> xdrkit.WorkloadIdentityCredential:
    (folder / "token").write_text(f"\n {sb.federated_token()} \n")
    return xdrkit.WorkloadIdentityCredential(sb.tenant_id, sb.client_id, folder / "token", **{**where(sb), **options})


def device(sb: xdrkit.Sandbox, **options: Any) -> xdrkit.DeviceCodeCredential:
    given = {"prompt": lambda code: sb.approve(code.user_code), **where(sb), **options}
    return xdrkit.DeviceCodeCredential(sb.tenant_id, sb.identity["public_client_id"], **given)


def interactive(sb: xdrkit.Sandbox, browser: Browser, **options: Any) -> xdrkit.InteractiveBrowserCredential:
    given = {"open_browser": browser.open, "tenant_id": sb.tenant_id, **where(sb), **options}
    return xdrkit.InteractiveBrowserCredential(client_id=sb.identity["public_client_id"], **given)


def pasted(sb: xdrkit.Sandbox, browser: Browser, **options: Any) -> xdrkit.PasteRedirectCredential:
    given = {"ask": browser.last_address, "tenant_id": sb.tenant_id, **where(sb), **options}
    return xdrkit.PasteRedirectCredential(client_id=sb.identity["public_client_id"], **given)


def password(sb: xdrkit.Sandbox, word: str | None = None, **options: Any) -> xdrkit.UsernamePasswordCredential:
    return xdrkit.UsernamePasswordCredential(
        sb.tenant_id,
        sb.identity["public_client_id"],
        sb.identity["user"],
        word or sb.identity["user_password"],
        **{**where(sb), **options},
    )


def behalf(sb: xdrkit.Sandbox, **options: Any) -> xdrkit.OnBehalfOfCredential:
    """Acts for the user, whose token comes from a sign-in of its own."""
    given = {**where(sb), **options}
    if not {"client_secret", "certificate_path", "client_assertion_func"} & set(options):
        given["client_secret"] = sb.identity["client_secret"]
    if "user_assertion" not in options:
        given["user_assertion"] = password(sb).get_token(f"{sb.client_id}/.default").token
    return xdrkit.OnBehalfOfCredential(sb.tenant_id, sb.client_id, **given)


def behalf_by_certificate(sb: xdrkit.Sandbox) -> xdrkit.OnBehalfOfCredential:
    sb.register_certificate(DATA / "leaf.pem")
    return behalf(sb, certificate_path=DATA / "leaf.pem")


WAYS: dict[str, tuple[str, Callable[[xdrkit.Sandbox, Browser, Path], xdrkit.Credential]]] = {
    "client secret": ("app", lambda sb, b, f: secret(sb)),
    "certificate": ("app", lambda sb, b, f: certificate(sb)),
    "certificate, RS256 and SHA-1": ("app", lambda sb, b, f: certificate(sb, algorithm="RS256", thumbprint_sha1=True)),
    "certificate in PFX": ("app", lambda sb, b, f: certificate(sb, "aes.pfx", password=b"correct-horse")),
    "assertion": ("app", lambda sb, b, f: assertion(sb)),
    "workload identity": ("app", lambda sb, b, f: workload(sb, f)),
    "device code": ("user", lambda sb, b, f: device(sb)),
    "browser": ("user", lambda sb, b, f: interactive(sb, b)),
    "paste": ("user", lambda sb, b, f: pasted(sb, b)),
    "password": ("user", lambda sb, b, f: password(sb)),
    "on behalf of, with a secret": ("user", lambda sb, b, f: behalf(sb)),
    "on behalf of, with a certificate": ("user", lambda sb, b, f: behalf_by_certificate(sb)),
    "chain": ("app", lambda sb, b, f: xdrkit.ChainedCredential(xdrkit.WorkloadIdentityCredential(), secret(sb))),
}
