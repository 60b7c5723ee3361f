//! What a request needs, and whether its caller has it.

use chrono::{DateTime, Utc};

use super::OPEN;
use super::decision::{Decided, Demands, Unfit, decide};
use super::index::Index;
use crate::guard::Admitted;
use crate::mcp::call::{Call, Reference, params_of};
use crate::mcp::error::Fault;
use crate::mcp::method::{self, Named as _};
use crate::mcp::revision::Revision;
use crate::refusal::Refusal;
use crate::session::TaskOrigin;

/// What a call needs beside a valid token: all of it.
#[derive(Debug)]
pub(crate) struct Needs<'p, 'a> {
    first: Need<'p, 'a>,
    more: Vec<Need<'p, 'a>>,
}

/// One rule that a call meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need<'p, 'a> {
    decided: &'p Decided,
    arguments: Arguments<'a>,
}

/// What rules about arguments read.
#[derive(Clone, Copy, Debug)]
enum Arguments<'a> {
    /// Those of a tool or prompt.
    Of(Option<&'a str>),
    /// The `params` of a message, which are looked for when a rule asks.
    ParamsOf(&'a str),
    /// Nobody knows them any more.
    Unknown,
}

impl<'a> Arguments<'a> {
    fn text(self) -> Option<&'a str> {
        let text = match self {
            Self::Of(arguments) => arguments,
            Self::ParamsOf(message) => params_of(message),
            Self::Unknown => return None,
        };
        Some(text.unwrap_or(NOTHING))
    }
}

/// Why a call is answered without asking the service.
#[derive(Debug)]
pub(crate) enum Stop<'a> {
    /// The policy is silent about the name.
    Closed,
    Fault(Fault<'a>),
    /// The policy is silent about the method.
    UnknownMethod,
    /// The task is nobody's, or somebody else's.
    UnknownTask,
}

/// Why a caller may not do what was asked for.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The arguments are not what the rule about them reads.
    Arguments,
    Caller(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Caller(refusal)
    }
}

const NOTHING: &str = "{}";

