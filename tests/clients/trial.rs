//! A test with a time limit, which a machine may lack the programs for.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use libtest_mimic::{Completion, Failed, Trial};
use tokio::runtime;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// More than any test here takes, on a machine that is busy with others.
const LIMIT: Duration = Duration::from_mins(2);

/// What a test needs of its machine, or what the machine lacks.
pub(crate) type Needed<T> = Result<T, String>;

/// A test that is ignored if its machine lacks what it needs.
pub(crate) fn trial<N, F>(
    name: &str,
    needed: impl FnOnce() -> Needed<N> + Send + 'static,
    run: impl FnOnce(N) -> F + Send + 'static,
) -> Trial
where
    N: 'static,
    F: Future<Output = Outcome<()>>,
{
    Trial::ignorable_test(name, move || match needed() {
        Ok(needed) => limited(run(needed)).map(|()| Completion::Completed),
        Err(lack) => Ok(Completion::ignored_with(lack)),
    })
}

fn limited(run: impl Future<Output = Outcome<()>>) -> Result<(), Failed> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async { tokio::time::timeout(LIMIT, run).await });
    match outcome {
        Ok(outcome) => outcome.map_err(|error| Failed::from(error.to_string())),
        Err(_) => Err(Failed::from(format!("no end after {LIMIT:?}"))),
    }
}
