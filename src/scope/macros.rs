/// Declares a vocabulary and its scopes.
///
/// ```
/// mod base {
///     clearance::scopes! {
///         /// What a caller may do with any of our servers.
///         pub vocabulary BaseScopes;
///
///         /// See that the server is there.
///         pub Look = "base:look";
///     }
/// }
/// use base::{BaseScopes, Look};
///
/// clearance::scopes! {
///     /// What a caller may do with files.
///     pub vocabulary FilesScopes includes BaseScopes;
///
///     /// Delete files.
///     pub FilesDelete = "files:delete";
///     /// Everything.
///     pub FilesAdmin = "files:admin" includes FilesDelete, Look;
/// }
///
/// fn demand<H: clearance::scope::Grants<N>, N: clearance::scope::Set>() {}
/// demand::<FilesAdmin, (FilesDelete, Look)>();
/// ```
///
/// First the vocabulary, with at most one other that it includes; then its scopes, each with the
/// text that stands in tokens and the scopes that it includes. Whoever holds a scope has all that
/// it includes, and what these include. Scopes are at least as visible as their vocabulary.
///
/// # Expansion
/// A unit struct for the vocabulary and for each scope, which derive `Debug`, `Clone` and `Copy` and
/// carry your attributes, and for each an impl that could be written by hand:
/// [`Vocabulary`](crate::scope::Vocabulary) and [`Declared`](crate::scope::Declared). The
/// documentation of a scope is also its [`SENTENCE`](crate::scope::Declared::SENTENCE). A `#[cfg]`
/// on a scope cannot work: the list would go on naming it.
///
/// # Errors
/// The compiler refuses, with a sentence that names the scope:
/// - a text that is no scope token (RFC 6749 section 3.3), is the text of another scope of the
///   vocabulary, or is one of `openid`, `profile`, `email` and `offline_access`;
/// - a scope that includes itself or one that is declared further down;
/// - a scope that includes one that the vocabulary does not know;
/// - more than 64 scopes, included ones counted.
///
/// ```compile_fail,E0080
/// clearance::scopes! {
///     /// What a caller may do with files.
///     pub vocabulary FilesScopes;
///     /// Delete files.
///     pub FilesDelete = "files delete"; // a space
/// }
/// ```
///
/// # Limits
/// 64 scopes compile at the default recursion limit, and so do 48 of them that include one another
/// in a chain; a longer chain needs `#![recursion_limit = "256"]`.
///
/// # Specification
/// RFC 6749 section 3.3.
#[macro_export]
macro_rules! scopes {
    (
        $(#[$($about:tt)*])*
        $visibility:vis vocabulary $vocabulary:ident includes $base:ty, $($rest:tt)*
    ) => {
        ::core::compile_error!(::core::concat!(
            "`", ::core::stringify!($vocabulary), "` includes two vocabularies, and can include ",
            "one: let that one include the other"
        ));
    };
    (
        $(#[$($about:tt)*])*
        $visibility:vis vocabulary $vocabulary:ident $(includes $base:ty)?;
        $(
            $(#[$($attribute:tt)*])*
            $scope_visibility:vis $scope:ident = $text:literal $(includes $($included:ty),+ $(,)?)?;
        )*
    ) => {
        $(#[$($about)*])*
        #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
        $visibility struct $vocabulary;

        $(
            $(#[$($attribute)*])*
            #[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
            $scope_visibility struct $scope;
        )*

        $crate::scopes! {
            @declare $vocabulary; [$($base,)? $crate::scope::NoScopes];
            [$(::core::stringify!($scope)),*];
            $($scope $text [$($($included),+)?] [$([$($attribute)*])*])*
        }
    };
    (
        @declare $vocabulary:ident; [$base:ty $(, $_none:ty)?]; $declared:tt;
        $($scope:ident $text:literal [$($included:ty),*] [$([$($attribute:tt)*])*])*
    ) => {
        impl $crate::scope::Vocabulary for $vocabulary {
            type List = $crate::scope::Appended<
                <$base as $crate::scope::Vocabulary>::List,
                $crate::scopes!(@list $($scope,)*),
            >;
        }
        $(
            impl $crate::scope::Declared for $scope {
                const TEXT: &'static str = $text;
                const SENTENCE: &'static str =
                    ::core::concat!($($crate::scopes!(@sentence $($attribute)*)),*).trim_ascii();
                type Home = $vocabulary;
                type Place = $crate::scope::Place<
                    $base,
                    { $crate::scope::expansion::place(&$declared, ::core::stringify!($scope)) },
                >;
                type Includes = $crate::scope::expansion::Above<
                    {
                        $crate::scope::expansion::above(
                            &$declared,
                            ::core::stringify!($scope),
                            &[$(::core::stringify!($included)),*],
                        )
                    },
                    $crate::scopes!(@list $($included,)*),
                >;
            }
            $crate::scopes! {
                @check $scope;
                $crate::scope::expansion::is_scope_token(
                    <$scope as $crate::scope::Declared>::TEXT
                ) =>
                    " cannot have the text ", ::core::stringify!($text), ": a scope's text is ",
                    "visible ASCII without spaces, quotes and backslashes, and not empty (RFC 6749 section 3.3)";
                !$crate::scope::expansion::is_reserved(<$scope as $crate::scope::Declared>::TEXT) =>
                    " cannot have the text ", ::core::stringify!($text), ": that is for the ",
                    "authorization server, never a resource's scope: leave it out";
                $crate::scope::expansion::is_new::<$vocabulary>(
                    &$declared, ::core::stringify!($scope),
                    <$scope as $crate::scope::Declared>::TEXT
                ) =>
                    " has the text ", ::core::stringify!($text), ", like another scope of `",
                    ::core::stringify!($vocabulary), "` above it";
                $(
                    $crate::scope::expansion::above(
                        &$declared,
                        ::core::stringify!($scope),
                        &[::core::stringify!($included)],
                    ) =>
                        " includes `", ::core::stringify!($included),
                        "`, which is not declared above it: declare it ",
                        "first (scopes that include one another in a circle would be one scope)";
                )*
            }
        )*
    };
    (@check $scope:ident; $($holds:expr => $($sentence:expr),+;)*) => {
        $(const _: () = ::core::assert!(
            $holds,
            "{}",
            ::core::concat!("`", ::core::stringify!($scope), "`" $(, $sentence)+)
        );)*
    };
    (@list) => { $crate::scope::Nil };
    (
        @list $a:ty, $b:ty, $c:ty, $d:ty, $e:ty, $f:ty, $g:ty, $h:ty, $($rest:tt)*
    ) => {
        $crate::scope::Cons<$a, $crate::scope::Cons<$b, $crate::scope::Cons<$c,
        $crate::scope::Cons<$d, $crate::scope::Cons<$e, $crate::scope::Cons<$f,
        $crate::scope::Cons<$g, $crate::scope::Cons<$h, $crate::scopes!(@list $($rest)*)
        >>>>>>>>
    };
    (@list $head:ty, $($rest:tt)*) => {
        $crate::scope::Cons<$head, $crate::scopes!(@list $($rest)*)>
    };
    (@sentence doc = $line:expr) => { $line };
    (@sentence $($other:tt)*) => { "" };
}
