//! Whether a policy contradicts itself.

use std::collections::HashMap;
#[cfg(feature = "rmcp-3")]
use std::sync::Arc;

use super::{Kind, Place, Policy, Reach};
#[cfg(feature = "rmcp-3")]
use crate::guard::Inner;
use crate::mcp::uri::TemplateError;

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Two rules are about the same.
    #[error("the {kind} `{name}` has two rules: {first} and {second}")]
    Duplicate {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: Box<str>,
        /// Where the first stands.
        first: Box<str>,
        /// Where the second stands.
        second: Box<str>,
    },
    /// A router that was included takes requests of another guard than the layer's: it would refuse
    /// them all.
    #[error("the router that is included at {place} belongs to another guard than the layer")]
    OtherGuard {
        /// Where it was included.
        place: Box<str>,
    },
    /// A rule about a method that the layer decides about by itself.
    #[error("the method `{name}`, at {place}, is the protocol's own")]
    Reserved {
        /// The method.
        name: Box<str>,
        /// Where the rule stands.
        place: Box<str>,
    },
    /// The text of a rule about resources is neither a URI nor a template nor a pattern.
    #[error("the resource `{name}`, at {place}: {cause}")]
    Template {
        /// The text.
        name: Box<str>,
        /// Where the rule stands.
        place: Box<str>,
        /// What is wrong with it.
        cause: TemplateError,
    },
}

impl<V> Policy<V> {
    /// Whether it says one thing about each name.
    pub(crate) fn check(&self) -> Result<(), PolicyError> {
        let mut seen: HashMap<(Kind, Reach, String), Place> = HashMap::new();
        for rule in &self.rules {
            let (kind, name): (_, Box<str>) = (rule.kind(), rule.shown().into());
            let is_uri = matches!(kind, Kind::Resource | Kind::ResourceCompletion);
            let key = if is_uri && rule.reach() == Reach::Named {
                let template = rule.template().map_err(|cause| {
                    let (name, place) = (name.clone(), shown(rule.place()));
                    PolicyError::Template { name, place, cause }
                })?;
                template.key()
            } else {
                rule.name().to_owned()
            };
            if kind == Kind::Method && is_reserved(rule.name()) {
                let place = shown(rule.place());
                return Err(PolicyError::Reserved { name, place });
            }
            if let Some(first) = seen.insert((kind, rule.reach(), key), rule.place()) {
                let (first, second) = (shown(first), shown(rule.place()));
                return Err(PolicyError::Duplicate {
                    kind,
                    name,
                    first,
                    second,
                });
            }
        }
        Ok(())
    }
}

#[cfg(feature = "rmcp-3")]
impl<V> Policy<V> {
    /// Whether the routers that it includes are this guard's.
    pub(crate) fn check_routers(&self, guard: &Arc<Inner>) -> Result<(), PolicyError> {
        let mut others = self.routers.iter();
        match others.find(|(own, _)| !Arc::ptr_eq(&own.0, guard)) {
            Some((_, place)) => Err(PolicyError::OtherGuard {
                place: shown(place),
            }),
            None => Ok(()),
        }
    }
}

/// Where something was written.
fn shown(place: Place) -> Box<str> {
    format!("{}:{}", place.file(), place.line()).into()
}

/// What the layer decides about by itself.
fn is_reserved(name: &str) -> bool {
    name.is_empty() || name.starts_with("notifications/") || name.starts_with("tasks/")
}
