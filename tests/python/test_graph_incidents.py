"""Incidents with their alerts where the service fails at that, and incidents that were merged into others. Sync and async alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import xdrkit

from .fake_tenant import FakeTenant, Side, ago, failure

LIST, ALERTS = "/v1.0/security/incidents", "/v1.0/security/alerts_v2"


@pytest.fixture(params=["sync", "async"])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param == "async")


@pytest.fixture
def tenant() -> Iterator[FakeTenant]:
    """Twenty-five incidents with two alerts each; alerts come only where they are asked for."""
    with FakeTenant() as running:
        running.lists[LIST] = [
            {"id": str(n), "displayName": f"incident {n}", "lastUpdateDateTime": ago(1000 - n)} for n in range(25)
        ]
        running.lists[ALERTS] = [
            {"id": f"{n}-{i}", "incidentId": str(n), "lastUpdateDateTime": ago(1)} for n in range(25) for i in range(2)
        ]
        running.hook = expanding(running)
        yield running


def with_alerts(tenant: FakeTenant, incident: dict[str, Any]) -> dict[str, Any]:
    alerts = [alert for alert in tenant.lists[ALERTS] if alert["incidentId"] == incident["id"]]
    return {**incident, "alerts": alerts}


def expanding(tenant: FakeTenant, most: int = 50, big: tuple[str, ...] = (), at: int = 10**9) -> Any:
    """The service's `$expand`: it fails for pages of more than `most`, for the incidents `big`, and from the item `at` on."""

    def hook(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if "$expand" not in query:
            return None
        status, answer = tenant.serve(method, path, query, body)
        if path != LIST:
            if status != 200:
                return status, answer
            return failure(500, "x", "big") if answer["id"] in big else (200, with_alerts(tenant, answer))
        if int(query.get("$top", 50)) > most or int(query.get("$skip", 0)) + len(answer["value"]) > at:
            return failure(500, "UnknownError", "")
        return 200, {**answer, "value": [with_alerts(tenant, item) for item in answer["value"]]}

    return hook


def expanded(tenant: FakeTenant) -> list[Any]:
    return [with_alerts(tenant, item) for item in tenant.lists[LIST]]


def asked(tenant: FakeTenant, **query: str) -> int:
    names = {f"${name}": value for name, value in query.items()}
    return sum(p == LIST and all(q.get(n) == v for n, v in names.items()) for _, p, q, _ in tenant.requests)


def test_alerts_come_with_the_list_where_the_service_can(side: Side, tenant: FakeTenant) -> None:
    found = side.call(tenant, "graph.incidents.list", expand="alerts")
    assert found == expanded(tenant)
    assert asked(tenant, expand="alerts") == sum(p.startswith(LIST) for _, p, _, _ in tenant.requests)


def test_smaller_pages_are_tried(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = expanding(tenant, most=20)
    assert side.call(tenant, "graph.incidents.list", expand="alerts") == expanded(tenant)
    assert all("$expand" in query for _, _, query, _ in tenant.requests)


def test_the_alerts_of_each_are_asked_for_in_the_end(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = expanding(tenant, most=0)
    kept = "lastUpdateDateTime ge 2020-01-01T00:00:00Z"
    assert side.call(tenant, "graph.incidents.list", expand=["alerts"], filter=kept) == expanded(tenant)
    assert sum(path.startswith(LIST + "/") for _, path, _, _ in tenant.requests) == 25
    lists = [query for _, path, query, _ in tenant.requests if path == LIST]
    assert all(query["$filter"] == kept for query in lists)


def test_a_failure_in_the_middle_gives_nothing_twice_and_loses_nothing(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = expanding(tenant, at=14)
    found = side.call(tenant, "graph.incidents.list", expand="alerts", page_size=7)
    assert found == expanded(tenant)


def test_a_limit_holds_across_the_fall_back(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = expanding(tenant, at=5)
    assert side.call(tenant, "graph.incidents.list", expand="alerts", top=12) == expanded(tenant)[:12]

    def first(client: Any) -> Any:
        return client.graph.incidents.list(expand="alerts").collect(3)

    if not side.is_async:
        with side.client(tenant) as client:
            assert first(client) == expanded(tenant)[:3]
        # The service is asked for no more than is wanted.
        assert tenant.requests[-1][2]["$top"] == "3"


def test_an_incident_that_is_too_big_by_itself_gets_its_alerts_from_their_list(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = expanding(tenant, most=0, big=("3", "9"))
    assert side.call(tenant, "graph.incidents.list", expand="alerts") == expanded(tenant)
    filters = [query.get("$filter") for _, path, query, _ in tenant.requests if path == ALERTS]
    assert filters == ["incidentId eq '3'", "incidentId eq '9'"]
    assert side.call(tenant, "graph.incidents.get", "9", expand="alerts") == expanded(tenant)[9]


def test_the_alerts_of_a_big_incident_come_from_all_pages(side: Side, tenant: FakeTenant) -> None:
    inner = expanding(tenant, most=0, big=("3",))

    def hook(method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path != ALERTS:
            return inner(method, path, query, body)
        if "$skiptoken" in query:
            return 200, {"value": [{"id": "last"}]}
        return 200, {"value": [{"id": "first"}], "@odata.nextLink": f"{tenant.url}{ALERTS}?$skiptoken=a"}

    tenant.hook = hook
    assert side.call(tenant, "graph.incidents.get", "3", expand="alerts")["alerts"] == [{"id": "first"}, {"id": "last"}]


def test_an_incident_that_cannot_be_had_is_an_error_and_no_gap(side: Side, tenant: FakeTenant) -> None:
    inner = expanding(tenant, most=0)
    gone = LIST + "/4"
    tenant.hook = lambda m, p, q, b: failure(404, "NotFound", "gone") if p == gone else inner(m, p, q, b)
    with pytest.raises(xdrkit.NotFoundError):
        side.call(tenant, "graph.incidents.list", expand="alerts")


def test_where_nothing_helps_the_services_error_is_raised(side: Side, tenant: FakeTenant) -> None:
    inner = expanding(tenant, most=0, big=("3",))
    tenant.hook = lambda m, path, q, b: failure(400, "BadRequest", "no") if path == ALERTS else inner(m, path, q, b)
    with pytest.raises(xdrkit.ServiceError) as caught:
        side.call(tenant, "graph.incidents.list", expand="alerts")
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, xdrkit.PermissionDeniedError), (400, xdrkit.BadRequestError), (503, xdrkit.ServiceError)],
)
def test_other_failures_are_no_reason_to_fall_back(side: Side, tenant: FakeTenant, status: int, error: Any) -> None:
    tenant.hook = lambda *_: failure(status, "x", "no")
    with pytest.raises(error):
        side.call(tenant, "graph.incidents.list", expand="alerts")
    assert {query.get("$expand") for _, _, query, _ in tenant.requests} == {"alerts"}


def test_without_expand_a_failure_is_a_failure(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = lambda *_: failure(500, "x", "no")
    with pytest.raises(xdrkit.ServiceError):
        side.call(tenant, "graph.incidents.list")
    assert not any(path.startswith(LIST + "/") for _, path, _, _ in tenant.requests)


def test_a_list_with_alerts_is_still_a_list(side: Side, tenant: FakeTenant) -> None:
    with xdrkit.Client(**side.options(tenant, {})) as client:
        pages = client.graph.incidents.list(expand="alerts")
        assert isinstance(pages, xdrkit.Pages)
        assert "graph.incidents.list" in repr(pages)
        assert tenant.requests == []
        with pytest.raises(xdrkit.InvalidArgumentError):
            client.graph.incidents.list(expand="nothing")
        assert pages.first() == expanded(tenant)[0]


def test_a_watch_with_alerts_falls_back_too(side: Side, tenant: FakeTenant) -> None:
    tenant.hook = expanding(tenant, most=0)
    found = side.loop(tenant, "graph.incidents.watch", once=True, since="1h", expand="alerts")
    assert found == expanded(tenant)


# Merged incidents

PLACES = [("graph.incidents.get", LIST, "id", str), ("incidents.get", "/api/incidents", "incidentId", int)]


@pytest.mark.parametrize(("method", "path", "key", "kind"), PLACES)
def test_a_merged_incident_is_followed_on_request(
    side: Side, tenant: FakeTenant, method: str, path: str, key: str, kind: Any
) -> None:
    tenant.lists[path] = [
        {key: kind(1), "redirectIncidentId": kind(2)},
        {key: kind(2), "redirectIncidentId": kind(3)},
        {key: kind(3), "redirectIncidentId": None},
    ]
    assert side.call(tenant, method, kind(1))[key] == kind(1)
    assert len(tenant.requests) == 1
    assert side.call(tenant, method, kind(1), follow=True)[key] == kind(3)
    assert side.call(tenant, method, "3", follow=True)[key] == kind(3)


@pytest.mark.parametrize(("method", "path", "key", "kind"), PLACES)
def test_redirections_that_do_not_end_are_an_error(
    side: Side, tenant: FakeTenant, method: str, path: str, key: str, kind: Any
) -> None:
    tenant.lists[path] = [{key: kind(n), "redirectIncidentId": kind(3 - n)} for n in (1, 2)]
    with pytest.raises(xdrkit.BadResponseError, match="in a circle: 1 -> 2 -> 1"):
        side.call(tenant, method, kind(1), follow=True)
    assert len(tenant.requests) == 2
    tenant.lists[path] = [{key: kind(n), "redirectIncidentId": kind(n + 1)} for n in range(1, 99)]
    tenant.requests.clear()
    with pytest.raises(xdrkit.BadResponseError, match="more than 10 steps"):
        side.call(tenant, method, kind(1), follow=True)
    assert len(tenant.requests) == 11


def test_a_merged_incident_is_followed_with_its_alerts(side: Side, tenant: FakeTenant) -> None:
    tenant.lists[LIST][0]["redirectIncidentId"] = "5"
    found = side.call(tenant, "graph.incidents.get", "0", follow=True, expand="alerts")
    assert found == expanded(tenant)[5]


def test_a_redirection_to_nowhere_is_not_found(side: Side, tenant: FakeTenant) -> None:
    tenant.lists[LIST][0]["redirectIncidentId"] = "404"
    with pytest.raises(xdrkit.NotFoundError):
        side.call(tenant, "graph.incidents.get", "0", follow=True)
