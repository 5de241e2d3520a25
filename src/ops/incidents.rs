//! Incidents of Defender XDR, and the same as the Endpoint service has them.

use super::model::{
    FILTER, Kind,
    Method::*,
    Operation, Paging, SKIP,
    Service::{Endpoint, Xdr},
    TOP, body, id,
};

const STATUS: &[&str] = &["Active", "InProgress", "Resolved", "Redirected"];
const CLASSIFICATION: &[&str] = &["TruePositive", "InformationalExpectedActivity", "FalsePositive"];
const DETERMINATION: &[&str] = &[
    "MultiStagedAttack",
    "MaliciousUserActivity",
    "CompromisedAccount",
    "Malware",
    "Phishing",
    "UnwantedSoftware",
    "SecurityTesting",
    "LineOfBusinessApplication",
    "ConfirmedActivity",
    "Clean",
    "NoEnoughDataToValidate",
    "Other",
];
const READ: (&[&str], &[&str]) = (&["Incident.Read.All", "Incident.ReadWrite.All"], &["Incident.Read", "Incident.ReadWrite"]);

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("incidents.list", Xdr, Get, "/api/incidents")
        .summary("List the incidents of Defender XDR with their alerts, the most recent first.")
        .notes("There is no filter by severity.")
        .params(&[FILTER, TOP, SKIP])
        .many("Incident", Paging::Skip { page_max: 100 })
        .filterable(&["lastUpdateTime", "createdTime", "status", "assignedTo"])
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-xdr/api-list-incidents"),
    Operation::new("incidents.get", Xdr, Get, "/api/incidents/{id}")
        .summary("Get one incident with its alerts.")
        .params(&[id("id", "id", "Incident id, a number.")])
        .one("Incident")
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-xdr/api-get-incident"),
    Operation::new("incidents.update", Xdr, Patch, "/api/incidents/{id}")
        .summary("Change an incident's status, owner, classification, determination or tags, or comment on it.")
        .notes("What is left out stays as it is. A determination goes with the classification `TruePositive` only.")
        .params(&[
            id("id", "id", "Incident id, a number."),
            body("status", "status", Kind::Enum(STATUS), "The new status."),
            body("assigned_to", "assignedTo", Kind::Text, "The new owner."),
            body("classification", "classification", Kind::Enum(CLASSIFICATION), "The new classification."),
            body("determination", "determination", Kind::OpenEnum(DETERMINATION), "The new determination."),
            body("tags", "tags", Kind::Texts, "The new tags; they replace the old ones."),
            body("comment", "comment", Kind::Text, "A comment to add."),
        ])
        .one("Incident")
        .idempotent()
        .permissions(&["Incident.ReadWrite.All"], &["Incident.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-xdr/api-update-incidents"),
    Operation::new("endpoint_incidents.list", Endpoint, Get, "/api/incidents")
        .summary("List the incidents as the Endpoint service has them.")
        .params(&[FILTER, TOP, SKIP])
        .many("Incident", Paging::Skip { page_max: 100 })
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .undocumented(),
    Operation::new("endpoint_incidents.get", Endpoint, Get, "/api/incidents/{id}")
        .summary("Get one incident as the Endpoint service has it.")
        .params(&[id("id", "id", "Incident id, a number.")])
        .one("Incident")
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .undocumented(),
];
