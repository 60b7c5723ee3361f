//! What scopes and sets of scopes need, have and grant.
//!
//! A need is a formula over masks: a tuple is "and", [`AnyOf`] is "or". What a set has is a list of
//! alternatives, one of which is true for every token that meets the need: for a tuple every
//! combination of its members' alternatives, for `AnyOf` the alternatives of all members. A set
//! grants a need that is met by each of its alternatives.

use core::any::TypeId;

use typenum::{B1, U0, Unsigned};

#[cfg(feature = "rmcp-3")]
use super::clause::{Clause, clauses, one_of};
use super::list::{At, Cons, Larger, Nil, cons};
use super::mask::{Mask, Truth};
use super::table::ScopeTable;
use super::{AnyOf, Declared, NoScopes, Vocabulary};

/// A scope that stands in its home where it says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope of its home",
    label = "not declared with `scopes!`, or not at its `Place` in its `Home`",
    note = "declare it with `scopes!`",
    note = "a set is no scope: name its members one by one"
)]
pub trait Scope: Declared {
    type Bit: Mask;
    type Grants: Mask;
}

#[diagnostic::do_not_recommend]
impl<S: Declared> Scope for S
where
    <S::Home as Vocabulary>::List: At<S::Place, Item = S>,
    S::Includes: GrantsOf<S::Home>,
{
    type Bit = <<S::Home as Vocabulary>::List as At<S::Place>>::Bit;
    type Grants = <Self::Bit as Mask>::Or<<S::Includes as GrantsOf<S::Home>>::Bits>;
}

/// The union of what the listed scopes grant, all of them known to `V`.
pub trait GrantsOf<V> {
    type Bits: Mask;
}

macro_rules! grants_of {
    (; $rest:ty) => { $rest };
    ($head:ident $($tail:ident)*; $rest:ty) => {
        <$head::Grants as Mask>::Or<grants_of!($($tail)*; $rest)>
    };
}

macro_rules! included {
    ($($($member:ident)*;)*) => { $(
        impl<Home, $($member: Scope + KnownTo<Home>),*> GrantsOf<Home> for cons!($($member)*; Nil) {
            type Bits = grants_of!($($member)*; U0);
        }
    )* };
}
included! { ; A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; }

impl<Home, A, B, C, D, E, F, G, H, T> GrantsOf<Home> for cons!(A B C D E F G H; T)
where
    A: Scope + KnownTo<Home>,
    B: Scope + KnownTo<Home>,
    C: Scope + KnownTo<Home>,
    D: Scope + KnownTo<Home>,
    E: Scope + KnownTo<Home>,
    F: Scope + KnownTo<Home>,
    G: Scope + KnownTo<Home>,
    H: Scope + KnownTo<Home>,
    T: GrantsOf<Home>,
{
    type Bits = grants_of!(A B C D E F G H; T::Bits);
}

/// What a set has: one mask for each way to meet it.
pub trait Alternatives {
    type Then<L: Alternatives>: Alternatives;
    /// Every alternative together with `M`.
    type With<M: Mask>: Alternatives;
    /// Every alternative together with every one of `L`.
    type Times<L: Alternatives>: Alternatives;
    type AllMeet<N: Set>: Truth;
}

impl Alternatives for Nil {
    type Then<L: Alternatives> = L;
    type With<M: Mask> = Self;
    type Times<L: Alternatives> = Self;
    type AllMeet<N: Set> = B1;
}

impl<A: Mask, T: Alternatives> Alternatives for Cons<A, T> {
    type Then<L: Alternatives> = Cons<A, T::Then<L>>;
    type With<M: Mask> = Cons<A::Or<M>, T::With<M>>;
    type Times<L: Alternatives> = <L::With<A> as Alternatives>::Then<T::Times<L>>;
    type AllMeet<N: Set> = <N::Met<A> as Truth>::And<T::AllMeet<N>>;
}

/// What a type is among sets, known before its members are looked at.
///
/// With the kind as a parameter, one impl alone fits each type, so the compiler goes on into the
/// members of a tuple and names the one that is wrong.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a scope nor a set of scopes",
    label = "not declared with `scopes!`, and no set of what is",
    note = "a set is a scope, a tuple of up to eight sets, or `AnyOf<(A, B)>` of up to eight"
)]
pub trait Kinded: 'static {
    type Kind;
}

/// A scope.
#[derive(Debug)]
pub struct Single(());

/// All of a tuple.
#[derive(Debug)]
pub struct All(());

/// One of a tuple.
#[derive(Debug)]
pub struct One(());

