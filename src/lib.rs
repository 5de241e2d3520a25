//! The core of xdrkit: sign-in to Entra ID, and a client for Microsoft Defender XDR and Microsoft Defender for Endpoint.
//!
//! The Python package is a thin face over this crate. Features are the walls: without any, no PyO3 and no sandbox are in the tree.

pub mod argument;
pub mod auth;
pub mod client;
pub mod clock;
pub mod cloud;
pub mod decode;
pub mod error;
pub mod exports;
pub mod files;
pub mod filter;
pub mod hunt;
pub mod json;
pub mod kql;
pub mod ops;
pub mod page;
pub mod permissions;
pub mod perprocess;
pub mod pipeline;
pub mod request;
pub mod rows;
pub mod secret;
pub mod settings;
pub mod table;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "python")]
mod python;
#[cfg(feature = "sandbox")]
pub mod sandbox;
