//! A proof cannot be taken out from behind a reference.
//! Stops one proof from being two, with a default left in its place.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

type Proof = Authorized<ToolsExecute>;

fn taken(auth: &mut Proof, next: Proof) -> Proof {
    println!("{} is next", next.subject());
    std::mem::take(auth)
}

fn main() {}
