//! Alerts of Defender for Endpoint.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, body, expand, id};

const STATUS: &[&str] = &["New", "InProgress", "Resolved"];
const CLASSIFICATION: &[&str] = &["TruePositive", "InformationalExpectedActivity", "FalsePositive"];
const DETERMINATION: &[&str] = &[
    "MultiStagedAttack",
    "MaliciousUserActivity",
    "CompromisedUser",
    "Malware",
    "Phishing",
    "UnwantedSoftware",
    "SecurityTesting",
    "LineOfBusinessApplication",
    "ConfirmedActivity",
    "NotMalicious",
    "InsufficientData",
    "Other",
];
const CATEGORY: &[&str] = &[
    "General",
    "CommandAndControl",
    "Collection",
    "CredentialAccess",
    "DefenseEvasion",
    "Discovery",
    "Exfiltration",
    "Exploit",
    "Execution",
    "InitialAccess",
    "LateralMovement",
    "Malware",
    "Persistence",
    "PrivilegeEscalation",
    "Ransomware",
    "SuspiciousActivity",
];
const READ: (&[&str], &[&str]) = (&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"]);

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("alerts.list", Endpoint, Get, "/api/alerts")
        .summary("List the alerts of Defender for Endpoint.")
        .notes("User context: only alerts on devices of the user's device groups.")
        .params(&[FILTER, TOP, SKIP, expand(&["evidence"])])
        .many("Alert", Paging::Skip { page_max: 10_000 })
        .filterable(&[
            "alertCreationTime",
            "lastUpdateTime",
            "incidentId",
            "investigationId",
            "id",
            "assignedTo",
            "detectionSource",
            "lastEventTime",
            "status",
            "severity",
            "category",
        ])
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alerts"),
    Operation::new("alerts.get", Endpoint, Get, "/api/alerts/{id}")
        .summary("Get one alert.")
        .params(&[id("id", "id", "Alert id, such as `da637551227677560813_-961444813`.")])
        .one("Alert")
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alert-info-by-id"),
    Operation::new("alerts.update", Endpoint, Patch, "/api/alerts/{id}")
        .summary("Change an alert's status, owner, classification or determination, or comment on it.")
        .notes("What is left out stays as it is.")
        .params(&[
            id("id", "id", "Alert id."),
            body("status", "status", Kind::Enum(STATUS), "The new status."),
            body("assigned_to", "assignedTo", Kind::Text, "The new owner."),
            body("classification", "classification", Kind::Enum(CLASSIFICATION), "The new classification."),
            body("determination", "determination", Kind::OpenEnum(DETERMINATION), "The new determination; it must fit the classification."),
            body("comment", "comment", Kind::Text, "A comment to add."),
        ])
        .one("Alert")
        .idempotent()
        .permissions(&["Alert.ReadWrite.All"], &["Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/update-alert"),
    Operation::new("alerts.update_many", Endpoint, Post, "/api/alerts/batchUpdate")
        .summary("Change many alerts at once: status, owner, classification, determination, a comment.")
        .notes("What is left out stays as it is. The answer is empty: it does not say which alerts there were.")
        .params(&[
            body("ids", "alertIds", Kind::Texts, "The alerts' ids.").required(),
            body("status", "status", Kind::Enum(STATUS), "The new status."),
            body("assigned_to", "assignedTo", Kind::Text, "The new owner."),
            body("classification", "classification", Kind::Enum(CLASSIFICATION), "The new classification."),
            body("determination", "determination", Kind::OpenEnum(DETERMINATION), "The new determination; it must fit the classification."),
            body("comment", "comment", Kind::Text, "A comment to add to each."),
        ])
        .nothing()
        .idempotent()
        .permissions(&["Alert.ReadWrite.All"], &["Alert.ReadWrite"])
        .quota(Quota::ALERTS_BATCH)
        .doc("https://learn.microsoft.com/defender-endpoint/api/batch-update-alerts"),
    Operation::new("alerts.create", Endpoint, Post, "/api/alerts/CreateAlertByReference")
        .summary("Make an alert of an event that hunting found.")
        .notes(
            "`report_id`, `event_time` and `machine_id` together must match an event. An automated investigation \
                 starts.",
        )
        .params(&[
            body("machine_id", "machineId", Kind::Text, "The event's `DeviceId`.").required(),
            body("report_id", "reportId", Kind::Text, "The event's `ReportId`.").required(),
            body("event_time", "eventTime", Kind::Moment, "The event's `Timestamp`, exactly as hunting gave it, with all its digits.")
                .required(),
            body("title", "title", Kind::Text, "The title. An open alert of the same title on the same machine takes the new one in.")
                .required(),
            body("description", "description", Kind::Text, "What happened.").required(),
            body("recommended_action", "recommendedAction", Kind::Text, "What to do.").required(),
            body("severity", "severity", Kind::Enum(&["Low", "Medium", "High"]), "How bad.").required(),
            body("category", "category", Kind::Enum(CATEGORY), "The kind of threat.").required(),
        ])
        .one("Alert")
        .permissions(&["Alert.ReadWrite.All"], &["Alert.ReadWrite"])
        .quota(Quota::ALERT_CREATE)
        .doc("https://learn.microsoft.com/defender-endpoint/api/create-alert-by-reference"),
    Operation::new("alerts.domains", Endpoint, Get, "/api/alerts/{id}/domains")
        .summary("List the domains of an alert.")
        .params(&[id("id", "id", "Alert id, such as `da637551227677560813_-961444813`.")])
        .many("Domain", Paging::Whole)
        .permissions(&["URL.Read.All"], &["URL.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alert-related-domain-info"),
    Operation::new("alerts.files", Endpoint, Get, "/api/alerts/{id}/files")
        .summary("List the files of an alert.")
        .params(&[id("id", "id", "Alert id, such as `da637551227677560813_-961444813`.")])
        .many("File", Paging::Whole)
        .permissions(&["File.Read.All"], &["File.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alert-related-files-info"),
    Operation::new("alerts.ips", Endpoint, Get, "/api/alerts/{id}/ips")
        .summary("List the IP addresses of an alert.")
        .params(&[id("id", "id", "Alert id, such as `da637551227677560813_-961444813`.")])
        .many("Ip", Paging::Whole)
        .permissions(&["Ip.Read.All"], &["Ip.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alert-related-ip-info"),
    Operation::new("alerts.machine", Endpoint, Get, "/api/alerts/{id}/machine")
        .summary("Get the machine of an alert.")
        .params(&[id("id", "id", "Alert id, such as `da637551227677560813_-961444813`.")])
        .one("Machine")
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alert-related-machine-info"),
    Operation::new("alerts.user", Endpoint, Get, "/api/alerts/{id}/user")
        .summary("Get the user of an alert.")
        .params(&[id("id", "id", "Alert id, such as `da637551227677560813_-961444813`.")])
        .one("User")
        .permissions(&["User.Read.All"], &["User.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-alert-related-user-info"),
];
