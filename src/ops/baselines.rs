//! Security baselines.

use super::model::{FILTER, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("baselines.profiles", Endpoint, Get, "/api/baselineProfiles")
        .summary("List the security baseline profiles.")
        .notes("The page has no permissions: these are the export's.")
        .params(&[FILTER, TOP, SKIP])
        .many("BaselineProfile", Paging::Skip { page_max: 10_000 })
        .filterable(&[
            "id",
            "name",
            "operatingSystem",
            "operatingSystemVersion",
            "status",
            "settingsNumber",
            "passedDevices",
            "totalDevices",
        ])
        .permissions(&["SecurityBaselinesAssessment.Read.All"], &["SecurityBaselinesAssessment.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-security-baselines-assessment-profiles"),
    Operation::new("baselines.configurations", Endpoint, Get, "/api/baselineConfigurations")
        .summary("List what the security baselines check.")
        .notes("The page has no permissions: these are the export's.")
        .params(&[FILTER, TOP, SKIP])
        .many("BaselineConfiguration", Paging::Skip { page_max: 10_000 })
        .filterable(&["id", "category", "name", "CCE"])
        .permissions(&["SecurityBaselinesAssessment.Read.All"], &["SecurityBaselinesAssessment.Read"])
        .quota(Quota::UNSTATED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-security-baselines-assessment-configurations"),
    Operation::new("baselines.exceptions", Endpoint, Get, "/api/baselineExceptions")
        .summary("List the exceptions from security baselines.")
        .params(&[TOP, SKIP])
        .many("BaselineException", Paging::Skip { page_max: 10_000 })
        .permissions(&["SecurityBaselinesAssessment.Read.All"], &["SecurityBaselinesAssessment.Read"])
        .quota(Quota::UNSTATED)
        .undocumented(),
];
