"""The declaration has all that is documented and all that the service's metadata offers; what it leaves out or says otherwise stands here
with its reason.

The facts are in tests/data/operations. Nothing here is derived from the declaration: what is compared with it was read elsewhere.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import xdrkit

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT / "tests" / "data" / "operations"
REFERENCE = ROOT / "docs" / "reference"
DOCUMENTED: dict[str, dict[str, Any]] = {
    f"{fact['service']}.{fact['name']}": fact
    for fact in json.loads((FACTS / "documented.json").read_text(encoding="utf-8"))
}
METADATA: dict[str, Any] = json.loads((FACTS / "metadata.json").read_text(encoding="utf-8"))
DECLARED = {op["id"]: op for op in xdrkit.operations()}

# Documented operations by service, operations that the declaration takes in by service, and how many of those are undocumented.
COUNTS = {"endpoint": (115, 142, 24), "xdr": (4, 4, 0), "graph": (17, 17, 0)}

# Pages that are several operations here, or share a path.
TWINS = {
    "endpoint.add_or_remove_machine_tag": ["machines.add_tag", "machines.remove_tag"],
    "endpoint.add_or_remove_tag_for_multiple_machines": ["machines.add_tag_to_many", "machines.remove_tag_from_many"],
    "endpoint.information_gathering_export": ["exports.information_gathering_files"],
    "endpoint.device_av_health_export": ["av_health.export_files"],
}
# Documented on a page that describes no operation of its own (the OData samples).
SAMPLES = {"machines.count_alerts"}
# In no metadata; third parties call it.
HEARSAY = {"indicators.get"}

METADATA_ONLY = "the metadata has it: an id of the caller's own, by which an action is found again"
FIXED = "sent by itself: the operation has one name for each value, or the value is always the same"
PATCH = "a PATCH changes what it is given; the page repeats the table of the POST"
UNSAID = "the page does not say whether it must be there; what acts on a machine says why"

Difference = tuple[Any, Any, str]
ACTIONS = (
    *(f"machines.{verb}" for verb in ("collect_package", "isolate", "unisolate", "restrict", "unrestrict", "scan")),
    *("machines.offboard", "machines.quarantine_file", "live_response.start", "investigations.start"),
)
# (operation, aspect) -> what is documented and not declared, what is declared and not documented, why.
DIFFERENCES: dict[tuple[str, str], Difference] = {
    **{(id, "body"): ([], ["ExternalId"], METADATA_ONLY) for id in ACTIONS},
    **{
        (id, aspect): (["Action"], [], FIXED)
        for id in (
            "machines.add_tag",
            "machines.remove_tag",
            "machines.add_tag_to_many",
            "machines.remove_tag_from_many",
        )
        for aspect in ("body", "required")
    },
    **{(f"graph.{group}.comment", "body"): (["@odata.type"], [], FIXED) for group in ("incidents", "alerts")},
    **{
        (f"graph.{group}.comment", "required"): ([], ["comment"], "a comment without a text is none")
        for group in ("incidents", "alerts")
    },
    ("machine_actions.cancel", "required"): ([], ["Comment"], UNSAID),
    ("live_response.start", "required"): ([], ["Commands", "Comment"], UNSAID + "; a session without commands is none"),
    ("machines.find_by_internal_ip", "path"): (
        "/api/machines/find(timestamp={},key={})",
        "/api/machines/find(timestamp={},key='{}')",
        "the page's example quotes the address, as an OData text must be",
    ),
    ("alerts.list", "filterable"): (
        ["InvestigationId"],
        ["investigationId"],
        "the page has both spellings; the entity has this one",
    ),
    ("exports.browser_permissions", "filterable"): (
        ["cvssV3", "description", "id", "name", "publishedOn", "severity", "updatedOn"],
        [],
        "copied from the vulnerabilities: the entity has none of them but the description",
    ),
    **{
        (f"baselines.{verb}", aspect): ([], [permission], "no table on the page: those of the baselines' export")
        for verb in ("profiles", "configurations")
        for aspect, permission in (
            ("app_permissions", "SecurityBaselinesAssessment.Read.All"),
            ("delegated_permissions", "SecurityBaselinesAssessment.Read"),
        )
    },
    ("graph.hunting.schema", "delegated_permissions"): (
        [],
        ["ThreatHunting.Read.All"],
        "the page's table was not to be had; it is the permission of the query beside it",
    ),
    ("graph.detection_rules.list", "page"): (None, 1000, "the page names no largest page; it is the largest Graph has"),
    ("graph.alerts.update", "body"): (["customDetails"], [], "in the model, on no page: its form is not known"),
    ("graph.detection_rules.update", "body"): (["id"], [], "it is in the path"),
    ("graph.detection_rules.update", "required"): (
        ["displayName", "id", "queryCondition", "schedule", "status"],
        [],
        PATCH,
    ),
    ("scans.update", "required"): (
        [
            "intervalInHours",
            "isActive",
            "scanAuthenticationParams",
            "scanName",
            "scanType",
            "scannerAgent",
            "target",
            "targetType",
        ],
        [],
        PATCH,
    ),
    ("av_health.export_files", "quota"): (
        {"per_minute": 30, "per_hour": 1000},
        {"per_minute": 5, "per_hour": 20},
        "two pages for one path: the lower limits (quirk 4)",
    ),
    ("incidents.get", "quota"): (
        {"per_minute": 100, "per_hour": 1500},
        {"per_minute": 50, "per_hour": 1500},
        "another page names these for all calls on incidents: the lower",
    ),
}

SAME = "another name of a set that is declared"
PARTS_ONLY = "nothing stands behind the set itself: the service has only what is bound to one of its items"
# What the metadata offers and the declaration leaves out.
GAPS: dict[str, str] = {
    "set AlertEntitySetName": SAME + " (Alerts)",
    "set MachineAction": SAME + " (MachineActions)",
    "set PublicProductDto": SAME + " (Software)",
    "set PublicVulnerabilityDto": SAME + " (Vulnerabilities)",
    "set BrowserExtensions": PARTS_ONLY,
    "set Domains": PARTS_ONLY,
    "set Firmware": PARTS_ONLY,
    "set Ips": PARTS_ONLY,
    "function BigPageSize of Collection(Machine)": "a switch of the service's own for its page size, which a caller cannot set",
    "action InitiateInvestigation of Machine": "the older form of StartInvestigation: it answers a bare number",
    "action RunCustomPlaybook of Machine": "the older name of RunLiveResponse, with the same parameters",
}
# Heard of, and in neither documentation nor metadata: `client.request()` is there for them (quirk 23).
UNPROVEN = ["POST /api/files/{}/block", "POST /api/files/{}/unblock", "GET /api/public/avdeviceshealth"]
# Parameters of actions that are the portal's own bookkeeping, and one that the documentation has elsewhere.
BOOKKEEPING = {"RequestSource", "Title"}
UNUSED = {("machine_actions.cancel", "ExternalId"): "an action that is cancelled has its own id already"}


def template(path: str) -> str:
    """A path without the names of its placeholders."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def declared_for(name: str) -> list[dict[str, Any]]:
    """The declared operations of a documented one."""
    fact = DOCUMENTED[name]
    if name in TWINS:
        return [DECLARED[id] for id in TWINS[name]]

    def key(op: dict[str, Any]) -> tuple[str, str, str]:
        return op["service"], op["method"], template(op["path"]).replace("'{}'", "{}")

    return [op for op in DECLARED.values() if key(op) == key(fact)]


