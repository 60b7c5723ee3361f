//! From what was registered to what is served, or why that cannot be.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

use axum::extract::Request;
use axum::routing::any;
use http::Uri;

use super::endpoint::{Endpoint, Listed, Templated};
use super::entry::Place;
use super::{Entry, Router, shown};
use crate::guard::ConfigError;
use crate::id::Resource;
use crate::mcp::method::{
    Named, PromptsGet, PromptsList, ResourcesList, ResourcesRead, ResourcesTemplatesList,
    SubscriptionsListen, ToolsCall, ToolsList,
};
use crate::mcp::policy::{Demands, OPEN};
use crate::mcp::uri::Template;
use crate::mcp::{Kind, Rule, TemplateError};
use crate::scope::{ScopeTable, Set, Vocabulary};
use crate::web::routes::{metadata_routes, routable};

/// Why a router cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterError {
    /// A method was registered by hand that the router serves by itself, since something is
    /// registered by name.
    #[error("`{name}` is registered by hand at {by_hand}, and served because of {by_name}")]
    Both {
        /// The method.
        name: Box<str>,
        /// Where its handler was registered.
        by_hand: Box<str>,
        /// Where the tool, prompt or resource was registered.
        by_name: Box<str>,
    },
    /// The guard's metadata or resource cannot be routed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Two handlers for one name. Two templates that match the same URIs are one name.
    #[error("the {kind} `{name}` is registered twice: at {first} and at {second}")]
    Duplicate {
        /// What was registered.
        kind: Kind,
        /// Under which name.
        name: Box<str>,
        /// Where it was registered first.
        first: Box<str>,
        /// Where it was registered again.
        second: Box<str>,
    },
    /// The vocabulary does not know the standard scope of a list that is served. Say what it demands
    /// with [`Router::list`].
    #[error(
        "the vocabulary has no standard scope for `{name}`: say what it demands with `Router::list`"
    )]
    NoListScope {
        /// The list's method.
        name: Box<str>,
    },
    /// The name belongs to the protocol.
    #[error("`{name}`, registered at {place}, is the protocol's own")]
    Reserved {
        /// The method.
        name: Box<str>,
        /// Where it was registered.
        place: Box<str>,
    },
    /// A resource is neither a URI nor a template.
    #[error("the resource `{name}`, registered at {place}: {cause}")]
    Template {
        /// The text.
        name: Box<str>,
        /// Where it was registered.
        place: Box<str>,
        /// What is wrong with it.
        cause: TemplateError,
    },
}

/// The path of a resource, as a route.
fn path_of(resource: &Resource) -> Result<String, ConfigError> {
    let uri = resource.as_str().parse::<Uri>();
    let path = uri.map(|uri| uri.path().to_owned()).unwrap_or_default();
    routable(&path)?;
    Ok(path)
}

/// Namespaces of the protocol and its extensions, which a method of one's own stays out of.
const RESERVED: [&str; 14] = [
    "completion/",
    "elicitation/",
    "logging/",
    "notifications/",
    "prompts/",
    "resources/",
    "roots/",
    "rpc.",
    "sampling/",
    "server/",
    "skills/",
    "subscriptions/",
    "tasks/",
    "tools/",
];

/// Names that a method of one's own must not have.
fn is_reserved(name: &str) -> bool {
    name.is_empty()
        || OPEN.contains(&name)
        || RESERVED.iter().any(|prefix| name.starts_with(prefix))
}

