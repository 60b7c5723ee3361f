//! A key set comes from a guard, which gets it from the issuer that was configured.
//! Stops a document that a request named from becoming keys.

use clearance::id::Issuer;
use clearance::jwk::{Algorithm, KeySet};

fn keys(issuer: Issuer, document: &[u8]) {
    let keys = clearance::keys::FixedKeys::from_json(document);
    println!("{keys:?}");
}

fn main() {}
