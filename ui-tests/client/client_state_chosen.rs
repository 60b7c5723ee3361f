//! Nobody chooses the state (CL-039).
//! Stops an answer that a stranger has prepared.

use clearance::client::AwaitingRedirect;

fn prepared(mut awaiting: AwaitingRedirect) -> AwaitingRedirect {
    awaiting.state = Default::default();
    awaiting
}

fn main() {}
