//! A list of revocations belongs to a guard and is made with it.
//! Stops an empty list by which every revoked token is in force.

use clearance::lifecycle::Revocations;

fn is_empty(revocations: &Revocations) -> bool {
    revocations.is_empty()
}

fn main() {}
