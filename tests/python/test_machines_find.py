"""Finding machines by what people call them. Both clients."""

from __future__ import annotations

import ipaddress
import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

import xdrkit

from .faces import Face, operations_of


def first(face: Face) -> dict[str, Any]:
    found: dict[str, Any] = face.all("machines.list", top=1)[0]
    return found


def filters(sb: xdrkit.Sandbox) -> list[str]:
    """The filters that lists were asked with."""
    asked = [r["query"] for r in sb.requests if r["operation"] == "machines.list"]
    parts = [unquote(part) for query in asked for part in query.split("&")]
    return [part.partition("=")[2] for part in parts if part.startswith("$filter=")]


def test_an_id_is_one_read(sb: xdrkit.Sandbox, face: Face) -> None:
    machine = first(face)
    assert face("machines.find", machine["id"].upper()) == [face("machines.get", machine["id"])]
    assert operations_of(sb, "machines.list") == ["machines.get"] * 2
    assert face("machines.find", "f" * 40) == []
    assert face("machines.find", id=machine["id"])[0]["id"] == machine["id"]


def test_a_name_is_found_in_any_case_and_without_its_domain(sb: xdrkit.Sandbox, face: Face) -> None:
    machine = first(face)
    name = machine["computerDnsName"]
    host = name.partition(".")[0]
    for query in (name, name.upper(), f"  {name}. ", host, host.title()):
        assert [found["id"] for found in face("machines.find", query)] == [machine["id"]], query
    assert [found["id"] for found in face("machines.find", name=host)] == [machine["id"]]
    # A host name is all that stands before the first dot.
    assert face("machines.find", host[:-1]) == []
    assert operations_of(sb, "machines.list") == []


def test_the_very_name_goes_before_names_that_begin_so(sb: xdrkit.Sandbox, face: Face) -> None:
    both = [{"id": "1", "computerDnsName": "ws1.corp.example"}, {"id": "2", "computerDnsName": "WS1"}]
    sb.fault(operation="machines.list", status=200, body={"value": both}, times=None)
    assert [found["id"] for found in face("machines.find", "ws1")] == ["2"]
    assert face("machines.find_one", "ws1")["id"] == "2"


@pytest.mark.parametrize("query", ["x' or 1 eq 1 or 'a' eq 'a", "x') or (true", "o'brien-pc", "''", "100%", "a&$top=1"])
def test_no_name_gets_out_of_its_quotes(sb: xdrkit.Sandbox, face: Face, query: str) -> None:
    assert face("machines.find", name=query) == []
    doubled = query.replace("'", "''")
    assert filters(sb) == [f"computerDnsName eq '{doubled}' or startswith(computerDnsName,'{doubled}.')"]


def test_an_entra_device_id_is_found(face: Face) -> None:
    machine = next(m for m in face.all("machines.list") if m["aadDeviceId"])
    for query in (machine["aadDeviceId"], machine["aadDeviceId"].upper()):
        assert [found["id"] for found in face("machines.find", query)] == [machine["id"]]
    assert face("machines.find", aad_device_id=uuid.UUID(machine["aadDeviceId"]))[0]["id"] == machine["id"]
    assert face("machines.find", str(uuid.UUID(int=5))) == []


def test_an_address_is_looked_up_now_and_as_the_last_one(sb: xdrkit.Sandbox, face: Face) -> None:
    machine = first(face)
    other = {"id": "e" * 40, "computerDnsName": "other"}
    sb.fault(operation="machines.find_by_ip", status=200, body={"value": [other, machine]}, times=None)
    address = machine["lastIpAddress"]
    assert [found["id"] for found in face("machines.find", address)] == ["e" * 40, machine["id"]]
    assert face("machines.find", ip=ipaddress.ip_address(address)) == face("machines.find", ip=address)
    assert filters(sb)[0] == f"lastIpAddress eq '{address}'"
    # At another time the last address says nothing.
    before = len(filters(sb))
    assert len(face("machines.find", address, at=timedelta(days=2))) == 2
    assert len(filters(sb)) == before
    paths = [unquote(r["path"]) for r in sb.requests if r["operation"] == "machines.find_by_ip"]
    assert all(f"findbyip(ip='{address}',timestamp=20" in path for path in paths)
    assert paths[0] != paths[-1]


def test_no_machine_of_an_address_is_an_empty_list(sb: xdrkit.Sandbox, face: Face) -> None:
    gone = {"error": {"code": "ResourceNotFound", "message": "none"}}
    sb.fault(operation="machines.find_by_ip", status=404, body=gone)
    assert face("machines.find", "203.0.113.77") == []


def test_a_tag_is_found(sb: xdrkit.Sandbox, face: Face) -> None:
    sb.fault(operation="machines.find_by_tag", status=200, body={"value": [{"id": "1"}]})
    assert face("machines.find", tag="Finance & more") == [{"id": "1"}]
    (query,) = [unquote(r["query"]) for r in sb.requests if r["operation"] == "machines.find_by_tag"]
    assert query == "tag=Finance & more"


@pytest.mark.parametrize(
    ("arguments", "options", "argument"),
    [
        ((), {}, "query"),
        (("a",), {"name": "a"}, "query"),
        ((), {"name": "a", "tag": "b"}, "query"),
        (("",), {}, "query"),
        (("  ",), {}, "query"),
        ((7,), {}, "query"),
        ((), {"id": "ws1"}, "id"),
        ((), {"ip": "10.0.0"}, "ip"),
        ((), {"aad_device_id": "a" * 40}, "aad_device_id"),
        (("ws1",), {"at": "-1d"}, "at"),
        (("10.0.0.1",), {"at": "yesterday"}, "at"),
    ],
)
def test_what_can_not_be_looked_for_is_refused_by_name(
    sb: xdrkit.Sandbox, face: Face, arguments: Any, options: dict[str, Any], argument: str
) -> None:
    for method in ("machines.find", "machines.find_one"):
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            face(method, *arguments, **options)
        assert caught.value.argument == argument
    assert sb.requests == []


def test_one_is_found_or_the_doubt_is_said(sb: xdrkit.Sandbox, face: Face) -> None:
    machine = first(face)
    assert face("machines.find_one", machine["computerDnsName"])["id"] == machine["id"]
    with pytest.raises(xdrkit.NotFoundError, match="no machine of the name 'nowhere'"):
        face("machines.find_one", "nowhere")
    with pytest.raises(xdrkit.NotFoundError):
        face("machines.find_one", "f" * 40)
    twins = [{"id": str(i), "computerDnsName": "ws1.a", "healthStatus": "Active", "lastSeen": "x"} for i in range(7)]
    sb.fault(operation="machines.list", status=200, body={"value": twins}, times=None)
    with pytest.raises(
        xdrkit.InvalidArgumentError, match=r"7 machines have the name 'ws1': 0 \(ws1.a.*and 2 more"
    ) as caught:
        face("machines.find_one", name="ws1")
    assert caught.value.argument == "name"
    assert caught.value.allowed == [str(i) for i in range(7)]


def test_what_is_forbidden_is_not_taken_for_nothing(sb: xdrkit.Sandbox, face: Face) -> None:
    no = {"error": {"code": "Forbidden", "message": "no"}}
    for operation in ("machines.list", "machines.get", "machines.find_by_ip", "machines.find_by_tag"):
        sb.fault(operation=operation, status=403, body=no)
    for given in ({"name": "ws1"}, {"id": "a" * 40}, {"ip": "10.0.0.1"}, {"tag": "t"}):
        with pytest.raises(xdrkit.PermissionDeniedError):
            face("machines.find", **given)
