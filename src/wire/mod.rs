//! What goes over the wire: answers to refused requests, and the metadata document.
//!
//! Layer L5: it writes texts and opens no socket.

mod answer;
mod challenge;
mod metadata;
mod rate_limit;

pub use metadata::MetadataDocument;
