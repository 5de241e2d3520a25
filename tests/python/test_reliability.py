"""Trouble on the wire, made by the sandbox: what is repeated, what is not, and what the caller is told. Sync and async alike."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

import xdrkit
from xdrkit import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls = Callable[..., Any]

TOKEN = "/oauth2/v2.0/token"


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, sb: xdrkit.Sandbox) -> Calls:
    """`call(operation, **arguments)` by either client; waits pass at once, and are counted."""
    if request.param == "sync":
        client = sb.client(_virtual_clock=True)
        return client.call

    def run(operation: str, **arguments: Any) -> Any:
        import asyncio

        async def main() -> Any:
            async with sb.async_client(_virtual_clock=True) as client:
                return await client.call(operation, **arguments)

        return asyncio.run(main())

    return run


def sent(sb: xdrkit.Sandbox, operation: str) -> int:
    return sum(record["operation"] == operation for record in sb.requests)


def machine_id(sb: xdrkit.Sandbox) -> str:
    with sb.client() as client:
        first = client.machines.list(top=1).first()
    assert first is not None
    return first["id"]


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_read_is_repeated_when_the_connection_breaks(sb: xdrkit.Sandbox, call: Calls, kind: str) -> None:
    sb.fault(operation="machines.list", kind=kind, times=2)
    assert call("machines.list", top=1)["value"]
    assert sent(sb, "machines.list") == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_repeated_when_the_service_fails_for_a_while(sb: xdrkit.Sandbox, call: Calls, status: int) -> None:
    sb.fault(operation="machines.list", status=status, times=3)
    assert call("machines.list", top=1)["value"]
    assert sent(sb, "machines.list") == 4


def test_a_read_that_keeps_failing_ends_with_the_count_of_tries(sb: xdrkit.Sandbox, call: Calls) -> None:
    sb.fault(operation="machines.list", status=503, times=None)
    with pytest.raises(errors.ServiceError) as caught:
        call("machines.list", top=1)
    assert (caught.value.status, caught.value.attempts, caught.value.retryable) == (503, 4, True)
    assert sent(sb, "machines.list") == 4


@pytest.mark.parametrize(
    "trouble", [{"kind": "reset"}, {"status": 500}, {"status": 503, "headers": {"Retry-After": "1"}}]
)
def test_an_action_whose_fate_is_unknown_is_sent_once(sb: xdrkit.Sandbox, call: Calls, trouble: dict[str, Any]) -> None:
    machine = machine_id(sb)
    sb.fault(operation="machines.isolate", **trouble, times=None)
    with pytest.raises(errors.ActionOutcomeUnknownError) as caught:
        call("machines.isolate", id=machine, comment="c")
    assert sent(sb, "machines.isolate") == 1
    assert "machine_actions.list" in str(caught.value)
    assert caught.value.retryable is False


def test_an_action_that_was_carried_out_and_not_answered_is_not_done_twice(sb: xdrkit.Sandbox, call: Calls) -> None:
    machine = machine_id(sb)
    sb.fault(operation="machines.isolate", kind="truncate", times=1)
    with pytest.raises(errors.ActionOutcomeUnknownError):
        call("machines.isolate", id=machine, comment="c")
    with sb.client() as client:
        actions = client.machine_actions.list(filter=f"machineId eq '{machine}'").collect()
    assert [action["type"] for action in actions] == ["Isolate"]


def test_an_action_that_was_refused_for_now_is_sent_again(sb: xdrkit.Sandbox, call: Calls) -> None:
    machine = machine_id(sb)
    sb.fault(operation="machines.isolate", status=429, headers={"Retry-After": "30"}, times=2)
    assert call("machines.isolate", id=machine, comment="c")["type"] == "Isolate"
    assert sent(sb, "machines.isolate") == 3


def test_a_wait_that_is_asked_for_is_waited(sb: xdrkit.Sandbox) -> None:
    sb.fault(operation="machines.list", status=429, headers={"Retry-After": "30"}, times=1)
    with sb.client(_virtual_clock=True) as client:
        client.call("machines.list", top=1)
        assert client.stats["throttled_seconds"] >= 30
        assert client.stats["retries"] == 1


def test_the_quota_that_only_the_body_names_is_waited_for(sb: xdrkit.Sandbox) -> None:
    said = {
        "error": {"code": "429", "message": "API calls quota exceeded! maximum allowed 45 per 00:01:00", "target": "t"}
    }
    sb.fault(operation="machines.list", status=429, body=said, times=1)
    with sb.client(_virtual_clock=True) as client:
        client.call("machines.list", top=1)
        assert client.stats["throttled_seconds"] >= 60


def test_a_wait_beyond_the_deadline_is_told_at_once(sb: xdrkit.Sandbox) -> None:
    sb.fault(operation="machines.list", status=429, headers={"Retry-After": "3600"}, times=None)
    with sb.client() as client, pytest.raises(errors.ThrottledError) as caught:
        client.call("machines.list", top=1)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 3600
    assert sent(sb, "machines.list") == 1


def test_a_stalled_service_ends_with_the_timeout(sb: xdrkit.Sandbox) -> None:
    sb.fault(operation="machines.list", kind="stall", times=None)
    with sb.client(timeout=0.2, max_retries=0) as client, pytest.raises(TimeoutError) as caught:
        client.call("machines.list", top=1)
    assert isinstance(caught.value, errors.DeadlineExceededError)


def test_the_deadline_ends_all_tries_together(sb: xdrkit.Sandbox) -> None:
    sb.fault(operation="machines.list", kind="stall", times=None)
    with sb.client(timeout=0.2, deadline=0.5, max_retries=20) as client, pytest.raises(errors.DeadlineExceededError):
        client.call("machines.list", top=1)
    assert sent(sb, "machines.list") <= 3


def test_a_token_that_the_service_refuses_is_replaced_once(sb: xdrkit.Sandbox, call: Calls) -> None:
    sb.fault(operation="machines.list", status=401, times=1)
    assert call("machines.list", top=1)["value"]
    assert sum(record["path"].endswith(TOKEN) for record in sb.requests) == 2
    sb.reset()
    sb.fault(operation="machines.list", status=401, times=None)
    with pytest.raises(errors.UnauthorizedError):
        call("machines.list", top=1)
    assert sent(sb, "machines.list") == 2


def test_sign_in_is_repeated_when_the_login_host_fails_for_a_while(sb: xdrkit.Sandbox, call: Calls) -> None:
    sb.fault(path=f"/{sb.tenant_id}{TOKEN}", status=503, times=2)
    assert call("machines.list", top=1)["value"]


def test_a_redirect_of_the_login_host_is_not_followed(sb: xdrkit.Sandbox, call: Calls) -> None:
    with Recorder() as thief:
        sb.fault(path=f"/{sb.tenant_id}{TOKEN}", status=307, headers={"Location": f"{thief.url}/steal"}, times=None)
        with pytest.raises(errors.BadResponseError, match="redirect"):
            call("machines.list", top=1)
    assert thief.seen == []


def test_a_redirect_of_a_service_is_not_followed(sb: xdrkit.Sandbox, call: Calls) -> None:
    with Recorder() as thief:
        sb.fault(operation="machines.list", status=302, headers={"Location": f"{thief.url}/steal"}, times=None)
        with pytest.raises(errors.UnsafeUrlError):
            call("machines.list", top=1)
    assert thief.seen == []


def test_every_item_of_a_list_arrives_once_although_its_links_are_broken() -> None:
    with xdrkit.sandbox(page_size=7) as sb, sb.client() as client:
        everything = [machine["id"] for machine in client.machines.list(page_size=7)]
        assert len(everything) == len(set(everything)) == len(client.machines.list().collect())
        alerts = [alert["id"] for alert in client.graph.alerts.list(page_size=7)]
        assert len(alerts) == len(set(alerts)) >= 60


def test_a_next_link_to_another_host_is_refused_and_nothing_is_sent_there(sb: xdrkit.Sandbox) -> None:
    with Recorder() as thief:
        page = {"value": [{"id": "a"}], "@odata.nextLink": f"{thief.url}/v1.0/security/alerts_v2?$skiptoken=1"}
        sb.fault(
            operation="graph.alerts.list",
            status=200,
            body=page,
            headers={"Content-Type": "application/json"},
            times=None,
        )
        with sb.client() as client, pytest.raises(errors.UnsafeUrlError):
            client.graph.alerts.list().collect()
    assert thief.seen == []


def test_a_list_that_goes_round_ends_with_an_error(sb: xdrkit.Sandbox) -> None:
    page = {"value": [{"id": "a"}], "@odata.nextLink": f"{sb.url}/v1.0/security/alerts_v2?$skiptoken=1"}
    sb.fault(
        operation="graph.alerts.list", status=200, body=page, headers={"Content-Type": "application/json"}, times=None
    )
    with sb.client() as client, pytest.raises(errors.PagingError):
        client.graph.alerts.list().collect()
    assert sent(sb, "graph.alerts.list") <= 3


def test_no_machine_at_all_is_an_empty_list_and_a_wrong_address_is_not(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        assert client.machines.list(filter="computerDnsName eq 'nobody'").collect() == []
    with (
        Recorder(status=404) as elsewhere,
        sb.client(base_url=elsewhere.url) as client,
        pytest.raises(errors.NotFoundError),
    ):
        client.machines.list().collect()


class Recorder:
    """A server that writes down what it is asked, and answers with `status` and no JSON."""

    def __init__(self, status: int = 200) -> None:
        self.seen: list[str] = []
        seen = self.seen

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.path)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(json.dumps({}).encode())

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Recorder:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
