//! Guards MCP servers with OAuth 2.1: **an unauthorized call does not compile.**

pub mod clock;
mod event;
pub mod id;
pub mod jwk;
pub mod mcp;
pub mod scope;
pub mod secret;
