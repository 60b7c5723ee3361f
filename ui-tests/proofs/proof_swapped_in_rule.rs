//! A rule of the guard cannot put another proof in the place of the one it sees.
//! Stops `deny_if` from answering one caller with the rights of another.

use std::sync::Mutex;

use clearance::mcp::McpScopes;
use clearance::{Authorized, GuardBuilder, Ready};

static OTHER: Mutex<Option<Authorized<()>>> = Mutex::new(None);

fn swap(builder: GuardBuilder<McpScopes, Ready>) -> GuardBuilder<McpScopes, Ready> {
    builder.deny_if(|auth| {
        println!("{}", auth.subject());
        if let Some(other) = OTHER.lock().unwrap().as_mut() {
            std::mem::swap(auth, other);
        }
        false
    })
}

fn main() {}
