//! Only `seal_keys` says that a layer has keys.
//! Stops a layer whose sessions nobody sealed.

use clearance::Sealing;
use clearance::session::SealKeys;

type State = Sealing;

fn sealing(keys: SealKeys) {
    let _keys = keys;
}

fn main() {}
