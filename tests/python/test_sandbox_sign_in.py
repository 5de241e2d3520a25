"""What the sandbox offers to those who test a sign-in: https, a certificate to trust, forms, faults of Entra's own."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import xdrkit

GRAPH = "https://graph.microsoft.com/.default"
CLIENT_IN_A_CHILD = """
import xdrkit
with xdrkit.Client() as client:
    print(client.whoami()["tenant_id"])
"""


def post(sb: xdrkit.Sandbox, path: str, **form: str) -> tuple[int, dict[str, Any]]:
    """An answer of the token service."""
    data = urllib.parse.urlencode({"scope": GRAPH, **form}).encode()
    trust = ssl.create_default_context(cafile=sb.ca_file)
    try:
        with urllib.request.urlopen(
            f"{sb.url}/{sb.tenant_id}/oauth2/v2.0/{path}", data, context=trust, timeout=10
        ) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def secret(sb: xdrkit.Sandbox) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": sb.client_id,
        "client_secret": sb.identity["client_secret"],
    }


def test_its_certificate_satisfies_the_strictest_verifier() -> None:
    with xdrkit.sandbox(tls=True) as sb:
        assert sb.url.startswith("https://localhost:")
        assert sb.http_url.startswith("http://127.0.0.1:")
        trust = ssl.create_default_context(cafile=sb.ca_file)
        trust.verify_flags |= ssl.VERIFY_X509_STRICT
        for host in ("localhost", "127.0.0.1"):
            url = sb.url.replace("localhost", host)
            with urllib.request.urlopen(f"{url}/_sandbox/health", context=trust, timeout=10) as answer:
                assert answer.status == 200
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            urllib.request.urlopen(f"{sb.url}/_sandbox/health", context=ssl.create_default_context(), timeout=10)


def test_its_file_goes_with_it() -> None:
    with xdrkit.sandbox(tls=True) as sb:
        assert sb.ca_file is not None
        file = Path(sb.ca_file)
        assert "BEGIN CERTIFICATE" in file.read_text()
        assert "PRIVATE" not in file.read_text()
    assert not file.parent.exists()


def test_our_clients_speak_https_with_it_in_both_contexts() -> None:
    with xdrkit.sandbox(tls=True) as sb:
        with sb.client() as client:
            assert client.machines.list(top=1).first()
        with sb.user_client() as client:
            assert client.whoami("graph")["user"] == sb.identity["user"]


def test_its_variables_make_another_program_trust_it() -> None:
    with xdrkit.sandbox(tls=True) as sb:
        env = {**os.environ, **sb.env(), "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", CLIENT_IN_A_CHILD], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (0, sb.tenant_id), done.stderr


def test_without_https_there_is_one_address(sb: xdrkit.Sandbox) -> None:
    assert (sb.http_url, sb.ca_file) == (sb.url, None)
    assert "SSL_CERT_FILE" not in sb.env()


def test_forms_are_kept_only_where_that_was_asked_for(sb: xdrkit.Sandbox) -> None:
    assert post(sb, "token", **secret(sb))[0] == 200
    assert sb.token_requests == []
    with xdrkit.sandbox(record_forms=True) as keeping:
        assert post(keeping, "token", **secret(keeping))[0] == 200
        (kept,) = keeping.token_requests
        assert kept["form"] == {"scope": GRAPH, **secret(keeping)}
        assert (kept["method"], kept["query"]) == ("POST", {})
        assert kept["headers"]["content-type"] == "application/x-www-form-urlencoded"
        assert keeping.identity["client_secret"] not in str(keeping.requests)


def test_lifetimes_are_what_they_were_made_to_be() -> None:
    with xdrkit.sandbox(token_lifetime=120, refresh_in=60) as sb:
        answer = post(sb, "token", **secret(sb))[1]
        assert (answer["expires_in"], answer["refresh_in"]) == (119, 60)


def test_a_password_is_enough_until_it_is_not(sb: xdrkit.Sandbox) -> None:
    form = {
        "grant_type": "password",
        "client_id": sb.identity["public_client_id"],
        "username": sb.identity["user"],
        "password": sb.identity["user_password"],
    }
    assert post(sb, "token", **form)[0] == 200
    assert sb.require_mfa(sb.identity["user"]) is True
    assert sb.require_mfa("nobody") is False
    assert post(sb, "token", **form)[1]["error"] == "interaction_required"
    for options in ({"mfa_users": [sb.identity["user"]]}, {"public_flows": False}):
        with xdrkit.sandbox(**options) as other:  # type: ignore[arg-type]
            assert post(other, "token", **form)[1]["error_codes"][0] in (50076, 7000218)
    with pytest.raises(xdrkit.InvalidArgumentError, match="list of names"):
        xdrkit.sandbox(mfa_users="me")


def test_a_token_of_another_platform_is_presented(sb: xdrkit.Sandbox) -> None:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    form = {"grant_type": "client_credentials", "client_id": sb.client_id, "client_assertion_type": kind}
    assert post(sb, "token", client_assertion=sb.federated_token(), **form)[0] == 200
    strange = sb.federated_token("stranger", trusted=False)
    assert post(sb, "token", client_assertion=strange, **form)[1]["error_codes"] == [700213]
    late = sb.federated_token(lifetime=10)
    sb.advance(311)
    assert post(sb, "token", client_assertion=late, **form)[1]["error_codes"] == [700024]


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_not_registered(sb: xdrkit.Sandbox, tmp_path: Path, text: str) -> None:
    file = tmp_path / "app.pem"
    file.write_text(text)
    for given in (file, text.encode()):
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            sb.register_certificate(given)
        assert caught.value.argument == "certificate"


def test_a_managed_identity_answers_at_its_address(sb: xdrkit.Sandbox) -> None:
    env = sb.managed_identity("app-service", expires_on="american")
    request = urllib.request.Request(
        f"{env['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://graph.microsoft.com",
        headers={"X-IDENTITY-HEADER": env["IDENTITY_HEADER"]},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.load(answer)["expires_on"].endswith(" +00:00")
    sb.fault(path="/msi/token", status=429, headers={"Retry-After": "3"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    with caught.value as refused:
        assert (refused.code, refused.headers["Retry-After"]) == (429, "3")


@pytest.mark.parametrize(
    ("arguments", "name", "guess"), [(("arcs",), "platform", "arc"), (("arc", "epok"), "expires_on", "epoch")]
)
def test_a_misspelt_place_is_told(sb: xdrkit.Sandbox, arguments: tuple[str, ...], name: str, guess: str) -> None:
    place, *form = arguments
    with pytest.raises(xdrkit.InvalidArgumentError, match=guess) as caught:
        sb.managed_identity(place, **({"expires_on": form[0]} if form else {}))  # type: ignore[arg-type]
    assert caught.value.argument == name


def test_a_revoked_session_is_refused_until_there_is_a_newer_token(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        assert client.machines.list(top=1).first()
        sb.revoke_sessions()
        assert client.machines.list(top=1).first()
        statuses = [r["status"] for r in sb.requests if r["operation"] == "machines.list"]
        assert statuses == [200, 401, 200]
