//! Security recommendations, and the tasks to follow them.

use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::Machine;
use super::software;
use super::tvm;
use super::tvm::advice::{self, Advice, Task};
use super::wire::Reply;
use crate::json::Value;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "recommendations.list" => list(call),
        "recommendations.get" => get(call),
        "recommendations.machines" => part(call, "MachineReferences", references),
        "recommendations.vulnerabilities" => part(call, "Vulnerabilities", |advice, machines| {
            advice.weakness().map(|w| tvm::vulnerability(machines, w)).into_iter().collect()
        }),
        "recommendations.software" => software_of(call),
        "machines.recommendations" => software::of_machine(call, "Recommendations", |machines, machine| {
            advice::all(machines).into_iter().filter(|a| a.is_for(machine)).map(|a| a.render(machines)).collect()
        }),
        "remediations.list" => {
            let items = tasks(call).into_iter().map(|t| t.value).collect();
            lists::page(call, "RemediationTasks", items)
        }
        "remediations.get" => Ok(call.one(200, "RemediationTasks", task(call)?.value)),
        "remediations.machines" => {
            let task = task(call)?;
            let items = references(task.advice, &call.house.store().tenant.machines);
            lists::page(call, "MachineReferences", items)
        }
        _ => not_yet(call),
    }
}

fn references(advice: Advice, machines: &[Machine]) -> Vec<Value> {
    machines.iter().filter(|m| advice.is_for(m)).map(tvm::reference).collect()
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        let machines = &store.tenant.machines;
        advice::all(machines).into_iter().map(|a| a.render(machines)).collect()
    };
    lists::page(call, "Recommendations", items)
}

fn wanted(call: &Call<'_>, machines: &[Machine]) -> Result<Advice, Failure> {
    advice::by_id(machines, call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Recommendation", call.id()))
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let machines = &store.tenant.machines;
    Ok(call.one(200, "Recommendations", wanted(call, machines)?.render(machines)))
}

fn part(call: &Call<'_>, set: &str, items: fn(Advice, &[Machine]) -> Vec<Value>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        items(wanted(call, &store.tenant.machines)?, &store.tenant.machines)
    };
    lists::page(call, set, items)
}

/// A recommendation about a setting is about no software.
fn software_of(call: &Call<'_>) -> Result<Reply, Failure> {
    let store = call.house.store();
    let machines = &store.tenant.machines;
    match wanted(call, machines)? {
        Advice::Update(product) => Ok(call.one(200, "Software", tvm::software(machines, product))),
        Advice::Configure(_) => Err(Failure::not_found(call.op.service, "Software of recommendation", call.id())),
    }
}

/// Whoever asked for a task stays what they were when the tenant was set up.
fn tasks(call: &Call<'_>) -> Vec<Task> {
    let house = call.house;
    let user = &house.identity.user;
    advice::tasks(&house.pristine.machines, house.clock.start(), (&house.user_id(user), user))
}

fn task(call: &Call<'_>) -> Result<Task, Failure> {
    let found = tasks(call).into_iter().find(|t| t.id.eq_ignore_ascii_case(call.id()));
    found.ok_or_else(|| Failure::not_found(call.op.service, "RemediationTask", call.id()))
}
