//! What a server says that wants another token: the `WWW-Authenticate` field (RFC 9110 section 11.6.1).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use super::scopes::Scopes;
use crate::field::is_token_character;

/// The most bytes, challenges and parameters that are looked at.
const MOST_BYTES: usize = 16 * 1024;
const MOST_CHALLENGES: usize = 32;
const MOST_PARAMETERS: usize = 32;

/// What the challenges for bearer tokens in an answer say.
///
/// All field lines are read, and every challenge in them; those of other schemes are passed over. A
/// challenge for `DPoP` says the same things as one for `Bearer`. An answer without any is a
/// [`Challenge`] that says nothing, and discovery starts from the endpoint alone.
///
/// # Examples
/// ```
/// use clearance::client::Challenge;
/// use http::HeaderMap;
/// use http::header::WWW_AUTHENTICATE;
///
/// let mut headers = HeaderMap::new();
/// let value = r#"Negotiate YII=, Bearer scope="files:read", error="insufficient_scope""#;
/// headers.insert(WWW_AUTHENTICATE, value.parse()?);
/// let challenge = Challenge::from_headers(&headers);
/// assert!(challenge.is_insufficient_scope());
/// assert!(challenge.scopes().is_some_and(|scopes| scopes.contains("files:read")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Specification
/// [RFC 9110 section 11.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1),
/// [RFC 6750 section 3](https://www.rfc-editor.org/rfc/rfc6750#section-3),
/// [RFC 9728 section 5.1](https://www.rfc-editor.org/rfc/rfc9728#section-5.1)
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    resource_metadata: Option<Box<str>>,
    scopes: Option<Scopes>,
    error: Option<Box<str>>,
}

impl Challenge {
    /// What the fields of an answer say.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut read = Reader::default();
        let mut left = MOST_BYTES;
        for line in headers.get_all(WWW_AUTHENTICATE) {
            let line = line.as_bytes();
            let Some(rest) = left.checked_sub(line.len()) else {
                break;
            };
            left = rest;
            read.line(line);
        }
        read.done()
    }

    /// Where the metadata of the resource is, as it was written. It is not to be trusted.
    pub fn resource_metadata(&self) -> Option<&str> {
        self.resource_metadata.as_deref()
    }

    /// The scopes that are needed. An empty list counts as none.
    pub const fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// What was wrong with the token, as RFC 6750 section 3.1 names it. It is not to be trusted.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether the token grants too little, and another may grant enough.
    pub fn is_insufficient_scope(&self) -> bool {
        self.error() == Some("insufficient_scope")
    }

    /// Takes one parameter of a challenge that counts. What an earlier one said stays.
    fn take(&mut self, name: &str, value: String) {
        let has = |name: &str, wanted| name.eq_ignore_ascii_case(wanted);
        if has(name, "resource_metadata") {
            self.resource_metadata.get_or_insert(value.into());
        } else if has(name, "scope") {
            let scopes = Some(Scopes::read([&*value])).filter(|scopes| !scopes.is_empty());
            self.scopes = self.scopes.take().or(scopes);
        } else if has(name, "error") {
            self.error.get_or_insert(value.into());
        }
    }
}

/// Reads challenges one after the other.
#[derive(Default)]
struct Reader {
    found: Challenge,
    challenges: usize,
    parameters: usize,
    /// Whether the challenge that is being read is one that counts.
    counts: bool,
}

impl Reader {
    fn line(&mut self, line: &[u8]) {
        let mut rest = Cursor(line);
        // A parameter belongs to a challenge of its own line.
        self.counts = false;
        loop {
            rest.skip(|byte| matches!(byte, b' ' | b'\t' | b','));
            if rest.0.is_empty() || self.challenges > MOST_CHALLENGES {
                return;
            }
            let name = rest.take(is_token_character);
            if name.is_empty() {
                // Nothing that begins like this means anything; what follows the comma may.
                rest.skip_item();
                continue;
            }
            let before_blanks = rest.0;
            rest.skip(is_blank);
            let had_blanks = before_blanks.len() != rest.0.len();
            if rest.0.first() == Some(&b'=') {
                rest.skip_one();
                rest.skip(is_blank);
                let value = rest.value();
                self.parameter(name, value);
            } else {
                self.scheme(name);
                if had_blanks {
                    rest.skip_token68();
                }
            }
        }
    }

    fn scheme(&mut self, name: &[u8]) {
        self.challenges = self.challenges.saturating_add(1);
        self.parameters = 0;
        self.counts = name.eq_ignore_ascii_case(b"bearer") || name.eq_ignore_ascii_case(b"dpop");
    }

    fn parameter(&mut self, name: &[u8], value: Vec<u8>) {
        self.parameters = self.parameters.saturating_add(1);
        if !self.counts || self.parameters > MOST_PARAMETERS {
            return;
        }
        // What is not UTF-8 is no URL and no scope.
        if let (Ok(name), Ok(value)) = (std::str::from_utf8(name), String::from_utf8(value)) {
            self.found.take(name, value);
        }
    }

    fn done(self) -> Challenge {
        self.found
    }
}

/// What is left of a line.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.0.iter().take_while(|&&byte| fits(byte)).count();
        let (taken, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    fn skip(&mut self, fits: impl Fn(u8) -> bool) {
        self.take(fits);
    }

    fn skip_one(&mut self) {
        self.0 = self.0.get(1..).unwrap_or_default();
    }

    /// A quoted string, or what stands there up to a blank or a comma: URLs are written without quotes,
    /// too.
    fn value(&mut self) -> Vec<u8> {
        if self.0.first() != Some(&b'"') {
            return self.take(|byte| !is_blank(byte) && byte != b',').to_vec();
        }
        self.skip_one();
        let mut value = Vec::new();
        while let [byte, rest @ ..] = self.0 {
            self.0 = rest;
            match byte {
                b'"' => break,
                b'\\' => {
                    value.extend(rest.first());
                    self.skip_one();
                }
                byte => value.push(*byte),
            }
        }
        value
    }

    /// Up to the next comma that stands in no quotes.
    fn skip_item(&mut self) {
        while let [byte, ..] = self.0 {
            match byte {
                b',' => return,
                b'"' => drop(self.value()),
                _ => self.skip_one(),
            }
        }
    }

    /// The `token68` of a scheme, if it has one and no parameters.
    fn skip_token68(&mut self) {
        let before = self.0;
        let letters = self.take(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
        });
        self.skip(|byte| byte == b'=');
        self.skip(is_blank);
        let ends = matches!(self.0.first(), None | Some(b','));
        if letters.is_empty() || !ends {
            self.0 = before;
        }
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
