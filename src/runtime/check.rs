//! Owns the first look at an upload: is it a guest that can run here? Says no in one sentence that a developer can act
//! on. It does not compile: types of imports, and a component's inside, are checked when it is compiled (`artifact`).

use bytes::Bytes;
use sha2::{Digest, Sha256};
use wasmtime::{Engine, Module};

use super::engine::Engines;
use super::{Error, GuestKind, Source, scan};

const MODULE_HEADER: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\0\x01\0";
/// What a component must export, any version of 0.2.
const HANDLER: &str = "wasi:http/incoming-handler@0.2.";
/// What a preview 1 command may import from.
const PREVIEW1: &str = "wasi_snapshot_preview1";
/// The packages of WASI 0.2 that are provided.
const PROVIDED: [&str; 7] =
    ["wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:http/", "wasi:io/", "wasi:random/", "wasi:sockets/"];

/// Turns an upload into its binary form and checks what it imports and exports.
pub(super) fn check(engines: &Engines, upload: &[u8]) -> Result<Source, Error> {
    let wasm = binary(upload)?;
    let kind =
        kind(&wasm).ok_or_else(|| invalid("this is not a WebAssembly module or component of a known version"))?;
    match kind {
        GuestKind::WasiPreview1 => check_module(engines, &wasm)?,
        GuestKind::WasiHttp => check_component(&wasm)?,
    }
    Ok(Source { sha256: sha256(&wasm), wasm, kind, fuel: false })
}

/// What a binary is, by its header alone.
pub(super) fn kind(wasm: &[u8]) -> Option<GuestKind> {
    if wasm.starts_with(MODULE_HEADER) {
        Some(GuestKind::WasiPreview1)
    } else if wasm.starts_with(COMPONENT_HEADER) {
        Some(GuestKind::WasiHttp)
    } else {
        None
    }
}

/// Lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidGuest(message.into())
}

fn binary(upload: &[u8]) -> Result<Bytes, Error> {
    if upload.is_empty() {
        return Err(invalid("the upload is empty"));
    }
    if Engine::detect_precompiled(upload).is_some() {
        return Err(invalid("this is a precompiled artifact: upload the .wasm or .wat that it was made from"));
    }
    if upload.starts_with(b"\0asm") {
        return Ok(Bytes::copy_from_slice(upload));
    }
    let text = std::str::from_utf8(upload).ok().filter(|text| text.contains('('));
    let text =
        text.ok_or_else(|| invalid("this is neither WebAssembly in binary form (.wasm) nor its text form (.wat)"))?;
    let binary =
        wat::parse_str(text).map_err(|error| invalid(format!("this is not valid WAT: {}", one_line(&error))))?;
    Ok(Bytes::from(binary))
}

fn check_module(engines: &Engines, wasm: &[u8]) -> Result<(), Error> {
    Module::validate(&engines.plain.pooled.engine, wasm)
        .map_err(|error| invalid(format!("this module is not valid: {}", one_line(&format_args!("{error:#}")))))?;
    let names = scan::module(wasm).ok_or_else(|| invalid("the imports and exports of this module cannot be read"))?;
    for (module, field, function) in &names.imports {
        if !function || module != PREVIEW1 || !is_preview1_function(field) {
            return Err(invalid(format!(
                "the module imports `{module}.{field}`, which is not provided: only functions of `{PREVIEW1}` are"
            )));
        }
    }
    if !names.functions.iter().any(|name| name == "_start") {
        return Err(invalid(
            "the module exports no function `_start`: build it as a command (an executable), or as a component that exports `wasi:http/incoming-handler`",
        ));
    }
    Ok(())
}

