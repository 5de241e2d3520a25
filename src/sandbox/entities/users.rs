//! People and service accounts, as the machines know them.

use crate::json::{Value, object};

use super::super::ask::{self, Row};
use super::super::clock;
use super::super::failure::Failure;
use super::super::lists;
use super::super::machines::unknown;
use super::super::router::Call;
use super::super::seed::{Entity, NETBIOS, UserFacts};
use super::super::wire::Reply;
use super::{alerts_with, distinct, machines_of};

/// A row an account: when and how it logged on, and where.
const LOGONS: &str = "summarize First = min(Timestamp), Last = max(Timestamp), Types = make_set(LogonType), Machines = make_set(DeviceId), \
                      Sid = take_any(AccountSid), Domain = take_any(AccountDomain) by AccountName";

/// The Endpoint service's `User`.
fn render(call: &Call<'_>, row: Row<'_>) -> Value {
    let (account, domain) = (row.text("AccountName"), row.text("Domain"));
    let (types, machines) = (row.texts("Types"), row.texts("Machines"));
    let moment = |name: &str| row.number(name).map_or(Value::Null, |at| clock::iso(at).into());
    let machine = |id: Option<&String>| id.map_or(Value::Null, |id| id.as_str().into());
    let admin = call.house.store().tenant.users.iter().any(|u| *u.account == *account && u.privileged);
    let domain = if domain.is_empty() { NETBIOS.to_ascii_lowercase() } else { domain.to_ascii_lowercase() };
    object([
        ("id", format!("{domain}\\{account}").into()),
        ("accountName", account.as_ref().into()),
        ("accountDomain", domain.into()),
        ("accountSid", row.text("Sid").as_ref().into()),
        ("firstSeen", moment("First")),
        ("lastSeen", moment("Last")),
        ("mostPrevalentMachineId", machine(machines.first())),
        ("leastPrevalentMachineId", machine(machines.last())),
        ("logonTypes", types.join(", ").into()),
        ("logOnMachinesCount", (machines.len() as i64).into()),
        ("isDomainAdmin", admin.into()),
        ("isOnlyNetworkUser", (!types.is_empty() && types.iter().all(|t| t == "Network")).into()),
    ])
}

/// An account by its name; the service knows no other name here, the user principal name neither.
fn user(call: &Call<'_>, account: &str) -> Result<Option<Value>, Failure> {
    let query = format!("DeviceLogonEvents | where AccountName =~ {} | {LOGONS}", ask::quoted(account));
    let found = ask::ask(call.house, &query)?;
    Ok(found.first().map(|row| render(call, row)))
}

pub(super) fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let user = user(call, call.id())?.ok_or_else(|| Failure::not_found(call.op.service, "User", call.id()))?;
    Ok(call.one(200, "Users", user))
}

pub(super) fn alerts(call: &Call<'_>) -> Result<Reply, Failure> {
    let same = |account: &str| account.eq_ignore_ascii_case(call.id());
    alerts_with(call, |alert, entity| {
        let evident = matches!(entity, Entity::User(user) if same(&user.account));
        evident || alert.user.as_ref().is_some_and(|u| same(&u.account))
    })
}

pub(super) fn machines(call: &Call<'_>) -> Result<Reply, Failure> {
    let query = format!(
        "DeviceLogonEvents | where AccountName =~ {} and ActionType == \"LogonSuccess\" | distinct DeviceId",
        ask::quoted(call.id())
    );
    machines_of(call, &distinct(&ask::ask(call.house, &query)?, "DeviceId"))
}

/// Who logged on to the machine that a call names.
pub(in crate::sandbox) fn of_machine(call: &Call<'_>) -> Result<Reply, Failure> {
    let id = call.house.store().machine(call.id()).map(|m| m.id.to_string()).ok_or_else(|| unknown(call))?;
    let query = format!(
        "DeviceLogonEvents | where DeviceId == {} and ActionType == \"LogonSuccess\" | {LOGONS} | sort by AccountName asc",
        ask::quoted(&id)
    );
    let found = ask::ask(call.house, &query)?;
    lists::page(call, "Users", found.rows().map(|row| render(call, row)).collect())
}

/// The user of an alert, whom no machine need have seen.
pub(in crate::sandbox) fn of_alert(call: &Call<'_>, facts: &UserFacts) -> Result<Reply, Failure> {
    let unseen = || {
        let domain = facts.domain.to_ascii_lowercase();
        let known = [
            ("id", format!("{domain}\\{}", facts.account).into()),
            ("accountName", facts.account.as_ref().into()),
            ("accountDomain", domain.into()),
            ("accountSid", facts.sid.as_ref().into()),
            ("logOnMachinesCount", 0i64.into()),
        ];
        object(known)
    };
    let user = user(call, &facts.account)?.unwrap_or_else(unseen);
    Ok(call.one(200, "Users", user))
}
