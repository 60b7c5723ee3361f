//! What is allowed compiles: the twins of the cases in `ui-tests`, and honest uses of scopes.
//!
//! A twin differs from its failing case in one line or two, so that the case cannot fail for
//! another reason than the one that it claims. All twins are modules of this one crate; as crates
//! of their own each would have to be linked.
#![cfg(test)]

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use clearance::keys::FixedKeys;
use clearance::mcp::{McpScopes, ToolsExecute, ToolsRead};
use clearance::refusal::Reason;
use clearance::scope::{
    AnyOf, Appended, Cons, Declared, Grants, KnownTo, Nil, NoScopes, Place, Set, Vocabulary,
};
use clearance::testing::Issuer;
use clearance::{Authorized, ConfigError, Guard, Guarded, TrustedIssuer};
use http::Request;
use http::header::AUTHORIZATION;
use tower::ServiceExt as _;

macro_rules! twins {
    ($($name:ident)*) => {
        #[path = "../ui-tests/pass"]
        #[allow(
            dead_code,
            elided_lifetimes_in_paths,
            let_underscore_drop,
            missing_debug_implementations,
            missing_docs,
            single_use_lifetimes,
            unnameable_types,
            unreachable_pub,
            unused,
            unused_qualifications,
            clippy::all,
            clippy::nursery,
            clippy::pedantic,
            clippy::restriction,
            reason = "a twin is as plain as its failing case"
        )]
        mod pass {
            $(mod $name;)*
        }

        const TWINS: &[&str] = &[$(stringify!($name)),*];
    };
}

