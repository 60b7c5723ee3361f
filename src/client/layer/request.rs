//! Requests and answers, as far as the layer looks at them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Empty, Full};
use url::Url;

/// A request that a client sends: one of `http`, or one of `reqwest`.
pub trait OutgoingRequest: Sized + Send {
    /// Where it goes.
    fn target(&self) -> Target<'_>;

    /// The fields of its head.
    fn headers_mut(&mut self) -> &mut HeaderMap;

    /// The same request again, if it can be sent twice.
    fn replay(&self) -> Option<Self>;
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Target<'a> {
    /// It has the scheme and the authority in it; else nothing is known about it.
    Uri(&'a Uri),
    /// The whole URL.
    Url(&'a Url),
}

/// What a request is answered.
pub trait IncomingResponse {
    /// The status.
    fn status(&self) -> StatusCode;

    /// The fields of its head.
    fn headers(&self) -> &HeaderMap;
}

/// The body of a request, which can perhaps be sent twice.
pub trait ReplayBody: Sized + Send {
    /// The same body again, if there is one: it is a stream of which nothing is left otherwise.
    fn replay(&self) -> Option<Self>;
}

macro_rules! cloned {
    ($($body:ty),*) => {
        $(impl ReplayBody for $body {
            fn replay(&self) -> Option<Self> {
                Some(self.clone())
            }
        })*
    };
}

cloned!(
    (),
    Bytes,
    Empty<Bytes>,
    Full<Bytes>,
    String,
    Vec<u8>,
    &'static str,
    &'static [u8]
);

pin_project_lite::pin_project! {
    /// A body that is sent once, whatever it is.
    #[derive(Clone, Copy, Debug, Default)]
    pub struct OneShot<B> {
        #[pin]
        body: B,
    }
}

impl<B> OneShot<B> {
    /// Of this body nothing is left when it was sent.
    pub const fn new(body: B) -> Self {
        Self { body }
    }
}

impl<B: Send> ReplayBody for OneShot<B> {
    fn replay(&self) -> Option<Self> {
        None
    }
}

impl<B: Body> Body for OneShot<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: ReplayBody> OutgoingRequest for http::Request<B> {
    fn target(&self) -> Target<'_> {
        Target::Uri(self.uri())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn replay(&self) -> Option<Self> {
        let mut again = Self::new(self.body().replay()?);
        *again.method_mut() = self.method().clone();
        *again.uri_mut() = self.uri().clone();
        *again.version_mut() = self.version();
        *again.headers_mut() = self.headers().clone();
        *again.extensions_mut() = self.extensions().clone();
        Some(again)
    }
}

impl<B> IncomingResponse for http::Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}

impl OutgoingRequest for reqwest::Request {
    fn target(&self) -> Target<'_> {
        Target::Url(self.url())
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers_mut()
    }

    fn replay(&self) -> Option<Self> {
        self.try_clone()
    }
}

impl IncomingResponse for reqwest::Response {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }
}
