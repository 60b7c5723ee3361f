//! Where a browser may be sent, and whether two such places are the same.

use url::Url;

use super::error::{Code, OAuthError};

/// The hosts of this machine, as they are written.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

const LONGEST: usize = 2048;

/// What this server says in a redirect. Where the client's own URI says it already, nobody could
/// tell which of the two is meant.
const OURS: [&str; 5] = ["code", "error", "error_description", "iss", "state"];

/// A redirect URI that a client has registered: `https`, or `http` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RedirectUri(String);

impl RedirectUri {
    /// Takes `text` as a redirect URI.
    ///
    /// # Errors
    /// If it is neither `https` nor `http` on this machine, has a fragment, user information or a
    /// parameter of authorization responses, or is something that a browser would read otherwise than
    /// it is written.
    pub(super) fn parse(text: &str) -> Result<Self, OAuthError> {
        let error = OAuthError::new(
            Code::InvalidRedirectUri,
            "a redirect URI is https, or http on loopback, without fragment, user information and parameters of answers",
        );
        let written =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte);
        if text.len() > LONGEST || !text.bytes().all(written) {
            return Err(error);
        }
        let url = Url::parse(text).ok().ok_or(error)?;
        let has_user =
            authority(text).is_none_or(|authority| authority.contains('@') || authority.is_empty());
        // What else a host may hold to the reader of URLs means something in the policy of the page.
        let is_plain = |host: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.[]:".contains(&byte);
            host.bytes().all(is_plain)
        };
        let is_accepted = match url.scheme() {
            "https" => url.host_str().is_some_and(is_plain) && text.starts_with("https://"),
            _ => on_loopback(text).is_some(),
        };
        let speaks_for_us = url.query_pairs().any(|(name, _)| OURS.contains(&&*name));
        if has_user || speaks_for_us || !is_accepted {
            return Err(error);
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether a request may name `asked` where this one is registered: the same text, or the same
    /// but for the port on this machine, which a native client learns only when it runs
    /// (RFC 8252 section 7.3).
    pub(super) fn allows(&self, asked: &str) -> bool {
        if self.0 == asked {
            return true;
        }
        match (on_loopback(&self.0), on_loopback(asked)) {
            (Some(registered), Some(asked)) => registered == asked,
            _ => false,
        }
    }
}

/// What stands between `//` and the path.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    rest.split(['/', '?']).next()
}

/// Host and all that follows the port of an `http` URI on this machine.
///
/// It is read as text, letter by letter, so that there is no second reader to disagree with.
fn on_loopback(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let host = LOOPBACK.into_iter().find(|host| rest.starts_with(host))?;
    let rest = rest.strip_prefix(host)?;
    let after_port = match rest.strip_prefix(':') {
        Some(port_and_rest) => {
            let after = port_and_rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
            let port = port_and_rest.strip_suffix(after)?;
            let number: u16 = port.parse().ok()?;
            (number != 0).then_some(after)?
        }
        None => rest,
    };
    let is_end = after_port.is_empty() || after_port.starts_with(['/', '?']);
    is_end.then_some((host, after_port))
}

#[cfg(test)]
mod tests {
    use super::RedirectUri;

    #[test]
    fn only_https_and_this_machine_are_registered() {
        for good in [
            "https://app.example.com/cb",
            "https://app.example.com/cb?x=1",
            "http://127.0.0.1/cb",
            "http://localhost:33418/",
            "http://[::1]:9/cb",
        ] {
            assert!(RedirectUri::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/cb",
            "http://app.example.com/cb",
            "https://app.example.com/cb#x",
            "https://user@app.example.com/cb",
            "https://@app.example.com/cb",
            "https:app.example.com/cb",
            "https:///app.example.com",
            "HTTPS://app.example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "app://cb",
            "http://127.0.0.1.example.com/cb",
            "http://localhost.example.com/cb",
            "http://127.0.0.1:80@example.com/cb",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:/cb",
            "https://app.example.com/cb?iss=https://evil.example.com",
            "http://127.0.0.1/cb?x=1&c%6fde=y",
            "http://localhost\\@example.com/cb",
            "https://app.example.com/c b",
            "https://a;sandbox;b.example/cb",
            "https://*/cb",
            "https://a,b.example/cb",
            "https://a'b.example/cb",
            "https://app.example.com/\u{202e}",
        ] {
            assert!(RedirectUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_port_on_this_machine_may_differ() {
        let native = RedirectUri::parse("http://127.0.0.1/cb?x=1").unwrap();
        assert!(native.allows("http://127.0.0.1:5/cb?x=1"));
        for other in [
            "http://localhost:5/cb?x=1",
            "http://[::1]:5/cb?x=1",
            "http://127.0.0.1:5/cb",
            "http://127.0.0.1:5/cb?x=1&y=2",
            "http://127.0.0.1:5/cb?x=1#f",
            "http://127.0.0.1:5/CB?x=1",
            "http://127.0.0.1:5/cb/?x=1",
            "http://127.0.0.1:5/x/../cb?x=1",
            "http://127.0.0.1:5@evil.example/cb?x=1",
            "http://127.0.0.1:5.evil.example/cb?x=1",
            "https://127.0.0.1:5/cb?x=1",
        ] {
            assert!(!native.allows(other), "{other}");
        }
        let web = RedirectUri::parse("https://app.example.com/cb").unwrap();
        assert!(web.allows("https://app.example.com/cb"));
        for other in [
            "https://app.example.com:443/cb",
            "https://app.example.com/cb/",
            "https://app.example.com/cb?",
            "https://app.example.com/",
            "https://APP.example.com/cb",
            "https://app.example.com.evil.example/cb",
        ] {
            assert!(!web.allows(other), "{other}");
        }
    }
}
