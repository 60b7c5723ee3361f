//! What is demanded where, as a value.

use std::cmp::max;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

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
    /// A resource, by its URI or template.
    Resource,
    /// A tool, by its name.
    Tool,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Method => "method",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Tool => "tool",
        })
    }
}

/// One line of a [`Policy`].
#[derive(Clone, Debug)]
pub struct Rule {
    kind: Kind,
    name: Box<str>,
    scopes: Box<str>,
    place: &'static Location<'static>,
}

impl Rule {
    pub(crate) fn new<S: Set>(kind: Kind, name: &str, place: &'static Location<'static>) -> Self {
        let mut scopes = String::new();
        S::describe(&mut scopes);
        Self {
            kind,
            name: name.into(),
            scopes: scopes.into(),
            place,
        }
    }

    /// What it is about.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of the method, tool or prompt, or the URI or template of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is demanded: scopes with blanks between them, all of which are needed, `any of (a, b)`,
    /// or `any valid token`.
    pub fn scopes(&self) -> &str {
        &self.scopes
    }

    /// Where it was registered.
    pub const fn place(&self) -> &'static Location<'static> {
        self.place
    }
}

/// The place is left out: it changes with every line that is written above it.
impl Serialize for Rule {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut rule = serializer.serialize_struct("Rule", 3)?;
        rule.serialize_field("kind", &self.kind)?;
        rule.serialize_field("name", &self.name)?;
        rule.serialize_field("scopes", &self.scopes)?;
        rule.end()
    }
}

/// Everything that can be called, and what each call demands.
///
/// What is not in it cannot be called. `Display` writes it as a table; `Serialize` as a list without
/// places, so that a test can hold it against a snapshot.
///
/// # Does not prove
/// That the names mean what they say.
pub struct Policy<V> {
    rules: Vec<Rule>,
    vocabulary: PhantomData<fn(V) -> V>,
}

impl<V> Policy<V> {
    /// Ordered by kind, then by name.
    pub(crate) fn new(mut rules: Vec<Rule>) -> Self {
        rules.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Self {
            rules,
            vocabulary: PhantomData,
        }
    }

    /// Its lines, ordered by kind, then by name.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

impl<V> Clone for Policy<V> {
    fn clone(&self) -> Self {
        Self {
            rules: self.rules.clone(),
            vocabulary: PhantomData,
        }
    }
}

impl<V> fmt::Debug for Policy<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.rules).finish()
    }
}

impl<V> Serialize for Policy<V> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        self.rules.serialize(serializer)
    }
}

impl<V> fmt::Display for Policy<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            |of: fn(&Rule) -> &str| self.rules.iter().map(|rule| of(rule).len()).fold(6, max);
        let (names, scopes) = (width(Rule::name), width(Rule::scopes));
        writeln!(
            f,
            "{:<8}  {:<names$}  {:<scopes$}  place",
            "kind", "name", "scopes"
        )?;
        for rule in &self.rules {
            let Rule {
                kind,
                name,
                scopes: demand,
                place,
            } = rule;
            let (file, line) = (place.file(), place.line());
            writeln!(
                f,
                "{kind:<8}  {name:<names$}  {demand:<scopes$}  {file}:{line}"
            )?;
        }
        Ok(())
    }
}
