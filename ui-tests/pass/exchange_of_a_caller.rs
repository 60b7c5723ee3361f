//! A caller is for logs.

use clearance::Caller;

fn log(who: &Caller) {
    println!("{}", who.subject());
}

fn main() {}
