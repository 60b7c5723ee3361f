//! Records in files.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::turns::Turns;
use super::{CredentialStore, SecretRecord, StoreError, StoreGuard, StoreKey, Stored};
use crate::secret;

/// What a file begins with; the last byte is the version.
const MARK: &[u8] = b"clearance credential\n\x01";
/// The length of the checksum that follows.
const CHECKSUM: usize = digest::SHA256_OUTPUT_LEN;
/// The largest record.
const LARGEST: usize = 256 * 1024;

/// How soon a lock of another process is tried again: at first, and at last.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// Keeps records in the files of a directory, for one user and for all processes of that user.
///
/// - *Private*: the directory has the mode 0700 and the files 0600, whatever the umask is. A directory that is
///   there already and lets others in is an error. Elsewhere than on Unix the directory must be in a place
///   that only its user can read, as the user's profile on Windows is.
/// - *Whole*: a record is written to a new file, and only when it is on the disk takes the place of the old
///   one. After a crash it is the old one or the new one.
/// - *Shared*: [locks](CredentialStore::lock) hold between processes, and end with the process that has them.
///   They are those of the system, which network file systems may not have.
/// - *Names* of files are hashes: no text from the network becomes a path.
///
/// The records themselves are not encrypted: a key beside them would help nobody. Where the operating system
/// has a keystore, implement [`CredentialStore`] for that.
///
/// # Examples
/// ```
/// use clearance::client::store::{CredentialStore, FileStore, SecretRecord, StoreKey};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = std::env::temp_dir().join(format!("clearance-doc-{}", std::process::id()));
/// let store = FileStore::open(&directory)?;
/// let key = StoreKey::registration(&"https://auth.example.com".parse()?);
/// let turn = store.lock(&key).await?;
/// store.save(&key, &SecretRecord::new(b"secret".to_vec())).await?;
/// drop(turn);
///
/// let found = FileStore::open(&directory)?.load(&key).await?;
/// assert!(found.is_some_and(|record| record.expose() == b"secret"));
/// # std::fs::remove_dir_all(directory)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FileStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    turns: Turns,
}

impl FileStore {
    /// Keeps records in this directory, which is made if it is not there. It is for nothing else.
    ///
    /// # Errors
    /// [`StoreError::NotPrivate`] if the directory lets others in, and [`StoreError::Io`] if it cannot be
    /// had.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        make_private(&directory)?;
        let turns = Turns::default();
        Ok(Self {
            inner: Arc::new(Inner { directory, turns }),
        })
    }

    /// Does `work` on a thread that may wait for the disk.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || work(&inner)).await {
            Ok(done) => done,
            // The runtime shuts down.
            Err(_) => Err(StoreError::Io(io::ErrorKind::Interrupted)),
        }
    }

    /// Waits until no other process has the lock of this file.
    ///
    /// It tries again and again and blocks no thread: a blocked one could not be called back, and all of
    /// them could come to wait for one who needs one more.
    async fn wait_for(&self, name: String) -> Result<File, StoreError> {
        let file = self
            .work(move |inner| Ok(open(&inner.directory.join(name))?))
            .await?;
        let mut wait = FIRST_WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        }
    }
}

impl CredentialStore for FileStore {
    fn load<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, Option<SecretRecord>> {
        let key = key.clone();
        Box::pin(self.work(move |inner| inner.load(&key)))
    }

    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a SecretRecord) -> Stored<'a, ()> {
        let (key, record) = (key.clone(), record.clone());
        Box::pin(self.work(move |inner| inner.save(&key, &record)))
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, ()> {
        let key = key.clone();
        Box::pin(self.work(move |inner| inner.remove(&key)))
    }

    fn lock<'a>(&'a self, key: &'a StoreKey) -> Stored<'a, StoreGuard> {
        Box::pin(async move {
            // Tasks of this process wait in a queue, so that only one of them looks at the file.
            let turn = self.inner.turns.wait(key).await;
            let file = self.wait_for(format!("{}.lock", key.name())).await?;
            Ok(StoreGuard::new((file, turn)))
        })
    }
}

