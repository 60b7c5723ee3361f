//! A token in a state cannot be read from anywhere.
//! Stops a file or a message that says that it was verified.

use clearance::token::{AudienceVerified, Token};
use serde::{Deserialize, Deserializer};

fn from_cache<'de, D: Deserializer<'de>>(cache: D) -> bool {
    String::deserialize(cache).is_ok()
}

fn of(_: Token<AudienceVerified>) {}

fn main() {}
