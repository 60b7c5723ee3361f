//! What the issuer's server serves: metadata and keys, with faults and counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::fault::{Document, Fault};
use super::keyring::Keyring;

/// The documents of one issuer.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) origin: String,
    pub(super) path: String,
    pub(super) documents: Vec<Document>,
    state: Mutex<State>,
    metadata_hits: AtomicU64,
    jwks_hits: AtomicU64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) keyring: Keyring,
    /// Served in place of the keyring's keys.
    pub(super) other_jwks: Option<String>,
    pub(super) metadata_fault: Fault,
    pub(super) jwks_fault: Fault,
    pub(super) targets: Vec<String>,
}

/// One answer, and the manner in which it is sent.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) manner: Manner,
}

#[derive(Debug)]
pub(super) enum Manner {
    Disconnect,
    Endless,
    Hang,
    Slow(Duration),
    Truncated,
    Whole,
}

impl Site {
    pub(super) fn new(
        origin: String,
        path: String,
        documents: Vec<Document>,
        keyring: Keyring,
    ) -> Self {
        let state = State {
            keyring,
            other_jwks: None,
            metadata_fault: Fault::None,
            jwks_fault: Fault::None,
            targets: Vec::new(),
        };
        let (metadata_hits, jwks_hits) = (AtomicU64::new(0), AtomicU64::new(0));
        Self {
            origin,
            path,
            documents,
            state: Mutex::new(state),
            metadata_hits,
            jwks_hits,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn issuer(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    pub(super) fn jwks_uri(&self) -> String {
        format!("{}{}/jwks", self.origin, self.folder())
    }

    /// The path without a slash at its end, as RFC 8414 section 3.1 wants it.
    fn folder(&self) -> &str {
        self.path.trim_end_matches('/')
    }

    pub(super) fn metadata_hits(&self) -> u64 {
        self.metadata_hits.load(Ordering::SeqCst)
    }

    pub(super) fn jwks_hits(&self) -> u64 {
        self.jwks_hits.load(Ordering::SeqCst)
    }

    /// Counts a request for `target` and decides what it gets.
    pub(super) fn answer(&self, target: &str) -> Answer {
        let mut state = self.state();
        state.targets.push(target.to_owned());
        let path = target.split('?').next().unwrap_or_default();
        if path == format!("{}/jwks", self.folder()) {
            self.jwks_hits.fetch_add(1, Ordering::SeqCst);
            return Answer::faulty(&state.jwks_fault, state.jwks());
        }
        let mut places = Document::at(path, self.folder()).peekable();
        if places.peek().is_none() {
            return Answer::not_found();
        }
        self.metadata_hits.fetch_add(1, Ordering::SeqCst);
        let fault = &state.metadata_fault;
        let served = places.any(|place| self.documents.contains(&place));
        // A document that is not there cannot be wrong, but a server can be for every request.
        if served
            || !matches!(
                fault,
                Fault::None | Fault::OtherIssuer(_) | Fault::JwksUri(_)
            )
        {
            return Answer::faulty(fault, self.metadata(fault));
        }
        Answer::not_found()
    }

    fn metadata(&self, fault: &Fault) -> String {
        let own = self.issuer();
        let folder = format!("{}{}", self.origin, self.folder());
        let issuer = if let Fault::OtherIssuer(other) = fault {
            other
        } else {
            &own
        };
        let own_uri = self.jwks_uri();
        let jwks_uri = if let Fault::JwksUri(other) = fault {
            other
        } else {
            &own_uri
        };
        json!({
            "issuer": issuer,
            "jwks_uri": jwks_uri,
            "authorization_endpoint": format!("{folder}/authorize"),
            "token_endpoint": format!("{folder}/token"),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })
        .to_string()
    }
}

impl State {
    /// The key set as it is published now.
    pub(super) fn jwks(&self) -> String {
        self.other_jwks
            .clone()
            .unwrap_or_else(|| self.keyring.jwks())
    }
}

impl Answer {
    fn whole(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            location: None,
            body: body.into(),
            manner: Manner::Whole,
        }
    }

    pub(super) fn not_found() -> Self {
        Self::whole(404, "{}")
    }

    /// What is sent for `document` under `fault`.
    fn faulty(fault: &Fault, document: String) -> Self {
        let right = Self::whole(200, document);
        match fault {
            Fault::None | Fault::JwksUri(_) | Fault::OtherIssuer(_) => right,
            Fault::Body(text) => Self::whole(200, text.as_str()),
            Fault::Disconnect => Self {
                manner: Manner::Disconnect,
                ..right
            },
            Fault::EndlessBody => Self {
                manner: Manner::Endless,
                ..right
            },
            Fault::Garbage => Self::whole(200, [0xff, 0xfe, b'{', 0x00, b'<', 0xc3, 0x28]),
            Fault::Hang => Self {
                manner: Manner::Hang,
                ..right
            },
            Fault::RedirectTo(url) => {
                // A line break would end the header and start another.
                let url = url.chars().filter(|c| !c.is_control()).collect();
                Self {
                    location: Some(url),
                    ..Self::whole(302, "{}")
                }
            }
            Fault::Slow(pause) => Self {
                manner: Manner::Slow(*pause),
                ..right
            },
            Fault::Status(status) => Self::whole(*status, "{}"),
            Fault::Truncated => Self {
                manner: Manner::Truncated,
                ..right
            },
        }
    }
}
