//! IP addresses.

use super::super::ask;
use super::super::failure::Failure;
use super::super::router::Call;
use super::super::seed::Entity;
use super::super::wire::Reply;
use super::{address, alerts_with, collected, distinct, hours, prevalence, span};

pub(super) fn alerts(call: &Call<'_>) -> Result<Reply, Failure> {
    let ip = address(call.in_path("ip"))?;
    alerts_with(call, |_, entity| matches!(entity, Entity::Ip(of) if **of == *ip))
}

pub(super) fn stats(call: &Call<'_>) -> Result<Reply, Failure> {
    let (ip, hours) = (address(call.in_path("ip"))?, hours(call)?);
    let query = format!(
        "DeviceNetworkEvents | where Timestamp > ago({hours}h) and RemoteIP == {} \
         | summarize First = min(Timestamp), Last = max(Timestamp) by DeviceId",
        ask::quoted(&ip)
    );
    let found = ask::ask(call.house, &query)?;
    let machines = distinct(&found, "DeviceId").len();
    Ok(call.one(200, "InOrgIPStats", collected(prevalence("ipAddress", &ip, machines, span(&found)))))
}
