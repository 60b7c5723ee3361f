//! A proof cannot be left in a request's extensions.
//! Stops a later handler from finding a proof that was made for another operation.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use http::Extensions;

fn remember(auth: Authorized<ToolsExecute>, extensions: &mut Extensions) {
    extensions.insert(auth);
}

fn main() {}
