//! Security recommendations, and the tasks made of them.

use super::failure::Failure;
use super::router::{Call, not_yet};
use super::wire::Reply;

pub(super) fn handle(call: &Call<'_>) -> Result<Reply, Failure> {
    not_yet(call)
}
