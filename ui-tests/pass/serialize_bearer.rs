//! A bearer token cannot be written anywhere.
//! Stops a credential in a session store.

use clearance::secret::BearerToken;
use serde::{Serialize, Serializer};

fn store<W: Serializer>(bearer: &BearerToken, session: W) -> bool {
    println!("{bearer:?}");
    "session".serialize(session).is_ok()
}

fn main() {}
