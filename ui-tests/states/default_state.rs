//! No state has a default.
//! Stops `unwrap_or_default` from making a verified token out of a refused one.

use clearance::token::{AudienceError, AudienceVerified, Token};

fn checked(
    verdict: Result<Token<AudienceVerified>, AudienceError>,
) -> Option<Token<AudienceVerified>> {
    Some(verdict.unwrap_or_default())
}

fn main() {}