twins! {
    advance_by_hand
    alias_hides_a_circle
    answer_by_hand
    any_of_any_of
    any_of_bare_scope
    any_of_nothing
    any_of_nothing_as_anything
    any_of_nothing_inside
    any_of_used_as_all
    any_of_used_as_one
    any_of_with_nothing
    any_state
    argument_by_hand
    attest_live
    attest_permit
    audience_as_text
    audience_before_introspection
    audience_before_signature
    audience_twice
    backslash
    base_includes_what_extends_it
    bearer_after_parsing
    bearer_as_text
    bearer_from_string
    bearer_into_string
    begin_token
    bool_as_proof
    borrowed_scope
    box_of_another_proof
    boxed_scope
    boxed_set_by_hand
    build_acceptance
    build_authorized
    build_guard_by_hand
    build_introspected
    build_key_set
    build_live
    build_permit
    build_state
    build_token
    build_twice
    call_without_proof
    caller_as_proof
    caller_into_proof
    client_assertion_as_text
    client_awaiting_cloned
    client_bare_code
    client_code_twice
    client_credential_of_no_issuer
    client_discovered_by_hand
    client_redirect_uri_as_text
    client_resource_chosen
    client_state_chosen
    client_token_as_text
    client_tokens_by_hand
    client_tokens_serialized
    client_two_requests_of_one_registered
    client_unregistered
    client_verifier_chosen
    clone_authorized
    clone_bearer
    clone_live
    clone_token
    convert_between_states
    copy_client_secret
    cycle
    cycle_by_hand
    decision_behind_the_facade
    declared_any_of
    declared_tuple
    default_authorized
    default_config
    default_guard
    default_permit
    default_state
    demanding_more_than_the_handler
    demanding_what_is_no_scope
    deserialize_authorized
    deserialize_permit
    deserialize_state
    deserialize_token
    empty
    exchange_of_a_caller
    exchange_of_a_text
    exchange_without_upstream
    expose_bearer
    extractor_by_hand
    extractor_that_widens
    facade_by_glob
    false_bound_on_a_generic_vocabulary
    false_bound_on_a_vocabulary
    foreign_baseline
    foreign_beside_nothing
    foreign_in_any_of
    foreign_scope
    foreign_vocabulary
    fragment_hides_a_circle
    generic_called_without_grants
    generic_without_grants
    grants_by_assumption
    grants_by_hand
    grants_own_type_by_hand
    guard_as_extension
    guard_forgotten
    guard_forgotten_in_router
    guard_object_of_another_vocabulary
    guard_object_without_vocabulary
    guard_of_another_vocabulary
    guard_that_may_be_missing
    guard_through_any
    handler_by_hand
    handler_by_its_private_trait
    includes_a_foreign_list
    includes_a_scope_as_vocabulary
    includes_a_set
    includes_a_set_by_hand
    includes_any_of
    includes_foreign_scope
    includes_itself
    includes_the_vocabulary
    includes_two_vocabularies
    includes_what_a_stranger_includes
    includes_what_comes_below
    includes_without_a_list
    introspection_of_a_jwt
    known_to_by_assumption
    known_to_by_hand
    known_to_own_vocabulary_by_hand
    lacks_one_scope
    layer_sealing_by_hand
    layer_with_guard_of_a_larger_vocabulary
    layer_with_policy_of_another_vocabulary
    layer_without_guard
    layer_without_policy
    layer_without_seal_keys
    letter_beyond_ascii
    list_behind_the_facade
    list_by_a_scope
    list_lacks_what_is_included
    list_of_what_is_no_list
    list_unknown_to_the_vocabulary
    listing_by_hand
    lists_foreign_scope_elsewhere
    lists_scope_with_another_home
    live_grants_scope
    macro_hides_a_circle
    member_as_object
    member_is_no_scope
    metadata_of_the_state
    method_as_its_private_trait
    method_as_text
    method_is_a_scope
    method_is_a_tool
    method_of_another_vocabulary
    method_of_ones_own
    method_unknown_to_the_vocabulary
    method_with_any_of
    method_with_foreign_proof
    method_with_proof_of_nothing
    method_with_proof_second
    method_with_tool_error
    method_with_weaker_proof
    method_without_parameters
    method_without_proof
    method_without_result
    narrow_between_extensions
    narrow_from_larger_vocabulary
    narrow_through_own_scope
    narrow_to_foreign
    narrow_to_namesake
    narrow_to_wider
    narrow_upwards
    never_as_scope
    new_acceptance
    new_authorized
    new_revocations
    newline
    nine_members
    no_state
    nothing_grants_nothing
    offline_access
    one_for_all
    opaque_set
    openid
    optional_proof
    optional_proof_in_router
    other_argument_of_a_vocabulary
    own_list
    own_protected_resource
    own_state
    parse_key_set
    parse_text
    path_hides_a_circle
    place_behind_the_facade
    place_beyond_the_list
    place_of_ones_own
    place_with_own_digit
    policy_decision_by_hand
    policy_decision_that_is_not_called
    policy_method_with_foreign_scope
    policy_prefix_with_foreign_scope_in_a_set
    policy_resource_with_foreign_scope
    policy_rule_without_decision
    policy_scope_as_decision
    policy_standard_without_its_scopes
    policy_tool_with_foreign_scope
    policy_when_with_foreign_scope
    policy_when_without_reader
    print_bearer
    prompt_that_is_streamed
    prompt_with_optional_proof
    prompt_with_proof_second
    prompt_with_tool_error
    prompt_without_parameters
    prompt_without_proof
    prompt_without_result
    proof_as_credential
    proof_by_hand
    proof_escapes_from_rule
    proof_in_extensions
    proof_moved_out_of_rule
    proof_of_nothing
    proof_swapped_in_rule
    quote
    raw_name_hides_a_circle
    read_client_secret
    ready_by_hand
    recall_token
    redeclared_scope
    reply_by_hand
    resource_as_issuer
    resource_as_text
    resource_result_is_not_serialize
    resource_that_is_not_async
    resource_with_bare_variables
    resource_with_foreign_proof
    resource_with_other_state
    resource_with_tool_error
    resource_without_parameters
    resource_without_proof
    revocations_attest
    rmcp_policy_of_a_plain_router
    rmcp_policy_of_another_vocabulary
    rmcp_prompt_of_another_vocabulary
    rmcp_prompt_with_proof_second
    rmcp_prompt_without_proof
    rmcp_resource_of_another_vocabulary
    rmcp_resource_with_proof_second
    rmcp_resource_without_parameters
    rmcp_resource_without_proof
    rmcp_rules_by_hand
    rmcp_scopes_that_do_not_belong_together
    rmcp_tool_of_a_kind_of_ones_own
    rmcp_tool_of_another_vocabulary
    rmcp_tool_with_caller
    rmcp_tool_with_parameters_alone
    rmcp_tool_with_proof_second
    rmcp_tool_without_proof
    same_text_as_included
    same_text_twice
    scope_as_object
    scope_as_vocabulary
    scope_before_audience
    scope_by_hand
    scope_of_another_guard
    scope_of_another_guard_in_router
    scope_with_a_lifetime
    scope_without_evidence
    seal_by_caller
    seal_of_no_purpose
    seal_of_other_content
    seal_opened_for_another_purpose
    seal_opened_without_proof
    second_try_with_other_keys
    serialize_authorized
    serialize_bearer
    set_as_object
    set_behind_the_facade
    set_by_assumption
    set_by_hand
    set_of_two_vocabularies
    set_with_scope_of_another_guard
    shadowed_crate_names
    signature_after_audience
    signature_twice
    signature_without_keys
    skip_audience
    skip_signature
    slot_behind_the_facade
    space
    subject_before_audience
    subtype_of_a_scope
    subtype_of_a_vocabulary
    table_behind_the_facade
    take_authorized
    take_token_out_of_live
    taken_place
    taken_place_includes_more
    tenant_by_hand
    tenant_from_a_loader_without_guard
    tenant_layer_with_policy_of_another
    tenant_proof_for_another
    tenant_proof_narrowed_to_another
    tenant_rmcp_tool_of_another
    tenant_router_with_handler_of_another
    tenant_without_guard
    tenants_of_bare_services
    text_as_number
    text_from_a_constant
    token_in_own_state
    token_of_a_proof
    token_of_the_caller
    too_many_scopes
    too_many_with_included
    tool_params_are_borrowed
    tool_params_are_not_deserialize
    tool_result_is_not_serialize
    tool_that_cannot_be_sent
    tool_that_is_called
    tool_that_is_not_async
    tool_with_bare_arguments
    tool_with_borrowed_proof
    tool_with_caller_as_proof
    tool_with_fallible_proof
    tool_with_foreign_error
    tool_with_foreign_proof
    tool_with_foreign_scope_in_a_set
    tool_with_optional_proof
    tool_with_other_state
    tool_with_own_error
    tool_with_proof_second
    tool_with_six_parameters
    tool_with_state_of_none
    tool_with_two_proofs
    tool_without_parameters
    tool_without_proof
    tool_without_result
    tuple_set_by_hand
    two_lists_by_hand
    undeclared_known_to_by_hand
    undeclared_scope
    untrusted_issuer
    upstream_token_as_text
    use_after_narrow
    vocabulary_as_object
    vocabulary_as_scope
    vocabulary_includes_itself
    weaker_proof
    weaker_proof_by_hand
    without_issuer
    without_resource
    without_vocabulary
}

