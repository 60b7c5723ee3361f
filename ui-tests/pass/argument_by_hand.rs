//! What a handler takes is the library's to say.
//! Stops an argument that brings a proof along.

use clearance::Authorized;
use clearance::mcp::{Argument, ToolsExecute};

struct Smuggled(Authorized<ToolsExecute>);

fn of<A: Argument<()>>(_: A) {}

fn main() {}
