//! Vulnerabilities in the organisation.

use super::model::{FILTER, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, id};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("vulnerabilities.list", Endpoint, Get, "/api/vulnerabilities")
        .summary("List the vulnerabilities.")
        .params(&[FILTER, TOP, SKIP])
        .many("Vulnerability", Paging::Skip { page_max: 8_000 })
        .filterable(&["id", "name", "description", "cvssV3", "publishedOn", "severity", "updatedOn"])
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-all-vulnerabilities"),
    Operation::new("vulnerabilities.get", Endpoint, Get, "/api/vulnerabilities/{cveId}")
        .summary("Get one vulnerability.")
        .params(&[id("id", "cveId", "CVE id, such as `CVE-2026-1234`.")])
        .one("Vulnerability")
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-vulnerability-by-id"),
    Operation::new("vulnerabilities.machines", Endpoint, Get, "/api/vulnerabilities/{cveId}/machineReferences")
        .summary("List the machines that a vulnerability exposes.")
        .params(&[id("id", "cveId", "CVE id, such as `CVE-2026-1234`.")])
        .many("MachineReference", Paging::Whole)
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machines-by-vulnerability"),
    Operation::new("vulnerabilities.by_machine", Endpoint, Get, "/api/vulnerabilities/machinesVulnerabilities")
        .summary("List the vulnerabilities of all machines, by machine and software.")
        .params(&[FILTER, TOP, SKIP])
        .many("MachineVulnerability", Paging::Skip { page_max: 10_000 })
        .filterable(&["id", "cveId", "machineId", "fixingKbId", "productName", "productVersion", "severity", "productVendor"])
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-all-vulnerabilities-by-machines"),
];
