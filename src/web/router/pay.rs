//! What calls cost.

use super::endpoint::Route;
use crate::guard::Admitted;
use crate::limit::Call as Priced;
use crate::mcp::call::Call;
use crate::refusal::Refusal;

/// Pays for the calls of one request. What would be refused anyway costs what its requests cost, and no
/// more.
pub(super) async fn pay<St>(
    admitted: &Admitted,
    calls: &[&Call<'_>],
    routes: &[Route<'_, '_, St>],
) -> Result<(), Refusal> {
    if !admitted.has_prices(calls.len() > 1) {
        return Ok(());
    }
    let scopes: Option<Vec<Vec<&'static str>>> = routes
        .iter()
        .map(|route| {
            let mut scopes = Vec::new();
            let is_met = route.demands().all(|demand| {
                (demand.challenge)(&mut scopes);
                (demand.is_met)(admitted.granted())
            });
            is_met.then_some(scopes)
        })
        .collect();
    let bill = match &scopes {
        Some(scopes) => {
            let named: Vec<_> = calls.iter().map(|call| call.about()).collect();
            let calls = calls.iter().zip(&named).zip(scopes);
            let calls = calls.map(|((call, name), scopes)| Priced {
                method: &call.method,
                tool: name.as_deref().filter(|_| call.method == "tools/call"),
                scopes,
            });
            admitted.bill(&calls.collect::<Vec<_>>())
        }
        None => admitted.bill(&vec![Priced::UNKNOWN; calls.len()]),
    };
    if admitted.is_asked_elsewhere(&bill) {
        return admitted.pay_everywhere(&bill).await;
    }
    admitted.pay(&bill)
}
