//! Asking a person.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::client::redirect::{
    Browser, LoopbackReceiver, OpenError, ReceiveError, ReceiverOptions, UrlOpener,
};
use crate::client::{Redirect, RedirectUri};

/// What an interaction gives later.
pub type Visited<'a, T> = Pin<Box<dyn Future<Output = Result<T, InteractionError>> + Send + 'a>>;

/// How the person at a client is sent to an authorization server, and comes back.
///
/// [`LoopbackLogin`] is one for programs on the person's own machine. A server that acts for people sends
/// their browsers there itself, and waits for them at a URI of its own.
pub trait Interaction: fmt::Debug + Send + Sync {
    /// Makes a place to come back to. It is dropped when it is not needed.
    fn begin(&self) -> Visited<'_, Box<dyn Visit>>;
}

/// A place to come back to.
pub trait Visit: Send + Sync {
    /// Where the person will come back to.
    fn redirect_uri(&self) -> &str;

    /// Sends the person to `url`, and waits for the whole redirect with which they come back.
    fn visit(self: Box<Self>, url: &str) -> Visited<'_, Redirect>;
}

/// Why a person could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InteractionError {
    /// The person has given up.
    #[error("the person has given up")]
    Cancelled,
    /// The URL could not be shown.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// They did not come back.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// The place to come back to has no redirect URI that is safe.
    #[error("the place to come back to has no redirect URI")]
    RedirectUri,
    /// There is nobody to be asked.
    #[error("there is nobody to be asked")]
    Unavailable,
}

impl InteractionError {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "interaction_cancelled",
            Self::Open(_) => "browser_not_opened",
            Self::Receive(_) => "redirect_not_received",
            Self::RedirectUri => "redirect_uri_unusable",
            Self::Unavailable => "nobody_to_ask",
        }
    }
}

/// Opens the browser of the person at this machine, and waits on the loopback interface.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use clearance::client::layer::LoopbackLogin;
/// use clearance::client::redirect::{OpenError, UrlOpener, print_url};
///
/// /// For machines without a browser.
/// #[derive(Debug)]
/// struct Printed;
///
/// impl UrlOpener for Printed {
///     fn open(&self, url: &str) -> Result<(), OpenError> {
///         print_url(url)
///     }
/// }
///
/// let login = LoopbackLogin::new().opened_by(Arc::new(Printed));
/// # let _ = login;
/// ```
#[derive(Clone, Debug)]
pub struct LoopbackLogin {
    receiver: ReceiverOptions,
    opener: Arc<dyn UrlOpener>,
}

impl LoopbackLogin {
    /// With the system's browser, a free port, and five minutes of time.
    pub fn new() -> Self {
        Self {
            receiver: LoopbackReceiver::options(),
            opener: Arc::new(Browser),
        }
    }

    /// Waits like this.
    #[must_use]
    pub fn received_by(mut self, receiver: ReceiverOptions) -> Self {
        self.receiver = receiver;
        self
    }

    /// Opens the URL like this.
    #[must_use]
    pub fn opened_by(mut self, opener: Arc<dyn UrlOpener>) -> Self {
        self.opener = opener;
        self
    }
}

impl Default for LoopbackLogin {
    fn default() -> Self {
        Self::new()
    }
}

impl Interaction for LoopbackLogin {
    fn begin(&self) -> Visited<'_, Box<dyn Visit>> {
        Box::pin(async move {
            let receiver = self.receiver.clone().bind().await?;
            let opener = Arc::clone(&self.opener);
            let visit: Box<dyn Visit> = Box::new(LoopbackVisit { receiver, opener });
            Ok(visit)
        })
    }
}

struct LoopbackVisit {
    receiver: LoopbackReceiver,
    opener: Arc<dyn UrlOpener>,
}

impl Visit for LoopbackVisit {
    fn redirect_uri(&self) -> &str {
        self.receiver.redirect_uri()
    }

    fn visit(self: Box<Self>, url: &str) -> Visited<'_, Redirect> {
        Box::pin(async move {
            self.opener.open(url)?;
            Ok(self.receiver.receive().await?)
        })
    }
}

/// Where the person comes back to.
pub(super) fn redirect_uri(visit: &dyn Visit) -> Result<RedirectUri, InteractionError> {
    let uri = visit.redirect_uri().parse();
    uri.ok().ok_or(InteractionError::RedirectUri)
}
