//! There is no token in a state that this crate does not have.
//! Stops a wrapper that looks like a verified token.

use clearance::token::{self, Token};

struct Trusted;

fn serve(_: Token<token::AudienceVerified>) {}

fn of(_: token::AudienceVerified) {}

fn main() {}
