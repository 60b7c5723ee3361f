//! One line of a policy.

use std::fmt;
use std::panic::Location;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use super::decision::Decided;
use crate::mcp::uri::{Template, TemplateError};
use crate::scope::Set;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// A method of the protocol.
    Method,
    /// A prompt, by its name.
    Prompt,
    /// The completion of a prompt's arguments, by the prompt's name.
    #[serde(rename = "completion of prompt")]
    PromptCompletion,
    /// A resource, by its URI or template.
    Resource,
    /// The completion of a template's variables, by the resource's URI or template.
    #[serde(rename = "completion of resource")]
    ResourceCompletion,
    /// A tool, by its name.
    Tool,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Prompt => "prompt",
            Self::PromptCompletion => "completion of prompt",
            Self::Resource => "resource",
            Self::ResourceCompletion => "completion of resource",
            Self::Tool => "tool",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a rule's name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reach {
    /// For itself, or for a URI or template.
    Named,
    /// For all names that begin with it. The table shows it with a `*` behind.
    Prefix,
    /// For all of the kind that no other rule is about. The table shows `*`.
    Rest,
}

/// One line of a [`Policy`](super::Policy).
#[derive(Clone, Debug)]
pub struct Rule {
    kind: Kind,
    reach: Reach,
    name: Box<str>,
    scopes: Box<str>,
    place: &'static Location<'static>,
    decided: Decided,
    is_standard: bool,
    /// Whether a handler stands behind it, which serves no more than the name says.
    is_of_handler: bool,
}

impl Rule {
    pub(crate) fn new<S: Set>(kind: Kind, name: &str, place: &'static Location<'static>) -> Self {
        Self::decided((kind, Reach::Named), name, Decided::of::<S>(), place)
    }

    pub(crate) fn decided(
        (kind, reach): (Kind, Reach),
        name: &str,
        decided: Decided,
        place: &'static Location<'static>,
    ) -> Self {
        Self {
            kind,
            reach,
            name: name.into(),
            scopes: decided.describe().into(),
            place,
            decided,
            is_standard: false,
            is_of_handler: false,
        }
    }

    /// A rule about what a handler serves.
    pub(crate) fn of_handler<S: Set>(
        kind: Kind,
        name: &str,
        place: &'static Location<'static>,
    ) -> Self {
        Self {
            is_of_handler: true,
            ..Self::new::<S>(kind, name, place)
        }
    }

    /// The name of a rule about resources.
    pub(super) fn template(&self) -> Result<Template, TemplateError> {
        if self.is_of_handler {
            Template::of_handler(&self.name)
        } else {
            Template::pattern(&self.name)
        }
    }

    /// A rule that gives way to one of the policy's own.
    pub(super) fn standard<S: Set>(method: &str, place: &'static Location<'static>) -> Self {
        Self {
            is_standard: true,
            ..Self::new::<S>(Kind::Method, method, place)
        }
    }

    pub(super) fn is_standard_for(&self, method: &str) -> bool {
        self.is_standard && *self.name == *method
    }

    /// What it is about.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What its name stands for.
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// The name of the method, tool or prompt, or its beginning, or the URI or template of the
    /// resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is demanded: scopes with blanks between them, all of which are needed, `any of (a, b)`,
    /// `any valid token`, or `nobody`.
    pub fn scopes(&self) -> &str {
        &self.scopes
    }

    /// Where it was registered.
    pub const fn place(&self) -> &'static Location<'static> {
        self.place
    }

    pub(crate) const fn decision(&self) -> &Decided {
        &self.decided
    }

    /// The name as the table shows it.
    pub(super) fn shown(&self) -> String {
        match self.reach {
            Reach::Named => self.name.to_string(),
            Reach::Prefix => format!("{}*", self.name),
            Reach::Rest => "*".to_owned(),
        }
    }
}

/// The place is left out: it changes with every line that is written above it.
impl Serialize for Rule {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let more = usize::from(self.reach != Reach::Named);
        let mut rule = serializer.serialize_struct("Rule", more.saturating_add(3))?;
        rule.serialize_field("kind", &self.kind)?;
        rule.serialize_field("name", &self.name)?;
        if self.reach != Reach::Named {
            rule.serialize_field("reach", &self.reach)?;
        }
        rule.serialize_field("scopes", &self.scopes)?;
        rule.end()
    }
}
