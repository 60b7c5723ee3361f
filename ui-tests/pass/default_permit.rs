//! Evidence has no default.
//! Stops a quota that was never asked.

use clearance::token::{AudienceVerified, Live, Permit, Token};

type Charged = Permit<Live<Token<AudienceVerified>>>;

fn charged(permit: Option<Charged>) -> Option<Charged> {
    permit
}

fn main() {}
