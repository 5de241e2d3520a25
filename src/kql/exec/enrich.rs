//! The service's own functions behind `invoke`: what is known of a file, of a device, of an address.

use super::super::Outside;
use super::super::compare::to_text;
use super::super::error::{Span, Try, unsupported};
use super::super::plan::Step;
use super::super::scalar::{Batch, Col};
use super::super::value::{Type, Value};
use super::Run;
use super::external::member_as;
use crate::json;
use std::collections::HashMap;
use std::sync::Arc;

fn known<'o>(outside: &'o Option<Arc<dyn Outside>>, what: &str, span: Span) -> Try<&'o Arc<dyn Outside>> {
    outside.as_ref().ok_or_else(|| unsupported(span, format!("{what} where nothing is registered for it")))
}

/// The documented most. Published queries ask for more all the same, so more is no mistake; what becomes of rows beyond is not known.
pub(in super::super) const PROFILES_MOST: usize = 1000;

/// `FileProfile`: appends its columns; rows beyond the limit are passed on without a profile.
pub(in super::super) struct FileProfile {
    pub(in super::super) outside: Option<Arc<dyn Outside>>,
    pub(in super::super) hash: usize,
    pub(in super::super) most: usize,
    pub(in super::super) columns: Vec<(&'static str, Type)>,
    pub(in super::super) span: Span,
}

impl Step for FileProfile {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let outside = known(&self.outside, "FileProfile", self.span)?;
        if self.most > PROFILES_MOST && batch.rows > PROFILES_MOST {
            return Err(unsupported(self.span, format!("FileProfile of more than {PROFILES_MOST} rows")));
        }
        run.charge(batch.rows.saturating_mul(self.columns.len()))?;
        let mut profiles: HashMap<String, Option<Arc<json::Value>>> = HashMap::new();
        let mut made: Vec<Vec<Value>> = self.columns.iter().map(|_| Vec::with_capacity(batch.rows)).collect();
        for row in 0..batch.rows {
            let hash = batch.cols.get(self.hash).map_or_else(String::new, |c| c.get(row).as_str().to_lowercase());
            let asked = row < self.most;
            let profile = if !asked || hash.is_empty() {
                None
            } else {
                profiles.entry(hash).or_insert_with_key(|hash| outside.file_profile(hash)).clone()
            };
            for (column, (name, ty)) in made.iter_mut().zip(&self.columns) {
                let member = profile.as_ref().and_then(|p| p.get(name)).filter(|m| !m.is_null());
                column.push(match member {
                    Some(member) => member_as(member, *ty),
                    None if *name == "ProfileAvailability" && asked => Value::text(if profile.is_some() { "Available" } else { "Missing" }),
                    None => Value::absent(*ty).clone(),
                });
            }
        }
        let mut out = batch;
        out.cols.extend(made.into_iter().zip(&self.columns).map(|(cells, (_, ty))| Col::own(cells, *ty)));
        Ok(out)
    }
}

/// `SeenBy`: appends the devices that saw a device, an array.
pub(in super::super) struct SeenBy {
    pub(in super::super) outside: Option<Arc<dyn Outside>>,
    pub(in super::super) device: usize,
    pub(in super::super) span: Span,
}

impl Step for SeenBy {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let outside = known(&self.outside, "SeenBy", self.span)?;
        run.charge(batch.rows)?;
        let seen = |row: usize| {
            let device = batch.cols.get(self.device).map_or_else(|| "".into(), |c| to_text(&c.get(row)));
            let found = outside.seen_by(&device);
            Value::dynamic(found.map_or_else(|| json::Value::Array(Vec::new()), |found| found.as_ref().clone()))
        };
        let cells = (0..batch.rows).map(seen).collect();
        let mut out = batch.clone();
        out.cols.push(Col::own(cells, Type::Dynamic));
        Ok(out)
    }
}

/// `DeviceFromIP`: the devices of each address, in place of the rows.
pub(in super::super) struct DeviceFromIp {
    pub(in super::super) outside: Option<Arc<dyn Outside>>,
    pub(in super::super) address: usize,
    /// The column of the moment; else this one.
    pub(in super::super) at: Result<usize, i64>,
    pub(in super::super) span: Span,
}

impl Step for DeviceFromIp {
    fn run(&self, batch: Batch, run: &Run) -> Try<Batch> {
        let outside = known(&self.outside, "DeviceFromIP", self.span)?;
        let mut addresses = Vec::new();
        let mut devices = Vec::new();
        for row in 0..batch.rows {
            let address = batch.cols.get(self.address).map_or_else(|| "".into(), |c| to_text(&c.get(row)));
            let at = match self.at {
                Ok(column) => batch.cols.get(column).and_then(|c| c.get(row).as_i64()),
                Err(moment) => Some(moment),
            };
            let Some(at) = at else {
                continue;
            };
            let found = outside.devices_of(&address, at);
            for device in found.as_ref().and_then(|f| f.as_array()).unwrap_or_default() {
                run.charge(2)?;
                addresses.push(Value::String(address.clone()));
                devices.push(member_as(device.get("DeviceId").unwrap_or(&json::Value::Null), Type::String));
            }
        }
        let rows = addresses.len();
        Ok(Batch { cols: vec![Col::own(addresses, Type::String), Col::own(devices, Type::String)], rows })
    }
}
