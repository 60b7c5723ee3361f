//! What is kept, and from whom.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clearance::client::store::{
    CredentialStore, FileStore, MemoryStore, RecordKind, SecretRecord, StoreError, StoreKey,
};
use tokio::task::JoinSet;

use crate::processes::{self, Directory};

const SECRET: &str = "a-refresh-token-of-alice";

fn key() -> StoreKey {
    tokens("https://as.example.com", "https://mcp.example.com/mcp")
}

fn tokens(issuer: &str, resource: &str) -> StoreKey {
    let issuer = issuer.parse().expect("an issuer");
    StoreKey::tokens(&issuer, &resource.parse().expect("a resource"))
}

fn registration(issuer: &str) -> StoreKey {
    StoreKey::registration(&issuer.parse().expect("an issuer"))
}

fn record(text: &str) -> SecretRecord {
    SecretRecord::new(text.as_bytes().to_vec())
}

async fn text(store: &dyn CredentialStore, key: &StoreKey) -> Option<String> {
    let found = store.load(key).await.expect("a store that answers");
    found.map(|record| String::from_utf8(record.expose().to_vec()).expect("text"))
}

fn stores() -> (Directory, Vec<Arc<dyn CredentialStore>>) {
    let directory = Directory::new();
    let file = FileStore::open(directory.path()).expect("a directory");
    (
        directory,
        vec![Arc::new(MemoryStore::new()), Arc::new(file)],
    )
}

/// Whether somebody has the turn, and goes on to have it.
async fn is_taken(store: &dyn CredentialStore) -> bool {
    let key = key();
    let turn = tokio::time::timeout(Duration::from_millis(20), store.lock(&key));
    turn.await.is_err()
}

/// The one file with a record.
fn file_of(directory: &Path, key: &StoreKey) -> PathBuf {
    directory.join(format!("{}.credential", key.name()))
}

fn mode(path: &Path) -> u32 {
    let about = fs::metadata(path).expect("a file");
    about.permissions().mode() & 0o7777
}

/// CL-033: what belongs to one issuer is not found for another, however alike they look.
#[tokio::test]
async fn records_are_kept_apart_by_the_text_of_the_issuer() {
    let (_directory, stores) = stores();
    for store in stores {
        let issuer = "https://as.example.com";
        store
            .save(&registration(issuer), &record(SECRET))
            .await
            .expect("saved");
        let (one, other) = (
            "https://mcp.example.com/mcp",
            "https://mcp.example.com/other",
        );
        store
            .save(&tokens(issuer, one), &record("tokens"))
            .await
            .expect("saved");
        for foreign in [
            "https://as.example.com/",
            "https://as.example.com:443",
            "https://AS.example.com",
            "https://as2.example.com/t1",
        ] {
            assert_eq!(
                text(&*store, &registration(foreign)).await,
                None,
                "{foreign}"
            );
            assert_eq!(
                text(&*store, &tokens(foreign, one)).await,
                None,
                "{foreign}"
            );
        }
        assert_eq!(text(&*store, &tokens(issuer, other)).await, None);
        assert_eq!(
            text(&*store, &registration(issuer)).await.as_deref(),
            Some(SECRET)
        );

        store.remove(&registration(issuer)).await.expect("removed");
        store
            .remove(&registration(issuer))
            .await
            .expect("nothing to remove");
        assert_eq!(text(&*store, &registration(issuer)).await, None);
        assert!(text(&*store, &tokens(issuer, one)).await.is_some());
    }
}

/// Keys that share all letters are different ones.
#[test]
fn names_are_hashes_of_kind_issuer_and_resource() {
    let endpoint = "https://mcp.example.com/mcp".parse().expect("a resource");
    let choice = StoreKey::choice(&endpoint);
    let keys = [
        choice.clone(),
        key(),
        registration("https://as.example.com"),
        tokens(
            "https://as.example.com/https:",
            "https://mcp.example.com/mcp",
        ),
    ];
    let names: BTreeSet<String> = keys.iter().map(StoreKey::name).collect();
    assert_eq!(names.len(), keys.len());
    for name in names {
        assert_eq!(name.len(), 64);
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        );
    }
    assert_eq!(choice.kind(), RecordKind::Choice);
    assert_eq!(
        (choice.issuer(), choice.resource()),
        ("", endpoint.as_str())
    );
}