#[test]
fn every_twin_is_compiled_here() -> io::Result<()> {
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("ui-tests/pass"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        files.insert(name.trim_end_matches(".rs").to_owned());
    }
    let twins: BTreeSet<String> = TWINS.iter().map(|&name| name.to_owned()).collect();
    let odd: Vec<_> = files.symmetric_difference(&twins).collect();
    assert!(odd.is_empty(), "in the folder or here alone: {odd:?}");
    Ok(())
}

// ---- honest uses of scopes

mod files {
    clearance::scopes! {
        /// What a caller may do with files.
        pub(crate) vocabulary Files includes clearance::mcp::McpScopes;
        /// Delete files.
        pub(crate) Delete = "files:delete";
        /// Everything.
        pub(crate) Admin = "files:admin" includes Delete, clearance::mcp::ToolsExecute;
    }
}
use files::{Admin, Delete, Files};

mod more {
    clearance::scopes! {
        /// A vocabulary on top of one that is on top of another.
        pub(crate) vocabulary More includes super::Files;
        /// Everything, and more.
        pub(crate) Super = "super" includes super::Admin;
    }
}
use more::{More, Super};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

async fn issuer() -> Outcome<Issuer> {
    Ok(Issuer::start("https://files.example.com/mcp".parse()?).await?)
}