impl Inner {
    fn path(&self, key: &StoreKey) -> PathBuf {
        self.directory.join(format!("{}.credential", key.name()))
    }

    fn load(&self, key: &StoreKey) -> Result<Option<SecretRecord>, StoreError> {
        let most = LARGEST.saturating_add(MARK.len()).saturating_add(CHECKSUM);
        let content = match secret::read_file(&self.path(key), most) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(StoreError::Damaged);
            }
            Err(error) => return Err(error.into()),
        };
        decode(key, &content).map(Some)
    }

    fn save(&self, key: &StoreKey, record: &SecretRecord) -> Result<(), StoreError> {
        if record.expose().len() > LARGEST {
            return Err(StoreError::TooLarge);
        }
        let _writing = self.writing()?;
        // What cannot be read may be worth something to somebody.
        self.load(key)?;
        let new = self.new_path(key);
        let written = write_new(&new, &encode(key, record)).and_then(|()| {
            fs::rename(&new, self.path(key))?;
            sync_directory(&self.directory)
        });
        if written.is_err() {
            fs::remove_file(&new).ok();
        }
        Ok(written?)
    }

    fn remove(&self, key: &StoreKey) -> Result<(), StoreError> {
        let _writing = self.writing()?;
        // What a crash has left is a secret, too.
        for path in [self.new_path(key), self.path(key)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(sync_directory(&self.directory)?)
    }

    fn new_path(&self, key: &StoreKey) -> PathBuf {
        self.directory.join(format!("{}.new", key.name()))
    }

    /// Whoever writes is alone, for as long as it takes to write one record.
    fn writing(&self) -> io::Result<File> {
        let file = open(&self.directory.join("writing.lock"))?;
        file.lock()?;
        Ok(file)
    }
}

fn encode(key: &StoreKey, record: &SecretRecord) -> Zeroizing<Vec<u8>> {
    let record = record.expose();
    let length = MARK.len().saturating_add(CHECKSUM);
    // As it never grows, no copy is left behind.
    let mut content = Zeroizing::new(Vec::with_capacity(length.saturating_add(record.len())));
    content.extend_from_slice(MARK);
    content.extend_from_slice(checksum(key, record).as_ref());
    content.extend_from_slice(record);
    content
}

fn decode(key: &StoreKey, content: &[u8]) -> Result<SecretRecord, StoreError> {
    let Some(rest) = content.strip_prefix(MARK) else {
        let known = MARK.iter().zip(content).take_while(|(m, c)| m == c).count();
        let is_cut_off = known == content.len();
        return Err(if is_cut_off {
            StoreError::Damaged
        } else {
            StoreError::Version
        });
    };
    let (sum, record) = rest.split_at_checked(CHECKSUM).ok_or(StoreError::Damaged)?;
    if checksum(key, record).as_ref() != sum {
        return Err(StoreError::Damaged);
    }
    Ok(SecretRecord::new(record.to_vec()))
}

/// A file that was put in the place of another one is noticed, too.
fn checksum(key: &StoreKey, record: &[u8]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&key.bytes());
    context.update(record);
    context.finish()
}

/// Opens a file for its owner alone, and makes it if it is not there.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // The umask may have taken something from its owner.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Writes a file anew, to the disk. What is left of one that was not finished is overwritten.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    file.set_len(0)?;
    file.write_all(content)?;
    file.sync_all()
}

/// A name is on the disk when its directory is.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

fn make_private(directory: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    if let Some(above) = directory.parent() {
        builder.recursive(true).create(above)?;
    }
    match builder.recursive(false).create(directory) {
        // As with files.
        #[cfg(unix)]
        Ok(()) => {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(directory, mode)?;
        }
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let about = fs::metadata(directory)?;
    if !about.is_dir() {
        return Err(StoreError::Io(io::ErrorKind::NotADirectory));
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        return Err(StoreError::NotPrivate);
    }
    Ok(())
}