/// CL-079: the files are for their owner alone, whatever the umask, and their names tell nothing.
#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let name = "store::files_are_for_their_owner_alone";
    if let Some(part) = processes::part() {
        let store = FileStore::open(&part).expect("a directory");
        let _turn = store.lock(&key()).await.expect("a turn");
        for text in [SECRET, "another one"] {
            store.save(&key(), &record(text)).await.expect("saved");
        }
        return;
    }
    let directory = Directory::new();
    // A parent that is not there is made, too.
    let place = directory.path().join("inner");
    let part = place.to_str().expect("a path");
    processes::succeeds(processes::again_open_to_all(name, part));

    assert_eq!(mode(&place), 0o700);
    let mut found = 0;
    for entry in fs::read_dir(&place).expect("the directory") {
        let entry = entry.expect("an entry");
        assert_eq!(mode(&entry.path()), 0o600, "{entry:?}");
        let name = entry.file_name().into_string().expect("a name");
        assert!(!name.contains("example"), "{name}");
        assert!(!name.contains(".new"), "{name}");
        found += 1;
    }
    assert_eq!(found, 3, "a record and two locks");
}

/// CL-079: nothing is shown of records.
#[tokio::test]
async fn records_are_not_shown() {
    let (_directory, stores) = stores();
    for store in stores {
        store.save(&key(), &record(SECRET)).await.expect("saved");
        let turn = store.lock(&key()).await.expect("a turn");
        let found = store.load(&key()).await.expect("an answer");
        let shown = format!("{store:?} {turn:?} {found:?} {:?}", record(SECRET));
        assert!(!shown.contains(SECRET), "{shown}");
        let bytes = format!("{:?}", SECRET.as_bytes());
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
    }
}

