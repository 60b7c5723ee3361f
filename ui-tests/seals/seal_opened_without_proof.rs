//! A value is opened by whoever holds a proof.
//! Stops a handle that is worth the same in every hand.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use clearance::session::{OpenError, Purpose, Seal, Sealed};

struct Confirmation;

impl Purpose for Confirmation {
    const NAME: &'static str = "files.confirmation";
    type Content = String;
}

struct Upload;

impl Purpose for Upload {
    const NAME: &'static str = "files.upload";
    type Content = String;
}

type Auth = Authorized<ToolsExecute>;

fn opened(
    seal: &Seal<Confirmation>,
    auth: &Auth,
    state: &Sealed<Confirmation>,
) -> Result<String, OpenError> {
    seal.open("tools/call delete_file", state)
}

fn main() {}
