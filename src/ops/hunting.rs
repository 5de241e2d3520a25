//! Advanced hunting, on all three services.

use super::model::{
    Kind,
    Method::{Get, Post},
    Operation, Quota,
    Service::{self, Endpoint},
    body, query,
};

const QUERY: super::model::Param = body("query", "Query", Kind::Text, "KQL text.").required();
const RETIRED: &str = "stops returning data on 2027-02-01; use Graph hunting";

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("graph.hunting.run", Service::Graph, Post, "/v1.0/security/runHuntingQuery")
        .summary("Run an advanced hunting query on Microsoft Graph.")
        .notes(
            "All XDR tables, 30 days back, 100,000 rows, 50 MB and 3 minutes a query; CPU quota in cycles of 15 \
                 minutes.",
        )
        .params(&[
            QUERY,
            body("timespan", "Timespan", Kind::Text, "ISO 8601 interval or duration, such as `\"P7D\"` or `start/end`. Default: 30 days."),
        ])
        .rows()
        .permissions(&["ThreatHunting.Read.All"], &["ThreatHunting.Read.All"])
        .quota(Quota::HUNTING_GRAPH)
        .doc("https://learn.microsoft.com/graph/api/security-security-runhuntingquery"),
    Operation::new("hunting.run_xdr", Service::Xdr, Post, "/api/advancedhunting/run")
        .summary("Run an advanced hunting query on the Defender XDR service.")
        .notes("All XDR tables, 30 days back, 100,000 rows and 3 minutes a query; CPU quota in cycles of 15 minutes.")
        .params(&[QUERY])
        .rows()
        .permissions(&["AdvancedHunting.Read.All"], &["AdvancedHunting.Read"])
        .quota(Quota::HUNTING_XDR)
        .deprecated(RETIRED)
        .doc("https://learn.microsoft.com/defender-xdr/api-advanced-hunting"),
    Operation::new("hunting.run_endpoint", Service::Endpoint, Post, "/api/advancedqueries/run")
        .summary("Run an advanced hunting query on the Defender for Endpoint service.")
        .notes(
            "Device tables only, 30 days back, 100,000 rows, 124 MB and 200 seconds a query; 10 minutes of run time an \
                 hour.",
        )
        .params(&[QUERY])
        .rows()
        .permissions(&["AdvancedQuery.Read.All"], &["AdvancedQuery.Read"])
        .quota(Quota::HUNTING_ENDPOINT)
        .deprecated(RETIRED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/run-advanced-query-api"),
    Operation::new("hunting.run_endpoint_get", Endpoint, Get, "/api/advancedqueries")
        .summary("Run an advanced hunting query on the Defender for Endpoint service, by GET.")
        .notes("What Power BI uses; the query stands in the URL.")
        .params(&[query("query", "key", Kind::Text, "KQL text.").required()])
        .rows()
        .permissions(&["AdvancedQuery.Read.All"], &["AdvancedQuery.Read"])
        .quota(Quota::HUNTING_ENDPOINT)
        .deprecated(RETIRED)
        .doc("https://learn.microsoft.com/defender-endpoint/api/api-power-bi"),
];
