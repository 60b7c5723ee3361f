//! A proof cannot be read from a request.
//! Stops a caller who sends the proof along.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use serde::{Deserialize, Deserializer};

fn from_body<'de, D: Deserializer<'de>>(body: D) -> bool {
    String::deserialize(body).is_ok()
}

fn of(_: Authorized<ToolsExecute>) {}

fn main() {}
