//! Makes room for open files: each connection is one, and many systems allow 1,024 where nothing else is said.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files besides connections: the store's, the catalog's, and some to spare.
const OTHERS: u64 = 2_048;

/// Raises the limit as far as so many connections need it and it may be; says so where that is not enough.
pub(super) fn make_room(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    // No limit at all is said as none.
    let Some(current) = limit.current.filter(|current| *current < wanted) else { return };
    let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
    let result = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum });
    let open_files = if result.is_ok() { raised } else { current };
    if open_files < wanted {
        tracing::warn!(open_files, wanted, "few files may be open: many connections at once may be refused");
    }
}
