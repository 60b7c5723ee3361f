//! Entries come and go.

use super::super::Revocations;
use super::*;
use crate::testing::ManualClock;

const KEEP: Duration = Duration::from_hours(1);

fn list(most: usize) -> (Revocations, ManualClock, Issuer) {
    let clock = ManualClock::at_fixed_start();
    let issuer: Issuer = "https://as.example".parse().unwrap();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let resource = "https://files.example.com/mcp".parse().unwrap();
    let of = (resource, vec![issuer.clone()]);
    let list = Revocations::new(of, shared, KEEP, most, None);
    (list, clock, issuer)
}

#[test]
fn a_full_list_forgets_only_what_cannot_matter() {
    let (list, clock, issuer) = list(2);
    let revoke = |name: &str| list.revoke_token(&issuer, &TokenId::new(name));
    assert_eq!(revoke("a"), Ok(()));
    clock.advance(TimeDelta::minutes(30));
    assert_eq!(list.revoke_subject(&issuer, &Subject::new("s")), Ok(()));
    assert_eq!(revoke("b"), Err(RevocationError::Full));
    // What is there may be said again, and stays for as long as from now.
    assert_eq!(list.revoke_subject(&issuer, &Subject::new("s")), Ok(()));
    clock.advance(TimeDelta::minutes(30));
    assert_eq!(revoke("b"), Err(RevocationError::Full));
    clock.advance(TimeDelta::nanoseconds(1));
    assert_eq!(revoke("b"), Ok(()));
    assert_eq!((list.len(), list.is_empty()), (2, false));
    assert_eq!(revoke("a"), Err(RevocationError::Full));
    clock.advance(TimeDelta::minutes(30));
    assert_eq!(revoke("a"), Ok(()));
    assert_eq!(list.len(), 2);
}

#[test]
fn clocks_that_are_set_weaken_nothing() {
    let (list, clock, issuer) = list(1);
    let (start, subject) = (clock.now(), Subject::new("s"));
    assert_eq!(list.revoke_subject(&issuer, &subject), Ok(()));
    clock.set(start - TimeDelta::minutes(50));
    assert_eq!(list.revoke_subject(&issuer, &subject), Ok(()));
    let entries = list.0.entries.read().unwrap();
    assert_eq!(
        entries.by_issuer[&issuer].subjects[&subject].until,
        since_1970(start)
    );
}

#[test]
fn an_issuer_that_is_not_trusted_takes_no_place() {
    let (list, _, _) = list(1);
    let other = "https://as.example/".parse().unwrap();
    let taken = list.revoke_token(&other, &TokenId::new("a"));
    assert_eq!(taken, Err(RevocationError::UnknownIssuer));
    assert!(list.is_empty());
}
