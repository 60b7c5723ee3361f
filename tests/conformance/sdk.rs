//! The same, said by the official SDK.

use std::error::Error;
use std::io;

use clearance::client::layer::AccessError;
use clearance::client::rmcp::AuthorizedClient;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{
    InsufficientScopeError, StreamableHttpClientTransportConfig,
};

use super::protocol::Failure;

/// Connects, lists tools, and calls one.
pub(crate) async fn talk(
    http: AuthorizedClient<reqwest::Client>,
    url: &str,
    revision: &str,
) -> Result<(), Failure> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    let transport = StreamableHttpClientTransport::with_client(http, config);
    let lifecycle = if revision < "2026-07-28" {
        ClientLifecycleMode::Initialize
    } else {
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        ClientLifecycleMode::Discover { preferred_versions }
    };
    let peer = match ().serve_with_lifecycle(transport, lifecycle).await {
        Ok(peer) => peer,
        // It is not the source of the other one.
        Err(ClientInitializeError::TransportError { error, .. }) => return Err(error.error),
        Err(error) => return Err(error.into()),
    };
    peer.list_all_tools().await?;
    peer.call_tool(CallToolRequestParams::new("test-tool"))
        .await?;
    peer.cancel().await?;
    Ok(())
}

/// The stable code of what the adapter has refused, if this error tells that.
pub(crate) fn refused(error: &(dyn Error + 'static)) -> Option<&'static str> {
    if error.is::<InsufficientScopeError>() {
        return Some(AccessError::InsufficientScope.code());
    }
    // What is in an error of I/O is not its source.
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    Some(inner.downcast_ref::<AccessError>()?.code())
}
