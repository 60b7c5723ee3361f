//! A set has at most eight members.
//! Stops a demand that cannot be read at a glance; sets nest.

use clearance::Authorized;
use clearance::mcp::ToolsRead as S;

fn handler(_: Authorized<(S, S, S, S, (S, S, S, S, S))>) {}

fn main() {}
