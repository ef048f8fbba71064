//! What the tests share: a server of their own, the commands, HTTP, rows of SQL, and waits that end.

pub(crate) mod cli;
pub(crate) mod http;
pub(crate) mod load;
pub(crate) mod money;
pub(crate) mod packages;
pub(crate) mod rows;
pub(crate) mod server;
pub(crate) mod webdriver;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The longest that a test waits for one thing to happen. It is no expectation of speed: machines are slow at times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A moment after which a wait has failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    #[expect(clippy::disallowed_methods, reason = "tests have no clock of the program's")]
    pub(crate) fn after(length: Duration) -> Self {
        Self(Instant::now() + length)
    }

    #[expect(clippy::disallowed_methods, reason = "tests have no clock of the program's")]
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(crate) fn is_over(self) -> bool {
        self.left().is_zero()
    }
}

/// Looks until there is something, and fails when patience is over; `what` says what was awaited.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(PATIENCE);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(!deadline.is_over(), "waited {PATIENCE:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The repository's folder.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A test guest's file, as an argument.
pub(crate) fn guest(name: &str) -> String {
    path_text(repository().join("tests/guests").join(name))
}

/// The component that does what its path says.
pub(crate) fn probe() -> String {
    guest("probe/probe.wasm")
}

/// A sample function's file, as an argument.
pub(crate) fn sample(name: &str) -> String {
    path_text(repository().join("sample-data/functions").join(name))
}

/// A path as an argument.
pub(crate) fn path_text(path: impl Into<PathBuf>) -> String {
    path.into().into_os_string().into_string().expect("paths here are Unicode")
}
