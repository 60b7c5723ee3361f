//! What is written of events, by all tests of this program.

use std::io;
use std::sync::{Mutex, PoisonError};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is written from here on.
pub(crate) fn begin() {
    tracing_subscriber::fmt()
        .with_writer(|| Lines)
        .with_ansi(false)
        .init();
}

/// The lines of the store of one guard, each without what other lines begin with too, and with a space at
/// its end as after each of its words.
pub(crate) fn of(guard: &str) -> Vec<String> {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let text = String::from_utf8_lossy(&lines);
    let store = format!("store=\"{guard}\"");
    let own = text.lines().filter(|line| line.contains(&store));
    own.filter_map(|line| Some(format!("{} ", line.split_once("clearance: ")?.1)))
        .collect()
}

/// Whether there is a line of this store with this text.
pub(crate) fn tells(guard: &str, text: &str) -> bool {
    of(guard).iter().any(|line| line.contains(text))
}
