//! A set whose name is hidden grants what everybody can see: nothing.
//! Stops `impl Set` from being taken for whatever the caller would like it to be.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use clearance::scope::{Grants, Set};

fn hidden() -> ToolsExecute {
    ToolsExecute
}

fn narrowed<S: Grants<ToolsExecute>>(_: fn() -> S, auth: Authorized<S>) {
    drop::<Authorized<ToolsExecute>>(auth.narrow());
}

fn call() {
    narrowed(hidden, std::hint::black_box(None).unwrap());
}

fn of<S: Set>(_: S) {}

fn main() {}
