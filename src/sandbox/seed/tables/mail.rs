//! Mails, what was in them, and what became of them.

use super::{Store, settle};
use crate::kql::value::{Table, Value};
use crate::sandbox::seed::TENANT_ID;
use crate::sandbox::seed::background;
use crate::sandbox::seed::entities::FileFacts;
use crate::sandbox::seed::events::Mail;
use crate::sandbox::seed::random::SECOND;
use crate::sandbox::seed::schema::{Shape, Sheet};
use std::sync::Arc;

fn text(value: impl Into<Arc<str>>) -> Value {
    Value::String(value.into())
}

fn domain(address: &str) -> Value {
    text(address.rsplit('@').next().unwrap_or_default())
}

/// A number that mails of one sender with one subject share.
fn cluster(mail: &Mail) -> i64 {
    let hash = |seed: i64, s: &str| s.bytes().fold(seed, |h, b| (h ^ i64::from(b)).wrapping_mul(0x0100_0000_01b3));
    hash(hash(0x0bf2_9ce4_8422_2325, &mail.facts.sender), &mail.facts.subject) & i64::MAX
}

/// The mail's id with the recipient's number, as `ReportId` has it.
fn report(mail: &Mail) -> Value {
    text(format!("{}-{}", mail.facts.network_message_id, cluster(mail)))
}

fn detection(threats: &str) -> &'static str {
    match threats {
        "Phish" => r#"{"Phish":["URL detonation reputation"]}"#,
        "Malware" => r#"{"Malware":["File detonation"]}"#,
        "Spam" => r#"{"Spam":["General filter"]}"#,
        _ => "",
    }
}

pub(super) fn events(store: &Store, shape: &Shape) -> Table {
    Sheet::of(shape, store.mails(), events_sheet)
}

