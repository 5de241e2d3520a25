"""What is wrong is refused before anything is sent, with the argument's name and, where there is a list, what would do."""

from __future__ import annotations

import asyncio
import inspect
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import pytest

import xdrkit

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "66666666-7777-8888-9999-000000000000"
NOW = datetime(2026, 5, 20, tzinfo=timezone.utc)
Call = Callable[[Any], Any]

CALLS: dict[str, tuple[Call, str, str]] = {
    "a misspelt argument": (
        lambda c: c.call("machines.isolate", id="a", coment="x", comment="y"),
        "coment",
        'Did you mean "comment"',
    ),
    "a missing argument": (lambda c: c.call("machines.isolate", id="a"), "comment", "machines.isolate"),
    "a missing id": (lambda c: c.call("machines.get"), "id", "machines.get"),
    "a wrong enum value": (
        lambda c: c.machines.isolate("a", comment="x", isolation_type="Ful"),
        "isolation_type",
        'Did you mean "Full"',
    ),
    "an id with a slash": (lambda c: c.machines.get("a/isolate"), "id", "/"),
    "an id that leaves its place": (lambda c: c.machines.get(".."), "id", "dot"),
    "an empty id": (lambda c: c.machines.get(""), "id", "empty"),
    "an id of the wrong type": (lambda c: c.machines.get(1.5), "id", ""),
    "an empty comment": (lambda c: c.machines.isolate("a", comment=" "), "comment", "blank"),
    "tags as one text": (lambda c: c.incidents.update(1, tags="a"), "tags", "list"),
    "a list of something else": (lambda c: c.incidents.update(1, tags=[1]), "tags", "text"),
    "an update of nothing": (lambda c: c.incidents.update(1), "status", "change"),
    "a negative top": (lambda c: c.machines.list(top=-1), "top", ""),
    "a page of nothing": (lambda c: c.machines.list(page_size=0), "page_size", "1 to"),
    "a page that is too large": (lambda c: c.incidents.list(page_size=1000), "page_size", "100"),
    "a collection that cannot be expanded": (lambda c: c.alerts.list(expand="files"), "expand", "evidence"),
    "an empty query": (lambda c: c.hunt(""), "query", ""),
    "a blank query": (lambda c: c.hunt(" \n"), "query", ""),
    "an unknown service to hunt on": (lambda c: c.hunt("T", api="grph"), "api", "graph"),
    "a naive since": (lambda c: c.hunt("T", since=datetime(2026, 5, 1)), "since", "time zone"),  # noqa: DTZ001
    "a naive until": (lambda c: c.hunt("T", until="2026-05-01T00:00"), "until", "time zone"),
    "a reversed window": (lambda c: c.hunt("T", since=NOW, until=NOW - timedelta(days=1)), "since", "before until"),
    "no time at all": (lambda c: c.hunt("T", since="last week"), "since", "no time"),
    "two windows": (lambda c: c.hunt("T", since="7d", timespan="P7D"), "timespan", "since"),
    "no span at all": (lambda c: c.hunt("T", timespan="seven days"), "timespan", ""),
    "an unknown service": (lambda c: c.whoami("grph"), "service", "graph"),
    "a request to an unknown service": (lambda c: c.request("GET", "/x", service="mde"), "service", "endpoint"),
    "a timeout of nothing": (lambda c: c.machines.get("a", timeout=0), "timeout", ""),
    "a timeout that is no number": (lambda c: c.machines.get("a", timeout="soon"), "timeout", "seconds"),
    "a deadline before now": (lambda c: c.hunt("T", deadline=timedelta(seconds=-1)), "deadline", ""),
    "retries below none": (lambda c: c.with_options(max_retries=-1), "max_retries", ""),
}


Refused = (xdrkit.InvalidArgumentError, xdrkit.ConfigurationError)


def caught(call: Call, client: Any) -> Any:
    async def main() -> None:
        answer = call(client)
        if inspect.isawaitable(answer):
            await answer

    with pytest.raises(Refused) as found:
        asyncio.run(main())
    return found.value


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_wrong_argument_is_refused_by_name_and_nothing_is_sent(sb: xdrkit.Sandbox, kind: str, name: str) -> None:
    call, argument, part = CALLS[name]
    client: Any = sb.client() if kind == "sync" else sb.async_client()
    error = caught(call, client)
    assert error.argument == argument
    assert argument in error.message
    assert part in f"{error} {getattr(error, 'allowed', '')}"
    assert sb.requests == []


def test_a_wrong_enum_value_lists_the_allowed_ones(sb: xdrkit.Sandbox) -> None:
    error = caught(lambda c: c.machines.isolate("a", comment="x", isolation_type="Ful"), sb.client())
    assert error.allowed == ["Full", "Selective", "UnManagedDevice"]
    assert all(member in str(error) for member in error.allowed)