#[diagnostic::do_not_recommend]
impl<S: Declared> Kinded for S {
    type Kind = Single;
}

/// A scope, a tuple of sets, or `AnyOf` a tuple of sets.
pub trait Set: Kinded + SetAs<<Self as Kinded>::Kind> {}

impl<S: Kinded + SetAs<S::Kind>> Set for S {}

/// What a set needs and has.
pub trait SetAs<Kind>: 'static {
    /// The largest home of its members.
    type Widest: Vocabulary;
    type Has: Alternatives;
    type Met<M: Mask>: Truth;
    /// The mask that meets the set, where no `AnyOf` is in it.
    const ALL: Option<u64>;

    /// Is the set met by these bits of its widest vocabulary?
    fn met(granted: u64) -> bool;
    /// Is the set met by these bits of the table's vocabulary?
    fn met_in(table: &ScopeTable, granted: u64) -> bool;
    /// Does the table's vocabulary know all members, by the bits that they have at home?
    #[cfg(feature = "rmcp-3")]
    fn known_in(table: &ScopeTable) -> bool;
    /// What met the set, where these are the bits of a token: all of the clauses, of each one text.
    #[cfg(feature = "rmcp-3")]
    fn met_by(granted: u64, into: &mut Vec<Clause>);
    /// The texts of one way to meet the set, without repeats.
    fn challenge(into: &mut Vec<&'static str>);
    /// The set as a formula for people: blanks are "and".
    fn describe(into: &mut String);
}

impl<S: Scope> SetAs<Single> for S {
    type Widest = S::Home;
    type Has = Cons<S::Grants, Nil>;
    type Met<M: Mask> = M::Covers<S::Bit>;
    const ALL: Option<u64> = Some(S::Bit::U64);

    fn met(granted: u64) -> bool {
        granted & S::Bit::U64 != 0
    }

    fn met_in(table: &ScopeTable, granted: u64) -> bool {
        granted & table.bit(TypeId::of::<S>()) != 0
    }

    #[cfg(feature = "rmcp-3")]
    fn known_in(table: &ScopeTable) -> bool {
        table.bit(TypeId::of::<S>()) == S::Bit::U64
    }

    #[cfg(feature = "rmcp-3")]
    fn met_by(_: u64, into: &mut Vec<Clause>) {
        into.push(vec![S::TEXT]);
    }

    fn challenge(into: &mut Vec<&'static str>) {
        if !into.contains(&S::TEXT) {
            into.push(S::TEXT);
        }
    }

    fn describe(into: &mut String) {
        into.push_str(S::TEXT);
    }
}

impl Kinded for () {
    type Kind = All;
}

impl SetAs<All> for () {
    type Widest = NoScopes;
    type Has = Cons<U0, Nil>;
    type Met<M: Mask> = B1;
    const ALL: Option<u64> = Some(0);

    fn met(_: u64) -> bool {
        true
    }

    fn met_in(_: &ScopeTable, _: u64) -> bool {
        true
    }

    #[cfg(feature = "rmcp-3")]
    fn known_in(_: &ScopeTable) -> bool {
        true
    }

    #[cfg(feature = "rmcp-3")]
    fn met_by(_: u64, _: &mut Vec<Clause>) {}

    fn challenge(_: &mut Vec<&'static str>) {}

    fn describe(into: &mut String) {
        into.push_str("any valid token");
    }
}

/// A set whose members `V` knows.
pub trait KnownTo<V>: Kinded + KnownAs<<Self as Kinded>::Kind, V> {}

impl<V, S: Kinded + KnownAs<S::Kind, V>> KnownTo<V> for S {}

/// The same, by the kind of set.
pub trait KnownAs<Kind, V> {}

impl<V, S: ScopeOf<V>> KnownAs<Single, V> for S {}

/// A scope that `V` knows at the place and with the bit that it has at home.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope of `{V}`",
    label = "`{V}` does not know this scope",
    note = "declare it in `{V}`, or let `{V}` include its vocabulary"
)]
pub trait ScopeOf<V> {}

#[diagnostic::do_not_recommend]
impl<S: Scope, V: Vocabulary> ScopeOf<V> for S where V::List: At<S::Place, Item = S, Bit = S::Bit> {}

impl<V: Vocabulary> KnownAs<All, V> for () {}

/// A set whose members its widest vocabulary knows.
#[cfg(feature = "rmcp-3")]
pub trait AtHome: Set + KnownTo<Self::Widest> {}

