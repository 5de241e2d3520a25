//! Machines (devices) of Defender for Endpoint, and what can be done to them.

use super::model::{
    EXTERNAL_ID, FILTER, Kind, MACHINE, Method::*, Operation, Paging, Param, Place, Quota, SKIP, Service::Endpoint, TOP, body, fixed, id,
    query,
};

const COMMENT: Param = body("comment", "Comment", Kind::Text, "Why; it is kept with the action.").required();
const TAG: Param = body("tag", "Value", Kind::Text, "The tag.").required();
const VALUE: &[&str] = &["Normal", "Low", "High"];
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
    Operation::new("machines.logon_users", Endpoint, Get, "/api/machines/{id}/logonusers")
        .summary("List who was logged on to a machine.")
        .params(&[MACHINE])
        .many("User", Paging::Whole)
        .permissions(&["User.Read.All"], &["User.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machine-log-on-users"),
    Operation::new("machines.alerts", Endpoint, Get, "/api/machines/{id}/alerts")
        .summary("List the alerts of a machine.")
        .params(&[MACHINE, FILTER])
        .many("Alert", Paging::Whole)
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machine-related-alerts"),
    Operation::new("machines.software", Endpoint, Get, "/api/machines/{machineId}/software")
        .summary("List the software on a machine.")
        .params(&[Param { wire: "machineId", ..MACHINE }])
        .many("Software", Paging::Whole)
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-installed-software"),
    Operation::new("machines.vulnerabilities", Endpoint, Get, "/api/machines/{machineId}/vulnerabilities")
        .summary("List the vulnerabilities of a machine.")
        .params(&[Param { wire: "machineId", ..MACHINE }])
        .many("Vulnerability", Paging::Whole)
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::MACHINE_VULNERABILITIES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-discovered-vulnerabilities"),
    Operation::new("machines.recommendations", Endpoint, Get, "/api/machines/{machineId}/recommendations")
        .summary("List the security recommendations for a machine.")
        .params(&[Param { wire: "machineId", ..MACHINE }])
        .many("Recommendation", Paging::Whole)
        .permissions(&["SecurityRecommendation.Read.All"], &["SecurityRecommendation.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-security-recommendations"),
    Operation::new("machines.missing_kbs", Endpoint, Get, "/api/machines/{machineId}/getmissingkbs")
        .summary("List the security updates that a machine lacks.")
        .notes("Only an application permission is documented.")
        .params(&[Param { wire: "machineId", ..MACHINE }])
        .many("MissingKb", Paging::Whole)
        .permissions(&["Software.Read.All"], &[])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-missing-kbs-machine"),
    Operation::new("machines.add_tag_to_many", Endpoint, Post, "/api/machines/AddOrRemoveTagForMultipleMachines")
        .summary("Put a tag on many machines at once.")
        .params(&[
            TAG,
            body("ids", "MachineIds", Kind::Texts, "The machines' ids; at most 500.").required().at_most(500),
            fixed("Action", "Add"),
        ])
        .many("Machine", Paging::Whole)
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-or-remove-multiple-machine-tags"),
    Operation::new("machines.remove_tag_from_many", Endpoint, Post, "/api/machines/AddOrRemoveTagForMultipleMachines")
        .summary("Take a tag off many machines at once.")
        .params(&[
            TAG,
            body("ids", "MachineIds", Kind::Texts, "The machines' ids; at most 500.").required().at_most(500),
            fixed("Action", "Remove"),
        ])
        .many("Machine", Paging::Whole)
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/add-or-remove-multiple-machine-tags"),
    Operation::new("machines.find_by_ip", Endpoint, Get, "/api/machines/findbyip(ip='{ip}',timestamp={timestamp})")
        .summary("List the machines that used an internal IP address within 15 minutes of a moment.")
        .params(&[
            Param { place: Place::Path, ..query("ip", "ip", Kind::Ip, "The internal address.") }.required(),
            Param { place: Place::Path, ..query("timestamp", "timestamp", Kind::Moment, "The moment; within the last 30 days.") }
                .required(),
        ])
        .many("Machine", Paging::Whole)
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/find-machines-by-ip"),
    Operation::new("machines.find_by_internal_ip", Endpoint, Get, "/api/machines/find(timestamp={timestamp},key='{ip}')")
        .summary("List the machines that used an internal IP address within 16 minutes of a moment.")
        .params(&[
            Param { place: Place::Path, ..query("ip", "ip", Kind::Ip, "The internal address.") }.required(),
            Param { place: Place::Path, ..query("timestamp", "timestamp", Kind::Moment, "The moment; within the last 30 days.") }
                .required(),
        ])
        .many("Machine", Paging::Whole)
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &[])
        .quota(Quota::UNSTATED)
        .deprecated("its documentation is a leftover; use `machines.find_by_ip`")
        .doc("https://learn.microsoft.com/defender-endpoint/api/find-machine-info-by-ip"),
    Operation::new("machines.find_by_tag", Endpoint, Get, "/api/machines/findbytag")
        .summary("List the machines with a tag.")
        .params(&[
            query("tag", "tag", Kind::Text, "The tag.").required(),
            query("starts_with", "useStartsWithFilter", Kind::Bool, "Take tags that only begin so, too. Default: no."),
        ])
        .many("Machine", Paging::Whole)
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/find-machines-by-tag"),
    Operation::new("machines.set_value", Endpoint, Post, "/api/machines/{machineId}/setDeviceValue")
        .summary("Say how much a machine is worth.")
        .params(&[
            Param { wire: "machineId", ..MACHINE },
            body("value", "DeviceValue", Kind::Enum(VALUE), "Its value; it counts in the exposure score.").required(),
        ])
        .one("Machine")
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/set-device-value"),
    Operation::new("machines.update", Endpoint, Patch, "/api/machines/{machineId}")
        .summary("Replace a machine's tags, or set its value.")
        .notes("To add or remove one tag take `machines.add_tag` and `machines.remove_tag`.")
        .params(&[
            Param { wire: "machineId", ..MACHINE },
            body(
                "tags",
                "machineTags",
                Kind::Texts,
                "All its tags from now on: the documentation says both that these replace the old ones and that they are \
                 added; they replace.",
            ),
            body("value", "deviceValue", Kind::Enum(VALUE), "Its value."),
        ])
        .one("Machine")
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/update-machine-method"),
    Operation::new("machines.collect_package", Endpoint, Post, "/api/machines/{id}/collectInvestigationPackage")
        .summary("Collect an investigation package from a machine.")
        .notes("`machine_actions.download_package` fetches it.")
        .params(&[MACHINE, COMMENT, EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.CollectForensics"], &["Machine.CollectForensics"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/collect-investigation-package"),
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
                "`Full`; `Selective` leaves Outlook, Teams and Skype connected; `UnManagedDevice` contains a device that \
                 is not onboarded. Default: the service's, `Full`.",
            ),
            EXTERNAL_ID,
        ])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.Isolate"], &["Machine.Isolate"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/isolate-machine"),
    Operation::new("machines.unisolate", Endpoint, Post, "/api/machines/{id}/unisolate")
        .summary("Let an isolated machine back on the network.")
        .notes(ONE_AT_A_TIME)
        .params(&[MACHINE, COMMENT, EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.Isolate"], &["Machine.Isolate"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/unisolate-machine"),
    Operation::new("machines.restrict", Endpoint, Post, "/api/machines/{id}/restrictCodeExecution")
        .summary("Let a machine run only what Microsoft has signed.")
        .notes(ONE_AT_A_TIME)
        .params(&[MACHINE, COMMENT, EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.RestrictExecution"], &["Machine.RestrictExecution"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/restrict-code-execution"),
    Operation::new("machines.unrestrict", Endpoint, Post, "/api/machines/{id}/unrestrictCodeExecution")
        .summary("Let a machine run everything again.")
        .notes(ONE_AT_A_TIME)
        .params(&[MACHINE, COMMENT, EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.RestrictExecution"], &["Machine.RestrictExecution"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/unrestrict-code-execution"),
    Operation::new("machines.scan", Endpoint, Post, "/api/machines/{id}/runAntiVirusScan")
        .summary("Start an antivirus scan on a machine.")
        .notes(ONE_AT_A_TIME)
        .params(&[MACHINE, COMMENT, body("scan_type", "ScanType", Kind::Enum(&["Quick", "Full"]), "How thorough.").required(), EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.Scan"], &["Machine.Scan"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/run-av-scan"),
    Operation::new("machines.offboard", Endpoint, Post, "/api/machines/{id}/offboard")
        .summary("Offboard a machine: its sensor stops.")
        .notes("Not for macOS and Linux. What the machine knows of its onboarding stays in its registry.")
        .params(&[MACHINE, COMMENT, EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.Offboard"], &["Machine.Offboard"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/offboard-machine-api"),
    Operation::new("machines.quarantine_file", Endpoint, Post, "/api/machines/{id}/StopAndQuarantineFile")
        .summary("Stop a file's processes on a machine and put it into quarantine.")
        .params(&[MACHINE, COMMENT, body("sha1", "Sha1", Kind::Hash(&[40]), "The file's SHA-1.").required(), EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.StopAndQuarantine", "Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.StopAndQuarantine"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/stop-and-quarantine-file"),
    Operation::new("machines.count_alerts", Endpoint, Get, "/api/machines/{id}/alerts/$count")
        .summary("Count the alerts of a machine.")
        .params(&[MACHINE, FILTER])
        .number()
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/exposed-apis-odata-samples"),
    Operation::new("machines.untagged", Endpoint, Get, "/api/machines/untaggedmachines")
        .summary("List the machines without a tag.")
        .many("Machine", Paging::Whole)
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("machines.actions", Endpoint, Get, "/api/machines/{id}/machineactions")
        .summary("List the actions on a machine.")
        .params(&[MACHINE])
        .many("MachineAction", Paging::Whole)
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("machines.latest_actions", Endpoint, Get, "/api/machines/{id}/latestmachineactions")
        .summary("List the latest action of each kind on a machine.")
        .params(&[MACHINE])
        .many("MachineAction", Paging::Whole)
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("machines.available_actions", Endpoint, Get, "/api/machines/{id}/availablemachineactions")
        .summary("List which actions a machine can take now, and why not the others.")
        .params(&[MACHINE])
        .many("ActionAvailability", Paging::Whole)
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("machines.firmware", Endpoint, Get, "/api/machines/{id}/firmware")
        .summary("List the firmware of a machine.")
        .params(&[MACHINE])
        .many("Firmware", Paging::Whole)
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .undocumented(),
    Operation::new("machines.dlp", Endpoint, Get, "/api/machines/dlp")
        .summary("List how the machines are set up for data loss prevention.")
        .many("DlpMachine", Paging::Whole)
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("machines.set_exclusion", Endpoint, Post, "/api/machines/{id}/setexclusion")
        .summary("Exclude a machine from vulnerability management, or take it in again.")
        .params(&[
            MACHINE,
            body("excluded", "IsExcluded", Kind::Bool, "Whether it is excluded.").required(),
            body(
                "reason",
                "ExclusionReason",
                Kind::Enum(&["Other", "InactiveDevice", "DuplicateDevice", "DeviceDoesNotExist", "DeviceOutOfScope"]),
                "Why.",
            ),
        ])
        .one("Machine")
        .idempotent()
        .permissions(&["Machine.ReadWrite.All"], &["Machine.ReadWrite"])
        .undocumented(),
    Operation::new("machines.collect_logs", Endpoint, Post, "/api/machines/{id}/logscollection")
        .summary("Collect the sensor's logs from a machine.")
        .notes("`machine_actions.logs_uri` has the link to them.")
        .params(&[MACHINE, COMMENT, body("parameters", "LogsCollectionParams", Kind::Text, "What to collect, as JSON text."), EXTERNAL_ID])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.CollectForensics"], &["Machine.CollectForensics"])
        .undocumented(),
];
