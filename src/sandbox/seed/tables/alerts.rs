//! Alerts and what they rest on.

use super::device::path;
use crate::json::{self, object};
use crate::kql::value::{Table, Value};
use crate::sandbox::seed::entities::*;
use crate::sandbox::seed::schema::{Shape, Sheet};
use std::sync::Arc;

fn text(value: impl Into<Arc<str>>) -> Value {
    Value::String(value.into())
}

fn techniques(alert: &Alert) -> Value {
    if alert.techniques.is_empty() { text("") } else { text(json::Value::from(alert.techniques.to_vec()).to_string()) }
}

pub(super) fn info(alerts: &[Alert], shape: &Shape) -> Table {
    let mut sheet = Sheet::new(shape, alerts);
    sheet
        .time("Timestamp", |a| a.created)
        .text("AlertId", |a| &a.id)
        .text("Title", |a| &a.title)
        .word("Category", |a| a.category)
        .word("Severity", |a| a.severity.pascal())
        .word("ServiceSource", |a| a.service.words())
        .word("DetectionSource", |a| a.detection.words())
        .put("AttackTechniques", techniques);
    sheet.finish()
}

/// A machine, or something else, that an alert is about.
struct Row<'s> {
    alert: &'s Alert,
    machine: Option<&'s Machine>,
    entity: Option<&'s Entity>,
    verdict: Verdict,
}

impl Row<'_> {
    fn file(&self) -> Option<&FileFacts> {
        match self.entity? {
            Entity::File(f) => Some(f),
            Entity::Process(p) => Some(&p.file),
            _ => None,
        }
    }

    fn user(&self) -> Option<&UserFacts> {
        match self.entity? {
            Entity::User(u) | Entity::Mailbox(u) => Some(u),
            Entity::Mail(m) => Some(&m.recipient),
            Entity::Process(p) => Some(&p.user),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self.entity {
            None => "Machine",
            Some(Entity::Process(_)) => "Process",
            Some(Entity::File(_)) => "File",
            Some(Entity::User(_)) => "User",
            Some(Entity::Ip(_)) => "Ip",
            Some(Entity::Url(_)) => "Url",
            Some(Entity::Mail(_)) => "MailMessage",
            Some(Entity::Mailbox(_)) => "Mailbox",
            Some(Entity::Registry { .. }) => "RegistryValue",
            Some(Entity::Application { .. }) => "CloudApplication",
        }
    }

    /// The service keeps what has no column here, as JSON text.
    fn more(&self) -> json::Value {
        let mut members =
            vec![("Type".to_owned(), self.kind().to_lowercase().into()), ("LastVerdict".to_owned(), self.verdict.pascal().into())];
        if let Some(Entity::Process(p)) = self.entity {
            members.push(("ProcessId".to_owned(), p.pid.to_string().into()));
            members.push((
                "ParentProcess".to_owned(),
                object([("ProcessId", p.parent_pid.to_string().into()), ("ImageFile", object([("Name", p.parent.name.as_ref().into())]))]),
            ));
        }
        json::Value::Object(members.into_iter().collect())
    }
}

pub(super) fn evidence(alerts: &[Alert], known: &[&Machine], shape: &Shape) -> Table {
    let mut rows = Vec::new();
    for alert in alerts {
        let machines: Vec<&Machine> = alert.machines.iter().filter_map(|id| known.iter().copied().find(|m| m.id == *id)).collect();
        rows.extend(machines.iter().map(|m| Row { alert, machine: Some(m), entity: None, verdict: Verdict::Suspicious }));
        rows.extend(alert.evidence.iter().map(|e| {
            // A process or a file lies on one machine; an account or an address does not.
            let local = matches!(e.entity, Entity::Process(_) | Entity::File(_) | Entity::Registry { .. });
            Row { alert, machine: machines.first().copied().filter(|_| local), entity: Some(&e.entity), verdict: e.verdict }
        }));
    }
    let mut sheet = Sheet::new(shape, &rows);
    let empty = text("");
    let share = |value: Option<&Arc<str>>| value.map_or_else(|| empty.clone(), |v| Value::String(v.clone()));
    sheet
        .time("Timestamp", |r| r.alert.created)
        .text("AlertId", |r| &r.alert.id)
        .text("Title", |r| &r.alert.title)
        .put("Categories", |r| text(json::Value::from(vec![r.alert.category]).to_string()))
        .put("AttackTechniques", |r| techniques(r.alert))
        .word("ServiceSource", |r| r.alert.service.words())
        .word("DetectionSource", |r| r.alert.detection.words())
        .word("EntityType", Row::kind)
        .word("EvidenceRole", |r| match r.entity {
            None | Some(Entity::User(_) | Entity::Mailbox(_)) => "Impacted",
            _ => "Related",
        })
        .put("FileName", |r| share(r.file().map(|f| &f.name)))
        .put("FolderPath", |r| r.file().map_or_else(|| empty.clone(), path))
        .put("SHA1", |r| share(r.file().map(|f| &f.sha1)))
        .put("SHA256", |r| share(r.file().map(|f| &f.sha256)))
        .put("FileSize", |r| r.file().map_or(Value::Null, |f| Value::Long(f.size)))
        .word("ThreatFamily", |r| r.alert.threat_family)
        .put("RemoteIP", |r| share(if let Some(Entity::Ip(ip)) = r.entity { Some(ip) } else { None }))
        .put("RemoteUrl", |r| share(if let Some(Entity::Url(url)) = r.entity { Some(url) } else { None }))
        .put("AccountName", |r| share(r.user().map(|u| &u.account)))
        .put("AccountDomain", |r| share(r.user().map(|u| &u.domain)))
        .put("AccountSid", |r| share(r.user().map(|u| &u.sid)))
        .put("AccountObjectId", |r| share(r.user().map(|u| &u.id)))
        .put("AccountUpn", |r| share(r.user().map(|u| &u.upn)))
        .put("DeviceId", |r| share(r.machine.map(|m| &m.id)))
        .put("DeviceName", |r| share(r.machine.map(|m| &m.name)))
        .put("LocalIP", |r| share(r.machine.filter(|_| r.entity.is_none()).map(|m| &m.ip)))
        .put("NetworkMessageId", |r| share(if let Some(Entity::Mail(m)) = r.entity { Some(&m.network_message_id) } else { None }))
        .put("EmailSubject", |r| share(if let Some(Entity::Mail(m)) = r.entity { Some(&m.subject) } else { None }))
        .put("ProcessCommandLine", |r| share(if let Some(Entity::Process(p)) = r.entity { Some(&p.command_line) } else { None }))
        .word("Application", |r| if let Some(Entity::Application { name, .. }) = r.entity { name } else { "" })
        .put("ApplicationId", |r| match r.entity {
            Some(Entity::Application { id, .. }) => i32::try_from(*id).map_or(Value::Null, Value::Int),
            _ => Value::Null,
        })
        .put("RegistryKey", |r| match r.entity {
            Some(Entity::Registry { hive, key, .. }) => text(format!("{hive}\\{key}")),
            _ => empty.clone(),
        })
        .put("RegistryValueName", |r| share(if let Some(Entity::Registry { name, .. }) = r.entity { Some(name) } else { None }))
        .put("RegistryValueData", |r| share(if let Some(Entity::Registry { data, .. }) = r.entity { Some(data) } else { None }))
        .put("AdditionalFields", |r| text(r.more().to_string()))
        .word("Severity", |r| r.alert.severity.pascal());
    sheet.finish()
}
