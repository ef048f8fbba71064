//! Makes room for open files: each connection is one, and many systems allow 1,024 where nothing else is said.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that the default limits may need: connections, the store's files, the catalog's, and some to spare.
const WANTED: u64 = 8_192;

/// Raises the limit as far as it is needed and may be; says so where that is not enough.
pub(super) fn make_room() {
    let limit = getrlimit(Resource::Nofile);
    // No limit at all is said as none.
    let Some(current) = limit.current.filter(|current| *current < WANTED) else { return };
    let raised = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    let result = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    let open_files = if result.is_ok() { raised } else { current };
    if open_files < WANTED {
        tracing::warn!(open_files, wanted = WANTED, "few files may be open: many connections at once may be refused");
    }
}
