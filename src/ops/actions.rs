//! Machine actions: what was asked of machines, and what came of it.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, Param, Quota, SKIP, Service::Endpoint, TOP, body, id};

const ACTION: Param = id("id", "id", "Machine action id, a GUID.");
const READ: (&[&str], &[&str]) = (&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"]);
const ANY_ACTION: &[&str] = &[
    "Machine.CollectForensics",
    "Machine.Isolate",
    "Machine.RestrictExecution",
    "Machine.Scan",
    "Machine.Offboard",
    "Machine.StopAndQuarantine",
    "Machine.LiveResponse",
];

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("machine_actions.list", Endpoint, Get, "/api/machineactions")
        .summary("List the machine actions.")
        .params(&[FILTER, TOP, SKIP])
        .many("MachineAction", Paging::Skip { page_max: 10_000 })
        .filterable(&["id", "status", "machineId", "type", "requestor", "creationDateTimeUtc"])
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machineactions-collection"),
    Operation::new("machine_actions.get", Endpoint, Get, "/api/machineactions/{id}")
        .summary("Get one machine action.")
        .params(&[ACTION])
        .one("MachineAction")
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machineaction-object"),
    Operation::new("machine_actions.cancel", Endpoint, Post, "/api/machineactions/{id}/cancel")
        .summary("Cancel a machine action that has not ended yet.")
        .idempotent()
        .notes("Needs the permission of the action's kind, such as `Machine.Isolate` for an isolation.")
        .params(&[ACTION, body("comment", "Comment", Kind::Text, "Why.").required()])
        .one("MachineAction")
        .permissions(ANY_ACTION, ANY_ACTION)
        .doc("https://learn.microsoft.com/defender-endpoint/api/cancel-machine-action"),
    Operation::new("machine_actions.package_uri", Endpoint, Get, "/api/machineactions/{id}/getPackageUri")
        .summary("Get the link to the investigation package that an action collected.")
        .notes(
            "404 until the collection is complete. The link is short-lived and must be fetched without a token: \
                 `machine_actions.download_package` does so.",
        )
        .params(&[ACTION])
        .text()
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.CollectForensics"])
        .quota(Quota::PACKAGE_URI)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-package-sas-uri"),
    Operation::new("machine_actions.logs_uri", Endpoint, Get, "/api/machineactions/{id}/getlogspackageuri")
        .summary("Get the link to the logs that an action collected.")
        .notes("404 until the collection is complete. The link is short-lived and must be fetched without a token.")
        .params(&[ACTION])
        .text()
        .permissions(READ.0, &["Machine.CollectForensics"])
        .quota(Quota::PACKAGE_URI)
        .undocumented(),
];
