"""Faults as a plan, requests to assert on, and the control paths for other languages."""

from __future__ import annotations

import asyncio
import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import xdrkit
from xdrkit.errors import (
    AuthenticationError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ThrottledError,
    XdrError,
)


@pytest.fixture(scope="module")
def shared() -> Iterator[xdrkit.Sandbox]:
    with xdrkit.sandbox(seed=7) as running:
        yield running


@pytest.fixture
def sb(shared: xdrkit.Sandbox) -> xdrkit.Sandbox:
    shared.reset()
    return shared


@pytest.fixture
def client(sb: xdrkit.Sandbox) -> Iterator[xdrkit.Client]:
    with sb.client(clock="sandbox") as client:
        yield client


def statuses(sb: xdrkit.Sandbox, operation: str) -> list[int]:
    return [record["status"] for record in sb.requests.of(operation)]


def ask(
    sb: xdrkit.Sandbox, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(sb.url + path, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith((b"{", b"[")) else text or None


def wire(sb: xdrkit.Sandbox, path: str) -> tuple[int, dict[str, str], bytes]:
    """An operation asked for without the client, which would repair or refuse what it gets."""
    form = (
        f"grant_type=client_credentials&client_id={sb.client_id}&client_secret={sb.identity['client_secret']}"
        "&scope=https://api.securitycenter.microsoft.com/.default"
    ).encode()
    with urllib.request.urlopen(f"{sb.url}/{sb.tenant_id}/oauth2/v2.0/token", data=form, timeout=20) as answer:
        token = json.load(answer)["access_token"]
    request = urllib.request.Request(sb.url + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def test_a_pattern_a_count_and_a_wait(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    fault = sb.faults.add(match="machines.*", status=429, retry_after=3, times=2)
    begun = sb.clock.now
    assert list(client.alerts.list(top=1))
    assert fault.used == 0
    assert list(client.machines.list(top=1))
    assert (fault.used, statuses(sb, "machines.list")) == (2, [429, 429, 200])
    assert [record["fault"] for record in sb.requests.of("machines.list")] == [fault.id, fault.id, None]
    assert sb.clock.now - begun >= timedelta(seconds=6), "waits pass on the sandbox's clock"
    sb.faults.assert_all_used()


def test_after_every_and_remove(sb: xdrkit.Sandbox) -> None:
    with sb.client(max_retries=0) as client:
        fault = sb.faults.add(match="machines.get", status=404, after=1, every=2, times=None)
        machine = next(iter(client.machines.list(top=1)))["id"]
        seen = []
        for _ in range(6):
            try:
                client.machines.get(machine)
                seen.append(200)
            except NotFoundError:
                seen.append(404)
        assert seen == [200, 404, 200, 404, 200, 404]
        assert fault.remove()
        assert not fault.remove()
        assert fault.used == 0
        client.machines.get(machine)


def test_the_seed_chooses_and_reset_begins_again(sb: xdrkit.Sandbox) -> None:
    def drawn(seed: int) -> list[int]:
        sb.reset()
        sb.faults.seed = seed
        sb.faults.add(match="machines.list", status=404, probability=0.4, times=None)
        return [wire(sb, "/api/machines?$top=1")[0] for _ in range(12)]

    one = drawn(1)
    assert set(one) == {200, 404}
    assert drawn(1) == one
    assert drawn(2) != one


def test_what_was_not_used_is_named(sb: xdrkit.Sandbox) -> None:
    sb.faults.add(match="machines.isolate", kind="reset", times=2)
    with pytest.raises(
        AssertionError, match=r"fault \d+ \(match='machines.isolate', kind='reset', times=2\): met 0 times"
    ):
        sb.faults.assert_all_used()
    sb.faults.clear()
    sb.faults.assert_all_used()
    assert sb.faults.list() == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"match": "machine.*"}, 'match: no operation is called "machine.*". Did you mean "machines.*"?'),
        ({"status": 99}, "status: 99 is not allowed"),
        ({"kind": "rest"}, 'Did you mean "reset"?'),
        ({"kind": "stall", "status": 500}, "status: has no meaning"),
        ({"probability": 2}, "probability: 2 is not allowed"),
        ({"delay": "soon"}, "delay: "),
        ({"service": "mars"}, "service: "),
        ({"path": "api"}, "path: must begin with /"),
        ({"aadsts": 12}, "aadsts: 12 is not allowed"),
    ],
)
def test_what_means_nothing_is_refused(sb: xdrkit.Sandbox, given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        sb.faults.add(**given)
    assert says in str(caught.value)
    assert sb.faults.list() == []


@pytest.mark.parametrize(
    ("name", "header", "value", "words"),
    [
        ("throttled", "retry-after", "3", "maximum allowed 100 per 00:01:00"),
        ("throttled-ms", "x-ms-retry-after-ms", "3000", "maximum allowed 100 per 00:01:00"),
        ("throttled-text", "retry-after", None, "maximum allowed 100 per 00:01:00"),
        ("throttled-hour", "retry-after", None, "maximum allowed 1500 per 01:00:00"),
        ("unavailable", "retry-after", "3", "ServiceUnavailable"),
        ("unavailable-page", "content-type", "text/html", "<!DOCTYPE html>"),
        ("token-expired", "www-authenticate", None, "Lifetime validation failed, the token is expired."),
        ("missing-role", "x", None, "Missing application roles. API required roles: Machine.Read.All"),
    ],
)
def test_presets_speak_the_services_words(
    sb: xdrkit.Sandbox, name: str, header: str, value: str | None, words: str
) -> None:
    fault = sb.faults.preset(name)
    status, headers, body = wire(sb, "/api/machines")
    assert status >= 400
    assert words in body.decode()
    assert headers["x-sandbox-fault"] == str(fault.id)
    if value is not None:
        assert headers[header] == value
    elif header == "retry-after":
        assert header not in headers


def test_a_date_says_when_by_the_sandboxs_clock(sb: xdrkit.Sandbox) -> None:
    from email.utils import parsedate_to_datetime

    sb.clock.freeze()
    sb.faults.preset("throttled-date", retry_after=90)
    _, headers, _ = wire(sb, "/api/machines")
    sb.clock.resume()
    assert parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"]) == timedelta(
        seconds=90
    )


