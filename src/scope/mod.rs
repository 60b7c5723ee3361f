//! Scopes as types: what a signature demands, and what a proof of it is good for.
//!
//! A resource server declares its [`Vocabulary`] once, with [`scopes!`](crate::scopes). From then on
//! a scope is a type, a set of scopes is a tuple, and the compiler knows which set grants which:
//! [`Grants`]. At run time a token's scopes are two integers, and a set is one comparison.
//!
//! The rule: **what a scope is worth is derived, never claimed.** Anyone may implement a public
//! trait by hand. So what is written about a scope ([`Declared`]) is only where it stands in the
//! list of its vocabulary and what it includes; its bit and what it grants follow from the list.
//! The traits that say so are in private modules, and those that users name ([`Scope`], [`Set`],
//! [`KnownTo`], [`Grants`]) have no items and follow for every type for which they are true.
//!
//! Layer L1: pure, no I/O. Scope texts obey RFC 6749 section 3.3.

#[cfg(feature = "rmcp-3")]
mod clause;
#[doc(hidden)]
pub mod expansion;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod grants;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod list;
mod macros;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod mask;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod set;
#[expect(
    unnameable_types,
    reason = "what nobody can name, nobody can implement"
)]
mod table;
mod text;

#[cfg(test)]
#[expect(unused_qualifications, reason = "includes are written with paths, too")]
mod tests;

use core::marker::PhantomData;

#[cfg(feature = "rmcp-3")]
pub(crate) use clause::Clause;
pub use list::{Cons, Nil};
#[cfg(feature = "testing")]
pub(crate) use table::sentences;
pub(crate) use table::{Granted, ScopeTable};

/// The list `A` followed by the list `B`.
pub type Appended<A, B> = <A as list::Append<B>>::Out;

/// The closed list of scopes that one resource server knows.
///
/// Declare it with [`scopes!`](crate::scopes). A vocabulary may include one other, whose scopes
/// come first in its list and keep their bits, so proofs mean the same under both.
///
/// # Proves
/// - every scope of the list is at home in it, or in a vocabulary that it includes;
/// - what these scopes include is in the list, too;
/// - there are at most 64 of them, included ones counted.
///
/// # Does not prove
/// That the texts are well formed and distinct: `scopes!` and the guard's builder check this with
/// constants.
///
/// # Examples
/// By hand, a vocabulary is its list:
/// ```
/// use clearance::scope::{Cons, Declared, Nil, Vocabulary};
///
/// struct FilesScopes;
/// impl Vocabulary for FilesScopes {
///     type List = Cons<FilesRead, Nil>;
/// }
///
/// struct FilesRead;
/// impl Declared for FilesRead {
///     const TEXT: &'static str = "files:read";
///     type Home = FilesScopes;
///     type Place = clearance::scope::Place<clearance::scope::NoScopes, 0>;
///     type Includes = Nil;
/// }
/// ```
///
/// A text that is no scope token is found when a guard is built over it (by `cargo build`; `cargo
/// check` does not evaluate it):
/// ```compile_fail,E0080
/// # use clearance::{Guard, scope::{Cons, Declared, Nil, NoScopes, Place, Vocabulary}};
/// # struct Files;
/// # struct Bad;
/// # impl Vocabulary for Files {
/// #     type List = Cons<Bad, Nil>;
/// # }
/// impl Declared for Bad {
///     const TEXT: &'static str = "two words";
/// #     type Home = Files;
/// #     type Place = Place<NoScopes, 0>;
/// #     type Includes = Nil;
///     // ..
/// }
/// let builder = Guard::<Files>::builder("https://files.example.com/mcp".parse()?);
/// # Ok::<(), clearance::id::IdentifierError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a vocabulary",
    label = "not declared with `vocabulary ..;` in `scopes!`",
    note = "write the vocabulary here, not one of its scopes"
)]
pub trait Vocabulary: Sized + 'static {
    /// All scopes, those of the included vocabulary first.
    type List: table::Table<Self> + list::Fits;
}

/// What is written about a scope; all else is derived.
///
/// [`scopes!`](crate::scopes) writes it. By hand it can be written as well, and can say anything: a
/// type whose home does not list it at its place is no [`Scope`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a scope nor a set of scopes",
    label = "not declared with `scopes!`",
    note = "a set is a scope, a tuple of up to eight sets, or `AnyOf<(A, B)>` of up to eight"
)]
pub trait Declared: Sized + 'static {
    /// The scope as it stands in tokens (RFC 6749 section 3.3).
    const TEXT: &'static str;
    /// What the scope allows, for people who are asked to consent: its documentation.
    const SENTENCE: &'static str = "";
    /// The vocabulary that declares it.
    type Home: Vocabulary;
    /// Where it stands in the list of its home: [`Place`].
    type Place;
    /// The list of scopes that it includes, all of them known to its home.
    type Includes;
}

/// The place of the scope that is declared as number `OWN` on top of the vocabulary `Base`.
///
/// `Base` is [`NoScopes`] for a vocabulary that includes no other. Counted from 0.
pub type Place<Base, const OWN: usize> =
    <list::LengthOf<Base> as core::ops::Add<<list::Nth<OWN> as list::Number>::N>>::Output;

/// A type that is one scope.
///
/// # Proves
/// That its home lists it at its place.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope",
    label = "not declared with `scopes!`",
    note = "declare it with `scopes!`"
)]
pub trait Scope: set::Scope {}

impl<S: set::Scope> Scope for S {}

