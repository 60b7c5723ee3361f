//! How an [`Issuer`] is set up.

use std::io;
use std::sync::Arc;

use tokio::task;

use super::fault::Document;
use super::issuer::Issuer;
use super::keyring::Keyring;
use super::keys::{Origin, SigningKey};
use super::server::{Reserved, Server};
use super::site::Site;
use crate::clock::{Clock, SystemClock};
use crate::id::{self, Resource};
use crate::jwk::Algorithm;

/// An [`Issuer`] that is being set up; see [`Issuer::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is served before `start`"]
pub struct IssuerBuilder {
    resource: Resource,
    clock: Arc<dyn Clock>,
    path: String,
    algorithms: Vec<Algorithm>,
    documents: Vec<Document>,
}

impl IssuerBuilder {
    pub(super) fn new(resource: Resource) -> Self {
        Self {
            resource,
            clock: Arc::new(SystemClock),
            path: String::new(),
            algorithms: vec![Algorithm::ES256],
            documents: vec![Document::OAuth],
        }
    }

    /// Takes the time of tokens from `clock`. Default: the system's clock.
    ///
    /// Give the guard under test the same clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a path to the issuer identifier, for instance `/t1`, or `/` alone for an identifier
    /// that ends with a slash. Default: none.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Publishes one key for each of these from the start, in place of one for ES256.
    ///
    /// Tokens are signed with the first one, unless something else is said. With none, a key is
    /// made when a token first needs one.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Serves the metadata at these places, in place of [`Document::OAuth`] alone.
    pub fn documents(mut self, documents: impl IntoIterator<Item = Document>) -> Self {
        self.documents = documents.into_iter().collect();
        self
    }

    /// Makes the keys, listens on a free port of 127.0.0.1 and serves the documents.
    ///
    /// It must be called on a tokio runtime with I/O and time, which then runs the server.
    ///
    /// # Errors
    /// If there is no port to be had, if a key cannot be made, or if the path does not make an
    /// issuer identifier.
    pub async fn start(self) -> io::Result<Issuer> {
        if !self.path.is_empty() && !self.path.starts_with('/') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a path begins with a slash",
            ));
        }
        let algorithms = self.algorithms;
        // RSA keys take long to make; tasks of the same runtime go on meanwhile.
        let keyring = task::spawn_blocking(move || keyring(&algorithms)).await??;
        let port = Reserved::any_port()?;
        let site = Site::new(port.origin(), self.path, self.documents, keyring);
        let id: id::Issuer = site
            .issuer()
            .parse()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        let site = Arc::new(site);
        let server = Server::start(port, Arc::clone(&site))?;
        Ok(Issuer::new(id, self.resource, self.clock, site, server))
    }
}

fn keyring(algorithms: &[Algorithm]) -> io::Result<Keyring> {
    let mut keyring = Keyring::new(algorithms.first().copied().unwrap_or(Algorithm::ES256));
    for algorithm in algorithms {
        keyring.publish(SigningKey::generate(*algorithm, Origin::Unused)?);
    }
    Ok(keyring)
}
