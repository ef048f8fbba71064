//! Runs commands of the program to their end, in an empty folder, with a deadline.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{Deadline, PATIENCE};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output of a command that must have succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    /// The error of a command that must have failed with `code`: for 1 one sentence, below whatever a server had logged.
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, code, "{self:?}");
        for noise in ["panicked", "RUST_BACKTRACE", "stack backtrace", "Error {", "Os {"] {
            assert!(!self.stderr.contains(noise), "no noise in errors: {self:?}");
        }
        let error = self.stderr.find("error: ").unwrap_or_else(|| panic!("an error says so: {self:?}"));
        let (logged, error) = self.stderr.split_at(error);
        assert!(logged.lines().all(|line| line.contains(" INFO ") || line.contains(" WARN ")), "{self:?}");
        if code == 1 {
            assert_eq!(error.trim_end().lines().count(), 1, "one sentence: {self:?}");
        }
        error
    }
}

/// The program, ready for arguments. Nothing of the caller's environment changes what it does.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_faremeter"));
    for name in ["FAREMETER_TOKEN", "FAREMETER_LOG", "RUST_LOG", "RUST_BACKTRACE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.current_dir(empty_folder()).stdin(Stdio::null());
    command
}

/// A folder where relative paths, the default data folder among them, lead to nothing that matters.
pub(crate) fn empty_folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cwd");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

/// Runs a command to its end.
pub(crate) fn cli(args: &[&str]) -> Ran {
    Running::begin(args).end()
}

/// A command under way; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    output: TempDir,
    name: String,
}

impl Running {
    pub(crate) fn begin(args: &[&str]) -> Self {
        let output = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| File::create(output.path().join(name)).expect("a file");
        let mut command = program();
        command.args(args).stdout(file("stdout")).stderr(file("stderr"));
        let child = command.spawn().expect("the program starts");
        Self { child, output, name: args.join(" ") }
    }

    /// What it has printed so far.
    pub(crate) fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        let deadline = Deadline::after(PATIENCE);
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                let code = status.code().unwrap_or(-1);
                return Ran { code, stdout: self.read("stdout"), stderr: self.read("stderr") };
            }
            assert!(!deadline.is_over(), "`{}` did not end within {PATIENCE:?}", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn read(&self, name: &str) -> String {
        let bytes = std::fs::read(self.output.path().join(name)).expect("it was made at the start");
        String::from_utf8(bytes).expect("the program writes UTF-8")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}
