//! Type-level numbers: one bit for each scope of a vocabulary.
//!
//! Masks are `typenum` integers. The operations here are total (generic associated types instead
//! of `Add`-like traits), so code that is generic over sets needs no bounds about arithmetic, and
//! they go eight digits at a step, so 64 scopes stay far from the compiler's recursion limit.

use typenum::{B0, B1, Bit, UInt, UTerm, Unsigned};

use super::Vocabulary;

/// True or false: `typenum`'s `B1` or `B0`.
pub trait Truth: Bit + 'static {
    type And<T: Truth>: Truth;
    type Or<T: Truth>: Truth;
    /// `Self` if both are the same digit, or else what decides: the left one.
    type Unless<T: Truth, Same: Truth>: Truth;
    /// The first if true, or else the second.
    type Larger<V: Vocabulary, W: Vocabulary>: Vocabulary;
    type Not: Truth;
}

impl Truth for B0 {
    type And<T: Truth> = Self;
    type Or<T: Truth> = T;
    type Unless<T: Truth, Same: Truth> = <T::Not as Truth>::And<Same>;
    type Larger<V: Vocabulary, W: Vocabulary> = W;
    type Not = B1;
}

impl Truth for B1 {
    type And<T: Truth> = T;
    type Or<T: Truth> = Self;
    type Unless<T: Truth, Same: Truth> = <T::Not as Truth>::Or<Same>;
    type Larger<V: Vocabulary, W: Vocabulary> = V;
    type Not = B0;
}

/// An unsigned `typenum` integer.
pub trait Mask: Unsigned + 'static {
    type Low: Truth;
    type High: Mask;
    type Zero: Truth;
    type Or<M: Mask>: Mask;
    /// Every bit of `M` is a bit of `Self`.
    type Covers<M: Mask>: Truth;
    /// `Self >= M`, where `Same` says what the digits below have decided.
    type AtLeast<M: Mask, Same: Truth>: Truth;
}

impl Mask for UTerm {
    type Low = B0;
    type High = Self;
    type Zero = B1;
    type Or<M: Mask> = M;
    type Covers<M: Mask> = M::Zero;
    type AtLeast<M: Mask, Same: Truth> = <M::Zero as Truth>::And<Same>;
}

impl<U: Mask, B: Truth> Mask for UInt<U, B> {
    type Low = B;
    type High = U;
    type Zero = <<B as Truth>::Not as Truth>::And<U::Zero>;
    type Or<M: Mask> = UInt<U::Or<M::High>, <B as Truth>::Or<M::Low>>;
    type Covers<M: Mask> =
        <<B as Truth>::Or<<M::Low as Truth>::Not> as Truth>::And<U::Covers<M::High>>;
    type AtLeast<M: Mask, Same: Truth> = U::AtLeast<M::High, <B as Truth>::Unless<M::Low, Same>>;
}
