//! A credential belongs to an issuer (CL-033).
//! Stops a secret that is shown to whoever the endpoint names.

use clearance::client::ClientBuilder;
use clearance::credentials::ClientAuthentication;
use clearance::id::Issuer;

fn with(builder: ClientBuilder, issuer: Issuer, own: ClientAuthentication) -> ClientBuilder {
    builder.pre_registered(issuer, own)
}

fn main() {}
