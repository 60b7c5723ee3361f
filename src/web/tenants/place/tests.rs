//! Who is chosen by what a request says.

use http::Request;

use super::*;

fn place(text: &str) -> Place {
    Place::parse(text).unwrap()
}

fn head(uri: &str, hosts: &[&str]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for host in hosts {
        request = request.header(HOST, *host);
    }
    request.body(()).unwrap().into_parts().0
}

fn chosen(place: &Place, uri: &str, hosts: &[&str]) -> Result<Option<String>, Odd> {
    let parts = head(uri, hosts);
    Ok(place.choose(&parts)?.map(Cow::into_owned))
}

fn name(place: &Place, resource: &str) -> Option<String> {
    let name = place.name_of(&resource.parse().unwrap())?;
    Some(name.as_str().to_owned())
}

#[test]
fn a_place_is_an_identifier_with_one_gap() {
    for (text, expected) in [
        ("https://mcp.example.com/mcp", PlaceError::Gap),
        ("https://mcp.example.com/{tenant}/{tenant}", PlaceError::Gap),
        ("https://mcp.example.com/x{tenant}/mcp", PlaceError::Part),
        ("https://mcp.example.com/{tenant}x/mcp", PlaceError::Part),
        ("https://mcp.{tenant}.com/mcp", PlaceError::Part),
        ("https://x{tenant}.example.com/mcp", PlaceError::Part),
        ("https://{tenant}x.example.com/mcp", PlaceError::Part),
        ("https://mcp.example.com/mcp?t={tenant}", PlaceError::Query),
        ("https://mcp.example.com/{tenant}?a=b", PlaceError::Query),
        (
            "https://mcp.example.com/mcp#{tenant}",
            PlaceError::Identifier(IdentifierError::Fragment),
        ),
        (
            "http://mcp.example.com/{tenant}",
            PlaceError::Identifier(IdentifierError::Scheme),
        ),
        (
            "https://u@{tenant}.example.com/",
            PlaceError::Identifier(IdentifierError::UserInformation),
        ),
    ] {
        assert_eq!(Place::parse(text).unwrap_err(), expected, "{text}");
    }
}

/// RS-035
#[test]
fn a_path_leads_to_one_tenant_or_none() {
    let tenants = place("https://mcp.example.com/t/{tenant}/mcp");
    for (path, expected) in [
        ("/t/acme/mcp", Some("acme")),
        ("/t/acme", Some("acme")),
        ("/t/acme/", Some("acme")),
        ("/t/acme/mcp/more", Some("acme")),
        ("/t/Acme/mcp", Some("Acme")),
        (
            "/.well-known/oauth-protected-resource/t/acme/mcp",
            Some("acme"),
        ),
        ("/.well-known/oauth-protected-resourcex/t/acme/mcp", None),
        ("/.well-known/oauth-protected-resource", None),
        ("/x/acme/mcp", None),
        ("/T/acme/mcp", None),
        ("/t/", None),
        ("/t", None),
        ("/t//mcp", None),
        ("//t/acme/mcp", None),
        ("/t/%61cme/mcp", None),
        ("/t/acme%2fmcp", None),
        ("/t/acme%00/mcp", None),
        ("/t/acme;x/mcp", None),
        ("/t/.hidden/mcp", None),
    ] {
        assert_eq!(
            chosen(&tenants, path, &[]).unwrap().as_deref(),
            expected,
            "{path}"
        );
    }
    // The host says nothing here, and neither does what an absolute form names.
    let absolute = "http://other.example.com/t/acme/mcp";
    assert_eq!(
        chosen(&tenants, absolute, &["a", "b"]).unwrap().as_deref(),
        Some("acme")
    );
    let root = place("https://mcp.example.com/{tenant}");
    assert_eq!(
        chosen(&root, "/acme", &[]).unwrap().as_deref(),
        Some("acme")
    );
    assert_eq!(
        chosen(&root, "/.well-known/openid-configuration", &[]),
        Ok(None)
    );
}

