//! What ties together all that is written about one request.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName};

/// `traceparent` (W3C Trace Context, section 3.2).
static TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");

/// Names one request in logs, in refusals and in the field `X-Correlation-Id` of its answer.
///
/// It is the trace id of the request's `traceparent`, if there is one, else it is made. It is no
/// secret, and unique only as far as clients choose theirs well.
///
/// # Examples
/// ```
/// use clearance::id::CorrelationId;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert(
///     "traceparent",
///     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?,
/// );
/// let id = CorrelationId::of(&headers);
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_ne!(CorrelationId::of(&http::HeaderMap::new()), id);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
///
/// # Specification
/// [Trace Context, section 3.2](https://www.w3.org/TR/trace-context/#traceparent-header)
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CorrelationId([u8; 32]);

impl CorrelationId {
    /// The id of a request with these fields.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut fields = headers.get_all(&TRACE_PARENT).iter();
        let only = fields.next().filter(|_| fields.next().is_none());
        only.and_then(|field| trace_id(field.as_bytes()))
            .map_or_else(Self::made, Self)
    }

    /// 32 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        // Digits are text.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// A new one: the next number, made to look like nothing by a hash that nobody else knows.
    pub(crate) fn made() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        static HASHES: OnceLock<[RandomState; 2]> = OnceLock::new();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let hashes = HASHES.get_or_init(Default::default);
        let [head, tail] = hashes.each_ref().map(|hash| hash.hash_one(number));
        let mut digits = [0; 32];
        let (first, last) = digits.split_at_mut(16);
        first.copy_from_slice(&hexadecimal(head));
        last.copy_from_slice(&hexadecimal(tail));
        Self(digits)
    }
}

/// The 16 digits of a number, all at once: each half of it is spread to a digit for each byte.
const fn hexadecimal(number: u64) -> [u8; 16] {
    const fn spread(half: u64) -> u64 {
        let half = (half | (half << 16)) & 0x0000_ffff_0000_ffff;
        let half = (half | (half << 8)) & 0x00ff_00ff_00ff_00ff;
        (half | (half << 4)) & 0x0f0f_0f0f_0f0f_0f0f
    }
    const fn digits(half: u64) -> [u8; 8] {
        let values = spread(half);
        // One in each byte whose value is ten or more: a letter, 39 further on.
        let letters = (values.wrapping_add(0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
        let ascii = values.wrapping_add(0x3030_3030_3030_3030);
        ascii.wrapping_add(letters.wrapping_mul(39)).to_be_bytes()
    }
    let (head, tail) = (digits(number >> 32), digits(number & 0xffff_ffff));
    let mut all = [0; 16];
    let (first, last) = all.split_at_mut(8);
    first.copy_from_slice(&head);
    last.copy_from_slice(&tail);
    all
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The trace id of a `traceparent`: digits in lower case, and not all of them nought.
fn trace_id(field: &[u8]) -> Option<[u8; 32]> {
    let (version, rest) = field.split_at_checked(3)?;
    let (trace, rest) = rest.split_at_checked(32)?;
    let (parent, rest) = rest.split_at_checked(18)?;
    let are_digits = |text: &[u8]| text.iter().all(|digit| HEX.contains(digit));
    let [b'-', parent @ .., b'-'] = parent else {
        return None;
    };
    let [version @ .., b'-'] = version else {
        return None;
    };
    let (flags, more) = rest.split_at_checked(2)?;
    let fits = [version, trace, parent, flags].into_iter().all(are_digits)
        && trace.iter().any(|&digit| digit != b'0')
        && version != b"ff"
        // Later versions may say more.
        && (more.is_empty() || (version != b"00" && more.starts_with(b"-")));
    if fits { trace.try_into().ok() } else { None }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_hexadecimal() {
        for number in [
            0,
            1,
            0x9a,
            u64::MAX,
            0x0123_4567_89ab_cdef,
            0xfedc_ba98_7654_3210,
        ] {
            let digits = hexadecimal(number);
            assert_eq!(std::str::from_utf8(&digits), Ok(&*format!("{number:016x}")));
        }
    }

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn only_a_well_written_trace_parent_names_the_request() {
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        for (field, is_taken) in [
            (parent.clone(), true),
            (format!("01-{TRACE}-00f067aa0ba902b7-01-more"), true),
            (format!("{parent}-more"), false),
            (format!("01-{TRACE}-00f067aa0ba902b7-01more"), false),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), false),
            (parent.to_uppercase(), false),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
            (format!("00-{TRACE}-00f067aa0ba902b7"), false),
            (format!("00_{TRACE}-00f067aa0ba902b7-01"), false),
            (format!("00-{TRACE}-00f067aa0ba902b7_01"), false),
            (String::new(), false),
        ] {
            let taken = trace_id(field.as_bytes());
            assert_eq!(taken.is_some(), is_taken, "{field}");
        }
        let mut twice = HeaderMap::new();
        twice.append(&TRACE_PARENT, parent.parse().unwrap());
        assert_eq!(CorrelationId::of(&twice).as_str(), TRACE);
        twice.append(&TRACE_PARENT, parent.parse().unwrap());
        assert_ne!(CorrelationId::of(&twice).as_str(), TRACE);
    }

    #[test]
    fn made_ones_differ() {
        let ids: std::collections::HashSet<_> =
            (0..10_000).map(|_| CorrelationId::made()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
