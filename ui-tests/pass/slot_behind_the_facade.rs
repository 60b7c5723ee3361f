//! The type under which a request's credential waits cannot be named.
//! Stops middleware from taking the credential out of the extensions.

use http::request::Parts;
use own::Slot;

fn is_there(parts: &Parts) -> bool {
    parts.extensions.get::<Slot>().is_some()
}

mod own {
    #[derive(Clone)]
    pub struct Slot;
}

fn main() {}
