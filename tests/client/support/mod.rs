//! Servers that record what they are asked, and a browser that stops at redirects.

mod authorization_server;
mod site;
mod world;

pub(crate) use authorization_server::MockServer;
pub(crate) use site::{Log, Reply, Seen, Site};
pub(crate) use world::{M, R, REDIRECT, World, browse, challenge, location};
