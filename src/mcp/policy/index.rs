//! A policy, laid out for looking up.

use std::collections::HashMap;

use super::decision::Decided;
use super::rule::{Kind, Reach, Rule};
use crate::authorized::Authorized;
use crate::mcp::method::{self, Named as _};
use crate::mcp::uri::{Normal, Template};
use crate::session::{Seal, TaskId};

/// Rules about names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    named: HashMap<Box<str>, Decided>,
    /// The longest first.
    prefixes: Vec<(Box<str>, Decided)>,
    rest: Option<Decided>,
}

impl Names {
    /// What was decided about a name: nothing if it is closed.
    pub(crate) fn find(&self, name: &str) -> Option<&Decided> {
        let by_prefix = || {
            let mut prefixes = self.prefixes.iter();
            prefixes.find_map(|(prefix, decided)| name.starts_with(&**prefix).then_some(decided))
        };
        let named = self.named.get(name).or_else(by_prefix);
        named.or(self.rest.as_ref())
    }

    fn add(&mut self, rule: &Rule) {
        let (name, decided) = (rule.name().into(), rule.decision().clone());
        match rule.reach() {
            Reach::Named => drop(self.named.insert(name, decided)),
            Reach::Prefix => {
                self.prefixes.push((name, decided));
                self.prefixes
                    .sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
            }
            Reach::Rest => self.rest = Some(decided),
        }
    }
}

/// Rules about URIs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uris {
    /// The most precise first.
    patterns: Vec<(Template, Decided)>,
    rest: Option<Decided>,
}

impl Uris {
    /// What was decided about a URI, as it would be read: nothing if it is closed.
    ///
    /// A service may read dot segments as names, or overlook a query or a slash at the end. What is
    /// decided about that reading is demanded as well, unless a more precise rule is about the URI. What
    /// nothing but a `*` is about may be a directory, so it meets a rule about what is below it.
    pub(crate) fn find(&self, uri: &str) -> Option<(&Decided, Vec<&Decided>)> {
        let (normal, literal) = Normal::readings(uri)?;
        let (at, decided) = self.matched(&normal)?;
        let mut more = Vec::new();
        self.find_others(&normal, at, &mut more);
        if let Some(literal) = literal
            && let Some((at, decided)) = self.matched(&literal)
        {
            more.push(decided);
            self.find_others(&literal, at, &mut more);
        }
        Some((decided, more))
    }

    /// More precise rules that other readings meet than the one at this place.
    fn find_others<'p>(&'p self, uri: &Normal, at: usize, more: &mut Vec<&'p Decided>) {
        let mut most = at;
        for other in uri.shorter() {
            if let Some((other, decided)) = self.matched(&other)
                && other < at
            {
                more.push(decided);
                most = most.min(other);
            }
        }
        let own = self.patterns.get(at);
        let is_open = own.is_none_or(|(template, _)| template.is_open());
        let below = is_open.then(|| uri.as_directory()).flatten();
        if let Some((below, decided)) = below.and_then(|below| self.matched(&below))
            && below < most
        {
            more.push(decided);
        }
    }

    /// The first rule that covers a URI, and its place; the rest is the last one.
    fn matched(&self, uri: &Normal) -> Option<(usize, &Decided)> {
        let mut patterns = self.patterns.iter().enumerate();
        let named = patterns
            .find_map(|(at, (template, decided))| template.covers(uri).then_some((at, decided)));
        let rest = || Some((self.patterns.len(), self.rest.as_ref()?));
        named.or_else(rest)
    }

    /// What was decided about all that a template of the service can stand for, whatever a client calls
    /// its variables.
    pub(crate) fn find_template(&self, text: &str) -> Met<'_> {
        if let Some((decided, more)) = self.find(text) {
            let decided = [decided].into_iter().chain(more).collect();
            return Met {
                decided,
                is_all: true,
            };
        }
        let Some(template) = Template::of_client(text) else {
            return Met::default();
        };
        let (met, mut is_all) = template.met_by(&self.patterns, |(known, _)| known);
        let mut decided: Vec<_> = met.into_iter().map(|(_, decided)| decided).collect();
        if let Some(rest) = self.rest.as_ref().filter(|_| !is_all) {
            decided.push(rest);
            is_all = true;
        }
        Met { decided, is_all }
    }

    fn add(&mut self, rule: &Rule, template: Option<Template>) {
        let decided = rule.decision().clone();
        match template {
            Some(template) => {
                self.patterns.push((template, decided));
                self.patterns.sort_by(|(a, _), (b, _)| a.cmp_precision(b));
            }
            None => self.rest = Some(decided),
        }
    }
}

fn shows(decided: &Decided, caller: &Authorized<()>) -> bool {
    decided.shows(caller.verified()) && decided.admits(caller)
}

