//! What it costs where nobody reads.

use allocation_counter::measure;
use clearance::GuardBuilder;
use tracing::subscriber::{NoSubscriber, with_default};

use super::fixture::Kept;
use crate::support::http::{parts, parts_with};
use crate::support::{ToolsRead, clock, issuer_apart, strict};

/// Without a sink and without a subscriber nothing is allocated for an event: a remembered token costs
/// what its proof costs. With a sink it may cost one more, for its place in the queue.
#[test]
fn nothing_is_allocated_for_events_that_nobody_reads() {
    let clock = clock();
    let (runtime, issuer) = issuer_apart(&clock);
    let kept = Kept::default();
    let quiet = strict(&issuer, &clock)
        .unlimited()
        .build()
        .expect("a guard");
    let read = GuardBuilder::unlimited(strict(&issuer, &clock)).audit(kept.clone());
    let read = read.build().expect("a guard");
    let token = issuer.token().scope("mcp:tools.read").mint();
    let asked = |guard: &clearance::Guard<_>, token: Option<&str>| {
        let mut parts = token.map_or_else(|| parts("/mcp", None), parts_with);
        let counted = measure(|| {
            let proof = runtime.block_on(guard.authorize::<ToolsRead>(&mut parts));
            drop(proof);
        });
        counted.count_total
    };
    with_default(NoSubscriber::new(), || {
        for guard in [&quiet, &read] {
            runtime.block_on(guard.ready()).expect("keys");
            for _ in 0..3 {
                asked(guard, Some(&token));
            }
        }
        // What is asked once more: the queue of the one that is read has room by now.
        let [allowed, refused] = [Some(token.as_str()), None].map(|token| {
            let quiet = asked(&quiet, token);
            let read = asked(&read, token);
            assert!(read <= quiet + 1, "{read} allocations");
            quiet
        });
        assert_eq!(allowed, asked(&quiet, Some(&token)));
        assert!(allowed <= 1, "{allowed} allocations for a proof");
        assert!(refused <= 3, "{refused} allocations for a refusal");
        let written = runtime.block_on(kept.take(&read));
        assert_eq!(written.len(), 5, "an event for each time it was asked");
    });
}