fn guard<V: Vocabulary>(issuer: &Issuer) -> Result<Guard<V>, ConfigError> {
    let keys = FixedKeys::from_json(issuer.jwks());
    Guard::builder(issuer.resource().clone())
        .trusted_issuer(TrustedIssuer::with_keys(issuer.id().clone(), keys))
        .build()
}

/// The proof for a token with these scopes, or nothing if they are too few. Whatever else may be
/// wrong is an error.
async fn ask<V: Vocabulary, S: Set + KnownTo<V>>(
    guard: &Guard<V>,
    issuer: &Issuer,
    scope: &str,
) -> Outcome<Option<Authorized<S>>> {
    let token = issuer.token().scope(scope).mint();
    let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
    let (mut parts, ()) = request.body(())?.into_parts();
    match guard.authorize(&mut parts).await {
        Ok(proof) => Ok(Some(proof)),
        Err(refusal) if *refusal.reason() == Reason::InsufficientScope => Ok(None),
        Err(refusal) => Err(refusal.into()),
    }
}

#[tokio::test]
async fn a_scope_is_what_it_includes_and_nothing_else() -> Outcome {
    let issuer = issuer().await?;
    let guard = guard::<Files>(&issuer)?;
    let proof = ask::<_, Admin>(&guard, &issuer, "files:admin").await?;
    drop::<Authorized<(Delete, ToolsExecute)>>(proof.ok_or("refused")?.narrow());
    let proof = ask::<_, ToolsExecute>(&guard, &issuer, "files:admin").await?;
    assert!(proof.is_some());
    let proof = ask::<_, ToolsRead>(&guard, &issuer, "files:admin").await?;
    assert!(proof.is_none());
    let both = "files:delete mcp:tools:read";
    let proof = ask::<_, (ToolsRead, Delete)>(&guard, &issuer, both).await?;
    let proof: Authorized<(Delete, ToolsRead)> = proof.ok_or("refused")?.narrow();
    drop::<Authorized<ToolsRead>>(proof.narrow());
    Ok(())
}

type Nested = (((ToolsRead, Super), Delete), (Admin, ToolsExecute));
type Less = (ToolsExecute, ((Delete, Admin), ToolsRead));
type Either = AnyOf<(Super, ToolsRead)>;

#[tokio::test]
async fn sets_nest_and_mix_vocabularies_that_include_one_another() -> Outcome {
    let issuer = issuer().await?;
    let guard = guard::<More>(&issuer)?;
    let proof = ask::<_, Nested>(&guard, &issuer, "super mcp:tools:read").await?;
    let proof = proof.ok_or("refused")?.narrow::<Less>();
    let proof = proof.narrow::<(ToolsRead, ToolsExecute)>();
    drop::<Authorized<ToolsRead>>(shorter(proof));
    let proof = ask::<_, Admin>(&guard, &issuer, "super").await?;
    drop::<Authorized<ToolsExecute>>(proof.ok_or("refused")?.narrow());

    assert!(ask::<_, Delete>(&guard, &issuer, "super").await?.is_some());
    assert!(
        ask::<_, ToolsRead>(&guard, &issuer, "super")
            .await?
            .is_none()
    );
    assert!(
        ask::<_, Super>(&guard, &issuer, "files:admin")
            .await?
            .is_none()
    );
    assert!(
        ask::<_, Either>(&guard, &issuer, "files:admin")
            .await?
            .is_none()
    );
    let read = "mcp:tools:read";
    assert!(ask::<_, Either>(&guard, &issuer, read).await?.is_some());
    Ok(())
}

/// Generic code needs one bound.
fn shorter<A: Grants<B>, B: Set>(proof: Authorized<A>) -> Authorized<B> {
    proof.narrow()
}

/// It may also say what it knows about the members of a set.
fn first<A: Set, B: Set>(proof: Authorized<(A, B)>) -> Authorized<A>
where
    (A, B): Grants<A>,
{
    proof.narrow()
}

