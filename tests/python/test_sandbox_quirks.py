"""Quirks and limits: what differs on the wire between what is documented and what is observed."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

import xdrkit
from xdrkit.errors import InvalidArgumentError, XdrError

AUDIENCES = {
    "endpoint": "https://api.securitycenter.microsoft.com",
    "xdr": "https://api.security.microsoft.com",
    "graph": "https://graph.microsoft.com",
}
NOW = "2026-05-01T12:00:00Z"


class Wire:
    """A sandbox without a client in front of it."""

    def __init__(self, **options: Any) -> None:
        self.sb = xdrkit.sandbox(now=NOW, **options)
        self.tokens: dict[str, str] = {}

    def ask(self, service: str, path: str, body: Any = None) -> tuple[int, dict[str, str], Any]:
        if service not in self.tokens:
            secret = self.sb.identity["client_secret"]
            form = f"grant_type=client_credentials&client_id={self.sb.client_id}&client_secret={secret}&scope={AUDIENCES[service]}/.default"
            with urllib.request.urlopen(
                f"{self.sb.url}/{self.sb.tenant_id}/oauth2/v2.0/token", data=form.encode(), timeout=20
            ) as answer:
                self.tokens[service] = json.load(answer)["access_token"]
        headers = {"Authorization": f"Bearer {self.tokens[service]}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = path if path.startswith("http") else self.sb.url + path
        request = urllib.request.Request(url, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, {n.lower(): v for n, v in answer.headers.items()}, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, {n.lower(): v for n, v in error.headers.items()}, json.load(error)

    def hunt(self, service: str, query: str) -> tuple[list[Any], list[Any]]:
        path = {
            "endpoint": "/api/advancedqueries/run",
            "xdr": "/api/advancedhunting/run",
            "graph": "/v1.0/security/runHuntingQuery",
        }[service]
        status, _, answer = self.ask(service, path, {"Query": query})
        assert status == 200, answer
        return answer.get("schema") or answer["Schema"], answer.get("results") or answer["Results"]


@pytest.fixture
def pair() -> Iterator[tuple[Wire, Wire]]:
    observed, documented = Wire(), Wire(quirks="documented")
    with observed.sb, documented.sb:
        yield observed, documented


def test_their_names_and_switches() -> None:
    with xdrkit.sandbox(quirks={"nulls-as-objects": False, "empty-last-page": True}) as sb:
        assert sb.quirks["nulls-as-objects"] is False
        assert sb.quirks["empty-last-page"] is True
        assert sb.quirks["row-annotations"] is True
        names = set(sb.quirks)
    with xdrkit.sandbox(quirks="documented") as sb:
        assert sb.quirks == dict.fromkeys(names, False)
    with pytest.raises(
        InvalidArgumentError, match=r'quirks: "null-as-objects" is no quirk; .* Did you mean "nulls-as-objects"'
    ):
        xdrkit.sandbox(quirks={"null-as-objects": True})
    with pytest.raises(InvalidArgumentError, match="quirks: "):
        xdrkit.sandbox(quirks="both")  # type: ignore[arg-type]


def test_the_code_and_the_header_of_a_429(pair: tuple[Wire, Wire]) -> None:
    seen = []
    for wire in pair:
        wire.sb.clock.freeze()
        wire.sb.quotas = True
        for _ in range(50):
            assert wire.ask("xdr", "/api/incidents?$top=1")[0] == 200
        status, headers, answer = wire.ask("xdr", "/api/incidents?$top=1")
        seen.append((status, answer["error"]["code"], "retry-after" in headers))
    assert seen == [(429, "429", False), (429, "TooManyRequests", True)]


def test_the_machines_next_link() -> None:
    links = []
    for quirks in ("observed", "documented"):
        wire = Wire(page_size=2, quirks=quirks)
        with wire.sb:
            first = wire.ask("endpoint", "/api/machines?$filter=healthStatus+eq+'Active'")[2]
            second = wire.ask("endpoint", first["@odata.nextLink"])[2]
            links.append(second["@odata.nextLink"].split("?")[1])
    assert links[0].startswith("=healthStatus%20eq%20'Active'&=2&$skip=2")
    assert links[1] == "$filter=healthStatus%20eq%20'Active'&$skip=4"


def test_where_antivirus_health_ends() -> None:
    more = []
    for quirks in ("observed", "documented"):
        wire = Wire(export_rows=10_040, quirks=quirks)
        with wire.sb:
            last = wire.ask("endpoint", "/api/deviceavinfo?$skip=9980")[2]
            assert len(last["value"]) == 20
            more.append("@odata.nextLink" in last)
    assert more == [False, True]


def test_the_link_to_a_package(pair: tuple[Wire, Wire]) -> None:
    quoted = []
    for wire in pair:
        machine = wire.ask("endpoint", "/api/machines?$filter=healthStatus+eq+'Active'")[2]["value"][0]["id"]
        _, _, action = wire.ask("endpoint", f"/api/machines/{machine}/collectInvestigationPackage", {"Comment": "x"})
        wire.sb.clock.advance("1h")
        wire.tokens.clear()
        status, _, answer = wire.ask("endpoint", f"/api/machineactions/{action['id']}/getPackageUri")
        assert status == 200, answer
        quoted.append(answer["value"].startswith('"http'))
        assert answer["value"].strip('"').startswith(wire.sb.url)
    assert quoted == [True, False]


def test_booleans_nulls_and_annotations_on_graph(pair: tuple[Wire, Wire]) -> None:
    query = 'DeviceInfo | take 1 | project Yes = true, Number = long(null), Bag = dynamic({"a": 1}), Long = long(5)'
    (schema, rows), (plain_schema, plain_rows) = (wire.hunt("graph", query) for wire in pair)
    assert [column["type"] for column in schema] == ["SByte", "Int64", "Object", "Int64"]
    assert [column["type"] for column in plain_schema] == ["Boolean", "Int64", "Object", "Int64"]
    assert rows == [
        {
            "Yes@odata.type": "#SByte",
            "Yes": 1,
            "Number": {},
            "Bag": {"@odata.type": "#microsoft.graph.security.dynamicColumnValue", "a@odata.type": "#Int64", "a": 1},
            "Long@odata.type": "#Int64",
            "Long": 5,
        }
    ]
    assert plain_rows == [{"Yes": True, "Number": None, "Bag": '{"a":1}', "Long": 5}]


@pytest.mark.parametrize("service", ["endpoint", "xdr"])
def test_booleans_on_the_older_endpoints(pair: tuple[Wire, Wire], service: str) -> None:
    (schema, rows), (plain_schema, plain_rows) = (
        wire.hunt(service, "DeviceInfo | take 1 | project Yes = true") for wire in pair
    )
    assert (schema[0]["Type"], rows) == ("SByte", [{"Yes": 1}])
    assert (plain_schema[0]["Type"], plain_rows) == ("Boolean", [{"Yes": True}])


def test_errors_of_the_odata_layer(pair: tuple[Wire, Wire]) -> None:
    (status, _, seen), (plain_status, _, plain) = (wire.ask("xdr", "/api/incidents?$top=101") for wire in pair)
    assert (status, plain_status) == (400, 400)
    assert seen["error"]["code"] == ""
    assert seen["error"]["message"].startswith(
        "The query specified in the URI is not valid. The limit of '100' for Top"
    )
    assert plain["error"]["code"] == "ODataError"
    assert plain["error"]["message"].startswith("Invalid OData URI query: The limit of '100' for Top")
    assert plain["error"]["target"]


def test_a_full_last_page_and_an_empty_one_behind_it() -> None:
    counts = []
    for on in (False, True):
        wire = Wire(page_size=1, quirks={"empty-last-page": on})
        with wire.sb, wire.sb.client() as client:
            path: str | None = "/v1.0/security/incidents"
            pages = []
            while path:
                page = wire.ask("graph", path)[2]
                pages.append(len(page["value"]))
                path = page.get("@odata.nextLink")
            counts.append((pages.count(1), pages.count(0)))
            assert len(list(client.graph.incidents.list())) == pages.count(1)
    assert counts[0][1] == 0
    assert counts[1] == (counts[0][0], 1)


@pytest.mark.parametrize("service", ["endpoint", "xdr", "graph"])
def test_limits_of_hunting_are_met_with_few_rows(service: str) -> None:
    wire = Wire(limits={"rows": 3})
    with wire.sb:
        path = {
            "endpoint": "/api/advancedqueries/run",
            "xdr": "/api/advancedhunting/run",
            "graph": "/v1.0/security/runHuntingQuery",
        }[service]
        assert len(wire.hunt(service, "DeviceProcessEvents | take 10")[1]) == 3
        wire.sb.limits = {"rows": None, "bytes": 2000}
        status, _, answer = wire.ask(service, path, {"Query": "DeviceProcessEvents | take 10"})
        assert (status, answer["error"]["code"]) == (400, "BadRequest")
        assert "exceeded the allowed result size" in answer["error"]["message"]
        wire.sb.limits = {"bytes": None, "seconds": 10}
        wire.sb.execution_time = 10.5
        status, _, answer = wire.ask(service, path, {"Query": "DeviceProcessEvents | take 10"})
        assert (status, answer["error"]["code"], answer["error"]["message"]) == (504, "UnknownError", "")
        wire.sb.execution_time = 9.5
        assert len(wire.hunt(service, "DeviceProcessEvents | take 10")[1]) == 10
        everything = wire.hunt(service, "DeviceProcessEvents | count")[1][0]["Count"]
        wire.sb.limits = {"days": 1}
        assert 0 < wire.hunt(service, "DeviceProcessEvents | count")[1][0]["Count"] < everything
        wire.sb.reset()
        assert wire.sb.limits == {"rows": 3, "bytes": None, "seconds": None, "days": 30}


def test_limits_as_a_client_sees_them() -> None:
    with xdrkit.sandbox(limits={"rows": 5, "seconds": 100}) as sb, sb.client(max_retries=0) as client:
        assert len(client.hunt("DeviceProcessEvents | take 10")) == 5
        sb.execution_time = 101.0
        with pytest.raises(XdrError) as caught:
            client.hunt("DeviceInfo | take 1")
        assert caught.value.status == 504


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"row": 1}, 'limits: "row" is no limit; there are rows, bytes, seconds, days'),
        ({"rows": 0}, "limits: rows: 0 is not allowed; it is a whole number from 1 on"),
        ({"rows": 1.5}, "limits: rows: "),
        ({"seconds": 0}, "limits: seconds: "),
    ],
)
def test_limits_are_checked(limits: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        xdrkit.sandbox(limits=limits)
    assert says in str(caught.value)