def names(op: dict[str, Any], *places: str, required: bool = False) -> set[str]:
    return {p["wire"] for p in op["params"] if p["in"] in places and (p["required"] or not required)}


def differences(fact: dict[str, Any], op: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Each aspect in which documentation and declaration differ, with both sides' surplus."""
    sets: dict[str, tuple[set[str], set[str]]] = {
        "app_permissions": (set(fact.get("app_permissions", [])), set(op["app_permissions"])),
        "delegated_permissions": (set(fact.get("delegated_permissions", [])), set(op["delegated_permissions"])),
        "filterable": (set(fact.get("filterable", [])), set(op["filterable"])),
        # The page size is not an argument of the call but of the walk over the pages.
        "query": ({*fact.get("options", []), *fact.get("query", {})} - {"pageSize"}, names(op, "query")),
        "body": (set(fact.get("body", {})), names(op, "body", "form")),
        "required": (
            {name for where in ("body", "query") for name, about in fact.get(where, {}).items() if about["required"]},
            names(op, "body", "form", "query", required=True),
        ),
    }
    found: dict[str, tuple[Any, Any]] = {
        aspect: (sorted(documented - declared), sorted(declared - documented))
        for aspect, (documented, declared) in sets.items()
        if documented != declared
    }
    largest = fact.get("query", {}).get("pageSize", {}).get("max", fact.get("top_max"))
    quota = {name: op["quota"][name] for name in ("per_minute", "per_hour") if op["quota"][name]}
    for aspect, documented, declared in (
        ("path", template(fact["path"]), template(op["path"])),
        ("method", fact["method"], op["method"]),
        ("service", fact["service"], op["service"]),
        ("page", largest, op["page_max"]),
        # Where a page names no limit, the class of its neighbours holds.
        ("quota", fact.get("rate", quota), quota),
        ("deprecated", fact.get("deprecated", False), op["deprecated"] is not None),
    ):
        if documented != declared:
            found[aspect] = (documented, declared)
    return found


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_operation_is_declared_as_it_is_documented(name: str) -> None:
    fact = DOCUMENTED[name]
    declared = declared_for(name)
    assert len(declared) == len(TWINS.get(name, [1])), [op["id"] for op in declared]
    for op in declared:
        assert op["documented"]
        explained = {aspect: sides[:2] for (id, aspect), sides in DIFFERENCES.items() if id == op["id"]}
        assert differences(fact, op) == explained


def test_no_two_documented_operations_are_one_declared() -> None:
    taken = Counter(op["id"] for name in DOCUMENTED for op in declared_for(name))
    assert [id for id, times in taken.items() if times > 1] == []


def test_whatever_is_declared_as_documented_is_documented() -> None:
    documented = {op["id"] for name in DOCUMENTED for op in declared_for(name)}
    assert {id for id, op in DECLARED.items() if op["documented"]} == documented | SAMPLES


@pytest.mark.parametrize("service", COUNTS)
def test_the_counts_by_service(service: str) -> None:
    documented = sum(fact["service"] == service for fact in DOCUMENTED.values())
    declared = [op for op in DECLARED.values() if op["service"] == service]
    undocumented = [op["id"] for op in declared if not op["documented"]]
    found = (documented, len(declared), len(undocumented))
    assert found == COUNTS[service], (
        f"{service}: {documented} documented, {len(declared)} declared, {len(undocumented)} of them undocumented: {undocumented}"
    )


@pytest.mark.parametrize("key", DIFFERENCES, ids=lambda key: " ".join(key))
def test_every_difference_has_its_reason(key: tuple[str, str]) -> None:
    assert key[0] in DECLARED
    assert len(DIFFERENCES[key][2].split()) > 2


def members() -> list[tuple[str, str, list[str]]]:
    return [
        (name, wire, about["members"])
        for name, fact in DOCUMENTED.items()
        for where in ("body", "query")
        for wire, about in fact.get(where, {}).items()
        if "members" in about and wire != "Action"
    ]


@pytest.mark.parametrize(("name", "wire", "known"), members(), ids=lambda v: v if isinstance(v, str) else "")
def test_every_documented_member_of_an_enumeration_is_known(name: str, wire: str, known: list[str]) -> None:
    for op in declared_for(name):
        (param,) = (p for p in op["params"] if p["wire"] == wire)
        assert set(param["enum"]) == set(known)


def limits() -> list[tuple[str, str, int]]:
    return [
        (name, wire, about["max"])
        for name, fact in DOCUMENTED.items()
        for where in ("body", "query")
        for wire, about in fact.get(where, {}).items()
        if "max" in about and wire != "pageSize"
    ]


# Required arguments beside the one that is measured.
BESIDE: dict[str, dict[str, Any]] = {
    "domains.stats": {"domain": "contoso.com"},
    "files.stats": {"hash": "a" * 40},
    "ips.stats": {"ip": "10.0.0.1"},
    "machines.add_tag_to_many": {"tag": "t"},
    "machines.remove_tag_from_many": {"tag": "t"},
}


@pytest.mark.parametrize(("name", "wire", "most"), limits(), ids=lambda v: str(v))
def test_every_documented_limit_of_an_argument_is_kept(name: str, wire: str, most: int) -> None:
    core = xdrkit.Client("t.onmicrosoft.com", "66666666-7777-8888-9999-000000000000", "s")._core
    item: Any = {"indicatorValue": "a"} if wire == "Indicators" else "x"

    def value(size: int) -> Any:
        return size if wire in ("lookBackHours", "sasValidHours") else [item] * size

    for op in declared_for(name):
        (param,) = (p for p in op["params"] if p["wire"] == wire)
        beside = BESIDE.get(op["id"], {})
        core.preview(op["id"], {**beside, param["name"]: value(most)})
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            core.preview(op["id"], {**beside, param["name"]: value(most + 1)})
        assert caught.value.argument == param["name"]


# The service's metadata


def paths() -> dict[tuple[str, str], dict[str, Any]]:
    """The Endpoint service's operations by method and path, in small letters and without the arguments of functions."""
    endpoint = [op for op in DECLARED.values() if op["service"] == "endpoint"]
    return {(op["method"], re.sub(r"\(.*\)", "", template(op["path"])).lower()): op for op in endpoint}


PATHS = paths()
SETS: dict[str, str] = METADATA["entity_sets"]


def behind_set(name: str) -> list[dict[str, Any]]:
    places = (f"/api/{name.lower()}", f"/api/{name.lower()}/{{}}")
    return [op for (method, path), op in PATHS.items() if method == "GET" and path in places]


def bound(method: str, item: dict[str, Any]) -> dict[str, Any] | None:
    """The declared operation of an action or a function."""
    many = re.fullmatch(r"Collection\((.*)\)", item["bound_to"])
    of = many.group(1) if many else item["bound_to"]
    for name in (name for name, ty in SETS.items() if ty == of):
        found = PATHS.get((method, f"/api/{name}{'' if many else '/{}'}/{item['name']}".lower()))
        if found:
            return found
    return None


def offered() -> dict[str, bool]:
    """All that the metadata offers, and whether it is declared."""
    return {
        **{f"set {name}": bool(behind_set(name)) for name in SETS},
        **{f"action {i['name']} of {i['bound_to']}": bool(bound("POST", i)) for i in METADATA["actions"]},
        **{f"function {i['name']} of {i['bound_to']}": bool(bound("GET", i)) for i in METADATA["functions"]},
    }


def test_all_that_the_metadata_offers_is_declared_or_a_gap_with_its_reason() -> None:
    found = offered()
    assert len(found) == 31 + 29 + 63
    assert {name for name, there in found.items() if not there} == set(GAPS)
    assert all(len(reason.split()) > 2 for reason in GAPS.values())


def test_what_is_only_heard_of_is_not_declared() -> None:
    known = {f"{op['method']} {template(op['path'])}" for op in DECLARED.values()}
    assert [path for path in UNPROVEN if path in known] == []


def test_every_undocumented_operation_is_in_the_metadata() -> None:
    known = {op["id"] for name in SETS for op in behind_set(name)}
    for method, kind in (("POST", "actions"), ("GET", "functions")):
        known |= {found["id"] for item in METADATA[kind] if (found := bound(method, item))}
    undocumented = {id for id, op in DECLARED.items() if not op["documented"]}
    # Writing to a set is no line of its own in the metadata.
    writes = {"data_exports.create", "data_exports.delete"}
    assert undocumented - known == writes | (HEARSAY - known)
    assert all(behind_set(DECLARED[id]["path"].split("/")[2]) for id in writes)


@pytest.mark.parametrize("item", METADATA["actions"], ids=lambda i: f"{i['name']} of {i['bound_to']}")
def test_the_parameters_of_every_action_are_those_of_the_metadata(item: dict[str, Any]) -> None:
    found = bound("POST", item)
    if found is None:
        assert f"action {item['name']} of {item['bound_to']}" in GAPS
        return
    twins = [op for op in DECLARED.values() if (op["method"], op["path"]) == (found["method"], found["path"])]
    for op in twins:
        fixed = {"Action"} if "Action" in item["parameters"] else set()
        declared = {wire.lower() for wire in names(op, "body") | fixed}
        left_out = {wire for (id, wire) in UNUSED if id == op["id"]}
        assert declared == {wire.lower() for wire in set(item["parameters"]) - BOOKKEEPING - left_out}


# What is written for people and machines


def test_the_reference_has_a_heading_for_every_operation() -> None:
    pages = {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.glob("*.md")}
    for op in DECLARED.values():
        page = pages[re.sub(r"[._]", "-", op["group"]) + ".md"]
        assert f"\n## `{op['id']}`\n" in page, op["id"]
        assert f"`{op['method']} {op['path']}`" in page
    # A helper may take the place of an operation; then both are told of.
    manifest = json.loads((REFERENCE / "manifest.json").read_text(encoding="utf-8"))
    known = Counter([*DECLARED, *(helper["id"] for helper in manifest["helpers"])])
    headings = Counter(id for text in pages.values() for id in re.findall(r"^## `([a-z_.]+)`$", text, re.MULTILINE))
    assert headings == known


def test_the_index_counts_right() -> None:
    index = (REFERENCE / "index.md").read_text(encoding="utf-8")
    counts = Counter(op["service"] for op in DECLARED.values())
    undocumented = sum(not op["documented"] for op in DECLARED.values())
    assert (
        f"{len(DECLARED)} operations: {counts['endpoint']} of Defender for Endpoint, {counts['xdr']} of Defender XDR, "
        f"{counts['graph']} of Microsoft Graph. {undocumented} of them are not documented"
    ) in index
    assert index.count("` *") == undocumented
    for op in DECLARED.values():
        assert f"[`client.{op['group']}`](" in index
        assert f"`{op['verb']}`" in index


def test_the_manifest_and_the_permission_matrix_have_every_operation() -> None:
    manifest = json.loads((REFERENCE / "manifest.json").read_text(encoding="utf-8"))
    assert [op["id"] for op in manifest["operations"]] == list(DECLARED)
    matrix = (REFERENCE / "permissions.md").read_text(encoding="utf-8")
    for op in DECLARED.values():
        star = "" if op["documented"] else " *"
        cells = [", ".join(f"`{p}`" for p in op[kind]) for kind in ("app_permissions", "delegated_permissions")]
        row = next(line for line in matrix.splitlines() if line.startswith(f"| `{op['id']}`{star} |"))
        assert all(cell in row for cell in cells)