#[tokio::test]
async fn generic_code_narrows_by_its_bounds() -> Outcome {
    let issuer = issuer().await?;
    let guard = guard::<McpScopes>(&issuer)?;
    let both = "mcp:tools:read mcp:tools:execute";
    let proof = ask::<_, (ToolsRead, ToolsExecute)>(&guard, &issuer, both).await?;
    let proof: Authorized<ToolsRead> = first(proof.ok_or("refused")?);
    drop::<Authorized<ToolsRead>>(shorter(proof));
    Ok(())
}

/// The same list under another name.
struct Renamed;

impl Vocabulary for Renamed {
    type List = <McpScopes as Vocabulary>::List;
}

#[tokio::test]
async fn a_list_may_have_two_names() -> Outcome {
    let issuer = issuer().await?;
    let guard = guard::<Renamed>(&issuer)?;
    let proof = ask::<_, ToolsExecute>(&guard, &issuer, "mcp:tools:execute").await?;
    assert!(proof.is_some());
    let proof = ask::<_, ToolsExecute>(&guard, &issuer, "mcp:tools:read").await?;
    assert!(proof.is_none());
    Ok(())
}

/// A vocabulary that lists somebody else's scope where it stands at home, and grants it by a scope
/// of its own.
struct Listing;
struct Mine;

impl Vocabulary for Listing {
    type List = Cons<ToolsExecute, Cons<Mine, Nil>>;
}
impl Declared for Mine {
    const TEXT: &'static str = "mine";
    type Home = Listing;
    type Place = Place<NoScopes, 1>;
    type Includes = Cons<ToolsExecute, Nil>;
}

/// The same on top of the whole vocabulary.
struct Extending;
struct Own;

impl Vocabulary for Extending {
    type List = Appended<<Files as Vocabulary>::List, Cons<Own, Nil>>;
}
impl Declared for Own {
    const TEXT: &'static str = "own";
    type Home = Extending;
    type Place = Place<Files, 0>;
    type Includes = Cons<Admin, Nil>;
}

#[tokio::test]
async fn a_proof_is_relative_to_its_guard() -> Outcome {
    let issuer = issuer().await?;
    let files = guard::<Files>(&issuer)?;
    let extending = guard::<Extending>(&issuer)?;
    let listing = guard::<Listing>(&issuer)?;
    assert!(
        ask::<_, Admin>(&files, &issuer, "own mine")
            .await?
            .is_none()
    );
    let proof = ask::<_, Admin>(&extending, &issuer, "own").await?;
    let proof = proof.ok_or("refused")?;
    assert!(extending.made(&proof) && !files.made(&proof));
    let proof = ask::<_, ToolsExecute>(&listing, &issuer, "mine").await?;
    let proof = proof.ok_or("refused")?;
    assert!(listing.made(&proof) && !files.made(&proof) && !extending.made(&proof));
    Ok(())
}

struct App {
    guard: Guard<McpScopes>,
}

impl Guarded for App {
    type Vocabulary = McpScopes;

    fn guard(&self) -> &Guard<McpScopes> {
        &self.guard
    }
}

async fn list(proof: Authorized<ToolsRead>) -> String {
    proof.subject().to_string()
}

#[tokio::test]
async fn the_guard_and_what_holds_it_may_be_shared() -> Outcome {
    let issuer = issuer().await?;
    let guard = guard::<McpScopes>(&issuer)?;
    let shared = Arc::new(guard.clone());
    let app = Arc::new(App {
        guard: guard.clone(),
    });
    let routers: [Router; 3] = [
        Router::new().route("/", get(list)).with_state(guard),
        Router::new().route("/", get(list)).with_state(shared),
        Router::new().route("/", get(list)).with_state(app),
    ];
    for router in routers {
        let token = issuer.token().subject("bob").scope("mcp:tools:read").mint();
        let request = Request::builder()
            .uri("/")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())?;
        let answer = router.oneshot(request).await?;
        let body = to_bytes(answer.into_body(), 1_000).await?;
        assert_eq!(body, "bob");
    }
    Ok(())
}
