//! A first look: one request allowed, the others refused.

mod support;

#[tokio::test]
async fn allowed_and_refused() {
    let server = support::server().await;
    let token = server.issuer.token().scope("mcp:tools.read").mint();
    let answer = server.get("/mcp", &token).await;
    answer.assert_ok();
    assert_eq!(server.ran(), 1);
    server.get_bare("/mcp").await.assert_401_none();
    server.get("/mcp", "garbage").await.assert_401_inv();
    server
        .get("/delete", &token)
        .await
        .assert_403("files:read files:write mcp:tools.read");
    let answer = server.get_bare(support::M_PATH).await;
    println!("{answer:?}");
    answer.assert_ok();
}
