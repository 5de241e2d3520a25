//! Automated investigations.

use super::model::{EXTERNAL_ID, FILTER, Kind, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, body, id};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("investigations.list", Endpoint, Get, "/api/investigations")
        .summary("List the automated investigations.")
        .params(&[FILTER, TOP, SKIP])
        .many("Investigation", Paging::Skip { page_max: 10_000 })
        .filterable(&["startTime", "id", "state", "machineId", "triggeringAlertId"])
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-investigation-collection"),
    Operation::new("investigations.get", Endpoint, Get, "/api/investigations/{id}")
        .summary("Get one automated investigation.")
        .params(&[id("id", "id", "Investigation id, or the id of the alert that triggered it.")])
        .one("Investigation")
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-investigation-object"),
    Operation::new("investigations.start", Endpoint, Post, "/api/machines/{id}/startInvestigation")
        .summary("Start an automated investigation on a machine.")
        .params(&[
            id("machine_id", "id", "Machine id: 40 hexadecimal digits."),
            body("comment", "Comment", Kind::Text, "Why; it is kept with the investigation.").required(),
            EXTERNAL_ID,
        ])
        .one("Investigation")
        .permissions(&["Alert.ReadWrite.All"], &["Alert.ReadWrite"])
        .quota(Quota::INVESTIGATE)
        .doc("https://learn.microsoft.com/defender-endpoint/api/initiate-autoir-investigation"),
];
