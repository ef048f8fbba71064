//! Owns the words for what goes wrong in a call: outcome, `error_type` and message. It decides whose fault it was.
//!
//! | error_type | outcome | when |
//! |---|---|---|
//! | `Trap.<name>` | error | the guest trapped; wasmtime's name, such as `UnreachableCodeReached`, `StackOverflow`, `MemoryOutOfBounds` |
//! | `Trap.HostCall` | error | the guest called the host in a way that it must not, such as with a stream that it has closed |
//! | `Exit.<code>` | error | the guest exited with a code other than 0 |
//! | `Http.<code>` | error | the guest answered with an error of `wasi:http` instead of a response, such as `Http.InternalError` |
//! | `NoResponse` | error | the handler returned without a response |
//! | `InvalidResponse` | error | the response breaks HTTP: an informational status, a body given up or of another length than said |
//! | `ResponseTooLarge` | error | the body went past `Config::response_bytes` |
//! | `Timeout` | timeout | the wall-clock limit passed |
//! | `OutOfMemory` | out_of_memory | the guest failed after memory growth was refused, or asked for more than its limit to begin with |
//! | `Platform.<cause>` | platform_error | our fault: `Artifact`, `Compile`, `PoolExhausted`, `Instantiate`, `Request`, `Lost` |

use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::state::State;
use super::watch::TimedOut;
use crate::model::Outcome;

/// Bytes of a message.
const MAX_MESSAGE_BYTES: usize = 1 << 10;
/// Innermost wasm functions named in a message.
const MAX_FRAMES: usize = 5;

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cause {
    Trap(Trap),
    HostCall,
    Exit(i32),
    Http(String),
    NoResponse,
    InvalidResponse,
    ResponseTooLarge,
    Timeout,
    OutOfMemory,
    Platform(&'static str),
}

impl Cause {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Timeout => Outcome::Timeout,
            Self::OutOfMemory => Outcome::OutOfMemory,
            Self::Platform(_) => Outcome::PlatformError,
            _ => Outcome::Error,
        }
    }

    pub(super) fn error_type(&self) -> String {
        match self {
            Self::Trap(trap) => format!("Trap.{trap:?}"),
            Self::HostCall => "Trap.HostCall".to_owned(),
            Self::Exit(code) => format!("Exit.{code}"),
            Self::Http(code) => format!("Http.{code}"),
            Self::NoResponse => "NoResponse".to_owned(),
            Self::InvalidResponse => "InvalidResponse".to_owned(),
            Self::ResponseTooLarge => "ResponseTooLarge".to_owned(),
            Self::Timeout => "Timeout".to_owned(),
            Self::OutOfMemory => "OutOfMemory".to_owned(),
            Self::Platform(cause) => format!("Platform.{cause}"),
        }
    }
}

/// What went wrong, and how to say it.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) cause: Cause,
    /// One line, at most 1 KiB.
    pub(super) message: String,
}

/// What a guest is ended with when its reply grows past the limit.
#[derive(Debug, thiserror::Error)]
#[error("the response is larger than {limit} bytes")]
pub(super) struct ReplyTooLarge {
    pub(super) limit: u64,
}

impl Fault {
    pub(super) fn new(cause: Cause, message: impl AsRef<str>) -> Self {
        Self { cause, message: one_line(message.as_ref()) }
    }

    /// Our fault.
    pub(super) fn platform(cause: &'static str, error: &dyn std::fmt::Display) -> Self {
        Self::new(Cause::Platform(cause), error.to_string())
    }

    /// The wall-clock limit passed.
    pub(super) fn timeout(limit: std::time::Duration) -> Self {
        Self::new(Cause::Timeout, format!("the function ran longer than its limit of {limit:?}"))
    }

    /// What a call of the guest failed with; none where it exited with code 0, which is no failure.
    pub(super) fn of_guest(error: &wasmtime::Error, state: &State) -> Option<Self> {
        let cause = cause(error, state);
        if cause == Cause::Exit(0) {
            return None;
        }
        let mut message = match &cause {
            Cause::Trap(trap) => trap.to_string(),
            Cause::Exit(code) => format!("the guest exited with code {code}"),
            Cause::OutOfMemory => format!("memory growth was refused, then: {}", error.root_cause()),
            Cause::Timeout => return Some(Self::timeout(state.watch.timeout())),
            _ => error.root_cause().to_string(),
        };
        if let Some(line) = state.logs.last_words() {
            message.push_str(": ");
            message.push_str(&line);
        }
        let frames = frames(error);
        if !frames.is_empty() {
            message.push_str("; in ");
            message.push_str(&frames.join(" < "));
        }
        Some(Self::new(cause, message))
    }
}

fn cause(error: &wasmtime::Error, state: &State) -> Cause {
    if error.is::<TimedOut>() {
        return Cause::Timeout;
    }
    if error.is::<ReplyTooLarge>() {
        return Cause::ResponseTooLarge;
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return Cause::Platform("PoolExhausted");
    }
    let exit = error.downcast_ref::<I32Exit>().map(|exit| exit.0);
    if exit == Some(0) {
        return Cause::Exit(0);
    }
    if state.memory.refused() {
        return Cause::OutOfMemory;
    }
    match (exit, error.downcast_ref::<Trap>()) {
        (Some(code), _) => Cause::Exit(code),
        (None, Some(trap)) => Cause::Trap(*trap),
        (None, None) => Cause::HostCall,
    }
}

/// The innermost wasm functions, as the backtrace names them (mangled names made readable).
fn frames(error: &wasmtime::Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else { return Vec::new() };
    let text = backtrace.to_string();
    let names = text.lines().filter_map(|line| line.split_once(" - ").map(|(_, name)| name.trim()));
    let functions = names.map(|name| name.split_once('!').map_or(name, |(_, function)| function));
    // A module without names gives numbers, which tell nobody anything.
    functions.filter(|name| !name.starts_with("<wasm function")).take(MAX_FRAMES).map(str::to_owned).collect()
}

/// One line of at most 1 KiB.
fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() > MAX_MESSAGE_BYTES {
        let end = (0..=MAX_MESSAGE_BYTES - '…'.len_utf8()).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_of_bounded_length() {
        let fault = Fault::new(Cause::NoResponse, format!("first\n  second {}", "ä".repeat(2_000)));
        assert!(fault.message.starts_with("first second ä"));
        assert!(fault.message.ends_with('…') && fault.message.len() <= MAX_MESSAGE_BYTES);
    }
}
