//! A rule about resources demands scopes of the policy's vocabulary.
//! Stops a file that is guarded by somebody else's scope.

use clearance::mcp::{McpScopes, Policy, ResourcesRead, requires};

mod db {
    clearance::scopes! {
        /// What a caller may do with the database.
        pub vocabulary DbScopes;
        /// Drop tables.
        pub Drop = "db:drop";
    }
}

type May = (ResourcesRead, db::Drop);

fn policy() -> Policy<McpScopes> {
    Policy::standard().resource("file:///pub/*", requires::<db::Drop>())
}

fn main() {}
