"""The request of every operation: method, path, query, headers and body, as a server sees them, from both clients.

What is expected comes from tests/data/operations and from the values in the table below, never from the declaration: the path is the
documented template with the sample ids, every name in query and body is a documented one, and those that must be there are.
For each operation wrong arguments follow, of which the server must see nothing.
"""

from __future__ import annotations

import asyncio
import http.server
import inspect
import json
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

import xdrkit

FACTS = Path(__file__).resolve().parents[2] / "tests" / "data" / "operations"
DOCUMENTED: dict[str, dict[str, Any]] = {
    f"{fact['service']}.{fact['name']}": fact
    for fact in json.loads((FACTS / "documented.json").read_text(encoding="utf-8"))
}
DECLARED = {op["id"]: op for op in xdrkit.operations()}

M = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07"
A = "da637472900382838869_1364969609"
ACTION = "5382f7ea-7557-4ab7-9782-d50480024a4e"
SHA1 = "4388963aaa83afe2042a46a3c017ad50bdcdafb3"
SHA256 = "413c58c8267d2c8648d8f6384bacc2ae9c929b2b96578b6860b5087cd1bd6462"
GUID = "47f71e0e-9f9b-4d04-9dd4-4bbd8c0fb2fe"
AT = "2026-11-01T10:20:30.1234567Z"
CVE = "CVE-2026-12345"
SOFTWARE = "microsoft-_-edge"
RECOMMENDATION = "va-_-google-_-chrome"


