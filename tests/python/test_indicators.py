"""Indicators in batches and in step with a list: what is checked before, what is sent, what comes of it. Sync and async alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import xdrkit
from xdrkit import infer_type

from .fake_tenant import FakeTenant, Side, failure

PATH, IMPORT, DELETE = "/api/indicators", "/api/indicators/import", "/api/indicators/BatchDelete"
SAID: dict[str, Any] = {"action": "Block", "title": "Feed", "description": "of the feed"}
MD5, SHA1, SHA256 = "a" * 32, "b" * 40, "c" * 64


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param == "async")


@pytest.fixture
def tenant() -> Iterator[FakeTenant]:
    with FakeTenant() as running:
        yield running


def domains(n: int) -> list[str]:
    return [f"bad{i}.example" for i in range(n)]


def there(tenant: FakeTenant) -> list[dict[str, Any]]:
    return tenant.lists[PATH]


def values(tenant: FakeTenant) -> list[str]:
    return sorted(item["indicatorValue"] for item in there(tenant))


def changes(tenant: FakeTenant) -> int:
    return sum(method != "GET" for method, *_ in tenant.requests)


def put(tenant: FakeTenant, value: str, application: str | None, **more: Any) -> dict[str, Any]:
    """An indicator that is in the tenant already."""
    item = {"indicatorValue": value, "indicatorType": infer_type(value), "application": application, **SAID, **more}
    tenant.upsert(item)
    return there(tenant)[-1]


# What a value is


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (MD5, "FileMd5"),
        (SHA1.upper(), "FileSha1"),
        (SHA256, "FileSha256"),
        (":".join(["AB"] * 20), "CertificateThumbprint"),
        (" ".join(["ab"] * 20), "CertificateThumbprint"),
        ("-----BEGIN CERTIFICATE-----\nAAECAw==\n-----END CERTIFICATE-----\n", "CertificateThumbprint"),
        ("10.1.2.3", "IpAddress"),
        ("2001:DB8::1", "IpAddress"),
        ("evil.example", "DomainName"),
        ("Bücher.example.", "DomainName"),
        ("_dmarc.evil.example", "DomainName"),
        ("https://evil.example/a?b#c", "Url"),
        ("http://10.1.2.3:8080/", "Url"),
        ("https://[2001:db8::1]/x", "Url"),
    ],
)
def test_the_type_follows_from_the_value(value: str, kind: str) -> None:
    assert infer_type(value) == kind


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "is empty"),
        (" ", "is blank"),
        (7, "no text"),
        ("a" * 33, "33 hexadecimal digits"),
        ("10.0.0.0/8", "is a range"),
        ("2001:db8::/32", "is a range"),
        ("127.0.0.1", "every machine's own"),
        ("fe80::1%eth0", "names an interface"),
        ("*.evil.example", "wildcard"),
        ("https://*.evil.example/", "wildcard"),
        ("evil.example/path", "no scheme"),
        ("evil.example:8080", "port"),
        ("me@evil.example", "user"),
        ("localhost", "is no hash"),
        ("evil..example", "no domain"),
        ("-evil.example", "no domain"),
        ("1.2.3.999", "no domain"),
        ("https://", "no host"),
        ("https://evil.example/a b", "white space"),
        ("https://user:geheim@evil.example/", "password"),
        ("https://evil.example:port/", "no URL"),
        ("hxxps://evil.example", "harmless"),
        ("evil[.]example", "harmless"),
        ("1.2.3(dot)4", "harmless"),
    ],
)
def test_a_value_that_would_match_nothing_is_refused(value: Any, told: str) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError, match=told) as caught:
        infer_type(value)
    assert caught.value.argument == "value"
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("harmless", "value"),
    [
        ("hxxps://evil[.]example/x", "https://evil.example/x"),
        ("hXXp[:]//evil.example", "http://evil.example"),
        ("1.2.3[.]4", "1.2.3.4"),
        ("evil[dot]example", "evil.example"),
    ],
)
def test_what_was_made_harmless_is_taken_on_request(side: Side, tenant: FakeTenant, harmless: str, value: str) -> None:
    side.call(tenant, "indicators.upsert_many", [harmless], refang=True, **SAID)
    assert values(tenant) == [value]


# upsert_many and import_many


def test_items_take_any_form_and_defaults(side: Side, tenant: FakeTenant) -> None:
    given = [
        "Evil.Example",
        (SHA1, "CertificateThumbprint"),
        {"value": MD5.upper(), "action": "Warn", "severity": "high"},
        {"indicatorValue": "1.2.3.4", "indicatorType": "IpAddress", "id": "7", "createdBy": "x", "title": "own"},
    ]
    outcomes = side.call(tenant, "indicators.upsert_many", iter(given), application="feed", severity="Low", **SAID)
    assert [one.id for one in outcomes.ok] == ["evil.example", SHA1, MD5, "1.2.3.4"]
    assert all(one.value["isFailed"] is False for one in outcomes)
    sent = tenant.sent("POST", IMPORT)[0]["Indicators"]
    assert [item["indicatorType"] for item in sent] == ["DomainName", "CertificateThumbprint", "FileMd5", "IpAddress"]
    assert [item["action"] for item in sent] == ["Block", "Block", "Warn", "Block"]
    assert [item["severity"] for item in sent] == ["Low", "Low", "High", "Low"]
    assert [item["title"] for item in sent] == ["Feed", "Feed", "Feed", "own"]
    assert {item["application"] for item in sent} == {"feed"}
    assert not {"id", "createdBy"} & set(sent[3])


def test_a_certificate_is_known_by_its_thumbprint(side: Side, tenant: FakeTenant) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAECAw==\n-----END CERTIFICATE-----\n"
    side.call(tenant, "indicators.upsert_many", [pem], **SAID)
    # SHA-1 of the bytes 0, 1, 2, 3.
    assert values(tenant) == ["a02a05b025b928c039cf1ae7e8ee04e7c190c0db"]


def test_they_go_out_500_at_a_time(side: Side, tenant: FakeTenant) -> None:
    told: list[tuple[int, int]] = []
    progress = {"progress": lambda done, total: told.append((done, total))}
    outcomes = side.call(tenant, "indicators.import_many", domains(1201), **SAID, **progress)
    assert [len(body["Indicators"]) for body in tenant.sent("POST", IMPORT)] == [500, 500, 201]
    assert (len(outcomes.ok), len(outcomes.failed), len(there(tenant))) == (1201, 0, 1201)
    assert told == [(500, 1201), (1000, 1201), (1201, 1201)]


def test_one_value_of_two_types_is_told_apart(side: Side, tenant: FakeTenant) -> None:
    given = [(SHA1, "FileSha1"), (SHA1, "CertificateThumbprint")]

    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        fails = body and body["Indicators"][0]["indicatorType"] == "FileSha1"
        result = {"id": None, "indicator": SHA1, "isFailed": True, "failureReason": "no"}
        return (200, {"value": [result]}) if fails else None

    tenant.hook = hook
    outcomes = side.call(tenant, "indicators.import_many", given, **SAID)
    assert [one.error is None for one in outcomes] == [False, True]


@pytest.mark.parametrize(
    ("item", "argument", "told"),
    [
        ({"value": "evil.example", "type": "IpAddress"}, "value", "no IP address"),
        ({"value": "1.2.3.4", "type": "DomainName"}, "value", "IpAddress"),
        ({"value": MD5, "type": "FileSha256"}, "value", "looks like FileMd5"),
        ({"value": "evil.example", "type": "Domain"}, "type", "is not allowed"),
        ({"value": "evil.example", "action": "Alert"}, "action", "Audit"),
        ({"value": "evil.example", "action": "AlertAndBlock"}, "action", "Block"),
        ({"value": "evil.example", "action": "Destroy"}, "action", "is not allowed"),
        ({"value": "evil.example", "action": "BlockAndRemediate"}, "action", "does not go with DomainName"),
        ({"value": SHA1, "type": "CertificateThumbprint", "action": "Warn"}, "action", "does not go with"),
        ({"value": "evil.example", "action": "Audit"}, "generate_alert", "needs generate_alert=True"),
        ({"value": "evil.example", "generate_alert": "yes"}, "generate_alert", "neither True nor False"),
        ({"value": "evil.example", "title": " "}, "title", "no text"),
        ({"value": "evil.example", "severity": "Extreme"}, "severity", "Informational, Low, Medium, High"),
        ({"value": "evil.example", "expires": "2001-01-01"}, "expires", "over already"),
        ({"value": "evil.example", "expires": "-7d"}, "expires", "over already"),
        ({"value": "evil.example", "expires": timedelta(0)}, "expires", "over already"),
        ({"value": "evil.example", "rbac_group_names": []}, "rbac_group_names", "no device group"),
        ({"value": "evil.example", "rbac_group_names": "all"}, "rbac_group_names", "no list"),
        ({"value": MD5, "educate_url": "https://x.example"}, "educate_url", "goes with Warn and Block"),
        ({"value": "evil.example", "educate_url": "x.example"}, "educate_url", "no URL"),
        ({"value": "evil.example", "sevrity": "Low"}, "indicators", "did you mean 'severity'"),
        ({"value": "evil.example", "indicatorValue": "other.example"}, "indicators", "twice"),
        (("a", "b", "c"), "indicators", "no pair"),
        (7, "indicators", "no dict"),
    ],
)
def test_a_wrong_item_is_refused_before_anything_is_sent(
    side: Side, tenant: FakeTenant, item: Any, argument: str, told: str
) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        side.call(tenant, "indicators.upsert_many", ["good.example", item], **SAID)
    assert caught.value.argument == argument
    assert told in str(caught.value)
    assert tenant.requests == []
    outcomes = side.call(tenant, "indicators.import_many", ["good.example", item], **SAID)
    assert [type(one.error) for one in outcomes] == [type(None), xdrkit.InvalidArgumentError]
    assert values(tenant) == ["good.example"]


@pytest.mark.parametrize("given", ["evil.example", b"x", {"value": "evil.example"}, None])
def test_one_item_that_is_no_list_is_refused(side: Side, tenant: FakeTenant, given: Any) -> None:
    for method in ("upsert_many", "import_many"):
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            side.call(tenant, f"indicators.{method}", given, **SAID)
        assert caught.value.argument == "indicators"


def test_what_is_missing_is_told(side: Side, tenant: FakeTenant) -> None:
    for name in SAID:
        said = {**SAID, name: None}
        with pytest.raises(xdrkit.InvalidArgumentError, match="is missing") as caught:
            side.call(tenant, "indicators.upsert_many", domains(3), **said)
        assert caught.value.argument == name
        assert "and 2 more of 3 items" in str(caught.value)


def test_repetitions_are_sent_once_and_contradictions_refused(side: Side, tenant: FakeTenant) -> None:
    same = ["evil.example", "EVIL.example.", {"value": "evil.example"}]
    assert len(side.call(tenant, "indicators.upsert_many", same, **SAID)) == 1
    assert len(tenant.sent("POST", IMPORT)[0]["Indicators"]) == 1
    other = [*same, {"value": "evil.example", "action": "Warn"}]
    with pytest.raises(xdrkit.InvalidArgumentError, match="twice, with different action"):
        side.call(tenant, "indicators.upsert_many", other, **SAID)
    outcomes = side.call(tenant, "indicators.import_many", other, **SAID)
    assert [one.error is None for one in outcomes] == [True, True, True, False]
    assert [item["action"] for item in there(tenant)] == ["Block"]


def test_expiry_is_a_moment_or_a_while_from_now(side: Side, tenant: FakeTenant) -> None:
    now = datetime.now(timezone.utc)
    for expires, days in [("90d", 90), ("in 2w", 14), (timedelta(days=3), 3), (now + timedelta(days=5), 5)]:
        tenant.requests.clear()
        side.call(tenant, "indicators.upsert_many", ["evil.example"], expires=expires, **SAID)
        sent = tenant.sent("POST", IMPORT)[0]["Indicators"][0]["expirationTime"]
        assert abs(xdrkit._time.parse_datetime(sent) - now - timedelta(days=days)) < timedelta(minutes=5)


def test_an_item_that_the_service_refuses_does_not_cost_the_others(side: Side, tenant: FakeTenant) -> None:
    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        if not body:
            return None
        results = [
            {"id": None, "indicator": item["indicatorValue"], "isFailed": True, "failureReason": "it is yours"}
            if item["indicatorValue"] == "bad1.example"
            else tenant.upsert(item)
            for item in body["Indicators"]
        ]
        return 200, {"value": results[::-1]}

    tenant.hook = hook
    outcomes = side.call(tenant, "indicators.import_many", domains(3), **SAID)
    assert [one.id for one in outcomes.failed] == ["bad1.example"]
    assert isinstance(outcomes.failed[0].error, xdrkit.BadRequestError)
    assert "it is yours" in str(outcomes.failed[0].error)
    with pytest.raises(xdrkit.PartialFailureError) as caught:
        side.call(tenant, "indicators.upsert_many", domains(3), **SAID)
    assert len(caught.value.outcomes.ok) == 2


def test_a_batch_that_is_refused_for_one_item_is_parted(side: Side, tenant: FakeTenant) -> None:
    bad = {"bad7.example", "bad300.example", "bad301.example"}

    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        wrong = body and bad & {item["indicatorValue"] for item in body["Indicators"]}
        return failure(400, "InvalidRequestBody", f"no such thing: {min(wrong)}") if wrong else None

    tenant.hook = hook
    outcomes = side.call(tenant, "indicators.import_many", domains(400), **SAID)
    assert {one.id for one in outcomes.failed} == bad
    assert (len(outcomes.ok), len(there(tenant))) == (397, 397)
    assert [one.id for one in outcomes] == domains(400)
    assert len(tenant.sent("POST", IMPORT)) < 60


def test_a_batch_that_is_refused_for_what_all_have_is_not_tried_item_by_item(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = lambda *_: failure(400, "BadRequest", "the tenant has 15000 indicators")
    outcomes = side.call(tenant, "indicators.import_many", domains(500), **SAID)
    assert len(outcomes.failed) == 500
    assert len(tenant.requests) == 31
    assert "15000" in str(outcomes[0].error)


def test_a_missing_permission_is_the_outcome_of_all(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = lambda *_: failure(403, "Forbidden", "no")
    outcomes = side.call(tenant, "indicators.import_many", domains(3), **SAID)
    assert {type(one.error) for one in outcomes} == {xdrkit.PermissionDeniedError}
    with pytest.raises((xdrkit.PartialFailureError, xdrkit.PermissionDeniedError)):
        side.call(tenant, "indicators.upsert_many", domains(3), **SAID)


def test_an_answer_that_leaves_an_item_out_is_no_success(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = lambda *_: (200, {"value": []})
    outcomes = side.call(tenant, "indicators.import_many", ["evil.example"], **SAID)
    assert isinstance(outcomes[0].error, xdrkit.BadResponseError)


def test_a_batch_whose_answer_got_lost_is_sent_again(side: Side, tenant: FakeTenant) -> None:
    left = [2]

    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            return None
        for item in body["Indicators"]:
            tenant.upsert(item)
        return failure(503, "x", "it broke afterwards")

    tenant.hook = hook
    outcomes = side.call(tenant, "indicators.upsert_many", domains(2), **SAID)
    assert (len(outcomes.ok), len(there(tenant)), len(tenant.requests)) == (2, 2, 3)


def test_a_client_for_dry_runs_sends_nothing_and_claims_nothing(side: Side, tenant: FakeTenant) -> None:
    outcomes = side.call(tenant, "indicators.import_many", domains(2), client={"dry_run": True}, **SAID)
    assert {type(one.error) for one in outcomes} == {xdrkit.ActionRefusedError}
    plan = side.call(tenant, "indicators.sync", domains(2), scope="feed", client={"dry_run": True}, **SAID)
    assert (plan.dry_run, plan.counts["create"], plan.outcomes) == (True, 2, None)
    assert changes(tenant) == 0


# sync


def test_sync_makes_updates_and_deletes_and_does_nothing_the_second_time(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "stays.example", "feed")
    put(tenant, "differs.example", "feed", action="Warn", recommendedActions="look")
    put(tenant, "goes.example", "feed")
    put(tenant, "foreign.example", "other")
    put(tenant, "nobody.example", None)
    desired = ["stays.example", "differs.example", "new.example"]
    plan = side.call(tenant, "indicators.sync", desired, scope="feed", **SAID)
    assert plan.counts == {"create": 1, "update": 1, "renew": 0, "delete": 1, "unchanged": 1, "conflict": 0}
    assert values(tenant) == sorted([*desired, "foreign.example", "nobody.example"])
    updated = next(item for item in there(tenant) if item["indicatorValue"] == "differs.example")
    assert (updated["action"], updated["recommendedActions"]) == ("Block", "look")
    assert next(i for i in there(tenant) if i["indicatorValue"] == "new.example")["application"] == "feed"
    assert plan.of("update")[0].differences == {"action": ("Warn", "Block")}
    assert plan.outcomes is not None
    assert not plan.outcomes.failed
    before = changes(tenant)
    again = side.call(tenant, "indicators.sync", desired, scope="feed", **SAID)
    assert not again
    assert again.counts["unchanged"] == 3
    assert changes(tenant) == before


def test_a_dry_run_changes_nothing_and_prints_the_plan(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "differs.example", "feed", action="Warn")
    put(tenant, "goes.example", "feed")
    plan = side.call(tenant, "indicators.sync", ["differs.example", "new.example"], scope="feed", dry_run=True, **SAID)
    assert plan
    assert changes(tenant) == 0
    text = repr(plan)
    assert "dry run" in text
    assert "+ create DomainName new.example" in text
    assert "~ update DomainName differs.example (action: 'Warn' -> 'Block')" in text
    assert "- delete DomainName goes.example" in text
    assert "new.example" in plan._repr_html_()
    assert [change.kind for change in plan] == ["update", "create", "delete"]


def test_nothing_of_others_is_touched(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "same.example", "other")
    put(tenant, "differs.example", "other", action="Allowed")
    before = [dict(item) for item in there(tenant)]
    desired = ["same.example", "differs.example"]
    plan = side.call(tenant, "indicators.sync", desired, scope="feed", **SAID)
    assert (plan.counts["conflict"], plan.counts["unchanged"], bool(plan)) == (1, 1, False)
    assert "made by 'other'" in repr(plan.conflicts[0])
    assert there(tenant) == before
    assert changes(tenant) == 0
    taken = side.call(tenant, "indicators.sync", desired, scope="feed", take_over=True, **SAID)
    assert taken.counts["update"] == 1
    assert {item["action"] for item in there(tenant)} == {"Block"}
    assert "application" not in tenant.sent("POST", IMPORT)[0]["Indicators"][0]
    again = side.call(tenant, "indicators.sync", desired, scope="feed", take_over=True, **SAID)
    assert not again
    # They stay the others', so that they are not deleted with ours.
    side.call(tenant, "indicators.sync", [], scope="feed", allow_empty=True, **SAID)
    assert len(there(tenant)) == 2


def test_ours_is_found_behind_somebody_elses_of_the_same_value(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "evil.example", "other", action="Allowed")
    there(tenant).append({**there(tenant)[0], "id": "7", "application": "feed", "action": "Warn"})
    plan = side.call(tenant, "indicators.sync", ["evil.example"], scope="feed", dry_run=True, **SAID)
    assert [(change.kind, change.id) for change in plan] == [("update", "7")]


def test_an_id_of_ones_own_is_sent_as_the_service_spells_it(side: Side, tenant: FakeTenant) -> None:
    side.call(tenant, "indicators.upsert_many", [{"value": "evil.example", "external_id": "case 7"}], **SAID)
    assert tenant.sent("POST", IMPORT)[0]["Indicators"][0]["externalID"] == "case 7"


def test_a_while_is_renewed_when_little_is_left_and_a_moment_is_kept(side: Side, tenant: FakeTenant) -> None:
    now = datetime.now(timezone.utc)

    def in_days(days: float) -> str:
        return (now + timedelta(days=days)).isoformat().replace("+00:00", "Z")

    put(tenant, "fresh.example", "feed", expirationTime=in_days(10))
    put(tenant, "soon.example", "feed", expirationTime=in_days(5))
    put(tenant, "over.example", "feed", expirationTime=in_days(-5))
    put(tenant, "never.example", "feed")
    put(tenant, "longer.example", "feed", expirationTime=in_days(200))
    desired = ["fresh.example", "soon.example", "over.example", "never.example", "longer.example"]
    plan = side.call(tenant, "indicators.sync", desired, scope="feed", expires="30d", **SAID)
    assert [change.value for change in plan.of("renew")] == desired[1:]
    assert plan.counts["unchanged"] == 1
    assert not side.call(tenant, "indicators.sync", desired, scope="feed", expires="30d", **SAID)
    assert side.call(tenant, "indicators.sync", desired, scope="feed", expires="30d", renew_before="12d", **SAID)
    # Half of the while, or it would be renewed at every run.
    short = {"scope": "feed", "expires": "4d", **SAID}
    assert side.call(tenant, "indicators.sync", desired, **short)
    assert not side.call(tenant, "indicators.sync", desired, **short)
    fixed = {"scope": "feed", "expires": in_days(60), **SAID}
    assert side.call(tenant, "indicators.sync", desired, **fixed).counts["renew"] == 5
    assert not side.call(tenant, "indicators.sync", desired, **fixed)


def test_one_that_is_over_and_shall_never_end_is_made_anew(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "over.example", "feed", expirationTime="2020-01-01T00:00:00Z")
    plan = side.call(tenant, "indicators.sync", ["over.example"], scope="feed", dry_run=True, **SAID)
    assert (plan.counts["renew"], plan.active, plan.active_after) == (1, 0, 1)
    side.call(tenant, "indicators.sync", ["over.example"], scope="feed", **SAID)
    assert "expirationTime" not in tenant.sent("POST", IMPORT)[0]["Indicators"][0]


def fill(tenant: FakeTenant, application: str, n: int, **more: Any) -> None:
    first = len(there(tenant))
    there(tenant).extend(
        {
            "id": str(100_000 + i),
            "indicatorValue": f"{application}{i}.example",
            "indicatorType": "DomainName",
            "application": application,
            **SAID,
            **more,
        }
        for i in range(first, first + n)
    )


def test_the_cap_is_checked_before_anything_changes(side: Side, tenant: FakeTenant) -> None:
    fill(tenant, "other", 14_990)
    fill(tenant, "gone", 500, expirationTime="2020-01-01T00:00:00Z")
    with pytest.raises(xdrkit.LimitExceededError, match="15,001 active") as caught:
        side.call(tenant, "indicators.sync", domains(11), scope="feed", **SAID)
    assert "1 less" in str(caught.value)
    assert changes(tenant) == 0
    plan = side.call(tenant, "indicators.sync", domains(11), scope="feed", dry_run=True, **SAID)
    assert (plan.active, plan.active_after, plan.room) == (14_990, 15_001, -1)
    assert "too many" in repr(plan)
    plan = side.call(tenant, "indicators.sync", domains(10), scope="feed", **SAID)
    assert plan.room == 0


def test_deletions_come_last_unless_there_is_no_room(side: Side, tenant: FakeTenant) -> None:
    fill(tenant, "feed", 4)
    side.call(tenant, "indicators.sync", domains(3), scope="feed", **SAID)
    assert [path for method, path, *_ in tenant.requests if method == "POST"] == [IMPORT, DELETE]
    there(tenant).clear()
    tenant.requests.clear()
    fill(tenant, "other", 14_990)
    fill(tenant, "feed", 8)
    side.call(tenant, "indicators.sync", domains(5), scope="feed", **SAID)
    posts = [(path, len(next(iter(body.values())))) for method, path, _, body in tenant.requests if method == "POST"]
    assert posts == [(DELETE, 3), (IMPORT, 5), (DELETE, 5)]
    assert len(there(tenant)) == 14_995


def test_an_empty_list_deletes_nothing_unless_it_is_meant(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "ours.example", "feed")
    with pytest.raises(xdrkit.InvalidArgumentError, match="would delete everything"):
        side.call(tenant, "indicators.sync", [], scope="feed", **SAID)
    assert tenant.requests == []
    side.call(tenant, "indicators.sync", [], scope="feed", delete=False, **SAID)
    assert values(tenant) == ["ours.example"]
    side.call(tenant, "indicators.sync", [], scope="feed", allow_empty=True, **SAID)
    assert values(tenant) == []


def test_without_delete_what_is_gone_stays(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "old.example", "feed")
    plan = side.call(tenant, "indicators.sync", ["new.example"], scope="feed", delete=False, **SAID)
    assert plan.counts["delete"] == 0
    assert values(tenant) == ["new.example", "old.example"]


def test_one_that_somebody_else_deleted_meanwhile_is_deleted(side: Side, tenant: FakeTenant) -> None:
    fill(tenant, "feed", 700)
    taken = False

    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        nonlocal taken
        if path == DELETE and not taken:
            taken = True
            there(tenant)[:] = [item for item in there(tenant) if item["id"] not in ("100003", "100600")]
        return None

    tenant.hook = hook
    plan = side.call(tenant, "indicators.sync", ["new.example"], scope="feed", **SAID)
    assert values(tenant) == ["new.example"]
    assert len(plan.outcomes.ok) == 701
    assert [len(body["IndicatorIds"]) for body in tenant.sent("POST", DELETE)] == [500, 499, 200, 199]
    filters = [query.get("$filter") for method, _, query, _ in tenant.requests if method == "GET"]
    assert filters == [None, "application eq 'feed'", "application eq 'feed'"]


def test_one_that_the_list_shows_though_it_is_gone_is_deleted(side: Side, tenant: FakeTenant) -> None:
    fill(tenant, "feed", 9)

    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        gone = path == DELETE and "100004" in body["IndicatorIds"]
        return failure(404, "ResourceNotFound", "100004 was not found") if gone else None

    tenant.hook = hook
    plan = side.call(tenant, "indicators.sync", ["new.example"], scope="feed", **SAID)
    assert len(plan.outcomes.ok) == 10
    assert values(tenant) == ["feed4.example", "new.example"]


def test_one_that_cannot_be_deleted_does_not_cost_the_others(side: Side, tenant: FakeTenant) -> None:
    fill(tenant, "feed", 20)

    def hook(method: str, path: str, query: Any, body: Any) -> Any:
        stuck = path == DELETE and "100007" in body["IndicatorIds"]
        return failure(400, "BadRequest", "100007 is stuck") if stuck else None

    tenant.hook = hook
    plan = side.call(tenant, "indicators.sync", ["new.example"], scope="feed", on_error="collect", **SAID)
    assert [change.id for change in plan if change.outcome.error is not None] == ["100007"]
    assert "FAILED" in repr(plan)
    assert len(there(tenant)) == 2
    with pytest.raises((xdrkit.PartialFailureError, xdrkit.BadRequestError)):
        side.call(tenant, "indicators.sync", ["new.example"], scope="feed", **SAID)


def test_a_person_who_says_no_is_obeyed(side: Side, tenant: FakeTenant) -> None:
    put(tenant, "old.example", "feed")
    client = {"confirm": lambda plan: False}
    named = {"scope": "feed", "on_error": "collect", **SAID}
    plan = side.call(tenant, "indicators.sync", ["new.example"], client=client, **named)
    assert isinstance(plan.of("delete")[0].outcome.error, xdrkit.ActionRefusedError)
    assert "old.example" in values(tenant)


@pytest.mark.parametrize(
    ("more", "argument"),
    [
        ({"scope": ""}, "scope"),
        ({"scope": " feed"}, "scope"),
        ({"scope": "feed", "on_error": "ignore"}, "on_error"),
        ({"scope": "feed", "renew_before": "soon"}, "renew_before"),
        ({"scope": "feed", "action": None}, "action"),
    ],
)
def test_wrong_arguments_of_sync_are_refused_before_anything_is_sent(
    side: Side, tenant: FakeTenant, more: dict[str, Any], argument: str
) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        side.call(tenant, "indicators.sync", ["new.example"], **{**SAID, **more})
    assert caught.value.argument == argument
    assert tenant.requests == []


def test_an_item_of_another_application_is_refused(side: Side, tenant: FakeTenant) -> None:
    with pytest.raises(xdrkit.InvalidArgumentError, match="of the application 'other'"):
        side.call(tenant, "indicators.sync", [{"value": "a.example", "application": "other"}], scope="feed", **SAID)
    assert tenant.requests == []


def test_the_sandbox_takes_them_and_is_kept_in_step(side: Side, sb: xdrkit.Sandbox) -> None:
    said = {**SAID, "expires": "30d", "severity": "High"}
    given = [SHA256, "1.2.3.4", {"value": "evil.example", "external_id": "case 7"}, "https://evil.example/x"]
    foreign = len(side.call(sb, "indicators.list"))
    plan = side.call(sb, "indicators.sync", given, scope="feed", **said)
    assert not plan.outcomes.failed
    assert (plan.counts["create"], plan.active) == (4, foreign)
    again = side.call(sb, "indicators.sync", given, scope="feed", **said)
    assert (bool(again), again.counts["unchanged"]) == (False, 4)
    less = side.call(sb, "indicators.sync", given[1:], scope="feed", **{**said, "action": "Warn"})
    assert (less.counts["update"], less.counts["delete"]) == (3, 1)
    assert not less.outcomes.failed
    left = [item for item in side.call(sb, "indicators.list") if item["application"] == "feed"]
    assert {item["action"] for item in left} == {"Warn"}
    assert len(left) == 3
    outcomes = side.call(sb, "indicators.import_many", domains(1100), **said)
    assert len(outcomes.ok) == 1100
    assert len(side.call(sb, "indicators.list")) == foreign + 1103
