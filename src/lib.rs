//! Guards MCP servers with OAuth 2.1: **an unauthorized call does not compile.**

pub mod mcp;
pub mod scope;
