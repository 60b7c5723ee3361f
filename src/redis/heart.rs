//! Asks the store for its counter, again and again.

use std::sync::Arc;
use std::time::Duration;

use super::script::{Answer, Greeting, Standing};
use super::shared::{Shared, report};
use crate::event::Event;

/// Asks for as long as it is polled.
pub(super) async fn beat(shared: Arc<Shared>) {
    let mut was_current = None;
    loop {
        ask(&shared).await;
        shared.told.notify_one();
        tell(&shared, &mut was_current);
        // Earlier if something has changed that the store should hear of.
        let asked = shared.asked.notified();
        tokio::time::timeout(shared.options.heartbeat, asked)
            .await
            .ok();
    }
}

async fn ask(shared: &Shared) {
    let epoch = shared.look(|view| view.epoch.clone()).unwrap_or_default();
    let (merged, seen) = shared.look(|view| {
        let (merged, seen) = view.told();
        (merged.cloned(), seen)
    });
    let greeting = Greeting {
        epoch: &epoch,
        machine: &shared.machine,
        merged: merged.as_ref(),
        seen,
        settling: shared.options.settling,
        longest: shared.longest(),
    };
    // What it says was true at a moment after this one.
    let asked_at = shared.options.clock.monotonic();
    let call = shared.scripts.beat(&greeting);
    let answer: Result<Vec<String>, _> = shared.asking.script(&call).await;
    match answer.map(|texts| Answer::of(&texts)) {
        Ok(Answer::There(standing)) => hear(shared, standing, asked_at),
        Ok(Answer::OtherEpoch(epoch, check)) => {
            adopt(shared, &epoch, &check);
        }
        Ok(Answer::NoEpoch) => shared.change(|view| view.is_of(None, "not_created")),
        Ok(Answer::Exists | Answer::Damaged) => {
            shared.change(|view| view.is_of(None, "store_damaged"));
        }
        // Until the bound has passed, what is known is enough.
        Err(fault) => shared.change(|view| view.cause = fault.code()),
    }
}

fn hear(shared: &Shared, standing: Standing, asked_at: Duration) {
    let has_lost = shared.change(|view| view.hears(standing, asked_at));
    if has_lost {
        let store = shared.keys.guard();
        report(&Event::StoreLostData { store });
    }
}

/// Takes another epoch for the store's, if it was made with the same key.
pub(super) fn adopt(shared: &Shared, epoch: &str, check: &str) -> bool {
    let own = shared.keys.code("epoch", &[epoch.as_bytes()]);
    let is_own = own == check;
    shared.change(|view| {
        if is_own {
            view.is_of(Some(epoch.into()), "settling");
        } else {
            view.is_of(None, "wrong_key");
        }
    });
    if is_own {
        shared.asked.notify_one();
    }
    is_own
}

/// Says when it has become current, or is not any more.
fn tell(shared: &Shared, was_current: &mut Option<bool>) {
    let is_current = shared.is_current();
    let store = shared.keys.guard();
    let cause = shared.look(|view| view.cause);
    // To read it all for the first time is no trouble.
    let begins = was_current.is_none() && matches!(cause, "settling" | "reading" | "behind");
    if *was_current == Some(is_current) || (begins && !is_current) {
        return;
    }
    *was_current = Some(is_current);
    if is_current {
        report(&Event::RevocationsKnown { store });
    } else {
        report(&Event::RevocationsUnknown { store, cause });
    }
}
