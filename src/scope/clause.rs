//! What met a set of scopes, as texts.

use super::set::Set;

/// Texts of which one is enough.
pub(crate) type Clause = Vec<&'static str>;

pub(super) fn clauses<S: Set>(granted: u64) -> Vec<Clause> {
    let mut all = Vec::new();
    S::met_by(granted, &mut all);
    all
}

/// One of these members. Where each is one clause, they are one clause together; otherwise the first
/// that was met counts, which is more than was needed.
pub(super) fn one_of<const N: usize>(into: &mut Vec<Clause>, members: [(bool, Vec<Clause>); N]) {
    if members.iter().all(|(_, clauses)| clauses.len() == 1) {
        into.push(
            members
                .into_iter()
                .flat_map(|(_, own)| own)
                .flatten()
                .collect(),
        );
        return;
    }
    let met = members.into_iter().find(|(is_met, _)| *is_met);
    into.extend(met.into_iter().flat_map(|(_, clauses)| clauses));
}
