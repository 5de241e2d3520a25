//! Scores, and the antivirus health of machines.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, query};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("scores.exposure", Endpoint, Get, "/api/exposureScore")
        .summary("Get the exposure score.")
        .notes("The lower, the better.")
        .one("Score")
        .permissions(&["Score.Read.All"], &["Score.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-exposure-score"),
    Operation::new("scores.exposure_by_group", Endpoint, Get, "/api/exposureScore/ByMachineGroups")
        .summary("List the exposure scores of the device groups.")
        .many("Score", Paging::Whole)
        .permissions(&["Score.Read.All"], &["Score.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machine-group-exposure-score"),
    Operation::new("scores.secure", Endpoint, Get, "/api/configurationScore")
        .summary("Get the secure score for devices.")
        .notes("The higher, the better.")
        .one("Score")
        .permissions(&["Score.Read.All"], &["Score.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-device-secure-score"),
    Operation::new("av_health.list", Endpoint, Get, "/api/deviceavinfo")
        .summary("List the antivirus health of the machines.")
        .notes(
            "Booleans are the texts `True`, `False` and `Unknown`; `avMode` is a digit: 0 active, 1 passive, 2 \
                 disabled, 3 other, 4 EDR in block mode, 5 unknown.",
        )
        .params(&[FILTER, TOP, SKIP])
        .many("DeviceAvInfo", Paging::Skip { page_max: 10_000 })
        .filterable(&[
            "machineId",
            "computerDnsName",
            "osKind",
            "osPlatform",
            "osVersion",
            "avMode",
            "avSignatureVersion",
            "avEngineVersion",
            "avPlatformVersion",
            "quickScanResult",
            "quickScanError",
            "fullScanResult",
            "fullScanError",
            "avIsSignatureUpToDate",
            "avIsEngineUpToDate",
            "avIsPlatformUpToDate",
            "rbacGroupId",
        ])
        .permissions(&["Machine.Read.All"], &["Machine.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/device-health-export-antivirus-health-report-api"),
    Operation::new("av_health.export_files", Endpoint, Get, "/api/machines/InfoGatheringExport")
        .summary("Get the links to files with the antivirus health of all machines.")
        .notes(
            "The same address as `exports.information_gathering_files`: the health is in `DeviceGatheredInfo` of each \
                 record.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 24),
            "How long the links are good, in hours; at most 24. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/device-health-export-antivirus-health-report-api"),
];
