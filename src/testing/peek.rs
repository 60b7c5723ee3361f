//! What is read of a body before anything is decided.

use crate::mcp::envelope::Body;

/// Whether an [`mcp::Router`](crate::mcp::Router) and an
/// [`AuthorizationLayer`](crate::AuthorizationLayer) would take a body for a message, or for a batch of
/// them. What it asks for is decided afterwards.
///
/// # Examples
/// ```
/// use clearance::testing::is_message;
///
/// assert!(is_message(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
/// assert!(!is_message(br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"x"}"#));
/// ```
#[must_use]
pub fn is_message(body: &[u8]) -> bool {
    Body::read(body).is_ok()
}
