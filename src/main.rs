//! Reads the arguments, runs the command, turns its result into an exit code. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use faremeter::cli::Cli;

/// Encoding a commit takes megabytes on whichever thread is free, for milliseconds. The system's allocator keeps what each
/// thread has freed for that thread alone: a server's memory grew for as long as it ran.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    faremeter::cli::run(Cli::parse())
}
