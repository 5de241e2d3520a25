"""The thirty quirks of the services, one test each, through the public face. What another file proves in depth is here in short."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

import xdrkit
from xdrkit import errors

DECLARED = {op["id"]: op for op in xdrkit.operations()}
SHA1 = "4388963aaa83afe2042a46a3c017ad50bdcdafb3"
INDICATOR = {"title": "t", "description": "d", "severity": "High"}


class Server:
    """A service that answers each request with the next of its answers and keeps what it was sent."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {k.lower(): v for k, v in self.headers.items()}
                server.seen.append({"method": self.command, "target": self.path, "headers": headers, "body": body})
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                status, text = answer if isinstance(answer, tuple) else (200, json.dumps(answer))
                content = text.encode("utf-8") if isinstance(text, str) else text
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = do  # noqa: N815

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def client(self) -> xdrkit.Client:
        options: dict[str, Any] = {"credential": lambda _: ("a-token", time.time() + 3600), "base_url": self.url}
        return xdrkit.Client("contoso.onmicrosoft.com", _virtual_clock=True, **options)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def machine(client: xdrkit.Client) -> Any:
    found = client.machines.list(filter="osPlatform eq 'Windows11' and healthStatus eq 'Active'").first()
    assert found is not None
    return found


def fetch(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        content: bytes = answer.read()
    return content


def refusal(url: str, **headers: str) -> int:
    """The status with which a link is refused."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(url, **headers)
    with caught.value as refused:
        return int(refused.code)


def test_quirk_01_the_link_to_a_package_stands_in_quotes_and_comes_late(
    sb: xdrkit.Sandbox, client: xdrkit.Client
) -> None:
    """`getPackageUri` wraps the URL in quotation marks and is 404 until the collection is complete; the link wants no token."""
    action = client.machines.collect_package(machine(client)["id"], comment="c")
    with pytest.raises(errors.NotFoundError):
        client.machine_actions.package_uri(action["id"])
    sb.advance(60)
    raw: Any = client.request("GET", f"/api/machineactions/{action['id']}/getPackageUri")
    assert raw["value"].startswith('"http')
    url = client.machine_actions.package_uri(action["id"])
    assert url.startswith("http")
    assert not url.endswith('"')
    assert fetch(url).startswith(b"PK")
    assert refusal(url, Authorization="Bearer x") == 400


def test_quirk_02_export_files_are_fetched_without_the_token_as_json_lines(
    sb: xdrkit.Sandbox, client: xdrkit.Client, tmp_path: Path
) -> None:
    """Exports via files are links to gzip parts, one JSON object a line, per device group; a token there is refused."""
    answer = client.exports.software_inventory_files()
    links = answer["exportFiles"]
    assert all("_RbacGroupId=" in link for link in links)
    rows = [json.loads(line) for link in links for line in gzip.decompress(fetch(link)).splitlines()]
    assert rows
    assert refusal(links[0], Authorization="Bearer x") == 400
    client.exports.download("software_inventory", to=tmp_path, format="ndjson")
    lines = [line for file in tmp_path.glob("*.ndjson") for line in file.read_text("utf-8").splitlines()]
    assert len(lines) == len(rows)
    # Links that have ended are refused, and asked for anew.
    sb.advance(7200)
    assert refusal(links[0]) == 403


def test_quirk_03_the_life_of_the_links_is_asked_for_without_a_dollar(server: Server) -> None:
    """An example says `$sasValidHours`, the table `sasValidHours`: sent without the `$`."""
    server.answers = [{"exportFiles": [], "generatedTime": None}]
    with server.client() as client:
        for op in DECLARED.values():
            if any(p["wire"] == "sasValidHours" for p in op["params"]):
                client.call(op["id"], hours=1)
    assert len(server.seen) >= 8
    assert {urlsplit(r["target"]).query for r in server.seen} == {"sasValidHours=1"}


def test_quirk_04_one_path_for_two_exports_has_the_lower_limits() -> None:
    """`InfoGatheringExport` is information gathering and antivirus health; the two pages' limits differ."""
    twins = [DECLARED["exports.information_gathering_files"], DECLARED["av_health.export_files"]]
    assert twins[0]["path"] == twins[1]["path"] == "/api/machines/InfoGatheringExport"
    assert twins[0]["quota"] == twins[1]["quota"]
    assert (twins[0]["quota"]["per_minute"], twins[0]["quota"]["per_hour"]) == (5, 20)


def test_quirk_05_an_import_succeeds_although_items_fail(client: xdrkit.Client) -> None:
    """The import answers 200 with `isFailed` and `failureReason` for each item."""
    good = {**INDICATOR, "indicatorValue": "198.51.100.7", "indicatorType": "IpAddress", "action": "Block"}
    bad = {**good, "indicatorValue": "198.51.100.0/24"}
    outcomes = client.indicators.import_batch(indicators=[good, bad])
    assert [o["isFailed"] for o in outcomes] == [False, True]
    assert outcomes[1]["failureReason"]
    collected = client.indicators.import_many(
        ["198.51.100.8", "198.51.100.0/24"], action="Block", title="t", description="d", on_error="collect"
    )
    assert (len(collected.ok), len(collected.failed)) == (1, 1)


def test_quirk_06_an_indicator_is_updated_by_posting_it_again(client: xdrkit.Client) -> None:
    """A POST of a known value updates it; Audit needs `generateAlert`; no ranges; `Ti.ReadWrite` sees only the app's own."""
    first = client.indicators.upsert(value="evil.example", type="DomainName", action="Block", **INDICATOR)
    second = client.indicators.upsert(value="evil.example", type="DomainName", action="Warn", **INDICATOR)
    assert (second["id"], second["action"]) == (first["id"], "Warn")
    with pytest.raises(errors.BadRequestError):
        client.indicators.upsert(value="evil2.example", type="DomainName", action="Audit", **INDICATOR)
    client.indicators.upsert(value="e2.example", type="DomainName", action="Audit", generate_alert=True, **INDICATOR)
    with pytest.raises(errors.BadRequestError):
        client.indicators.upsert(value="198.51.100.0/24", type="IpAddress", action="Block", **INDICATOR)
    everybodys = {i["id"] for i in client.indicators.list()}
    with xdrkit.sandbox(permissions=["Ti.ReadWrite"]) as sb, sb.client() as narrow:
        assert narrow.indicators.list().collect() == []
        own = narrow.indicators.upsert(value="own.example", type="DomainName", action="Block", **INDICATOR)
        assert [i["id"] for i in narrow.indicators.list()] == [own["id"]]
    assert len(everybodys) > 2


@pytest.mark.parametrize("status", [200, 201])
def test_quirk_07_an_action_is_answered_pending_and_waited_for(server: Server, status: int) -> None:
    """An action's POST answers 201, or 200, with a pending action; it ends Succeeded, Failed, TimeOut or Cancelled."""
    action = {"id": "5382f7ea-7557-4ab7-9782-d50480024a4e", "type": "Isolate", "status": "Pending"}
    for end in ("Succeeded", "Failed", "TimeOut", "Cancelled"):
        ended = {**action, "status": end}
        server.answers = [(status, json.dumps(action)), action, {**action, "status": "InProgress"}, ended]
        with server.client() as client:
            started = client.machines.isolate("m1", comment="c")
            assert started["status"] == "Pending"
            if end == "Succeeded":
                assert client.machine_actions.wait(started["id"])["status"] == end
                continue
            with pytest.raises(errors.ActionFailedError, match=end):
                client.machine_actions.wait(started["id"])


def test_quirk_08_keys_come_as_the_service_spells_them(client: xdrkit.Client) -> None:
    """A list says `lastUpdateTimeUtc`, one action `lastUpdateDateTimeUtc`; browser extensions begin with capitals: nothing is renamed."""
    action = client.machines.scan(machine(client)["id"], comment="c", scan_type="Quick")
    (listed,) = client.machine_actions.list(filter=f"id eq '{action['id']}'")
    assert "lastUpdateTimeUtc" in listed
    assert "lastUpdateDateTimeUtc" in client.machine_actions.get(action["id"])
    extension: Any = client.exports.browser_extensions().first()
    assert "DeviceId" in extension


@pytest.mark.dev
def test_quirk_09_times_without_a_zone_are_utc_and_the_year_1_is_none(server: Server) -> None:
    """Exports write `2020-12-30 14:17:26.0`, and `0001-01-01T00:00:00Z` for never."""
    rows = [
        {"thumbprint": "a", "issueDate": "2020-12-30 14:17:26.0", "expirationDate": "0001-01-01T00:00:00Z"},
        {"thumbprint": "b", "issueDate": "2021-01-01T00:00:00Z", "expirationDate": "2030-01-01T00:00:00Z"},
    ]
    server.answers = [{"value": rows}]
    with server.client() as client:
        assert client.exports.certificates().collect() == rows
        first, second = client.exports.certificates().to_polars().to_dicts()
    assert first["issueDate"] == datetime(2020, 12, 30, 14, 17, 26, tzinfo=timezone.utc)
    assert first["expirationDate"] is None
    assert second["expirationDate"] == datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.mark.dev
def test_quirk_10_booleans_as_text_are_typed_in_frames(server: Server) -> None:
    """Antivirus health writes booleans and modes as text: kept in dicts, typed in columns."""
    rows = [
        {"id": "a", "avMode": "0", "avIsSignatureUpToDate": "True"},
        {"id": "b", "avMode": "2", "avIsSignatureUpToDate": "False"},
        {"id": "c", "avMode": "", "avIsSignatureUpToDate": "Unknown"},
    ]
    server.answers = [{"value": rows}]
    with server.client() as client:
        assert client.av_health.list().collect() == rows
        frame = client.av_health.list().to_polars()
    assert frame["avIsSignatureUpToDate"].to_list() == [True, False, None]


def test_quirk_11_a_transcript_with_raw_newlines_and_nul_is_read(client: xdrkit.Client) -> None:
    """A live response transcript is JSON with raw line ends and NUL bytes."""
    script = "Get-Persistence.ps1"
    transcript: Any = client.live_response.run_script(machine(client)["id"], script, comment="c")
    assert (transcript["script_name"], transcript["exit_code"]) == (script, 0)
    assert "\n" in transcript["script_output"]


def test_quirk_12_the_parts_of_an_upload_have_the_names_of_the_example(
    sb: xdrkit.Sandbox, client: xdrkit.Client
) -> None:
    """The library's form wants `file`, `Description`, `ParametersDescription`, `HasParameters`, `OverrideIfExists`."""
    client.library.upload(
        b"param([string]$Path)",
        name="quirk.ps1",
        description="about",
        parameters_description="-Path",
        has_parameters=True,
    )
    (made,) = [f for f in client.library.list() if f["fileName"] == "quirk.ps1"]
    assert (made["description"], made["parametersDescription"], made["hasParameters"]) == ("about", "-Path", True)
    with pytest.raises(errors.ApiError):
        client.library.upload(b"other", name="quirk.ps1")
    client.library.upload(b"other", name="quirk.ps1", override=True)


def test_quirk_13_a_patch_replaces_a_machines_tags(client: xdrkit.Client) -> None:
    """The page says both that tags are appended and that they are replaced: they are replaced; one tag has its own calls."""
    id = machine(client)["id"]
    client.machines.update(id, tags=["a", "b"])
    client.machines.update(id, tags=["c"])
    assert client.machines.get(id)["machineTags"] == ["c"]
    assert client.machines.add_tag(id, tag="d")["machineTags"] == ["c", "d"]
    assert "replace" in (type(client.machines).update.__doc__ or "")


def test_quirk_14_a_user_is_the_account_name_not_the_upn(client: xdrkit.Client) -> None:
    """`/api/users/{id}/…` takes the account name."""
    alert = next(a for a in client.alerts.list() if (a.get("relatedUser") or {}).get("userName"))
    account = alert["relatedUser"]["userName"]
    assert client.users.alerts(account).collect()
    assert client.users.alerts(f"{account}@larkmoor.example").collect() == []
    for method in ("alerts", "machines"):
        assert "account's name" in (getattr(type(client.users), method).__doc__ or "")


def test_quirk_15_some_calls_on_files_take_sha1_alone(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    """`files.get` takes SHA-1 or SHA-256, `files.alerts` and `files.machines` SHA-1 alone: checked before the call."""
    for call in (client.files.alerts, client.files.machines):
        with pytest.raises(errors.InvalidArgumentError, match="SHA-1"):
            call("a" * 64)
    with pytest.raises(errors.InvalidArgumentError):
        client.files.get("a" * 32)
    assert sb.requests == []
    alert = next(a for a in client.alerts.list() if client.alerts.files(a["id"]).collect())
    file = client.alerts.files(alert["id"]).collect()[0]
    assert client.files.get(file["sha256"])["sha1"] == file["sha1"]


def test_quirk_16_what_is_unknown_is_an_empty_list_or_no_prevalence(sb: xdrkit.Sandbox, client: xdrkit.Client) -> None:
    """An empty list of machines is 404; unknown domains, addresses and users are empty lists; only an unknown file is not found."""
    message = {"error": {"code": "ResourceNotFound", "message": "No machines", "target": "t"}}
    sb.fault(operation="machines.list", status=404, body=message)
    assert client.machines.list().collect() == []
    for pages in (
        client.domains.alerts("unheard-of.example"),
        client.domains.machines("unheard-of.example"),
        client.files.alerts("0" * 40),
        client.files.machines("0" * 40),
        client.ips.alerts("198.18.0.1"),
        client.users.alerts("nobody.at.all"),
        client.users.machines("nobody.at.all"),
    ):
        assert list(pages) == []
    assert client.domains.stats("unheard-of.example")["organizationPrevalence"] == 0
    with pytest.raises(errors.NotFoundError):
        client.files.get("0" * 40)
    with pytest.raises(errors.NotFoundError):
        client.files.stats("0" * 40)


def test_quirk_17_each_service_has_its_own_spelling(server: Server) -> None:
    """`FalsePositive` here, `falsePositive` there, other determinations in each; what is not known is sent with a warning."""

    def members(id: str, name: str) -> set[str]:
        return {m for p in DECLARED[id]["params"] if p["name"] == name for m in p["enum"]}

    assert "FalsePositive" in members("alerts.update", "classification")
    assert "FalsePositive" in members("incidents.update", "classification")
    assert "falsePositive" in members("graph.alerts.update", "classification")
    assert "CompromisedAccount" in members("incidents.update", "determination")
    assert {"compromisedAccount", "notMalicious", "notEnoughDataToValidate", "confirmedActivity"} <= members(
        "graph.alerts.update", "determination"
    )
    server.answers = [{"id": "a"}]
    with server.client() as client:
        client.alerts.update("a", classification="falsepositive")
        client.graph.alerts.update("a", classification="FALSEPOSITIVE")
        with pytest.warns(errors.UnknownMemberWarning, match="SomethingNew"):
            client.alerts.update("a", determination="SomethingNew")
    sent = [next(iter(json.loads(r["body"]).values())) for r in server.seen]
    assert sent == ["FalsePositive", "falsePositive", "SomethingNew"]


def test_quirk_18_graph_is_asked_for_the_newer_members(server: Server) -> None:
    """Without `Prefer: include-unknown-enum-members` Graph answers `unknownFutureValue` for newer members."""
    server.answers = [{"value": []}]
    with server.client() as client:
        client.graph.alerts.list().collect()
        client.alerts.list().collect()
    assert [r["headers"].get("prefer") for r in server.seen] == ["include-unknown-enum-members", None]


def test_quirk_19_the_odata_context_is_ignored(server: Server) -> None:
    """Contexts show internal test hosts: nothing follows from them."""
    context = "https://wdatpapi-eus-stg.cloudapp.net/api/$metadata#Machines"
    server.answers = [
        {"@odata.context": context, "value": [{"id": "a"}]},
        {"@odata.context": f"{context}/$entity", "id": "a"},
    ]
    with server.client() as client:
        assert client.machines.list().collect() == [{"id": "a"}]
        assert client.machines.get("a")["id"] == "a"
    assert len(server.seen) == 2


def test_quirk_20_the_permissions_are_those_that_exist() -> None:
    """The pages print `Alerts.ReadWrite.All`, `RemediationTask.Read.Read`, `Machine.Read.Write`: there are none."""
    all_of_them = {p for op in DECLARED.values() for p in (*op["app_permissions"], *op["delegated_permissions"])}
    assert not all_of_them & {"Alerts.ReadWrite.All", "RemediationTask.Read.Read", "Machine.Read.Write"}
    assert DECLARED["alerts.update"]["app_permissions"] == ["Alert.ReadWrite.All"]
    assert DECLARED["remediations.get"]["delegated_permissions"] == ["RemediationTask.Read"]
    assert DECLARED["scans.create"]["delegated_permissions"] == ["Machine.ReadWrite"]


def test_quirk_21_a_machine_that_moves_groups_is_not_news_twice(server: Server) -> None:
    """The delta export tells a machine that changed its device group as Fixed in the old and New in the new: one of them goes."""
    moved = {"id": "m_v", "deviceId": "m", "cveId": "v", "eventTimestamp": "2026-11-20T00:00:00Z"}
    gone = {"id": "n_v", "deviceId": "n", "cveId": "v", "eventTimestamp": "2026-11-20T00:00:00Z", "rbacGroupId": 1}
    items = [
        {**moved, "status": "Fixed", "rbacGroupId": 1},
        {**gone, "status": "Fixed"},
        {**moved, "status": "New", "rbacGroupId": 2},
    ]
    server.answers = [{"value": items}]
    with server.client() as client:
        changes = [(c["id"], c["status"]) for c in client.exports.changes("7d")]
        everything = client.exports.vulnerability_changes(since="7d").collect()
    assert sorted(changes) == [("m_v", "New"), ("n_v", "Fixed")]
    assert everything == items


def test_quirk_22_the_baselines_need_the_permission_of_their_export() -> None:
    """The pages of the baselines give no permission table."""
    for id in ("baselines.profiles", "baselines.configurations", "baselines.exceptions", "exports.baselines"):
        assert DECLARED[id]["app_permissions"] == ["SecurityBaselinesAssessment.Read.All"], id
        assert DECLARED[id]["delegated_permissions"] == ["SecurityBaselinesAssessment.Read"], id


def test_quirk_23_what_is_in_no_documentation_is_reached_by_request(server: Server) -> None:
    """Blocking a file is in neither documentation nor metadata: `request()` sends it; one indicator by its id is a method."""
    server.answers = [{"id": "x"}]
    with server.client() as client:
        client.request("POST", f"/api/files/{SHA1}/block", json={"Comment": "c"})
        client.indicators.get(995)
    assert [(r["method"], r["target"]) for r in server.seen] == [
        ("POST", f"/api/files/{SHA1}/block"),
        ("GET", "/api/indicators/995"),
    ]
    assert {r["headers"]["authorization"] for r in server.seen} == {"Bearer a-token"}
    assert not any("/block" in op["path"] for op in DECLARED.values())
    assert DECLARED["indicators.get"]["documented"] is False


def test_quirk_24_a_user_without_the_role_is_told_about_roles(sb: xdrkit.Sandbox) -> None:
    """Graph refuses a user who has the permission but no role in the directory: the error says that it is about the role."""
    body = {
        "error": {
            "code": "Forbidden",
            "message": "Auth token does not contain valid permissions or user does not have valid roles.",
            "innerError": {"request-id": "r"},
        }
    }
    with sb.user_client(_virtual_clock=True) as client:
        sb.fault(operation="graph.incidents.list", status=403, body=body, times=None)
        with pytest.raises(errors.PermissionDeniedError) as caught:
            client.graph.incidents.list().collect()
    assert "role" in (caught.value.hint or "")
    assert caught.value.request_id == "r"


def test_quirk_25_the_limits_are_data() -> None:
    """The pages contradict each other on limits. They are declared with each operation, by class, so that a limiter can be told others."""
    quotas = {op["quota"]["name"]: (op["quota"]["per_minute"], op["quota"]["per_hour"]) for op in DECLARED.values()}
    assert quotas["endpoint"] == (100, 1500)
    assert quotas["xdr incidents"] == (50, 1500)
    assert quotas["package link"] == (2, 120)
    assert quotas["live response"] == (10, 0)
    assert quotas["investigation start"] == (0, 50)
    for op in DECLARED.values():
        same = [other["quota"] for other in DECLARED.values() if other["quota"]["name"] == op["quota"]["name"]]
        assert all(quota == op["quota"] for quota in same)


def test_quirk_26_a_token_of_the_other_api_is_seen_in_the_error(sb: xdrkit.Sandbox) -> None:
    """After a change of host 401 or 403 means the wrong audience, or a permission on the other API: the error says which it is."""
    with (
        sb.client(audience={"endpoint": "https://api.security.microsoft.com"}, max_retries=0) as client,
        pytest.raises((errors.UnauthorizedError, errors.PermissionDeniedError)) as caught,
    ):
        client.machines.list().collect()
    error: Any = caught.value
    assert "audience" in error.message
    assert (error.audience, error.app) == ("https://api.security.microsoft.com", "WindowsDefenderATP")
    assert "Incident.Read.All" in error.held
    assert "WindowsDefenderATP" in error.hint
    sb.revoke("Machine.Read.All")
    sb.revoke("Machine.ReadWrite.All")
    with sb.client() as client, pytest.raises(errors.PermissionDeniedError) as denied:
        client.machines.list().collect()
    assert "WindowsDefenderATP" in (denied.value.hint or "")
    assert "Machine.Read.All" in denied.value.missing


def test_quirk_27_one_program_has_a_token_for_each_audience() -> None:
    """Three services, three audiences, three tokens, each asked for once."""
    with xdrkit.sandbox(record_forms=True) as sb, sb.client() as client:
        for _ in range(2):
            client.machines.list(top=1).collect()
            client.incidents.list(top=1).collect()
            client.graph.alerts.list(top=1).collect()
        assert sorted(r["form"]["scope"] for r in sb.token_requests) == [
            "https://api.security.microsoft.com/.default",
            "https://api.securitycenter.microsoft.com/.default",
            "https://graph.microsoft.com/.default",
        ]


def test_quirk_28_a_merged_incident_leads_to_the_other(client: xdrkit.Client) -> None:
    """`redirectIncidentId` and the status `redirected` on Graph, the same on XDR: shown, and followed on request."""
    ids = [i["id"] for i in client.graph.incidents.list()][:2]
    target = client.graph.incidents.merge(ids=ids)["targetIncidentId"]
    (gone,) = set(ids) - {target}
    merged = client.graph.incidents.get(gone)
    assert (merged["status"], merged["redirectIncidentId"]) == ("redirected", target)
    assert client.graph.incidents.get(gone, follow=True)["id"] == target
    assert str(client.incidents.get(gone)["redirectIncidentId"]) == target
    assert str(client.incidents.get(gone, follow=True)["incidentId"]) == target


def test_quirk_29_xdr_incidents_cannot_be_filtered_by_severity_and_come_by_the_hundred(
    sb: xdrkit.Sandbox, client: xdrkit.Client, server: Server
) -> None:
    """No severity filter, and `$top` above 100 is 400: refused here, and asked for in pages of a hundred."""
    with pytest.raises(errors.InvalidArgumentError, match="lastUpdateTime"):
        client.incidents.list(filter="severity eq 'High'").collect()
    assert sb.requests == []
    server.answers = [{"value": [{"incidentId": n} for n in range(100)]}, {"value": []}]
    with server.client() as other:
        other.incidents.list(top=150).collect()
    tops = [int(parse_qs(urlsplit(r["target"]).query)["$top"][0]) for r in server.seen]
    assert tops
    assert max(tops) <= 100


def test_quirk_30_a_second_isolation_is_a_conflict(client: xdrkit.Client) -> None:
    """`IsolationType` has three values; a second action while one runs is 400, told with the service's code."""
    (param,) = [p for p in DECLARED["machines.isolate"]["params"] if p["wire"] == "IsolationType"]
    assert set(param["enum"]) == {"Full", "Selective", "UnManagedDevice"}
    id = machine(client)["id"]
    first = client.machines.isolate(id, comment="c", isolation_type="selective")
    assert first["scope"] == "Selective"
    with pytest.raises(errors.ConflictError) as caught:
        client.machines.isolate(id, comment="c")
    assert (caught.value.status, caught.value.code) == (400, "ActiveRequestAlreadyExists")
    assert client.machines.isolate(id, comment="c", if_active="attach")["id"] == first["id"]


def test_there_is_a_test_for_each_of_the_thirty_quirks() -> None:
    numbers = sorted(int(name.split("_")[2]) for name in globals() if name.startswith("test_quirk_"))
    assert numbers == list(range(1, 31))
