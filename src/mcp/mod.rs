//! The Model Context Protocol: its operations and their scopes.
//!
//! Layer L5.

mod scopes;

pub use scopes::{
    CompletionRead, LoggingConfigure, McpScopes, PromptsList, PromptsRead, ResourcesList,
    ResourcesRead, ResourcesSubscribe, ToolsExecute, ToolsRead,
};
