//! A bearer token cannot be displayed.
//! Stops credentials in logs and in error messages.

use clearance::secret::BearerToken;

fn log(token: &BearerToken) {
    println!("{token:?}");
}

fn main() {}
