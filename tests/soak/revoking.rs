//! Somebody who revokes tokens all the time, on one machine after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clearance::lifecycle::Revocation;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::fleet::{MACHINES, lock};
use super::load::Load;
use super::model::{Caller, Fate, When};

pub(crate) struct Revoker {
    ends: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// How long is waited for what has to be so in the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many are on their way to be revoked at most.
const MOST: usize = 20;

pub(crate) fn begin(load: &Arc<Load>) -> Revoker {
    let ends = Arc::new(AtomicBool::new(false));
    let (load, has_end) = (Arc::clone(load), Arc::clone(&ends));
    let task = tokio::spawn(async move {
        let mut work = JoinSet::new();
        let mut number = 0;
        while !has_end.load(Ordering::SeqCst) {
            if work.len() < MOST {
                number += 1;
                let (caller, what) = load.callers.doomed(&load.fleet.issuer);
                work.spawn(revoke(Arc::clone(&load), number % MACHINES, caller, what));
            }
            sleep(Duration::from_millis(120)).await;
            while let Some(done) = work.try_join_next() {
                done.expect("it is revoked");
            }
        }
        while let Some(done) = work.join_next().await {
            done.expect("it is revoked");
        }
    });
    Revoker { ends, task }
}

fn change(caller: &Caller, change: impl FnOnce(&mut When)) {
    if let Fate::Doomed(when) = &caller.fate {
        change(&mut lock(when));
    }
}

/// Revokes it after it was used everywhere, again and again until the machine says that all others were told,
/// as whoever revokes has to.
async fn revoke(load: Arc<Load>, machine: usize, caller: Arc<Caller>, what: Revocation) {
    for machine in 0..MACHINES {
        load.ask(machine, &caller).await;
    }
    change(&caller, |when| when.begun = Some(Instant::now()));
    loop {
        let boot = load.fleet.boot(machine);
        let told = load.fleet.revoke(machine, what.clone()).await;
        let now = Instant::now();
        if let Some(told) = told {
            change(&caller, |when| {
                when.here = Some((machine, boot, now));
                when.everywhere = told.then_some(now);
            });
        }
        if told == Some(true) {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let since = Instant::now();
    let mut let_in = None;
    for machine in 0..MACHINES {
        while matches!(load.ask(machine, &caller).await, Some(200 | 429)) {
            let_in = Some(since.elapsed());
            if since.elapsed() > PATIENCE {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
    load.figures().revoked(let_in);
}

/// Waits until all machines say so.
async fn known_everywhere(load: &Load) {
    for caller in load.callers.revoked() {
        for machine in 0..MACHINES {
            while load.ask(machine, &caller).await != Some(401) {
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Revoker {
    /// All that was revoked is known to all machines: to each the same.
    pub(crate) async fn end(self, load: &Load) {
        self.ends.store(true, Ordering::SeqCst);
        self.task.await.expect("it ends");
        let is_known = timeout(PATIENCE * 2, known_everywhere(load)).await.is_ok();
        let same = || (1..MACHINES).all(|it| load.fleet.entries(it) == load.fleet.entries(0));
        let since = Instant::now();
        while !same() && since.elapsed() < PATIENCE {
            sleep(Duration::from_millis(5)).await;
        }
        if !is_known || !same() || load.fleet.entries(0) == 0 {
            load.figures()
                .wrong("not all machines know what was revoked".to_owned());
        }
    }
}