pub(super) fn events_sheet(sheet: &mut Sheet<'_, Mail>) {
    sheet
        .time("Timestamp", |m| m.facts.received)
        .text("NetworkMessageId", |m| &m.facts.network_message_id)
        .text("InternetMessageId", |m| &m.facts.internet_message_id)
        .text("SenderMailFromAddress", |m| &m.facts.sender)
        .text("SenderFromAddress", |m| &m.facts.sender)
        .text("SenderDisplayName", |m| &m.facts.sender_name)
        .put("SenderMailFromDomain", |m| domain(&m.facts.sender))
        .put("SenderFromDomain", |m| domain(&m.facts.sender))
        .text("SenderIPv4", |m| &m.facts.sender_ip)
        .text("RecipientEmailAddress", |m| &m.facts.recipient.upn)
        .text("RecipientObjectId", |m| &m.facts.recipient.id)
        .text("Subject", |m| &m.facts.subject)
        .long("EmailClusterId", cluster)
        .word("EmailDirection", |m| m.direction)
        .word("DeliveryAction", |m| m.facts.delivery_action)
        .word("DeliveryLocation", |m| m.facts.delivery_location)
        .word("ThreatTypes", |m| m.facts.threats)
        .word("DetectionMethods", |m| detection(m.facts.threats))
        .word("ConfidenceLevel", |m| if m.facts.threats == "Phish" { r#"{"Phish":"High"}"# } else { "" })
        .put("BulkComplaintLevel", |m| if m.direction == "Inbound" { Value::Int((cluster(m) % 8) as i32) } else { Value::Null })
        .word("AuthenticationDetails", |m| match m.direction {
            "Inbound" if m.facts.threats.is_empty() => r#"{"SPF":"pass","DKIM":"pass","DMARC":"pass","CompAuth":"pass"}"#,
            "Inbound" => r#"{"SPF":"pass","DKIM":"none","DMARC":"none","CompAuth":"none"}"#,
            _ => "",
        })
        .int("AttachmentCount", |m| m.facts.attachments)
        .int("UrlCount", |m| m.facts.urls.len() as i64)
        .word("EmailLanguage", |m| m.language)
        .word("OrgLevelAction", |m| if m.facts.delivery_action == "Blocked" { "Block" } else { "Allow" })
        .put("ReportId", report)
        .word("LatestDeliveryLocation", |m| m.moved.map_or(m.facts.delivery_location, |(place, _)| place))
        .word("LatestDeliveryAction", |m| if m.moved.is_some() { "Blocked" } else { m.facts.delivery_action });
}

pub(super) fn urls(store: &Store, shape: &Shape) -> Table {
    let rows: Vec<(&Mail, &Arc<str>)> = store.mails().iter().flat_map(|m| m.facts.urls.iter().map(move |u| (m, u))).collect();
    let mut sheet = Sheet::new(shape, &rows);
    sheet
        .time("Timestamp", |(m, _)| m.facts.received)
        .text("NetworkMessageId", |(m, _)| &m.facts.network_message_id)
        .text("Url", |(_, u)| u)
        .put("UrlDomain", |(_, u)| text(u.split('/').nth(2).unwrap_or_default()))
        .same("UrlLocation", text("Body"))
        .put("ReportId", |(m, _)| report(m));
    sheet.finish()
}

pub(super) fn attachments(store: &Store, shape: &Shape) -> Table {
    let rows: Vec<(&Mail, &Arc<FileFacts>)> = store.mails().iter().flat_map(|m| m.files.iter().map(move |f| (m, f))).collect();
    let mut sheet = Sheet::new(shape, &rows);
    sheet
        .time("Timestamp", |(m, _)| m.facts.received)
        .text("NetworkMessageId", |(m, _)| &m.facts.network_message_id)
        .text("SenderFromAddress", |(m, _)| &m.facts.sender)
        .text("SenderDisplayName", |(m, _)| &m.facts.sender_name)
        .text("RecipientEmailAddress", |(m, _)| &m.facts.recipient.upn)
        .text("RecipientObjectId", |(m, _)| &m.facts.recipient.id)
        .text("FileName", |(_, f)| &f.name)
        .put("FileType", |(_, f)| text(f.name.rsplit('.').next().unwrap_or_default()))
        .text("SHA256", |(_, f)| &f.sha256)
        .long("FileSize", |(_, f)| f.size)
        .word("ThreatTypes", |(m, _)| m.facts.threats)
        .word("DetectionMethods", |(m, _)| detection(m.facts.threats))
        .put("ReportId", |(m, _)| report(m));
    sheet.finish()
}

pub(super) fn moved(store: &Store, shape: &Shape) -> Table {
    let rows: Vec<(&Mail, &'static str, i64)> = store.mails().iter().filter_map(|m| m.moved.map(|(to, at)| (m, to, at))).collect();
    let rows = settle(&store.world, rows, |r| r.2);
    let mut sheet = Sheet::new(shape, &rows);
    sheet
        .time("Timestamp", |r| r.2)
        .text("NetworkMessageId", |r| &r.0.facts.network_message_id)
        .text("InternetMessageId", |r| &r.0.facts.internet_message_id)
        .same("Action", text("Moved to quarantine"))
        .same("ActionType", text("Phish ZAP"))
        .same("ActionTrigger", text("SpecialAction"))
        .same("ActionResult", text("Success"))
        .text("RecipientEmailAddress", |r| &r.0.facts.recipient.upn)
        .word("DeliveryLocation", |r| r.1)
        .word("SourceLocation", |r| r.0.facts.delivery_location)
        .word("ThreatTypes", |r| r.0.facts.threats)
        .word("DetectionMethods", |r| detection(r.0.facts.threats))
        .put("ReportId", |r| report(r.0));
    sheet.finish()
}

pub(super) fn clicks(store: &Store, shape: &Shape) -> Table {
    let background = background::clicks(&store.world, store.mails().iter().filter(|m| m.facts.threats.is_empty()));
    let rows = settle(&store.world, [background, store.script.clicks.clone()].concat(), |c| c.at);
    let mut sheet = Sheet::new(shape, &rows);
    sheet
        .time("Timestamp", |c| c.at)
        .text("Url", |c| &c.url)
        .word("ActionType", |c| c.action)
        .text("AccountUpn", |c| &c.user.upn)
        .word("Workload", |c| c.workload)
        .text("NetworkMessageId", |c| &c.message)
        .text("IPAddress", |c| &c.ip)
        .flag("IsClickedThrough", |_| false)
        .put("UrlChain", |c| text(crate::json::Value::from(vec![c.url.as_ref()]).to_string()))
        .put("ReportId", |c| text(format!("{}-{}", c.message, c.at / SECOND)))
        .word("AppName", |c| if c.workload == "Teams" { "Teams" } else { "Outlook" })
        .same("TenantId", text(TENANT_ID))
        .same("Type", text("UrlClickEvents"))
        .time("TimeGenerated", |c| c.at);
    sheet.finish()
}
