//! Assessment exports, as pages and as files.

use super::failure::Failure;
use super::router::{Call, not_yet};
use super::wire::Reply;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    not_yet(call)
}
