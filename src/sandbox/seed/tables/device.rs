//! What the sensors on the machines saw.

use super::{Store, seen};
use crate::kql::value::{Table, Value};
use crate::sandbox::seed::background;
use crate::sandbox::seed::entities::FileFacts;
use crate::sandbox::seed::events::{DeviceEvent, FileEvent, Load, Logon, Net, RegistryEvent};
use crate::sandbox::seed::schema::{Shape, Sheet};
use crate::sandbox::seed::world::{Image, Process};
use std::sync::Arc;

/// Ticks from a process's start to its row.
pub(super) const AFTER_START: i64 = 2_113;

fn empty() -> Value {
    Value::String("".into())
}

/// Folder and name, as the tables' `FolderPath` has it.
pub(super) fn path(file: &FileFacts) -> Value {
    let separator = if file.folder.starts_with('/') { "/" } else { "\\" };
    let separator = if file.folder.ends_with('\\') || file.folder.is_empty() { "" } else { separator };
    Value::String(format!("{}{separator}{}", file.folder, file.name).into())
}

/// `Public` or `Private`, as the sensor tells addresses apart.
fn reach(ip: &str) -> &'static str {
    if ip.starts_with("10.") { "Private" } else { "Public" }
}

/// When, where, and the number of the event.
fn event<'r, R>(sheet: &mut Sheet<'r, R>, at: impl FnMut(&'r R) -> i64, process: impl Fn(&'r R) -> &'r Process) {
    let mut number = 1000;
    sheet.time("Timestamp", at).text("DeviceId", |r| &process(r).machine.id).text("DeviceName", |r| &process(r).machine.name);
    sheet.long("ReportId", |_| {
        number += 1;
        number
    });
}

fn word_of(blank: &Value, text: Option<&Arc<str>>) -> Value {
    text.map_or_else(|| blank.clone(), |t| Value::String(t.clone()))
}

/// The columns about the process behind an event: those that the table has. A root, which has no parent, stands for its own.
fn initiating<'r, R>(sheet: &mut Sheet<'r, R>, process: impl Fn(&'r R) -> &'r Process) {
    let blank = empty();
    let image = |r: &'r R| -> &'r Image { &process(r).image };
    let parent = |r: &'r R| -> Option<&'r Process> { process(r).parent.as_deref() };
    sheet
        .text("InitiatingProcessSHA1", |r| &image(r).facts.sha1)
        .text("InitiatingProcessSHA256", |r| &image(r).facts.sha256)
        .text("InitiatingProcessMD5", |r| &image(r).facts.md5)
        .text("InitiatingProcessFileName", |r| &image(r).facts.name)
        .long("InitiatingProcessFileSize", |r| image(r).facts.size)
        .text("InitiatingProcessVersionInfoCompanyName", |r| &image(r).company)
        .text("InitiatingProcessVersionInfoProductName", |r| &image(r).product)
        .text("InitiatingProcessVersionInfoProductVersion", |r| &image(r).version)
        .text("InitiatingProcessVersionInfoInternalFileName", |r| &image(r).original)
        .text("InitiatingProcessVersionInfoOriginalFileName", |r| &image(r).original)
        .text("InitiatingProcessVersionInfoFileDescription", |r| &image(r).description)
        .long("InitiatingProcessId", |r| process(r).pid)
        .text("InitiatingProcessCommandLine", |r| &process(r).command)
        .time("InitiatingProcessCreationTime", |r| process(r).created)
        .text("InitiatingProcessFolderPath", |r| &image(r).path)
        .put("InitiatingProcessParentFileName", |r| word_of(&blank, parent(r).map(|p| &p.image.facts.name)))
        .put("InitiatingProcessParentId", |r| parent(r).map_or(Value::Null, |p| Value::Long(p.pid)))
        .put("InitiatingProcessParentCreationTime", |r| parent(r).map_or(Value::Null, |p| Value::DateTime(p.created)))
        .text("InitiatingProcessAccountDomain", |r| &process(r).user.domain)
        .text("InitiatingProcessAccountName", |r| &process(r).user.account)
        .text("InitiatingProcessAccountSid", |r| &process(r).user.sid)
        .text("InitiatingProcessAccountUpn", |r| &process(r).user.upn)
        .text("InitiatingProcessAccountObjectId", |r| &process(r).user.id)
        .long("InitiatingProcessSessionId", |r| process(r).session)
        .flag("IsInitiatingProcessRemoteSession", |r| process(r).remote.is_some())
        .put("InitiatingProcessRemoteSessionDeviceName", |r| word_of(&blank, process(r).remote.as_ref().map(|x| &x.0)))
        .put("InitiatingProcessRemoteSessionIP", |r| word_of(&blank, process(r).remote.as_ref().map(|x| &x.1)))
        .text("InitiatingProcessUniqueId", |r| &process(r).unique);
    // Where both are there, `LogonID` is the created process's.
    let logon = if sheet.has("InitiatingProcessLogonId") { "InitiatingProcessLogonId" } else { "LogonID" };
    if sheet.has(logon) {
        sheet.long(logon, |r| process(r).logon);
    }
    if sheet.has("InitiatingProcessIntegrityLevel") {
        sheet
            .word("InitiatingProcessIntegrityLevel", |r| process(r).integrity)
            .word("InitiatingProcessTokenElevation", |r| process(r).elevation);
    }
    if sheet.has("InitiatingProcessSignatureStatus") {
        sheet
            .word("InitiatingProcessSignatureStatus", |r| if image(r).company.is_empty() { "Unsigned" } else { "Valid" })
            .word("InitiatingProcessSignerType", |r| if image(r).company.starts_with("Microsoft") { "OsVendor" } else { "Unknown" });
    }
}

