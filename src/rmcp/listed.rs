//! Lists that are for one caller.

use ::rmcp::model::{
    CacheScope, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, Prompt, ProtocolVersion, Resource, ResourceTemplate, Tool,
};
use ::rmcp::service::{RequestContext, RoleServer};

/// A list, part of which a caller may see.
pub(super) trait Scoped {
    type Item;

    fn items(&mut self) -> &mut Vec<Self::Item>;
    fn cache_scope(&mut self) -> &mut Option<CacheScope>;
}

macro_rules! scoped {
    ($($list:ident.$items:ident: $item:ty;)*) => { $(
        impl Scoped for $list {
            type Item = $item;

            fn items(&mut self) -> &mut Vec<$item> {
                &mut self.$items
            }

            fn cache_scope(&mut self) -> &mut Option<CacheScope> {
                &mut self.cache_scope
            }
        }
    )* };
}
scoped! {
    ListPromptsResult.prompts: Prompt;
    ListResourceTemplatesResult.resource_templates: ResourceTemplate;
    ListResourcesResult.resources: Resource;
    ListToolsResult.tools: Tool;
}

/// A list that was made by hand, as one that may be kept for this caller alone.
pub(super) fn private_to<L: Scoped>(cx: &RequestContext<RoleServer>, mut list: L) -> L {
    let version = cx.protocol_version();
    let is_modern = version.is_some_and(|version| version >= ProtocolVersion::V_2026_07_28);
    *list.cache_scope() = is_modern.then_some(CacheScope::Private);
    list
}

/// The list as one that may be kept for this caller alone (MCP 2026-07-28). Where nothing was said, as
/// for older revisions, rmcp says so itself.
pub(super) fn private<L: Scoped>(mut list: L) -> L {
    keep_private(list.cache_scope());
    list
}

/// The same for what is no list.
pub(super) const fn keep_private(said: &mut Option<CacheScope>) {
    if let Some(scope) = said {
        *scope = CacheScope::Private;
    }
}
