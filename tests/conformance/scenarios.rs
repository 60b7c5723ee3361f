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
    ("auth/basic-cimd", DONE),
    ("auth/metadata-default", DONE),
    ("auth/metadata-var1", DONE),
    ("auth/metadata-var2", DONE),
    ("auth/metadata-var3", DONE),
    ("auth/pre-registration", DONE),
    ("auth/scope-from-scopes-supported", DONE),
    ("auth/scope-from-www-authenticate", DONE),
    ("auth/scope-omitted-when-undefined", DONE),
    ("auth/scope-retry-limit", "insufficient_scope"),
    ("auth/scope-step-up", DONE),
    ("auth/token-endpoint-auth-basic", DONE),
    ("auth/token-endpoint-auth-none", DONE),
    ("auth/token-endpoint-auth-post", DONE),
];

/// Scored from 2026-07-28 on.
const NEW: &[Scenario] = &[
    ("auth/authorization-server-migration", DONE),
    ("auth/iss-normalized", "iss_mismatch"),
    ("auth/iss-not-advertised", DONE),
    ("auth/iss-supported", DONE),
    ("auth/iss-supported-missing", "iss_missing"),
    ("auth/iss-unexpected", "iss_mismatch"),
    ("auth/iss-wrong-issuer", "iss_mismatch"),
    ("auth/metadata-issuer-mismatch", "issuer_mismatch"),
    ("auth/offline-access-not-supported", DONE),
    ("auth/offline-access-scope", DONE),
    ("auth/resource-mismatch", "resource_mismatch"),
];

/// Run with any revision, and scored in none.
const EXTENSIONS: &[Scenario] = &[
    ("auth/client-credentials-basic", DONE),
    ("auth/client-credentials-jwt", DONE),
    ("auth/enterprise-managed-authorization", DONE),
    ("auth/wif-jwt-bearer", DONE),
];

/// From before there was metadata of resources.
const OLD: &[Scenario] = &[
    ("auth/2025-03-26-oauth-endpoint-fallback", DONE),
    ("auth/2025-03-26-oauth-metadata-backcompat", DONE),
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
