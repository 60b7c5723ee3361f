use typenum::Bit;

use super::set::Alternatives;
use super::text::{is_reserved, is_scope_token};
use super::{AnyOf, Checked, Granted, Grants, KnownTo, NoScopes, ScopeTable, Set};

mod base {
    crate::scopes! {
        /// A vocabulary that others include.
        pub(super) vocabulary Base;
        /// Read.
        pub(super) Read = "base:read";
        /// Execute.
        pub(super) Execute = "base:execute";
    }
}
use base::{Base, Execute, Read};

crate::scopes! {
    /// What a caller may do with files.
    vocabulary Files includes Base;
    /// Delete files.
    /// They are gone then.
    #[derive(PartialEq)]
    Delete = "files:delete";
    /// Everything.
    Admin = "files:admin" includes Delete, base::Execute;
    /// Everything, twice over.
    Owner = "files:owner" includes Admin, self::Delete;
    Plain = "files:{plain}";
}

// A user's names may be those that an impl would give its parameters.
mod names {
    crate::scopes! {
        pub(super) vocabulary V;
        pub(super) S = "s";
        pub(super) T = "t" includes S;
        pub(super) A = "a" includes T;
        pub(super) B = "b";
        pub(super) H = "h";
        pub(super) N = "n" includes A, B,;
    }

    #[test]
    fn a_scope_may_be_called_as_a_type_parameter() {
        super::grants::<N, (S, T, A, B)>();
        let table = super::ScopeTable::of::<V>();
        assert_eq!(table.read(["n"].into_iter()).granted, 0b10_1111);
        assert!(table.read(["h"].into_iter()).granted == 0b01_0000 && super::met::<H>(16));
    }
}

mod empty {
    crate::scopes! {
        vocabulary OfNone;
    }
    crate::scopes! {
        vocabulary Another includes super::Files;
    }

    #[test]
    fn a_vocabulary_may_declare_nothing() {
        assert_eq!(super::ScopeTable::of::<OfNone>().names(!0).count(), 0);
        assert_eq!(super::ScopeTable::of::<Another>().names(!0).count(), 6);
        super::known::<super::Owner, Another>();
    }
}

fn grants<H: Grants<N>, N: Set>() {}
fn known<S: Set + KnownTo<V>, V>() {}

fn met<S: Set>(granted: u64) -> bool {
    S::met(granted)
}

fn met_in<S: Set>(table: &ScopeTable, granted: u64) -> bool {
    S::met_in(table, granted)
}

fn table() -> ScopeTable {
    let () = Checked::<Files>::OK;
    ScopeTable::of::<Files>()
}

fn challenge<S: Set>() -> Vec<&'static str> {
    let mut texts = Vec::new();
    S::challenge(&mut texts);
    texts
}

#[test]
fn sets_grant_what_each_of_their_alternatives_grants() {
    grants::<Read, Read>();
    grants::<Owner, (Admin, Delete, Execute)>();
    grants::<(Read, Delete), (Delete, Read)>();
    grants::<((Read,), (Delete, (Read, Admin))), (Execute, (Delete, Read))>();
    grants::<Read, ()>();
    grants::<(), ()>();
    grants::<(), ((), ((),))>();
    grants::<Read, AnyOf<(Read, Delete)>>();
    grants::<AnyOf<(Read, Delete)>, AnyOf<(Delete, Read)>>();
    grants::<AnyOf<(Read, Delete)>, AnyOf<(Execute, Delete, Read)>>();
    grants::<AnyOf<(Admin, Delete)>, Delete>();
    grants::<AnyOf<(Read,)>, Read>();
    grants::<(Read, AnyOf<(Delete, Admin)>), (Delete, Read)>();
    // Distribution, both ways.
    grants::<(Read, AnyOf<(Delete, Execute)>), AnyOf<((Read, Delete), (Read, Execute))>>();
    grants::<AnyOf<((Read, Delete), (Read, Execute))>, (Read, AnyOf<(Delete, Execute)>)>();
    grants::<
        (AnyOf<(Read, Delete)>, AnyOf<(Execute, Plain)>),
        AnyOf<(
            AnyOf<((Read, Execute), (Read, Plain))>,
            (Delete, AnyOf<(Execute, Plain)>),
        )>,
    >();
    grants::<
        (Read, Execute, Delete, Admin, Owner, Plain, (), Read),
        AnyOf<(Plain, (), Read, Read, Read, Read, Read, Owner)>,
    >();
}

#[test]
fn sets_are_known_where_every_member_is() {
    known::<(Read, AnyOf<(Owner, ())>), Files>();
    known::<(Read, Execute), Base>();
    known::<(), Base>();
    known::<(), NoScopes>();
}

/// What the types decide, and what is true of every token.
fn decided_and_true<H: Set, N: Set>(tokens: &[u64]) -> (bool, bool) {
    let decided = <<H::Has as Alternatives>::AllMeet<N> as Bit>::BOOL;
    let implied = tokens.iter().all(|&token| !H::met(token) || N::met(token));
    (decided, implied)
}

macro_rules! every_pair {
    ([$($set:ty),* $(,)?], $tokens:expr) => {
        every_pair!(@each [$($set),*] [$($set),*] $tokens);
    };
    (@each [$($set:ty),*] $others:tt $tokens:expr) => {
        $(every_pair!(@with $set, $others, $tokens);)*
    };
    (@with $set:ty, [$($other:ty),*], $tokens:expr) => { $(
        let (decided, implied) = decided_and_true::<$set, $other>($tokens);
        assert_eq!(decided, implied, "{} {}", stringify!($set), stringify!($other));
    )* };
}