def test_hunting_presets_and_the_clients_errors(sb: xdrkit.Sandbox) -> None:
    with sb.client(max_retries=0) as client:
        sb.faults.preset("result-too-large")
        with pytest.raises(XdrError, match="exceeded the allowed result size"):
            client.hunt("DeviceInfo | take 1")
        sb.faults.preset("query-timeout")
        with pytest.raises(XdrError) as caught:
            client.hunt("DeviceInfo | take 1")
        assert caught.value.status == 504
        sb.faults.preset("throttled-cpu")
        with pytest.raises(ThrottledError, match="100% of the CPU"):
            client.hunt("DeviceInfo | take 1", deadline=1)
        sb.faults.preset("missing-role")
        with pytest.raises(PermissionDeniedError):
            client.machines.list().first()
    sb.faults.assert_all_used()


@pytest.mark.parametrize("code", [7000215, 7000222, 700016, 53003])
def test_sign_in_fails_by_number(code: int) -> None:
    # Of its own: clients of one app share their tokens.
    with xdrkit.sandbox() as sb, sb.client(max_retries=0) as client:
        fault = sb.faults.preset(f"aadsts{code}", times=None)
        with pytest.raises(AuthenticationError, match=f"AADSTS{code}"):
            client.machines.list().first()
        assert fault.used


@pytest.mark.parametrize(
    "kind", ["reset", "lost", "truncate", "gzip-cut", "gzip-bad", "json-cut", "html", "empty", "token-expired"]
)
def test_a_client_gets_over_what_is_broken_once(sb: xdrkit.Sandbox, client: xdrkit.Client, kind: Any) -> None:
    expected = [machine["id"] for machine in client.machines.list(top=3)]
    fault = sb.faults.add(match="machines.list", kind=kind)
    if kind in ("html", "empty", "json-cut"):
        with pytest.raises(XdrError):
            list(client.machines.list(top=3))
    else:
        assert [machine["id"] for machine in client.machines.list(top=3)] == expected
    assert fault.used == 1


