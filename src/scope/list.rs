//! The type-level list: how long it is, what stands where, and which bit belongs to the place.
//!
//! Every trait here is implemented for lists of none to seven members and for eight and a rest, so
//! that a full vocabulary is eight steps deep.

use core::marker::PhantomData;
use core::ops::Add;

use typenum::{B0, B1, Sum, U0, U1, U2, U3, U4, U5, U6, U7, U8, U16, U32, U64, U128, UInt, UTerm};

use super::Vocabulary;
use super::mask::{Mask, Truth};

/// The empty list.
#[derive(Debug)]
pub struct Nil(());

/// A list: `H`, and then `T`.
#[derive(Debug)]
pub struct Cons<H, T>(PhantomData<fn() -> (H, T)>);

/// `cons!(A B; Rest)` is `Cons<A, Cons<B, Rest>>`.
macro_rules! cons {
    (; $rest:ty) => { $rest };
    ($head:ident $($tail:ident)*; $rest:ty) => { $crate::scope::Cons<$head, cons!($($tail)*; $rest)> };
}
pub(super) use cons;

/// The length of a list.
pub trait Len {
    type N: Mask;
}

/// A list followed by `L`.
pub trait Append<L> {
    type Out;
}

macro_rules! short_lists {
    ($($length:ident: $($member:ident)*;)*) => { $(
        impl<$($member),*> Len for cons!($($member)*; Nil) {
            type N = $length;
        }
        impl<L, $($member),*> Append<L> for cons!($($member)*; Nil) {
            type Out = cons!($($member)*; L);
        }
    )* };
}
short_lists! {
    U0: ; U1: A; U2: A B; U3: A B C; U4: A B C D; U5: A B C D E; U6: A B C D E F; U7: A B C D E F G;
}

impl<A, B, C, D, E, F, G, H, T: Len> Len for cons!(A B C D E F G H; T)
where
    T::N: Add<U8>,
    Sum<T::N, U8>: Mask,
{
    type N = Sum<T::N, U8>;
}

impl<L, A, B, C, D, E, F, G, H, T: Append<L>> Append<L> for cons!(A B C D E F G H; T) {
    type Out = cons!(A B C D E F G H; T::Out);
}

/// At most 64 members: a mask is a `u64` at run time.
#[diagnostic::on_unimplemented(
    message = "a vocabulary has at most 64 scopes, included ones counted",
    label = "this one has more",
    note = "split it into two vocabularies, or let one scope stand for several"
)]
pub trait Fits {}

#[diagnostic::do_not_recommend]
impl<L: Len> Fits for L where <U64 as Mask>::AtLeast<L::N, B1>: Holds {}

/// What is true.
pub trait Holds {}

impl Holds for B1 {}

/// A place as row and column: eight columns to a row.
pub trait Split {
    type Row;
    type Column;
}

impl Split for UTerm {
    type Row = Self;
    type Column = (B0, B0, B0);
}

impl<X> Split for UInt<UTerm, X> {
    type Row = U0;
    type Column = (B0, B0, X);
}

impl<Y, X> Split for UInt<UInt<UTerm, Y>, X> {
    type Row = U0;
    type Column = (B0, Y, X);
}

impl<R, Z, Y, X> Split for UInt<UInt<UInt<R, Z>, Y>, X> {
    type Row = R;
    type Column = (Z, Y, X);
}

/// The list from row `R` on, and how a mask of that row becomes one of the whole list.
pub trait Row<R> {
    type Rest;
    type Lift<M: Mask>: Mask;
}

impl<L> Row<U0> for L {
    type Rest = L;
    type Lift<M: Mask> = M;
}

/// Eight digits further up.
type Byte<M> = UInt<UInt<UInt<UInt<UInt<UInt<UInt<UInt<M, B0>, B0>, B0>, B0>, B0>, B0>, B0>, B0>;

