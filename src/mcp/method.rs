//! The methods of the protocol, as values that are passed where a handler is registered.

#![expect(clippy::exhaustive_structs, reason = "methods are unit structs")]

use std::marker::PhantomData;

use super::scopes;
use crate::scope::Set;

mod sealed {
    use crate::scope::Set;

    /// What a handler must demand at least.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not an MCP method",
        label = "so there is nothing that it demands"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Demand {
        type Scope: Set;
    }

    /// What a method is called. A tool, prompt or resource has demands, and is no method.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not an MCP method",
        label = "so it has no method's name"
    )]
    #[expect(unnameable_types, reason = "nobody else may implement it")]
    pub trait Named: Demand {
        /// Whether anybody may choose the name, so that it must not be one of the protocol's.
        const IS_CHOSEN: bool = false;
        fn name(&self) -> &'static str;
    }
}

pub(crate) use sealed::{Demand, Named};

/// A method of the protocol, with the scope that it demands.
///
/// # Examples
/// ```
/// use clearance::mcp::method::{Method, ResourcesRead};
///
/// fn takes(_: impl Method) {}
/// takes(ResourcesRead);
/// takes(ResourcesRead.demanding::<clearance::mcp::ToolsRead>());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an MCP method",
    label = "the methods are those of `clearance::mcp::method`",
    note = "a method of your own is `method::Other(\"example/index\")`",
    note = "a scope is not a method, although some have the same name"
)]
pub trait Method: Named {}

#[diagnostic::do_not_recommend]
impl<M: Named> Method for M {}

/// A method whose list the router can serve by itself: [`ToolsList`], [`PromptsList`],
/// [`ResourcesList`] and [`ResourcesTemplatesList`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list that the router serves by itself",
    label = "not `ToolsList`, `PromptsList`, `ResourcesList` or `ResourcesTemplatesList` of `clearance::mcp::method`",
    note = "a method with a handler of its own is registered by `.method(..)`",
    note = "a scope is not a method, although some have the same name"
)]
pub trait Listing: Method {}

/// A method that demands `S` in place of its standard scope.
#[derive(Debug)]
pub struct Demanding<M, S> {
    method: M,
    scope: PhantomData<fn(S) -> S>,
}

impl<M: Named, S: Set> Demand for Demanding<M, S> {
    type Scope = S;
}

impl<M: Named, S: Set> Named for Demanding<M, S> {
    fn name(&self) -> &'static str {
        self.method.name()
    }
}

impl<M: Listing, S: Set> Listing for Demanding<M, S> {}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident = $name:literal, $scope:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub struct $method;

            impl Demand for $method {
                type Scope = scopes::$scope;
            }

            impl Named for $method {
                fn name(&self) -> &'static str {
                    $name
                }
            }

            impl $method {
                /// The same method, demanding `S` in place of its standard scope.
                pub const fn demanding<S: Set>(self) -> Demanding<Self, S> {
                    Demanding { method: self, scope: PhantomData }
                }
            }
        )*
    };
}

methods! {
    /// `completion/complete`, which demands [`CompletionRead`](super::CompletionRead).
    CompletionComplete = "completion/complete", CompletionRead;
    /// `logging/setLevel`, which demands [`LoggingConfigure`](super::LoggingConfigure).
    LoggingSetLevel = "logging/setLevel", LoggingConfigure;
    /// `prompts/get`, which demands [`PromptsRead`](super::PromptsRead).
    PromptsGet = "prompts/get", PromptsRead;
    /// `prompts/list`, which demands [`mcp::PromptsList`](super::PromptsList).
    PromptsList = "prompts/list", PromptsList;
    /// `resources/list`, which demands [`mcp::ResourcesList`](super::ResourcesList).
    ResourcesList = "resources/list", ResourcesList;
    /// `resources/read`, which demands [`mcp::ResourcesRead`](super::ResourcesRead).
    ResourcesRead = "resources/read", ResourcesRead;
    /// `resources/subscribe`, which demands [`ResourcesSubscribe`](super::ResourcesSubscribe).
    ResourcesSubscribe = "resources/subscribe", ResourcesSubscribe;
    /// `resources/templates/list`, which demands [`mcp::ResourcesList`](super::ResourcesList).
    ResourcesTemplatesList = "resources/templates/list", ResourcesList;
    /// `resources/unsubscribe`, which demands [`ResourcesSubscribe`](super::ResourcesSubscribe).
    ResourcesUnsubscribe = "resources/unsubscribe", ResourcesSubscribe;
    /// `subscriptions/listen`, which demands [`ResourcesSubscribe`](super::ResourcesSubscribe).
    ///
    /// It is for a [`Policy`](super::Policy): a [`Router`](super::Router) does not serve it.
    SubscriptionsListen = "subscriptions/listen", ResourcesSubscribe;
    /// `tools/call`, which demands [`ToolsExecute`](super::ToolsExecute).
    ToolsCall = "tools/call", ToolsExecute;
    /// `tools/list`, which demands [`ToolsRead`](super::ToolsRead).
    ToolsList = "tools/list", ToolsRead;
}

impl Listing for PromptsList {}
impl Listing for ResourcesList {}
impl Listing for ResourcesTemplatesList {}
impl Listing for ToolsList {}

/// A method that is none of the protocol's: what its handler demands is its whole policy.
///
/// A name in a namespace of the protocol, such as `tools/` or `resources/`, is refused when the router
/// is built.
///
/// # Examples
/// ```
/// use clearance::mcp::method::Other;
///
/// let index = Other("example/index");
/// # let _ = index;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other(pub &'static str);

impl Demand for Other {
    type Scope = ();
}

impl Named for Other {
    const IS_CHOSEN: bool = true;

    fn name(&self) -> &'static str {
        self.0
    }
}
