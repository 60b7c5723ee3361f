//! Revocations as they stand in Redis: under a name that is a code, and sealed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::id::{ClientId, Issuer, IssuerSession, Subject, TokenId};
use crate::lifecycle::{Revocation, RevocationTarget};

/// The longest sealed entry that is looked at.
const LONGEST: usize = 64 * 1024;

/// The length of a text is rounded up to a multiple of this, so that it tells little.
const ROUND: usize = 64;

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// The same for the same revocation, so that writing it twice changes nothing.
    pub(super) name: String,
    pub(super) sealed: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Text<'t> {
    /// Nothing for all resources.
    #[serde(borrow)]
    resource: Option<std::borrow::Cow<'t, str>>,
    issuer: &'t str,
    kind: Kind,
    #[serde(borrow)]
    name: std::borrow::Cow<'t, str>,
    /// Since 1970.
    seconds: i64,
    nanoseconds: u32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "jti")]
    Token,
    #[serde(rename = "sub")]
    Subject,
    #[serde(rename = "client")]
    Client,
    #[serde(rename = "sid")]
    Session,
}

impl Entry {
    /// Nothing if it does not say until when, or cannot be sealed.
    pub(super) fn of(revocation: &Revocation, keys: &Keys) -> Option<Self> {
        let until = revocation.until()?;
        let (kind, name) = match revocation.target() {
            RevocationTarget::OneToken(id) => (Kind::Token, id.as_str()),
            RevocationTarget::AllOfSubject(subject) => (Kind::Subject, subject.as_str()),
            RevocationTarget::AllOfClient(client) => (Kind::Client, client.as_str()),
            RevocationTarget::AllOfSession(session) => (Kind::Session, session.as_str()),
        };
        let resource = revocation.resource();
        let text = Text {
            resource: resource.map(|resource| resource.as_str().into()),
            issuer: revocation.issuer().as_str(),
            kind,
            name: name.into(),
            seconds: until.timestamp(),
            nanoseconds: until.timestamp_subsec_nanos(),
        };
        let mut text = serde_json::to_vec(&text).ok()?;
        // The moment is part of the name: one that is revoked again, until later, is another entry, and
        // nobody has to compare the two.
        let name = keys.code("revocation", &[&text]);
        text.resize(text.len().checked_next_multiple_of(ROUND)?, b' ');
        let sealed = keys.seal(&name, text)?;
        Some(Self { name, sealed })
    }
}

/// What stands there, if a machine with the key wrote it.
pub(super) fn read(name: &[u8], sealed: &[u8], keys: &Keys) -> Option<Revocation> {
    let name = std::str::from_utf8(name).ok()?;
    let sealed = Some(sealed).filter(|sealed| sealed.len() <= LONGEST)?;
    let text = keys.open(name, sealed)?;
    let text: Text<'_> = serde_json::from_slice(&text).ok()?;
    let issuer: Issuer = text.issuer.parse().ok()?;
    let until: DateTime<Utc> = DateTime::from_timestamp(text.seconds, text.nanoseconds)?;
    let revocation = match text.kind {
        Kind::Token => Revocation::of_token(issuer, TokenId::new(&*text.name)),
        Kind::Subject => Revocation::of_subject(issuer, Subject::new(&*text.name)),
        Kind::Client => Revocation::of_client(issuer, ClientId::new(&*text.name)),
        Kind::Session => Revocation::of_session(issuer, IssuerSession::new(&*text.name)),
    };
    let revocation = revocation.issued_until(until);
    Some(match text.resource {
        Some(resource) => revocation.at(resource.parse().ok()?),
        None => revocation,
    })
}

#[cfg(test)]
mod tests {
    use super::super::SharedKey;
    use super::*;

    #[test]
    fn entries_say_what_was_revoked_to_those_with_the_key() {
        let keys = |byte| Keys::new("files", &SharedKey::from_bytes(&[byte; 32])).unwrap();
        let (own, foreign) = (keys(1), keys(2));
        let issuer: Issuer = "https://as.example/a".parse().unwrap();
        let until = DateTime::from_timestamp(1_767_225_600, 123_456_789).unwrap();
        let odd = "a\"\\\u{0}\u{1f600} b";
        let all = [
            Revocation::of_token(issuer.clone(), TokenId::new(odd)),
            Revocation::of_subject(issuer.clone(), Subject::new(odd)),
            Revocation::of_client(issuer.clone(), ClientId::new(odd)),
            Revocation::of_session(issuer.clone(), IssuerSession::new(odd)),
        ];
        let mut names = std::collections::BTreeSet::new();
        for one in all {
            assert!(Entry::of(&one, &own).is_none());
            let one = one.issued_until(until);
            let elsewhere = one.clone().at("https://files.example/b?c".parse().unwrap());
            let entry = Entry::of(&elsewhere, &own).unwrap();
            assert!(names.insert(entry.name.clone()));
            let read_again = read(entry.name.as_bytes(), &entry.sealed, &own);
            assert_eq!(read_again, Some(elsewhere));
            let entry = Entry::of(&one, &own).unwrap();
            let again = Entry::of(&one, &own).unwrap();
            assert_eq!(entry.name, again.name);
            assert_ne!(entry.sealed, again.sealed);
            let name = entry.name.as_bytes();
            assert_eq!(read(name, &entry.sealed, &own), Some(one));
            assert_eq!(read(name, &entry.sealed, &foreign), None);
            assert_eq!(read(b"other", &entry.sealed, &own), None);
            assert!(names.insert(entry.name));
        }
    }
}