def test_what_each_kind_does_to_the_bytes(sb: xdrkit.Sandbox) -> None:
    path = "/api/machines?$top=2"
    whole = wire(sb, path)[2]
    machines = json.loads(whole)["value"]

    def spoilt(kind: Any) -> tuple[int, dict[str, str], bytes]:
        fault = sb.faults.add(match="machines.list", kind=kind)
        answer = wire(sb, path)
        assert answer[1]["x-sandbox-fault"] == str(fault.id)
        return answer

    assert spoilt("drip")[2] == whole
    assert spoilt("json-cut")[2] == whole[: len(whole) // 2]
    assert spoilt("json-bom")[2] == b"\xef\xbb\xbf" + whole
    assert spoilt("json-nul")[2].replace(b"\0", b"") == whole
    bad = spoilt("json-utf8")[2]
    assert bad.replace(b"\xff\xfe", b"") == whole
    with pytest.raises(UnicodeDecodeError):
        bad.decode()
    assert spoilt("empty")[::2] == (200, b"")
    assert spoilt("content-type")[1]["content-type"] == "text/plain"
    status, headers, packed = spoilt("gzip-bad")
    assert (status, headers["content-encoding"]) == (200, "gzip")
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(packed)
    with pytest.raises(EOFError):
        gzip.decompress(spoilt("gzip-cut")[2])
    for kind, link in [
        ("next-link-host", "https://graph.microsoft.com.example/api/machines?$skiptoken=b3RoZXI"),
        ("next-link-relative", "/api/machines?$skiptoken=cGFnZToy"),
        ("next-link-same", sb.url + path),
        ("next-link-garbage", sb.url + "/api/machines?$skiptoken=%00not-a-token%ff"),
    ]:
        page = json.loads(spoilt(kind)[2])
        assert (page["@odata.nextLink"], page["value"]) == (link, machines)


def test_a_broken_next_link_is_never_followed_far(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    for kind in ("next-link-host", "next-link-same"):
        sb.faults.add(match="alerts.list", kind=kind, times=None)  # type: ignore[arg-type]
        with pytest.raises(XdrError):
            list(client.alerts.list())
        sb.faults.clear()


def test_a_fault_that_can_do_nothing_is_not_used(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    machine = client.machines.list().first()
    assert machine is not None
    fault = sb.faults.add(match="machines.get", kind="next-link-host")
    assert client.machines.get(machine["id"])["id"] == machine["id"]
    assert fault.used == 0
    assert sb.requests.of("machines.get")[-1]["fault"] is None


def test_a_lost_answer_was_acted_on(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    machine = client.machines.list().first()
    assert machine is not None
    sb.faults.preset("lost-answer", match="machines.scan")
    action = client.machines.scan(machine["id"], comment="look", scan_type="Quick")
    assert action["type"] == "RunAntiVirusScan"
    assert statuses(sb, "machines.scan") == [0], "it was looked for, not sent again"


def test_links_to_files_run_out(sb: xdrkit.Sandbox) -> None:
    fault = sb.faults.preset("link-expired")
    status, answer = ask(sb, "GET", "/_storage/packages/x.zip?sig=secret")[0], sb.requests[-1]
    assert (status, fault.used, answer["service"], answer["query"]) == (403, 1, "storage", "")


def test_delays_are_real(sb: xdrkit.Sandbox) -> None:
    with sb.client(max_retries=0, timeout=0.2) as client:
        client.alerts.list().first()
        fault = sb.faults.add(match="machines.list", delay=timedelta(seconds=30))
        with pytest.raises(XdrError):
            client.machines.list().first()
        assert fault.used == 1
        assert statuses(sb, "machines.list") == [200], "it was done; the answer came too late"


def test_requests_can_be_asserted(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    machine = client.machines.list().first()
    assert machine is not None
    client.machines.isolate(machine["id"], comment="Case 42", isolation_type="Full")
    sent = sb.requests.assert_called("machines.isolate", times=1, body={"Comment": "Case 42"})
    assert sent[0]["body"] == {"Comment": "Case 42", "IsolationType": "Full"}
    assert sent[0]["service"] == "endpoint"
    sb.requests.assert_called("machines.*")
    sb.requests.assert_called("machines.scan", times=0)
    with pytest.raises(AssertionError, match=r"was to be called at least once with .*Case 43.*it was sent .*Case 42"):
        sb.requests.assert_called("machines.isolate", body={"Comment": "Case 43"})
    with pytest.raises(AssertionError, match=r"machines\.scan was to be called 1 times, and was 0 times; called were"):
        sb.requests.assert_called("machines.scan", times=1)
    with pytest.raises(InvalidArgumentError, match=r'Did you mean "machines\.isolate"'):
        sb.requests.of("machines.isolat")
    assert ask(sb, "GET", "/api/nothing")[0] == 404
    assert [record["path"] for record in sb.requests.unmatched] == ["/api/nothing"]
    sign_in = next(record for record in sb.requests if record["service"] == "sign-in")
    assert (sign_in["body"], sign_in["query"]) == (None, "")
    assert sb.identity["client_secret"] not in repr(list(sb.requests))
    sb.requests.clear()
    assert list(sb.requests) == []


def test_asynchronous_clients_share_the_clock_too(sb: xdrkit.Sandbox) -> None:
    async def run() -> int:
        async with sb.async_client(clock="sandbox") as client:
            sb.faults.add(match="machines.list", status=429, retry_after=200)
            return len([machine async for machine in client.machines.list(top=2)])

    assert asyncio.run(run()) == 2
    with pytest.raises(InvalidArgumentError, match="clock: 'fast' is not allowed"):
        sb.client(clock="fast")  # type: ignore[arg-type]


def test_the_control_paths(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    plan = [{"match": "machines.*", "status": 503, "times": 1}, {"preset": "throttled", "service": "graph"}]
    status, listed = ask(sb, "POST", "/_sandbox/faults", plan)
    assert (status, [fault["match"] for fault in listed]) == (201, ["machines.*", "*"])
    assert listed == sb.faults.list()
    list(client.machines.list(top=1))
    assert ask(sb, "GET", "/_sandbox/faults")[1][0]["used"] == 1
    assert ask(sb, "DELETE", f"/_sandbox/faults/{listed[0]['id']}")[0] == 204
    assert ask(sb, "DELETE", f"/_sandbox/faults/{listed[0]['id']}")[0] == 404
    assert ask(sb, "DELETE", "/_sandbox/faults")[0] == 204
    assert sb.faults.list() == []
    assert "throttled" in ask(sb, "GET", "/_sandbox/presets")[1]
    bad = ask(sb, "POST", "/_sandbox/faults", {"match": "machine.*"})
    assert bad == (400, {"error": 'match: no operation is called "machine.*". Did you mean "machines.*"?'})

    asked = ask(sb, "GET", "/_sandbox/requests?operation=machines.*")[1]
    assert [record["status"] for record in asked] == [503, 200]
    assert ask(sb, "GET", f"/_sandbox/requests?since={asked[0]['number']}&operation=machines.list")[1] == asked[1:]
    assert ask(sb, "GET", "/_sandbox/requests?operation=machine.list")[0] == 400
    assert ask(sb, "GET", "/_sandbox/requests?opration=machines.list")[0] == 400
    assert ask(sb, "DELETE", "/_sandbox/requests")[0] == 204
    assert ask(sb, "GET", "/_sandbox/requests")[1] == []

    before = ask(sb, "GET", "/_sandbox/clock")[1]["now"]
    assert ask(sb, "POST", "/_sandbox/clock", {"advance": "1h"})[1]["now"] > before
    assert ask(sb, "POST", "/_sandbox/clock", {"set": "2001-01-01"})[0] == 400
    assert ask(sb, "POST", "/_sandbox/clock", {"freeze": True})[1]["frozen"] is True
    assert ask(sb, "POST", "/_sandbox/clock", {"freeze": False})[1]["frozen"] is False
    assert ask(sb, "POST", "/_sandbox/clock", {"advanced": "1h"})[0] == 400

    assert ask(sb, "PUT", "/_sandbox/faults")[0] == 405
    status, nothing = ask(sb, "GET", "/_sandbox/fault")
    assert status == 404
    assert "/_sandbox/faults" in nothing["error"]
    assert "/_sandbox/clock" in nothing["error"]
    assert ask(sb, "POST", "/_sandbox/faults", [], {"Origin": "https://evil.example"})[0] == 403
