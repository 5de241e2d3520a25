//! Device groups, and where the service streams its events to. All of it is known from the service's metadata only.

use super::model::{Kind, Method::*, Operation, Paging, Quota, Service::Endpoint, body, id};

const GROUPS: super::model::Param =
    body("groups", "deviceGroups", Kind::Objects("DeviceGroup"), "The groups: dicts with `deviceGroupName`, `deviceGroupRules`, ….")
        .required();
const READ: (&[&str], &[&str]) = (&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"]);
const WRITE: (&[&str], &[&str]) = (&["Machine.ReadWrite.All"], &["Machine.ReadWrite"]);
const STREAM: (&[&str], &[&str]) = (&["SecurityConfiguration.ReadWrite.All"], &["SecurityConfiguration.ReadWrite"]);

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("device_groups.list", Endpoint, Get, "/api/devicegroups")
        .summary("List the device groups.")
        .many("DeviceGroup", Paging::Whole)
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("device_groups.get", Endpoint, Get, "/api/devicegroups/{id}")
        .summary("Get one device group.")
        .params(&[id("id", "id", "Device group id, a number.")])
        .one("DeviceGroup")
        .permissions(READ.0, READ.1)
        .undocumented(),
    Operation::new("device_groups.add", Endpoint, Post, "/api/devicegroups/adddevicegroups")
        .summary("Add device groups.")
        .params(&[GROUPS])
        .nothing()
        .permissions(WRITE.0, WRITE.1)
        .undocumented(),
    Operation::new("device_groups.delete", Endpoint, Post, "/api/devicegroups/deletedevicegroups")
        .summary("Delete device groups.")
        .params(&[body("ids", "ids", Kind::Ints, "Their ids.").required()])
        .nothing()
        .idempotent()
        .acts()
        .permissions(WRITE.0, WRITE.1)
        .undocumented(),
    Operation::new("device_groups.replace", Endpoint, Post, "/api/devicegroups/postdevicegroups")
        .summary("Replace all device groups.")
        .notes("What is not among them is deleted.")
        .params(&[
            GROUPS,
            body("additions", "additionsCount", Kind::Count, "How many are new; the service checks it.").required(),
            body("deletions", "deletionsCount", Kind::Count, "How many go; the service checks it.").required(),
        ])
        .nothing()
        .idempotent()
        .acts()
        .permissions(WRITE.0, WRITE.1)
        .undocumented(),
    Operation::new("data_exports.list", Endpoint, Get, "/api/dataexportsettings")
        .summary("List where the service streams its events to.")
        .many("DataExportSettings", Paging::Whole)
        .permissions(STREAM.0, STREAM.1)
        .quota(Quota::UNSTATED)
        .undocumented(),
    Operation::new("data_exports.get", Endpoint, Get, "/api/dataexportsettings/{id}")
        .summary("Get one place that the service streams its events to.")
        .params(&[id("id", "id", "Its name.")])
        .one("DataExportSettings")
        .permissions(STREAM.0, STREAM.1)
        .quota(Quota::UNSTATED)
        .undocumented(),
    Operation::new("data_exports.create", Endpoint, Post, "/api/dataexportsettings")
        .summary("Let the service stream its events to an event hub, a storage account or a workspace.")
        .params(&[
            body("id", "id", Kind::Text, "A name for it.").required(),
            body("logs", "logs", Kind::Objects("DataExportLog"), "Which tables: dicts with `category` and `enabled`.").required(),
            body("event_hub", "eventHubProperties", Kind::Object("EventHubProperties"), "The event hub."),
            body("storage_account", "storageAccountProperties", Kind::Object("StorageAccountProperties"), "The storage account."),
            body("workspace", "workspaceProperties", Kind::Object("WorkspaceProperties"), "The workspace."),
        ])
        .one("DataExportSettings")
        .permissions(STREAM.0, STREAM.1)
        .quota(Quota::UNSTATED)
        .undocumented(),
    Operation::new("data_exports.delete", Endpoint, Delete, "/api/dataexportsettings/{id}")
        .summary("Let the service stream its events no longer to a place.")
        .params(&[id("id", "id", "Its name.")])
        .nothing()
        .permissions(STREAM.0, STREAM.1)
        .quota(Quota::UNSTATED)
        .undocumented(),
];
