//! One decision, as it is written down.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::ReasonCode;
use super::auditor::joined;
use super::subject::SubjectForm;
use super::text;
use crate::id::{ClientId, CorrelationId, Issuer, KeyId, Resource};
use crate::keys::Unavailable;
use crate::limit::LimitedBy;
use crate::refusal::Whose;

/// What was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditDecision {
    /// It was let in, and somebody has a proof.
    Allowed,
    /// Work that was let in was ended, because its token died.
    Ended,
    /// It was refused.
    Refused,
    /// Nobody could decide: what the token is judged by cannot be had.
    Unavailable,
}

impl AuditDecision {
    /// The word.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(clearance::audit::AuditDecision::Allowed.as_str(), "allowed");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Ended => "ended",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }

    /// What is decided of a request that is not let in for this reason.
    pub(crate) const fn because_of(reason: ReasonCode) -> Self {
        if matches!(reason, ReasonCode::Unavailable) {
            Self::Unavailable
        } else {
            Self::Refused
        }
    }
}

/// One decision of a guard: who asked for what, what was decided, and why.
///
/// It serializes to an object whose members are named like its methods, in `snake_case`; what is not known
/// is left out. Nothing in it is a credential. What strangers wrote has its control characters escaped and its
/// backslashes doubled there. Subject, client and target are cut after 256 characters, the rest after 64, and
/// what was cut ends with two dots. [`client`](Self::client) and [`key_id`](Self::key_id) give theirs as the
/// token has them.
///
/// # Does not prove
/// Anything: it is for reading.
#[derive(Clone)]
pub struct AuditEvent {
    pub(super) at: DateTime<Utc>,
    pub(super) scene: Arc<Scene>,
    pub(super) decision: AuditDecision,
    pub(super) reason: Option<ReasonCode>,
    pub(super) correlation: Option<CorrelationId>,
    pub(super) elevates: Option<CorrelationId>,
    /// What cannot be had, where nobody could decide.
    pub(super) unavailable: Option<Unavailable>,
    /// What was used up, where somebody asked too often.
    pub(super) limited_by: Option<LimitedBy>,
    /// Who asked, as far as is known.
    pub(super) whose: Whose,
    /// Shortened.
    pub(super) unknown_key: Option<Box<str>>,
    pub(super) asked: Asked,
    pub(super) needed: Needed,
    pub(super) from_cache: bool,
    pub(super) duration: Duration,
}

/// What all events of one guard have in common.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) resource: Resource,
    pub(super) subjects: SubjectForm,
}

/// What an operation needs.
#[derive(Clone, Copy)]
pub(crate) enum Needed {
    /// Bits of the guard's vocabulary.
    Bits(u64),
    /// What the challenge of a set asks for. To read that takes time, and whoever is let in does not wait
    /// for it.
    Challenge(fn(&mut Vec<&'static str>)),
}

impl Needed {
    pub(crate) const NOTHING: Self = Self::Bits(0);
}

/// What a request asks for, escaped and shortened.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) method: Option<Arc<str>>,
    pub(super) target: Option<Arc<str>>,
}

impl AuditEvent {
    /// When.
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// What was decided.
    pub const fn decision(&self) -> AuditDecision {
        self.decision
    }

    /// Why, unless it was let in.
    pub const fn reason(&self) -> Option<ReasonCode> {
        self.reason
    }

    /// What ties together all that is written about the request.
    pub const fn correlation_id(&self) -> Option<CorrelationId> {
        self.correlation
    }

    /// The request of the same principal that was refused for want of the scopes that this one's token
    /// has: the user has consented to more since then. For ten minutes.
    pub const fn elevates(&self) -> Option<CorrelationId> {
        self.elevates
    }

    /// The resource whose guard has decided.
    pub fn resource(&self) -> &Resource {
        &self.scene.resource
    }

    /// What cannot be had, or which limit was reached, as a stable code, where the reason is
    /// [`Unavailable`](ReasonCode::Unavailable) or [`LimitExceeded`](ReasonCode::LimitExceeded).
    pub fn cause(&self) -> Option<&'static str> {
        let limited = self.limited_by.map(LimitedBy::as_str);
        self.unavailable
            .as_ref()
            .map(Unavailable::cause)
            .or(limited)
    }

    /// Who issued the token. Where that was not verified, it is the configured issuer by whose keys, or by
    /// whose answer, the token was refused, or whose tokens cannot be judged.
    pub fn issuer(&self) -> Option<&Issuer> {
        let unavailable = self.unavailable.as_ref().map(Unavailable::issuer);
        self.whose.issuer().or(unavailable)
    }

