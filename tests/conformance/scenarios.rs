//! What is run, and how each scenario has to end.

use super::client::DONE;

/// One run of the suite.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// What the client sends its requests with.
    pub(crate) by: By,
    /// The scenarios, in groups. No other may run, and each has to.
    pub(crate) scenarios: &'static [&'static [Scenario]],
    /// What runs as well, but is not about what this client does.
    pub(crate) left_out: &'static [&'static str],
}

/// What speaks the protocol, which is not what is judged here.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// A few lines of this test, over the layer for HTTP clients.
    Layer,
    /// The official SDK, over its adapter.
    Sdk,
}

/// The name of a scenario, and what the client has to come to in it: all that it wanted, or an error with this
/// code.
pub(crate) type Scenario = (&'static str, &'static str);

pub(crate) const RUNS: [Run; 6] = [
    Run {
        name: "revision_2025_11_25",
        arguments: &["--suite", "auth", "--spec-version", "2025-11-25"],
        by: By::Layer,
        scenarios: &[BOTH],
        left_out: &[],
    },
    Run {
        name: "revision_2026_07_28",
        arguments: &["--requirements", "2026-07-28"],
        by: By::Layer,
        scenarios: &[BOTH, NEW, EXTENSIONS],
        left_out: OTHERS,
    },
    Run {
        name: "extensions",
        // With a revision, none of them would run.
        arguments: &["--suite", "extensions"],
        by: By::Layer,
        scenarios: &[EXTENSIONS],
        left_out: &["auth/dpop", "auth/dpop-nonce"],
    },
    Run {
        name: "revision_2025_03_26",
        arguments: &["--suite", "backcompat", "--spec-version", "2025-03-26"],
        by: By::Layer,
        scenarios: &[OLD],
        left_out: &[],
    },
    Run {
        name: "sdk_2025_11_25",
        arguments: &["--suite", "auth", "--spec-version", "2025-11-25"],
        by: By::Sdk,
        scenarios: &[BOTH],
        left_out: &[],
    },
    Run {
        name: "sdk_2026_07_28",
        arguments: &["--requirements", "2026-07-28"],
        by: By::Sdk,
        scenarios: &[BOTH, NEW, EXTENSIONS],
        left_out: OTHERS,
    },
];

/// Scored in both revisions.
const BOTH: &[Scenario] = &[
    ("auth/basic-cimd", DONE),       // CL-027
    ("auth/metadata-default", DONE), // CL-002, CL-054
    ("auth/metadata-var1", DONE),    // CL-020
    ("auth/metadata-var2", DONE),    // CL-011, CL-019
    ("auth/metadata-var3", DONE),    // CL-019
    ("auth/pre-registration", DONE),
    ("auth/scope-from-scopes-supported", DONE),  // CL-065
    ("auth/scope-from-www-authenticate", DONE),  // CL-065
    ("auth/scope-omitted-when-undefined", DONE), // CL-018
    ("auth/scope-retry-limit", "insufficient_scope"), // CL-068
    ("auth/scope-step-up", DONE),                // CL-067
    ("auth/token-endpoint-auth-basic", DONE),    // CL-055
    ("auth/token-endpoint-auth-none", DONE),     // CL-055
    ("auth/token-endpoint-auth-post", DONE),     // CL-055
];

/// Scored from 2026-07-28 on.
const NEW: &[Scenario] = &[
    ("auth/authorization-server-migration", DONE), // CL-007, CL-034
    ("auth/iss-normalized", "iss_mismatch"),       // CL-049
    ("auth/iss-not-advertised", DONE),             // CL-048
    ("auth/iss-supported", DONE),                  // CL-045
    ("auth/iss-supported-missing", "iss_missing"), // CL-046
    ("auth/iss-unexpected", "iss_mismatch"),       // CL-047
    ("auth/iss-wrong-issuer", "iss_mismatch"),     // CL-045
    ("auth/metadata-issuer-mismatch", "issuer_mismatch"), // CL-021
    ("auth/offline-access-not-supported", DONE),   // CL-074
    ("auth/offline-access-scope", DONE),           // CL-074
    ("auth/resource-mismatch", "resource_mismatch"), // CL-010
];

/// Run with any revision, and scored in none.
const EXTENSIONS: &[Scenario] = &[
    ("auth/client-credentials-basic", DONE),         // CL-082
    ("auth/client-credentials-jwt", DONE),           // CL-083
    ("auth/enterprise-managed-authorization", DONE), // CL-084
    ("auth/wif-jwt-bearer", DONE),                   // CL-085
];

/// From before there was metadata of resources.
const OLD: &[Scenario] = &[
    ("auth/2025-03-26-oauth-endpoint-fallback", DONE), // CL-009
    ("auth/2025-03-26-oauth-metadata-backcompat", DONE), // CL-009
];

/// Required of MCP clients, but not about authorization; and proofs of possession, which are not there.
const OTHERS: &[&str] = &[
    "auth/dpop",
    "auth/dpop-nonce",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "http-standard-headers",
    "json-schema-2020-12-preservation",
    "json-schema-ref-no-deref",
    "request-metadata",
    "sep-2322-client-request-state",
    "tools_call",
];
