//! A rule of the guard looks at a proof and cannot take it.
//! Stops `deny_if` from keeping the proof itself, for later and for others.

use std::sync::Mutex;

use clearance::mcp::McpScopes;
use clearance::{Authorized, Caller, GuardBuilder, Ready};

static SEEN: Mutex<Vec<Authorized<()>>> = Mutex::new(Vec::new());

fn watch(builder: GuardBuilder<McpScopes, Ready>) -> GuardBuilder<McpScopes, Ready> {
    builder.deny_if(|auth| {
        let caller: Caller = auth.caller();
        println!("{caller:?}");
        SEEN.lock().is_ok_and(|mut seen| seen.push(*auth) != ())
    })
}

fn of(_: Authorized<()>) {}

fn main() {}
