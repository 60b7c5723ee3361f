//! The OAuth client, against servers that record every request in order. A request that no server
//! expects fails its test.
#![cfg(test)]

#[path = "client/authorization.rs"]
mod authorization;
#[path = "client/challenges.rs"]
mod challenges;
#[path = "client/discovery.rs"]
mod discovery;
#[path = "client/machines.rs"]
mod machines;
#[path = "client/real_server.rs"]
mod real_server;
#[path = "client/registration.rs"]
mod registration;
#[path = "client/servers.rs"]
mod servers;
#[path = "client/support/mod.rs"]
mod support;
#[path = "client/tokens.rs"]
mod tokens;
