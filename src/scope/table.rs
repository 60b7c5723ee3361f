//! A vocabulary at run time: texts to bits, and back.

use core::any::TypeId;

use typenum::Unsigned;

use super::list::{Len, Nil, cons};
use super::set::{GrantsOf, KnownTo, Scope};
use super::{Declared, Vocabulary};

/// The texts of a vocabulary as a constant.
#[derive(Debug)]
pub struct Node {
    pub(super) text: &'static str,
    #[cfg(feature = "testing")]
    sentence: &'static str,
    pub(super) next: Option<&'static Self>,
}

/// Text and sentence of each scope of a vocabulary, in its order.
#[cfg(feature = "testing")]
pub(crate) fn sentences<V: Vocabulary>() -> impl Iterator<Item = (&'static str, &'static str)> {
    core::iter::successors(<V::List as Table<V>>::TEXTS, |node| node.next)
        .map(|node| (node.text, node.sentence))
}

/// One scope at run time.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    id: TypeId,
    text: &'static str,
    own: u64,
    granted: u64,
}

/// What is in a token, as bits of one vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Granted {
    /// All that the token grants, included scopes counted.
    pub(crate) granted: u64,
    /// The scopes that the token names.
    pub(crate) named: u64,
}

/// A list whose members are all scopes that `V` knows and that include only such.
pub trait Table<V>: Len {
    const TEXTS: Option<&'static Node>;
    fn fill(into: &mut Vec<Row>);
}

/// A scope that `V` knows and that includes only such.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in the list of `{V}`",
    label = "its place, or what it includes, does not fit",
    note = "a scope stands at its `Place`, and includes only scopes that `{V}` knows"
)]
pub trait Member<V> {
    const TEXT: &'static str;
    #[cfg(feature = "testing")]
    const SENTENCE: &'static str;
    fn row() -> Row;
}

impl<V, S: Declared> Member<V> for S
where
    S::Includes: GrantsOf<V>,
    S: Scope + KnownTo<V>,
{
    const TEXT: &'static str = <S as Declared>::TEXT;
    #[cfg(feature = "testing")]
    const SENTENCE: &'static str = <S as Declared>::SENTENCE;

    fn row() -> Row {
        Row {
            id: TypeId::of::<S>(),
            text: <S as Declared>::TEXT,
            own: S::Bit::U64,
            granted: S::Grants::U64,
        }
    }
}

macro_rules! nodes {
    (; $rest:expr) => { $rest };
    ($head:ident $($tail:ident)*; $rest:expr) => {
        Some(&Node {
            text: $head::TEXT,
            #[cfg(feature = "testing")]
            sentence: $head::SENTENCE,
            next: nodes!($($tail)*; $rest),
        })
    };
}

macro_rules! short_tables {
    ($($($member:ident)*;)*) => { $(
        impl<Known, $($member: Member<Known>),*> Table<Known> for cons!($($member)*; Nil) {
            const TEXTS: Option<&'static Node> = nodes!($($member)*; None);

            fn fill(into: &mut Vec<Row>) {
                into.extend_from_slice(&[$($member::row()),*]);
            }
        }
    )* };
}
short_tables! { ; A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; }

impl<Known, A, B, C, D, E, F, G, H, T> Table<Known> for cons!(A B C D E F G H; T)
where
    A: Member<Known>,
    B: Member<Known>,
    C: Member<Known>,
    D: Member<Known>,
    E: Member<Known>,
    F: Member<Known>,
    G: Member<Known>,
    H: Member<Known>,
    T: Table<Known>,
    Self: Len,
{
    const TEXTS: Option<&'static Node> = nodes!(A B C D E F G H; T::TEXTS);

    fn fill(into: &mut Vec<Row>) {
        into.extend([
            A::row(),
            B::row(),
            C::row(),
            D::row(),
            E::row(),
            F::row(),
            G::row(),
            H::row(),
        ]);
        T::fill(into);
    }
}

/// The scopes of one vocabulary, built once for each guard.
#[derive(Debug)]
pub struct ScopeTable {
    /// In the vocabulary's order.
    rows: Vec<Row>,
    /// Ordered by length, then by bytes: most comparisons look at one number.
    by_text: Vec<Row>,
    /// Ordered by type.
    by_type: Vec<(TypeId, u64)>,
}

impl ScopeTable {
    /// The table of `V`.
    pub(crate) fn of<V: Vocabulary>() -> Self {
        let mut rows = Vec::new();
        <V::List as Table<V>>::fill(&mut rows);
        let mut by_text = rows.clone();
        by_text.sort_unstable_by_key(|row| (row.text.len(), row.text));
        let mut by_type: Vec<_> = rows.iter().map(|row| (row.id, row.own)).collect();
        by_type.sort_unstable();
        Self {
            rows,
            by_text,
            by_type,
        }
    }

    /// The bits of the texts that this vocabulary knows; others are ignored.
    pub(crate) fn read(&self, texts: impl Iterator<Item: AsRef<[u8]>>) -> Granted {
        texts.filter_map(|text| self.find(text.as_ref())).fold(
            Granted::default(),
            |Granted { granted, named }, row| Granted {
                granted: granted | row.granted,
                named: named | row.own,
            },
        )
    }

    /// The bits of these names.
    pub(crate) fn bits_of(&self, names: &[&str]) -> u64 {
        self.read(names.iter()).named
    }

    /// The texts of these bits, in the vocabulary's order.
    pub(crate) fn names(&self, mask: u64) -> impl Iterator<Item = &'static str> {
        self.rows
            .iter()
            .filter(move |row| mask & row.own != 0)
            .map(|row| row.text)
    }

    /// The name of the scope of this text, if the vocabulary has it.
    pub(crate) fn text(&self, text: &str) -> Option<&'static str> {
        self.find(text.as_bytes()).map(|row| row.text)
    }

    /// Does the vocabulary have a scope of this text?
    pub(crate) fn contains_text(&self, text: &str) -> bool {
        self.find(text.as_bytes()).is_some()
    }

    /// The bit of a scope; none if the vocabulary does not know it.
    pub(super) fn bit(&self, scope: TypeId) -> u64 {
        self.by_type
            .binary_search_by_key(&scope, |&(id, _)| id)
            .ok()
            .and_then(|at| self.by_type.get(at))
            .map_or(0, |&(_, own)| own)
    }

    fn find(&self, text: &[u8]) -> Option<&Row> {
        self.by_text
            .binary_search_by(|row| {
                let length = row.text.len().cmp(&text.len());
                length.then_with(|| row.text.as_bytes().cmp(text))
            })
            .ok()
            .and_then(|at| self.by_text.get(at))
    }
}