macro_rules! rows {
    ($($row:ident after $above:ident;)*) => { $(
        impl<A, B, C, D, E, F, G, H, T: Row<$above>> Row<$row> for cons!(A B C D E F G H; T) {
            type Rest = T::Rest;
            type Lift<M: Mask> = Byte<T::Lift<M>>;
        }
    )* };
}
rows! {
    U1 after U0; U2 after U1; U3 after U2; U4 after U3; U5 after U4; U6 after U5; U7 after U6;
}

/// What stands in column `C` of the first row, and its bit.
pub trait Column<C> {
    type Item;
    type Bit: Mask;
}

macro_rules! columns {
    ($($column:ty: $($before:ident)*, $bit:ident;)*) => { $(
        impl<$($before,)* Z, T> Column<$column> for cons!($($before)* Z; T) {
            type Item = Z;
            type Bit = $bit;
        }
    )* };
}
columns! {
    (B0, B0, B0): , U1;
    (B0, B0, B1): A, U2;
    (B0, B1, B0): A B, U4;
    (B0, B1, B1): A B C, U8;
    (B1, B0, B0): A B C D, U16;
    (B1, B0, B1): A B C D E, U32;
    (B1, B1, B0): A B C D E F, U64;
    (B1, B1, B1): A B C D E F G, U128;
}

/// What stands at the place `P` of a list, and its bit.
///
/// Item and bit come from one trait, so a place cannot borrow the bit of another.
pub trait At<P> {
    type Item;
    type Bit: Mask;
}

impl<L, P> At<P> for L
where
    P: Split,
    L: Row<P::Row>,
    L::Rest: Column<P::Column>,
{
    type Item = <L::Rest as Column<P::Column>>::Item;
    type Bit = L::Lift<<L::Rest as Column<P::Column>>::Bit>;
}

/// `L` if the condition holds, or else the empty list.
pub trait Gate<L> {
    type Out;
}

/// A condition that was computed from constants.
#[derive(Debug)]
pub struct If<const CONDITION: bool>(());

impl<L> Gate<L> for If<true> {
    type Out = L;
}

impl<L> Gate<L> for If<false> {
    type Out = Nil;
}

/// The number of a scope among those of one declaration.
#[derive(Debug)]
pub struct Nth<const N: usize>(());

/// The same number as a type: 0 to 63.
pub trait Number {
    type N: Mask;
}

macro_rules! numbers {
    ($($number:literal $name:ident;)*) => { $(
        impl Number for Nth<$number> {
            type N = typenum::$name;
        }
    )* };
}
numbers! {
    0 U0; 1 U1; 2 U2; 3 U3; 4 U4; 5 U5; 6 U6; 7 U7;
    8 U8; 9 U9; 10 U10; 11 U11; 12 U12; 13 U13; 14 U14; 15 U15;
    16 U16; 17 U17; 18 U18; 19 U19; 20 U20; 21 U21; 22 U22; 23 U23;
    24 U24; 25 U25; 26 U26; 27 U27; 28 U28; 29 U29; 30 U30; 31 U31;
    32 U32; 33 U33; 34 U34; 35 U35; 36 U36; 37 U37; 38 U38; 39 U39;
    40 U40; 41 U41; 42 U42; 43 U43; 44 U44; 45 U45; 46 U46; 47 U47;
    48 U48; 49 U49; 50 U50; 51 U51; 52 U52; 53 U53; 54 U54; 55 U55;
    56 U56; 57 U57; 58 U58; 59 U59; 60 U60; 61 U61; 62 U62; 63 U63;
}

/// How many scopes a vocabulary has.
pub(super) type LengthOf<V> = <<V as Vocabulary>::List as Len>::N;

/// The larger of two vocabularies; the first if they are equally large.
pub(super) type Larger<V, W> =
    <<LengthOf<V> as Mask>::AtLeast<LengthOf<W>, B1> as Truth>::Larger<V, W>;