impl<V: Vocabulary, St: Clone + Send + Sync + 'static> Router<V, St> {
    /// The endpoint at the path of the guard's resource, and the metadata documents beside it.
    ///
    /// # Errors
    /// [`RouterError`], which names the places in the source.
    pub fn build<Outer>(self) -> Result<axum::Router<Outer>, RouterError>
    where
        Outer: Clone + Send + Sync + 'static,
    {
        self.check()?;
        let lists = self.served_lists().into_iter().map(|(demands, rule)| {
            let name: Box<str> = rule.name().into();
            match demands {
                Some(demands) => Ok((name, demands)),
                None => Err(RouterError::NoListScope { name }),
            }
        });
        let lists = lists.collect::<Result<_, _>>()?;
        let metadata = metadata_routes::<Outer, 1>([&self.guard])?;
        let path = path_of(self.guard.resource())?;
        let endpoint = Arc::new(self.into_endpoint(lists)?);
        let serve = move |request: Request| {
            let endpoint = Arc::clone(&endpoint);
            async move { endpoint.serve(request).await }
        };
        Ok(metadata.route(&path, any(serve)))
    }

    fn check(&self) -> Result<(), RouterError> {
        for &(name, place) in &self.chosen {
            if is_reserved(name) {
                let (name, place) = (name.into(), shown(place).into());
                return Err(RouterError::Reserved { name, place });
            }
        }
        // It is told for as long as it is listened to, which no handler does.
        let listened = |entry: &&Entry<St>| entry.rule.name() == SubscriptionsListen.name();
        if let Some(entry) = self.methods.iter().find(listened) {
            let (name, place) = (entry.rule.name().into(), shown(entry.rule.place()).into());
            return Err(RouterError::Reserved { name, place });
        }
        unique(self.lists.iter().map(|(_, rule)| rule))?;
        unique(self.methods.iter().map(|entry| &entry.rule))?;
        unique(self.tools.iter().map(|(_, entry)| &entry.rule))?;
        unique(self.prompts.iter().map(|(_, entry)| &entry.rule))?;
        unique(self.resources.iter().map(|(_, entry)| &entry.rule))?;
        let first_of = |entry: Option<&Entry<St>>| entry.map(|entry| entry.rule.place());
        let tool = first_of(self.tools.first().map(|(_, entry)| entry));
        let prompt = first_of(self.prompts.first().map(|(_, entry)| entry));
        let resource = first_of(self.resources.first().map(|(_, entry)| entry));
        for (by_name, methods) in [
            (tool, [ToolsCall.name(), ToolsList.name()].as_slice()),
            (prompt, &[PromptsGet.name(), PromptsList.name()]),
            (
                resource,
                &[
                    ResourcesRead.name(),
                    ResourcesList.name(),
                    ResourcesTemplatesList.name(),
                ],
            ),
        ] {
            let by_hand = self
                .methods
                .iter()
                .find(|entry| methods.contains(&entry.rule.name()));
            if let (Some(by_name), Some(by_hand)) = (by_name, by_hand) {
                return Err(RouterError::Both {
                    name: by_hand.rule.name().into(),
                    by_hand: shown(by_hand.rule.place()).into(),
                    by_name: shown(by_name).into(),
                });
            }
        }
        Ok(())
    }

    /// The lists that the router serves by itself, with what they demand; no demands where nothing
    /// is known to be right.
    pub(super) fn served_lists(&self) -> Vec<(Option<Demands>, Rule)> {
        let mut served = Vec::new();
        if let Some((_, entry)) = self.tools.first() {
            served.push(self.list_of(&ToolsList, entry.rule.place()));
        }
        if let Some((_, entry)) = self.prompts.first() {
            served.push(self.list_of(&PromptsList, entry.rule.place()));
        }
        if let Some((_, entry)) = self.resources.first() {
            served.push(self.list_of(&ResourcesList, entry.rule.place()));
            served.push(self.list_of(&ResourcesTemplatesList, entry.rule.place()));
        }
        served
    }

    fn list_of<M: Named>(&self, method: &M, place: Place) -> (Option<Demands>, Rule) {
        let said = self
            .lists
            .iter()
            .find(|(_, rule)| rule.name() == method.name());
        if let Some((demands, rule)) = said {
            return (Some(*demands), rule.clone());
        }
        let table = &self.guard.inner().acceptance().rules().table;
        let rule = Rule::new::<M::Scope>(Kind::Method, method.name(), place);
        // A vocabulary knows the scope by its type, or not at all; then it has the bit that it has at
        // home, since what is included comes first.
        let known = is_known::<M::Scope>(table);
        (known.then(Demands::of::<M::Scope>), rule)
    }

    fn into_endpoint(self, lists: HashMap<Box<str>, Demands>) -> Result<Endpoint<St>, RouterError> {
        let mut templates: Vec<Templated> = Vec::new();
        let mut resources = Vec::new();
        for (at, (resource, entry)) in self.resources.into_iter().enumerate() {
            let template = Template::of_handler(entry.rule.name()).map_err(|cause| {
                let (name, place) = (entry.rule.name().into(), shown(entry.rule.place()).into());
                RouterError::Template { name, place, cause }
            })?;
            let same = templates
                .iter()
                .find(|other| other.template.is_same_as(&template));
            if let Some(same) = same {
                return Err(duplicate(&entry.rule, same.place));
            }
            let (is_literal, place) = (template.is_literal(), entry.rule.place());
            templates.push(Templated {
                template,
                at,
                place,
            });
            resources.push(Listed::new(&resource, entry, is_literal));
        }
        templates.sort_by(|a, b| a.template.cmp_precision(&b.template));
        let tools: Vec<_> = self
            .tools
            .into_iter()
            .map(|(tool, entry)| Listed::new(&tool, entry, true))
            .collect();
        let prompts: Vec<_> = self
            .prompts
            .into_iter()
            .map(|(prompt, entry)| Listed::new(&prompt, entry, true))
            .collect();
        Ok(Endpoint {
            guard: Arc::clone(self.guard.inner()),
            state: self.state,
            about: self.about,
            limits: self.limits,
            tool_names: names(&tools),
            prompt_names: names(&prompts),
            tools,
            prompts,
            resources,
            templates,
            lists,
            methods: self
                .methods
                .into_iter()
                .map(|entry| (entry.rule.name().into(), entry))
                .collect(),
        })
    }
}

/// Whether all that is in `S` is known.
fn is_known<S: Set>(table: &ScopeTable) -> bool {
    S::met_in(table, u64::MAX)
}

fn names<St>(of: &[Listed<St>]) -> HashMap<Box<str>, usize> {
    of.iter()
        .enumerate()
        .map(|(at, listed)| (listed.entry.rule.name().into(), at))
        .collect()
}

#[expect(single_use_lifetimes, reason = "an anonymous one is not stable here")]
fn unique<'r>(rules: impl Iterator<Item = &'r Rule>) -> Result<(), RouterError> {
    let mut seen: HashMap<&str, Place> = HashMap::new();
    for rule in rules {
        if let Some(first) = seen.insert(rule.name(), rule.place()) {
            return Err(duplicate(rule, first));
        }
    }
    Ok(())
}

fn duplicate(second: &Rule, first: &'static Location<'static>) -> RouterError {
    RouterError::Duplicate {
        kind: second.kind(),
        name: second.name().into(),
        first: shown(first).into(),
        second: shown(second.place()).into(),
    }
}