fn check_component(wasm: &[u8]) -> Result<(), Error> {
    let names =
        scan::component(wasm).ok_or_else(|| invalid("the imports and exports of this component cannot be read"))?;
    if !names.exports.iter().any(|name| name.starts_with(HANDLER)) {
        return Err(invalid(match names.exports.as_slice() {
            [] => "the component exports nothing: it must export `wasi:http/incoming-handler@0.2`".to_owned(),
            exports => format!(
                "the component exports {} but not `wasi:http/incoming-handler@0.2`",
                exports.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            ),
        }));
    }
    let provided = |name: &str| PROVIDED.iter().any(|package| name.starts_with(package)) && name.contains("@0.2.");
    match names.imports.iter().find(|name| !provided(name)) {
        Some(name) => Err(invalid(format!("the component imports `{name}`, which is not provided: only WASI 0.2 is"))),
        None => Ok(()),
    }
}

/// The functions of preview 1; their types are checked when the module is compiled.
fn is_preview1_function(name: &str) -> bool {
    matches!(
        name,
        "args_get"
            | "args_sizes_get"
            | "environ_get"
            | "environ_sizes_get"
            | "clock_res_get"
            | "clock_time_get"
            | "fd_advise"
            | "fd_allocate"
            | "fd_close"
            | "fd_datasync"
            | "fd_fdstat_get"
            | "fd_fdstat_set_flags"
            | "fd_fdstat_set_rights"
            | "fd_filestat_get"
            | "fd_filestat_set_size"
            | "fd_filestat_set_times"
            | "fd_pread"
            | "fd_prestat_dir_name"
            | "fd_prestat_get"
            | "fd_pwrite"
            | "fd_read"
            | "fd_readdir"
            | "fd_renumber"
            | "fd_seek"
            | "fd_sync"
            | "fd_tell"
            | "fd_write"
            | "path_create_directory"
            | "path_filestat_get"
            | "path_filestat_set_times"
            | "path_link"
            | "path_open"
            | "path_readlink"
            | "path_remove_directory"
            | "path_rename"
            | "path_symlink"
            | "path_unlink_file"
            | "poll_oneoff"
            | "proc_exit"
            | "proc_raise"
            | "random_get"
            | "sched_yield"
            | "sock_accept"
            | "sock_recv"
            | "sock_send"
            | "sock_shutdown"
    )
}

/// The first line of an error, and where a WAT error points to.
fn one_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("no reason was given").to_owned();
    match lines.find(|line| line.starts_with("-->")) {
        Some(place) => format!("{first} (line {})", place.trim_start_matches("--> ").trim_start_matches("<anon>:")),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Config;

    fn engines() -> Engines {
        let config = Config { account_concurrency: 2, idle_environments: 2, ..Config::new("/nowhere".as_ref()) };
        Engines::start(&config).unwrap()
    }

    #[test]
    fn what_cannot_run_is_refused_with_the_reason() {
        let engines = engines();
        let artifact = engines.plain.pooled.engine.precompile_module(b"\0asm\x01\0\0\0").unwrap();
        let refused: [(&[u8], &str); 12] = [
            (b"", "empty"),
            (b"hello", "neither"),
            (b"\x7fELF\xff", "neither"),
            (b"\0asm\x02\0\0\0", "known version"),
            (&artifact, "precompiled artifact"),
            (b"(module (func (export \"_start\") i32.const))", "not valid WAT: "),
            (b"(module (func (export \"_start\") i32.const 1))", "not valid"),
            (b"(module)", "no function `_start`"),
            (b"(module (import \"env\" \"foo\" (func)) (func (export \"_start\")))", "`env.foo`"),
            (b"(module (memory 65537) (func (export \"_start\")))", "not valid"),
            (b"(component)", "exports nothing"),
            (b"(component (import \"a:b/c\" (func)) (export \"x\" (func 0)))", "exports `x` but not"),
        ];
        for (upload, reason) in refused {
            let error = check(&engines, upload).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn text_and_binary_are_the_same_function() {
        let engines = engines();
        let text = "(module (func (export \"_start\")))";
        let from_text = check(&engines, text.as_bytes()).unwrap();
        let from_binary = check(&engines, &wat::parse_str(text).unwrap()).unwrap();
        assert_eq!(from_text.sha256, from_binary.sha256);
        assert_eq!((from_text.kind, from_text.sha256.len()), (GuestKind::WasiPreview1, 64));
    }
}