def test_a_member_that_is_not_known_yet_is_passed_on_with_a_warning_at_the_callers_line(sb: xdrkit.Sandbox) -> None:
    newer: Any = "Airlock"
    with (
        sb.client() as client,
        pytest.warns(xdrkit.errors.UnknownMemberWarning, match='"Airlock" is passed on') as seen,
        pytest.raises(xdrkit.BadRequestError),
    ):
        client.machines.isolate("a", comment="x", isolation_type=newer)
    assert [warning.filename for warning in seen] == [__file__]
    assert [r["operation"] for r in sb.requests if r["operation"]] == ["machines.isolate"]


def test_an_enum_value_is_taken_in_any_letter_case(sb: xdrkit.Sandbox) -> None:
    with sb.client() as client:
        machine = next(iter(client.machines.list()))
        wrong_case: Any = "full"
        assert client.machines.isolate(machine["id"], comment="x", isolation_type=wrong_case)["type"] == "Isolate"


def test_an_unknown_operation_names_the_nearest(sb: xdrkit.Sandbox) -> None:
    error = caught(lambda c: c.call("machines.isolat", id="a"), sb.client())
    assert isinstance(error, xdrkit.UnknownOperationError)
    assert "machines.isolate" in str(error)
    assert isinstance(error, LookupError)


def test_a_misspelt_argument_of_a_method_is_a_type_error(sb: xdrkit.Sandbox) -> None:
    machines: Any = sb.client().machines
    with pytest.raises(TypeError, match="coment"):
        machines.isolate("a", coment="x")


SETTINGS: dict[str, tuple[dict[str, Any], str]] = {
    "no tenant": ({"tenant_id": None}, "tenant_id"),
    "a tenant that is no GUID or domain": ({"tenant_id": "contoso tenant"}, "tenant_id"),
    "a tenant that is a path": ({"tenant_id": "../common"}, "tenant_id"),
    "no app": ({"client_id": None}, "client_id"),
    "no secret": ({"client_secret": None}, "client_secret"),
    "http to a host that is not loopback": ({"base_url": "http://api.example"}, "base_url"),
    "a base URL of an unknown service": ({"base_url": {"mde": "https://api.example"}}, "base_url"),
    "a base URL that is none": ({"base_url": "api"}, "base_url"),
    "an authority nobody knows": ({"authority": "https://login.evil.example"}, "authority"),
    "an authority over http": ({"authority": "http://login.microsoftonline.com"}, "authority"),
    "an unknown cloud": ({"cloud": "gcc_high"}, "cloud"),
    "an unknown region": ({"region": "moon"}, "region"),
    "a credential that is none": ({"credential": object(), "client_secret": None}, "credential"),
    "two ways to sign in": ({"credential": xdrkit.StaticTokenCredential("a-token")}, "client_secret"),
    "a misspelt setting": ({"tennant": "x"}, "tennant"),
    "a timeout of nothing": ({"timeout": 0}, "timeout"),
    "a certificate file that is not there": ({"ca_bundle": "/no/such/file.pem"}, "ca_bundle"),
    "a proxy that is none": ({"proxy": "::"}, "proxy"),
    "an unknown log level": ({"log": "loud"}, "log"),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("kind", [xdrkit.Client, xdrkit.AsyncClient], ids=["sync", "async"])
def test_a_wrong_setting_is_refused_by_name(kind: Any, name: str) -> None:
    changed, argument = SETTINGS[name]
    settings = {"tenant_id": TENANT, "client_id": APP, "client_secret": "a-secret", **changed}
    with pytest.raises(ValueError, match=argument) as found:
        kind(**settings)
    assert isinstance(found.value, Refused)
    assert found.value.argument == argument
    assert "a-secret" not in str(found.value)


def test_what_is_missing_is_said_with_where_it_could_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TENANT_ID", "")
    with pytest.raises(xdrkit.ConfigurationError) as found:
        xdrkit.Client()
    assert "AZURE_" in str(found.value)
    assert found.value.hint


@pytest.mark.parametrize(
    "sync",
    [lambda *, needed: needed, lambda scope: 7, lambda scope: ("a",)],
    ids=["takes something else", "no text", "half"],
)
def test_a_function_that_gives_no_token_is_named_as_the_reason(sb: xdrkit.Sandbox, sync: Any) -> None:
    with xdrkit.Client(credential=sync, base_url=sb.url) as client, pytest.raises(xdrkit.AuthenticationError):
        client.machines.get("a")


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ValueError, match="token"):
        xdrkit.StaticTokenCredential("")
