//! Live response and its library.

use super::*;

const WINDOWS: &str = "lark-ws-014.corp.larkmoor.example";

fn start(desk: &Desk, machine: &str, commands: &str) -> Answer {
    desk.post(&format!("/api/machines/{machine}/runliveresponse"), &format!("{{'Comment':'x','Commands':[{commands}]}}"))
}

fn command(kind: &str, key: &str, value: &str) -> String {
    format!("{{'type':'{kind}','params':[{{'key':'{key}','value':'{value}'}}]}}")
}

/// A form's parts: name, file name, content.
fn form_of(parts: &[(&str, Option<&str>, &str)]) -> String {
    let file = |name: Option<&str>| name.map_or_else(String::new, |n| format!("; filename=\"{n}\""));
    let part = |(name, f, text): &(&str, Option<&str>, &str)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{}\r\n\r\n{text}\r\n", file(*f))
    };
    parts.iter().map(part).collect::<String>() + "--b--\r\n"
}

#[test]
fn a_session_runs_its_commands_and_leaves_results() {
    let desk = samples::patient();
    let commands = [
        command("PutFile", "FileName", "Collect-Triage.ps1"),
        command("RunScript", "ScriptName", "Collect-Triage.ps1"),
        command("GetFile", "Path", "C:/Temp/report.txt"),
    ];
    let made = start(&desk, WINDOWS, &commands.join(","));
    assert_eq!((made.status, made.at("type"), made.at("commands/0/commandStatus")), (201, "LiveResponse".into(), "Created".into()));
    assert_eq!(start(&desk, WINDOWS, &commands[2]).at("error/code"), "ActiveRequestAlreadyExists");
    let action = format!("/api/machineactions/{}", made.at("id"));
    let link = |index: usize| desk.get(&format!("{action}/GetLiveResponseResultDownloadLink(index={index})"));
    assert_eq!(link(1).status, 404, "not yet");
    desk.sandbox.advance(20);
    assert_eq!(desk.get("/api/machineactions").at("value/0/commands/0/commandStatus"), "Executing");
    desk.sandbox.advance(30);
    let done = desk.get(&action);
    assert_eq!((done.at("status"), done.at("commands/2/commandStatus")), ("Succeeded".into(), "Completed".into()));
    assert_eq!((link(0).status, link(3).status), (404, 404), "PutFile leaves nothing");
    let url = link(2).at("value");
    assert!(url.starts_with("http"), "{url}");
    assert!(String::from_utf8(fetch(&desk, &url, &[]).2).unwrap().contains("C:/Temp/report.txt"));
    let transcript = fetch(&desk, &link(1).at("value"), &[]).2;
    assert!(transcript.contains(&0) && transcript.windows(2).any(|w| w == b"d\r"), "raw NUL bytes and line ends inside the texts");
    assert!(String::from_utf8_lossy(&transcript).contains("\"exit_code\": 0"));
    desk.sandbox.advance(1801);
    assert_eq!(fetch(&desk, &url, &[]).0, 403);
    assert_eq!(fetch(&desk, &link(2).at("value"), &[]).0, 200, "asking again gives a new link");
}

#[test]
fn a_command_that_fails_ends_the_session() {
    let desk = Desk::open();
    let commands = [command("RunScript", "ScriptName", "none.ps1"), command("GetFile", "Path", "C:/x")];
    let made = start(&desk, WINDOWS, &commands.join(","));
    desk.sandbox.advance(60);
    let done = desk.get(&format!("/api/machineactions/{}", made.at("id")));
    assert_eq!(
        (done.at("status"), done.at("commands/0/commandStatus"), done.at("commands/1/commandStatus")),
        ("Failed".into(), "Failed".into(), "Created".into())
    );
    assert!(done.at("commands/0/errors").contains("none.ps1"));
    assert_eq!(done.at("commands/1/errors"), "[]");
    assert_eq!(desk.get(&format!("/api/machineactions/{}/GetLiveResponseResultDownloadLink(index=1)", made.at("id"))).status, 404);
    let absent = start(&desk, WINDOWS, &command("GetFile", "Path", "C:/missing.txt"));
    desk.sandbox.advance(60);
    assert_eq!(desk.get(&format!("/api/machineactions/{}", absent.at("id"))).at("status"), "Failed");
}

#[test]
fn commands_are_checked_and_sessions_counted() {
    let desk = Desk::open();
    for (commands, words) in [
        ("", "empty"),
        ("{'type':'Format','params':[]}", "'Format'"),
        ("{'type':'GetFile','params':[]}", "Path"),
        ("{'type':'GetFile','params':[{'key':'path','value':'x'}]}", "'path'"),
        ("{'type':'GetFile','parameters':[]}", "'parameters'"),
    ] {
        let answer = start(&desk, WINDOWS, commands);
        assert_eq!((answer.status, answer.at("error/code")), (400, "InvalidRequestBody".into()), "{commands}");
        assert!(answer.at("error/message").contains(words), "{answer:?}");
    }
    let machines = column(&desk.get("/api/machines"), "id");
    let get = command("GetFile", "Path", "C:/x");
    for machine in machines.iter().take(25) {
        assert_eq!(start(&desk, machine, &get).status, 201);
    }
    let refused = start(&desk, &machines[25], &get);
    assert_eq!((refused.status, refused.at("error/code")), (429, "429".into()));
    assert!(refused.header("Retry-After").is_some());
}

#[test]
fn the_library_takes_files_by_the_names_of_the_example() {
    let desk = Desk::open();
    let upload = |form: &str| desk.go("POST", "/api/libraryfiles", form);
    let file = ("file", Some("new script.ps1"), "Get-Date\r\n");
    let made = upload(&form_of(&[("Description", None, "When?"), ("HasParameters", None, "True"), file]));
    assert_eq!(
        (made.status, made.at("fileName"), made.at("description"), made.at("hasParameters")),
        (200, "new script.ps1".into(), "When?".into(), "true".into()),
        "{made:?}"
    );
    assert_eq!(made.at("sha256").len(), 64);
    let again = upload(&form_of(&[file]));
    assert_eq!(again.status, 400);
    assert!(again.at("error/message").contains("exists"));
    // The table's names are those of a stranger: nothing is said, and nothing is kept.
    let table = upload(&form_of(&[("file", Some("other.ps1"), "x"), ("description", None, "lost"), ("Has Parameters", None, "true")]));
    assert_eq!((table.status, table.at("description"), table.at("hasParameters")), (200, "null".into(), "false".into()));
    let over = upload(&form_of(&[file, ("OverrideIfExists", None, "true")]));
    assert_eq!((over.status, over.at("creationTime")), (200, made.at("creationTime")));
    assert_eq!(upload(&form_of(&[("File", Some("x"), "x")])).at("error/code"), "MissingRequiredParameter");
    assert_eq!(upload("{}").status, 415);
    assert!(column(&desk.get("/api/libraryfiles"), "fileName").contains(&"new script.ps1".to_owned()));
    assert_eq!(desk.go("DELETE", "/api/libraryfiles/new%20script.ps1", "").status, 204);
    assert_eq!(desk.go("DELETE", "/api/libraryfiles/new%20script.ps1", "").status, 404);
    let large = upload(&form_of(&[("file", Some("large.bin"), &"x".repeat((20 << 20) + 1))]));
    assert_eq!(large.status, 400);
    assert!(large.at("error/message").contains("20 MB"));
}