/// The columns that all tables of events share.
fn caused<'r, R>(sheet: &mut Sheet<'r, R>, at: impl FnMut(&'r R) -> i64, process: impl Fn(&'r R) -> &'r Process) {
    event(sheet, at, &process);
    initiating(sheet, process);
}

fn file_columns<'r, R>(sheet: &mut Sheet<'r, R>, file: impl Fn(&'r R) -> &'r FileFacts) {
    sheet
        .text("FileName", |r| &file(r).name)
        .text("SHA1", |r| &file(r).sha1)
        .text("SHA256", |r| &file(r).sha256)
        .text("MD5", |r| &file(r).md5)
        .long("FileSize", |r| file(r).size);
}

pub(super) fn processes(store: &Store, shape: &Shape) -> Table {
    let all = [store.processes(), &store.script.processes].concat();
    let rows = seen(&store.world, all, |p| p, |p| p.created);
    Sheet::of(shape, &rows, processes_sheet)
}

pub(super) fn processes_sheet<'r>(sheet: &mut Sheet<'r, Arc<Process>>) {
    let blank = empty();
    event(sheet, |p| p.created + AFTER_START, |p| p);
    file_columns(sheet, |p| &p.image.facts);
    initiating(sheet, |p| p.parent.as_deref().unwrap_or(p));
    sheet
        .same("ActionType", Value::String("ProcessCreated".into()))
        .text("FolderPath", |p| &p.image.path)
        .text("ProcessVersionInfoCompanyName", |p| &p.image.company)
        .text("ProcessVersionInfoProductName", |p| &p.image.product)
        .text("ProcessVersionInfoProductVersion", |p| &p.image.version)
        .text("ProcessVersionInfoInternalFileName", |p| &p.image.original)
        .text("ProcessVersionInfoOriginalFileName", |p| &p.image.original)
        .text("ProcessVersionInfoFileDescription", |p| &p.image.description)
        .long("ProcessId", |p| p.pid)
        .text("ProcessCommandLine", |p| &p.command)
        .word("ProcessIntegrityLevel", |p| p.integrity)
        .word("ProcessTokenElevation", |p| p.elevation)
        .time("ProcessCreationTime", |p| p.created)
        .text("AccountDomain", |p| &p.user.domain)
        .text("AccountName", |p| &p.user.account)
        .text("AccountSid", |p| &p.user.sid)
        .text("AccountUpn", |p| &p.user.upn)
        .text("AccountObjectId", |p| &p.user.id)
        .long("LogonId", |p| p.logon)
        .long("LogonID", |p| p.logon)
        .long("CreatedProcessSessionId", |p| p.session)
        .flag("IsProcessRemoteSession", |p| p.remote.is_some())
        .put("ProcessRemoteSessionDeviceName", |p| word_of(&blank, p.remote.as_ref().map(|x| &x.0)))
        .put("ProcessRemoteSessionIP", |p| word_of(&blank, p.remote.as_ref().map(|x| &x.1)))
        .text("ProcessUniqueId", |p| &p.unique);
}

