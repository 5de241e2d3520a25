//! Indicators: what the tenant looks for, blocks and allows.

use super::model::{FILTER, Kind, Method::*, Operation, Paging, Quota, SKIP, Service::Endpoint, TOP, body, id};

const TYPE: &[&str] = &["FileSha1", "FileSha256", "FileMd5", "IpAddress", "DomainName", "Url", "CertificateThumbprint"];
const ACTION: &[&str] = &["Allowed", "Warn", "Block", "Audit", "BlockAndRemediate", "Alert", "AlertAndBlock"];
const TI: (&[&str], &[&str]) = (&["Ti.ReadWrite", "Ti.ReadWrite.All"], &["Ti.ReadWrite"]);

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("indicators.list", Endpoint, Get, "/api/indicators")
        .summary("List the indicators.")
        .notes("With `Ti.ReadWrite` an application sees only those that it made itself.")
        .params(&[FILTER, TOP, SKIP])
        .many("Indicator", Paging::Skip { page_max: 10_000 })
        .filterable(&[
            "application",
            "createdByDisplayName",
            "expirationTime",
            "generateAlert",
            "title",
            "rbacGroupNames",
            "rbacGroupIds",
            "indicatorValue",
            "indicatorType",
            "creationTimeDateTimeUtc",
            "createdBy",
            "action",
            "severity",
        ])
        .permissions(&["Ti.ReadWrite", "Ti.ReadWrite.All"], &["Ti.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-ti-indicators-collection"),
    Operation::new("indicators.upsert", Endpoint, Post, "/api/indicators")
        .summary("Make an indicator, or update the one with the same value and type.")
        .notes("At most 15,000 active indicators a tenant.")
        .params(&[
            body(
                "value",
                "indicatorValue",
                Kind::Text,
                "What to look for: a hash, an IP address (no range), a domain, a URL, a certificate's thumbprint.",
            )
            .required(),
            body("type", "indicatorType", Kind::Enum(TYPE), "What it is.").required(),
            body("action", "action", Kind::Enum(ACTION), "What to do when it is seen.").required(),
            body("title", "title", Kind::Text, "The title of alerts.").required(),
            body("description", "description", Kind::Text, "What it is about.").required(),
            body("application", "application", Kind::Text, "A name of yours for where it comes from; only taken when it is made."),
            body("expires", "expirationTime", Kind::Moment, "When it ends. Default: never."),
            body("severity", "severity", Kind::Enum(&["Informational", "Low", "Medium", "High"]), "The severity of alerts."),
            body("recommended_actions", "recommendedActions", Kind::Text, "What to do about an alert."),
            body("rbac_group_names", "rbacGroupNames", Kind::Texts, "Only on machines of these device groups. Default: all."),
            body("rbac_group_ids", "rbacGroupIds", Kind::Texts, "The same, by their ids."),
            body("external_id", "externalID", Kind::Text, "An id of your own."),
            body("educate_url", "educateUrl", Kind::Text, "Where a user who was blocked or warned is sent."),
            body("generate_alert", "generateAlert", Kind::Bool, "Raise an alert when it is seen; the action `Audit` needs it."),
        ])
        .one("Indicator")
        .idempotent()
        .permissions(&["Ti.ReadWrite", "Ti.ReadWrite.All"], &["Ti.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/post-ti-indicator"),
    Operation::new("indicators.import_batch", Endpoint, Post, "/api/indicators/import")
        .summary("Make or update at most 500 indicators at once.")
        .notes(
            "The service answers 200 even where items fail: each has `isFailed` and `failureReason`. \
                 `indicators.import_many` takes any number.",
        )
        .params(&[body("indicators", "Indicators", Kind::Objects("Indicator"), "The indicators; at most 500.").required().at_most(500)])
        .many("ImportIndicatorResult", Paging::Whole)
        .idempotent()
        .permissions(&["Ti.ReadWrite", "Ti.ReadWrite.All"], &["Ti.ReadWrite"])
        .quota(Quota::INDICATORS_IMPORT)
        .doc("https://learn.microsoft.com/defender-endpoint/api/import-ti-indicators"),
    Operation::new("indicators.delete", Endpoint, Delete, "/api/indicators/{id}")
        .summary("Delete an indicator.")
        .notes("Only an application permission is documented.")
        .params(&[id("id", "id", "Indicator id, a number.")])
        .nothing()
        .permissions(&["Ti.ReadWrite", "Ti.ReadWrite.All"], &[])
        .doc("https://learn.microsoft.com/defender-endpoint/api/delete-ti-indicator-by-id"),
    Operation::new("indicators.delete_batch", Endpoint, Post, "/api/indicators/BatchDelete")
        .summary("Delete at most 500 indicators at once.")
        .notes("All or nothing: one unknown id, and none is deleted. Only an application permission is documented.")
        .params(&[body("ids", "IndicatorIds", Kind::Texts, "Their ids; at most 500.").required().at_most(500)])
        .nothing()
        .idempotent()
        .acts()
        .permissions(&["Ti.ReadWrite", "Ti.ReadWrite.All"], &[])
        .quota(Quota::INDICATORS_DELETE)
        .doc("https://learn.microsoft.com/defender-endpoint/api/batch-delete-ti-indicators"),
    Operation::new("indicators.get", Endpoint, Get, "/api/indicators/{id}")
        .summary("Get one indicator.")
        .params(&[id("id", "id", "Indicator id, a number.")])
        .one("Indicator")
        .permissions(TI.0, TI.1)
        .undocumented(),
    Operation::new("indicators.update_batch", Endpoint, Post, "/api/indicators/batchupdate")
        .summary("Change many indicators at once.")
        .notes("What is left out of an item stays as it is.")
        .params(&[body("indicators", "Indicators", Kind::Objects("Indicator"), "Dicts with `id` and what changes; at most 500.")
            .required()
            .at_most(500)])
        .many("Indicator", Paging::Whole)
        .idempotent()
        .permissions(TI.0, TI.1)
        .quota(Quota::INDICATORS_IMPORT)
        .undocumented(),
];
