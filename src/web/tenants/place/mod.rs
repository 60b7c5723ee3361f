//! Where tenants are: a resource identifier with a gap for the tenant's name.

#[cfg(test)]
mod tests;

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;

use crate::id::{IdentifierError, Resource};

/// The gap.
const GAP: &str = "{tenant}";
/// What stands in the gap while the identifier around it is checked.
const STAND_IN: &str = "tenant";
/// Before the path of a resource, where its metadata is (RFC 9728 section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// As long as a name of a host can be (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 253;

/// The name of a tenant: what stands in its resource identifier where the [place](super::Tenants::builder)
/// of all tenants has its gap.
///
/// It is one segment of a path, of letters, digits, `-`, `.`, `_` and `~`, which does not begin with a dot;
/// or, in lower case, one label of a host, or a whole host. Nothing else reaches a [loader](super::TenantLoader).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantName(Arc<str>);

/// Why a text is not a place for tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// `{tenant}` does not stand in it, or more than once.
    #[error("a place has `{{tenant}}` in it, once")]
    Gap,
    /// It is no identifier of a resource with a name in the gap.
    #[error("a place is a resource identifier with a gap: {0}")]
    Identifier(#[from] IdentifierError),
    /// The gap is neither a whole segment of the path nor the beginning of the host.
    #[error("`{{tenant}}` is a whole segment of the path, or the host, or its first label")]
    Part,
    /// It has a query, by which no tenant is chosen.
    #[error("a place has no query")]
    Query,
}

/// Where tenants are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    text: Box<str>,
    /// Up to the gap.
    before: Box<str>,
    after: Box<str>,
    by: By,
}

/// By what a tenant is chosen.
#[derive(Clone, Debug)]
enum By {
    /// What follows the name in the authority, and whether the name may have dots.
    Host { rest: Box<str>, is_whole: bool },
    /// The path up to the name.
    Path { before: Box<str> },
}

/// The request is not written as any tenant's is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// Its path leads up or stays, as some read it.
    Path,
    /// It names two hosts, or the same one twice.
    Host,
}

impl TenantName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }
}

impl Place {
    pub(super) fn parse(text: &str) -> Result<Self, PlaceError> {
        let (before, after) = text.split_once(GAP).ok_or(PlaceError::Gap)?;
        if after.contains(GAP) {
            return Err(PlaceError::Gap);
        }
        let whole: Resource = [before, STAND_IN, after].concat().parse()?;
        if whole.as_str().contains('?') {
            return Err(PlaceError::Query);
        }
        let (scheme, rest) = before.split_once("://").ok_or(PlaceError::Part)?;
        let by = match rest.find('/') {
            None if rest.is_empty() => {
                let end = after.find('/').unwrap_or(after.len());
                let (rest, _) = after.split_at_checked(end).ok_or(PlaceError::Part)?;
                let is_whole = rest.is_empty() || rest.starts_with(':');
                if !is_whole && !rest.starts_with('.') {
                    return Err(PlaceError::Part);
                }
                By::Host {
                    rest: rest.to_ascii_lowercase().into(),
                    is_whole,
                }
            }
            Some(at) if before.ends_with('/') && (after.is_empty() || after.starts_with('/')) => {
                let (_, path) = rest.split_at_checked(at).ok_or(PlaceError::Part)?;
                By::Path {
                    before: path.into(),
                }
            }
            _ => return Err(PlaceError::Part),
        };
        let (_, authority_and_more) = before.split_at_checked(scheme.len()).unwrap_or_default();
        Ok(Self {
            text: text.into(),
            before: [&*scheme.to_ascii_lowercase(), authority_and_more]
                .concat()
                .into(),
            after: after.into(),
            by,
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The name of the tenant that has this resource, if it is here.
    pub(super) fn name_of(&self, resource: &Resource) -> Option<TenantName> {
        let text = resource.as_str();
        let name = match &self.by {
            By::Host { .. } => {
                let rest = strip_start(text, &self.before)?;
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end)?;
                let expected = self.after.find('/').unwrap_or(self.after.len());
                let (_, expected) = self.after.split_at_checked(expected)?;
                (path == expected).then_some(())?;
                self.name_in(authority)?
            }
            By::Path { before } => {
                let origin = self.before.strip_suffix(&**before)?;
                let path = strip_start(text, origin)?;
                let name = path.strip_prefix(&**before)?.strip_suffix(&*self.after)?;
                is_segment(name).then_some(Cow::Borrowed(name))?
            }
        };
        Some(TenantName::new(&name))
    }

    /// A name as it is known here: hosts have no upper case.
    pub(super) fn known_as<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match &self.by {
            By::Host { .. } => lower(name),
            By::Path { .. } => Cow::Borrowed(name),
        }
    }

    /// The name of the tenant that a request is for, if it is for one. Nothing but its path, or its host,
    /// is looked at.
    pub(super) fn choose<'r>(&self, parts: &'r Parts) -> Result<Option<Cow<'r, str>>, Odd> {
        let path = parts.uri.path();
        if leads_elsewhere(path) {
            return Err(Odd::Path);
        }
        match &self.by {
            By::Host { .. } => Ok(host(parts)?.and_then(|authority| self.name_in(authority))),
            By::Path { before } => {
                let path = match path.strip_prefix(WELL_KNOWN) {
                    Some(path) if path.starts_with('/') => path,
                    _ => path,
                };
                let rest = path.strip_prefix(&**before);
                let name = rest.and_then(|rest| rest.split('/').next());
                Ok(name.filter(|name| is_segment(name)).map(Cow::Borrowed))
            }
        }
    }

    /// The name in the authority of a URI or in `Host`.
    fn name_in<'a>(&self, authority: &'a str) -> Option<Cow<'a, str>> {
        let By::Host { rest, is_whole } = &self.by else {
            return None;
        };
        let end = authority.len().checked_sub(rest.len())?;
        let (name, found) = authority.split_at_checked(end)?;
        let fits = found.eq_ignore_ascii_case(rest) && is_host(name, *is_whole);
        fits.then(|| lower(name))
    }
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// What follows `start`, whose letters may be of either case: it is a scheme and a host.
fn strip_start<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let (found, rest) = text.split_at_checked(start.len())?;
    found.eq_ignore_ascii_case(start).then_some(rest)
}

