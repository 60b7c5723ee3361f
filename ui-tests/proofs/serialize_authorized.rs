//! A proof cannot be written anywhere.
//! Stops a proof that waits in a session for the next request.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use serde::{Serialize, Serializer};

fn store<W: Serializer>(auth: &Authorized<ToolsExecute>, session: W) -> bool {
    auth.serialize(session).is_ok()
}

fn main() {}
