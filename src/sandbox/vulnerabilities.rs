//! Vulnerabilities in the organisation and on a machine.

use super::failure::Failure;
use super::lists;
use super::router::{Call, not_yet};
use super::seed::software::{WEAKNESSES, Weakness};
use super::software;
use super::tvm;
use super::wire::Reply;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    match call.op.id {
        "vulnerabilities.list" => list(call),
        "vulnerabilities.get" => get(call),
        "vulnerabilities.machines" => machines(call),
        "vulnerabilities.by_machine" => {
            let items = tvm::by_machine(&call.house.store().tenant.machines);
            lists::page(call, "Collection(microsoft.windowsDefenderATP.api.PublicAssetVulnerabilityDto)", items)
        }
        "machines.vulnerabilities" => software::of_machine(call, "Vulnerabilities", tvm::machine_vulnerabilities),
        _ => not_yet(call),
    }
}

fn weakness(call: &Call<'_>) -> Result<&'static Weakness, Failure> {
    let found = WEAKNESSES.iter().find(|w| w.id.eq_ignore_ascii_case(call.id()));
    found.ok_or_else(|| Failure::not_found(call.op.service, "Vulnerability", call.id()))
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let items = {
        let store = call.house.store();
        WEAKNESSES.iter().map(|w| tvm::vulnerability(&store.tenant.machines, w)).collect()
    };
    lists::page(call, "Vulnerabilities", items)
}

fn get(call: &Call<'_>) -> Result<Reply, Failure> {
    let weakness = weakness(call)?;
    Ok(call.one(200, "Vulnerabilities", tvm::vulnerability(&call.house.store().tenant.machines, weakness)))
}

fn machines(call: &Call<'_>) -> Result<Reply, Failure> {
    let weakness = weakness(call)?;
    let items = tvm::exposed(&call.house.store().tenant.machines, weakness).map(tvm::reference).collect();
    lists::page(call, "MachineReferences", items)
}
