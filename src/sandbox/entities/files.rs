//! Files.

use std::sync::Arc;

use crate::json::{Value, object};

use super::super::ask::{self, Found};
use super::super::clock::{self, DAY};
use super::super::failure::Failure;
use super::super::router::Call;
use super::super::seed::{Alert, Entity, FileFacts, Verdict};
use super::super::wire::Reply;
use super::{alerts_with, distinct, hours, machines_of, span};

/// A hash of one of these lengths, in small letters.
fn hash(call: &Call<'_>, lengths: &[usize]) -> Result<String, Failure> {
    let given = call.id();
    if lengths.contains(&given.len()) && given.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(given.to_ascii_lowercase());
    }
    let kinds = if lengths.len() == 1 { "a SHA-1" } else { "a SHA-1 or a SHA-256" };
    Err(Failure::new(400, "InvalidHashValue", format!("Invalid hash value: '{given}' is not {kinds}.")))
}

/// Every event with the file.
fn sightings(call: &Call<'_>, hash: &str, hours: i64) -> Result<Found, Failure> {
    let column = if hash.len() == 40 { "SHA1" } else { "SHA256" };
    ask::ask(
        call.house,
        &format!(
            "union DeviceFileEvents, DeviceProcessEvents, DeviceImageLoadEvents, DeviceEvents | where Timestamp > ago({hours}h) and {column} == \
             {} | summarize First = min(Timestamp), Last = max(Timestamp), Size = max(FileSize) by DeviceId, FileName, SHA1, SHA256, MD5",
            ask::quoted(hash)
        ),
    )
}

fn file_in(entity: &Entity) -> Option<&Arc<FileFacts>> {
    match entity {
        Entity::File(file) => Some(file),
        Entity::Process(process) => Some(&process.file),
        _ => None,
    }
}

/// A file that evidence or an event shows, and what the alerts think of it.
struct Known {
    file: FileFacts,
    seen: Option<(i64, i64)>,
    malicious: bool,
    threat: &'static str,
}

fn known(call: &Call<'_>, hash: &str) -> Result<Known, Failure> {
    let found = sightings(call, hash, 720)?;
    let store = call.house.store();
    let mut evident = None;
    let (mut malicious, mut threat) = (false, "");
    for (alert, evidence) in store.tenant.alerts.iter().flat_map(|a| a.evidence.iter().map(move |e| (a, e))) {
        let Some(file) = file_in(&evidence.entity).filter(|f| *f.sha1 == *hash || *f.sha256 == *hash) else { continue };
        evident = Some(FileFacts::clone(file));
        // What ran an attack is not always the attacker's: a signed program is judged by nobody.
        if evidence.verdict == Verdict::Malicious && file.publisher.is_empty() {
            malicious = true;
            threat = alert.threat_name;
        }
    }
    let row = found.first().map(|row| FileFacts {
        name: row.text("FileName"),
        folder: "".into(),
        sha1: row.text("SHA1"),
        sha256: row.text("SHA256"),
        md5: row.text("MD5"),
        size: row.number("Size").unwrap_or_default(),
        publisher: "".into(),
    });
    let file = evident.or(row).ok_or_else(|| Failure::not_found(call.op.service, "File", hash))?;
    Ok(Known { file, seen: span(&found), malicious, threat })
}

/// Something that looks like a count in the world, the same for the same file.
fn worldwide(file: &FileFacts) -> i64 {
    let digits = file.sha1.get(..5).and_then(|d| i64::from_str_radix(d, 16).ok()).unwrap_or_default();
    if file.publisher.is_empty() { 1 + digits % 40 } else { 100_000 + digits }
}

fn moment(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| clock::iso(at).into())
}

fn render(known: &Known) -> Value {
    let file = &known.file;
    let text = |s: &str| if s.is_empty() { Value::Null } else { Value::from(s) };
    let (signed, end) = (!file.publisher.is_empty(), file.name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase());
    let executable = ["exe", "dll", "sys", "scr"].contains(&end.as_str());
    object([
        ("sha1", text(&file.sha1)),
        ("sha256", text(&file.sha256)),
        ("md5", text(&file.md5)),
        ("globalPrevalence", worldwide(file).into()),
        ("globalFirstObserved", moment(known.seen.map(|s| s.0 - DAY))),
        ("globalLastObserved", moment(known.seen.map(|s| s.1))),
        ("size", file.size.into()),
        ("fileType", if executable { "PortableExecutable".into() } else { Value::Null }),
        ("isPeFile", executable.into()),
        ("filePublisher", text(&file.publisher)),
        ("fileProductName", Value::Null),
        ("signer", text(&file.publisher)),
        ("issuer", if signed { "Sandbox Code Signing CA".into() } else { Value::Null }),
        ("signerHash", Value::Null),
        ("isValidCertificate", if signed { true.into() } else { Value::Null }),
        (
            "determinationType",
            if known.malicious {
                "Malware".into()
            } else if signed {
                "Clean".into()
            } else {
                "Unknown".into()
            },
        ),
        ("determinationValue", text(known.threat)),
    ])
}

pub(super) fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let known = known(call, &hash(call, &[40, 64])?)?;
    Ok(call.one(200, "Files", render(&known)))
}

pub(super) fn alerts(call: &Call<'_>) -> Result<Reply, Failure> {
    let sha1 = hash(call, &[40])?;
    alerts_with(call, |_, entity| file_in(entity).is_some_and(|f| *f.sha1 == *sha1))
}

pub(super) fn machines(call: &Call<'_>) -> Result<Reply, Failure> {
    let found = sightings(call, &hash(call, &[40])?, 720)?;
    machines_of(call, &distinct(&found, "DeviceId"))
}

pub(super) fn stats(call: &Call<'_>) -> Result<Reply, Failure> {
    let (hash, hours) = (hash(call, &[40, 64])?, hours(call)?);
    let Known { file, seen, .. } = known(call, &hash)?;
    let found = sightings(call, &hash, hours)?;
    let machines = distinct(&found, "DeviceId").len() as i64;
    let own = span(&found);
    let names = distinct(&found, "FileName").into_iter().take(10).map(Value::from).collect();
    let world = worldwide(&file);
    let body = object([
        ("sha1", file.sha1.as_ref().into()),
        ("orgPrevalence", machines.to_string().into()),
        ("organizationPrevalence", machines.into()),
        ("orgFirstSeen", moment(own.map(|s| s.0))),
        ("orgLastSeen", moment(own.map(|s| s.1))),
        ("globalPrevalence", world.to_string().into()),
        ("globallyPrevalence", world.into()),
        ("globalFirstObserved", moment(seen.map(|s| s.0 - DAY))),
        ("globalLastObserved", moment(seen.map(|s| s.1))),
        ("topFileNames", Value::Array(names)),
    ]);
    Ok(call.one(200, "InOrgFileStats", body))
}

/// The files that an alert rests on, each once.
pub(in crate::sandbox) fn of_alert(alert: &Alert) -> Vec<Value> {
    let mut seen: Vec<&str> = Vec::new();
    let mut out = Vec::new();
    for evidence in &alert.evidence {
        let Some(file) = file_in(&evidence.entity).filter(|f| !f.sha1.is_empty() && !seen.contains(&f.sha1.as_ref())) else { continue };
        seen.push(&file.sha1);
        let malicious = evidence.verdict == Verdict::Malicious && file.publisher.is_empty();
        let threat = if malicious { alert.threat_name } else { "" };
        let seen = Some((alert.first_event, alert.last_event));
        out.push(render(&Known { file: FileFacts::clone(file), seen, malicious, threat }));
    }
    out
}
