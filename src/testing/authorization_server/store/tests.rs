//! What is forgotten, and what must not be.

use super::*;

fn token(grant: GrantId, id: &str) -> AccessToken {
    AccessToken {
        id: TokenId::new(id.to_owned()),
        grant,
        terms: Terms {
            client: String::new(),
            subject: String::new(),
            resource: "https://files.example.com/mcp".parse().unwrap(),
            scopes: ScopeList::default(),
            actors: Vec::new(),
            expires_at: DateTime::UNIX_EPOCH,
        },
        issued_at: DateTime::UNIX_EPOCH,
        is_revoked: false,
    }
}

fn grant() -> Grant {
    Grant {
        client: "editor".to_owned(),
        subject: "alice".to_owned(),
        resources: Vec::new(),
        scopes: ScopeList::default(),
    }
}

fn code() -> AuthorizationCode {
    AuthorizationCode {
        grant: grant(),
        redirect_uri: String::new(),
        challenge: String::new(),
        expires_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn a_code_is_known_as_long_as_what_came_of_it() {
    let mut store = Store::new();
    store.add_code("c", code());
    assert!(matches!(store.show_code("c"), Shown::First(_)));
    assert!(matches!(store.show_code("c"), Shown::Again(None)));
    let first = store.add_grant(grant());
    store.code_became("c", first);
    for number in 0..MOST_CODES {
        store.add_code(&number.to_string(), code());
    }
    let again =
        |store: &mut Store| matches!(store.show_code("c"), Shown::Again(Some(id)) if id == first);
    assert!(again(&mut store));
    store.revoke_grant(first);
    assert!(again(&mut store));
    for _ in 0..MOST_GRANTS {
        store.add_grant(grant());
    }
    assert!(matches!(store.show_code("c"), Shown::Unknown));
}

#[test]
fn a_client_that_asks_often_ends_nothing_of_others() {
    let mut store = Store::new();
    let alice = store.add_grant(grant());
    store.add_access_token("a", token(alice, "a"));
    let own = |scope: &str| Grant {
        client: "machine".to_owned(),
        subject: "machine".to_owned(),
        resources: Vec::new(),
        scopes: ScopeList::parse(scope).unwrap(),
    };
    let first = store.reuse_grant(own("read"));
    for number in 0..MOST_TOKENS {
        assert_eq!(store.reuse_grant(own("read")), first);
        store.add_access_token(&number.to_string(), token(first, "m"));
    }
    assert!(store.access_token("a").is_some());
    let wider = store.reuse_grant(own("read write"));
    assert_ne!(wider, first);
    // What has ended is not begun again.
    store.revoke_grant(first);
    assert!(![first, wider].contains(&store.reuse_grant(own("read"))));
}

#[test]
fn what_is_forgotten_is_over() {
    let told = |store: &mut Store| {
        let revoked = store.take_revoked();
        revoked.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    // A grant.
    let mut store = Store::new();
    let first = store.add_grant(grant());
    store.add_access_token("a", token(first, "a"));
    for _ in 0..MOST_GRANTS {
        store.add_grant(grant());
    }
    assert!(store.access_token("a").is_none());
    assert_eq!(told(&mut store), ["a"]);

    // A token of one that has many, and one of many grants.
    let mut store = Store::new();
    let first = store.add_grant(grant());
    for number in 0..=MOST_TOKENS_OF_A_GRANT {
        let name = number.to_string();
        store.add_access_token(&name, token(first, &name));
    }
    assert!(store.access_token("0").is_none());
    assert!(store.access_token("1").is_some());
    assert_eq!(told(&mut store), ["0"]);
    for number in 0..MOST_TOKENS {
        store.add_access_token(&format!("x{number}"), token(first.saturating_add(1), "x"));
    }
    assert!(told(&mut store).contains(&"1".to_owned()));

    // A refresh token whose second use would not be seen.
    let mut store = Store::new();
    let first = store.add_grant(grant());
    store.add_access_token("a", token(first, "a"));
    store.add_refresh_token("r", first, DateTime::UNIX_EPOCH);
    store.spend_refresh_token("r");
    let thief = store.add_grant(grant());
    for number in 0..MOST_REFRESH_TOKENS {
        store.add_refresh_token(&number.to_string(), thief, DateTime::UNIX_EPOCH);
    }
    assert!(store.grant(first).is_none());
    assert_eq!(told(&mut store), ["a"]);
}
