//! What is served, laid out for looking up.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::entry::{Entry, Place};
use super::reply::json;
use crate::guard::{Admitted, Inner};
use crate::mcp::call::{Call, Reference};
use crate::mcp::policy::{Demands, OPEN};
use crate::mcp::revision::Revision;
use crate::mcp::uri::{Normal, Template};
use crate::web::collect::Limits;

/// How the server presents itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) name: Box<str>,
    pub(super) version: Box<str>,
    pub(super) instructions: Option<Box<str>>,
}

impl About {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            version: "0".into(),
            instructions: None,
        }
    }

    fn implementation(&self) -> String {
        let (name, version) = (Value::from(&*self.name), Value::from(&*self.version));
        format!(r#"{{"name":{name},"version":{version}}}"#)
    }

    fn instructions(&self) -> String {
        match &self.instructions {
            Some(text) => format!(r#","instructions":{}"#, Value::from(&**text)),
            None => String::new(),
        }
    }
}

/// An entry with what lists say of it.
#[derive(Debug)]
pub(super) struct Listed<St> {
    pub(super) entry: Entry<St>,
    /// Written once.
    definition: Box<str>,
    is_literal: bool,
}

impl<St> Listed<St> {
    pub(super) fn new<D: Serialize>(definition: &D, entry: Entry<St>, is_literal: bool) -> Self {
        let definition = json(definition).map_or_else(|_| "{}".into(), |json| json.get().into());
        Self {
            entry,
            definition,
            is_literal,
        }
    }
}

/// A template, and which resource it belongs to.
#[derive(Debug)]
pub(super) struct Templated {
    pub(super) template: Template,
    pub(super) at: usize,
    pub(super) place: Place,
}

/// What a router serves.
pub(super) struct Endpoint<St> {
    pub(super) guard: Arc<Inner>,
    pub(super) state: St,
    pub(super) about: About,
    pub(super) limits: Limits,
    pub(super) methods: HashMap<Box<str>, Entry<St>>,
    pub(super) tools: Vec<Listed<St>>,
    pub(super) tool_names: HashMap<Box<str>, usize>,
    pub(super) prompts: Vec<Listed<St>>,
    pub(super) prompt_names: HashMap<Box<str>, usize>,
    pub(super) resources: Vec<Listed<St>>,
    /// The most precise first.
    pub(super) templates: Vec<Templated>,
    pub(super) lists: HashMap<Box<str>, Demands>,
}

/// What a call is for.
pub(super) enum Route<'e, 'c, St> {
    Handler {
        entry: &'e Entry<St>,
        /// A JSON object.
        params: Cow<'c, str>,
        uri: Option<String>,
        /// What else it demands.
        also: Vec<Demands>,
    },
    List(&'static str, Demands),
    Open(&'static str),
    UnknownMethod,
    UnknownName,
}

impl<St> Route<'_, '_, St> {
    /// What the call demands beside a valid token.
    pub(super) fn demands(&self) -> impl Iterator<Item = Demands> {
        let (first, also) = match self {
            Self::Handler { entry, also, .. } => (Some(entry.demand), also.as_slice()),
            Self::List(_, demands) => (Some(*demands), [].as_slice()),
            Self::Open(_) | Self::UnknownMethod | Self::UnknownName => (None, [].as_slice()),
        };
        first.into_iter().chain(also.iter().copied())
    }
}

const NOTHING: &str = "{}";

impl<St> Endpoint<St> {
    pub(super) fn route<'c>(&self, revision: Revision, call: &Call<'c>) -> Route<'_, 'c, St> {
        let method = &*call.method;
        if let Some(entry) = self.methods.get(method) {
            let Some(also) = self.completed(call) else {
                return Route::UnknownName;
            };
            return Route::Handler {
                entry,
                params: call.params().unwrap_or(NOTHING).into(),
                uri: None,
                also,
            };
        }
        let by_name = |of: &'_ [Listed<St>]| !of.is_empty();
        match method {
            "tools/call" if by_name(&self.tools) => {
                Self::named(&self.tools, &self.tool_names, call)
            }
            "prompts/get" if by_name(&self.prompts) => {
                Self::named(&self.prompts, &self.prompt_names, call)
            }
            "resources/read" if by_name(&self.resources) => self.resource(call),
            _ => {
                let open = OPEN.into_iter().find(|open| *open == method);
                if let Some(open) = open {
                    // Each revision has its own way of getting to know one another.
                    return if revision.is_modern() == (open == "server/discover") {
                        Route::Open(open)
                    } else {
                        Route::UnknownMethod
                    };
                }
                let list = LISTS.into_iter().find(|list| *list == method);
                match list.and_then(|list| Some((list, *self.lists.get(list)?))) {
                    Some((list, demands)) => Route::List(list, demands),
                    None => Route::UnknownMethod,
                }
            }
        }
    }

    fn named<'e, 'c>(
        of: &'e [Listed<St>],
        names: &HashMap<Box<str>, usize>,
        call: &Call<'c>,
    ) -> Route<'e, 'c, St> {
        let name = call.target().and_then(Result::ok);
        let listed = name
            .and_then(|name| names.get(&*name))
            .and_then(|at| of.get(*at));
        match listed {
            Some(listed) => Route::Handler {
                entry: &listed.entry,
                params: call.arguments().unwrap_or(NOTHING).into(),
                uri: None,
                also: Vec::new(),
            },
            None => Route::UnknownName,
        }
    }

    fn resource<'c>(&self, call: &Call<'c>) -> Route<'_, 'c, St> {
        let uri = call.target().and_then(Result::ok);
        let Some((normal, literal)) = uri.as_deref().and_then(Normal::readings) else {
            return Route::UnknownName;
        };
        for Templated { template, at, .. } in &self.templates {
            let Some(values) = template.matches(&normal) else {
                continue;
            };
            let Some(listed) = self.resources.get(*at) else {
                continue;
            };
            let values = values
                .into_iter()
                .map(|(name, value)| (name.to_owned(), Value::from(value)));
            return Route::Handler {
                entry: &listed.entry,
                params: Value::Object(values.collect()).to_string().into(),
                uri: Some(normal.as_str().to_owned()),
                also: self.reading(literal.as_ref()).into_iter().collect(),
            };
        }
        Route::UnknownName
    }

    /// What reading this demands, if it is there to be read.
    fn reading(&self, uri: Option<&Normal>) -> Option<Demands> {
        let mut templates = self.templates.iter();
        let found = templates.find(|of| uri.is_some_and(|uri| of.template.covers(uri)))?;
        self.demand_at(found.at)
    }

    fn demand_at(&self, at: usize) -> Option<Demands> {
        self.resources.get(at).map(|of| of.entry.demand)
    }

    /// What that demands of which something is to be completed; nothing if it is not known here.
    fn completed(&self, call: &Call<'_>) -> Option<Vec<Demands>> {
        let reference = match call.reference() {
            Some(reference) if call.method == "completion/complete" => reference.ok()?,
            _ => return Some(Vec::new()),
        };
        let by_hand = |method: &str| {
            let entry = self.methods.get(method);
            Some(vec![entry?.demand])
        };
        match reference {
            Reference::Prompt(_) if self.prompts.is_empty() => by_hand("prompts/get"),
            Reference::Prompt(name) => {
                let at = self.prompt_names.get(&*name)?;
                self.prompts.get(*at).map(|of| vec![of.entry.demand])
            }
            Reference::Resource(_) if self.resources.is_empty() => by_hand("resources/read"),
            Reference::Resource(uri) => {
                let demands: Vec<_> = if let Some((normal, literal)) = Normal::readings(&uri) {
                    // As who reads dot segments as names sees it, too.
                    let first = self.reading(Some(&normal))?;
                    let literal = self.reading(literal.as_ref());
                    [first].into_iter().chain(literal).collect()
                } else {
                    let client = Template::of_client(&uri)?;
                    let (met, _) = client.met_by(&self.templates, |of| &of.template);
                    met.iter().filter_map(|of| self.demand_at(of.at)).collect()
                };
                Some(demands).filter(|demands| !demands.is_empty())
            }
        }
    }

    /// The members of a list's result: what the token grants, in the order of registration.
    pub(super) fn list(&self, list: &str, admitted: &Admitted) -> String {
        let (member, of, literal): (_, &[Listed<St>], bool) = match list {
            "tools/list" => ("tools", &self.tools, true),
            "prompts/list" => ("prompts", &self.prompts, true),
            "resources/list" => ("resources", &self.resources, true),
            _ => ("resourceTemplates", &self.resources, false),
        };
        let shown: Vec<&str> = of
            .iter()
            .filter(|listed| listed.is_literal == literal)
            .filter(|listed| (listed.entry.demand.is_met)(admitted.granted()))
            .map(|listed| &*listed.definition)
            .collect();
        format!(r#""{member}":[{}]"#, shown.join(","))
    }

    /// The members of the result of a method that is open to every valid token.
    pub(super) fn open(&self, method: &str, call: &Call<'_>) -> String {
        let (about, capabilities) = (&self.about, self.capabilities());
        let (implementation, instructions) = (about.implementation(), about.instructions());
        match method {
            "initialize" => {
                let wanted = call.wanted_version();
                let revision = wanted
                    .and_then(|wanted| Revision::named(&wanted))
                    .filter(|revision| !revision.is_modern())
                    .unwrap_or(Revision::NEWEST_WITH_INITIALIZE);
                let version = revision.as_str();
                format!(
                    r#""protocolVersion":"{version}","capabilities":{capabilities},"serverInfo":{implementation}{instructions}"#
                )
            }
            "server/discover" => {
                let versions = Revision::list(&Revision::ALL);
                format!(
                    r#""supportedVersions":{versions},"capabilities":{capabilities},"ttlMs":0,"cacheScope":"private","_meta":{{"io.modelcontextprotocol/serverInfo":{implementation}}}{instructions}"#
                )
            }
            _ => String::new(),
        }
    }

    fn capabilities(&self) -> String {
        let has = |prefix: &str| self.methods.keys().any(|name| name.starts_with(prefix));
        let mut members = Vec::new();
        for (name, is_there) in [
            ("completions", has("completion/")),
            ("logging", has("logging/")),
            ("prompts", !self.prompts.is_empty() || has("prompts/")),
            ("resources", !self.resources.is_empty() || has("resources/")),
            ("tools", !self.tools.is_empty() || has("tools/")),
        ] {
            if is_there {
                members.push(format!(r#""{name}":{{}}"#));
            }
        }
        format!("{{{}}}", members.join(","))
    }
}

pub(super) const LISTS: [&str; 4] = [
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "tools/list",
];
