//! Machines (devices) of Defender for Endpoint, and what can be done to them.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, Param, SKIP, Service::Endpoint, TOP, body, fixed, id};

const MACHINE: Param = id("id", "id", "Machine id: 40 hexadecimal digits.");
const COMMENT: Param = body("comment", "Comment", Kind::Text, "Why; it is kept with the action.").required();
const TAG: Param = body("tag", "Value", Kind::Text, "The tag.").required();
const ONE_AT_A_TIME: &str = "While such an action runs on the machine, the service answers with that action or refuses with 400.";
const READ: (&[&str], &[&str]) = (&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"]);

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("machines.list", Endpoint, Get, "/api/machines")
        .summary("List the machines that were seen in the last 30 days.")
        .notes("User context: only machines of the user's device groups.")
        .params(&[FILTER, TOP, SKIP])
        .many("Machine", Paging::Skip { page_max: 10_000 })
        .filterable(&[
            "computerDnsName",
            "id",
            "version",
            "deviceValue",
            "aadDeviceId",
            "machineTags",
            "lastSeen",
            "exposureLevel",
            "onboardingStatus",
            "lastIpAddress",
            "healthStatus",
            "osPlatform",
            "riskScore",
            "rbacGroupId",
        ])
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machines"),
    Operation::new("machines.get", Endpoint, Get, "/api/machines/{id}")
        .summary("Get one machine.")
        .params(&[id("id", "id", "Machine id (40 hexadecimal digits) or its full DNS name.")])
        .one("Machine")
        .permissions(READ.0, READ.1)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machine-by-id"),
    Operation::new("machines.isolate", Endpoint, Post, "/api/machines/{id}/isolate")
        .summary("Cut a machine off the network.")
        .notes(ONE_AT_A_TIME)
        .params(&[
            MACHINE,
            COMMENT,
            body(
                "isolation_type",
                "IsolationType",
                Kind::Enum(&["Full", "Selective", "UnManagedDevice"]),
                "`Full`; `Selective` leaves Outlook, Teams and Skype connected; `UnManagedDevice` contains a device that is not onboarded. \
                 Default: the service's, `Full`.",
            ),
        ])
        .one("MachineAction")
        .permissions(&["Machine.Isolate"], &["Machine.Isolate"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/isolate-machine"),
    Operation::new("machines.unisolate", Endpoint, Post, "/api/machines/{id}/unisolate")
        .summary("Let an isolated machine back on the network.")
        .notes(ONE_AT_A_TIME)
        .params(&[MACHINE, COMMENT])
        .one("MachineAction")
        .permissions(&["Machine.Isolate"], &["Machine.Isolate"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/unisolate-machine"),
    Operation::new("machines.scan", Endpoint, Post, "/api/machines/{id}/runAntiVirusScan")
        .summary("Start an antivirus scan on a machine.")
        .notes(ONE_AT_A_TIME)
        .params(&[MACHINE, COMMENT, body("scan_type", "ScanType", Kind::Enum(&["Quick", "Full"]), "How thorough.").required()])
        .one("MachineAction")
        .permissions(&["Machine.Scan"], &["Machine.Scan"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/run-av-scan"),
    Operation::new("machines.add_tag", Endpoint, Post, "/api/machines/{id}/tags")
        .summary("Put a tag on a machine.")
        .params(&[MACHINE, TAG, fixed("Action", "Add")])
        .one("Machine")
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-or-remove-machine-tags"),
    Operation::new("machines.remove_tag", Endpoint, Post, "/api/machines/{id}/tags")
        .summary("Take a tag off a machine.")
        .params(&[MACHINE, TAG, fixed("Action", "Remove")])
        .one("Machine")
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-or-remove-machine-tags"),
];
