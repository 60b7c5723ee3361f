//! A test with a time limit, which a machine may lack Redis for.

use std::future::Future;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use tokio::runtime;

use super::program::needed;

/// More than any test here takes, on a machine that is busy with others.
const LIMIT: Duration = Duration::from_mins(2);

/// A test that is ignored where there is no Redis.
pub(crate) fn trial<F>(name: &str, run: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()>,
{
    trial_within(name, LIMIT, run)
}

/// The same with another time limit.
pub(crate) fn trial_within<F>(
    name: &str,
    limit: Duration,
    run: impl FnOnce() -> F + Send + 'static,
) -> Trial
where
    F: Future<Output = ()>,
{
    Trial::ignorable_test(name, move || {
        if let Err(lack) = needed() {
            return Ok(Completion::ignored_with(lack));
        }
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let outcome = runtime.block_on(async { tokio::time::timeout(limit, run()).await });
        match outcome {
            Ok(()) => Ok(Completion::Completed),
            Err(_) => Err(Failed::from(format!("no end after {limit:?}"))),
        }
    })
}
