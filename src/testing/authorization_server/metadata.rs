//! What the server says about itself.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::answer;
use super::fault::ServerFault;
use super::site::Site;
use super::token::TOKEN_EXCHANGE;
use crate::jwk::Algorithm;

/// The published keys (RFC 7517 section 5).
pub(super) fn jwks(site: &Site) -> Response {
    answer::json(StatusCode::OK, site.keyring().jwks())
}

/// The metadata of RFC 8414 section 2, with the members that readers of OIDC Discovery expect.
pub(super) fn document(site: &Site) -> Response {
    let fault = site.state().metadata_fault.clone();
    let mut document = right_document(site);
    if let Some(members) = document.as_object_mut() {
        if let Fault::OtherIssuer(other) = &fault {
            members.insert("issuer".to_owned(), other.as_str().into());
        }
        if let Fault::JwksUri(other) = &fault {
            members.insert("jwks_uri".to_owned(), other.as_str().into());
        }
        if site.has_fault(&ServerFault::NoPkce) {
            members.remove("code_challenge_methods_supported");
        }
        let scopes = &site.settings.scopes;
        if !scopes.is_empty() {
            let texts = scopes.iter().map(|scope| Value::from(scope.text)).collect();
            members.insert("scopes_supported".to_owned(), texts);
        }
    }
    answer::json(StatusCode::OK, document.to_string())
}

fn right_document(site: &Site) -> Value {
    let confidential = [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
    ];
    let methods = [&["none"], &confidential[..]].concat();
    let algorithms = Algorithm::ALL.map(Algorithm::as_str);
    json!({
        "issuer": site.issuer.as_str(),
        "authorization_endpoint": site.endpoint("/authorize"),
        "token_endpoint": site.endpoint("/token"),
        "jwks_uri": site.endpoint("/jwks"),
        "registration_endpoint": site.endpoint("/register"),
        "revocation_endpoint": site.endpoint("/revoke"),
        "introspection_endpoint": site.endpoint("/introspect"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE,
        ],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        // Nothing is fetched: with no document at hand, no such client could be known.
        "client_id_metadata_document_supported": !site.settings.documents.is_empty(),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}
