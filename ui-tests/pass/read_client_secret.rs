//! A client's secret goes to its authorization server and nowhere else.
//! Stops it from being written down.

use clearance::credentials::{ClientAuthentication, ClientSecret};

fn authentication(secret: ClientSecret) -> ClientAuthentication {
    println!("{secret:?}");
    ClientAuthentication::client_secret_basic("files-server", secret)
}

fn main() {}
