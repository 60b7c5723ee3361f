//! There is one copy of a client's secret, which is wiped when it is dropped.
//! Stops copies that stay in memory.

use clearance::credentials::{ClientAuthentication, ClientSecret};

fn authentication(secret: ClientSecret) -> ClientAuthentication {
    ClientAuthentication::client_secret_post("files-server", secret)
}

fn main() {}
