//! Values that clients carry for a service.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::keys::SealKeys;
use crate::token::{Verified, since_1970};

/// What a sealed value is for: a type of yours, so that the compiler keeps values for different things
/// apart.
///
/// # Examples
/// ```
/// use clearance::session::Purpose;
///
/// /// A deletion that a person has to confirm.
/// struct Confirmation;
///
/// impl Purpose for Confirmation {
///     const NAME: &'static str = "files.confirmation";
///     type Content = String;
/// }
/// ```
pub trait Purpose: 'static {
    /// The name that goes into the seal. Two purposes of one server have two names.
    const NAME: &'static str;

    /// What is sealed. Clients can read it, and cannot change it.
    type Content: Serialize + DeserializeOwned;
}

/// Seals values for one purpose, so that only their owner brings them back, in time, and with the
/// request that they belong to.
///
/// # Proves
/// An opened value was sealed with one of the keys, for this purpose, for the issuer, subject, client
/// and resource of the proof that opens it, for this request, and has not expired.
///
/// # Does not prove
/// That it is shown for the first time. It is not encrypted either: clients can read it.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use clearance::session::{Purpose, Seal, Sealed, SealKeys};
/// use clearance::testing::Issuer;
/// use clearance::{Authorized, Guard, mcp::McpScopes};
///
/// struct Confirmation;
///
/// impl Purpose for Confirmation {
///     const NAME: &'static str = "files.confirmation";
///     type Content = String;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seal = Seal::<Confirmation>::new(SealKeys::this_process_only(), Duration::from_secs(300));
/// # let issuer = Issuer::start("https://files.example.com/mcp".parse()?).await?;
/// # let guard = Guard::<McpScopes>::builder(issuer.resource().clone()).issuer(issuer.id().clone()).build()?;
/// # let bearer = format!("Bearer {}", issuer.token().mint());
/// # let request = http::Request::get("/").header("authorization", bearer).body(())?;
/// # let auth: Authorized<()> = guard.authorize(&mut request.into_parts().0).await?;
/// let state = seal.seal(&auth, "tools/call delete_file", &"a.txt".to_owned())?;
///
/// // It comes back from the client as text.
/// let back = Sealed::<Confirmation>::from_client(state.as_str());
/// assert_eq!(seal.open(&auth, "tools/call delete_file", &back)?, "a.txt");
/// assert!(seal.open(&auth, "tools/call write_file", &back).is_err());
/// # Ok(())
/// # }
/// ```
pub struct Seal<P> {
    keys: SealKeys,
    lifetime: Duration,
    purpose: PhantomData<fn(P) -> P>,
}

/// A value that was sealed for `P`, or that a client says was.
///
/// It is a string to `serde`, so it can stand in the arguments and results of a handler.
pub struct Sealed<P> {
    text: Box<str>,
    purpose: PhantomData<fn(P) -> P>,
}

/// The value could not be sealed: it is no JSON, or there were no random bytes for the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the value cannot be sealed")]
#[non_exhaustive]
pub struct SealError;

/// The value cannot be opened. It does not tell why: a foreign value is answered like an unknown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sealed for this caller, purpose and request, or no longer valid")]
#[non_exhaustive]
pub struct OpenError;

/// The longest sealed text that is looked at.
const LONGEST: usize = 64 * 1024;

const LABEL: &str = "clearance seal 1";

#[derive(Serialize, Deserialize)]
struct Payload<C> {
    /// Seconds since 1970.
    exp: u64,
    is: C,
}

impl<P: Purpose> Seal<P> {
    /// A seal whose values can be opened for as long as `lifetime`.
    pub const fn new(keys: SealKeys, lifetime: Duration) -> Self {
        Self {
            keys,
            lifetime,
            purpose: PhantomData,
        }
    }

    pub(crate) fn seal_for(
        &self,
        owner: &Verified,
        request: &str,
        content: &P::Content,
    ) -> Result<Sealed<P>, SealError> {
        let now = since_1970(owner.rules().clock.now());
        let exp = now.saturating_add(self.lifetime).as_secs();
        let payload = serde_json::to_vec(&Payload { exp, is: content });
        let payload = payload.ok().ok_or(SealError)?;
        let parts = [P::NAME.as_bytes(), request.as_bytes(), &payload];
        let tag = self.keys.seal(LABEL, owner, &parts).ok_or(SealError)?;
        let (payload, tag) = (URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(tag));
        let text = Some(format!("{payload}.{tag}"));
        let text = text.filter(|text| text.len() <= LONGEST).ok_or(SealError)?;
        Ok(Sealed::from_client(text))
    }

