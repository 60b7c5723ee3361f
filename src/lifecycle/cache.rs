//! Tokens that were verified a moment ago.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::clock::Clock;
use crate::secret::Presented;
use crate::token::{AudienceVerified, HashKey, Token, Verified, since_1970};

/// How many tokens are remembered unless a guard says otherwise.
pub(crate) const MOST_TOKENS: usize = 1 << 16;

/// How long one is remembered at most.
pub(crate) const LONGEST: Duration = Duration::from_mins(5);

/// A longer token counts as several, so that long ones do not take more memory than that.
const UNIT: usize = 4 * 1024;

/// Remembers what was verified about a token, so that the same one need not be verified again.
///
/// It is asked with the whole token, and keeps nothing of its text. Whatever it gives back was verified
/// by this guard not long ago; its time, its key, and whether it was revoked are looked at each time.
pub(crate) struct TokenCache {
    table: Cache<TokenKey, Entry, ByLength, Spread>,
    hash_key: HashKey,
    is_on: bool,
}

/// A keyed hash of a whole token, signature included.
///
/// 128 bits, under a key that nobody else knows: to be taken for another token, one would have to have the
/// hash of that token, and whoever has the token itself needs no other one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenKey {
    head: u64,
    tail: u64,
}

/// What a guard remembers of verified tokens, in numbers. See
/// [`Guard::cache_stats`](crate::Guard::cache_stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// How many tokens are remembered now.
    pub tokens: usize,
    /// How often a token was among them, since the guard was made; some of these were too old, or their
    /// key did not count any more, so that they were verified again.
    pub hits: u64,
    /// How often it was not.
    pub misses: u64,
}

/// When a request is looked at, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: DateTime<Utc>,
    pub(crate) monotonic: Duration,
}

/// What is remembered.
#[derive(Debug)]
pub(crate) enum Recall {
    Live(Token<AudienceVerified>),
    /// It is genuine, and its time is over.
    Expired,
    /// It has to be verified.
    Unknown,
}

#[derive(Clone)]
struct Entry {
    what: What,
    /// On the monotonic clock.
    until: Duration,
    weight: u32,
}

#[derive(Clone)]
enum What {
    /// Verified at this moment since 1970. When the time of day was set back since then, it says nothing.
    Live(Arc<Verified>, Duration),
    /// Dead from this moment since 1970 on.
    Expired(Duration),
}

impl Moment {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            monotonic: clock.monotonic(),
        }
    }
}

impl TokenKey {
    /// Half of it: enough where it is no harm if two are taken for one another once in a lifetime.
    pub(crate) const fn half(self) -> u64 {
        self.head
    }
}

impl TokenCache {
    /// Remembers at most so many; none at all if that is nought.
    pub(crate) fn new(most: usize, hash_key: HashKey) -> Self {
        let weight = u64::try_from(most).unwrap_or(u64::MAX);
        let lifecycle = DefaultLifecycle::default();
        Self {
            table: Cache::with(most, weight, ByLength, Spread, lifecycle),
            hash_key,
            is_on: most > 0,
        }
    }

    /// Whether anything is remembered.
    pub(crate) const fn is_on(&self) -> bool {
        self.is_on
    }

    /// The key of this token.
    pub(crate) fn key_of(&self, token: &Presented) -> TokenKey {
        let mut hasher = SipHasher13::new_with_key(&self.hash_key.0);
        hasher.write(token.expose());
        let hash = hasher.finish128();
        TokenKey {
            head: hash.h1,
            tail: hash.h2,
        }
    }

    /// What is known of the token with this key. The key that signed it must still count: `stands`
    /// says so.
    pub(crate) fn recall(
        &self,
        key: &TokenKey,
        at: Moment,
        stands: impl FnOnce(&Verified) -> bool,
    ) -> Recall {
        let Some(entry) = self.table.get(key) else {
            return Recall::Unknown;
        };
        if at.monotonic >= entry.until {
            return Recall::Unknown;
        }
        let now = since_1970(at.now);
        match entry.what {
            What::Expired(since) if now >= since => Recall::Expired,
            What::Expired(_) => Recall::Unknown,
            What::Live(verified, from) => {
                if now < from || verified.is_too_old(now) || !stands(&verified) {
                    return Recall::Unknown;
                }
                // Of what was verified, nothing but the end of its time can have come.
                Token::recall(verified, at.now).map_or(Recall::Expired, Recall::Live)
            }
        }
    }

    /// Whether this token was verified at some time, and not forgotten since then.
    #[cfg(feature = "fetch")]
    pub(crate) fn was_known(&self, key: &TokenKey) -> bool {
        let what = self.table.peek(key).map(|entry| entry.what);
        matches!(what, Some(What::Live(..)))
    }

    /// Remembers a token of this length that was verified just now, for so long since then.
    pub(crate) fn keep(
        &self,
        (key, length): (TokenKey, usize),
        verified: &Arc<Verified>,
        at: Moment,
        lifetime: Duration,
    ) {
        let what = What::Live(Arc::clone(verified), since_1970(at.now));
        let until = at.monotonic.saturating_add(lifetime.min(LONGEST));
        self.put(key, what, length, until);
    }

    /// Remembers a token that is genuine, and dead since `since`.
    pub(crate) fn keep_expired(&self, key: TokenKey, since: Duration, at: Moment) {
        let until = at.monotonic.saturating_add(LONGEST);
        self.put(key, What::Expired(since), 0, until);
    }

    fn put(&self, key: TokenKey, what: What, length: usize, until: Duration) {
        let units = length.checked_div(UNIT).unwrap_or_default();
        let weight = u32::try_from(units).unwrap_or(u32::MAX).saturating_add(1);
        let entry = Entry {
            what,
            until,
            weight,
        };
        self.table.insert(key, entry);
    }

    pub(crate) fn stats(&self) -> CacheStats {
        CacheStats {
            tokens: self.table.len(),
            hits: self.table.hits(),
            misses: self.table.misses(),
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("tokens", &self.table.len())
            .finish_non_exhaustive()
    }
}

/// Nobody sees a hash.
impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

impl Hash for TokenKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The table compares all of it; half is enough to find it.
        state.write_u64(self.head);
    }
}

/// Keys are hashes already.
#[derive(Clone, Copy, Debug)]
struct Spread;

struct Passing(u64);

impl BuildHasher for Spread {
    type Hasher = Passing;

    fn build_hasher(&self) -> Passing {
        Passing(0)
    }
}

impl Hasher for Passing {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Copy, Debug)]
struct ByLength;

impl Weighter<TokenKey, Entry> for ByLength {
    fn weight(&self, _: &TokenKey, entry: &Entry) -> u64 {
        entry.weight.into()
    }
}
