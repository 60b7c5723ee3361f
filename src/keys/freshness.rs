//! How long a key set serves before its issuer is asked again.

use std::time::Duration;

use aws_lc_rs::rand;
use http::HeaderMap;
use http::header::{AGE, CACHE_CONTROL};

/// What counts where the issuer says nothing.
const UNSAID: Duration = Duration::from_mins(10);
/// An issuer is not asked more often than this, whatever it says.
const FLOOR: Duration = Duration::from_mins(1);
/// A key that its issuer has withdrawn verifies no longer than this while the issuer can be asked,
/// whatever it says.
const CEILING: Duration = Duration::from_hours(1);

/// How long an answer with these headers is fresh (RFC 9111 section 4.2.1), within bounds.
///
/// `no-store` and `no-cache` ask for as little as possible, and so does what cannot be read. What an
/// answer says about being served stale is not heeded: how long that lasts is the operator's choice.
pub(super) fn lifetime(headers: &HeaderMap) -> Duration {
    let mut said: Option<Duration> = None;
    let fields = headers.get_all(CACHE_CONTROL).into_iter();
    for directive in fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b',')) {
        let mut parts = directive.splitn(2, |&byte| byte == b'=');
        let name = parts.next().unwrap_or_default().trim_ascii();
        if name.eq_ignore_ascii_case(b"no-store") || name.eq_ignore_ascii_case(b"no-cache") {
            return FLOOR;
        }
        if name.eq_ignore_ascii_case(b"max-age") {
            let value = parts.next().and_then(seconds).unwrap_or_default();
            said = Some(said.map_or(value, |other| other.min(value)));
        }
    }
    // How long a cache on the way has had it.
    let age = headers.get(AGE).and_then(|age| seconds(age.as_bytes()));
    said.map_or(UNSAID, |said| {
        said.saturating_sub(age.unwrap_or_default())
            .clamp(FLOOR, CEILING)
    })
}

/// A number of seconds, also between quotes; one that is too large to be counted is the largest.
fn seconds(text: &[u8]) -> Option<Duration> {
    let text = text.trim_ascii();
    let text = text
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""))
        .unwrap_or(text);
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

/// After how much of its lifetime a set is renewed in the background: between 75 and 85 percent, by
/// chance, so that many machines do not ask at one moment.
pub(super) fn ahead(lifetime: Duration) -> Duration {
    let mut chance = [0x80];
    // Without chance it is the middle.
    if rand::fill(&mut chance).is_err() {
        chance = [0x80];
    }
    let [chance] = chance;
    part(lifetime, chance)
}

fn part(lifetime: Duration, chance: u8) -> Duration {
    let percent = |count: u32| lifetime.saturating_mul(count).checked_div(100);
    let spread = percent(10)
        .unwrap_or_default()
        .saturating_mul(chance.into());
    let spread = spread.checked_div(u8::MAX.into()).unwrap_or_default();
    percent(75).unwrap_or_default().saturating_add(spread)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(fields: &[(&'static str, &'static str)]) -> u64 {
        let mut headers = HeaderMap::new();
        for &(name, value) in fields {
            headers.append(name, value.parse().unwrap());
        }
        lifetime(&headers).as_secs()
    }

    #[test]
    fn what_an_answer_says_counts_within_bounds() {
        for (said, expected) in [
            ("max-age=300", 300),
            ("public, max-age=300, must-revalidate", 300),
            ("PUBLIC ,  Max-Age = 300", 300),
            ("max-age=\"300\"", 300),
            ("max-age=300, max-age=200", 200),
            ("max-age=0", 60),
            ("max-age=59", 60),
            ("max-age=3600", 3_600),
            ("max-age=3601", 3_600),
            ("max-age=99999999999999999999999", 3_600),
            // As little as possible.
            ("no-store", 60),
            ("no-cache", 60),
            ("max-age=3600, no-store", 60),
            ("No-Cache=\"set-cookie\", max-age=3600", 60),
            // Not readable.
            ("max-age", 60),
            ("max-age=", 60),
            ("max-age=-1", 60),
            ("max-age=1e9", 60),
            ("max-age=300s", 60),
            // Nothing about it.
            ("", 600),
            ("public", 600),
            ("s-maxage=300", 600),
            ("x-max-age=300", 600),
        ] {
            assert_eq!(of(&[("cache-control", said)]), expected, "{said}");
        }
        assert_eq!(of(&[]), 600);
        let twice = [
            ("cache-control", "max-age=900"),
            ("cache-control", "max-age=300"),
        ];
        assert_eq!(of(&twice), 300);
    }

    #[test]
    fn the_time_in_caches_on_the_way_counts() {
        for (age, expected) in [
            ("100", 800),
            ("0", 900),
            ("899", 60),
            ("1000", 60),
            ("x", 900),
        ] {
            let fields = [("cache-control", "max-age=900"), ("age", age)];
            assert_eq!(of(&fields), expected, "{age}");
        }
        assert_eq!(of(&[("age", "100")]), 600);
    }

    #[test]
    fn renewal_begins_at_about_four_fifths() {
        let seconds = |count| Duration::from_secs(count);
        assert_eq!(part(seconds(600), 0), seconds(450));
        assert_eq!(part(seconds(600), u8::MAX), seconds(510));
        assert_eq!(part(Duration::ZERO, 7), Duration::ZERO);
        let several: BTreeSet<_> = (0..64).map(|_| ahead(seconds(600))).collect();
        assert!(several.len() > 8, "{several:?}");
        let all = seconds(450)..=seconds(510);
        assert!(
            several.iter().all(|ahead| all.contains(ahead)),
            "{several:?}"
        );
    }
}
