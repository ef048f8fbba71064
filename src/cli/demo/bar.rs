//! A progress bar on a terminal, and nothing elsewhere. What it shows is the history's.

use std::io::{IsTerminal, Write};

use crate::demo::history::Progress;

const WIDTH: u64 = 30;

/// Draws over one line of standard error.
pub(super) struct Bar {
    terminal: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    pub(super) fn show(&self, progress: Progress) {
        if self.terminal {
            write(&format!("\r{}", line(progress)));
        }
    }

    /// Leaves the line empty.
    pub(super) fn clear(&self) {
        if self.terminal {
            write("\r\x1b[K");
        }
    }
}

fn line(progress: Progress) -> String {
    let full = progress.per_cent() * WIDTH / 100;
    let bar: String = (0..WIDTH).map(|at| if at < full { '█' } else { '░' }).collect();
    format!("  history {bar} {:>2} %  {} invocations", progress.per_cent(), progress.invocations)
}

fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _nowhere_to_draw = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_and_is_never_full_before_the_end() {
        let at = |invocations| line(Progress { invocations, expected: 1_000, rows: 0 });
        assert!(at(0).contains(" 0 %") && !at(0).contains('█'));
        assert!(at(500).contains("50 %") && at(500).matches('█').count() == 15);
        assert!(at(1_007).contains("99 %") && at(1_007).contains('░'));
    }
}
