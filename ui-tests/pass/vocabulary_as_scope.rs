//! A handler demands scopes, and not the whole vocabulary.
//! Stops a slip: a vocabulary is a list and nothing that a token could grant.

use clearance::Authorized;
use clearance::mcp;

fn handler(_: Authorized<mcp::ToolsRead>) {}

fn main() {}