/// The rules that a template meets.
#[derive(Debug, Default)]
pub(crate) struct Met<'p> {
    pub(crate) decided: Vec<&'p Decided>,
    /// Whether they are about all that it stands for.
    pub(crate) is_all: bool,
}

/// Everything that was decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    pub(crate) methods: HashMap<Box<str>, Decided>,
    pub(crate) tools: Names,
    pub(crate) prompts: Names,
    pub(crate) resources: Uris,
    pub(crate) prompt_completions: Names,
    pub(crate) resource_completions: Uris,
    pub(crate) gates: Gates,
}

/// What a layer decides by.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) policy: Index,
    /// Nothing where tasks are closed.
    pub(crate) tasks: Option<Seal<TaskId>>,
}

/// What holds for all names of a kind, beside the rule about each: a method for nobody, or for some
/// callers alone. The scopes of a method are not demanded of a name that has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gates {
    pub(crate) tools: Option<Decided>,
    pub(crate) prompts: Option<Decided>,
    pub(crate) resources: Option<Decided>,
    pub(crate) completions: Option<Decided>,
}

impl Index {
    /// Whether the caller may use what has this name.
    pub(crate) fn is_visible(&self, kind: Kind, name: &str, caller: &Authorized<()>) -> bool {
        self.is_shown(kind, name, &|decided| shows(decided, caller))
    }

    /// Whether the caller may use some of what a template stands for.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn is_visible_template(&self, template: &str, caller: &Authorized<()>) -> bool {
        let is_open = self.gates.resources.as_ref();
        let met = self.resources.find_template(template);
        is_open.is_none_or(|gate| shows(gate, caller))
            && met
                .decided
                .into_iter()
                .any(|decided| shows(decided, caller))
    }

    /// Whether all that is decided about a name lets it be shown, and something is.
    fn is_shown(&self, kind: Kind, name: &str, shows: &dyn Fn(&Decided) -> bool) -> bool {
        let complete = || {
            let method = self.methods.get(method::CompletionComplete.name());
            method.is_some_and(&shows)
        };
        let [tools, prompts, resources] = [
            &self.gates.tools,
            &self.gates.prompts,
            &self.gates.resources,
        ]
        .map(|gate| gate.as_ref().is_none_or(&shows));
        match kind {
            Kind::Method => self.methods.get(name).is_some_and(shows),
            Kind::Prompt => prompts && self.prompts.find(name).is_some_and(shows),
            Kind::Tool => tools && self.tools.find(name).is_some_and(shows),
            Kind::Resource => {
                let found = self.resources.find(name);
                let shows =
                    |(decided, more): (_, Vec<_>)| shows(decided) && more.into_iter().all(&shows);
                resources && found.is_some_and(shows)
            }
            Kind::PromptCompletion => match self.prompt_completions.find(name) {
                Some(own) => prompts && self.completes(&shows) && shows(own),
                None => complete() && self.is_shown(Kind::Prompt, name, &shows),
            },
            Kind::ResourceCompletion => {
                let own = self.resource_completions.find_template(name);
                if !own.decided.into_iter().all(&shows) {
                    return false;
                }
                if own.is_all {
                    return resources && self.completes(&shows);
                }
                let met = self.resources.find_template(name);
                let is_met = met.is_all && met.decided.into_iter().all(&shows);
                resources && complete() && is_met
            }
        }
    }

    /// Whether the method of completions is there, and its gate open.
    fn completes(&self, shows: &dyn Fn(&Decided) -> bool) -> bool {
        let gate = self.gates.completions.as_ref();
        let method = self.methods.get(method::CompletionComplete.name());
        method.is_some() && gate.is_none_or(shows)
    }

    /// Rules whose text is no URI are left out, so what they are about stays closed; a layer with such
    /// a policy is not built.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for rule in rules {
            let template = || match rule.reach() {
                Reach::Rest => Some(None),
                Reach::Named | Reach::Prefix => rule.template().ok().map(Some),
            };
            match rule.kind() {
                Kind::Method => {
                    let decided = rule.decision().clone();
                    index.methods.insert(rule.name().into(), decided);
                }
                Kind::Tool => index.tools.add(rule),
                Kind::Prompt => index.prompts.add(rule),
                Kind::PromptCompletion => index.prompt_completions.add(rule),
                Kind::Resource => {
                    if let Some(template) = template() {
                        index.resources.add(rule, template);
                    }
                }
                Kind::ResourceCompletion => {
                    if let Some(template) = template() {
                        index.resource_completions.add(rule, template);
                    }
                }
            }
        }
        let gate = |method: &str| index.methods.get(method).and_then(Decided::gate);
        index.gates = Gates {
            tools: gate(method::ToolsCall.name()),
            prompts: gate(method::PromptsGet.name()),
            resources: gate(method::ResourcesRead.name()),
            completions: gate(method::CompletionComplete.name()),
        };
        index
    }
}
