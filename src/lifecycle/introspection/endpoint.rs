//! Where an issuer is asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::fetch::{FetchError, IssuerClient, Place};

/// How long the place counts that the metadata named.
const LIFETIME: Duration = Duration::from_hours(1);
/// How long nobody looks for it again after it was not found.
const PAUSE: Duration = Duration::from_secs(5);

/// The introspection endpoint of one issuer.
#[derive(Debug)]
pub(super) struct Endpoint {
    configured: Option<Place>,
    clock: Arc<dyn Clock>,
    /// Held while the metadata is asked for, so that one asks and the others wait for that.
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// And since when.
    place: Option<(Place, Duration)>,
    /// Why the last search found nothing, and when that was.
    failure: Option<(FetchError, Duration)>,
}

impl Endpoint {
    pub(super) fn new(configured: Option<Place>, clock: Arc<dyn Clock>) -> Self {
        Self {
            configured,
            clock,
            found: Mutex::default(),
        }
    }

    /// The place. One that was found once counts while the issuer names no other.
    pub(super) async fn place(&self, client: &IssuerClient) -> Result<Place, FetchError> {
        if let Some(place) = &self.configured {
            return Ok(place.clone());
        }
        let mut found = self.found.lock().await;
        let now = self.clock.monotonic();
        let is_younger = |since: Duration, limit| now.saturating_sub(since) < limit;
        if let Some((place, since)) = &found.place
            && is_younger(*since, LIFETIME)
        {
            return Ok(place.clone());
        }
        let failure = match found.failure {
            Some((error, at)) if is_younger(at, PAUSE) => error,
            _ => match client
                .discover(|metadata| metadata.introspection_endpoint)
                .await
            {
                Ok(place) => {
                    *found = Found {
                        place: Some((place.clone(), now)),
                        failure: None,
                    };
                    return Ok(place);
                }
                Err(error) => {
                    found.failure = Some((error, now));
                    error
                }
            },
        };
        let old = found.place.as_ref();
        old.map(|(place, _)| place.clone()).ok_or(failure)
    }
}
