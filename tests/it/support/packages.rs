//! Packages of other languages that tests run, installed from their registries once and again when other versions are wanted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Deadline;

/// The longest that installing may take.
const INSTALL: Duration = Duration::from_secs(300);

/// The folder of a client such as `otlp-clients/node`, made by `make` where it is not there yet or was made of other versions.
pub(crate) fn installed(name: &str, wanted: &Path, make: impl FnOnce(&Path) -> bool) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let wanted = std::fs::read(wanted).expect("it is in the repository");
    let done = folder.join("done");
    if std::fs::read(&done).is_ok_and(|made_of| made_of == wanted) {
        return Some(folder);
    }
    let _not_there = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    if make(&folder) {
        std::fs::write(done, wanted).expect("the target folder can be written");
        return Some(folder);
    }
    eprintln!("skipped: the packages of '{name}' cannot be installed");
    None
}

/// Whether a command ends well, in time.
pub(crate) fn ran(command: &mut Command) -> bool {
    let Ok(mut process) = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        return false;
    };
    let deadline = Deadline::after(INSTALL);
    loop {
        match process.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if !deadline.is_over() => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ended_already = process.kill();
                let _status = process.wait();
                return false;
            }
        }
    }
}
