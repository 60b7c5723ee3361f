//! A day of an issuer: keys come and go, it is slow or away or talks nonsense, clocks are set, tokens
//! are revoked; and each of many thousand decisions is one that a simple model allows.
#![cfg(test)]
#![allow(
    clippy::allow_attributes,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on must panic, and this one prints what it saw"
)]

mod support;

mod issuer_day {
    pub(crate) mod chance;
    pub(crate) mod model;
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use clearance::clock::Clock as _;
use clearance::id::{ClientId, IssuerSession, Subject, TokenId};
use clearance::jwk::Algorithm;
use clearance::lifecycle::Revocation;
use clearance::testing::{Fault, Issuer};
use clearance::{Guard, TrustedIssuer};
use issuer_day::chance::{Dice, Landings, Wall};
use issuer_day::model::{COOLDOWN, DAY, FLIGHT, HOUR, Keys, MINUTE, SECOND, SKEW, Sample, since};
use support::Fixture;
use support::http::{eventually, verdict};
use tokio::runtime::Handle;

const REQUESTS: i64 = 200_000;
/// How many tokens there are at a time.
const POPULATION: usize = 2_000;
/// These are used most.
const FAVOURITES: usize = 150;

/// How long a fetch may take by the machine's clock.
const LIMIT: Duration = Duration::from_millis(800);
/// How many fetches a busy machine may fail to make in time.
const MOST_SLOW: i64 = 20;

/// What is the matter with the metadata and with the keys, or that the issuer is not there; how long.
type Trouble = (Option<[Fault; 2]>, i64);

fn troubles() -> Vec<Trouble> {
    let both = |fault: Fault, long| (Some([fault.clone(), fault]), long);
    let keys = |fault, long| (Some([Fault::None, fault]), long);
    let set = |keys: &str| Fault::Body(format!(r#"{{"keys":[{keys}]}}"#));
    let elsewhere = || "http://127.0.0.1:9/".to_owned();
    let other = Fault::OtherIssuer(elsewhere());
    vec![
        both(Fault::Garbage, 12 * MINUTE),
        keys(Fault::Hang, 20 * SECOND),
        both(Fault::Status(503), 75 * MINUTE),
        (None, 25 * MINUTE),
        both(Fault::Truncated, 5 * MINUTE),
        keys(set(&["{}"; 65].join(",")), 14 * MINUTE),
        keys(Fault::Status(429), 68 * MINUTE),
        keys(Fault::Slow(Duration::from_millis(5)), 20 * SECOND),
        (Some([other, Fault::None]), 3 * MINUTE),
        both(Fault::Disconnect, 16 * MINUTE),
        keys(set(""), 12 * MINUTE),
        keys(Fault::EndlessBody, 2 * MINUTE),
        (None, 62 * MINUTE),
        keys(Fault::RedirectTo(elsewhere()), 4 * MINUTE),
        keys(set(&" ".repeat(300_000)), 13 * MINUTE),
    ]
}

struct Day {
    issuer: Issuer,
    clock: Wall,
    guard: Guard<Fixture>,
    landings: Landings,
    dice: Dice,
    tokens: Vec<Sample>,
    newest: usize,
    minted: u64,
    keys: Keys,
    /// Until when what bears a name was issued, if it is revoked.
    revoked: BTreeMap<String, i64>,
    /// How often a kind of token got an answer.
    table: BTreeMap<(&'static str, &'static str), u64>,
    /// Wrong accepts, wrong refusals.
    wrong: [Vec<String>; 2],
    /// How long a retired key served, before and after a fetch failed; how long a new one was unknown.
    longest: [i64; 3],
}

impl Day {
    async fn begin(seed: u64, landings: Landings) -> Self {
        let even = support::clock();
        let issuer = Issuer::builder(support::resource()).clock(Arc::new(even.clone()));
        let issuer = issuer.algorithms([Algorithm::ES256, Algorithm::EdDSA]);
        let issuer = issuer.start().await.expect("an issuer");
        let ahead = Arc::default();
        let clock = Wall { even, ahead };
        let rules = TrustedIssuer::new(issuer.id().clone()).fetch_time_limit(LIMIT);
        let guard = Guard::builder(support::resource()).clock(Arc::new(clock.clone()));
        let guard = guard.trusted_issuer(rules).max_cached_tokens(1_000);
        let guard = guard.unlimited().build().expect("a guard");
        let mut day = Self {
            issuer,
            clock,
            guard,
            landings,
            dice: Dice(seed),
            tokens: Vec::new(),
            newest: 0,
            minted: 0,
            keys: Keys::default(),
            revoked: BTreeMap::new(),
            table: BTreeMap::new(),
            wrong: <_>::default(),
            longest: [0; 3],
        };
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
            let kid = day.issuer.kid(algorithm).expect("a key");
            day.keys.published.push((kid, 0));
        }
        day.guard.ready().await.expect("keys");
        day.keys.asked = [1, 0];
        day.observe();
        for _ in 0..POPULATION {
            let token = day.mint();
            day.tokens.push(token);
        }
        day
    }

    /// The time since the day began.
    fn elapsed(&self) -> i64 {
        i64::try_from(self.clock.monotonic().as_millis()).expect("a day")
    }

    /// What the guard takes for the time of day, since 1970.
    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    fn mint(&mut self) -> Sample {
        let now = self.clock.even.now().timestamp();
        let sort = self.dice.below(100);
        let mut kid = self.any_key((30..40).contains(&sort));
        let dice = &mut self.dice;
        let issued_at = match sort {
            0..5 => now - dice.between(7_200, 10_000),
            5..8 => now + dice.between(5, 900),
            _ => now - dice.between(0, 20),
        };
        let expires_at = match sort {
            0..5 => now - dice.between(0, 3_600),
            8..18 => now.max(issued_at) + dice.between(1, 120),
            _ => issued_at + dice.between(300, 14_000),
        };
        let not_before = issued_at + i64::from(sort >= 95) * dice.between(30, 1_800);
        self.minted += 1;
        let session = format!("l{}-{}", now / 3_600, dice.below(100));
        let (subject, client) = (format!("s{}", dice.below(200)), dice.below(40));
        let names = [
            format!("t{}", self.minted),
            subject,
            format!("c{client}"),
            session,
        ];
        let [id, subject, client, session] = names.each_ref().map(String::as_str);
        let token = self.issuer.token().signed_with_kid(&kid);
        let token = token.claim("iat", issued_at).claim("exp", expires_at);
        let token = token.claim("nbf", not_before).claim("sid", session);
        let mut token = token.token_id(id).subject(subject).client(client);
        let is_forged = (18..26).contains(&sort);
        if is_forged {
            token = token.wrong_signature();
        } else if (26..30).contains(&sort) {
            kid = format!("none-{}", self.minted);
            token = token.unknown_key().header("kid", &*kid);
        }
        Sample {
            text: token.mint(),
            kid,
            is_forged,
            times: [issued_at, not_before, expires_at].map(|at| at * SECOND),
            names,
            was_used: false,
        }
    }

    /// A key that tokens are signed with, mostly the last one; one of the past if wished.
    fn any_key(&mut self, is_past: bool) -> String {
        let keys = &self.keys;
        let is_past = is_past && !keys.retired.is_empty();
        let among = [&keys.published, &keys.retired][usize::from(is_past)];
        let last = among.len() - 1;
        let at = last - self.dice.index(2) * self.dice.index(last + 1);
        among[at].0.clone()
    }

    /// Takes note of what the issuer answered, and of what landed.
    fn observe(&mut self) {
        let (now, landed) = (self.elapsed(), self.landings.count());
        let keys = &mut self.keys;
        if self.issuer.jwks_hits() > keys.answers {
            keys.answers = self.issuer.jwks_hits();
            keys.served = keys.published.iter().map(|(kid, _)| kid.clone()).collect();
        }
        if landed == keys.landed {
            return;
        }
        keys.failed = landed[1] > keys.landed[1];
        keys.taken_back = self.landings.took_keys_back();
        (keys.landed, keys.flies) = (landed, false);
        if !keys.failed {
            keys.arrived_at = now;
            keys.known.clone_from(&keys.served);
        } else if !keys.ill[1] {
            keys.too_slow += 1;
            assert!(keys.too_slow <= MOST_SLOW, "fetches fail for no reason");
        }
    }

    /// Waits until the fetch that is under way, if one is, has landed.
    async fn land(&mut self) {
        if self.keys.flies {
            let before = self.keys.landed;
            eventually(|| self.landings.count() != before).await;
            self.observe();
        }
    }

    /// Asks the guard about one token, and compares.
    async fn ask(&mut self, at: usize) {
        let (kind, now) = (self.kind(at), self.elapsed());
        if !self.keys.known.contains(&self.tokens[at].kid) {
            self.keys.note_unknown(now);
        }
        // There is one thread: nothing else goes on unless the guard waits.
        let tasks = || Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let verdict = verdict(&self.guard, &self.tokens[at].text).await;
        let waited = self.landings.count() != self.keys.landed;
        if !self.keys.flies && (waited || tasks() > before) {
            let keys = &mut self.keys;
            assert!(now - keys.asked_at >= COOLDOWN, "asked too soon, at {now}");
            keys.asked[usize::from(keys.ill[0])] += 1;
            (keys.asked_at, keys.flies, keys.ill[1]) = (now, true, keys.ill[0]);
        }
        self.observe();
        *self.table.entry((kind, verdict)).or_default() += 1;
        self.compare(at, kind, verdict);
        self.tokens[at].was_used = true;
        if self.keys.flies && self.dice.one_in(4) {
            self.land().await;
        } else if self.keys.flies {
            for _ in 0..self.dice.below(6) {
                tokio::task::yield_now().await;
                self.observe();
            }
        }
    }

    fn is_revoked(&self, token: &Sample) -> bool {
        let until = token.names.iter().filter_map(|name| self.revoked.get(name));
        until
            .max()
            .is_some_and(|until| token.times[0] <= until + SKEW)
    }

    /// What kind of token this is now.
    fn kind(&self, at: usize) -> &'static str {
        let (token, keys, now) = (&self.tokens[at], &self.keys, self.now());
        match token {
            _ if token.is_forged => "forged",
            _ if since(&keys.retired, &token.kid).is_some() => "of a retired key",
            _ if since(&keys.published, &token.kid).is_none() => "of an unknown key",
            _ if token.faults(now)[0] => "expired",
            _ if token.faults(now) != [false; 3] => "not yet valid",
            _ if self.is_revoked(token) => "revoked",
            _ if !keys.known.contains(&token.kid) => "of a new key",
            _ if token.was_used => "living, used before",
            _ => "living, fresh",
        }
    }

    /// Compares a verdict with the truth: each one says something that has to be true now.
    fn compare(&mut self, at: usize, kind: &str, verdict: &'static str) {
        let (token, elapsed, now) = (&self.tokens[at], self.elapsed(), self.now());
        let (is_revoked, faults) = (self.is_revoked(token), token.faults(now));
        let serves = self.keys.serves(&token.kid, elapsed);
        let is_genuine = serves && !token.is_forged;
        let is_right = match verdict {
            "ok" => is_genuine && faults == [false; 3] && !is_revoked,
            "bad_signature" => serves && token.is_forged,
            // What was found dead stays so without its key.
            "expired" => faults[0] && !token.is_forged,
            "not_yet_valid" => faults[1] && is_genuine,
            "issued_in_future" => faults[2] && is_genuine,
            "revoked" => is_revoked && is_genuine,
            "unknown_key" => self.keys.may_be_unknown(&token.kid, elapsed),
            "unavailable" => self.keys.may_be_unavailable(&token.kid, elapsed),
            _ => false,
        };
        if !is_right {
            let age = elapsed - self.keys.arrived_at;
            let wrong = format!("{verdict}: {kind} at {elapsed}, {now}; keys of {age}: {token:?}");
            self.wrong[usize::from(verdict != "ok")].push(wrong);
        }
        let (retired, published) = (&self.keys.retired, &self.keys.published);
        let (place, from) = match verdict {
            "ok" => (usize::from(self.keys.failed), since(retired, &token.kid)),
            "unknown_key" => (2, since(published, &token.kid)),
            _ => return,
        };
        self.longest[place] = self.longest[place].max(elapsed - from.unwrap_or(elapsed));
    }

    /// Adds a key, puts one in place of all others, or takes all but the last away.
    fn change_keys(&mut self) {
        let now = self.elapsed();
        let algorithm = [Algorithm::ES256, Algorithm::EdDSA][self.dice.index(2)];
        let prefix = algorithm.as_str().to_ascii_lowercase();
        let kids = self.keys.published.iter().map(|(kid, _)| kid.clone());
        let old: Vec<_> = kids.filter(|kid| kid.starts_with(&prefix)).collect();
        let (leave, comes) = match self.dice.below(3) {
            0 if old.len() < 4 => (0, true),
            1 => (old.len(), true),
            _ => (old.len() - 1, false),
        };
        for kid in &old[..leave] {
            assert!(self.issuer.retire(kid), "{kid} was published");
            self.keys.published.retain(|(known, _)| known != kid);
            self.keys.retired.push((kid.clone(), now));
        }
        if comes {
            let kid = self.issuer.add_key(algorithm);
            self.keys.published.push((kid, now));
        }
        // Now and then among as many others as a set may hold.
        self.issuer.publish_own_keys();
        if self.dice.one_in(3) {
            self.issuer.publish_jwks(self.many_keys());
        }
    }

    fn many_keys(&self) -> String {
        let own = self.keys.published.iter();
        let own = own.filter_map(|(kid, _)| self.issuer.public_jwk(kid));
        let mut keys: Vec<_> = own.collect();
        let mut other = keys[0].clone();
        for number in keys.len()..64 {
            other["kid"] = format!("other-{number}").into();
            keys.push(other.clone());
        }
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// Revokes a token, or all of its subject, client or session.
    async fn revoke(&mut self) {
        let token = &self.tokens[self.dice.index(POPULATION)];
        let which = [0, 0, 0, 0, 0, 1, 1, 2, 3, 3][self.dice.index(10)];
        let (issuer, name) = (self.issuer.id().clone(), &*token.names[which]);
        let revocation = match which {
            0 => Revocation::of_token(issuer, TokenId::new(name)),
            1 => Revocation::of_subject(issuer, Subject::new(name)),
            2 => Revocation::of_client(issuer, ClientId::new(name)),
            _ => Revocation::of_session(issuer, IssuerSession::new(name)),
        };
        let is_for_ever = [0, 3].contains(&which);
        let until = self.now() + i64::from(is_for_ever) * DAY * 365;
        // A time of day that was set back weakens nothing.
        let known = self.revoked.entry(name.to_owned()).or_insert(until);
        *known = until.max(*known);
        let revoked = self.guard.revocations().revoke(revocation).await;
        revoked.expect("room");
    }

    async fn fall_ill(&mut self, trouble: Option<&[Fault; 2]>) {
        self.keys.ill = [true; 2];
        if let Some([metadata, keys]) = trouble {
            self.issuer.metadata_fault(metadata.clone());
            self.issuer.jwks_fault(keys.clone());
        } else {
            self.issuer.stop().await;
        }
        self.observe();
    }

    async fn recover(&mut self) {
        self.issuer.fault(Fault::None);
        self.issuer.resume().await.expect("the same port");
        self.keys.ill[0] = false;
        self.observe();
    }

    /// Lets time pass: a moment while a fetch is under way, which then lands before any more does.
    async fn pass(&mut self) {
        if self.elapsed() > self.keys.asked_at {
            self.land().await;
        }
        // Now and then nobody asks for so long that keys grow old.
        let usual = [20 * SECOND, 20 * MINUTE][usize::from(self.dice.one_in(400))];
        let longest = [usual, FLIGHT][usize::from(self.keys.flies)];
        let step = self.dice.between(1, longest).min(DAY - self.elapsed());
        self.clock.even.advance(TimeDelta::milliseconds(step));
        self.keys.ill_for += i64::from(self.keys.ill[0]) * step;
    }

    /// Sometimes keys change, something is revoked, the time of day is set; there are always new tokens.
    async fn stir(&mut self) {
        let mut fresh = self.dice.between(1, 6);
        if self.dice.one_in(120) {
            self.change_keys();
            fresh += 20;
        }
        if self.dice.one_in(60) {
            self.revoke().await;
        }
        if self.dice.one_in(400) {
            let ahead = self.dice.between(-8 * MINUTE, 8 * MINUTE) * self.dice.below(2);
            self.clock.ahead.store(ahead, Ordering::SeqCst);
        }
        for _ in 0..fresh {
            let among = [FAVOURITES, POPULATION][self.dice.index(2)];
            self.newest = self.dice.index(among);
            self.tokens[self.newest] = self.mint();
        }
    }

    /// A token that somebody brings. In every second hour hardly anybody brings unknown keys.
    fn pick(&mut self) -> usize {
        let is_calm = self.elapsed() / HOUR % 2 == 1;
        loop {
            let at = match self.dice.below(10) {
                0 => self.newest,
                1..6 => self.dice.index(FAVOURITES),
                _ => self.dice.index(POPULATION),
            };
            let (kid, keys) = (&self.tokens[at].kid, &self.keys);
            let is_known = keys.known.contains(kid) || since(&keys.published, kid).is_some();
            if !is_calm || is_known || self.dice.one_in(200) {
                return at;
            }
        }
    }

    async fn run(&mut self, troubles: &[Trouble]) {
        let pause = DAY / i64::try_from(troubles.len() + 1).expect("a count");
        let mut to_come = troubles.iter().zip(1..).peekable();
        let (mut well_at, mut asked) = (None, 0);
        while self.elapsed() < DAY {
            self.pass().await;
            let now = self.elapsed();
            if well_at.is_some_and(|at| now >= at) {
                self.recover().await;
                well_at = None;
            }
            if let Some(((trouble, long), _)) = to_come.next_if(|(_, nth)| now >= nth * pause) {
                self.fall_ill(trouble.as_ref()).await;
                well_at = Some(now + long);
            }
            self.stir().await;
            while asked * DAY < REQUESTS * now {
                let at = self.pick();
                self.ask(at).await;
                asked += 1;
            }
        }
        self.land().await;
    }

    fn print(&self, most_asked: [i64; 2]) {
        println!("{:<20}{:>8}  answers", "tokens", "asked");
        let kinds: BTreeSet<_> = self.table.keys().map(|(kind, _)| *kind).collect();
        for kind in kinds {
            let row = || self.table.iter().filter(|((of, _), _)| *of == kind);
            let total: u64 = row().map(|(_, count)| count).sum();
            let answers: Vec<_> = row().map(|((_, said), n)| format!("{said} {n}")).collect();
            println!("{kind:<20}{total:>8}  {}", answers.join(", "));
        }
        let (keys, stats) = (&self.keys, self.guard.cache_stats());
        let (asked, landed, slow) = (keys.asked, keys.landed, keys.too_slow);
        println!("fetches, well and ill: {asked:?} of at most {most_asked:?}");
        println!("arrived, failed: {landed:?}; too slow: {slow}");
        let [well, failing, new] = self.longest;
        println!("retired keys served for {well} ms at most, {failing} ms after failures");
        println!("new keys were unknown for {new} ms at most");
        let (minted, revoked) = (self.minted, self.revoked.len());
        let (answers, retired) = (keys.answers, keys.retired.len());
        println!("answers with keys: {answers}; keys retired: {retired}");
        println!("tokens: {minted}; names revoked: {revoked}; {stats:?}");
    }
}

/// What has to happen often enough for the day to be one.
const SEEN: [(&str, &str); 13] = [
    ("expired", "expired"),
    ("forged", "bad_signature"),
    ("living, fresh", "ok"),
    ("living, used before", "ok"),
    ("living, used before", "unavailable"),
    ("not yet valid", "issued_in_future"),
    ("not yet valid", "not_yet_valid"),
    ("of a new key", "ok"),
    ("of a new key", "unknown_key"),
    ("of a retired key", "ok"),
    ("of a retired key", "unknown_key"),
    ("of an unknown key", "unknown_key"),
    ("revoked", "revoked"),
];

#[tokio::test]
async fn a_day_of_an_issuer() {
    let seed = std::env::var("ISSUER_DAY_SEED").map(|seed| seed.parse().expect("a number"));
    let seed = seed.unwrap_or(20_260_101);
    println!("seed: {seed}");
    let landings = Landings::default();
    let _listening = tracing::subscriber::set_default(landings.clone());
    let mut day = Box::pin(Day::begin(seed, landings)).await;
    let troubles = troubles();
    Box::pin(day.run(&troubles)).await;

    let most_asked = day.keys.most_asked(DAY, troubles.len());
    day.print(most_asked);
    let [accepts, refusals] = day.wrong.each_ref().map(Vec::len);
    println!("wrong: {accepts} accepts, {refusals} refusals");
    let first = day.wrong.each_ref().map(|all| all.first());
    assert_eq!([accepts, refusals], [0, 0], "{first:#?}");
    let [well, ill] = day.keys.asked;
    assert!(well <= most_asked[0], "asked too often");
    assert!(ill <= most_asked[1], "asked too often while ill");
    let hits = i64::try_from(day.issuer.jwks_hits()).expect("a count");
    assert!(hits <= well + ill, "asked unseen");
    for seen in SEEN {
        let count = day.table.get(&seen).copied().unwrap_or_default();
        assert!(count >= 3, "{seen:?}: {count}");
    }
}