impl Index {
    /// What a call needs. `task` says which call made a task of the caller's: nothing at all where tasks
    /// are closed.
    pub(crate) fn needs<'a>(
        &self,
        revision: Revision,
        call: &Call<'a>,
        task: impl Fn(&str) -> Option<Option<TaskOrigin>>,
    ) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let method = &*call.method;
        let target = || match call.target() {
            Some(Ok(target)) => Ok(target),
            Some(Err(fault)) => Err(Stop::Fault(fault)),
            None => Err(Stop::UnknownMethod),
        };
        let params = Arguments::ParamsOf(call.text());
        let arguments = Arguments::Of(call.arguments());
        match method {
            "tools/call" => self.of_tool(&target()?, arguments),
            "prompts/get" => self.of_prompt(&target()?, arguments),
            "resources/read" => self.of_resource(&target()?, params),
            "resources/subscribe" | "resources/unsubscribe" => {
                let mut needs = Needs::of(self.method(method)?, params);
                let uri = call.subject().ok_or_else(|| bad(call))?;
                needs.join(self.of_resource(&uri, params)?);
                Ok(needs)
            }
            "subscriptions/listen" => self.of_listener(call, params, task),
            "completion/complete" => self.of_completion(call, params),
            method if method.starts_with("tasks/") => {
                let id = call.subject();
                let origin = task(id.as_deref().unwrap_or_default());
                let origin = origin.ok_or(Stop::UnknownMethod)?;
                if !matches!(
                    method,
                    "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result"
                ) {
                    return Err(Stop::UnknownMethod);
                }
                id.ok_or_else(|| bad(call))?;
                self.of_task(&origin.ok_or(Stop::UnknownTask)?)
            }
            // Each revision has its own way of getting to know one another.
            method
                if OPEN.contains(&method)
                    && revision.is_modern() != (method == "server/discover") =>
            {
                Err(Stop::UnknownMethod)
            }
            method => Ok(Needs::of(self.method(method)?, params)),
        }
    }

    fn method<'a>(&self, name: &str) -> Result<&Decided, Stop<'a>> {
        self.methods.get(name).ok_or(Stop::UnknownMethod)
    }

    fn of_tool<'a>(&self, name: &str, arguments: Arguments<'a>) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let decided = self.tools.find(name).ok_or(Stop::Closed)?;
        Ok(Needs::of(decided, arguments).beside(self.gates.tools.as_ref()))
    }

    fn of_prompt<'a>(
        &self,
        name: &str,
        arguments: Arguments<'a>,
    ) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let decided = self.prompts.find(name).ok_or(Stop::Closed)?;
        Ok(Needs::of(decided, arguments).beside(self.gates.prompts.as_ref()))
    }

    fn of_resource<'a>(
        &self,
        uri: &str,
        arguments: Arguments<'a>,
    ) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let (decided, more) = self.resources.find(uri).ok_or(Stop::Closed)?;
        let mut needs = Needs::of(decided, arguments);
        for decided in more {
            needs.join(Needs::of(decided, arguments));
        }
        Ok(needs.beside(self.gates.resources.as_ref()))
    }

    /// Whoever asks for a task needs what the call that made it needed, whatever its arguments were.
    fn of_task<'a>(&self, origin: &TaskOrigin) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let (method, name) = (origin.method(), origin.name());
        match method {
            "tools/call" => self.of_tool(name, Arguments::Unknown),
            "prompts/get" => self.of_prompt(name, Arguments::Unknown),
            "resources/read" => self.of_resource(name, Arguments::Unknown),
            // What these were about is not known any more.
            "completion/complete"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "subscriptions/listen" => Err(Stop::UnknownTask),
            method => Ok(Needs::of(self.method(method)?, Arguments::Unknown)),
        }
    }

    /// Who has something completed needs what using it needs, unless a rule says otherwise.
    fn of_completion<'a>(
        &self,
        call: &Call<'a>,
        params: Arguments<'a>,
    ) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let complete = Needs::of(self.method(method::CompletionComplete.name())?, params);
        match call.reference() {
            None => Ok(complete),
            Some(Err(fault)) => Err(Stop::Fault(fault)),
            Some(Ok(Reference::Prompt(name))) => {
                if let Some(own) = self.prompt_completions.find(&name) {
                    let needs = Needs::of(own, params).beside(self.gates.completions.as_ref());
                    return Ok(needs.beside(self.gates.prompts.as_ref()));
                }
                let prompt = self.of_prompt(&name, Arguments::Unknown)?;
                Ok(complete.and(prompt))
            }
            Some(Ok(Reference::Resource(uri))) => {
                let own = self.resource_completions.find_template(&uri);
                let own_needs = Needs::all_of(&own.decided, params);
                let own_needs = match own_needs {
                    Some(needs) if own.is_all => {
                        let needs = needs.beside(self.gates.completions.as_ref());
                        return Ok(needs.beside(self.gates.resources.as_ref()));
                    }
                    needs => needs,
                };
                let met = self.resources.find_template(&uri);
                let resources = Needs::all_of(&met.decided, Arguments::Unknown);
                let resources = resources.filter(|_| met.is_all).ok_or(Stop::Closed)?;
                let mut needs = complete.and(resources);
                if let Some(own) = own_needs {
                    needs.join(own);
                }
                Ok(needs.beside(self.gates.resources.as_ref()))
            }
        }
    }

    /// Who is told of something needs what reading it needs, too.
    fn of_listener<'a>(
        &self,
        call: &Call<'a>,
        params: Arguments<'a>,
        task: impl Fn(&str) -> Option<Option<TaskOrigin>>,
    ) -> Result<Needs<'_, 'a>, Stop<'a>> {
        let mut needs = Needs::of(self.method(&call.method)?, params);
        let wanted = call.subscriptions().map_err(Stop::Fault)?;
        for (is_wanted, list) in [
            (wanted.tools, method::ToolsList.name()),
            (wanted.prompts, method::PromptsList.name()),
            (wanted.resources, method::ResourcesList.name()),
        ] {
            if is_wanted {
                let list = self.methods.get(list).ok_or(Stop::Closed)?;
                needs.join(Needs::of(list, Arguments::Unknown));
            }
        }
        for uri in &wanted.uris {
            needs.join(self.of_resource(uri, Arguments::Unknown)?);
        }
        for id in &wanted.tasks {
            let origin = task(id).flatten().ok_or(Stop::UnknownTask)?;
            needs.join(self.of_task(&origin)?);
        }
        Ok(needs)
    }
}

