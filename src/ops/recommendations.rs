//! Security recommendations, and the tasks to follow them.

use super::model::{FILTER, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, id};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("recommendations.list", Endpoint, Get, "/api/recommendations")
        .summary("List the security recommendations.")
        .params(&[FILTER, TOP, SKIP])
        .many("Recommendation", Paging::Skip { page_max: 10_000 })
        .filterable(&[
            "id",
            "productName",
            "vendor",
            "recommendedVersion",
            "recommendationCategory",
            "subCategory",
            "severityScore",
            "remediationType",
            "recommendedProgram",
            "recommendedVendor",
            "status",
        ])
        .permissions(&["SecurityRecommendation.Read.All"], &["SecurityRecommendation.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-all-recommendations"),
    Operation::new("recommendations.get", Endpoint, Get, "/api/recommendations/{id}")
        .summary("Get one security recommendation.")
        .params(&[id("id", "id", "Recommendation id, such as `va-_-microsoft-_-edge`.")])
        .one("Recommendation")
        .permissions(&["SecurityRecommendation.Read.All"], &["SecurityRecommendation.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-recommendation-by-id"),
    Operation::new("recommendations.machines", Endpoint, Get, "/api/recommendations/{id}/machineReferences")
        .summary("List the machines that a recommendation is for.")
        .params(&[id("id", "id", "Recommendation id, such as `va-_-microsoft-_-edge`.")])
        .many("MachineReference", Paging::Whole)
        .permissions(&["SecurityRecommendation.Read.All"], &["SecurityRecommendation.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-recommendation-machines"),
    Operation::new("recommendations.vulnerabilities", Endpoint, Get, "/api/recommendations/{id}/vulnerabilities")
        .summary("List the vulnerabilities that a recommendation mends.")
        .params(&[id("id", "id", "Recommendation id, such as `va-_-microsoft-_-edge`.")])
        .many("Vulnerability", Paging::Whole)
        .permissions(&["Vulnerability.Read.All"], &["Vulnerability.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-recommendation-vulnerabilities"),
    Operation::new("recommendations.software", Endpoint, Get, "/api/recommendations/{id}/software")
        .summary("Get the software that a recommendation is about.")
        .params(&[id("id", "id", "Recommendation id, such as `va-_-microsoft-_-edge`.")])
        .one("Software")
        .permissions(&["Software.Read.All"], &["SecurityRecommendation.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/list-recommendation-software"),
    Operation::new("remediations.list", Endpoint, Get, "/api/remediationTasks")
        .summary("List the remediation tasks.")
        .params(&[FILTER, TOP, SKIP])
        .many("RemediationTask", Paging::Skip { page_max: 10_000 })
        .filterable(&["createdon", "status"])
        .permissions(&["RemediationTasks.Read.All"], &["RemediationTask.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-remediation-all-activities"),
    Operation::new("remediations.get", Endpoint, Get, "/api/remediationTasks/{id}")
        .summary("Get one remediation task.")
        .params(&[id("id", "id", "Remediation task id, a GUID.")])
        .one("RemediationTask")
        .permissions(&["RemediationTasks.Read.All"], &["RemediationTask.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-remediation-one-activity"),
    Operation::new("remediations.machines", Endpoint, Get, "/api/remediationTasks/{id}/machineReferences")
        .summary("List the machines of a remediation task.")
        .params(&[id("id", "id", "Remediation task id, a GUID.")])
        .many("MachineReference", Paging::Whole)
        .permissions(&["RemediationTasks.Read.All"], &["RemediationTask.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-remediation-exposed-devices-activities"),
];
