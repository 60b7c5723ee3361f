//! Keys: the first one seals, all of them open.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use clearance::session::{Seal, SealKey, SealKeys};

use super::fixture::{Confirmation, LIFETIME, REQUEST, World, confirmed, key, opened, seal};

/// RS-106: what one machine sealed another one opens, all through a change of keys.
#[tokio::test]
async fn the_first_key_seals_and_all_open() {
    let world = World::new().await;
    let alice = world.alice().await;
    let of = |bytes: &[u8]| -> Seal<Confirmation> {
        match *bytes {
            [one] => seal(key(one)),
            [one, two] => seal([key(one), key(two)]),
            [one, two, three] => seal([key(one), key(two), key(three)]),
            _ => panic!("{bytes:?}"),
        }
    };
    for (sealing, opening, is_opened) in [
        (&[1][..], &[1][..], true),
        // The new one comes as the second, so that all machines know it; then first; then alone.
        (&[1], &[1, 2], true),
        (&[1, 2], &[1], true),
        (&[2, 1], &[1, 2], true),
        (&[1, 2], &[2, 1], true),
        (&[1], &[2, 1], true),
        (&[2, 1], &[2], true),
        (&[1], &[3, 2, 1], true),
        (&[3, 2, 1], &[1, 3], true),
        // The second does not seal.
        (&[2, 1], &[1], false),
        (&[3, 2, 1], &[2, 1], false),
        (&[1], &[2], false),
        (&[1], &[2, 3], false),
        (&[1, 1], &[1], true),
    ] {
        let state = of(sealing).seal(&alice, REQUEST, &"a.txt".to_owned());
        let state = state.expect("a value");
        let back = opened(&of(opening), &alice, REQUEST, &state);
        let expected = if is_opened {
            Some("a.txt".to_owned())
        } else {
            None
        };
        assert_eq!(
            back, expected,
            "sealed with {sealing:?}, opened with {opening:?}"
        );
    }
}

/// RS-106: a key for one process is nobody else's.
#[tokio::test]
async fn a_key_of_this_process_is_another_one_each_time() {
    let world = World::new().await;
    let alice = world.alice().await;
    let keys = SealKeys::this_process_only();
    let (one, other) = (
        seal::<Confirmation>(keys.clone()),
        SealKeys::this_process_only(),
    );
    let state = confirmed(&one, &alice, "a.txt");
    let back = opened(&seal::<Confirmation>(other), &alice, REQUEST, &state);
    assert_eq!(back, None);
    for same in [one.clone(), one, seal(keys)] {
        assert_eq!(
            opened(&same, &alice, REQUEST, &state).as_deref(),
            Some("a.txt")
        );
    }
}

/// All ways in which tools write 32 bytes are read, and nothing else.
#[tokio::test]
async fn keys_are_read_from_text() {
    // Bytes that the two alphabets write differently.
    let bytes: [u8; 32] = std::array::from_fn(|at| if at % 2 == 0 { 0xfb } else { 0xff });
    let world = World::new().await;
    let alice = world.alice().await;
    let known = seal::<Confirmation>(SealKey::from_bytes(&bytes));
    let state = confirmed(&known, &alice, "a.txt");
    let [padded, plain] = [STANDARD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    assert!(padded.contains('+') && plain.contains('-'));
    for text in [&padded, &plain, &URL_SAFE.encode(bytes)] {
        let key: SealKey = text.parse().expect("a key");
        let back = opened(&seal::<Confirmation>(key), &alice, REQUEST, &state);
        assert_eq!(back.as_deref(), Some("a.txt"), "{text}");
    }
    let short = STANDARD.encode(&bytes[..31]);
    let long = STANDARD.encode([&bytes[..], &[0]].concat());
    let (mixed, spaced) = (padded.replacen('+', "-", 1), format!("{padded}\n"));
    let hex = "00".repeat(32);
    for text in [
        "",
        "=",
        "secret",
        &short,
        &long,
        &mixed,
        &spaced,
        &hex,
        &format!(" {plain}"),
    ] {
        let error = text.parse::<SealKey>().expect_err(text);
        assert_eq!(
            error.to_string(),
            "a seal key is 32 bytes, written in base64"
        );
    }
    // Without its padding, the usual alphabet is nobody's.
    let unpadded = STANDARD_NO_PAD.encode(bytes);
    assert!(unpadded.parse::<SealKey>().is_err());
}

/// RS-147: nothing shows a key.
#[test]
fn keys_are_not_shown() {
    let keys = SealKeys::from([key(b'k'), key(b'l')]);
    assert_eq!(format!("{:?}", key(b'k')), "SealKey(..)");
    assert_eq!(format!("{keys:?}"), "SealKeys(..)");
    let seal = Seal::<Confirmation>::new(keys, LIFETIME);
    assert_eq!(format!("{seal:?}"), "Seal { lifetime: 300s, .. }");
}
