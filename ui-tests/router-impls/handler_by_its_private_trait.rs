//! What a handler is made of is not for others to say.
//! Stops a handler that claims a proof and does without it.

use clearance::web::router::handler::HandlerOf;

fn main() {}
