//! A bearer token does not convert into text.
//! Stops `into()` from handing out what only the parser may read.

use clearance::secret::BearerToken;

fn text(bearer: BearerToken) -> String {
    println!("{bearer:?}");
    bearer.into()
}

fn main() {}
