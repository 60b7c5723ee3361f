//! A key set is what an issuer published.
//! Stops keys that an attacker has chosen.

use clearance::id::Issuer;
use clearance::jwk::KeySet;

fn keys(issuer: Issuer, known: KeySet) -> KeySet {
    println!("{issuer}");
    known
}

fn main() {}
