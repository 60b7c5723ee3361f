//! An OAuth 2.1 client for MCP.
//!
//! Layer L6.

pub mod redirect;
pub mod store;