pub(super) fn net(store: &Store, shape: &Shape) -> Table {
    let all = [background::net(&store.world, store.processes()), store.script.net.clone()].concat();
    let rows = seen(&store.world, all, |e| &e.process, |e| e.at);
    Sheet::of(shape, &rows, net_sheet)
}

pub(super) fn net_sheet<'r>(sheet: &mut Sheet<'r, Net>) {
    caused(sheet, |e| e.at, |e| &e.process);
    sheet
        .word("ActionType", |e| e.action)
        .text("RemoteIP", |e| &e.ip)
        .int("RemotePort", |e| e.port)
        .text("RemoteUrl", |e| &e.url)
        .text("LocalIP", |e| &e.process.machine.ip)
        .int("LocalPort", |e| e.local_port)
        .same("Protocol", Value::String("Tcp".into()))
        .same("LocalIPType", Value::String("Private".into()))
        .word("RemoteIPType", |e| reach(&e.ip));
}

pub(super) fn files(store: &Store, shape: &Shape) -> Table {
    let all = [background::files(&store.world, store.processes()), store.script.files.clone()].concat();
    let rows = seen(&store.world, all, |e| &e.process, |e| e.at);
    Sheet::of(shape, &rows, files_sheet)
}

pub(super) fn files_sheet<'r>(sheet: &mut Sheet<'r, FileEvent>) {
    caused(sheet, |e| e.at, |e| &e.process);
    let blank = empty();
    file_columns(sheet, |e| &e.file);
    sheet
        .word("ActionType", |e| e.action)
        .put("FolderPath", |e| path(&e.file))
        .text("FileOriginUrl", |e| &e.origin)
        .text("PreviousFileName", |e| &e.previous)
        .put("PreviousFolderPath", |e| word_of(&blank, (!e.previous.is_empty()).then_some(&e.file.folder)))
        .put("ShareName", |e| word_of(&blank, e.share.as_ref().map(|s| &s.0)))
        .put("RequestSourceIP", |e| word_of(&blank, e.share.as_ref().map(|s| &s.1)))
        .word("RequestProtocol", |e| if e.share.is_some() { "Smb" } else { "Local" })
        .flag("IsAzureInfoProtectionApplied", |_| false)
        .text("RequestAccountName", |e| &e.process.user.account)
        .text("RequestAccountDomain", |e| &e.process.user.domain)
        .text("RequestAccountSid", |e| &e.process.user.sid);
}

pub(super) fn registry(store: &Store, shape: &Shape) -> Table {
    let all = [background::registry(&store.world, store.processes()), store.script.registry.clone()].concat();
    let rows = seen(&store.world, all, |e| &e.process, |e| e.at);
    Sheet::of(shape, &rows, registry_sheet)
}

pub(super) fn registry_sheet<'r>(sheet: &mut Sheet<'r, RegistryEvent>) {
    caused(sheet, |e| e.at, |e| &e.process);
    let blank = empty();
    sheet
        .word("ActionType", |e| e.action)
        .text("RegistryKey", |e| &e.key)
        .same("RegistryValueType", Value::String("String".into()))
        .text("RegistryValueName", |e| &e.name)
        .text("RegistryValueData", |e| &e.data)
        .text("PreviousRegistryValueData", |e| &e.previous)
        .put("PreviousRegistryKey", |e| word_of(&blank, (!e.previous.is_empty()).then_some(&e.key)))
        .put("PreviousRegistryValueName", |e| word_of(&blank, (!e.previous.is_empty()).then_some(&e.name)));
}

pub(super) fn loads(store: &Store, shape: &Shape) -> Table {
    let all = [background::loads(&store.world, store.processes()), store.script.loads.clone()].concat();
    let rows = seen(&store.world, all, |e| &e.process, |e| e.at);
    Sheet::of(shape, &rows, loads_sheet)
}

