//! The header of the last genuine token, so that the same one is not read again.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::Token;
use super::claims::Header;
use super::state::Unverified;

/// A header that was read before, and how it is written.
///
/// Tokens of one issuer mostly have one header, letter by letter. What a header says depends on its
/// letters alone, so it does not matter whose token it was; but only a token whose signature
/// matched is remembered, or strangers could keep pushing the useful one out.
#[derive(Debug, Default)]
pub(crate) struct KnownHeader(ArcSwapOption<Read>);

/// A header: as it is written, decoded, and read.
#[derive(Debug)]
pub(crate) struct Read {
    segment: Box<[u8]>,
    decoded: Box<str>,
    header: Header,
}

impl KnownHeader {
    /// The header that is written so, and puts it, decoded, into `decoded`.
    pub(super) fn read(&self, segment: &[u8], decoded: &mut String) -> Option<Header> {
        let known = self.0.load();
        let known = known.as_ref().filter(|known| *known.segment == *segment)?;
        decoded.push_str(&known.decoded);
        Some(known.header.clone())
    }

    /// What is worth remembering of this token, once its signature has matched.
    pub(crate) fn news(token: &Token<Unverified>) -> Option<Arc<Read>> {
        let Unverified {
            raw,
            boundary,
            decoded,
            header,
            is_header_known,
            ..
        } = &token.state;
        if *is_header_known {
            return None;
        }
        Some(Arc::new(Read {
            segment: raw.expose().get(..*boundary)?.into(),
            decoded: decoded.as_str().into(),
            header: header.clone(),
        }))
    }

    /// Remembers it.
    pub(crate) fn remember(&self, news: Arc<Read>) {
        self.0.store(Some(news));
    }
}
