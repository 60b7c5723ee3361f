//! What this process uses.

/// Memory in bytes, and open files. Both are zero where the system does not say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) memory: u64,
    pub(crate) files: usize,
}

/// What the kernel of Linux counts memory in, on the machines that we know.
const PAGE: u64 = 4_096;

impl Usage {
    pub(crate) fn now() -> Self {
        let sizes = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let pages = sizes.split(' ').nth(1).and_then(|text| text.parse().ok());
        let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count);
        Self {
            memory: pages.unwrap_or(0_u64) * PAGE,
            files: files.unwrap_or(0),
        }
    }
}
