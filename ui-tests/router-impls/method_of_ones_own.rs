//! The methods of the protocol are the library's.
//! Stops a standard method that demands less under another type.

use clearance::mcp::method::Method;

struct Complete;

impl Method for Complete {}

fn main() {
    let _ = Complete;
}
