//! What is read of a request to decide about it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{Elements, is_id};
use super::error::{Fault, INVALID_PARAMS};
use super::members::{Found, Raw, Wanted};

/// A request.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// As it was written: a string or an integer.
    pub(crate) id: &'a str,
    pub(crate) method: Cow<'a, str>,
    /// The whole message.
    pub(super) text: &'a str,
    pub(crate) head: Head<'a>,
}

/// What is read of `params` to route a call.
#[derive(Debug, Default)]
pub(crate) struct Head<'a> {
    name: Option<&'a RawValue>,
    uri: Option<&'a RawValue>,
    task: Option<&'a RawValue>,
    arguments: Option<&'a RawValue>,
    cursor: Option<&'a RawValue>,
    version: Option<&'a RawValue>,
    /// What is completed.
    reference: Option<&'a RawValue>,
    /// What is listened to.
    notifications: Option<&'a RawValue>,
    pub(crate) meta: Option<Meta<'a>>,
}

/// What is read of `_meta`.
#[derive(Debug, Default)]
pub(crate) struct Meta<'a> {
    version: Option<&'a RawValue>,
    capabilities: Option<&'a RawValue>,
    progress_token: Option<&'a RawValue>,
}

/// Methods whose `params` are looked into to decide.
const DECIDED_BY_PARAMS: [&str; 6] = [
    "completion/",
    "prompts/",
    "resources/",
    "subscriptions/",
    "tasks/",
    "tools/",
];

/// How `params` are read.
pub(super) type WantedParams = Wanted<8, Wanted<2, Raw>>;

/// What is read of `params`, and of `_meta` inside.
pub(super) type FoundParams<'a> = Found<'a, 8, Found<'a, 2, &'a RawValue>>;

pub(super) const PARAMS: WantedParams = Wanted {
    names: [
        "name",
        "uri",
        "taskId",
        "arguments",
        "cursor",
        "protocolVersion",
        "ref",
        "notifications",
    ],
    last: (
        "_meta",
        Wanted {
            names: [
                "io.modelcontextprotocol/protocolVersion",
                "io.modelcontextprotocol/clientCapabilities",
            ],
            last: ("progressToken", Raw),
        },
    ),
};

impl<'a> Head<'a> {
    /// Nothing if `params` are no object, or if others could read them otherwise.
    pub(super) fn of(params: FoundParams<'a>, method: &str) -> Option<Self> {
        let is_decided_by = |namespace: &&str| method.starts_with(namespace);
        let fits = if DECIDED_BY_PARAMS.iter().any(is_decided_by) {
            params.is_plain()
        } else {
            params.is_well_formed()
        };
        let [
            name,
            uri,
            task,
            arguments,
            cursor,
            version,
            reference,
            notifications,
        ] = params.values;
        let meta = match params.last {
            None => None,
            Some(meta) if meta.is_plain() => {
                let [version, capabilities] = meta.values;
                Some(Meta {
                    version,
                    capabilities,
                    progress_token: meta.last,
                })
            }
            Some(_) => return None,
        };
        let head = Self {
            name,
            uri,
            task,
            arguments,
            cursor,
            version,
            reference,
            notifications,
            meta,
        };
        fits.then_some(head)
    }
}

impl<'a> Call<'a> {
    /// The name or URI that the call is about, if its method has one.
    pub(crate) fn target(&self) -> Option<Result<Cow<'a, str>, Fault<'a>>> {
        let member = match &*self.method {
            "tools/call" | "prompts/get" => self.head.name,
            "resources/read" => self.head.uri,
            "tasks/get" | "tasks/update" | "tasks/cancel" => self.head.task,
            _ => return None,
        };
        let text = member.and_then(text_of);
        Some(text.ok_or_else(|| self.fault(INVALID_PARAMS, "invalid params")))
    }

