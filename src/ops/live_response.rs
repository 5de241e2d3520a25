//! Live response: sessions on machines, and the library of files for them.

use super::model::{
    EXTERNAL_ID, Kind, MACHINE, Method::*, Operation, Paging, Param, Place, Quota, Service::Endpoint, body, form, id, query,
};

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("live_response.start", Endpoint, Post, "/api/machines/{id}/runliveresponse")
        .summary("Start a live response session that runs commands on a machine.")
        .notes(
            "One session a machine and 25 a tenant at a time. The commands of an offline machine wait for three days; \
                 a script may run for ten minutes; a command that fails ends the session. `live_response.run` waits and \
                 fetches what came out.",
        )
        .params(&[
            MACHINE,
            body("comment", "Comment", Kind::Text, "Why; it is kept with the action.").required(),
            body(
                "commands",
                "Commands",
                Kind::Objects("CustomPlaybookCommand"),
                "What to do, in order: dicts with `type` (`PutFile`, `RunScript`, `GetFile`) and `params`, a list of dicts \
                 with `key` and `value`.",
            )
            .required(),
            EXTERNAL_ID,
        ])
        .one("MachineAction")
        .acts()
        .permissions(&["Machine.LiveResponse"], &["Machine.LiveResponse"])
        .quota(Quota::LIVE_RESPONSE)
        .doc("https://learn.microsoft.com/defender-endpoint/api/run-live-response"),
    Operation::new("live_response.result_link", Endpoint, Get, "/api/machineactions/{id}/GetLiveResponseResultDownloadLink(index={index})")
        .summary("Get the link to what a command of a live response session left.")
        .notes("Good for 30 minutes; fetch it without a token.")
        .params(&[
            id("id", "id", "Machine action id, a GUID."),
            Param { place: Place::Path, ..query("index", "index", Kind::Count, "Which command, from 0.") }.required(),
        ])
        .text()
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.LiveResponse"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-live-response-result"),
    Operation::new("library.list", Endpoint, Get, "/api/libraryfiles")
        .summary("List the files that live response can put on machines and run.")
        .many("LibraryFile", Paging::Whole)
        .permissions(&["Library.Manage"], &["Library.Manage"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/list-library-files"),
    Operation::new("library.upload", Endpoint, Post, "/api/libraryfiles")
        .summary("Add a file to the live response library.")
        .notes("The parts have the names of the documentation's example; those of its table do not work.")
        .params(&[
            form("file", "file", Kind::File, "Its content with its name; at most 20 MB.").required(),
            form("description", "Description", Kind::Text, "What it is."),
            form("parameters_description", "ParametersDescription", Kind::Text, "What parameters it takes."),
            form("has_parameters", "HasParameters", Kind::Bool, "Whether it takes any."),
            form("override", "OverrideIfExists", Kind::Bool, "Replace a file of the same name. Default: no."),
        ])
        .one("LibraryFile")
        .permissions(&["Library.Manage"], &["Library.Manage"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/upload-library"),
    Operation::new("library.delete", Endpoint, Delete, "/api/libraryfiles/{fileName}")
        .summary("Remove a file from the live response library.")
        .params(&[id("name", "fileName", "The file's name.")])
        .nothing()
        .permissions(&["Library.Manage"], &["Library.Manage"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/delete-library"),
];
