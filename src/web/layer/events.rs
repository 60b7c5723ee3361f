//! Ids of events on their way to the client (HTML standard, section Server-sent events).
//!
//! Services keep events by their ids, some of them those of all sessions in one store; so each id gets a
//! code behind it that makes it its session's and its owner's. Everything else passes as it is.

use bytes::{Bytes, BytesMut};

use crate::session::EventIds;
use crate::token::Verified;

/// A stream of a session.
pub(super) struct Sealer {
    ids: EventIds,
    session: Box<[u8]>,
    at: At,
    /// The beginning of a line that may become an id.
    held: BytesMut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Of the stream: a byte order mark may come.
    Beginning,
    LineStart,
    InLine,
}

/// How long a line may be that is held back.
const LONGEST_LINE: usize = 2 * 1024;

impl Sealer {
    pub(super) fn new(ids: EventIds, session: &[u8]) -> Self {
        Self {
            ids,
            session: session.into(),
            at: At::Beginning,
            held: BytesMut::new(),
        }
    }

    /// What of these bytes, and of those held back, can go on.
    pub(super) fn pass(&mut self, data: Bytes, owner: &Verified) -> Bytes {
        let mut data = data;
        if !self.held.is_empty() {
            self.held.extend_from_slice(&data);
            data = self.held.split().freeze();
        }
        let mut changed = BytesMut::new();
        let (mut kept, mut at) = (0_usize, 0_usize);
        while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
            if self.at == At::InLine {
                let end = memchr::memchr2(b'\r', b'\n', rest);
                if end.is_some() {
                    self.at = At::LineStart;
                }
                at = end.map_or(data.len(), |end| at.saturating_add(end).saturating_add(1));
                continue;
            }
            match line_of(rest, self.at == At::Beginning) {
                Line::Other => self.at = At::InLine,
                Line::Unfinished if rest.len() > LONGEST_LINE => self.at = At::InLine,
                Line::Unfinished => {
                    self.held.extend_from_slice(rest);
                    data.truncate(at);
                }
                Line::Id(start, end) => {
                    let own = rest.get(start..end).unwrap_or_default();
                    let sealed = self.ids.seal(&self.session, own, owner);
                    let (start, end) = (at.saturating_add(start), at.saturating_add(end));
                    if let Some(sealed) = sealed {
                        changed.extend_from_slice(data.get(kept..start).unwrap_or_default());
                        changed.extend_from_slice(&sealed);
                        kept = end;
                    }
                    at = end;
                    self.at = At::InLine;
                }
            }
        }
        if kept == 0 {
            return data;
        }
        changed.extend_from_slice(data.get(kept..).unwrap_or_default());
        changed.freeze()
    }
}

enum Line {
    /// An id stands between these places.
    Id(usize, usize),
    /// Nobody can tell yet.
    Unfinished,
    Other,
}

fn line_of(rest: &[u8], is_first: bool) -> Line {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    const FIELD: &[u8] = b"id:";
    let mark = match rest.strip_prefix(MARK) {
        Some(_) if is_first => MARK.len(),
        _ if is_first && MARK.starts_with(rest) => return Line::Unfinished,
        _ => 0,
    };
    let line = rest.get(mark..).unwrap_or_default();
    let Some(value) = line.strip_prefix(FIELD) else {
        return if FIELD.starts_with(line) {
            Line::Unfinished
        } else {
            Line::Other
        };
    };
    let Some(length) = memchr::memchr2(b'\r', b'\n', value) else {
        return Line::Unfinished;
    };
    let value = value.get(..length).unwrap_or_default();
    let blank = usize::from(value.starts_with(b" "));
    // An empty id takes the last one back; one with a zero is none.
    if value.len() == blank || value.contains(&0) {
        return Line::Other;
    }
    let start = mark.saturating_add(FIELD.len());
    Line::Id(start.saturating_add(blank), start.saturating_add(length))
}