/// What an operation can demand: a scope, a tuple of sets (all of them), [`AnyOf`] a tuple of sets
/// (one of them), or `()` (a valid token, and no scope).
///
/// Tuples and `AnyOf` have up to eight members, and either may be a member of the other. The order
/// of members means nothing. A named set is a type alias.
///
/// # Limits
/// A set has one alternative for each way to meet it: a tuple of three `AnyOf` of four scopes each
/// has 64. That is about as many as compile at the default recursion limit.
///
/// # Examples
/// ```
/// use clearance::scope::{AnyOf, Set};
///
/// clearance::scopes! {
///     /// What a caller may do with files.
///     pub vocabulary FilesScopes;
///     /// Read files.
///     pub FilesRead = "files:read";
///     /// Write files.
///     pub FilesWrite = "files:write";
///     /// Look at what was done.
///     pub FilesAudit = "files:audit";
/// }
///
/// type Inspect = (FilesRead, AnyOf<(FilesWrite, FilesAudit)>);
///
/// fn is_a_set<S: Set>() {}
/// is_a_set::<Inspect>();
/// is_a_set::<()>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a scope nor a set of scopes",
    label = "not declared with `scopes!`",
    note = "a set is a scope, a tuple of up to eight sets, or `AnyOf<(A, B)>` of up to eight"
)]
pub trait Set: set::Set {}

impl<S: set::Set> Set for S {}

/// A set whose scopes all belong to the vocabulary `V`, declared there or included.
///
/// # Proves
/// That the scopes have the same bits in `V` as at home, so a guard over `V` can decide about them.
///
/// # Examples
/// A scope that the vocabulary does not know is a compile error:
/// ```compile_fail,E0277
/// use clearance::scope::KnownTo;
///
/// clearance::scopes! {
///     /// What a caller may do with files.
///     pub vocabulary FilesScopes;
///     /// Delete files.
///     pub FilesDelete = "files:delete";
/// }
/// mod db {
///     clearance::scopes! {
///         /// What a caller may do with the database.
///         pub vocabulary DbScopes;
///         /// Drop tables.
///         pub DbDrop = "db:drop";
///     }
/// }
///
/// fn known_to_files<S: KnownTo<FilesScopes>>() {}
/// known_to_files::<FilesDelete>();
/// known_to_files::<db::DbDrop>(); // `db::DbDrop` is not a scope of `FilesScopes`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope of `{V}`",
    label = "`{V}` does not know this scope",
    note = "declare it in `{V}`, or let `{V}` include its vocabulary"
)]
pub trait KnownTo<V>: set::KnownTo<V> {}

impl<V, S: set::KnownTo<V>> KnownTo<V> for S {}

/// Whoever has proven `Self` has proven `Need`, too.
///
/// # Proves
/// That every way to meet `Self` also meets `Need`, with all that scopes include. `AnyOf<(A, B)>`
/// grants itself and what both `A` and `B` grant, and does not grant `A`; `A` grants
/// `AnyOf<(A, B)>`.
///
/// # Does not prove
/// Anything across vocabularies that do not include one another: their bits are unrelated, so
/// neither grants the other's scopes.
///
/// # Examples
/// This one bound is enough for generic code:
/// ```
/// use clearance::scope::{Grants, Set};
///
/// clearance::scopes! {
///     /// What a caller may do with files.
///     pub vocabulary FilesScopes;
///     /// Delete files.
///     pub FilesDelete = "files:delete";
///     /// Everything.
///     pub FilesAdmin = "files:admin" includes FilesDelete;
/// }
///
/// fn demand<H: Grants<N>, N: Set>() {}
/// demand::<FilesAdmin, FilesDelete>();
/// demand::<(FilesAdmin, FilesDelete), FilesAdmin>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not grant `{Need}`",
    label = "this proof covers `{Self}` only",
    note = "demand `Authorized<{Need}>`, or let the scope that was proven include it in `scopes!`"
)]
pub trait Grants<Need>: grants::Grants<Need> + Set
where
    Need: Set,
{
}

#[diagnostic::do_not_recommend]
impl<H: grants::Grants<N> + Set, N: Set> Grants<N> for H {}

/// A set whose members are all known to one of their vocabularies, the widest of them.
///
/// What demands scopes without knowing the guard can only be given such a set: bits of vocabularies
/// that do not include one another have nothing to do with one another.
#[cfg(feature = "rmcp-3")]
#[diagnostic::on_unimplemented(
    message = "no vocabulary knows all of `{Self}`",
    label = "a set of scopes that do not belong together",
    note = "let one vocabulary include the other, or demand the scopes of one of them"
)]
pub trait AtHome: Set + set::AtHome {}

#[cfg(feature = "rmcp-3")]
#[diagnostic::do_not_recommend]
impl<S: Set + set::AtHome> AtHome for S {}

/// The set that is met by one of the members of the tuple `T`.
///
/// A challenge names its first member.
#[derive(Debug)]
pub struct AnyOf<T>(PhantomData<fn() -> T>);

/// The vocabulary without scopes, which every other one includes.
#[derive(Debug)]
pub struct NoScopes(());

impl Vocabulary for NoScopes {
    type List = Nil;
}

/// The check of all texts of `V`, for the guard's builder: hand-written vocabularies have passed no
/// other.
#[derive(Debug)]
pub(crate) struct Checked<V>(PhantomData<V>);

impl<V: Vocabulary> Checked<V> {
    /// Evaluates only if all texts are well formed and distinct.
    pub(crate) const OK: () = text::check_texts(<V::List as table::Table<V>>::TEXTS);
}
