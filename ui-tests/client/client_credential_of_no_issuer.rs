//! A credential belongs to an issuer (CL-033).
//! Stops a secret that is shown to whoever the endpoint names.

use clearance::client::ClientBuilder;
use clearance::credentials::ClientAuthentication;
use clearance::id::Issuer;

fn with(builder: ClientBuilder, _: Issuer, own: ClientAuthentication) -> ClientBuilder {
    builder.pre_registered(own)
}

fn main() {}
