"""No secret and no token shows anywhere: logs at the lowest level, errors with all their frames, reprs, pickles."""

from __future__ import annotations

import copy
import logging
import pickle
import time
import traceback
from typing import Any

import pytest

import xdrkit
from xdrkit import _core


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """Everything that is logged, at the lowest level."""
    caplog.set_level(logging.DEBUG, logger="xdrkit")
    _core.set_log_level(10)
    yield caplog
    _core.set_log_level(255)


def settle(caplog: pytest.LogCaptureFixture, word: str) -> str:
    """Lines come over a thread: wait for the one that is expected, for at most two seconds."""
    end = time.monotonic() + 2
    while word not in caplog.text and time.monotonic() < end:
        time.sleep(0.005)
    return caplog.text


def everything(sb: xdrkit.Sandbox, lines: Any) -> str:
    """All that is to be seen of calls that go well and calls that fail."""
    secret = sb.identity["client_secret"]
    seen = []
    with sb.client() as client:
        client.machines.list(top=1).first()
        seen += [repr(client), repr(client.stats), repr(client.whoami())]
    failures: list[Any] = [
        lambda: sb.client(client_secret=secret + "-canary").machines.list().first(),
        lambda: sb.client().machines.get("nobody"),
        lambda: sb.client(max_retries=0, base_url="http://127.0.0.1:1").machines.list().first(),
        lambda: sb.client().hunt("Nonsense | take 1"),
    ]
    for fail in failures:
        try:
            fail()
        except xdrkit.XdrError as error:
            shown = traceback.TracebackException.from_exception(error, capture_locals=False)
            seen += [repr(error), str(error), "".join(shown.format()), repr(error.__dict__)]
            seen.append(repr(pickle.dumps(error)))
        else:
            pytest.fail("it was expected to fail")
    seen.append(settle(lines, "/api/machines"))
    return "\n".join(seen)


def test_no_secret_and_no_token_shows(sb: xdrkit.Sandbox, lines: Any) -> None:
    credential = xdrkit.ClientSecretCredential(
        sb.tenant_id, sb.client_id, sb.identity["client_secret"], authority=sb.url
    )
    token = credential.get_token("https://api.securitycenter.microsoft.com/.default").token
    text = everything(sb, lines) + repr(credential)
    assert "GET /api/machines" in text, "nothing was logged, so nothing was proved"
    assert sb.identity["client_secret"] not in text
    assert token not in text
    assert "eyJ" not in text
    assert "Bearer" not in text


def test_queries_are_not_logged(sb: xdrkit.Sandbox, lines: Any) -> None:
    with sb.client() as client:
        client.machines.list(filter="computerDnsName eq 'canary-name'").collect()
    assert "canary-name" not in settle(lines, "-> 404")


def test_credentials_and_clients_are_not_pickled_or_copied() -> None:
    credential = xdrkit.StaticTokenCredential("a-token")
    for refuse in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            refuse(credential)
    with xdrkit.Client(credential=credential) as client, pytest.raises(TypeError):
        pickle.dumps(client)


def test_log_names_its_levels() -> None:
    with pytest.raises(xdrkit.errors.ConfigurationError, match="debug"):
        xdrkit.Client(credential=xdrkit.StaticTokenCredential("t"), log="loud")
