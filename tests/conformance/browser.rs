//! A browser in which the person says yes at once, as the servers of the suite do it for them.

use clearance::client::redirect::{OpenError, UrlOpener};

/// Goes to a URL, and wherever it is sent from there.
#[derive(Debug)]
pub(crate) struct Follower;

impl UrlOpener for Follower {
    fn open(&self, url: &str) -> Result<(), OpenError> {
        let visit = reqwest::get(url.to_owned());
        tokio::spawn(async move {
            match visit.await {
                Ok(page) => println!("the browser ends with {}", page.status()),
                Err(error) => println!("the browser ends with {}", error.without_url()),
            }
        });
        Ok(())
    }
}
