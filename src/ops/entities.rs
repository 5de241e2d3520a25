//! Domains, files, IP addresses and users: what is known of them.

use super::model::{Kind, Method::*, Operation, Paging, Param, Place, Service::Endpoint, id, query};

const DOMAIN: Param = id("domain", "domain", "The domain's name.");
/// A parameter of the path that is more than an id.
const fn path(name: &'static str, wire: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { place: Place::Path, ..query(name, wire, kind, doc) }.required()
}
const HASH: Param = path("hash", "id", Kind::Hash(&[40, 64]), "The file's SHA-1 or SHA-256.");
const SHA1: Param = path("sha1", "id", Kind::Hash(&[40]), "The file's SHA-1; the service takes no other hash here.");
const IP: Param = path("ip", "ip", Kind::Ip, "The address.");
const USER: Param = id("user", "id", "The account's name alone, such as `user1`: not the user principal name.");

/// The declaration.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new("domains.alerts", Endpoint, Get, "/api/domains/{domain}/alerts")
        .summary("List the alerts of a domain.")
        .params(&[DOMAIN])
        .many("Alert", Paging::Whole)
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-domain-related-alerts"),
    Operation::new("domains.machines", Endpoint, Get, "/api/domains/{domain}/machines")
        .summary("List the machines that talked to a domain.")
        .params(&[DOMAIN])
        .many("Machine", Paging::Whole)
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-domain-related-machines"),
    Operation::new("domains.stats", Endpoint, Get, "/api/domains/{domain}/stats")
        .summary("Get how common a domain is.")
        .notes("One that nobody has seen has a prevalence of 0.")
        .params(&[
            DOMAIN,
            query("hours", "lookBackHours", Kind::Range(1, 720), "How far to look back, in hours; at most 720. Default: 720, 30 days."),
        ])
        .one("InOrgDomainStats")
        .permissions(&["URL.Read.All"], &["URL.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-domain-statistics"),
    Operation::new("files.get", Endpoint, Get, "/api/files/{id}")
        .summary("Get what is known of a file.")
        .params(&[HASH])
        .one("File")
        .permissions(&["File.Read.All"], &["File.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-file-information"),
    Operation::new("files.alerts", Endpoint, Get, "/api/files/{id}/alerts")
        .summary("List the alerts of a file.")
        .params(&[SHA1])
        .many("Alert", Paging::Whole)
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-file-related-alerts"),
    Operation::new("files.machines", Endpoint, Get, "/api/files/{id}/machines")
        .summary("List the machines that have a file.")
        .params(&[SHA1])
        .many("Machine", Paging::Whole)
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-file-related-machines"),
    Operation::new("files.stats", Endpoint, Get, "/api/files/{id}/stats")
        .summary("Get how common a file is.")
        .params(&[
            HASH,
            query("hours", "lookBackHours", Kind::Range(1, 720), "How far to look back, in hours; at most 720. Default: 720, 30 days."),
        ])
        .one("InOrgFileStats")
        .permissions(&["File.Read.All"], &["File.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-file-statistics"),
    Operation::new("ips.alerts", Endpoint, Get, "/api/ips/{ip}/alerts")
        .summary("List the alerts of an IP address.")
        .params(&[IP])
        .many("Alert", Paging::Whole)
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-ip-related-alerts"),
    Operation::new("ips.stats", Endpoint, Get, "/api/ips/{ip}/stats")
        .summary("Get how common an IP address is.")
        .notes("One that nobody has seen has a prevalence of 0.")
        .params(&[
            IP,
            query("hours", "lookBackHours", Kind::Range(1, 720), "How far to look back, in hours; at most 720. Default: 720, 30 days."),
        ])
        .one("InOrgIPStats")
        .permissions(&["Ip.Read.All"], &["Ip.Read.All"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-ip-statistics"),
    Operation::new("users.alerts", Endpoint, Get, "/api/users/{id}/alerts")
        .summary("List the alerts of a user.")
        .params(&[USER])
        .many("Alert", Paging::Whole)
        .permissions(&["Alert.Read.All", "Alert.ReadWrite.All"], &["Alert.Read", "Alert.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-user-related-alerts"),
    Operation::new("users.machines", Endpoint, Get, "/api/users/{id}/machines")
        .summary("List the machines of a user.")
        .params(&[USER])
        .many("Machine", Paging::Whole)
        .permissions(&["Machine.Read.All", "Machine.ReadWrite.All"], &["Machine.Read", "Machine.ReadWrite"])
        .doc("https://learn.microsoft.com/defender-endpoint/api/get-user-related-machines"),
    Operation::new("users.get", Endpoint, Get, "/api/users/{id}")
        .summary("Get what is known of a user.")
        .params(&[USER])
        .one("User")
        .permissions(&["User.Read.All"], &["User.Read.All"])
        .undocumented(),
];
