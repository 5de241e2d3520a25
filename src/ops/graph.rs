//! Incidents and alerts of all Defender products, on Microsoft Graph.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, SKIP, Service::Graph, TOP, body, expand, id};
use super::types::{GRAPH_CLASSIFICATION, GRAPH_DETERMINATION};

const INCIDENT_READ: &[&str] = &["SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All"];
const ALERT_READ: &[&str] = &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"];

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("graph.incidents.list", Graph, Get, "/v1.0/security/incidents")
        .summary("List the incidents of all Defender products.")
        .params(&[FILTER, TOP, SKIP, expand(&["alerts"])])
        .many("GraphIncident", Paging::NextLink { page_max: 50 })
        .filterable(&["assignedTo", "classification", "createdDateTime", "determination", "lastUpdateDateTime", "severity", "status"])
        .permissions(INCIDENT_READ, INCIDENT_READ)
        .doc("https://learn.microsoft.com/graph/api/security-list-incidents"),
    Operation::new("graph.incidents.get", Graph, Get, "/v1.0/security/incidents/{incidentId}")
        .summary("Get one incident.")
        .params(&[id("id", "incidentId", "Incident id."), expand(&["alerts"])])
        .one("GraphIncident")
        .permissions(INCIDENT_READ, INCIDENT_READ)
        .doc("https://learn.microsoft.com/graph/api/security-incident-get"),
    Operation::new("graph.incidents.update", Graph, Patch, "/v1.0/security/incidents/{incidentId}")
        .summary("Change an incident's status, owner, classification, determination or tags.")
        .notes("What is left out stays as it is.")
        .params(&[
            id("id", "incidentId", "Incident id."),
            body(
                "status",
                "status",
                Kind::OpenEnum(&["active", "resolved", "inProgress", "redirected", "awaitingAction"]),
                "The new status.",
            ),
            body("assigned_to", "assignedTo", Kind::Text, "The new owner."),
            body("classification", "classification", Kind::OpenEnum(GRAPH_CLASSIFICATION), "The new classification."),
            body("determination", "determination", Kind::OpenEnum(GRAPH_DETERMINATION), "The new determination."),
            body("custom_tags", "customTags", Kind::Texts, "The new tags; they replace the old ones."),
            body("resolving_comment", "resolvingComment", Kind::Text, "Why it was resolved."),
        ])
        .one("GraphIncident")
        .idempotent()
        .permissions(&["SecurityIncident.ReadWrite.All"], &["SecurityIncident.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-incident-update"),
    Operation::new("graph.alerts.list", Graph, Get, "/v1.0/security/alerts_v2")
        .summary("List the alerts of all Defender products.")
        .notes("`$skip` goes no further than 500; next links do.")
        .params(&[FILTER, TOP, SKIP])
        .many("GraphAlert", Paging::NextLink { page_max: 1000 })
        .filterable(&[
            "assignedTo",
            "classification",
            "determination",
            "createdDateTime",
            "lastUpdateDateTime",
            "severity",
            "serviceSource",
            "status",
        ])
        .permissions(ALERT_READ, ALERT_READ)
        .doc("https://learn.microsoft.com/graph/api/security-list-alerts_v2"),
    Operation::new("graph.alerts.get", Graph, Get, "/v1.0/security/alerts_v2/{alertId}")
        .summary("Get one alert.")
        .params(&[id("id", "alertId", "Alert id.")])
        .one("GraphAlert")
        .permissions(ALERT_READ, ALERT_READ)
        .doc("https://learn.microsoft.com/graph/api/security-alert-get"),
    Operation::new("graph.alerts.update", Graph, Patch, "/v1.0/security/alerts_v2/{alertId}")
        .summary("Change an alert's status, owner, classification or determination.")
        .notes("What is left out stays as it is.")
        .params(&[
            id("id", "alertId", "Alert id."),
            body("status", "status", Kind::OpenEnum(&["new", "inProgress", "resolved"]), "The new status."),
            body("assigned_to", "assignedTo", Kind::Text, "The new owner."),
            body("classification", "classification", Kind::OpenEnum(GRAPH_CLASSIFICATION), "The new classification."),
            body("determination", "determination", Kind::OpenEnum(GRAPH_DETERMINATION), "The new determination."),
        ])
        .one("GraphAlert")
        .idempotent()
        .permissions(&["SecurityAlert.ReadWrite.All"], &["SecurityAlert.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-alert-update"),
];