#[cfg(feature = "rmcp-3")]
impl<S: Set + KnownTo<S::Widest>> AtHome for S {}

/// The union of two masks, unless one of them is no plain mask.
const fn both(left: Option<u64>, right: Option<u64>) -> Option<u64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left | right),
        _ => None,
    }
}

macro_rules! fold {
    ($operation:ident; $only:ty) => { $only };
    ($operation:ident; $head:ty, $($tail:ty),+) => { $operation<$head, fold!($operation; $($tail),+)> };
}

type Times<A, B> = <A as Alternatives>::Times<B>;
type Then<A, B> = <A as Alternatives>::Then<B>;
type And<A, B> = <A as Truth>::And<B>;
type Or<A, B> = <A as Truth>::Or<B>;

macro_rules! sets {
    ($($first:ident $($member:ident)*;)*) => { $(
        impl<$first: 'static, $($member: 'static),*> Kinded for ($first, $($member,)*) {
            type Kind = All;
        }

        impl<$first: 'static, $($member: 'static),*> Kinded for AnyOf<($first, $($member,)*)> {
            type Kind = One;
        }

        impl<$first: Set, $($member: Set),*> SetAs<All> for ($first, $($member,)*) {
            type Widest = fold!(Larger; $first::Widest $(, $member::Widest)*);
            type Has = fold!(Times; $first::Has $(, $member::Has)*);
            type Met<Mask_: Mask> = fold!(And; $first::Met<Mask_> $(, $member::Met<Mask_>)*);
            const ALL: Option<u64> = {
                let all = $first::ALL;
                $(let all = both(all, $member::ALL);)*
                all
            };

            fn met(granted: u64) -> bool {
                match const { Self::ALL } {
                    Some(all) => granted & all == all,
                    None => $first::met(granted) $(&& $member::met(granted))*,
                }
            }

            fn met_in(table: &ScopeTable, granted: u64) -> bool {
                $first::met_in(table, granted) $(&& $member::met_in(table, granted))*
            }

            #[cfg(feature = "rmcp-3")]
            fn known_in(table: &ScopeTable) -> bool {
                $first::known_in(table) $(&& $member::known_in(table))*
            }

            #[cfg(feature = "rmcp-3")]
            fn met_by(granted: u64, into: &mut Vec<Clause>) {
                $first::met_by(granted, into);
                $($member::met_by(granted, into);)*
            }

            fn challenge(into: &mut Vec<&'static str>) {
                $first::challenge(into);
                $($member::challenge(into);)*
            }

            fn describe(into: &mut String) {
                $first::describe(into);
                $(
                    into.push(' ');
                    $member::describe(into);
                )*
            }
        }

        impl<$first: Set, $($member: Set),*> SetAs<One> for AnyOf<($first, $($member,)*)> {
            type Widest = fold!(Larger; $first::Widest $(, $member::Widest)*);
            type Has = fold!(Then; $first::Has $(, $member::Has)*);
            type Met<Mask_: Mask> = fold!(Or; $first::Met<Mask_> $(, $member::Met<Mask_>)*);
            const ALL: Option<u64> = None;

            fn met(granted: u64) -> bool {
                $first::met(granted) $(|| $member::met(granted))*
            }

            fn met_in(table: &ScopeTable, granted: u64) -> bool {
                $first::met_in(table, granted) $(|| $member::met_in(table, granted))*
            }

            #[cfg(feature = "rmcp-3")]
            fn known_in(table: &ScopeTable) -> bool {
                $first::known_in(table) $(&& $member::known_in(table))*
            }

            #[cfg(feature = "rmcp-3")]
            fn met_by(granted: u64, into: &mut Vec<Clause>) {
                one_of(into, [
                    ($first::met(granted), clauses::<$first>(granted)),
                    $(($member::met(granted), clauses::<$member>(granted)),)*
                ]);
            }

            fn challenge(into: &mut Vec<&'static str>) {
                $first::challenge(into);
            }

            fn describe(into: &mut String) {
                into.push_str("any of (");
                $first::describe(into);
                $(
                    into.push_str(", ");
                    $member::describe(into);
                )*
                into.push(')');
            }
        }

        impl<Known: Vocabulary, $first: KnownTo<Known>, $($member: KnownTo<Known>),*> KnownAs<All, Known>
            for ($first, $($member,)*)
        {
        }

        impl<Known: Vocabulary, $first: KnownTo<Known>, $($member: KnownTo<Known>),*> KnownAs<One, Known>
            for AnyOf<($first, $($member,)*)>
        {
        }
    )* };
}
sets! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
}
