//! Software in the organisation.

use super::model::{FILTER, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, id};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("software.list", Endpoint, Get, "/api/Software")
        .summary("List the software in the organisation.")
        .params(&[FILTER, TOP, SKIP])
        .many("Software", Paging::Skip { page_max: 10_000 })
        .filterable(&["id", "name", "vendor"])
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-software"),
    Operation::new("software.get", Endpoint, Get, "/api/Software/{id}")
        .summary("Get one software.")
        .params(&[id("id", "id", "Software id: `vendor-_-name`, such as `microsoft-_-edge`.")])
        .one("Software")
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-software-by-id"),
    Operation::new("software.versions", Endpoint, Get, "/api/Software/{id}/distributions")
        .summary("List the versions of a software with their installations.")
        .params(&[id("id", "id", "Software id: `vendor-_-name`, such as `microsoft-_-edge`.")])
        .many("SoftwareVersion", Paging::Whole)
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-software-ver-distribution"),
    Operation::new("software.machines", Endpoint, Get, "/api/Software/{id}/machineReferences")
        .summary("List the machines with a software.")
        .params(&[id("id", "id", "Software id: `vendor-_-name`, such as `microsoft-_-edge`.")])
        .many("MachineReference", Paging::Whole)
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-machines-by-software"),
    Operation::new("software.vulnerabilities", Endpoint, Get, "/api/Software/{id}/vulnerabilities")
        .summary("List the vulnerabilities of a software.")
        .params(&[id("id", "id", "Software id: `vendor-_-name`, such as `microsoft-_-edge`.")])
        .many("Vulnerability", Paging::Whole)
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-vuln-by-software"),
    Operation::new("software.missing_kbs", Endpoint, Get, "/api/Software/{id}/getmissingkbs")
        .summary("List the security updates that installations of a software lack.")
        .params(&[id("id", "id", "Software id: `vendor-_-name`, such as `microsoft-_-edge`.")])
        .many("MissingKb", Paging::Whole)
        .permissions(&["Software.Read.All"], &["Software.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-missing-kbs-software"),
];
