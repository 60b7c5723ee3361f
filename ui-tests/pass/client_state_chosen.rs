//! Nobody chooses the state (CL-039).
//! Stops an answer that a stranger has prepared.

use clearance::client::AwaitingRedirect;

fn prepared(awaiting: AwaitingRedirect) -> AwaitingRedirect {
    assert!(awaiting.url().contains("state="));
    awaiting
}

fn main() {}
