//! Objects of a declared type as typed columns: what lists and the files of exports hold.
//!
//! The columns are the type's properties, always all of them and in the order of the declaration; a key is matched whatever its letter case.
//! What does not fit is never lost. Where every page and every file has to have the same columns, it stands in the last of them, [`MORE`], as do
//! keys that the declaration does not know; where a table stands alone, its column becomes text instead. Objects inside of rows are JSON text.

mod columns;
mod file;
mod frame;
mod layout;
#[cfg(test)]
mod tests;

pub use columns::Columns;
pub use file::ListFile;
pub use frame::Frame;
pub use layout::{Layout, MORE};
