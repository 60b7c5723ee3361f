//! What was sealed for one purpose is opened for that one.
//! Stops a value that a server gave out for one thing from being used for another.

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

fn confirmed(
    auth: &Auth,
    seal: &Seal<Confirmation>,
    state: &Sealed<Confirmation>,
) -> Result<String, OpenError> {
    seal.open(auth, "tools/call delete_file", state)
}

fn main() {}
