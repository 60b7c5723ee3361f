//! Evidence is consumed once.
//! Stops one verdict from serving two requests.

use clearance::token::{AudienceVerified, Live, Token};

type LiveToken = Live<Token<AudienceVerified>>;

fn both(live: LiveToken) -> Vec<LiveToken> {
    vec![live]
}

fn main() {}
