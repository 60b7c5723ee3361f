//! A seal is for a purpose.
//! Stops one seal for everything, whose values could be swapped.

use std::time::Duration;

use clearance::session::{Purpose, Seal, SealKeys};

struct Confirmation;

struct Upload;

impl Purpose for Upload {
    const NAME: &'static str = "files.upload";
    type Content = String;
}

fn seal(keys: SealKeys) {
    let _seal = Seal::<Upload>::new(keys, Duration::from_secs(300));
}

fn main() {}
