//! What is told about tools, prompts and resources.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::mcp::method::Demand;

/// Writes what all three kinds have in common.
macro_rules! definition {
    ($(#[$doc:meta])* $name:ident { $($member:ident: $type:ty = $default:expr),* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            name: Box<str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            title: Option<Box<str>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            description: Option<Box<str>>,
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                $member: Option<$type>,
            )*
        }

        impl $name {
            /// A title for people.
            #[must_use]
            pub fn title(mut self, title: impl Into<Box<str>>) -> Self {
                self.title = Some(title.into());
                self
            }

            /// What it is good for, for the caller's model.
            #[must_use]
            pub fn description(mut self, description: impl Into<Box<str>>) -> Self {
                self.description = Some(description.into());
                self
            }

            fn named(name: &str) -> Self {
                Self {
                    name: name.into(),
                    title: None,
                    description: None,
                    $($member: $default,)*
                }
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }

        /// The handler's own scopes are the whole policy.
        impl Demand for $name {
            type Scope = ();
        }
    };
}

definition! {
    /// A tool: its name, and what clients are told about it.
    ///
    /// # Examples
    /// ```
    /// use clearance::mcp::Tool;
    /// use serde_json::json;
    ///
    /// let tool = Tool::new("delete_file")
    ///     .title("Delete a file")
    ///     .description("Deletes one file for good.")
    ///     .input_schema(json!({
    ///         "type": "object",
    ///         "properties": { "path": { "type": "string" } },
    ///         "required": ["path"]
    ///     }));
    /// # let _ = tool;
    /// ```
    Tool { input_schema: Value = Some(serde_json::json!({ "type": "object" })) }
}

impl Tool {
    /// The tool `name`, which takes any object until [`input_schema`](Self::input_schema) says more.
    pub fn new(name: &str) -> Self {
        Self::named(name)
    }

    /// The JSON schema of its arguments. It is told to clients; what a handler accepts is what its
    /// `Params` can read.
    #[must_use]
    pub fn input_schema(mut self, schema: Value) -> Self {
        self.input_schema = Some(schema);
        self
    }

    /// The schema of its arguments, derived from their type.
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn arguments<P: schemars::JsonSchema>(self) -> Self {
        self.input_schema(schemars::schema_for!(P).to_value())
    }

    pub(super) fn label(&self) -> &str {
        &self.name
    }
}

definition! {
    /// A prompt: its name, and what clients are told about it.
    Prompt { arguments: Vec<Value> = None }
}

impl Prompt {
    /// The prompt `name`, without arguments.
    pub fn new(name: &str) -> Self {
        Self::named(name)
    }

    /// One more argument.
    #[must_use]
    pub fn argument(mut self, name: &str, description: &str, required: bool) -> Self {
        let argument = serde_json::json!({
            "name": name, "description": description, "required": required,
        });
        self.arguments.get_or_insert_default().push(argument);
        self
    }

    pub(super) fn label(&self) -> &str {
        &self.name
    }
}

definition! {
    /// A resource, or many by a template: `{x}` stands for one segment, `{*x}` for all that follow.
    ///
    /// URIs are normalised before they are compared (RFC 3986 section 6.2.2); one that has no normal
    /// spelling, or hides a slash, is no resource. Where several templates match, the most precise one
    /// decides: at the first segment that differs, a literal before `{x}` before `{*x}`.
    Resource {
        uri: Box<str> = None,
        uri_template: Box<str> = None,
        mime_type: Box<str> = None
    }
}

impl Resource {
    /// The resource or template `uri`.
    pub fn new(uri: &str) -> Self {
        let mut this = Self::named(uri);
        if uri.contains('{') {
            this.uri_template = Some(uri.into());
        } else {
            this.uri = Some(uri.into());
        }
        this
    }

    /// A name for it, in place of its URI.
    #[must_use]
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// What its content is.
    #[must_use]
    pub fn mime_type(mut self, mime_type: impl Into<Box<str>>) -> Self {
        self.mime_type = Some(mime_type.into());
        self
    }

    /// What its content is, where that was said.
    pub(super) fn content(&self) -> Option<Arc<str>> {
        self.mime_type.as_deref().map(Arc::from)
    }

    pub(super) fn label(&self) -> &str {
        let place = self.uri.as_ref().or(self.uri_template.as_ref());
        place.map_or("", |uri| uri)
    }
}
