//! The type without values is no scope.
//! Stops `!`, which turns into everything else, from standing for every scope.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;

trait Answer {
    type Of;
}
impl<T> Answer for fn() -> T {
    type Of = T;
}
type Never = <fn() -> ! as Answer>::Of;

fn call(_: Authorized<(ToolsExecute,)>) {}

fn of(_: ToolsExecute, _: fn() -> Never) {}

fn main() {}