    /// Whom the token speaks of, if its signature was verified or its issuer called it active, be it refused
    /// for another reason; or a keyed hash of that
    /// ([`hash_subjects`](crate::GuardBuilder::hash_subjects)).
    pub fn subject(&self) -> Option<String> {
        let (issuer, subject) = (self.whose.issuer()?, self.whose.subject()?);
        Some(self.scene.subjects.of(issuer, subject))
    }

    /// The client that the token was issued to.
    pub fn client(&self) -> Option<&ClientId> {
        self.whose.client()
    }

    /// The method of MCP, or of HTTP where there is no message. Nothing is said of a request that was refused
    /// by its head, before anybody looked at its message: for its host, its origin or its token.
    pub fn method(&self) -> Option<&str> {
        self.asked.method.as_deref()
    }

    /// The tool, prompt, resource or task.
    pub fn target(&self) -> Option<&str> {
        self.asked.target.as_deref()
    }

    /// The scopes that the operation needs, as far as is known; of some sets one is enough.
    pub fn needed(&self) -> impl Iterator<Item = &'static str> {
        let bits = match self.needed {
            Needed::Bits(bits) => bits,
            Needed::Challenge(challenge) => {
                let mut names = Vec::new();
                challenge(&mut names);
                let table = self.whose.verified().map(|known| &known.rules().table);
                table.map_or(0, |table| table.bits_of(&names))
            }
        };
        self.names(bits)
    }

    /// The scopes that the token names, as far as the guard's vocabulary knows them.
    pub fn held(&self) -> impl Iterator<Item = &'static str> {
        let held = self.whose.verified().map(|known| known.granted().named);
        self.names(held.unwrap_or_default())
    }

    fn names(&self, bits: u64) -> impl Iterator<Item = &'static str> {
        let table = self.whose.verified().map(|known| &known.rules().table);
        table.into_iter().flat_map(move |table| table.names(bits))
    }

    /// The name of the key that signed the token, if it was verified by one that has a name.
    pub fn key_id(&self) -> Option<&KeyId> {
        self.whose.key_id()
    }

    /// The key that the token names, where the reason is [`UnknownKey`](ReasonCode::UnknownKey). Whoever
    /// wrote the token chose it: nothing else that an unverified token says is written down.
    pub fn unknown_key(&self) -> Option<&str> {
        self.unknown_key.as_deref()
    }

    /// Whether the token had been verified before and was remembered.
    pub const fn from_cache(&self) -> bool {
        self.from_cache
    }

    /// How long it took from the first look at the request to the decision; nought where a look at the head
    /// was enough, before the token was looked at.
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// The same as it is written.
    pub(super) fn duration_us(&self) -> u64 {
        u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for AuditEvent {
    /// Its subject is shown as it is written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditEvent")
            .field("at", &self.at)
            .field("decision", &self.decision)
            .field("reason", &self.reason)
            .field("correlation_id", &self.correlation)
            .field("subject", &self.subject())
            .field("method", &self.method())
            .field("target", &self.target())
            .finish_non_exhaustive()
    }
}

impl Serialize for AuditEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let texts = [
            ("at", Some(at)),
            ("decision", Some(self.decision.as_str().to_owned())),
            ("reason", self.reason.map(|code| code.to_string())),
            ("cause", self.cause().map(str::to_owned)),
            ("correlation_id", self.correlation.map(|id| id.to_string())),
            ("elevates", self.elevates.map(|id| id.to_string())),
            ("resource", Some(self.resource().to_string())),
            ("issuer", self.issuer().map(ToString::to_string)),
            ("subject", self.subject()),
            ("client", self.client().map(|id| text::name(id.as_str()))),
            ("method", self.method().map(str::to_owned)),
            ("target", self.target().map(str::to_owned)),
            ("needed", joined(self.needed())),
            ("held", joined(self.held())),
            ("key_id", self.key_id().map(|id| text::word(id.as_str()))),
            ("unknown_key", self.unknown_key().map(str::to_owned)),
        ];
        let known = texts.iter().filter(|(_, text)| text.is_some()).count();
        // Formats that write the number of members first need the right one.
        let mut object = serializer.serialize_map(Some(known.saturating_add(2)))?;
        for (name, text) in &texts {
            if let Some(text) = text {
                object.serialize_entry(name, text)?;
            }
        }
        object.serialize_entry("from_cache", &self.from_cache)?;
        object.serialize_entry("duration_us", &self.duration_us())?;
        object.end()
    }
}
