//! Alerts of Defender for Endpoint.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, SKIP, Service::Endpoint, TOP, body, expand, id};

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
];
