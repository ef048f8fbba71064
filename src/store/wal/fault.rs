//! Owns the reason why the log accepts nothing more, once there is one.

use std::sync::OnceLock;

use tracing::error;

/// The first failure of the log; there is no way back but a restart, which reads what is on the disk.
#[derive(Default)]
pub(crate) struct Fault(OnceLock<String>);

impl Fault {
    /// Sets the reason, unless there is one.
    pub(crate) fn set(&self, why: String) {
        if self.0.set(why.clone()).is_ok() {
            error!(reason = %why, "the log failed: nothing is accepted until a restart");
        }
    }

    /// The reason, if there is one.
    pub(crate) fn get(&self) -> Option<String> {
        self.0.get().cloned()
    }

    /// Sets the reason should the thread that holds this panic.
    pub(crate) fn on_panic<'a>(&'a self, why: &'static str) -> OnPanic<'a> {
        OnPanic { fault: self, why }
    }
}

pub(crate) struct OnPanic<'a> {
    fault: &'a Fault,
    why: &'static str,
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fault.set(self.why.to_owned());
        }
    }
}