fn bad<'a>(call: &Call<'a>) -> Stop<'a> {
    Stop::Fault(call.fault(crate::mcp::error::INVALID_PARAMS, "invalid params"))
}

impl<'p, 'a> Needs<'p, 'a> {
    const fn of(decided: &'p Decided, arguments: Arguments<'a>) -> Self {
        Self {
            first: Need { decided, arguments },
            more: Vec::new(),
        }
    }

    /// Nothing of nothing.
    fn all_of(decided: &[&'p Decided], arguments: Arguments<'a>) -> Option<Self> {
        let (first, more) = decided.split_first()?;
        let mut needs = Self::of(first, arguments);
        for decided in more {
            needs.join(Self::of(decided, arguments));
        }
        Some(needs)
    }

    fn and(mut self, other: Self) -> Self {
        self.join(other);
        self
    }

    fn join(&mut self, other: Self) {
        self.add(other.first);
        for need in other.more {
            self.add(need);
        }
    }

    /// The same rule about the same is met once.
    fn add(&mut self, need: Need<'p, 'a>) {
        if !self.all().any(|known| known.is(&need)) {
            self.more.push(need);
        }
    }

    /// The same, with what is demanded whatever the arguments are.
    fn beside(mut self, more: Option<&'p Decided>) -> Self {
        if let Some(decided) = more {
            self.add(Need {
                decided,
                arguments: Arguments::Unknown,
            });
        }
        self
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Need<'p, 'a>> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// What is demanded, if it is one thing and does not depend on arguments.
    fn plain(&self) -> Option<Demands> {
        let only = Some(&self.first).filter(|_| self.more.is_empty())?;
        only.decided.plain()
    }
}

impl Need<'_, '_> {
    fn is(&self, other: &Self) -> bool {
        let arguments = match (self.arguments, other.arguments) {
            (Arguments::Of(a), Arguments::Of(b)) => a.map(str::as_ptr) == b.map(str::as_ptr),
            (Arguments::ParamsOf(a), Arguments::ParamsOf(b)) => std::ptr::eq(a, b),
            (Arguments::Unknown, Arguments::Unknown) => true,
            _ => false,
        };
        std::ptr::eq(self.decided, other.decided) && arguments
    }

    /// What is demanded, the arguments read; whether they could be.
    pub(super) fn demands(
        &self,
        into: &mut Vec<Demands>,
        caller: &Admitted,
    ) -> Result<(), Refused> {
        let decided = self.decided;
        if let Some(plain) = decided.plain() {
            into.push(plain);
            return Ok(());
        }
        let Some(arguments) = self.arguments.text() else {
            into.extend(decided.all());
            return Ok(());
        };
        match decided.demands(arguments) {
            Ok(demands) => into.extend(demands),
            // Who could not call it whatever the arguments were learns nothing about them.
            Err(Unfit) if decided.all().any(|of| (of.is_met)(caller.granted())) => {
                return Err(Refused::Arguments);
            }
            Err(Unfit) => into.extend(decided.all().take(1)),
        }
        Ok(())
    }
}

/// Whether the caller may do all that these calls need. Nothing is charged.
pub(crate) fn judge(
    caller: &Admitted,
    now: DateTime<Utc>,
    calls: &[Needs<'_, '_>],
) -> Result<(), Refused> {
    let needed = || calls.iter().flat_map(Needs::all);
    let decided = || needed().map(|need| need.decided);
    let is_free = !decided().any(|decided| decided.is_for_nobody() || decided.has_conditions());
    let only = match calls {
        [needs] => needs.plain(),
        _ => None,
    };
    if let Some(only) = only.filter(|_| is_free) {
        return Ok((only.obtain)(caller, now)?);
    }
    // Who has died meanwhile is told so, not asked for more.
    let any = caller.any(now)?;
    // Before scope: where no scope helps, none must be asked for.
    if decided().any(|decided| decided.is_for_nobody() || !decided.admits(&any)) {
        return Err(caller.denies().into());
    }
    if let Some(only) = only {
        return Ok((only.obtain)(caller, now)?);
    }
    let mut demands = Vec::new();
    for need in needed() {
        need.demands(&mut demands, caller)?;
    }
    decide(caller, demands.iter().copied())?;
    drop(caller.any(now)?);
    caller.let_in_for(|names| demands.iter().for_each(|demand| (demand.challenge)(names)));
    Ok(())
}
