//! The software in the organisation, on a machine, and the updates that it lacks.

use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::Machine;
use super::seed::software::{self as catalogue, PRODUCTS, Product};
use super::tvm::{self, inventory};
use super::wire::Reply;
use crate::json::Value;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "software.list" => list(call),
        "software.get" => get(call),
        "software.versions" => part(call, "Distribution", |product, machines| tvm::versions(machines, product)),
        "software.machines" => {
            part(call, "MachineReferences", |p, machines| machines.iter().filter(|m| p.is_on(m)).map(tvm::reference).collect())
        }
        "software.vulnerabilities" => part(call, "Vulnerabilities", |product, machines| {
            product.weakness().map(|w| tvm::vulnerability(machines, w)).into_iter().collect()
        }),
        "software.missing_kbs" => {
            part(call, "PublicProductFixDto", |product, machines| tvm::missing_kbs(std::iter::once(product), machines))
        }
        "machines.software" => of_machine(call, "Software", tvm::machine_software),
        "machines.missing_kbs" => {
            of_machine(call, "PublicProductFixDto", |machines, machine| tvm::missing_kbs(catalogue::on(machine), machines))
        }
        "machines.firmware" => of_machine(call, "Firmware", |_, machine| inventory::firmware(machine)),
        _ => not_yet(call),
    }
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        let machines = &store.tenant.machines;
        PRODUCTS.iter().filter(|p| machines.iter().any(|m| p.is_on(m))).map(|p| tvm::software(machines, p)).collect()
    };
    lists::page(call, "Software", items)
}

fn product(call: &Call<'_>) -> Result<&'static Product, Failure> {
    tvm::product(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Software", call.id()))
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let product = product(call)?;
    Ok(call.one(200, "Software", tvm::software(&call.house.store().tenant.machines, product)))
}

/// A list about a software.
fn part(call: &Call<'_>, set: &str, items: fn(&'static Product, &[Machine]) -> Vec<Value>) -> Result<Reply, Failure> {
    let product = product(call)?;
    let items = items(product, &call.house.store().tenant.machines);
    lists::page(call, set, items)
}

/// A list about a machine.
pub(super) fn of_machine(call: &Call<'_>, set: &str, items: impl Fn(&[Machine], &Machine) -> Vec<Value>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        let machine = store.machine(call.id()).ok_or_else(|| Failure::not_found(call.op.service, "Machine", call.id()))?;
        items(&store.tenant.machines, machine)
    };
    lists::page(call, set, items)
}
