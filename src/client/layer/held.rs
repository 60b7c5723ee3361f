//! The tokens that are in use.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderValue;

use crate::client::TokenSet;

/// How long before its end a token is refreshed, and at most this part of its life.
const AHEAD: TimeDelta = TimeDelta::seconds(60);
const PART_OF_LIFE: i32 = 4;

/// What is known of the tokens.
#[derive(Debug)]
pub(super) enum Held {
    /// Nobody has looked yet.
    Unknown,
    /// There are none: requests are sent without.
    None {
        /// As in [`InUse`].
        serial: u64,
    },
    /// These are in use.
    InUse(Box<InUse>),
}

/// Tokens, ready to be put on requests.
#[derive(Debug)]
pub(super) struct InUse {
    pub(super) tokens: TokenSet,
    header: HeaderValue,
    refresh_at: DateTime<Utc>,
    deadline: DateTime<Utc>,
    /// Which tokens these are, among all that this process has used.
    serial: u64,
    came: Came,
}

/// Where tokens came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The issuer has just given them.
    FromIssuer,
    /// They were kept, by this process or another one.
    FromStore,
}

/// What a request goes with. Whoever comes back with it is told whether there is something newer.
#[derive(Clone, Debug)]
pub(in crate::client) struct Ticket {
    /// The value of `Authorization`, marked as sensitive.
    pub(in crate::client) header: Option<HeaderValue>,
    pub(super) serial: u64,
    came: Came,
}

impl Held {
    pub(super) fn serial(&self) -> u64 {
        match self {
            Self::Unknown => 0,
            Self::None { serial } => *serial,
            Self::InUse(used) => used.serial,
        }
    }

    pub(super) fn tokens(&self) -> Option<&TokenSet> {
        match self {
            Self::InUse(used) => Some(&used.tokens),
            Self::Unknown | Self::None { .. } => None,
        }
    }

    /// What a request at `now` goes with, if nothing is to be done before.
    pub(super) fn ready(&self, now: DateTime<Utc>) -> Option<Ticket> {
        match self {
            Self::Unknown => None,
            Self::None { serial } => Some(Ticket {
                header: None,
                serial: *serial,
                came: Came::FromStore,
            }),
            Self::InUse(used) => (now < used.refresh_at).then(|| used.ticket()),
        }
    }

    /// The same, also if the tokens are to be refreshed soon.
    pub(super) fn good(&self, now: DateTime<Utc>) -> Option<Ticket> {
        match self {
            Self::InUse(used) => (now < used.deadline).then(|| used.ticket()),
            Self::Unknown | Self::None { .. } => self.ready(now),
        }
    }
}

impl InUse {
    /// Nothing if the token is none for a header.
    pub(super) fn new(tokens: TokenSet, serial: u64, came: Came) -> Option<Self> {
        let header = tokens.authorization()?;
        let never = DateTime::<Utc>::MAX_UTC;
        let deadline = tokens.deadline().unwrap_or(never);
        let life = deadline.signed_duration_since(tokens.obtained_at());
        let part = life.checked_div(PART_OF_LIFE).unwrap_or(AHEAD);
        let ahead = part.clamp(TimeDelta::zero(), AHEAD);
        let refresh_at = tokens
            .deadline()
            .and_then(|end| end.checked_sub_signed(ahead));
        Some(Self {
            header,
            refresh_at: refresh_at.unwrap_or(deadline),
            deadline,
            tokens,
            serial,
            came,
        })
    }

    fn ticket(&self) -> Ticket {
        Ticket {
            header: Some(self.header.clone()),
            serial: self.serial,
            came: self.came,
        }
    }
}

impl Ticket {
    /// Whether another one is of use when the endpoint refuses this, for the so many-th time with one
    /// request. What was kept may have been revoked since; what is new is refused for good.
    pub(in crate::client) fn may_be_replaced(&self, refusals: u8) -> bool {
        refusals == 1 || (refusals == 2 && self.came == Came::FromStore)
    }
}
