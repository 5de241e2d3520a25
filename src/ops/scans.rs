//! Authenticated scans of network devices and Windows machines.

use super::model::{Kind, Method::*, Operation, Paging, SKIP, Service::Endpoint, TOP, body, id};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("scans.list", Endpoint, Get, "/api/DeviceAuthenticatedScanDefinitions")
        .summary("List the authenticated scans.")
        .many("ScanDefinition", Paging::Whole)
        .permissions(&["Machine.Read.All"], &["Machine.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-all-scan-definitions"),
    Operation::new("scans.create", Endpoint, Post, "/api/DeviceAuthenticatedScanDefinitions")
        .summary("Make an authenticated scan.")
        .params(&[
            body("scan_type", "scanType", Kind::Enum(&["Windows", "Network"]), "What is scanned.").required(),
            body("name", "scanName", Kind::Text, "Its name.").required(),
            body("active", "isActive", Kind::Bool, "Whether it runs.").required(),
            body("target", "target", Kind::Text, "IP addresses or host names, with commas between.").required(),
            body("interval_hours", "intervalInHours", Kind::Range(1, 8760), "Hours between two scans.").required(),
            body("target_type", "targetType", Kind::Enum(&["Ip", "Hostname", "Combined"]), "What the targets are.").required(),
            body("scanner_agent", "scannerAgent", Kind::Object("ScanAgentReference"), "The machine that scans: a dict with `machineId`.")
                .required(),
            body(
                "authentication",
                "scanAuthenticationParams",
                Kind::Json,
                "How it signs in: a dict with `@odata.type` (`#microsoft.windowsDefenderATP.api.WindowsAuthParams` or \
                 `…SnmpAuthParams`), `type`, and what that type needs.",
            )
            .required(),
        ])
        .one("ScanDefinition")
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-a-new-scan-definition"),
    Operation::new("scans.update", Endpoint, Patch, "/api/DeviceAuthenticatedScanDefinitions/{id}")
        .summary("Change an authenticated scan.")
        .notes("What is left out stays as it is.")
        .params(&[
            id("id", "id", "Scan id, a GUID."),
            body("scan_type", "scanType", Kind::Enum(&["Windows", "Network"]), "What is scanned."),
            body("name", "scanName", Kind::Text, "Its name."),
            body("active", "isActive", Kind::Bool, "Whether it runs."),
            body("target", "target", Kind::Text, "IP addresses or host names, with commas between."),
            body("interval_hours", "intervalInHours", Kind::Range(1, 8760), "Hours between two scans."),
            body("target_type", "targetType", Kind::Enum(&["Ip", "Hostname", "Combined"]), "What the targets are."),
            body("scanner_agent", "scannerAgent", Kind::Object("ScanAgentReference"), "The machine that scans: a dict with `machineId`."),
            body(
                "authentication",
                "scanAuthenticationParams",
                Kind::Json,
                "How it signs in: a dict with `@odata.type` (`#microsoft.windowsDefenderATP.api.WindowsAuthParams` or \
                 `…SnmpAuthParams`), `type`, and what that type needs.",
            ),
        ])
        .one("ScanDefinition")
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-a-new-scan-definition"),
    Operation::new("scans.delete_many", Endpoint, Post, "/api/DeviceAuthenticatedScanDefinitions/BatchDelete")
        .summary("Delete authenticated scans.")
        .params(&[body("ids", "ScanDefinitionIds", Kind::Texts, "Their ids.").required()])
        .nothing()
        .idempotent()
        .acts()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-a-new-scan-definition"),
    Operation::new("scans.agents", Endpoint, Get, "/api/DeviceAuthenticatedScanAgents")
        .summary("List the machines that scan.")
        .many("ScanAgent", Paging::Whole)
        .permissions(&["Machine.Read.All"], &["Machine.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-all-scan-agents"),
    Operation::new("scans.agent", Endpoint, Get, "/api/DeviceAuthenticatedScanAgents/{id}")
        .summary("Get one machine that scans.")
        .params(&[id("id", "id", "Scan agent id.")])
        .one("ScanAgent")
        .permissions(&["Machine.Read.All"], &["Machine.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-agent-details"),
    Operation::new("scans.history", Endpoint, Post, "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryByScanDefinitionId")
        .summary("List what scans found.")
        .params(&[body("ids", "ScanDefinitionIds", Kind::Texts, "The scans' ids.").required(), TOP, SKIP])
        .many("ScanHistory", Paging::Skip { page_max: 4_096 })
        .reads()
        .permissions(&["Machine.Read.All"], &["Machine.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-scan-history-by-definition"),
    Operation::new("scans.history_of_sessions", Endpoint, Post, "/api/DeviceAuthenticatedScanDefinitions/GetScanHistoryBySessionId")
        .summary("List what sessions of scans found.")
        .params(&[body("session_ids", "SessionIds", Kind::Texts, "The sessions' ids.").required()])
        .many("ScanHistory", Paging::Whole)
        .reads()
        .permissions(&["Machine.Read.All"], &["Machine.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-scan-history-by-session"),
];