#[test]
fn a_set_grants_another_exactly_if_every_token_that_meets_it_meets_the_other() {
    let table = table();
    let all: Vec<_> = table.names(!0).collect();
    let tokens: Vec<u64> = (0..64_u32)
        .map(|named| {
            let texts = all.iter().enumerate();
            table
                .read(
                    texts
                        .filter(|(bit, _)| named >> bit & 1 == 1)
                        .map(|(_, text)| *text),
                )
                .granted
        })
        .collect();
    every_pair!(
        [
            (),
            Read,
            Delete,
            Admin,
            Owner,
            (Read, Delete),
            (Delete, Execute),
            AnyOf<(Read, Delete)>,
            AnyOf<(Admin, Owner)>,
            AnyOf<(Read, ())>,
            (Plain, AnyOf<(Read, Admin)>),
            AnyOf<((Plain, Read), (Plain, Delete, Execute))>,
            AnyOf<(Owner, (Read, AnyOf<(Execute, Plain)>))>,
            (AnyOf<(Read, Delete)>, AnyOf<(Execute, Plain)>, AnyOf<(Read, Owner)>),
        ],
        &tokens
    );
}

fn members_are_enough<A: Set + KnownTo<Files>, B: Set + KnownTo<Files>>() {
    known::<(A, AnyOf<(A, B)>), Files>();
}

#[test]
fn generic_sets_need_bounds_on_their_members_only() {
    members_are_enough::<Read, (Owner, ())>();
}

#[test]
fn a_table_reads_what_it_knows() {
    let table = table();
    let cases: [(&str, u64, u64); 9] = [
        ("", 0, 0),
        ("base:read", 0b1, 0b1),
        ("files:admin", 0b1110, 0b1000),
        ("files:owner", 0b1_1110, 0b1_0000),
        ("files:owner base:read files:owner", 0b1_1111, 0b1_0001),
        ("files:{plain}", 0b10_0000, 0b10_0000),
        ("Files:admin files:admi files:adminn", 0, 0),
        ("files: admin", 0, 0),
        ("unknown base:execute", 0b10, 0b10),
    ];
    for (scope, granted, named) in cases {
        let read = table.read(scope.split(' '));
        assert_eq!(read, Granted { granted, named }, "{scope}");
    }
}

#[test]
fn a_table_names_in_the_order_of_the_vocabulary() {
    let table = table();
    let names = |mask| table.names(mask).collect::<Vec<_>>();
    assert_eq!(
        names(0b1_0101),
        ["base:read", "files:delete", "files:owner"]
    );
    assert_eq!(names(0), Vec::<&str>::new());
    assert_eq!(names(!0).len(), 6);
    assert!(table.contains_text("files:delete"));
    assert!(!table.contains_text("files:delet"));
}

#[test]
fn types_and_table_decide_alike() {
    fn same<S: Set + KnownTo<Files>>(met: impl Fn(u64) -> bool) {
        let table = table();
        for granted in 0..64 {
            assert_eq!(S::met(granted), met(granted), "{granted:b}");
            assert_eq!(S::met_in(&table, granted), met(granted), "{granted:b}");
        }
    }
    same::<()>(|_| true);
    same::<Delete>(|granted| granted & 4 == 4);
    same::<Admin>(|granted| granted & 8 == 8);
    same::<(Read, (Delete, ()))>(|granted| granted & 5 == 5);
    same::<AnyOf<(Read, Delete)>>(|granted| granted & 5 != 0);
    same::<AnyOf<(Read, ())>>(|_| true);
    same::<(Execute, AnyOf<((Read, Delete), Owner)>)>(|granted| {
        granted & 2 == 2 && (granted & 5 == 5 || granted & 16 == 16)
    });
}

#[test]
fn scopes_of_another_vocabulary_are_not_met_in_the_table() {
    let table = table();
    assert!(!met_in::<names::S>(&table, u64::MAX));
    assert!(!met_in::<AnyOf<(names::S, names::B)>>(&table, u64::MAX));
    assert!(met_in::<AnyOf<(names::S, Read)>>(&table, 1));
}

#[test]
fn a_challenge_is_one_way_to_meet_the_set() {
    assert_eq!(challenge::<()>(), Vec::<&str>::new());
    assert_eq!(challenge::<(Delete, Read)>(), ["files:delete", "base:read"]);
    assert_eq!(
        challenge::<(Read, (Delete, Read))>(),
        ["base:read", "files:delete"]
    );
    assert_eq!(challenge::<AnyOf<(Delete, Read)>>(), ["files:delete"]);
    assert_eq!(
        challenge::<(Read, AnyOf<((Delete, Execute), Read)>)>(),
        ["base:read", "files:delete", "base:execute"]
    );
}

#[test]
fn documentation_is_the_sentence() {
    use super::Declared;
    assert_eq!(Delete::SENTENCE, "Delete files. They are gone then.");
    assert_eq!(Plain::SENTENCE, "");
    assert!(Delete == Delete);
}

#[test]
fn scope_tokens_are_those_of_rfc_6749() {
    for byte in 0..=u8::MAX {
        let text = char::from(byte).to_string();
        let allowed = matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert_eq!(is_scope_token(&text), allowed, "{byte:#x}");
        assert_eq!(is_scope_token(&format!("a{text}b")), allowed, "{byte:#x}");
    }
    assert!(!is_scope_token(""));
    for text in ["openid", "profile", "email", "offline_access"] {
        assert!(is_reserved(text), "{text}");
        assert!(!is_reserved(&text.to_uppercase()), "{text}");
    }
    assert!(!is_reserved("openi") && !is_reserved("openids") && !is_reserved(""));
}
