//! How a person's answer comes back to a program on their machine.
//!
//! The authorization server sends the browser to a redirect URI, and with it what the flow needs. A
//! [`LoopbackReceiver`] listens there, for one redirect, on this machine alone; a [`Browser`] is sent to the
//! authorization server. Where there is no browser, [`print_url`] tells the person where to go.
//!
//! `hyper`, which the HTTP client brings anyway, reads the request.
//!
//! # Specification
//! [RFC 8252 section 7.3](https://www.rfc-editor.org/rfc/rfc8252#section-7.3)

mod answer;
mod browser;
mod receiver;

pub use browser::{Browser, OpenError, UrlOpener, print_url};
pub use receiver::{Loopback, LoopbackReceiver, ReceiveError, ReceiverOptions};
