//! A proof over one vocabulary is no proof over another, whatever the scopes are called.
//! Stops a proof for one tenant from being used at another.

use clearance::Authorized;

mod acme {
    clearance::scopes! {
        /// What a caller may do at Acme.
        pub vocabulary AcmeScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}
mod globex {
    clearance::scopes! {
        /// What a caller may do at Globex.
        pub vocabulary GlobexScopes;
        /// Delete files.
        pub FilesDelete = "files:delete";
    }
}

fn delete(proof: &Authorized<acme::FilesDelete>) {
    println!("{} deletes", proof.subject());
}

async fn handler(auth: Authorized<globex::FilesDelete>) {
    delete(&auth);
}

fn main() {}
