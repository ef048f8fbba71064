//! A progress bar on a terminal, and nothing elsewhere. What it says is its user's.

use std::io::{IsTerminal, Write};

const WIDTH: u64 = 30;

/// Draws over one line of standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    terminal: bool,
}

impl Bar {
    pub(super) fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    pub(super) fn show(&self, line: &str) {
        if self.terminal {
            write(&format!("\r{line}\x1b[K"));
        }
    }

    /// Leaves the line empty.
    pub(super) fn clear(&self) {
        if self.terminal {
            write("\r\x1b[K");
        }
    }
}

/// A bar with its name before it and the per cent behind it.
pub(super) fn filled(name: &str, per_cent: u64) -> String {
    let full = per_cent.min(100) * WIDTH / 100;
    let bar: String = (0..WIDTH).map(|at| if at < full { '█' } else { '░' }).collect();
    format!("  {name} {bar} {per_cent:>2} %")
}

fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _nowhere_to_draw = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
