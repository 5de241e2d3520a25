//! The `xdr` command. Every subcommand is a few calls of the client, for people: data on standard output, trouble on standard error.

mod demo;
mod sandbox;
mod text;

use crate::{
    error::{Error, Kind, Result},
    json::{self, Object, Value},
    ops::model::Kind as ParamKind,
    request,
    settings::{Settings, process_environment},
};
use clap::{Parser, Subcommand};
use std::io::{self, Write};

pub use sandbox::stop_sandbox;

/// Everything went well.
pub const EXIT_OK: i32 = 0;
/// Something failed.
pub const EXIT_FAILED: i32 = 1;
/// The command line is wrong.
pub const EXIT_USAGE: i32 = 2;
/// A defect of ours.
pub const EXIT_INTERNAL: i32 = 10;

#[derive(Parser)]
#[command(name = "xdr", version, about = "Hunt and respond with Microsoft Defender XDR and Defender for Endpoint.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what xdrkit does, on a sandbox: sign in twice, hunt, look at the incident, isolate a machine. Needs no tenant.
    Demo,
    /// Work with the sandbox, a fake Entra ID and Defender service on this machine.
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Call an operation and print its answer as JSON, such as `xdr call machines.list top=3`. Signs in with AZURE_TENANT_ID,
    /// AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
    Call {
        /// The operation's id.
        operation: String,
        /// name=value for each argument.
        arguments: Vec<String>,
    },
    /// Read Python scripts and notebooks without running them, and print the least permissions for what they call.
    Permissions {
        /// The files: .py or .ipynb.
        #[arg(required = true)]
        files: Vec<String>,
        /// Print JSON, with each call and its place.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum SandboxCommand {
    /// Start it and keep it running until Ctrl-C, which ends it with success.
    Up(sandbox::Up),
    /// Write a tenant's machines, alerts and hunting rows into a file for --world, names replaced.
    #[command(disable_help_flag = true)]
    Record {
        /// The file, and options.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Runs a command line; `argv` begins with the program's name. Gives the exit code.
pub fn run(argv: &[String]) -> i32 {
    let arguments = match Arguments::try_parse_from(argv) {
        Ok(arguments) => arguments,
        Err(said) => {
            let to_stdout = !said.use_stderr();
            let text = said.render().to_string();
            let written = if to_stdout { io::stdout().write_all(text.as_bytes()) } else { io::stderr().write_all(text.as_bytes()) };
            return if written.is_err() || to_stdout { EXIT_OK } else { EXIT_USAGE };
        }
    };
    let done = match arguments.command {
        Command::Demo => in_runtime(demo::run()),
        Command::Sandbox { command: SandboxCommand::Up(wanted) } => sandbox::up(wanted),
        Command::Sandbox { command: SandboxCommand::Record { arguments } } => needs_python("arguments", &arguments),
        Command::Call { operation, arguments } => in_runtime(call(operation, arguments)),
        Command::Permissions { files, .. } => needs_python("files", &files),
    };
    match done {
        Ok(()) => EXIT_OK,
        Err(e) if is_closed_pipe(&e) => EXIT_OK,
        Err(e) => {
            let facts = e.facts();
            let hint = facts.hint.as_ref().map(|h| format!("\nhint: {h}")).unwrap_or_default();
            let _ = writeln!(io::stderr(), "xdr: {}{hint}", e);
            if matches!(facts.kind, Kind::InvalidArgument | Kind::UnknownOperation | Kind::Configuration) {
                EXIT_USAGE
            } else {
                EXIT_FAILED
            }
        }
    }
}

/// Whoever reads our output has heard enough: that is no error.
fn is_closed_pipe(error: &Error) -> bool {
    error.facts().code.as_deref() == Some("EPIPE")
}

pub(crate) fn printing(error: &io::Error) -> Error {
    let closed = error.kind() == io::ErrorKind::BrokenPipe;
    Error::new(Kind::Internal, format!("cannot print: {error}")).with(|f| f.code = closed.then(|| "EPIPE".to_owned()))
}

fn in_runtime(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Error::new(Kind::Internal, e.to_string()))?.block_on(work)
}

/// What is written in Python is done there, before a command line comes here.
fn needs_python(name: &str, given: &[String]) -> Result<()> {
    let first = given.first().map_or("", String::as_str);
    Err(Error::argument(name, format!("{first:?}: this is done by the Python package; run it with python -m xdrkit")))
}

async fn call(operation: String, arguments: Vec<String>) -> Result<()> {
    let op = request::operation(&operation)?;
    let mut given = Object::new();
    for argument in arguments {
        let Some((name, text)) = argument.split_once('=') else {
            return Err(Error::argument(&argument, "is no name=value"));
        };
        let name = name.replace('-', "_");
        let is_text = |kind| {
            matches!(kind, ParamKind::Text | ParamKind::Id | ParamKind::Moment | ParamKind::Hash(_) | ParamKind::Ip)
                || matches!(kind, ParamKind::Names(_) | ParamKind::Enum(_) | ParamKind::OpenEnum(_))
        };
        let is_json = op.param(&name).is_some_and(|p| !is_text(p.kind));
        let value = if is_json { json::parse(text.as_bytes()).unwrap_or_else(|_| Value::from(text)) } else { Value::from(text) };
        given.insert(name, value);
    }
    let client = Settings::default().build(&process_environment)?;
    let answer = client.call(op, &given, crate::client::CallOptions::default()).await?;
    writeln!(io::stdout(), "{answer}").map_err(|e| printing(&e))
}
