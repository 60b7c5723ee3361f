//! Whether one set of scopes is worth another.

use typenum::B1;

use super::list::Larger;
use super::set::{Alternatives, KnownTo, Set};

/// The decision of [`Grants`].
pub trait Covers<H, N> {}

impl<H, N> Covers<H, N> for B1 {}

/// Whoever has `Self` has `N`.
///
/// Both are measured in the larger of their vocabularies, and only if it knows both: bits of
/// vocabularies that do not include one another have nothing to do with one another.
pub trait Grants<N> {}

#[diagnostic::do_not_recommend]
impl<H, N> Grants<N> for H
where
    H: Set + KnownTo<Larger<H::Widest, N::Widest>>,
    N: Set + KnownTo<Larger<H::Widest, N::Widest>>,
    <H::Has as Alternatives>::AllMeet<N>: Covers<H, N>,
{
}
