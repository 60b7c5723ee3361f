//! A value is sealed for whoever holds a proof.
//! Stops a seal for somebody whose name was found in a log, or kept.

use clearance::mcp::ToolsExecute;
use clearance::session::{Purpose, Seal, SealError, Sealed};
use clearance::{Authorized, Caller};

struct Confirmation;

impl Purpose for Confirmation {
    const NAME: &'static str = "files.confirmation";
    type Content = String;
}

type Both = (Authorized<ToolsExecute>, Caller);
type Auth = Caller;

fn sealed(seal: &Seal<Confirmation>, auth: &Auth) -> Result<Sealed<Confirmation>, SealError> {
    seal.seal(auth, "tools/call delete_file", &"a.txt".to_owned())
}

fn main() {}
