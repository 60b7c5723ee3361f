//! What a method demands is not for others to say.
//! Stops a standard method that demands less under another type.

use clearance::mcp::method::Method;

fn main() {}
