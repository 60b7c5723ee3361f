//! Tokens come from a token endpoint, with all that they were asked for.
//! Stops a token of one issuer that passes for another's.

use clearance::client::{Registration, TokenSet};

fn of_another(tokens: TokenSet, registration: Registration) -> TokenSet {
    TokenSet { registration, ..tokens }
}

fn main() {}