pub(super) fn loads_sheet<'r>(sheet: &mut Sheet<'r, Load>) {
    caused(sheet, |e| e.at, |e| &e.process);
    file_columns(sheet, |e| &e.image.facts);
    sheet.same("ActionType", Value::String("ImageLoaded".into())).text("FolderPath", |e| &e.image.path);
}

pub(super) fn logons(store: &Store, shape: &Shape) -> Table {
    let all = [background::logons(&store.world, store.processes()), store.script.logons.clone()].concat();
    let rows = seen(&store.world, all, |e| &e.process, |e| e.at);
    Sheet::of(shape, &rows, logons_sheet)
}

pub(super) fn logons_sheet<'r>(sheet: &mut Sheet<'r, Logon>) {
    caused(sheet, |e| e.at, |e| &e.process);
    let blank = empty();
    sheet
        .word("ActionType", |e| e.action)
        .word("LogonType", |e| e.kind)
        .text("AccountDomain", |e| &e.user.domain)
        .text("AccountName", |e| &e.user.account)
        .text("AccountSid", |e| &e.user.sid)
        .word("Protocol", |e| e.protocol)
        .word("FailureReason", |e| e.failure)
        .put("IsLocalAdmin", |e| if e.failure.is_empty() { Value::Bool(e.admin) } else { Value::Null })
        .put("LogonId", |e| if e.failure.is_empty() { Value::Long(e.logon) } else { Value::Null })
        .put("RemoteDeviceName", |e| word_of(&blank, e.remote.as_ref().map(|r| &r.0)))
        .put("RemoteIP", |e| word_of(&blank, e.remote.as_ref().map(|r| &r.1)))
        .word("RemoteIPType", |e| e.remote.as_ref().map_or("", |r| reach(&r.1)))
        .put("RemotePort", |e| if e.remote.is_some() { Value::Int(0) } else { Value::Null })
        .word("AdditionalFields", |e| {
            if e.admin { r#"{"IsLocalLogon":false,"Privileges":["SeDebugPrivilege"]}"# } else { r#"{"IsLocalLogon":true}"# }
        });
}

pub(super) fn others(store: &Store, shape: &Shape) -> Table {
    let all = [background::device(&store.world, store.processes()), store.script.device.clone()].concat();
    let rows = seen(&store.world, all, |e| &e.process, |e| e.at);
    Sheet::of(shape, &rows, others_sheet)
}

pub(super) fn others_sheet<'r>(sheet: &mut Sheet<'r, DeviceEvent>) {
    caused(sheet, |e| e.at, |e| &e.process);
    let blank = empty();
    let file = |e: &DeviceEvent| e.file.clone().or_else(|| e.target.as_ref().map(|t| t.image.facts.clone()));
    let text = |value: Option<Arc<str>>| value.map_or_else(|| blank.clone(), Value::String);
    sheet
        .word("ActionType", |e| e.action)
        .put("FileName", |e| text(file(e).map(|f| f.name.clone())))
        .put("FolderPath", |e| file(e).map_or_else(|| blank.clone(), |f| path(&f)))
        .put("SHA1", |e| text(file(e).map(|f| f.sha1.clone())))
        .put("SHA256", |e| text(file(e).map(|f| f.sha256.clone())))
        .put("MD5", |e| text(file(e).map(|f| f.md5.clone())))
        .put("FileSize", |e| file(e).map_or(Value::Null, |f| Value::Long(f.size)))
        .put("ProcessId", |e| e.target.as_ref().map_or(Value::Null, |t| Value::Long(t.pid)))
        .put("ProcessCommandLine", |e| text(e.target.as_ref().map(|t| t.command.clone())))
        .put("ProcessCreationTime", |e| e.target.as_ref().map_or(Value::Null, |t| Value::DateTime(t.created)))
        .text("AccountDomain", |e| &e.process.user.domain)
        .text("AccountName", |e| &e.process.user.account)
        .text("AccountSid", |e| &e.process.user.sid)
        .long("LogonId", |e| e.process.logon)
        .text("RemoteUrl", |e| &e.url)
        .text("AdditionalFields", |e| &e.more);
}
