//! Domains.

use super::super::ask::{self, Found};
use super::super::failure::Failure;
use super::super::router::Call;
use super::super::seed::Entity;
use super::super::wire::Reply;
use super::{alerts_with, collected, hours, machines_of, prevalence, span};

/// The host of a link or of what stands for one.
pub(in crate::sandbox) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.split_once(':').map_or(host, |(host, _)| host)
}

fn name(call: &Call<'_>) -> Result<String, Failure> {
    let name = call.in_path("domain").trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if name.split('.').all(label) && name.contains('.') {
        Ok(name)
    } else {
        Err(Failure::new(400, "InvalidDomainName", format!("Invalid domain name: '{name}'")))
    }
}

/// Who talked to the domain, and when: a row a machine and address.
fn contacts(call: &Call<'_>, name: &str, hours: i64) -> Result<(Found, Vec<String>), Failure> {
    let quoted = ask::quoted(name);
    let found = ask::ask(
        call.house,
        &format!(
            "union DeviceNetworkEvents, DeviceEvents | where Timestamp > ago({hours}h) and RemoteUrl contains {quoted} \
             | extend Host = tolower(tostring(split(tostring(split(replace_string(replace_string(RemoteUrl, \"https://\", \"\"), \"http://\", \
             \"\"), \"/\")[0]), \":\")[0])) | where Host == {quoted} \
             | summarize First = min(Timestamp), Last = max(Timestamp) by DeviceId"
        ),
    )?;
    let machines = super::distinct(&found, "DeviceId");
    Ok((found, machines))
}

pub(super) fn alerts(call: &Call<'_>) -> Result<Reply, Failure> {
    let name = name(call)?;
    alerts_with(call, |_, entity| matches!(entity, Entity::Url(url) if host_of(url).eq_ignore_ascii_case(&name)))
}

pub(super) fn machines(call: &Call<'_>) -> Result<Reply, Failure> {
    let (_, machines) = contacts(call, &name(call)?, 720)?;
    machines_of(call, &machines)
}

pub(super) fn stats(call: &Call<'_>) -> Result<Reply, Failure> {
    let (name, hours) = (name(call)?, hours(call)?);
    let (found, machines) = contacts(call, &name, hours)?;
    Ok(call.one(200, "InOrgDomainStats", collected(prevalence("host", &name, machines.len(), span(&found)))))
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_are_taken_out_of_links() {
        for url in ["https://a.example/x?y", "a.example", "http://a.example:8080", "a.example/x", "https://a.example#f"] {
            assert_eq!(super::host_of(url), "a.example", "{url}");
        }
    }
}