class Case:
    """One call and the request it is to be."""

    def __init__(
        self,
        source: str,
        *args: Any,
        place: tuple[str, ...] | None = None,
        query: dict[str, Any] | None = None,
        body: Any = None,
        form: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.args = args
        self.kwargs = kwargs
        # `body` is the expected JSON, `kwargs` what the caller writes.
        self.query = query or {}
        self.body = body
        self.form = form
        if source in DOCUMENTED:
            self.fact: dict[str, Any] = DOCUMENTED[source]
        else:  # not documented: its own method and path
            method, template = source.split(" ")
            self.fact = {"service": "endpoint", "method": method, "path": template}
        self.place = tuple(map(str, args)) if place is None else place

    @property
    def path(self) -> str:
        values = iter(self.place)
        return re.sub(r"\{[^}]*\}", lambda _: next(values), self.fact["path"])


def lists(source: str, *args: Any, filter: str | None = None, **expected: Any) -> Case:
    """A list with the OData options that its page documents."""
    options = DOCUMENTED[source].get("options", []) if source in DOCUMENTED else ["$top", "$skip"]
    kwargs: dict[str, Any] = {}
    query: dict[str, Any] = {}
    if filter is not None:
        kwargs["filter"] = query["$filter"] = filter
    if "$top" in options:
        kwargs["top"], query["$top"] = 5, "5"
    if "$skip" in options:
        kwargs["skip"], query["$skip"] = 2, "2"
    return Case(source, *args, query=query, **kwargs, **expected)


def exports(source: str) -> Case:
    """A list that pages by its own token: `$top` would end it."""
    return Case(source, top=5, query={"pageSize": ("5", "100")}, page_size=100)


def acts(source: str, *args: Any, wire: dict[str, Any] | None = None, **kwargs: Any) -> Case:
    """An action on a machine, with the id of the caller's own."""
    body = {"Comment": "case 42", "ExternalId": "ticket-7", **(wire or {})}
    return Case(source, *args, comment="case 42", external_id="ticket-7", body=body, **kwargs)


CHANGE = {"status": "inprogress", "assigned_to": "a@b.c", "comment": "seen"}
CHANGED = {"status": "InProgress", "assignedTo": "a@b.c", "comment": "seen"}
INDICATOR = {
    "indicatorValue": SHA1,
    "indicatorType": "FileSha1",
    "action": "Audit",
    "title": "t",
    "description": "d",
}
SNAKE = {"indicator_value": SHA1, "indicator_type": "filesha1", "action": "audit", "title": "t", "description": "d"}
RULE = {
    "queryCondition": {"queryText": "DeviceEvents | take 1"},
    "schedule": {"frequency": "PT1H"},
    "detectionAction": {"alertTemplate": {"title": "t", "severity": "low"}},
}
SCAN = {
    "scanType": "Network",
    "scanName": "n",
    "isActive": True,
    "target": "10.0.0.1,10.0.0.2",
    "intervalInHours": 24,
    "targetType": "Ip",
    "scannerAgent": {"machineId": M},
    "scanAuthenticationParams": {
        "@odata.type": "#microsoft.windowsDefenderATP.api.SnmpAuthParams",
        "type": "NoAuthNoPriv",
    },
}
SCANNED = {
    "scan_type": "network",
    "name": "n",
    "active": True,
    "target": "10.0.0.1,10.0.0.2",
    "interval_hours": 24,
    "target_type": "ip",
    "scanner_agent": {"machine_id": M},
    "authentication": SCAN["scanAuthenticationParams"],
}

# Keys may be written as Python writes them; members of enumerations in any letter case.
GROUP = {
    "deviceGroupName": "g",
    "automationLevel": "SemiRequireApprovalForAllFolders",
    "deviceGroupRules": {"devicesTagsConditions": []},
}
GROUPED = {
    "device_group_name": "g",
    "automation_level": "semirequireapprovalforallfolders",
    "device_group_rules": {"devicesTagsConditions": []},
}

CASES: dict[str, Case] = {
    # hunting
    "graph.hunting.run": Case(
        "graph.run_hunting_query",
        query_text="DeviceInfo | where DeviceName == 'é'",
        timespan="P7D",
        body={"Query": "DeviceInfo | where DeviceName == 'é'", "Timespan": "P7D"},
    ),
    "graph.hunting.schema": Case("graph.get_hunting_schema"),
    "hunting.run_xdr": Case("xdr.run_advanced_hunting", query_text="T\n| take 1", body={"Query": "T\n| take 1"}),
    "hunting.run_endpoint": Case("endpoint.run_advanced_query", query_text="T", body={"Query": "T"}),
    "hunting.run_endpoint_get": Case(
        "endpoint.run_advanced_query_get", query_text="T | take 1 & 2", query={"key": "T | take 1 & 2"}
    ),
    # incidents
    "incidents.list": lists("xdr.list_incidents", filter="status eq 'Active'"),
    "incidents.get": Case("xdr.get_incident", 924565),
    "incidents.update": Case(
        "xdr.update_incident",
        924565,
        status="resolved",
        assigned_to="a@b.c",
        classification="truepositive",
        determination="Malware",
        tags=["x", "y"],
        comment="c",
        body={
            "status": "Resolved",
            "assignedTo": "a@b.c",
            "classification": "TruePositive",
            "determination": "Malware",
            "tags": ["x", "y"],
            "comment": "c",
        },
    ),
    "endpoint_incidents.list": lists("GET /api/incidents"),
    "endpoint_incidents.get": Case("GET /api/incidents/{id}", 924565),
    # alerts
    "alerts.list": Case(
        "endpoint.list_alerts",
        filter="assignedTo eq 'O''Hara'",
        top=5,
        skip=2,
        expand="evidence",
        query={"$filter": "assignedTo eq 'O''Hara'", "$top": "5", "$skip": "2", "$expand": "evidence"},
    ),
    "alerts.get": Case("endpoint.get_alert", A),
    "alerts.update": Case(
        "endpoint.update_alert",
        A,
        **CHANGE,
        classification="FALSEPOSITIVE",
        determination="NotMalicious",
        body={**CHANGED, "classification": "FalsePositive", "determination": "NotMalicious"},
    ),
    "alerts.update_many": Case(
        "endpoint.batch_update_alerts", ids=[A, "da2"], place=(), **CHANGE, body={**CHANGED, "alertIds": [A, "da2"]}
    ),
    "alerts.create": Case(
        "endpoint.create_alert_by_reference",
        machine_id=M,
        report_id="12345",
        event_time=AT,
        title="t",
        description="d",
        recommended_action="r",
        severity="LOW",
        category="commandandcontrol",
        body={
            "machineId": M,
            "reportId": "12345",
            "eventTime": AT,
            "title": "t",
            "description": "d",
            "recommendedAction": "r",
            "severity": "Low",
            "category": "CommandAndControl",
        },
    ),
    "alerts.domains": Case("endpoint.list_alert_domains", A),
    "alerts.files": Case("endpoint.list_alert_files", A),
    "alerts.ips": Case("endpoint.list_alert_ips", A),
    "alerts.machine": Case("endpoint.get_alert_machine", A),
    "alerts.user": Case("endpoint.get_alert_user", A),
    # machines
    "machines.list": lists("endpoint.list_machines", filter="startswith(computerDnsName,'m')"),
    "machines.get": Case("endpoint.get_machine", "my machine.contoso.com"),
    "machines.add_tag": Case(
        "endpoint.add_or_remove_machine_tag", M, tag="a b", body={"Value": "a b", "Action": "Add"}
    ),
    "machines.remove_tag": Case(
        "endpoint.add_or_remove_machine_tag", M, tag="a b", body={"Value": "a b", "Action": "Remove"}
    ),
    "machines.logon_users": Case("endpoint.list_machine_logon_users", M),
    "machines.alerts": lists("endpoint.list_machine_alerts", M, filter="status ne 'Resolved'"),
    "machines.software": Case("endpoint.list_machine_software", M),
    "machines.vulnerabilities": Case("endpoint.list_machine_vulnerabilities", M),
    "machines.recommendations": Case("endpoint.list_machine_recommendations", M),
    "machines.missing_kbs": Case("endpoint.list_machine_missing_kbs", M),
    "machines.add_tag_to_many": Case(
        "endpoint.add_or_remove_tag_for_multiple_machines",
        tag="t",
        ids=[M, "m2"],
        body={"Value": "t", "Action": "Add", "MachineIds": [M, "m2"]},
    ),
    "machines.remove_tag_from_many": Case(
        "endpoint.add_or_remove_tag_for_multiple_machines",
        tag="t",
        ids=[M, "m2"],
        body={"Value": "t", "Action": "Remove", "MachineIds": [M, "m2"]},
    ),
    "machines.find_by_ip": Case("endpoint.find_machines_by_ip", "10.0.0.1", AT),
    "machines.find_by_internal_ip": Case(
        "endpoint.find_machine_by_internal_ip_legacy", "10.0.0.1", AT, place=(AT, "'10.0.0.1'")
    ),
    "machines.find_by_tag": Case(
        "endpoint.find_machines_by_tag",
        tag="a&b",
        starts_with=True,
        query={"tag": "a&b", "useStartsWithFilter": "true"},
    ),
    "machines.set_value": Case("endpoint.set_device_value", M, value="high", body={"DeviceValue": "High"}),
    "machines.update": Case(
        "endpoint.update_machine", M, tags=["a"], value="low", body={"machineTags": ["a"], "deviceValue": "Low"}
    ),
    "machines.collect_package": acts("endpoint.collect_investigation_package", M),
    "machines.isolate": acts(
        "endpoint.isolate_machine", M, isolation_type="unmanageddevice", wire={"IsolationType": "UnManagedDevice"}
    ),
    "machines.unisolate": acts("endpoint.unisolate_machine", M),
    "machines.restrict": acts("endpoint.restrict_code_execution", M),
    "machines.unrestrict": acts("endpoint.unrestrict_code_execution", M),
    "machines.scan": acts("endpoint.run_antivirus_scan", M, scan_type="quick", wire={"ScanType": "Quick"}),
    "machines.offboard": acts("endpoint.offboard_machine", M),
    "machines.quarantine_file": acts("endpoint.stop_and_quarantine_file", M, sha1=SHA1, wire={"Sha1": SHA1}),
    "machines.count_alerts": Case(
        "GET /api/machines/{id}/alerts/$count",
        M,
        filter="status ne 'Resolved'",
        query={"$filter": "status ne 'Resolved'"},
    ),
    "machines.untagged": Case("GET /api/machines/untaggedmachines"),
    "machines.actions": Case("GET /api/machines/{id}/machineactions", M),
    "machines.latest_actions": Case("GET /api/machines/{id}/latestmachineactions", M),
    "machines.available_actions": Case("GET /api/machines/{id}/availablemachineactions", M),
    "machines.firmware": Case("GET /api/machines/{id}/firmware", M),
    "machines.dlp": Case("GET /api/machines/dlp"),
    "machines.set_exclusion": Case(
        "POST /api/machines/{id}/setexclusion",
        M,
        excluded=True,
        reason="inactivedevice",
        body={"IsExcluded": True, "ExclusionReason": "InactiveDevice"},
    ),
    "machines.collect_logs": Case(
        "POST /api/machines/{id}/logscollection",
        M,
        comment="c",
        parameters="{}",
        external_id="e",
        body={"Comment": "c", "LogsCollectionParams": "{}", "ExternalId": "e"},
    ),
    # machine actions, live response
    "machine_actions.list": lists("endpoint.list_machine_actions", filter=f"machineId eq '{M}'"),
    "machine_actions.get": Case("endpoint.get_machine_action", ACTION),
    "machine_actions.cancel": Case("endpoint.cancel_machine_action", ACTION, comment="c", body={"Comment": "c"}),
    "machine_actions.package_uri": Case("endpoint.get_investigation_package_sas_uri", ACTION),
    "machine_actions.logs_uri": Case("GET /api/machineactions/{id}/getlogspackageuri", ACTION),
    "live_response.start": acts(
        "endpoint.run_live_response",
        M,
        commands=[{"Type": "runscript", "params": [{"key": "ScriptName", "value": "x.ps1"}]}],
        wire={"Commands": [{"type": "RunScript", "params": [{"key": "ScriptName", "value": "x.ps1"}]}]},
    ),
    "live_response.result_link": Case("endpoint.get_live_response_result_download_link", ACTION, 0),
    "library.list": Case("endpoint.list_library_files"),
    "library.upload": Case(
        "endpoint.upload_library_file",
        place=(),
        description="d",
        parameters_description="p",
        has_parameters=True,
        override=True,
        form={"Description": "d", "ParametersDescription": "p", "HasParameters": "true", "OverrideIfExists": "true"},
    ),
    "library.delete": Case("endpoint.delete_library_file", "my script.ps1"),
    # investigations
    "investigations.list": lists("endpoint.list_investigations", filter="state eq 'Running'"),
    "investigations.get": Case("endpoint.get_investigation", 63017),
    "investigations.start": acts("endpoint.start_investigation", M),
    # indicators
    "indicators.list": lists("endpoint.list_indicators", filter="action eq 'Block'"),
    "indicators.upsert": Case(
        "endpoint.submit_indicator",
        value=SHA1,
        type="FILESHA1",
        action="blockandremediate",
        title="t",
        description="d",
        application="feed",
        expires="2026-12-31T00:00:00Z",
        severity="high",
        recommended_actions="r",
        rbac_group_names=["g"],
        rbac_group_ids=["1"],
        external_id="e",
        educate_url="https://x",
        generate_alert=True,
        body={
            **INDICATOR,
            "action": "BlockAndRemediate",
            "application": "feed",
            "expirationTime": "2026-12-31T00:00:00Z",
            "severity": "High",
            "recommendedActions": "r",
            "rbacGroupNames": ["g"],
            "rbacGroupIds": ["1"],
            "externalID": "e",
            "educateUrl": "https://x",
            "generateAlert": True,
        },
    ),
    "indicators.import_batch": Case(
        "endpoint.import_indicators", indicators=[SNAKE, INDICATOR], body={"Indicators": [INDICATOR, INDICATOR]}
    ),
    "indicators.delete": Case("endpoint.delete_indicator", 995),
    "indicators.delete_batch": Case(
        "endpoint.batch_delete_indicators", ids=["1", "2"], body={"IndicatorIds": ["1", "2"]}
    ),
    "indicators.get": Case("GET /api/indicators/{id}", 995),
    "indicators.update_batch": Case(
        "POST /api/indicators/batchupdate",
        indicators=[{"id": "995", "action": "warn", "expiration_time": "2026-12-31T00:00:00Z"}],
        body={"Indicators": [{"id": "995", "action": "Warn", "expirationTime": "2026-12-31T00:00:00Z"}]},
    ),
    # entities
    "domains.alerts": Case("endpoint.list_domain_alerts", "client-api.contoso.com"),
    "domains.machines": Case("endpoint.list_domain_machines", "api.contoso.com"),
    "domains.stats": Case("endpoint.get_domain_statistics", "example.com", hours=48, query={"lookBackHours": "48"}),
    "files.get": Case("endpoint.get_file", SHA256),
    "files.alerts": Case("endpoint.list_file_alerts", SHA1),
    "files.machines": Case("endpoint.list_file_machines", SHA1),
    "files.stats": Case("endpoint.get_file_statistics", SHA256, hours=720, query={"lookBackHours": "720"}),
    "ips.alerts": Case("endpoint.list_ip_alerts", "10.209.67.177"),
    "ips.stats": Case("endpoint.get_ip_statistics", "2001:db8::1", hours=1, query={"lookBackHours": "1"}),
    "users.alerts": Case("endpoint.list_user_alerts", "user1"),
    "users.machines": Case("endpoint.list_user_machines", "user 1"),
    "users.get": Case("GET /api/users/{id}", "user1"),
    # vulnerability management
    "software.list": lists("endpoint.list_software", filter="vendor eq 'microsoft'"),
    "software.get": Case("endpoint.get_software", SOFTWARE),
    "software.versions": Case("endpoint.list_software_version_distribution", SOFTWARE),
    "software.machines": Case("endpoint.list_machines_by_software", SOFTWARE),
    "software.vulnerabilities": Case("endpoint.list_vulnerabilities_by_software", SOFTWARE),
    "software.missing_kbs": Case("endpoint.list_missing_kbs_by_software", SOFTWARE),
    "vulnerabilities.list": lists("endpoint.list_vulnerabilities", filter="severity eq 'Critical'"),
    "vulnerabilities.get": Case("endpoint.get_vulnerability", CVE),
    "vulnerabilities.machines": Case("endpoint.list_machines_by_vulnerability", CVE),
    "vulnerabilities.by_machine": lists(
        "endpoint.list_vulnerabilities_by_machine_and_software", filter="cveId eq 'CVE-1'"
    ),
    "recommendations.list": lists("endpoint.list_recommendations", filter="status eq 'Active'"),
    "recommendations.get": Case("endpoint.get_recommendation", RECOMMENDATION),
    "recommendations.machines": Case("endpoint.list_machines_by_recommendation", RECOMMENDATION),
    "recommendations.vulnerabilities": Case("endpoint.list_vulnerabilities_by_recommendation", RECOMMENDATION),
    "recommendations.software": Case("endpoint.get_software_by_recommendation", RECOMMENDATION),
    "remediations.list": lists("endpoint.list_remediation_tasks", filter="status eq 'Active'"),
    "remediations.get": Case("endpoint.get_remediation_task", GUID),
    "remediations.machines": Case("endpoint.list_remediation_task_machines", GUID),
    "scores.exposure": Case("endpoint.get_exposure_score"),
    "scores.exposure_by_group": Case("endpoint.list_exposure_score_by_machine_group"),
    "scores.secure": Case("endpoint.get_device_secure_score"),
    "av_health.list": lists("endpoint.list_device_av_health", filter="avMode eq '0'"),
    "av_health.export_files": Case("endpoint.device_av_health_export", hours=24, query={"sasValidHours": "24"}),
    # exports
    "exports.software_inventory": exports("endpoint.software_inventory_by_machine"),
    "exports.vulnerabilities": exports("endpoint.software_vulnerabilities_by_machine"),
    "exports.vulnerability_changes": Case(
        "endpoint.software_vulnerability_changes_by_machine",
        since="2026-11-10",
        top=5,
        page_size=100,
        query={"sinceTime": "2026-11-10T00:00:00Z", "pageSize": ("5", "100")},
    ),
    "exports.secure_configurations": exports("endpoint.secure_configurations_by_machine"),
    "exports.non_cpe_software": exports("endpoint.non_cpe_software_inventory_by_machine"),
    "exports.browser_extensions": exports("endpoint.browser_extensions_by_machine"),
    "exports.certificates": exports("endpoint.certificates_by_machine"),
    "exports.firmware": exports("endpoint.hardware_firmware_by_machine"),
    "exports.baselines": exports("endpoint.security_baselines_by_machine"),
    "exports.browser_permissions": lists("endpoint.list_browser_extension_permissions_info"),
    **{
        f"exports.{name}_files": Case(f"endpoint.{page}", hours=6, query={"sasValidHours": "6"})
        for name, page in {
            "software_inventory": "software_inventory_export",
            "vulnerabilities": "software_vulnerabilities_export",
            "secure_configurations": "secure_configurations_export",
            "non_cpe_software": "non_cpe_software_inventory_export",
            "certificates": "certificates_export",
            "baselines": "security_baselines_export",
            "information_gathering": "information_gathering_export",
        }.items()
    },
    "exports.browser_extensions_files": Case("endpoint.browser_extensions_export"),
    "exports.firmware_files": Case("endpoint.hardware_firmware_export"),
    # baselines, scans
    "baselines.profiles": lists("endpoint.list_baseline_profiles", filter="status eq 'Active'"),
    "baselines.configurations": lists("endpoint.list_baseline_configurations", filter="category eq 'x'"),
    "baselines.exceptions": lists("GET /api/baselineExceptions"),
    "scans.list": Case("endpoint.list_scan_definitions"),
    "scans.create": Case("endpoint.add_scan_definition", place=(), **SCANNED, body=SCAN),
    "scans.update": Case("endpoint.update_scan_definition", GUID, **SCANNED, body=SCAN),
    "scans.delete_many": Case("endpoint.batch_delete_scan_definitions", ids=[GUID], body={"ScanDefinitionIds": [GUID]}),
    "scans.agents": Case("endpoint.list_scan_agents"),
    "scans.agent": Case("endpoint.get_scan_agent", GUID),
    "scans.history": Case(
        "endpoint.get_scan_history_by_definition",
        ids=[GUID],
        top=5,
        skip=2,
        query={"$top": "5", "$skip": "2"},
        body={"ScanDefinitionIds": [GUID]},
    ),
    "scans.history_of_sessions": Case(
        "endpoint.get_scan_history_by_session", session_ids=[GUID], body={"SessionIds": [GUID]}
    ),
    # device groups, data exports
    "device_groups.list": Case("GET /api/devicegroups"),
    "device_groups.get": Case("GET /api/devicegroups/{id}", 7),
    "device_groups.add": Case(
        "POST /api/devicegroups/adddevicegroups", groups=[GROUPED], body={"deviceGroups": [GROUP]}
    ),
    "device_groups.delete": Case("POST /api/devicegroups/deletedevicegroups", ids=[7, 8], body={"ids": [7, 8]}),
    "device_groups.replace": Case(
        "POST /api/devicegroups/postdevicegroups",
        groups=[GROUPED],
        additions=1,
        deletions=0,
        body={"deviceGroups": [GROUP], "additionsCount": 1, "deletionsCount": 0},
    ),
    "data_exports.list": Case("GET /api/dataexportsettings"),
    "data_exports.get": Case("GET /api/dataexportsettings/{id}", "stream 1"),
    "data_exports.create": Case(
        "POST /api/dataexportsettings",
        id="s",
        logs=[{"category": "AdvancedHunting-DeviceInfo", "enabled": True}],
        event_hub={"event_hub_resource_id": "/x", "name": "n"},
        storage_account={"storageAccountResourceId": "/y"},
        workspace={"workspace_resource_id": "/z"},
        body={
            "id": "s",
            "logs": [{"category": "AdvancedHunting-DeviceInfo", "enabled": True}],
            "eventHubProperties": {"eventHubResourceId": "/x", "name": "n"},
            "storageAccountProperties": {"storageAccountResourceId": "/y"},
            "workspaceProperties": {"workspaceResourceId": "/z"},
        },
    ),
    "data_exports.delete": Case("DELETE /api/dataexportsettings/{id}", "stream 1"),
    # Graph
    "graph.incidents.list": Case(
        "graph.list_incidents",
        filter="status eq 'active'",
        top=5,
        skip=2,
        expand=["alerts"],
        count=True,
        # A walk that goes by time reads what is to be skipped, too: the service skips 500 items and no more.
        query={"$filter": "status eq 'active'", "$top": "7", "$expand": "alerts", "$count": "true"},
    ),
    "graph.incidents.get": Case("graph.get_incident", 7, expand="alerts", query={"$expand": "alerts"}),
    "graph.incidents.update": Case(
        "graph.update_incident",
        7,
        status="AwaitingAction",
        assigned_to="a@b.c",
        classification="TruePositive",
        determination="NotEnoughDataToValidate",
        custom_tags=["x"],
        resolving_comment="done",
        body={
            "status": "awaitingAction",
            "assignedTo": "a@b.c",
            "classification": "truePositive",
            "determination": "notEnoughDataToValidate",
            "customTags": ["x"],
            "resolvingComment": "done",
        },
    ),
    "graph.incidents.comment": Case(
        "graph.create_incident_comment",
        7,
        comment="c",
        body={"@odata.type": "microsoft.graph.security.alertComment", "comment": "c"},
    ),
    "graph.incidents.merge": Case(
        "graph.merge_incidents",
        ids=["1", "2"],
        comment="c",
        reasons="sameActor",
        body={"incidentIds": ["1", "2"], "incidentComment": "c", "mergeReasons": "sameActor"},
    ),
    "graph.alerts.list": Case(
        "graph.list_alerts_v2",
        filter="severity eq 'high'",
        top=5,
        skip=2,
        count=True,
        query={"$filter": "severity eq 'high'", "$top": "7", "$count": "true"},
    ),
    "graph.alerts.get": Case("graph.get_alert_v2", A),
    "graph.alerts.update": Case(
        "graph.update_alert_v2",
        A,
        status="New",
        assigned_to="a@b.c",
        classification="falsePositive",
        determination="ConfirmedActivity",
        body={
            "status": "new",
            "assignedTo": "a@b.c",
            "classification": "falsePositive",
            "determination": "confirmedActivity",
        },
    ),
    "graph.alerts.comment": Case(
        "graph.create_alert_comment",
        A,
        comment="c",
        body={"@odata.type": "microsoft.graph.security.alertComment", "comment": "c"},
    ),
    "graph.alerts.move": Case(
        "graph.move_alerts",
        ids=[A],
        incident_id="7",
        comment="c",
        reasons="sameAsset, temporalProximity",
        body={
            "alertIds": [A],
            "incidentId": "7",
            "alertComment": "c",
            "newCorrelationReasons": "sameAsset, temporalProximity",
        },
    ),
    "graph.detection_rules.list": Case(
        "graph.list_detection_rules",
        filter="status eq 'enabled'",
        top=5,
        skip=2,
        select=["id", "displayName"],
        orderby="displayName DESC",
        count=True,
        query={
            "$filter": "status eq 'enabled'",
            "$top": "5",
            "$skip": "2",
            "$select": "id,displayName",
            "$orderby": "displayName desc",
            "$count": "true",
        },
    ),
    "graph.detection_rules.get": Case("graph.get_detection_rule", "my-rule"),
    "graph.detection_rules.create": Case(
        "graph.create_detection_rule",
        place=(),
        id="r",
        display_name="n",
        status="Enabled",
        description="d",
        query_condition=RULE["queryCondition"],
        schedule=RULE["schedule"],
        detection_action=RULE["detectionAction"],
        body={"id": "r", "displayName": "n", "status": "enabled", "description": "d", **RULE},
    ),
    "graph.detection_rules.update": Case(
        "graph.update_detection_rule", "r", status="disabled", body={"status": "disabled"}
    ),
    "graph.detection_rules.delete": Case("graph.delete_detection_rule", "r"),
}


def test_every_operation_stands_in_the_table() -> None:
    assert set(CASES) == set(DECLARED)


# The server


class Recorder:
    """A server that keeps what it is sent and answers in the form that the operation has."""

    def __init__(self) -> None:
        recorder = self
        self.seen: list[dict[str, Any]] = []
        self.answer: bytes = b"{}"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                recorder.seen.append(
                    {
                        "method": self.command,
                        "target": self.path,
                        "headers": {k.lower(): v for k, v in self.headers.items()},
                        "body": self.rfile.read(length),
                    }
                )
                answer = recorder.answer  # the next test sets another before this one has returned
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PATCH = do_DELETE = do  # noqa: N815

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def expect(self, id: str) -> None:
        """Forgets what was seen, and will answer what that operation answers."""
        self.seen.clear()
        self.answer = {
            "many": b'{"value": []}',
            "one": b'{"id": "x"}',
            "rows": b'{"Schema": [{"Name": "A", "Type": "Int64"}], "Results": []}',
            "text": b'{"value": "https://storage.example/x"}',
            "number": b"4",
            "nothing": b"",
        }[DECLARED[id]["returns"]["kind"]]


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    made = Recorder()
    yield made
    made.server.shutdown()
    made.server.server_close()


Run = Callable[[Callable[[Any], Any]], Any]


@pytest.fixture(scope="module", params=["sync", "async"])
def run(request: pytest.FixtureRequest, recorder: Recorder) -> Iterator[Run]:
    """`run(lambda client: …)` by either client; a list is read to its end."""
    options: dict[str, Any] = {
        "credential": lambda _scope: ("a-token", time.time() + 3600),
        "base_url": recorder.url,
        "max_retries": 0,
    }
    loop = asyncio.new_event_loop()
    client: Any = (xdrkit.Client if request.param == "sync" else xdrkit.AsyncClient)(
        "contoso.onmicrosoft.com", **options
    )

    def face(call: Callable[[Any], Any]) -> Any:
        async def main() -> Any:
            answer = call(client)
            if hasattr(answer, "collect"):
                answer = answer.collect()
            return await answer if inspect.isawaitable(answer) else answer

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of endpoints that are on their way out
            return loop.run_until_complete(main())

    yield face
    if request.param == "sync":
        client.close()
    else:
        loop.run_until_complete(client.aclose())
    loop.close()


def method(client: Any, id: str) -> Any:
    for name in id.split("."):
        client = getattr(client, name)
    return client


def arguments(case: Case) -> dict[str, Any]:
    """The keyword arguments; `query` is a word of the table, too."""
    return {("query" if name == "query_text" else name): value for name, value in case.kwargs.items()}


def invoke(client: Any, id: str, case: Case) -> Any:
    if id == "library.upload":
        return method(client, id)(b"Write-Host 1", name="my script.ps1", **arguments(case))
    return method(client, id)(*case.args, **arguments(case))


def parts(record: dict[str, Any]) -> list[tuple[str, str | None, bytes]]:
    """The parts of a form: name, file name, content."""
    head = f"Content-Type: {record['headers']['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + record["body"])
    assert message.is_multipart()
    made = []
    for part in message.get_payload():
        assert not isinstance(part, str)
        name = part.get_param("name", header="content-disposition")
        made.append((str(name), part.get_filename(), part.get_payload(decode=True)))
    return made


@pytest.mark.parametrize("id", CASES)
def test_an_operation_sends_its_documented_request(recorder: Recorder, run: Run, id: str) -> None:
    case = CASES[id]
    recorder.expect(id)
    run(lambda client: invoke(client, id, case))
    assert len(recorder.seen) == 1
    (record,) = recorder.seen
    fact = case.fact
    url = urlsplit(record["target"])

    assert record["method"] == fact["method"]
    assert unquote(url.path) == case.path
    assert url.path.count("/") == fact["path"].count("/")

    query = dict(parse_qsl(url.query, keep_blank_values=True))
    assert set(query) <= {*fact.get("options", case.query), *fact.get("query", case.query)}
    assert {name for name, about in fact.get("query", {}).items() if about["required"]} <= set(query)
    assert set(query) == set(case.query)
    for name, value in case.query.items():
        assert query[name] in (value if isinstance(value, tuple) else (value,)), name

    headers = record["headers"]
    assert headers["authorization"] == "Bearer a-token"
    assert headers["accept"] == "application/json"
    graph = fact["service"] == "graph"
    assert headers.get("prefer") == ("include-unknown-enum-members" if graph else None)
    if case.form is not None:
        check_form(case, record)
    elif case.body is None:
        assert record["body"] == b""
        assert "content-type" not in headers
    else:
        check_body(case, record)


def check_body(case: Case, record: dict[str, Any]) -> None:
    # Without the charset the hunting service misreads what is beyond ANSI.
    assert record["headers"]["content-type"] == "application/json; charset=utf-8"
    body = json.loads(record["body"].decode("utf-8"))
    assert body == case.body
    documented = case.fact.get("body", case.body)
    assert set(body) <= {*documented, "ExternalId"}
    if case.fact["method"] != "PATCH":
        assert {name for name, about in documented.items() if isinstance(about, dict) and about.get("required")} <= set(
            body
        )


def check_form(case: Case, record: dict[str, Any]) -> None:
    sent = parts(record)
    file = [(name, content) for name, filename, content in sent if filename == "my script.ps1"]
    assert file == [("file", b"Write-Host 1")]
    assert {name: content.decode() for name, filename, content in sent if filename is None} == case.form
    assert {name for name, *_ in sent} <= set(case.fact["body"])


OPTIONS = {"$filter": "id eq 'a'", "$top": 5, "$skip": 2, "$count": True}


@pytest.mark.parametrize("id", [id for id, case in CASES.items() if "$top" in case.fact.get("options", ())])
def test_one_page_is_asked_for_with_the_documented_options(recorder: Recorder, run: Run, id: str) -> None:
    fact = CASES[id].fact
    chosen = {name: value for name, value in OPTIONS.items() if name in fact["options"]}
    if "id" not in fact.get("filterable", ["id"]):
        chosen["$filter"] = f"{fact['filterable'][0]} ne null"
    if not DECLARED[id]["filterable"] and fact["service"] != "graph":
        chosen.pop("$filter", None)
    recorder.expect(id)
    given = {name: value for name, value in named(id).items() if f"${name}" not in fact["options"]}
    run(lambda client: client.call(id, **given, **{name[1:]: value for name, value in chosen.items()}))
    sent = dict(parse_qsl(urlsplit(recorder.seen[0]["target"]).query))
    expected = {name: str(value).lower() if value is True else str(value) for name, value in chosen.items()}
    assert {name: value for name, value in sent.items() if name.startswith("$")} == expected


# Wrong arguments


def named(id: str) -> dict[str, Any]:
    """All arguments of a case by their names in Python."""
    case = CASES[id]
    placed = [p["name"] for p in DECLARED[id]["params"] if p["in"] == "path"]
    given = dict(zip(placed, case.args))
    return {**given, **{name: value for name, value in arguments(case).items() if name != "page_size"}}


def other_type(value: Any) -> Any:
    """A value of a type that nothing of the kind has."""
    if isinstance(value, bool):
        return "yes"
    return {str: 1.5, int: "many", list: "one text", dict: 3}[type(value)]


def wrongs() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    for id, case in CASES.items():
        given = named(id)
        required = {
            name for where in ("body", "query") for name, about in case.fact.get(where, {}).items() if about["required"]
        }
        yield id, "unknown", {**given, "nonsense": 1}, "nonsense"
        for param in DECLARED[id]["params"]:
            name, wire = param["name"], param["wire"]
            if name not in given:
                continue
            rest = {other: value for other, value in given.items() if other != name}
            must = param["in"] == "path" or (wire in required and case.fact["method"] != "PATCH")
            if must:
                yield id, f"{name} missing", rest, name
            # An id may be a whole number.
            other = 1.5 if param["type"] == "id" else other_type(given[name])
            yield id, f"{name} of another type", {**rest, name: other}, name
            about = {**case.fact.get("query", {}), **case.fact.get("body", {})}.get(wire, {})
            if param["type"] == "enum" and "members" in about:
                yield id, f"{name} near a member", {**rest, name: about["members"][0] + "x"}, name
            if param["in"] == "path" and isinstance(given[name], str):
                yield id, f"{name} with a slash", {**rest, name: f"{given[name]}/x"}, name
                yield id, f"{name} empty", {**rest, name: ""}, name
            if "max" in about:
                value = given[name]
                most = about["max"] + 1 if isinstance(value, int) else (value * (about["max"] + 1))[: about["max"] + 1]
                yield id, f"{name} too large", {**rest, name: most}, name
            if wire in ("$top", "$skip"):
                yield id, f"{name} below nothing", {**rest, name: -1}, name


HASHES = [
    ("files.get", "hash", "a" * 32),  # MD5
    ("files.get", "hash", "z" * 40),
    ("files.stats", "hash", "a" * 39),
    ("files.alerts", "sha1", SHA256),  # SHA-1 alone
    ("files.machines", "sha1", SHA256),
    ("machines.quarantine_file", "sha1", SHA256),
]
OTHERS = [
    ("ips.alerts", {"ip": "10.0.0.256"}, "ip"),
    ("ips.stats", {"ip": "10.0.0.0"[:-1] + "0/24"}, "ip"),
    ("machines.find_by_ip", {"timestamp": "2026-11-01T00:00:00"}, "timestamp"),
    ("machines.find_by_ip", {"ip": "host"}, "ip"),
    ("domains.stats", {"hours": 0}, "hours"),
    ("graph.detection_rules.list", {"select": ["id", "nonsense"]}, "select"),
    ("graph.detection_rules.list", {"orderby": "displayName downwards"}, "orderby"),
    ("alerts.list", {"expand": "files"}, "expand"),
    ("alerts.create", {"event_time": "yesterday"}, "event_time"),
    ("indicators.import_batch", {"indicators": [{"indicator_valu": "x"}]}, "indicators"),
    ("indicators.import_batch", {"indicators": []}, "indicators"),
    ("live_response.start", {"commands": []}, "commands"),
    ("live_response.start", {"commands": [{"kind": "RunScript"}]}, "commands"),
    ("live_response.start", {"comment": " "}, "comment"),
    ("device_groups.delete", {"ids": ["7"]}, "ids"),
    ("scans.create", {"interval_hours": 0}, "interval_hours"),
    ("data_exports.create", {"logs": [{"categry": "x"}]}, "logs"),
]
WRONGS = [
    *wrongs(),
    *((id, f"{name} no such hash", {**named(id), name: value}, name) for id, name, value in HASHES),
    *((id, f"{name} {next(iter(more.values()))!r}", {**named(id), **more}, name) for id, more, name in OTHERS),
]


def test_every_operation_has_a_wrong_argument() -> None:
    assert {id for id, *_ in WRONGS} == set(CASES)
    assert len(WRONGS) > 4 * len(CASES)


@pytest.mark.parametrize("id", CASES)
def test_wrong_arguments_are_refused_and_nothing_is_sent(recorder: Recorder, run: Run, id: str) -> None:
    recorder.expect(id)
    for wrong_id, what, given, name in WRONGS:
        if wrong_id != id or (id == "library.upload" and name in ("file", "nonsense")):
            continue
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            run(lambda client, given=given: client.call(id, **given))
        assert caught.value.argument == name, what
        assert recorder.seen == [], what


@pytest.mark.parametrize("id", CASES)
def test_a_method_refuses_what_the_call_refuses(recorder: Recorder, run: Run, id: str) -> None:
    recorder.expect(id)
    placed = [p["name"] for p in DECLARED[id]["params"] if p["in"] == "path"]
    chosen = [
        w
        for w in WRONGS
        if w[0] == id and w[1].endswith(("of another type", "near a member", "too large", "with a slash"))
    ]
    for _, what, given, name in chosen:
        if id == "library.upload":
            continue
        more = {n: v for n, v in given.items() if n not in placed}
        with pytest.raises(xdrkit.InvalidArgumentError) as caught:
            run(lambda client, given=given, more=more: method(client, id)(*(given[n] for n in placed), **more))
        assert caught.value.argument == name, what
        assert recorder.seen == [], what


@pytest.mark.parametrize("id", CASES)
def test_a_word_that_an_operation_does_not_take_is_a_type_error(recorder: Recorder, run: Run, id: str) -> None:
    recorder.expect(id)
    with pytest.raises(TypeError, match="nonsense"):
        run(lambda client: method(client, id)(*CASES[id].args, **{**arguments(CASES[id]), "nonsense": 1}))
    assert recorder.seen == []


# Values in Python's own types


MOMENTS: list[tuple[Any, str]] = [
    (datetime(2026, 11, 1, 10, 20, 30, 123456, tzinfo=timezone.utc), "2026-11-01T10:20:30.123456Z"),
    (datetime(2026, 11, 1, 10, tzinfo=timezone(timedelta(hours=2))), "2026-11-01T08:00:00Z"),
    ("2026-11-01", "2026-11-01T00:00:00Z"),
    ("2026-11-01T10:20:30.1234567Z", "2026-11-01T10:20:30.1234567Z"),
    ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00Z"),
]


@pytest.mark.parametrize(("moment", "wire"), MOMENTS, ids=lambda v: str(v))
def test_a_moment_arrives_as_the_service_reads_it(recorder: Recorder, run: Run, moment: Any, wire: str) -> None:
    recorder.expect("exports.vulnerability_changes")
    run(lambda client: client.exports.vulnerability_changes(since=moment))
    sent = dict(parse_qsl(urlsplit(recorder.seen[0]["target"]).query))["sinceTime"]
    assert parsed(sent) == parsed(wire)
    assert sent.endswith("Z")


@pytest.mark.parametrize("ago", ["7d", "-7d", timedelta(days=7), timedelta(days=-7)], ids=str)
def test_how_long_ago_counts_from_now(recorder: Recorder, run: Run, ago: Any) -> None:
    recorder.expect("exports.vulnerability_changes")
    run(lambda client: client.exports.vulnerability_changes(since=ago))
    sent = dict(parse_qsl(urlsplit(recorder.seen[0]["target"]).query))["sinceTime"]
    away = datetime.now(timezone.utc) - timedelta(days=7) - parsed(sent)
    assert abs(away) < timedelta(minutes=1)


def parsed(text: str) -> datetime:
    """ISO text; digits beyond microseconds are cut off, which Python 3.9 cannot read."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6].ljust(6, '0')}+00:00")


def test_a_naive_moment_is_refused(recorder: Recorder, run: Run) -> None:
    recorder.expect("exports.vulnerability_changes")
    with pytest.raises(xdrkit.InvalidArgumentError) as caught:
        run(lambda client: client.exports.vulnerability_changes(since=datetime(2026, 11, 1)))  # noqa: DTZ001
    assert caught.value.argument == "since"
    assert recorder.seen == []


def test_a_member_that_is_not_known_is_sent_with_a_warning(recorder: Recorder) -> None:
    recorder.expect("graph.alerts.update")
    options: dict[str, Any] = {"credential": lambda _: ("t", time.time() + 3600), "base_url": recorder.url}
    with xdrkit.Client("contoso.onmicrosoft.com", **options) as client, pytest.warns(UserWarning, match="unheardOf"):
        client.graph.alerts.update(A, determination="unheardOf")
    assert json.loads(recorder.seen[0]["body"]) == {"determination": "unheardOf"}
