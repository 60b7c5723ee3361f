//! Against a real authorization server.
