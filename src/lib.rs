//! The core of xdrkit: sign-in to Entra ID, and a client for Microsoft Defender XDR and Microsoft Defender for Endpoint.
//!
//! The Python package is a thin face over this crate. Features are the walls: without any, no PyO3 and no sandbox are in the tree.

#[cfg(feature = "sandbox")]
pub mod sandbox;

pub mod json;
pub mod ops;