    /// The object `params`, as it was written.
    pub(crate) fn params(&self) -> Option<&'a str> {
        params_of(self.text)
    }

    /// The whole message.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// The arguments of a tool or prompt.
    pub(crate) fn arguments(&self) -> Option<&'a str> {
        self.head.arguments.map(RawValue::get)
    }

    /// The URI of a subscription, or the id of a task: what a call is about although no header repeats
    /// it in every revision.
    pub(crate) fn subject(&self) -> Option<Cow<'a, str>> {
        let member = match &*self.method {
            "resources/subscribe" | "resources/unsubscribe" => self.head.uri,
            method if method.starts_with("tasks/") => self.head.task,
            _ => None,
        };
        member.and_then(text_of)
    }

    /// What the call is about, for whoever writes it down.
    pub(crate) fn about(&self) -> Option<Cow<'a, str>> {
        self.target()
            .and_then(Result::ok)
            .or_else(|| self.subject())
    }

    /// What is to be completed; nothing if the call names nothing.
    pub(crate) fn reference(&self) -> Option<Result<Reference<'a>, Fault<'a>>> {
        let text = self.head.reference?.get();
        let wanted = Wanted {
            names: ["type", "name"],
            last: ("uri", Raw),
        };
        let found = wanted.read(text).filter(Found::is_plain);
        let found = found.and_then(|found| {
            let [kind, name] = found.values;
            match (&*text_of(kind?)?, name, found.last) {
                ("ref/prompt", Some(name), None) => text_of(name).map(Reference::Prompt),
                ("ref/resource", None, Some(uri)) => text_of(uri).map(Reference::Resource),
                _ => None,
            }
        });
        Some(found.ok_or_else(|| self.fault(INVALID_PARAMS, "invalid reference")))
    }

    /// What is listened to.
    pub(crate) fn subscriptions(&self) -> Result<Subscriptions<'a>, Fault<'a>> {
        let bad = || self.fault(INVALID_PARAMS, "invalid notifications");
        let Some(text) = self.head.notifications else {
            return Ok(Subscriptions::default());
        };
        let wanted = Wanted {
            names: [
                "toolsListChanged",
                "promptsListChanged",
                "resourcesListChanged",
                "resourceSubscriptions",
            ],
            last: ("taskIds", Raw),
        };
        // What is not known here is not decided about, so it is not let through.
        let found = wanted.read(text.get()).filter(Found::is_known);
        let found = found.ok_or_else(bad)?;
        let ([tools, prompts, resources, uris], tasks) = (found.values, found.last);
        let is_on = |value: Option<&RawValue>| match value.map(RawValue::get) {
            None | Some("false" | "null") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad()),
        };
        let texts = |list: Option<&'a RawValue>| {
            let Some(list) = list.map(RawValue::get).filter(|list| *list != "null") else {
                return Ok(Vec::new());
            };
            let Elements(texts) = serde_json::from_str(list).ok().ok_or_else(bad)?;
            if texts.len() > MOST_SUBSCRIPTIONS {
                return Err(bad());
            }
            let texts = texts.into_iter().map(text_of);
            texts.collect::<Option<Vec<_>>>().ok_or_else(bad)
        };
        Ok(Subscriptions {
            tools: is_on(tools)?,
            prompts: is_on(prompts)?,
            resources: is_on(resources)?,
            uris: texts(uris)?,
            tasks: texts(tasks)?,
        })
    }

    /// Whether it asks for another page.
    pub(crate) const fn has_cursor(&self) -> bool {
        self.head.cursor.is_some()
    }

    /// The revision that `initialize` asks for.
    pub(crate) fn wanted_version(&self) -> Option<Cow<'a, str>> {
        self.head.version.and_then(text_of)
    }

    /// The token for progress notifications: a string or an integer, as it was written.
    pub(crate) fn progress_token(&self) -> Option<&'a str> {
        let token = self.head.meta.as_ref()?.progress_token?.get();
        is_id(token).then_some(token)
    }

    pub(crate) const fn fault(&self, code: i32, message: &'static str) -> Fault<'a> {
        Fault::new(Some(self.id), code, message)
    }
}

impl<'a> Meta<'a> {
    /// The revision of the request.
    pub(crate) fn version(&self) -> Option<Cow<'a, str>> {
        self.version.and_then(text_of)
    }

    /// Whether it has what the revision 2026-07-28 asks for beside the version.
    pub(crate) fn has_capabilities(&self) -> bool {
        self.capabilities
            .is_some_and(|value| value.get().starts_with('{'))
    }
}

/// The object `params` of a message, as it was written.
pub(crate) fn params_of(message: &str) -> Option<&str> {
    let wanted = Wanted {
        names: [],
        last: ("params", Raw),
    };
    let found = wanted.read(message).and_then(|message| message.last);
    found.map(RawValue::get)
}

/// What is to be completed: an argument of a prompt, or a variable of a resource's template.
#[derive(Debug)]
pub(crate) enum Reference<'a> {
    Prompt(Cow<'a, str>),
    Resource(Cow<'a, str>),
}

/// What a client wants to be told.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions<'a> {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) uris: Vec<Cow<'a, str>>,
    pub(crate) tasks: Vec<Cow<'a, str>>,
}

/// How many of one kind a client may listen to with one request.
const MOST_SUBSCRIPTIONS: usize = 100;

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

pub(super) fn text_of<'a>(value: &'a RawValue) -> Option<Cow<'a, str>> {
    let plain = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    let text: Text<'a> = serde_json::from_str(value.get()).ok()?;
    Some(text.0)
}
