//! What goes over the wire: answers to refused requests, and the metadata document.
//!
//! Layer L5: it writes texts and opens no socket.

mod answer;
mod challenge;
mod metadata;

pub use metadata::MetadataDocument;
