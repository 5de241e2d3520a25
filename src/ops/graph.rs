//! Incidents and alerts of all Defender products, on Microsoft Graph.

use super::model::{
    COUNT, FILTER, Kind, Method::*, Operation, Paging, SKIP, Service::Graph, TOP, body, expand, fixed, id, orderby, select,
};
use super::types::{GRAPH_CLASSIFICATION, GRAPH_DETERMINATION};

const INCIDENT_READ: &[&str] = &["SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All"];
const RULE_PROPERTIES: &[&str] = &[
    "id",
    "displayName",
    "description",
    "status",
    "queryCondition",
    "schedule",
    "detectionAction",
    "createdBy",
    "createdDateTime",
    "lastModifiedBy",
    "lastModifiedDateTime",
    "lastRunDetails",
    "detectorId",
];
const ALERT_READ: &[&str] = &["SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All"];

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("graph.incidents.list", Graph, Get, "/v1.0/security/incidents")
        .summary("List the incidents of all Defender products.")
        .params(&[FILTER, TOP, SKIP, expand(&["alerts"]), COUNT])
        .many("GraphIncident", Paging::Boundary { page_max: 50, key: "lastUpdateDateTime" })
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
        .notes("The service skips no further than 500; beyond that it is asked anew from the last moment on.")
        .params(&[FILTER, TOP, SKIP, COUNT])
        .many("GraphAlert", Paging::Boundary { page_max: 1000, key: "lastUpdateDateTime" })
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
    Operation::new("graph.hunting.schema", Graph, Get, "/beta/security/getHuntingSchema")
        .summary("Get the tables and functions that the signed-in user can hunt in.")
        .notes("In preview, for users only: an application has no such permission.")
        .one("HuntingSchema")
        .permissions(&[], &["ThreatHunting.Read.All"])
        .doc("https://learn.microsoft.com/graph/api/security-security-gethuntingschema"),
    Operation::new("graph.incidents.comment", Graph, Post, "/v1.0/security/incidents/{incidentId}/comments")
        .summary("Comment on an incident.")
        .notes("Answers all comments.")
        .params(&[
            id("id", "incidentId", "Incident id."),
            body("comment", "comment", Kind::Text, "The comment.").required(),
            fixed("@odata.type", "microsoft.graph.security.alertComment"),
        ])
        .many("GraphAlertComment", Paging::Whole)
        .permissions(&["SecurityIncident.ReadWrite.All"], &["SecurityIncident.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-incident-post-comments"),
    Operation::new("graph.incidents.merge", Graph, Post, "/v1.0/security/incidents/mergeIncidents")
        .summary("Merge incidents into one.")
        .notes("`targetIncidentId` of the answer says where they went.")
        .params(&[
            body("ids", "incidentIds", Kind::Texts, "Their ids.").required(),
            body("comment", "incidentComment", Kind::Text, "Why."),
            body("reasons", "mergeReasons", Kind::Text, "Flags with commas between, such as `sameCampaign, sameActor`."),
        ])
        .one("GraphMergeResponse")
        .permissions(&["SecurityIncident.ReadWrite.All"], &["SecurityIncident.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-incident-mergeincidents"),
    Operation::new("graph.alerts.comment", Graph, Post, "/v1.0/security/alerts_v2/{alertId}/comments")
        .summary("Comment on an alert.")
        .notes("Answers all comments.")
        .params(&[
            id("id", "alertId", "Alert id."),
            body("comment", "comment", Kind::Text, "The comment.").required(),
            fixed("@odata.type", "microsoft.graph.security.alertComment"),
        ])
        .many("GraphAlertComment", Paging::Whole)
        .permissions(&["SecurityAlert.ReadWrite.All"], &["SecurityAlert.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-alert-post-comments"),
    Operation::new("graph.alerts.move", Graph, Post, "/v1.0/security/alerts_v2/moveAlerts")
        .summary("Move alerts to another incident.")
        .notes("`targetIncidentId` of the answer says where they went.")
        .params(&[
            body("ids", "alertIds", Kind::Texts, "The alerts' ids.").required(),
            body("incident_id", "incidentId", Kind::Text, "Where to. Default: a new incident."),
            body("comment", "alertComment", Kind::Text, "Why."),
            body("reasons", "newCorrelationReasons", Kind::Text, "Flags with commas between, such as `sameAsset, temporalProximity`."),
        ])
        .one("GraphMergeResponse")
        .permissions(&["SecurityAlert.ReadWrite.All"], &["SecurityAlert.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-alert-movealerts"),
    Operation::new("graph.detection_rules.list", Graph, Get, "/beta/security/rules/detectionRules")
        .summary("List the custom detection rules.")
        .notes("In preview: the shape changed in May 2026. What the service answers is passed on as it is.")
        .params(&[FILTER, TOP, SKIP, select(RULE_PROPERTIES), orderby(RULE_PROPERTIES), COUNT])
        .many("GraphDetectionRule", Paging::NextLink { page_max: 1_000 })
        .permissions(
            &["CustomDetection.Read.All", "CustomDetection.ReadWrite.All"],
            &["CustomDetection.Read.All", "CustomDetection.ReadWrite.All"],
        )
        .doc("https://learn.microsoft.com/graph/api/security-rulesroot-list-detectionrules"),
    Operation::new("graph.detection_rules.get", Graph, Get, "/beta/security/rules/detectionRules/{ruleId}")
        .summary("Get one custom detection rule.")
        .notes("In preview: the shape changed in May 2026. What the service answers is passed on as it is.")
        .params(&[id("id", "ruleId", "Rule id.")])
        .one("GraphDetectionRule")
        .permissions(
            &["CustomDetection.Read.All", "CustomDetection.ReadWrite.All"],
            &["CustomDetection.Read.All", "CustomDetection.ReadWrite.All"],
        )
        .doc("https://learn.microsoft.com/graph/api/security-detectionrule-get"),
    Operation::new("graph.detection_rules.create", Graph, Post, "/beta/security/rules/detectionRules")
        .summary("Make a custom detection rule.")
        .notes("In preview: the shape changed in May 2026. What the service answers is passed on as it is.")
        .params(&[
            body("id", "id", Kind::Text, "An id of your choice.").required(),
            body("display_name", "displayName", Kind::Text, "Its name.").required(),
            body("status", "status", Kind::Enum(&["enabled", "disabled", "autoDisabled"]), "Whether it runs.").required(),
            body("query_condition", "queryCondition", Kind::Json, "A dict with `queryText`, KQL.").required(),
            body("schedule", "schedule", Kind::Json, "A dict with `frequency`, an ISO 8601 duration such as `PT1H`.").required(),
            body("description", "description", Kind::Text, "What it is about."),
            body(
                "detection_action",
                "detectionAction",
                Kind::Json,
                "A dict with `alertTemplate`, `automatedActions`, `incidentConfiguration`.",
            ),
        ])
        .one("GraphDetectionRule")
        .permissions(&["CustomDetection.ReadWrite.All"], &["CustomDetection.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-rulesroot-post-detectionrules"),
    Operation::new("graph.detection_rules.update", Graph, Patch, "/beta/security/rules/detectionRules/{ruleId}")
        .summary("Change a custom detection rule.")
        .notes(
            "In preview: the shape changed in May 2026. What the service answers is passed on as it is. What is left \
                 out stays as it is.",
        )
        .params(&[
            id("id", "ruleId", "Rule id."),
            body("display_name", "displayName", Kind::Text, "Its name."),
            body("status", "status", Kind::Enum(&["enabled", "disabled", "autoDisabled"]), "Whether it runs."),
            body("query_condition", "queryCondition", Kind::Json, "A dict with `queryText`, KQL."),
            body("schedule", "schedule", Kind::Json, "A dict with `frequency`, an ISO 8601 duration such as `PT1H`."),
            body("description", "description", Kind::Text, "What it is about."),
            body(
                "detection_action",
                "detectionAction",
                Kind::Json,
                "A dict with `alertTemplate`, `automatedActions`, `incidentConfiguration`.",
            ),
        ])
        .one("GraphDetectionRule")
        .idempotent()
        .permissions(&["CustomDetection.ReadWrite.All"], &["CustomDetection.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-detectionrule-update"),
    Operation::new("graph.detection_rules.delete", Graph, Delete, "/beta/security/rules/detectionRules/{ruleId}")
        .summary("Delete a custom detection rule.")
        .params(&[id("id", "ruleId", "Rule id.")])
        .nothing()
        .permissions(&["CustomDetection.ReadWrite.All"], &["CustomDetection.ReadWrite.All"])
        .doc("https://learn.microsoft.com/graph/api/security-detectionrule-delete"),
];
