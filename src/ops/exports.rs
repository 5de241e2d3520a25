//! Exports of vulnerability management, for all machines: as pages of JSON and as files.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, query};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("exports.software_inventory", Endpoint, Get, "/api/machines/SoftwareInventoryByMachine")
        .summary("Export the software of all machines, page by page.")
        .notes("For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetSoftware", Paging::Token { page_max: 200_000 })
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-software-inventory"),
    Operation::new("exports.software_inventory_files", Endpoint, Get, "/api/machines/SoftwareInventoryExport")
        .summary("Get the links to files with the software of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 6),
            "How long the links are good, in hours; at most 6. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-software-inventory"),
    Operation::new("exports.vulnerabilities", Endpoint, Get, "/api/machines/SoftwareVulnerabilitiesByMachine")
        .summary("Export the vulnerabilities of all machines, page by page.")
        .notes("For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetVulnerability", Paging::Token { page_max: 200_000 })
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-software-vulnerabilities"),
    Operation::new("exports.vulnerabilities_files", Endpoint, Get, "/api/machines/SoftwareVulnerabilitiesExport")
        .summary("Get the links to files with the vulnerabilities of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 6),
            "How long the links are good, in hours; at most 6. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-software-vulnerabilities"),
    Operation::new("exports.vulnerability_changes", Endpoint, Get, "/api/machines/SoftwareVulnerabilityChangesByMachine")
        .summary("Export what changed in the vulnerabilities of all machines, page by page.")
        .notes("A machine that moves to another device group comes twice, as `Fixed` and as `New`.")
        .params(&[query("since", "sinceTime", Kind::Moment, "From when on; at most 14 days back.").required(), TOP])
        .many("DeltaAssetVulnerability", Paging::Token { page_max: 200_000 })
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-software-vulnerabilities"),
    Operation::new("exports.secure_configurations", Endpoint, Get, "/api/machines/SecureConfigurationsAssessmentByMachine")
        .summary("Export the secure configuration of all machines, page by page.")
        .notes("For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetConfiguration", Paging::Token { page_max: 200_000 })
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-secure-config"),
    Operation::new("exports.secure_configurations_files", Endpoint, Get, "/api/machines/SecureConfigurationsAssessmentExport")
        .summary("Get the links to files with the secure configuration of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 6),
            "How long the links are good, in hours; at most 6. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-secure-config"),
    Operation::new("exports.non_cpe_software", Endpoint, Get, "/api/machines/SoftwareInventoryNoProductCodeByMachine")
        .summary("Export the software without a product code of all machines, page by page.")
        .notes("For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetNonCpeSoftware", Paging::Token { page_max: 200_000 })
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-non-cpe-software-inventory"),
    Operation::new("exports.non_cpe_software_files", Endpoint, Get, "/api/machines/SoftwareInventoryNonCpeExport")
        .summary("Get the links to files with the software without a product code of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 24),
            "How long the links are good, in hours; at most 24. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-non-cpe-software-inventory"),
    Operation::new("exports.browser_extensions", Endpoint, Get, "/api/Machines/BrowserExtensionsInventoryByMachine")
        .summary("Export the browser extensions of all machines, page by page.")
        .notes("The keys begin with capital letters here. For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetBrowserExtension", Paging::Token { page_max: 200_000 })
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-browser-extensions"),
    Operation::new("exports.browser_extensions_files", Endpoint, Get, "/api/machines/browserextensionsinventoryExport")
        .summary("Get the links to files with the browser extensions of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .one("ExportFiles")
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-browser-extensions"),
    Operation::new("exports.browser_permissions", Endpoint, Get, "/api/browserextensions/permissionsinfo")
        .summary("List what the permissions of browser extensions mean.")
        .params(&[FILTER, TOP, SKIP])
        .many("BrowserPermission", Paging::Skip { page_max: 10_000 })
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-browser-extensions-permission-info"),
    Operation::new("exports.certificates", Endpoint, Get, "/api/machines/certificateAssessmentByMachine")
        .summary("Export the certificates of all machines, page by page.")
        .notes("For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetCertificateAssessment", Paging::Token { page_max: 200_000 })
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/export-certificate-inventory-assessment"),
    Operation::new("exports.certificates_files", Endpoint, Get, "/api/machines/certificateAssessmentExport")
        .summary("Get the links to files with the certificates of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
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
        .doc("https://learn.microsoft.com/defender-endpoint/api/export-certificate-inventory-assessment"),
    Operation::new("exports.firmware", Endpoint, Get, "/api/machines/HardwareFirmwareInventoryByMachine")
        .summary("Export the hardware and firmware of all machines, page by page.")
        .notes("`additionalFields` is JSON text. For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetHardwareFirmware", Paging::Token { page_max: 200_000 })
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/export-firmware-hardware-assessment"),
    Operation::new("exports.firmware_files", Endpoint, Get, "/api/machines/HardwareFirmwareInventoryExport")
        .summary("Get the links to files with the hardware and firmware of all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .one("ExportFiles")
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/export-firmware-hardware-assessment"),
    Operation::new("exports.baselines", Endpoint, Get, "/api/machines/baselineComplianceAssessmentByMachine")
        .summary("Export the compliance of all machines with security baselines, page by page.")
        .notes("For many machines `exports.download` is faster.")
        .params(&[TOP])
        .many("AssetBaselineAssessment", Paging::Token { page_max: 200_000 })
        .permissions(&["SecurityBaselinesAssessment.Read.All"], &["SecurityBaselinesAssessment.Read"])
        .quota(Quota::EXPORT_PAGES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/export-security-baseline-assessment"),
    Operation::new("exports.baselines_files", Endpoint, Get, "/api/machines/BaselineComplianceAssessmentExport")
        .summary("Get the links to files with the compliance of all machines with security baselines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 6),
            "How long the links are good, in hours; at most 6. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["SecurityBaselinesAssessment.Read.All"], &["SecurityBaselinesAssessment.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/export-security-baseline-assessment"),
    Operation::new("exports.information_gathering_files", Endpoint, Get, "/api/machines/InfoGatheringExport")
        .summary("Get the links to files with what was gathered from all machines.")
        .notes(
            "Fetch the links without a token: gzip, one JSON object a line. `exports.download` does that, and asks \
                 anew when links end.",
        )
        .params(&[query(
            "hours",
            "sasValidHours",
            Kind::Range(1, 6),
            "How long the links are good, in hours; at most 6. Default: the service's.",
        )])
        .one("ExportFiles")
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::EXPORT_FILES)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-assessment-information-gathering"),
];
