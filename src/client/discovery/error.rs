//! Why it is not known who issues tokens for a resource.

/// Who issues tokens for a resource could not be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// No document came: the server is down, slow, or answers with an error of its own. No weaker place is
    /// asked instead.
    #[error("no answer that counts came ({cause})")]
    Unavailable {
        /// A stable word for what went wrong.
        cause: &'static str,
    },
    /// The challenge names a document that is not there.
    #[error("the metadata that the challenge names is not there")]
    MetadataUnavailable,
    /// The resource has no metadata (RFC 9728), so nobody is known who issues tokens for it.
    #[error("the resource has no metadata")]
    NoMetadata,
    /// A URL is not acceptable: neither `https` nor on a loopback host that may be asked, with user
    /// information, on a foreign origin, or at an address that is not public.
    #[error("a URL is not one that may be used")]
    UntrustedUrl,
    /// A redirect leads to another origin, or there are too many.
    #[error("a document was redirected elsewhere")]
    RedirectedElsewhere,
    /// A document is too large, or not an object as the specifications describe it.
    #[error("a metadata document is malformed")]
    MalformedMetadata,
    /// The metadata speaks of another resource (RFC 9728 section 3.3).
    #[error("the metadata is about another resource")]
    ResourceMismatch,
    /// The metadata names no issuer that can be used.
    #[error("the resource names no authorization server")]
    NoAuthorizationServer,
    /// The resource names only issuers that the application does not allow.
    #[error("the resource names no authorization server that is allowed")]
    IssuerNotAllowed,
    /// The resource wants what this client does not do: tokens elsewhere than in the header, or bound to a
    /// key.
    #[error("the resource wants tokens to be used in a way that is not supported")]
    Unsupported,
    /// The authorization server has no metadata.
    #[error("the authorization server has no metadata")]
    NoServerMetadata,
    /// The metadata is in the name of another issuer (RFC 8414 section 3.3).
    #[error("the metadata is in the name of another issuer")]
    IssuerMismatch,
}

super::super::error::codes! {
    DiscoveryError {
        Unavailable = "unavailable",
        MetadataUnavailable = "metadata_unavailable",
        NoMetadata = "no_metadata",
        UntrustedUrl = "untrusted_url",
        RedirectedElsewhere = "redirected_elsewhere",
        MalformedMetadata = "malformed_metadata",
        ResourceMismatch = "resource_mismatch",
        NoAuthorizationServer = "no_authorization_server",
        IssuerNotAllowed = "issuer_not_allowed",
        Unsupported = "unsupported",
        NoServerMetadata = "no_server_metadata",
        IssuerMismatch = "issuer_mismatch",
    }
}

impl DiscoveryError {
    /// Whether the same may succeed later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

super::super::error::of_fetching! { DiscoveryError { malformed: MalformedMetadata, issuer: IssuerMismatch } }
