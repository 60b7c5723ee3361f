//! What a token is for is what the metadata say (CL-040).
//! Stops a token for another resource than the one that asked for it.

use clearance::client::Discovered;
use clearance::id::Resource;

fn asks_for(discovered: Discovered, other: Resource) -> Discovered {
    assert_eq!(*discovered.resource(), other);
    discovered
}

fn main() {}
