//! What a sealed text looks like, and what is none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clearance::session::Sealed;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fixture::{Confirmation, Pairs, REQUEST, World, confirmed, key, opened, seal};

type State = Sealed<Confirmation>;

fn decoded(text: &str) -> (Vec<u8>, Vec<u8>) {
    let (payload, tag) = text.split_once('.').expect("two parts");
    let decode = |part| URL_SAFE_NO_PAD.decode(part).expect("base64");
    (decode(payload), decode(tag))
}

fn encoded(payload: &[u8], tag: &[u8]) -> State {
    let encode = |part| URL_SAFE_NO_PAD.encode(part);
    State::from_client(format!("{}.{}", encode(payload), encode(tag)))
}

/// RS-106: one flipped bit, at any place of the text or of what it stands for, is too many.
#[tokio::test]
async fn no_bit_can_be_changed() {
    let world = World::new().await;
    let alice = world.alice().await;
    let seal = seal::<Confirmation>(key(1));
    let state = confirmed(&seal, &alice, "a.txt");
    let text = state.as_str();
    let mut tried = 0;
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut changed = text.as_bytes().to_vec();
            changed[at] ^= 1 << bit;
            // What is no text cannot be shown at all.
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            let changed = State::from_client(changed);
            assert_eq!(opened(&seal, &alice, REQUEST, &changed), None, "{at} {bit}");
            tried += 1;
        }
    }
    assert_eq!(tried, text.len() * 7);
    let (payload, tag) = decoded(text);
    assert_eq!(tag.len(), 32);
    for (at, bit) in (0..payload.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = payload.clone();
        changed[at] ^= 1 << bit;
        let changed = encoded(&changed, &tag);
        assert_eq!(opened(&seal, &alice, REQUEST, &changed), None, "{at} {bit}");
    }
    for (at, bit) in (0..tag.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
        let mut changed = tag.clone();
        changed[at] ^= 1 << bit;
        let changed = encoded(&payload, &changed);
        assert_eq!(opened(&seal, &alice, REQUEST, &changed), None, "{at} {bit}");
    }
    assert_eq!(
        opened(&seal, &alice, REQUEST, &state).as_deref(),
        Some("a.txt")
    );
}

/// RS-106: a part of it, more than it, and two that were mixed are nothing.
#[tokio::test]
async fn no_other_text_is_opened() {
    let world = World::new().await;
    let alice = world.alice().await;
    let seal = seal::<Confirmation>(key(1));
    let [one, two] = ["a.txt", "b.txt"].map(|content| {
        let state = seal.seal(&alice, REQUEST, &content.to_owned());
        state.expect("a value")
    });
    let ((payload, tag), (_, other_tag)) = (decoded(one.as_str()), decoded(two.as_str()));
    let text = one.as_str();
    let (first, second) = text.split_once('.').expect("two parts");
    for shown in [
        encoded(&payload, &other_tag).as_str(),
        encoded(&payload, &[]).as_str(),
        encoded(&[], &tag).as_str(),
        encoded(&payload, &tag[..31]).as_str(),
        encoded(&payload, &[&tag[..], &[0]].concat()).as_str(),
        encoded(&[&payload[..], b" "].concat(), &tag).as_str(),
        encoded(&tag, &payload).as_str(),
        &format!("{text}."),
        &format!(".{text}"),
        &format!("{text}="),
        &format!("{first}=.{second}"),
        &format!("{text} "),
        &format!("\n{text}"),
        &format!("{first}{second}"),
        &format!("{first}.{second}.{second}"),
        &format!("{second}.{first}"),
        first,
        second,
        "",
        ".",
        "..",
        "null",
    ] {
        let back = opened(&seal, &alice, REQUEST, &State::from_client(shown));
        assert_eq!(back, None, "{shown:?}");
    }
    for end in 0..text.len() {
        let shown = State::from_client(text.get(..end).expect("ASCII"));
        assert_eq!(opened(&seal, &alice, REQUEST, &shown), None, "{end}");
    }
    assert_eq!(
        opened(&seal, &alice, REQUEST, &one).as_deref(),
        Some("a.txt")
    );
    assert_eq!(
        opened(&seal, &alice, REQUEST, &two).as_deref(),
        Some("b.txt")
    );
}

/// Every text that is no seal is refused, and every content comes back as it was.
#[test]
fn any_text_is_refused_and_any_content_comes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::new());
    let alice = runtime.block_on(world.alice());
    let seal = seal::<Confirmation>(key(1));
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(
            shown in prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{43}"],
            content in any::<String>(),
            request in any::<String>(),
        )| {
            let back = opened(&seal, &alice, &request, &State::from_client(shown));
            prop_assert_eq!(back, None);
            let state = seal.seal(&alice, &request, &content).expect("a value");
            // It fits into a header, a URI and JSON as it is.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            prop_assert!(state.as_str().bytes().all(is_plain));
            prop_assert_eq!(opened(&seal, &alice, &request, &state), Some(content));
        });
}

/// It can stand in arguments and results: as the text that it is, and nothing else.
#[test]
fn to_serde_a_value_is_its_text() {
    #[derive(Serialize, Deserialize)]
    struct Arguments {
        state: State,
    }
    let arguments: Arguments = serde_json::from_value(json!({ "state": "a.b" })).expect("JSON");
    assert_eq!(arguments.state.as_str(), "a.b");
    assert_eq!(arguments.state.clone().as_str(), "a.b");
    assert_eq!(json!(arguments), json!({ "state": "a.b" }));
    for other in [json!({ "state": 3 }), json!({ "state": null }), json!({})] {
        assert!(serde_json::from_value::<Arguments>(other).is_err());
    }
    assert_eq!(format!("{:?}", arguments.state), "Sealed(..)");
}

/// What is no JSON is not sealed.
#[tokio::test]
async fn what_cannot_be_written_is_not_sealed() {
    let world = World::new().await;
    let alice = world.alice().await;
    let seal = seal::<Pairs>(key(1));
    let nothing = seal.seal(&alice, "", &[].into()).expect("a value");
    assert_eq!(opened(&seal, &alice, "", &nothing), Some([].into()));
    let refused = seal.seal(&alice, "", &[((1, 2), 3)].into());
    let error = refused.expect_err("no JSON");
    assert_eq!(error.to_string(), "the value cannot be sealed");
}

/// What nobody will be able to open is not given out.
#[tokio::test]
async fn what_is_too_long_to_be_opened_is_not_sealed() {
    let world = World::new().await;
    let alice = world.alice().await;
    let seal = seal::<Confirmation>(key(1));
    // As long as a text of 64 KiB can hold, and a quarter more.
    let content = "a".repeat(48_000);
    let state = seal.seal(&alice, REQUEST, &content).expect("a value");
    assert_eq!(opened(&seal, &alice, REQUEST, &state), Some(content));
    let content = "a".repeat(60_000);
    let state = seal.seal(&alice, REQUEST, &content);
    assert!(state.is_err());
}
