//! Evidence cannot be read from anywhere.
//! Stops a message that says that its sender is within its quota.

use clearance::token::{AudienceVerified, Live, Permit, Token};
use serde::{Deserialize, Deserializer};

type Charged = Permit<Live<Token<AudienceVerified>>>;

fn from_message<'de, D: Deserializer<'de>>(message: D) -> bool {
    Charged::deserialize(message).is_ok()
}

fn of(_: Charged) {}

fn main() {}
