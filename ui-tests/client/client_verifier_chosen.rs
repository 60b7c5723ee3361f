//! Nobody chooses the code verifier, or leaves it out (CL-037).
//! Stops a code that anyone could change into a token.

use clearance::client::AwaitingRedirect;

fn weakened(mut awaiting: AwaitingRedirect) -> AwaitingRedirect {
    awaiting.verifier = Default::default();
    awaiting
}

fn main() {}
