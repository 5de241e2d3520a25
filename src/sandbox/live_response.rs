//! Live response: sessions of commands on machines.

use crate::json::{Object, Value};

use super::actions::{self, Wish};
use super::ask;
use super::failure::Failure;
use super::machine_action::Command;
use super::router::Call;
use super::storage::{self, Blob};
use super::wire::Reply;

/// Sessions at once in a tenant.
const SESSIONS: usize = 25;
/// How long the link to a result is good.
const LINK_SECONDS: i64 = 1800;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    if call.op.id == "live_response.start" { start(call) } else { link(call) }
}

/// What a command must say, and what it may.
const WORDS: &[(&str, &str, &[&str])] = &[("PutFile", "FileName", &[]), ("GetFile", "Path", &[]), ("RunScript", "ScriptName", &["Args"])];

fn invalid(message: String) -> Failure {
    Failure::new(400, "InvalidRequestBody", format!("Your request body is incorrect: {message}"))
}

/// The type of a command and the value of its main parameter.
fn read(command: &Object) -> Result<(&'static str, String, String), Failure> {
    let kind = command.get("type").and_then(Value::as_str).ok_or_else(|| invalid("a command has no type.".into()))?;
    let (kind, main, more) = WORDS
        .iter()
        .find(|(name, _, _)| name.eq_ignore_ascii_case(kind))
        .ok_or_else(|| invalid(format!("'{kind}' is no command; there are PutFile, RunScript, GetFile.")))?;
    if let Some(name) = command.keys().find(|k| !["type", "params"].contains(&k.as_str())) {
        return Err(invalid(format!("unknown member '{name}' of a command.")));
    }
    let params = command.get("params").and_then(Value::as_array).unwrap_or_default();
    let (mut value, mut arguments) = (String::new(), String::new());
    for param in params {
        let word = |name: &str| param.get(name).and_then(Value::as_str).unwrap_or_default();
        match word("key") {
            key if key == *main => value = word("value").to_owned(),
            key if more.contains(&key) => arguments = word("value").to_owned(),
            key => return Err(invalid(format!("'{key}' is no parameter of {kind}; names are case-sensitive."))),
        }
    }
    if value.is_empty() { Err(invalid(format!("{kind} wants the parameter {main}."))) } else { Ok((kind, value, arguments)) }
}

fn start(call: &Call<'_>) -> Result<Reply, Failure> {
    let asked = call.objects("Commands");
    if asked.is_empty() {
        return Err(invalid("Commands is empty.".into()));
    }
    let mut commands = Vec::new();
    for command in asked {
        let (kind, value, arguments) = read(&command)?;
        let known = kind == "GetFile" || call.house.store().library.has(&value);
        let failure = (!known).then(|| format!("File {value} does not exist in the library"));
        let result = match kind {
            "GetFile" => Some(got(call, &value)?),
            "RunScript" => Some((format!("{value}.json"), output(&value, &arguments, call))),
            _ => None,
        };
        let failure = failure.or_else(|| (kind == "GetFile" && result.as_ref().is_some_and(|r| r.1.is_empty())).then(|| missing(&value)));
        commands.push(Command { asked: command, failure, result });
    }
    {
        let mut store = call.house.store();
        store.settle(call.now());
        let open = store.actions.iter().filter(|a| a.kind == "LiveResponse" && !a.stage.is_final()).count();
        if open >= SESSIONS {
            let message = format!("Live response sessions quota exceeded! maximum allowed {SESSIONS} concurrent sessions");
            return Err(Failure::new(429, "429", message).header("Retry-After", "60"));
        }
    }
    let doomed = commands.iter().any(|c| c.failure.is_some());
    actions::ask(call, "LiveResponse", Wish { commands, doomed, ..Wish::default() })
}

fn missing(path: &str) -> String {
    format!("File {path} does not exist on the device")
}

/// A file of the machine. What hunting saw there has bytes of that name; any other path has some, too, unless it says that it is missing.
fn got(call: &Call<'_>, path: &str) -> Result<(String, Vec<u8>), Failure> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
    if path.to_ascii_lowercase().contains("missing") {
        return Ok((name, Vec::new()));
    }
    let query = format!(
        "union DeviceFileEvents, DeviceProcessEvents | where FolderPath =~ {} | take 1 | project SHA256, FileSize",
        ask::quoted(path)
    );
    let found = ask::ask(call.house, &query)?;
    let facts = found.first().map(|row| row.text("SHA256").to_string()).unwrap_or_default();
    Ok((name, format!("sandbox file {path}\nsha256 in the tables: {facts}\n").into_bytes()))
}

/// What a script printed. The service writes it as JSON with raw line ends and NUL bytes, which strict parsers refuse.
fn output(script: &str, arguments: &str, call: &Call<'_>) -> Vec<u8> {
    let host = call.house.store().machine(call.id()).map(|m| m.host.to_string()).unwrap_or_default();
    let quote = |text: &str| Value::from(text).to_string();
    let printed = format!("Transcript started\r\nHost: {host}\u{0}\r\nArguments: {arguments}\r\n1 item found");
    let raw = quote(&printed).replace("\\r\\n", "\r\n").replace("\\u0000", "\u{0}");
    format!(
        "{{\r\n  \"script_name\": {},\r\n  \"exit_code\": 0,\r\n  \"script_output\": {raw},\r\n  \"script_errors\": \"\"\r\n}}",
        quote(script)
    )
    .into_bytes()
}

fn link(call: &Call<'_>) -> Result<Reply, Failure> {
    let id = call.in_path("id");
    let text = call.in_path("index");
    let index: usize = text.parse().map_err(|_| Failure::new(400, "InvalidInput", format!("Invalid input: '{text}' is no index.")))?;
    let (path, content) = {
        let mut store = call.house.store();
        store.settle(call.now());
        let action = store.action(id).ok_or_else(|| Failure::not_found(call.op.service, "MachineAction", id))?;
        if action.kind != "LiveResponse" {
            return Err(Failure::new(400, "BadRequest", format!("The action is no LiveResponse; it is {}", action.kind)));
        }
        let none = || Failure::new(404, "ResourceNotFound", format!("Command {index} of action {id} has no result"));
        let (name, content) = action.result(index).ok_or_else(none)?;
        (format!("liveresponse/{}/{index}/{name}", action.id), content.clone())
    };
    storage::put(call.house, &path, Blob::Whole(content.into()));
    let url = storage::link(call.house, &path, LINK_SECONDS);
    Ok(call.value(&url))
}
