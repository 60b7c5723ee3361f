//! The standard vocabulary.

#![expect(clippy::exhaustive_structs, reason = "scopes are unit structs")]

crate::scopes! {
    /// The standard scopes of the ten MCP operations.
    ///
    /// A vocabulary of your own includes it: `pub vocabulary FilesScopes includes McpScopes;`.
    pub vocabulary McpScopes;

    /// Call tools: `tools/call`.
    pub ToolsExecute = "mcp:tools:execute";
    /// See which tools there are: `tools/list`.
    pub ToolsRead = "mcp:tools:read";
    /// Read resources: `resources/read`.
    pub ResourcesRead = "mcp:resources:read";
    /// See which resources there are: `resources/list`, `resources/templates/list`.
    pub ResourcesList = "mcp:resources:list";
    /// Be told about changes of resources: `resources/subscribe`, `resources/unsubscribe`,
    /// `subscriptions/listen`.
    pub ResourcesSubscribe = "mcp:resources:subscribe";
    /// Get prompts: `prompts/get`.
    pub PromptsRead = "mcp:prompts:read";
    /// See which prompts there are: `prompts/list`.
    pub PromptsList = "mcp:prompts:list";
    /// Set the level of log messages: `logging/setLevel`.
    pub LoggingConfigure = "mcp:logging:configure";
    /// Have arguments completed: `completion/complete`.
    pub CompletionRead = "mcp:completion:read";
}