#[test]
fn a_directory_that_lets_others_in_is_refused() {
    let directory = Directory::new();
    fs::create_dir(directory.path()).expect("a directory");
    for open in [0o755, 0o710, 0o701, 0o770] {
        let permissions = fs::Permissions::from_mode(open);
        fs::set_permissions(directory.path(), permissions).expect("a mode");
        let refused = FileStore::open(directory.path()).expect_err("it is open");
        assert_eq!(refused, StoreError::NotPrivate, "{open:o}");
        assert_eq!(
            mode(directory.path()),
            open,
            "it may be somebody's, and stays as it is"
        );
    }
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a file");
    assert!(matches!(FileStore::open(&file), Err(StoreError::Io(_))));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_and_is_not_lost() {
    let directory = Directory::new();
    let store = FileStore::open(directory.path()).expect("a directory");
    store.save(&key(), &record(SECRET)).await.expect("saved");
    let file = file_of(directory.path(), &key());
    let good = fs::read(&file).expect("the file");

    let mut flipped = good.clone();
    *flipped.last_mut().expect("a byte") ^= 1;
    let mut other_version = good.clone();
    other_version[21] = 2;
    let mut cases = vec![
        (flipped, StoreError::Damaged),
        (other_version, StoreError::Version),
        (b"{\"access_token\": \"x\"}".to_vec(), StoreError::Version),
        ([good.clone(), vec![0]].concat(), StoreError::Damaged),
        (vec![0; 300 * 1024], StoreError::Damaged),
    ];
    cases.extend((0..good.len()).map(|length| (good[..length].to_vec(), StoreError::Damaged)));
    for (content, error) in cases {
        fs::write(&file, &content).expect("a file");
        let loaded = store.load(&key()).await.expect_err("it is damaged");
        assert_eq!(loaded, error);
        let saved = store.save(&key(), &record("new")).await;
        assert_eq!(saved, Err(error));
        assert_eq!(fs::read(&file).expect("the file"), content, "it stays");
    }

    // A file of another key is not one of this.
    let other = registration("https://as2.example.com/t1");
    store.save(&other, &record("other")).await.expect("saved");
    fs::copy(file_of(directory.path(), &other), &file).expect("a copy");
    assert_eq!(store.load(&key()).await.err(), Some(StoreError::Damaged));

    store.remove(&key()).await.expect("removed");
    assert_eq!(text(&store, &key()).await, None);
    store.save(&key(), &record("new")).await.expect("saved");
    assert_eq!(text(&store, &key()).await.as_deref(), Some("new"));

    let huge = SecretRecord::new(vec![0; 300 * 1024]);
    assert_eq!(store.save(&key(), &huge).await, Err(StoreError::TooLarge));
    assert_eq!(text(&store, &key()).await.as_deref(), Some("new"));
}

/// CL-076: a crash while a record is written leaves the old one, and its remains are overwritten.
#[tokio::test]
async fn a_crash_leaves_the_old_record() {
    let directory = Directory::new();
    let store = FileStore::open(directory.path()).expect("a directory");
    store.save(&key(), &record("old")).await.expect("saved");
    let remains = directory.path().join(format!("{}.new", key().name()));
    fs::write(&remains, "half of a recor".repeat(100)).expect("a file");
    assert_eq!(text(&store, &key()).await.as_deref(), Some("old"));

    store.save(&key(), &record("new")).await.expect("saved");
    assert_eq!(text(&store, &key()).await.as_deref(), Some("new"));
    assert!(!remains.exists());

    fs::write(&remains, SECRET).expect("a file");
    store.remove(&key()).await.expect("removed");
    assert!(!remains.exists(), "it may hold a secret");
}

/// A write that fails leaves what is there.
#[tokio::test]
async fn a_write_that_fails_leaves_what_is_there() {
    let directory = Directory::new();
    let store = FileStore::open(directory.path()).expect("a directory");
    store.save(&key(), &record("old")).await.expect("saved");
    let new = directory.path().join(format!("{}.new", key().name()));
    symlink("/dev/full", &new).expect("a device that is full");
    let failed = store.save(&key(), &record("new")).await;
    assert!(matches!(failed, Err(StoreError::Io(_))), "{failed:?}");
    assert_eq!(text(&store, &key()).await.as_deref(), Some("old"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_take_turns() {
    let (_directory, stores) = stores();
    for store in stores {
        let inside = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..600 {
            let (store, inside) = (Arc::clone(&store), Arc::clone(&inside));
            tasks.spawn(async move {
                let _turn = store.lock(&key()).await.expect("a turn");
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                tokio::task::yield_now().await;
                // Who has the turn can work.
                store.load(&key()).await.expect("an answer");
                inside.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("a task that was alone");
        }
        // Other keys have turns of their own, and who gives up is not in the way.
        let turn = store.lock(&key()).await.expect("a turn");
        let other = registration("https://as.example.com");
        drop(store.lock(&other).await.expect("another turn"));
        assert!(is_taken(&*store).await);
        drop(turn);
        drop(store.lock(&key()).await.expect("a turn"));
    }
}

/// Two processes are never inside at once: each adds one to a number many times.
#[tokio::test]
async fn processes_take_turns() {
    const TIMES: usize = 25;
    let name = "store::processes_take_turns";
    let add = async |store: &FileStore| {
        for _ in 0..TIMES {
            let _turn = store.lock(&key()).await.expect("a turn");
            let before = text(store, &key()).await.unwrap_or_else(|| "0".to_owned());
            let next = before.parse::<usize>().expect("a number") + 1;
            store
                .save(&key(), &record(&next.to_string()))
                .await
                .expect("saved");
        }
    };
    if let Some(part) = processes::part() {
        add(&FileStore::open(part).expect("a directory")).await;
        return;
    }
    let directory = Directory::new();
    let store = FileStore::open(directory.path()).expect("a directory");
    let part = directory.path().to_str().expect("a path");
    let mut children: Vec<_> = (0..3)
        .map(|_| processes::again(name, part).spawn().expect("a process"))
        .collect();
    add(&store).await;
    for child in &mut children {
        assert!(child.wait().expect("a process").success());
    }
    assert_eq!(text(&store, &key()).await, Some((4 * TIMES).to_string()));
}

/// A turn ends with the process that has it.
#[tokio::test]
async fn a_killed_process_has_no_turn() {
    let name = "store::a_killed_process_has_no_turn";
    if let Some(part) = processes::part() {
        let store = FileStore::open(part).expect("a directory");
        let _turn = store.lock(&key()).await.expect("a turn");
        store.save(&key(), &record("inside")).await.expect("saved");
        std::future::pending::<()>().await;
    }
    let directory = Directory::new();
    let store = FileStore::open(directory.path()).expect("a directory");
    let part = directory.path().to_str().expect("a path");
    let mut child = processes::again(name, part).spawn().expect("a process");
    while text(&store, &key()).await.is_none() {
        tokio::task::yield_now().await;
    }
    assert!(is_taken(&store).await);
    child.kill().expect("a process to kill");
    child.wait().expect("its end");
    drop(store.lock(&key()).await.expect("a turn"));
    assert_eq!(text(&store, &key()).await.as_deref(), Some("inside"));
}
