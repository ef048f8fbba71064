#!/bin/sh
# Rebuilds the WebAssembly files that are committed with their sources: the C and Rust sample functions and the
# test guest `probe`. With `large` as well: the JavaScript and Python samples, whose results (13 and 18 MB) are
# not committed. They land in target/guests/ of the repository, or in $GUESTS_OUT.
#
#   sample-data/build.sh [--install] [NAME...]
#
# NAME is a function, `probe`, or a group: `c`, `rust` (with `probe`), `large`. Without a NAME: c and rust.
# `hello` and `geocode` are text and need no building.
#
# It needs, and installs only with --install (npm and Python packages into target/guests/, Rust targets by rustup):
#   C            clang 16 or later with wasm-ld, wasi-libc and the wasm32 builtins
#                (Debian: clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc; CC=clang chooses another one)
#   Rust         cargo and the Rust targets wasm32-wasip1 (thumbnail) and wasm32-wasip2 (the components); or only
#                wasm32-wasip1, with the npm package @bytecodealliance/jco, which wraps a module into a component
#   pricing      node 20 or later and the npm package @bytecodealliance/componentize-js; cargo for the WIT files
#   recommend    python 3.10 or later and the PyPI package componentize-py; cargo for the WIT files
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$here")
functions=$here/functions
out=${GUESTS_OUT:-$repository/target/guests}
install=no
names=

fail() {
    echo "build.sh: $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null 2>&1 || fail "$1 is missing: $2"
}

# Whether the compiler has the standard library of target $1, which it gets first if asked to.
has_target() {
    if [ $install = yes ] && command -v rustup >/dev/null 2>&1; then rustup target add "$1" || true; fi
    libraries=$("${RUSTC:-rustc}" --print target-libdir --target "$1" 2>/dev/null) || return 1
    ls "$libraries"/libstd-*.rlib >/dev/null 2>&1
}

# Puts npm package $1 into $out/node, if asked to.
npm_package() {
    [ -d "$out/node/node_modules/${1%@*}" ] && return
    [ $install = yes ] || fail "npm package $1 is missing: --install puts it into $out/node"
    need npm "install Node.js"
    mkdir -p "$out/node"
    npm install --no-audit --no-fund --prefix "$out/node" "$1"
}

# Compiles $1 to $2. None of the functions prints a fraction, so printf comes without.
build_c() {
    cc=${CC:-clang-19}
    need "$cc" "set CC to a clang that can compile to wasm32"
    "$cc" --target=wasm32-wasi -Oz -Wall -Wextra -Wl,-s -lc-printscan-no-floating-point -o "$2" "$functions/$1/$1.c"
}

# Compiles package $1 in folder $2 for target $3, without the paths of this machine in the result.
cargo_build() {
    sysroot=$("${RUSTC:-rustc}" --print sysroot)
    flags="--remap-path-prefix=$2=/guest --remap-path-prefix=$sysroot=/rust"
    for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
        flags="$flags --remap-path-prefix=$registry=/crates"
    done
    CARGO_TARGET_DIR="$out/rust" RUSTFLAGS="$flags" \
        cargo build --quiet --release --locked --package "$1" --target "$3" --manifest-path "$2/Cargo.toml"
    built=$out/rust/$3/release/$(echo "$1" | tr - _).wasm
}

# Builds package $1 in folder $2 to $3: a preview 1 command.
build_rust_command() {
    has_target wasm32-wasip1 || fail "Rust target wasm32-wasip1 is missing: rustup target add wasm32-wasip1"
    cargo_build "$1" "$2" wasm32-wasip1
    cp "$built" "$3"
}

# Builds package $1 in folder $2 to $3: a component.
build_rust_component() {
    if has_target wasm32-wasip2; then
        cargo_build "$1" "$2" wasm32-wasip2
        cp "$built" "$3"
        return
    fi
    has_target wasm32-wasip1 || fail "Rust target wasm32-wasip2 is missing: rustup target add wasm32-wasip2"
    npm_package @bytecodealliance/jco@1.35.0
    cargo_build "$1" "$2" wasm32-wasip1
    jco=$out/node/node_modules/@bytecodealliance/jco
    node "$out/node/node_modules/.bin/jco" new "$built" \
        --adapt "wasi_snapshot_preview1=$jco/lib/wasi_snapshot_preview1.reactor.wasm" -o "$3"
}

# The WIT files of wasi:http: those of the crate that the components are built with.
wit_folder() {
    manifest=$(cargo metadata --format-version 1 --locked --manifest-path "$functions/Cargo.toml" |
        tr ',' '\n' | sed -n 's/^"manifest_path":"\(.*wasip2-[^"]*\)Cargo.toml"$/\1/p')
    [ -d "${manifest}wit" ] || fail "the wit folder of crate wasip2 was not found"
    echo "${manifest}wit"
}

build_pricing() {
    npm_package @bytecodealliance/componentize-js@0.23.0
    wit=$(wit_folder)
    (cd "$out/node" && node --input-type=module - "$functions/pricing/pricing.js" "$wit" "$1") <<'END'
import { writeFile } from 'node:fs/promises';
import { componentize } from '@bytecodealliance/componentize-js';
const [sourcePath, witPath, output] = process.argv.slice(2);
const { component } = await componentize({ sourcePath, witPath, worldName: 'wasi:http/proxy@0.2.4' });
await writeFile(output, component);
END
}

build_recommend() {
    if [ ! -x "$out/python/bin/componentize-py" ]; then
        [ $install = yes ] || fail "PyPI package componentize-py is missing: --install puts it into $out/python"
        need python3 "install Python"
        python3 -m venv "$out/python"
        "$out/python/bin/pip" install --quiet componentize-py==0.25.1
    fi
    wit=$(wit_folder)
    # Built from a copy, since Python leaves its byte code beside the source.
    mkdir -p "$out/recommend"
    cp "$functions/recommend/recommend.py" "$out/recommend/"
    (cd "$out/recommend" &&
        "$out/python/bin/componentize-py" -d "$wit" -w wasi:http/proxy@0.2.4 componentize recommend -o "$1")
}

build() {
    file=$functions/$1/$1.wasm
    case $1 in
    wordcount | invoice | report | export-csv) build_c "$1" "$file" ;;
    thumbnail) build_rust_command "$1" "$functions" "$file" ;;
    checkout | auth | search | fraud-score | notify) build_rust_component "$1" "$functions" "$file" ;;
    probe)
        file=$repository/tests/guests/probe/probe.wasm
        build_rust_component probe "$repository/tests/guests/probe" "$file"
        ;;
    pricing | recommend)
        file=$out/$1.wasm
        "build_$1" "$file"
        ;;
    *) fail "no such function: $1" ;;
    esac
    chmod 644 "$file"
    echo "$1: $(wc -c <"$file") bytes in ${file#"$repository"/}"
}

c="wordcount invoice report export-csv"
rust="thumbnail checkout auth search fraud-score notify probe"
for argument in "$@"; do
    case $argument in
    --install) install=yes ;;
    c) names="$names $c" ;;
    rust) names="$names $rust" ;;
    large) names="$names pricing recommend" ;;
    *) names="$names $argument" ;;
    esac
done

mkdir -p "$out"
for name in ${names:-$c $rust}; do
    build "$name"
done
