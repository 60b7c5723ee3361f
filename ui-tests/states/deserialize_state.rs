//! The evidence of a state cannot be read from anywhere either.
//! Stops a state that is made outside and put into a token.

use clearance::token::AudienceVerified;
use serde::{Deserialize, Deserializer};

fn from_cache<'de, D: Deserializer<'de>>(cache: D) -> bool {
    AudienceVerified::deserialize(cache).is_ok()
}

fn of(_: AudienceVerified) {}

fn main() {}
