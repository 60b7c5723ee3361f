//! Whom a genuine token speaks of that is not accepted.

use super::acceptance::Acceptance;
use super::reading::Reading;
use super::state::Statement;
use crate::id::{ClientId, Issuer, KeyId, Subject};

/// Whom a genuine token speaks of that is not accepted, for whoever writes that down: its issuer says so, and
/// nothing follows from it.
#[derive(Debug)]
pub(crate) struct Claimant {
    pub(crate) issuer: Issuer,
    pub(crate) subject: Option<Subject>,
    pub(crate) client: Option<ClientId>,
    /// The name of the key that signed the token.
    pub(crate) key_id: Option<KeyId>,
}

impl Claimant {
    pub(super) fn of(
        statement: &Statement,
        acceptance: &Acceptance,
        key_id: Option<&KeyId>,
    ) -> Self {
        let reading = Reading::of(statement, acceptance).ok();
        let reading = reading.as_ref();
        Self {
            issuer: statement.issuer.clone(),
            subject: reading.and_then(Reading::subject).map(Subject::new),
            client: reading.and_then(Reading::client).map(ClientId::new),
            key_id: key_id.cloned(),
        }
    }

    /// How many bytes its names are.
    pub(crate) fn length(&self) -> usize {
        let subject = self.subject.as_ref().map(|subject| subject.as_str().len());
        let client = self.client.as_ref().map(|client| client.as_str().len());
        let length = subject.unwrap_or_default();
        length.saturating_add(client.unwrap_or_default())
    }
}
