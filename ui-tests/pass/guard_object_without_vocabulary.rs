//! A trait object of a guard names a vocabulary.
//! Stops a guard over any type at all, whose scopes nobody has checked.

use clearance::mcp::McpScopes;
use clearance::{Guard, Guarded};

fn lent(app: &dyn Guarded<Vocabulary = McpScopes>) -> &Guard<McpScopes> {
    app.guard()
}

fn of(_: McpScopes) {}

fn main() {}
