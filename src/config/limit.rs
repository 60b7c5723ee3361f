//! The quota of each principal, as it is written.

use serde::de::MapAccess;

use super::error::{Problem, SettingError};
use super::path::Path;
use super::read::{self, Value};
use super::values::{Whole, Word};
use crate::limit::Quota;

/// How much each principal may ask.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    Quota(Quota),
    Unlimited,
}

#[derive(Clone, Copy, Debug)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Word for Per {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("second", Self::Second),
            ("minute", Self::Minute),
            ("hour", Self::Hour),
        ]
    }
}

pub(super) type Requests = Whole<1, 4_294_967_295>;

#[derive(Default)]
struct QuotaKeys {
    requests: Option<Requests>,
    per: Option<Per>,
    burst: Option<Requests>,
}

super::keys!(QuotaKeys: requests, per, burst);

impl QuotaKeys {
    fn judged(self, at: Path<'_>) -> Result<Quota, SettingError> {
        let missing = |key| at.key(key).fault(Problem::Missing(""));
        let count = self.requests.ok_or_else(|| missing("requests"))?.small();
        let quota = match self.per.ok_or_else(|| missing("per"))? {
            Per::Second => Quota::per_second(count),
            Per::Minute => Quota::per_minute(count),
            Per::Hour => Quota::per_hour(count),
        };
        let quota = match self.burst {
            Some(burst) => quota.burst(burst.small()),
            None => quota,
        };
        if !quota.is_sound() {
            return Err(at.fault(Problem::expected(
                "at most 1000000000 requests a second, and a burst that comes back within 366 days",
            )));
        }
        Ok(quota)
    }
}

impl Value for Quota {
    fn expected() -> String {
        "a table with `requests` and `per`".to_owned()
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        read::table(at, table, QuotaKeys::judged)
    }
}

impl Value for Limit {
    fn expected() -> String {
        "a table with `requests` and `per`, or the word `unlimited`".to_owned()
    }

    fn of_text(text: &str) -> Result<Self, Problem> {
        match text {
            "unlimited" => Ok(Self::Unlimited),
            _ => Self::of_other("another text"),
        }
    }

    fn of_table<'de, A: MapAccess<'de>>(at: Path<'_>, table: A) -> Result<Self, A::Error> {
        Quota::of_table(at, table).map(Self::Quota)
    }
}