/// RS-035
#[test]
fn a_path_that_leads_elsewhere_is_odd() {
    let tenants = place("https://mcp.example.com/t/{tenant}/mcp");
    for path in [
        "/t/acme/../other/mcp",
        "/t/acme/./mcp",
        "/t/acme/%2e%2e/other/mcp",
        "/t/acme/%2E./other/mcp",
        "/t/acme/..%2fother/mcp",
        "/t/acme/x%5c..%5Cother/mcp",
        "/t/../t/acme/mcp",
        "/t/acme/mcp/..",
        "/t/acme/..;/other/mcp",
        "/t/acme/..;x=y/other/mcp",
        "/t/acme/%2e%2E%3B/other/mcp",
        "/t/acme/..%00/other/mcp",
        "/t/acme/%252e%252e/other/mcp",
        "/t/acme/%25252e./other/mcp",
        "/t/acme/..%255cother/mcp",
        "/t/acme/x%2f%2e%2e%2f/other",
        "/t/acme\\..\\other",
        "/t/acme/mcp/..?",
    ] {
        assert_eq!(chosen(&tenants, path, &[]), Err(Odd::Path), "{path}");
    }
    for path in [
        "/t/acme/...",
        "/t/acme/..x",
        "/t/acme/x..",
        "/t/acme/.well-known",
        "/t/acme/;..",
        "/t/acme/%2",
        "/t/acme/%",
        "/t/acme/%25",
        "/t/acme/%zz..",
        "/t/acme/a.b%20c",
    ] {
        let found = chosen(&tenants, path, &[]);
        assert_eq!(found.unwrap().as_deref(), Some("acme"), "{path}");
    }
    // However often it is encoded.
    let long = format!("/t/acme/%{}2e", "25".repeat(30_000));
    assert_eq!(chosen(&tenants, &long, &[]), Err(Odd::Path));
}

/// RS-035
#[test]
fn a_host_leads_to_one_tenant_or_none() {
    let labels = place("https://{tenant}.Example.com:8443/mcp");
    for (host, expected) in [
        ("acme.example.com:8443", Some("acme")),
        ("ACME.example.COM:8443", Some("acme")),
        ("acme.example.com", None),
        ("acme.example.com:443", None),
        ("a.b.example.com:8443", None),
        (".example.com:8443", None),
        ("-.example.com:8443", None),
        ("acme.example.com.:8443", None),
        ("acme.example.com:8443.evil.example", None),
        ("evil.example/acme.example.com:8443", None),
        ("user@acme.example.com:8443", None),
        ("ac%6de.example.com:8443", None),
        ("example.com:8443", None),
    ] {
        assert_eq!(
            chosen(&labels, "/mcp", &[host]).unwrap().as_deref(),
            expected,
            "{host}"
        );
    }
    assert_eq!(chosen(&labels, "/mcp", &[]), Ok(None));
    let twice = ["acme.example.com:8443", "acme.example.com:8443"];
    assert_eq!(chosen(&labels, "/mcp", &twice), Err(Odd::Host));
    let absolute = "https://other.example.com:8443/mcp";
    assert_eq!(
        chosen(&labels, absolute, &["acme.example.com:8443"]),
        Err(Odd::Host)
    );
    assert_eq!(
        chosen(&labels, absolute, &[]).unwrap().as_deref(),
        Some("other")
    );
    assert_eq!(
        chosen(&labels, "/a/../mcp", &["acme.example.com:8443"]),
        Err(Odd::Path)
    );
    let hosts = place("https://{tenant}/mcp");
    let domain = chosen(&hosts, "/mcp", &["Files.acme.example"]);
    assert_eq!(domain.unwrap().as_deref(), Some("files.acme.example"));
    assert_eq!(
        chosen(&hosts, "/mcp", &["files.acme.example:443"]),
        Ok(None)
    );
}

/// RS-035
#[test]
fn a_resource_is_at_one_place() {
    let by_path = place("https://mcp.example.com/t/{tenant}/mcp");
    assert_eq!(
        name(&by_path, "https://mcp.example.com/t/acme/mcp").as_deref(),
        Some("acme")
    );
    assert_eq!(
        name(&by_path, "HTTPS://MCP.example.com/t/acme/mcp").as_deref(),
        Some("acme")
    );
    for other in [
        "https://mcp.example.com/t/acme/mcp/",
        "https://mcp.example.com/t/acme/mcp?q",
        "https://mcp.example.com/t/a/b/mcp",
        "https://mcp.example.com/t/a%62/mcp",
        "https://mcp.example.com/T/acme/mcp",
        "https://mcp.example.com:443/t/acme/mcp",
        "https://other.example.com/t/acme/mcp",
    ] {
        assert_eq!(name(&by_path, other), None, "{other}");
    }
    let by_host = place("https://{tenant}.example.com/mcp");
    assert_eq!(
        name(&by_host, "https://Acme.example.com/mcp").as_deref(),
        Some("acme")
    );
    for other in [
        "https://acme.example.com/MCP",
        "https://acme.example.com",
        "https://a.b.example.com/mcp",
        "https://acme.example.com:8443/mcp",
        "https://acme.example.org/mcp",
    ] {
        assert_eq!(name(&by_host, other), None, "{other}");
    }
}