/// One segment of a path that nobody reads in two ways.
fn is_segment(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.starts_with('.')
        && name.bytes().all(fits)
}

/// One label of a host, or several where that may be.
fn is_host(name: &str, with_dots: bool) -> bool {
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(fits)
    };
    name.len() <= LONGEST_NAME
        && (with_dots || !name.contains('.'))
        && name.split('.').all(is_label)
}

/// The host that a request is for.
fn host(parts: &Parts) -> Result<Option<&str>, Odd> {
    let mut fields = parts.headers.get_all(HOST).iter();
    let field = match (fields.next(), fields.next()) {
        (_, Some(_)) => return Err(Odd::Host),
        (Some(field), None) => Some(field.to_str().ok().ok_or(Odd::Host)?),
        (None, None) => None,
    };
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    match (field, authority) {
        (Some(field), Some(authority)) if !field.eq_ignore_ascii_case(authority) => Err(Odd::Host),
        _ => Ok(field.or(authority)),
    }
}

/// Whether a segment of the path is one or two dots to anybody: encoded however often, behind an encoded slash,
/// or with parameters (RFC 3986 section 3.3).
fn leads_elsewhere(path: &str) -> bool {
    let is_suspect = path.contains("/.") || path.contains('%') || path.contains('\\');
    is_suspect && has_dots(path.as_bytes())
}

fn has_dots(mut path: &[u8]) -> bool {
    // How many dots a segment is until now, if it is nothing else; and whether the rest of it is left out.
    let (mut dots, mut is_over) = (Some(0_u8), false);
    let are_dots = |dots| matches!(dots, Some(1 | 2));
    while let Some((byte, rest)) = decoded(path) {
        path = rest;
        match byte {
            b'/' | b'\\' if are_dots(dots) => return true,
            b'/' | b'\\' => (dots, is_over) = (Some(0), false),
            _ if is_over => {}
            b';' | b'?' | b'#' | 0 => is_over = true,
            b'.' => dots = dots.and_then(|dots| dots.checked_add(1)),
            _ => dots = None,
        }
    }
    are_dots(dots)
}

/// The first byte, decoded until it is plain, and what follows it.
fn decoded(path: &[u8]) -> Option<(u8, &[u8])> {
    let (first, mut rest) = path.split_first()?;
    if *first != b'%' {
        return Some((*first, rest));
    }
    while let Some(after) = rest.strip_prefix(b"25") {
        rest = after;
    }
    let digits = rest.split_at_checked(2).and_then(|(digits, after)| {
        let digits = std::str::from_utf8(digits).ok()?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        Some((byte, after))
    });
    Some(digits.unwrap_or((b'%', rest)))
}

impl Borrow<str> for TenantName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
