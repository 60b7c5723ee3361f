//! Each authorization request has a verifier and a state of its own (CL-037).
//! Stops two requests that share what should be fresh.

use clearance::client::{AuthorizationError, AwaitingRedirect, Registered};

fn both(registered: Registered) -> Result<[AwaitingRedirect; 2], AuthorizationError> {
    Ok([registered.authorize()?, registered.authorize()?])
}

fn main() {}
