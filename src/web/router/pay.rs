//! What calls cost, and how many there are at once.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;

use super::endpoint::Route;
use crate::audit::ReasonCode;
use crate::guard::Admitted;
use crate::limit::{Place, Slot};
use crate::mcp::call::Call;
use crate::mcp::policy::{bill, scopes_met};
use crate::refusal::Refusal;

/// Pays for the calls of one request.
async fn pay<St>(
    admitted: &Admitted,
    now: DateTime<Utc>,
    calls: &[&Call<'_>],
    routes: &[Route<'_, '_, St>],
) -> Result<(), Refusal> {
    if !admitted.has_prices(calls.len() > 1) {
        return Ok(());
    }
    let scopes = routes.iter().map(|route| match route {
        Route::UnknownMethod | Route::UnknownName => Some(None),
        Route::Handler { .. } | Route::List(..) | Route::Open(_) => {
            scopes_met(admitted, route.demands()).map(Some)
        }
    });
    let scopes: Option<Vec<_>> = scopes.collect();
    let scopes = scopes.filter(|_| admitted.may_pass(now));
    admitted
        .pay_everywhere(&bill(admitted, calls, scopes))
        .await
}

/// The place of calls among what their caller does at once, once they are paid.
pub(super) async fn begun_with<St>(
    admitted: &Admitted,
    now: DateTime<Utc>,
    calls: &[&Call<'_>],
    routes: &[Route<'_, '_, St>],
) -> Result<Option<Arc<Slot>>, Refusal> {
    let place = admitted.place(Place::Call)?;
    pay(admitted, now, calls, routes).await?;
    Ok(place)
}

/// The answer, which has its place among what its caller does at once until it ends.
pub(super) fn held(answer: Response, place: Option<Arc<Slot>>) -> Response {
    match place {
        None => answer,
        Some(place) => answer.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _held = &place;
                frame
            }))
        }),
    }
}

/// A request whose body is not there yet. A caller who goes away meanwhile has learned that the token is
/// good, so that is written down.
pub(super) struct Unread<'a>(pub(super) Option<&'a Admitted>);

impl Unread<'_> {
    pub(super) fn came(mut self) {
        self.0 = None;
    }
}

impl Drop for Unread<'_> {
    fn drop(&mut self) {
        if let Some(admitted) = self.0 {
            admitted.faulty(ReasonCode::UnreadBody);
        }
    }
}
