"""What is put into a running sandbox is there at once, on every service, and gone with a reset."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from datetime import datetime, timezone
from typing import Any

import pytest

from xdrkit import InvalidArgumentError, QueryError, sandbox
from xdrkit._sandbox import Sandbox
from xdrkit._sandbox_data import Context

NOW = "2026-11-20T09:30:00Z"


@pytest.fixture
def sb() -> Any:
    with sandbox(now=NOW) as running:
        yield running


def test_machines_are_listed_and_hunted(sb: Sandbox) -> None:
    with sb.client() as client:
        (one, two) = sb.add_machines(
            [
                {"computerDnsName": "Pc-1.example.com", "machineTags": ["VIP"], "riskScore": "High"},
                {"osPlatform": "Linux"},
            ]
        )
        machine = client.machines.get(one)
        assert (machine["computerDnsName"], machine["machineTags"], machine["riskScore"]) == (
            "pc-1.example.com",
            ["VIP"],
            "High",
        )
        assert len(list(client.machines.list())) == 42
        row = client.hunt(f"DeviceInfo | where DeviceId == '{one}'").rows
        assert [(r["DeviceName"], r["DeviceManualTags"]) for r in row] == [("pc-1.example.com", '["VIP"]')]
        assert client.machines.get(two)["osPlatform"] == "Linux"
        client.machines.add_tag(one, tag="Seen")
        tags = client.hunt(
            f"DeviceInfo | where DeviceId == '{one}' | summarize arg_max(Timestamp, DeviceManualTags)"
        ).rows
        assert tags[0]["DeviceManualTags"] == '["VIP","Seen"]'
        sb.reset()
        assert len(list(client.machines.list())) == 40
        assert len(client.hunt(f"DeviceInfo | where DeviceId == '{one}'")) == 0


def test_alerts_are_in_incidents_and_in_the_tables(sb: Sandbox) -> None:
    with sb.client() as client:
        (machine,) = sb.add_machines([{"computerDnsName": "pc-1.example.com"}])
        (incident,) = sb.add_incidents([{"displayName": "Case 7", "severity": "low"}])
        evidence = [
            {"entityType": "File", "fileName": "bad.exe", "sha1": "a" * 40},
            {"entityType": "Ip", "ipAddress": "203.0.113.9"},
        ]
        alert = {
            "title": "Odd logon",
            "severity": "High",
            "machineId": machine,
            "incidentId": incident,
            "evidence": evidence,
        }
        one, other = sb.add_alerts([alert, {"title": "Alone", "serviceSource": "MicrosoftDefenderForIdentity"}])
        found = client.alerts.get(one)
        assert (found["title"], found["computerDnsName"], str(found["incidentId"])) == (
            "Odd logon",
            "pc-1.example.com",
            incident,
        )
        assert client.machines.get(machine)["riskScore"] == "High"
        case = client.incidents.get(incident)
        assert (case["incidentName"], case["severity"], [a["alertId"] for a in case["alerts"]]) == (
            "Case 7",
            "High",
            [one],
        )
        rows = client.hunt(f"AlertEvidence | where AlertId == '{one}' | project EntityType, SHA1, RemoteIP").rows
        assert sorted(r["EntityType"] for r in rows) == ["File", "Ip", "Machine"]
        assert client.hunt(f"AlertInfo | where AlertId == '{other}'").rows[0]["Title"] == "Alone"


@pytest.mark.filterwarnings("ignore::xdrkit.errors.LegacyHuntingWarning")
def test_rows_are_seen_on_every_service_at_once(sb: Sandbox) -> None:
    rows = [
        {
            "Timestamp": datetime(2026, 11, 20, 9, tzinfo=timezone.utc),
            "ActionType": "MyEvent",
            "ProcessId": "77",
            "DeviceName": "pc",
        },
        {"ActionType": "MyEvent", "AdditionalFields": {"a": [1]}},
    ]
    assert sb.add_rows("DeviceEvents", rows) == 2
    query = "DeviceEvents | where ActionType == 'MyEvent' | project Timestamp, ProcessId, AdditionalFields"
    with sb.client() as client:
        for api in ("graph", "xdr", "endpoint"):
            found = client.hunt(query, api=api).rows
            assert len(found) == 2, api
            assert (found[0]["Timestamp"], found[0]["ProcessId"]) == ("2026-11-20T09:00:00Z", 77), api
            assert json.loads(found[1]["AdditionalFields"]) == {"a": [1]}
        before = len(client.hunt("DeviceEvents"))
        assert sb.clear_rows("DeviceEvents") == before
        assert len(client.hunt("DeviceEvents")) == 0
        sb.reset()
        assert len(client.hunt("DeviceEvents")) == before - 2


def test_frames_make_tables(sb: Sandbox) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(
        {"Timestamp": [datetime(2026, 11, 20, 8, tzinfo=timezone.utc)], "Score": [1.5], "Name": ["ä"]}
    )
    assert sb.add_rows("Scores_CL", frame) == 1
    with sb.client() as client:
        result = client.hunt("Scores_CL | where Score > 1")
        assert result.rows == [{"Timestamp": "2026-11-20T08:00:00Z", "Score": 1.5, "Name": "ä"}]
        # A hunting result is one, too.
        assert sb.add_rows("Scores_CL", result) == 1
        assert len(client.hunt("Scores_CL")) == 2


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda sb: sb.add_machines([{"computerDnsname": "x"}]),
            'machines: [0]: no property "computerDnsname". Did you mean "computerDnsName"?',
        ),
        (
            lambda sb: sb.add_machines([{"healthStatus": "Fine"}]),
            'machines: [0].healthStatus: "Fine" is not allowed; it is "Active"',
        ),
        (lambda sb: sb.add_machines([{"vmMetadata": {}}]), "machines: [0].vmMetadata: follows from other properties"),
        (lambda sb: sb.add_machines("x"), "machines: takes a list of dicts"),
        (lambda sb: sb.add_alerts([{"machineId": "nope"}]), 'there is no machine "nope"; add it first'),
        (
            lambda sb: sb.add_alerts([{"evidence": [{"entityType": "Fille"}]}]),
            'evidence[0].entityType: "Fille" is not allowed',
        ),
        (lambda sb: sb.add_rows("DeviceEvent", [{"x": 1}]), 'Did you mean "DeviceEvents"?'),
        (
            lambda sb: sb.add_rows("DeviceEvents", [{"Devicename": "x"}]),
            'the table has no column "Devicename". Did you mean "DeviceName"?',
        ),
        (lambda sb: sb.add_rows("DeviceEvents", [{"ProcessId": "x"}]), 'rows: [0].ProcessId: "x" is no long'),
        (lambda sb: sb.add_rows("DeviceEvents", [{"Timestamp": "soon"}]), 'rows: [0].Timestamp: "soon" is no datetime'),
        (
            lambda sb: sb.add_rows("A_CL", [{"x": 1}], columns={"x": "lonk"}),
            'columns: x: there is no type "lonk". Did you mean "long"?',
        ),
        (lambda sb: sb.clear_rows("Nope"), 'table: there is no table "Nope"'),
        (lambda sb: sb.add_geo({"300.1.1.1": {}}), 'geo: "300.1.1.1" is no address'),
        (lambda sb: sb.add_file_profiles([{"Size": 1}]), "needs SHA1, SHA256 or MD5"),
        (lambda sb: sb.add_answer(rows=[]), "query: give one of query, contains and match"),
        (lambda sb: sb.add_answer(match="(", rows=[]), "match: no regular expression"),
        (lambda sb: sb.add_answer(query="x", error="y", status=200), "status: takes 400 to 599"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(sb: Sandbox, action: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        action(sb)
    assert message in str(refused.value)
    with sb.client() as client:
        assert len(list(client.machines.list())) == 40


def test_other_languages_do_the_same_over_http(sb: Sandbox) -> None:
    def ask(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{sb.url}/_sandbox/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    assert len(ask("POST", "machines", [{"computerDnsName": "curl.example"}])["ids"]) == 1
    assert ask("POST", "rows", {"table": "DeviceEvents", "rows": [{"ActionType": "FromCurl"}]}) == {"rows": 1}
    with sb.client() as client:
        assert len(client.hunt("DeviceEvents | where ActionType == 'FromCurl'")) == 1
    world = ask("GET", "world")
    assert len(world["machines"]) == 41
    assert ask("POST", "world", world)["machines"] == 41
    assert ask("DELETE", "rows?table=DeviceEvents")["rows"] > 100
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask("POST", "rows", {"table": "Nope", "rows": [{}]})
    assert refused.value.code == 400
    refused.value.close()


def test_answers_come_before_the_engine(sb: Sandbox) -> None:
    sb.add_answer(contains="Secret_CL", rows=[{"A": 1, "B": "x"}])
    sb.add_answer(query="DeviceInfo\n| count", rows=[{"Count": -1}])
    sb.add_answer(match=r"^\s*DeviceTvm", error="Too busy", status=400)
    with sb.client() as client:
        assert client.hunt("Secret_CL | whatever").rows == [{"A": 1, "B": "x"}]
        assert client.hunt("DeviceInfo   | count").rows == [{"Count": -1}]
        with pytest.raises(QueryError, match="Too busy"):
            client.hunt("DeviceTvmSoftwareInventory")
        assert client.hunt("DeviceInfo | summarize count()").rows[0]["count_"] > 0
    assert [(next(iter(a.values())), a["used"]) for a in sb.answers] == [
        ("Secret_CL", 1),
        ("DeviceInfo\n| count", 1),
        ("^\\s*DeviceTvm", 1),
    ]
    sb.reset()
    assert sb.answers == []


def test_without_an_engine_only_answers_answer() -> None:
    with sandbox(now=NOW, engine="canned") as sb, sb.client() as client:
        sb.add_answer(contains="DeviceInfo", rows=[{"A": 1}])
        assert client.hunt("DeviceInfo").rows == [{"A": 1}]
        with pytest.raises(QueryError, match="No answer is registered"):
            client.hunt("DeviceEvents | count")
        assert sb.unanswered == ["DeviceEvents | count"]


@pytest.mark.filterwarnings("ignore::xdrkit.errors.LegacyHuntingWarning")
def test_an_engine_of_ones_own_serves_both_clients() -> None:
    asked: list[tuple[str, str]] = []

    def engine(query: str, context: Context) -> Any:
        asked.append((query, context.api))
        if "boom" in query:
            raise ValueError("no such luck")
        rows = context.run("DeviceInfo | summarize Machines = dcount(DeviceId)")
        return [{"Query": query, "Machines": rows[0]["Machines"], "Now": context.now, "From": context.window[0]}]

    with sandbox(now=NOW, engine=engine) as sb:
        with sb.client() as client:
            (row,) = client.hunt("anything", api="endpoint").rows
            assert (row["Query"], row["Machines"]) == ("anything", 40)
            assert row["From"] < row["Now"]
            with pytest.raises(Exception, match="no such luck"):
                client.hunt("boom")

        async def many() -> list[Any]:
            async with sb.async_client() as client:
                return list(await asyncio.gather(*(client.hunt(f"q{n}") for n in range(5))))

        assert [r.rows[0]["Query"] for r in asyncio.run(many())] == [f"q{n}" for n in range(5)]
    assert ("anything", "endpoint") in asked
