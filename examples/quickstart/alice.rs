//! What a browser and alice do, without a browser.

use std::error::Error;

use clearance::testing::AuthorizationServer;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;

/// Opens the page, presses "Allow", and gives where the browser is sent.
pub(crate) async fn allow(
    server: &AuthorizationServer,
    authorize: &str,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    if !authorize.starts_with(&server.authorization_endpoint()) {
        return Err(format!("not a page of the authorization server: {authorize}").into());
    }
    let browser = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let page = browser.get(authorize).send().await?;
    let cookie = page.headers().get(SET_COOKIE).ok_or("no cookie")?;
    let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
    let cookie = cookie.to_owned();
    let html = page.text().await?;
    let token = html.split_once(r#"name="form_token" value=""#);
    let token = token.and_then(|(_, rest)| rest.split_once('"'));
    let (token, _) = token.ok_or_else(|| format!("a page without a form: {html}"))?;
    let answer = browser
        .post(format!("{}/consent", server.origin()))
        .header("content-type", "application/x-www-form-urlencoded")
        .header(COOKIE, cookie)
        .header(ORIGIN, server.origin())
        .body(format!("form_token={token}&user=alice&decision=allow"))
        .send()
        .await?;
    let location = answer.headers().get(LOCATION);
    let location = location.ok_or("the page was not left")?;
    Ok(location.to_str()?.to_owned())
}
