//! The files that live response puts on machines and runs there.

use crate::json::{Value, object};

use super::clock::{self, DAY};
use super::failure::Failure;
use super::lists;
use super::router::Call;
use super::seed::Tenant;
use super::wire::Reply;

/// Larger files are refused.
const MOST: usize = 20 << 20;

struct File {
    name: String,
    content: Vec<u8>,
    description: Option<String>,
    parameters: Option<String>,
    has_parameters: bool,
    by: String,
    created: i64,
    updated: i64,
}

/// The library, in the order of uploading.
pub(super) struct Library(Vec<File>);

impl Library {
    pub(super) fn seeded(tenant: &Tenant) -> Library {
        let script = |name: &str, days: i64, text: &str, parameters: Option<&str>| File {
            name: name.to_owned(),
            content: text.as_bytes().to_vec(),
            description: Some("Part of the sandbox.".to_owned()),
            parameters: parameters.map(str::to_owned),
            has_parameters: parameters.is_some(),
            by: format!("soc@{}", tenant.domain),
            created: tenant.now - days * DAY,
            updated: tenant.now - days * DAY,
        };
        if tenant.bare {
            return Library(Vec::new());
        }
        Library(vec![
            script("Get-Persistence.ps1", 120, "Get-CimInstance Win32_StartupCommand\r\n", None),
            script("Collect-Triage.ps1", 45, "param([string]$Path)\r\nGet-ChildItem $Path\r\n", Some("-Path: the folder to list")),
            script("collect-triage.sh", 45, "#!/bin/sh\nps aux\n", None),
        ])
    }

    /// Whether there is a file of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|f| f.name.eq_ignore_ascii_case(name))
    }
}

impl File {
    fn endpoint(&self) -> Value {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.content);
        let sha256: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let maybe = |text: &Option<String>| text.clone().map_or(Value::Null, Value::from);
        object([
            ("fileName", self.name.as_str().into()),
            ("sha256", sha256.into()),
            ("description", maybe(&self.description)),
            ("creationTime", clock::iso(self.created).into()),
            ("lastUpdatedTime", clock::iso(self.updated).into()),
            ("createdBy", self.by.as_str().into()),
            ("hasParameters", self.has_parameters.into()),
            ("parametersDescription", maybe(&self.parameters)),
        ])
    }
}

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "library.list" => {
            let items = call.house.store().library.0.iter().map(File::endpoint).collect();
            lists::page(call, "LibraryFiles", items)
        }
        "library.delete" => {
            let name = call.in_path("fileName");
            let mut store = call.house.store();
            let at = store.library.0.iter().position(|f| f.name.eq_ignore_ascii_case(name));
            let at = at.ok_or_else(|| Failure::not_found(call.op.service, "Library file", name))?;
            store.library.0.remove(at);
            Ok(Reply::empty(204))
        }
        _ => upload(call),
    }
}

fn upload(call: &Call<'_>) -> Result<Reply, Failure> {
    let Some(upload) = &call.upload else { return Err(Failure::new(400, "MissingRequiredParameter", "Parameter file is missing")) };
    if upload.content.len() > MOST {
        return Err(Failure::new(400, "BadRequest", "The file is larger than 20 MB."));
    }
    let name = upload.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let flag = |wire: &str| call.body.get(wire).and_then(Value::as_bool).unwrap_or_default();
    let said = |wire: &str| call.text(wire).filter(|t| !t.is_empty()).map(str::to_owned);
    let now = call.now();
    let mut store = call.house.store();
    let old = store.library.0.iter().position(|f| f.name.eq_ignore_ascii_case(&name));
    if old.is_some() && !flag("OverrideIfExists") {
        let message = format!("File {name} already exists in the library; say OverrideIfExists to replace it.");
        return Err(Failure::new(400, "BadRequest", message));
    }
    let created = old.map_or(now, |at| store.library.0.remove(at).created);
    let file = File {
        name,
        content: upload.content.clone(),
        description: said("Description"),
        parameters: said("ParametersDescription"),
        has_parameters: flag("HasParameters"),
        by: call.caller.name().to_owned(),
        created,
        updated: now,
    };
    let reply = call.one(200, "LibraryFiles", file.endpoint());
    store.library.0.push(file);
    Ok(reply)
}
