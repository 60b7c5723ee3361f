//! Addresses.

use clearance::limit::{Peers, Quota};
use clearance::{ForwardedBy, Network};

use super::world::{ALL, FORMS, call, server};
use crate::support::mcp::McpServer;
use crate::support::request::{MODERN, Request};

fn behind_here(by: ForwardedBy) -> Peers {
    let here: Vec<Network> = vec!["127.0.0.0/8".parse().expect("a network")];
    Peers::behind(here, by)
}

async fn status(server: &McpServer, who: &str, fields: &[(&str, &str)]) -> u16 {
    let token = server.scoped(ALL).subject(who).mint();
    let mut request = Request::new(MODERN, "tools/call whoami").bearer(&token);
    for (name, value) in fields {
        request = request.with(name, value);
    }
    server.send(&request).await.status
}

/// RS-126: what a client writes into a field does not change whose quota it uses up.
#[tokio::test]
async fn a_forged_address_changes_nothing() {
    for form in FORMS {
        let server = server(form, |guard| {
            guard.peers(Peers::of_connections().limit(Quota::per_minute(3)))
        })
        .await;
        for number in 0..5 {
            let forged = format!("192.0.2.{number}");
            let fields = [
                ("x-forwarded-for", forged.as_str()),
                ("forwarded", &format!("for={forged}")),
                ("x-real-ip", &forged),
            ];
            let expected = if number < 3 { 200 } else { 429 };
            assert_eq!(status(&server, "alice", &fields).await, expected, "{form}");
        }
    }
}

/// RS-126: what a trusted proxy adds does, and what stands before it does not.
#[tokio::test]
async fn a_trusted_proxy_says_who_asks() {
    for form in FORMS {
        let server = server(form, |guard| {
            let peers = behind_here(ForwardedBy::XForwardedFor);
            guard.peers(peers.limit(Quota::per_minute(2)))
        })
        .await;
        let of = async |field: &str| status(&server, "alice", &[("x-forwarded-for", field)]).await;
        assert_eq!(of("203.0.113.1, 198.51.100.1").await, 200, "{form}");
        assert_eq!(of("203.0.113.2, 198.51.100.1").await, 200, "{form}");
        assert_eq!(of("203.0.113.3, 198.51.100.1").await, 429, "{form}");
        assert_eq!(of("198.51.100.2").await, 200, "{form}");
        // A network of IPv6 is one peer.
        assert_eq!(of("2001:db8:1:2::1").await, 200, "{form}");
        assert_eq!(of("2001:db8:1:2::2").await, 200, "{form}");
        assert_eq!(of("2001:db8:1:2:ffff::3").await, 429, "{form}");
        assert_eq!(of("2001:db8:1:3::1").await, 200, "{form}");
    }
}

/// RS-126: users behind one address have quotas of their own once they are known.
#[tokio::test]
async fn users_behind_one_address_are_told_apart() {
    for form in FORMS {
        let server = server(form, |guard| {
            let peers = Peers::of_connections().limit(Quota::per_minute(10));
            guard.peers(peers).limit(Quota::per_minute(3))
        })
        .await;
        for expected in [200, 200, 200, 429] {
            assert_eq!(
                call(&server, "alice", "tools/call whoami").await.status,
                expected,
                "{form}"
            );
        }
        assert_eq!(
            call(&server, "bob", "tools/call whoami").await.status,
            200,
            "{form}"
        );
    }
}

/// RS-127: whoever is refused uses up the quota of an address alone: of the user that bad tokens name
/// nothing is taken, and nothing is verified for an address beyond its quota.
#[tokio::test]
async fn bad_tokens_use_up_nobody_else() {
    for form in FORMS {
        let server = server(form, |guard| {
            let peers = behind_here(ForwardedBy::XForwardedFor);
            let peers = peers.limit(Quota::per_minute(50));
            guard.peers(peers).limit(Quota::per_minute(2))
        })
        .await;
        let mut refused = [0, 0];
        for _ in 0..60 {
            let token = server.scoped(ALL).subject("alice").wrong_signature().mint();
            let request = Request::new(MODERN, "tools/call whoami").bearer(&token);
            let request = request.with("x-forwarded-for", "203.0.113.66");
            match server.send(&request).await.status {
                401 => refused[0] += 1,
                429 => refused[1] += 1,
                other => panic!("{other}"),
            }
        }
        assert!(refused[1] >= 10, "{form}: {refused:?}");
        for expected in [200, 200, 429] {
            let fields = [("x-forwarded-for", "198.51.100.7")];
            assert_eq!(status(&server, "alice", &fields).await, expected, "{form}");
        }
    }
}
