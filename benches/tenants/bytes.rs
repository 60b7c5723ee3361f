//! What a tenant holds: before anybody came, and with users.

use axum::http::StatusCode;
use clearance::TrustedIssuer;
use clearance::tenants::{TenantName, Tenants};
use clearance::testing::Issuer;
use tokio::runtime::Runtime;

use super::{call, guard, mint, place, status, tenant};

/// How many tenants are made, to be divided by.
const COUNT: usize = 100;
const NAMES: usize = 10_000;

/// The bytes that are left of this work, for each of so many.
fn kept(of: f64, work: impl FnOnce()) -> f64 {
    let counted = allocation_counter::measure(work);
    f64::from(i32::try_from(counted.bytes_current).expect("a number")) / of
}

/// So many users ask each tenant once.
async fn ask(tenants: &Tenants, issuer: &Issuer, number: usize, users: usize) {
    for user in 0..users {
        // Minted and dropped here, which leaves nothing.
        let request = call(number, &mint(issuer, number, user));
        assert_eq!(status(tenants, request).await, StatusCode::OK);
    }
}

pub(super) fn table(runtime: &Runtime, issuer: &Issuer) {
    let tenants = place().build().expect("a place");
    let mut held = kept(100.0, || {
        for number in 0..COUNT {
            let trusted = TrustedIssuer::new(issuer.id().clone());
            let guard = guard(trusted, number).build().expect("a guard");
            tenants.set(tenant(&guard)).expect("it is there");
        }
    });
    println!("\nbytes for each tenant");
    println!("    {:<54} {held:>9.0}", "idle, one tool");
    for users in [1, 10, 100, 1_000] {
        held += kept(100.0, || {
            runtime.block_on(async {
                for number in 0..COUNT {
                    ask(&tenants, issuer, number, users).await;
                }
            });
        });
        let what = format!("with keys, and {users} users that have asked");
        println!("    {what:<54} {held:>9.0}");
    }
    let loader = async |_: TenantName| Ok(None);
    let unknown = place().loader(loader).build().expect("a place");
    let name = kept(10_000.0, || {
        runtime.block_on(async {
            for number in 0..NAMES {
                let answer = status(&unknown, call(number, "x")).await;
                assert_eq!(answer, StatusCode::NOT_FOUND);
            }
        });
    });
    println!(
        "    {:<54} {name:>9.0}",
        "a name that nobody has, for ten seconds"
    );
}
