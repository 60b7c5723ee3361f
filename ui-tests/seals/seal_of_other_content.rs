//! A purpose says what is sealed for it.
//! Stops a value that is read back as something else.

use clearance::Authorized;
use clearance::mcp::ToolsExecute;
use clearance::session::{Purpose, Seal, SealError, Sealed};

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

fn sealed(seal: &Seal<Confirmation>, auth: &Auth) -> Result<Sealed<Confirmation>, SealError> {
    seal.seal(auth, "tools/call delete_file", &7_u64)
}

fn main() {}
