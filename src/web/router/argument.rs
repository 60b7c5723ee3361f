//! What handlers take beside their proof.

use axum::extract::State;
use serde::de::DeserializeOwned;

use super::handler::Taken;
use crate::authorized::Caller;

/// The arguments of a call, read into `P`.
///
/// For a tool or a prompt they are its `arguments`, for a resource the variables of its template, for
/// a method its `params`. What is absent is read as `{}`.
///
/// # Examples
/// ```
/// use clearance::Authorized;
/// use clearance::mcp::{Params, ToolError, ToolsExecute};
///
/// #[derive(serde::Deserialize)]
/// struct Sum {
///     a: i64,
///     b: i64,
/// }
///
/// async fn sum(_: Authorized<ToolsExecute>, Params(sum): Params<Sum>) -> Result<i64, ToolError> {
///     sum.a
///         .checked_add(sum.b)
///         .ok_or_else(|| ToolError::new("too large"))
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "taken apart in signatures")]
pub struct Params<P>(pub P);

/// What arguments are taken from.
#[expect(unnameable_types, reason = "nobody else makes one")]
#[derive(Debug)]
pub struct Input<'a, St> {
    /// A JSON object.
    pub(super) params: &'a str,
    pub(super) state: &'a St,
    pub(super) caller: &'a Caller,
}

impl<St, P: DeserializeOwned + Send> Taken<St> for Params<P> {
    fn take(input: &Input<'_, St>) -> Result<Self, String> {
        // Derived readers take arrays as well, by position.
        if !input.params.starts_with('{') {
            return Err("not an object".to_owned());
        }
        let params = serde_json::from_str(input.params);
        params.map(Params).map_err(|error| error.to_string())
    }
}

impl<St: Clone + Send> Taken<St> for State<St> {
    fn take(input: &Input<'_, St>) -> Result<Self, String> {
        Ok(Self(input.state.clone()))
    }
}

impl<St> Taken<St> for Caller {
    fn take(input: &Input<'_, St>) -> Result<Self, String> {
        Ok(input.caller.clone())
    }
}
