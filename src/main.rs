//! Reads the arguments, runs the command, turns its result into an exit code. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use faremeter::cli::Cli;

fn main() -> ExitCode {
    faremeter::cli::run(Cli::parse())
}