    pub(crate) fn open_for(
        &self,
        owner: &Verified,
        request: &str,
        sealed: &Sealed<P>,
    ) -> Result<P::Content, OpenError> {
        let text = Some(&*sealed.text).filter(|text| text.len() <= LONGEST);
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let parts = text.and_then(|text| text.split_once('.'));
        let parts = parts.and_then(|(payload, tag)| Some((decoded(payload)?, decoded(tag)?)));
        let (payload, tag) = parts.ok_or(OpenError)?;
        let parts = [P::NAME.as_bytes(), request.as_bytes(), &payload];
        if !self.keys.opens(LABEL, owner, &parts, &tag) {
            return Err(OpenError);
        }
        let payload: Payload<P::Content> =
            serde_json::from_slice(&payload).ok().ok_or(OpenError)?;
        if since_1970(owner.rules().clock.now()) >= Duration::from_secs(payload.exp) {
            return Err(OpenError);
        }
        Ok(payload.is)
    }
}

impl<P> Clone for Seal<P> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            lifetime: self.lifetime,
            purpose: PhantomData,
        }
    }
}

impl<P> fmt::Debug for Seal<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

impl<P> Sealed<P> {
    /// What a client brought. It is worth nothing until it was opened.
    pub fn from_client(text: impl Into<Box<str>>) -> Self {
        Self {
            text: text.into(),
            purpose: PhantomData,
        }
    }

    /// The text for the client.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<P> Clone for Sealed<P> {
    fn clone(&self) -> Self {
        Self::from_client(self.text.clone())
    }
}

impl<P> fmt::Debug for Sealed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

impl<P> Serialize for Sealed<P> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de, P> Deserialize<'de> for Sealed<P> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Box::<str>::deserialize(from).map(Self::from_client)
    }
}

/// The purpose of task ids: an [`AuthorizationLayer`](crate::AuthorizationLayer) whose policy opens
/// tasks lets `tasks/*` pass for ids that were sealed for it, to their owner, under the policy of the
/// call that made the task.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use clearance::Authorized;
/// use clearance::mcp::ToolsExecute;
/// use clearance::session::{Seal, SealError, Sealed, TaskId, TaskOrigin};
///
/// fn begin(
///     auth: &Authorized<ToolsExecute>,
///     ids: &Seal<TaskId>,
///     random: &str,
/// ) -> Result<Sealed<TaskId>, SealError> {
///     let origin = TaskOrigin::new("tools/call", "export", random);
///     ids.seal(auth, "", &origin)
/// }
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a marker")]
pub struct TaskId;

impl Purpose for TaskId {
    const NAME: &'static str = "clearance.task";
    type Content = TaskOrigin;
}

/// The call that made a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskOrigin {
    method: Box<str>,
    name: Box<str>,
    key: Box<str>,
    /// What its handlers asked for: all of these, and one scope of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<Vec<Box<str>>>,
}

impl TaskOrigin {
    /// A task that was made by `method` of `name` (`tools/call` of a tool), and that the service itself
    /// knows as `key`.
    ///
    /// The seal is good as long as its keys are, so a `key` must never come again: not on another
    /// machine that has the keys, and not after a restart.
    ///
    /// Behind `clearance::rmcp::Secured` (feature `rmcp-3`) ids are sealed with more than this: what
    /// the handlers of the call asked for. An id that is sealed by hand demands what the policy says.
    pub fn new(method: &str, name: &str, key: &str) -> Self {
        Self {
            method: method.into(),
            name: name.into(),
            key: key.into(),
            needs: Vec::new(),
        }
    }

    /// The same, of a call that needed one scope of each of these.
    #[cfg(feature = "rmcp-3")]
    pub(crate) fn needing(mut self, clauses: Vec<Vec<&str>>) -> Self {
        let owned = |clause: Vec<&str>| clause.into_iter().map(Into::into).collect();
        self.needs = clauses.into_iter().map(owned).collect();
        self
    }

    #[cfg(feature = "rmcp-3")]
    pub(crate) fn needed(&self) -> &[Vec<Box<str>>] {
        &self.needs
    }

    /// The method of the call.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The tool or prompt, or the URI of the resource.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the service itself knows the task.
    pub fn key(&self) -> &str {
        &self.key
    }
}
