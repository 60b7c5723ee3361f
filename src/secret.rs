//! What must never be shown: the text of an access token, and a client's secret.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use aws_lc_rs::constant_time;
#[cfg(any(feature = "client", feature = "redis"))]
use aws_lc_rs::hmac;
use http::HeaderValue;
#[cfg(feature = "fetch")]
use zeroize::ZeroizeOnDrop;
use zeroize::Zeroizing;

/// The text of an access token, as a client presented it.
///
/// It is one `b64token` (letters, digits and `-._~+/`, then optional `=`), and nothing else is
/// known about it. It cannot be cloned, printed or compared; only the parser in
/// [`token`](crate::token) reads it.
///
/// A text that was [copied](Self::from_bytes) is wiped from memory when it is dropped. One that came
/// in a request is not: it stands in the buffers of the server that read the request, and is not copied
/// out of them.
///
/// # Specification
/// [RFC 6750 section 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)
pub struct BearerToken(Text);

enum Text {
    Own(Zeroizing<Box<[u8]>>),
    /// Where it stands in the field that brought it. The server shares its buffer with the field, so
    /// nothing is copied.
    Field {
        value: HeaderValue,
        start: usize,
    },
}

/// The text is not one `b64token`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a bearer token as RFC 6750 section 2.1 writes it")]
#[non_exhaustive]
pub struct BearerSyntaxError;

impl BearerToken {
    /// Takes the bytes of a credential as an access token.
    ///
    /// # Errors
    /// [`BearerSyntaxError`] if the bytes are not one `b64token`.
    ///
    /// # Examples
    /// ```
    /// use clearance::secret::BearerToken;
    ///
    /// let token = BearerToken::from_bytes(b"eyJhbGciOiJFUzI1NiJ9.e30.c2ln")?;
    /// assert_eq!(format!("{token:?}"), "BearerToken(..)");
    /// assert!(BearerToken::from_bytes(b"two words").is_err());
    /// # Ok::<(), clearance::secret::BearerSyntaxError>(())
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BearerSyntaxError> {
        check(bytes)?;
        Ok(Self(Text::Own(Zeroizing::new(bytes.into()))))
    }

    /// The text, ASCII, for the parser and for nothing else.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// What a client presented as an access token. Whether it is written as one is not looked at yet: what
/// is known, letter by letter, was looked at before.
pub(crate) struct Presented(Text);

impl Presented {
    /// What stands in a field's value from `start` on.
    pub(crate) const fn of_field(value: HeaderValue, start: usize) -> Self {
        Self(Text::Field { value, start })
    }

    /// The bytes, for the table of known tokens and for nothing else.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The token, if it is written as one.
    pub(crate) fn into_token(self) -> Result<BearerToken, BearerSyntaxError> {
        check(self.expose())?;
        Ok(BearerToken(self.0))
    }
}

/// Authenticates these parts, each with its length before it, so that none can be continued by the next.
#[cfg(any(feature = "client", feature = "redis"))]
#[expect(single_use_lifetimes, reason = "an anonymous one is not stable here")]
pub(crate) fn authenticated<'p>(
    key: &hmac::Key,
    parts: impl IntoIterator<Item = &'p [u8]>,
) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_le_bytes());
        context.update(part);
    }
    context.sign()
}

/// What a guard keeps of a caller's token for as long as its proofs live: nothing, unless the guard was
/// told to, so that it can be exchanged at its own issuer.
#[derive(Clone)]
pub(crate) struct Kept(#[cfg(feature = "client")] Option<std::sync::Arc<BearerToken>>);

impl Kept {
    /// A copy, which is wiped when the last proof is gone.
    #[cfg(feature = "client")]
    pub(crate) fn of(presented: &Presented) -> Self {
        let token = BearerToken::from_bytes(presented.expose());
        Self(token.ok().map(std::sync::Arc::new))
    }

    /// For the exchange at its issuer, and for nothing else.
    #[cfg(feature = "client")]
    pub(crate) fn token(&self) -> Option<&BearerToken> {
        self.0.as_deref()
    }
}

impl Kept {
    pub(crate) const NOTHING: Self = Self(
        #[cfg(feature = "client")]
        None,
    );
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(..)")
    }
}

impl Text {
    fn expose(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Field { value, start } => value.as_bytes().get(*start..).unwrap_or_default(),
        }
    }
}

/// The secret by which a client proves who it is (RFC 6749 section 2.3.1).
///
/// It cannot be cloned, printed or compared, and it is wiped from memory when it is dropped.
///
/// # Examples
/// ```
/// use clearance::credentials::ClientSecret;
///
/// let secret = ClientSecret::new("correct horse battery staple");
/// assert_eq!(format!("{secret:?}"), "ClientSecret(..)");
/// ```
#[cfg(feature = "fetch")]
#[derive(ZeroizeOnDrop)]
pub struct ClientSecret(String);

#[cfg(feature = "fetch")]
impl ClientSecret {
    /// Takes the text as a secret. A `String` is not copied; other copies are the caller's to wipe.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for requests to the authorization server and for nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "fetch")]
impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(..)")
    }
}

/// Whether two secrets are the same, in a time that says nothing about where they differ.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// What is in this file, which is wiped from memory: `most` bytes at most.
///
/// # Errors
/// Also if it is no file: whoever reads from a pipe may wait for ever, and a device may have no end.
pub(crate) fn read_file(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        let is_directory = about.is_dir();
        return Err(if is_directory {
            io::ErrorKind::IsADirectory.into()
        } else {
            io::ErrorKind::InvalidInput.into()
        });
    }
    let length = usize::try_from(about.len()).unwrap_or(usize::MAX);
    if length > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    // A byte more tells that there is more: it may have grown meanwhile, and the system may not know how
    // long it is. As this never grows, no copy is left behind.
    let mut content = Zeroizing::new(vec![0; most.saturating_add(1)]);
    let mut read = 0_usize;
    let mut file = fs::File::open(path)?;
    while let Some(free @ [_, ..]) = content.get_mut(read..) {
        match file.read(free) {
            Ok(0) => break,
            Ok(more) => read = read.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if read > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    content.truncate(read);
    Ok(content)
}

fn check(bytes: &[u8]) -> Result<(), BearerSyntaxError> {
    let padding = bytes.iter().rev().take_while(|&&byte| byte == b'=').count();
    let body = bytes
        .get(..bytes.len().saturating_sub(padding))
        .unwrap_or_default();
    // Without a way out of the loop it is compiled to a few wide instructions.
    let all_fit = body
        .iter()
        .fold(true, |fit, &byte| fit & is_token_byte(byte));
    if body.is_empty() || !all_fit {
        return Err(BearerSyntaxError);
    }
    Ok(())
}

#[expect(
    clippy::needless_bitwise_bool,
    reason = "branches cost more than they save here"
)]
const fn is_token_byte(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // `-`, `.`, `/` and the digits follow one another.
    let digit = byte.wrapping_sub(b'-') < 13;
    letter | digit | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(..)")
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}
