//! Sending a person to the authorization server.
//!
//! Programs are started by this library itself: the crate `open` starts a shell on Windows, and `webbrowser`
//! brings thirty crates more. What is left is one command for each system.

use std::fmt;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::thread;

use url::{Host, Url};

/// Opens a URL where a person sees it.
pub trait UrlOpener: fmt::Debug + Send + Sync {
    /// Opens the URL, and does not wait until somebody has read it.
    ///
    /// # Errors
    /// [`OpenError`] if it is not opened.
    fn open(&self, url: &str) -> Result<(), OpenError>;
}

/// The browser of the person who runs this program.
///
/// No shell reads the URL: it is one argument of one program, as it is. It is `https`, or `http` with a
/// loopback host, and has the characters of a URL.
///
/// # Examples
/// ```
/// use clearance::client::redirect::{Browser, OpenError, UrlOpener};
///
/// assert_eq!(Browser.open("file:///etc/passwd"), Err(OpenError::Url));
/// assert_eq!(Browser.open("javascript:alert(1)"), Err(OpenError::Url));
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a unit struct; there is nothing to add"
)]
pub struct Browser;

/// Why a URL was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no program that could open it. [`print_url`] needs none.
    #[error("no browser can be started: {0}")]
    Program(io::ErrorKind),
    /// It is no URL for a browser.
    #[error("not an https URL, nor one of this machine")]
    Url,
}

impl UrlOpener for Browser {
    fn open(&self, url: &str) -> Result<(), OpenError> {
        if !is_for_a_browser(url) {
            return Err(OpenError::Url);
        }
        let (program, before) = PROGRAM;
        let mut child = Command::new(program)
            .args(before)
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| OpenError::Program(error.kind()))?;
        // The program may last as long as the browser. When it ends, somebody has to take note.
        thread::spawn(move || child.wait());
        Ok(())
    }
}

/// What opens URLs, and the arguments before the URL.
const PROGRAM: (&str, &[&str]) = if cfg!(target_os = "windows") {
    // Not `cmd /c start`, which is a shell.
    ("rundll32.exe", &["url.dll,FileProtocolHandler"])
} else if cfg!(target_os = "macos") {
    ("open", &[])
} else {
    ("xdg-open", &[])
};

/// Writes to standard error where to go, for a person without a browser on this machine.
///
/// # Errors
/// [`OpenError::Url`] if it is no URL for a browser, and [`OpenError::Program`] if nobody can read it.
pub fn print_url(url: &str) -> Result<(), OpenError> {
    if !is_for_a_browser(url) {
        return Err(OpenError::Url);
    }
    writeln!(io::stderr(), "Open this in a browser:\n\n  {url}\n")
        .map_err(|error| OpenError::Program(error.kind()))
}

/// Whether the text is a URL of a page: with the characters of RFC 3986 alone, so that it is for all programs
/// the same one.
fn is_for_a_browser(text: &str) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if !text.bytes().all(is_plain) {
        return false;
    }
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        },
        _ => false,
    }
}
