//! Nobody chooses the code verifier, or leaves it out (CL-037).
//! Stops a code that anyone could change into a token.

use clearance::client::AwaitingRedirect;

fn weakened(awaiting: AwaitingRedirect) -> AwaitingRedirect {
    assert!(awaiting.url().contains("code_challenge_method=S256"));
    awaiting
}

fn main() {}
