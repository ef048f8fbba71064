#!/bin/sh
# Rebuilds the WebAssembly files that are committed with their sources: the C and Rust sample functions and the
# test guest `probe`. With `large` as well: the JavaScript and Python samples, whose results (13 and 18 MB) are
# not committed. They land in target/guests/ of the repository, or in $GUESTS_OUT.
#
#   sample-data/build.sh [--install] [NAME...]     NAME: wordcount, thumbnail, checkout, probe (all without a NAME),
#                                                  pricing, recommend, large (both of these)
#
# It needs, and installs only with --install (npm and Python packages into target/guests/, Rust targets by rustup):
#   wordcount   clang 16 or later with wasm-ld, wasi-libc and the wasm32 builtins
#               (Debian: clang-19 lld-19 libclang-rt-19-dev-wasm32 wasi-libc; CC=clang chooses another one)
#   thumbnail   cargo and the Rust target wasm32-wasip1
#   checkout,   cargo and the Rust target wasm32-wasip2; or wasm32-wasip1 with the npm package
#   probe       @bytecodealliance/jco, which then wraps the core module into a component
#   pricing     node 20 or later and the npm package @bytecodealliance/componentize-js
#   recommend   python 3.10 or later and the PyPI package componentize-py
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$here")
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

# Whether the compiler has the standard library of target $1.
has_target() {
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

build_c() {
    cc=${CC:-clang-19}
    need "$cc" "set CC to a clang that can compile to wasm32"
    "$cc" --target=wasm32-wasi -Oz -Wall -Wextra -Wl,-s -o "$here/functions/$1/$1.wasm" "$here/functions/$1/$1.c"
}

# Compiles the Rust package in folder $1 for target $2, without the paths of this machine in the result.
cargo_build() {
    sysroot=$("${RUSTC:-rustc}" --print sysroot)
    flags="--remap-path-prefix=$1=/guest"
    flags="$flags --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    flags="$flags --remap-path-prefix=$sysroot=/rust"
    CARGO_TARGET_DIR="$out/rust" RUSTFLAGS="$flags" \
        cargo build --quiet --release --locked --target "$2" --manifest-path "$1/Cargo.toml"
}

build_rust_command() {
    if ! has_target wasm32-wasip1 && [ $install = yes ]; then rustup target add wasm32-wasip1; fi
    has_target wasm32-wasip1 || fail "Rust target wasm32-wasip1 is missing: rustup target add wasm32-wasip1"
    cargo_build "$2" wasm32-wasip1
    cp "$out/rust/wasm32-wasip1/release/$1.wasm" "$2/$1.wasm"
}

build_rust_component() {
    if ! has_target wasm32-wasip2 && [ $install = yes ] && command -v rustup >/dev/null; then
        rustup target add wasm32-wasip2 || true
    fi
    if has_target wasm32-wasip2; then
        cargo_build "$2" wasm32-wasip2
        cp "$out/rust/wasm32-wasip2/release/$1.wasm" "$2/$1.wasm"
        return
    fi
    has_target wasm32-wasip1 || fail "Rust target wasm32-wasip2 is missing: rustup target add wasm32-wasip2"
    npm_package @bytecodealliance/jco@1.35.0
    cargo_build "$2" wasm32-wasip1
    jco=$out/node/node_modules/@bytecodealliance/jco
    node "$out/node/node_modules/.bin/jco" new "$out/rust/wasm32-wasip1/release/$1.wasm" \
        --adapt "wasi_snapshot_preview1=$jco/lib/wasi_snapshot_preview1.reactor.wasm" -o "$2/$1.wasm"
}

# The WIT files of wasi:http: those of the crate that `checkout` is built with.
wit_folder() {
    manifest=$(cargo metadata --format-version 1 --locked --manifest-path "$here/functions/checkout/Cargo.toml" |
        tr ',' '\n' | sed -n 's/^"manifest_path":"\(.*wasip2-[^"]*\)Cargo.toml"$/\1/p')
    [ -d "${manifest}wit" ] || fail "the wit folder of crate wasip2 was not found"
    echo "${manifest}wit"
}

build_pricing() {
    npm_package @bytecodealliance/componentize-js@0.23.0
    wit=$(wit_folder)
    (cd "$out/node" && node --input-type=module - "$here/functions/pricing/pricing.js" "$wit" "$out/pricing.wasm") <<'END'
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
    cp "$here/functions/recommend/recommend.py" "$out/recommend/"
    (cd "$out/recommend" &&
        "$out/python/bin/componentize-py" -d "$wit" -w wasi:http/proxy@0.2.4 componentize recommend \
            -o "$out/recommend.wasm")
}

for argument in "$@"; do
    case $argument in
    --install) install=yes ;;
    large) names="$names pricing recommend" ;;
    wordcount | thumbnail | checkout | probe | pricing | recommend) names="$names $argument" ;;
    *) fail "no such function: $argument" ;;
    esac
done

mkdir -p "$out"
for name in ${names:-wordcount thumbnail checkout probe}; do
    file=$here/functions/$name/$name.wasm
    case $name in
    wordcount) build_c $name ;;
    thumbnail) build_rust_command $name "$here/functions/$name" ;;
    checkout) build_rust_component $name "$here/functions/$name" ;;
    probe)
        file=$repository/tests/guests/probe/probe.wasm
        build_rust_component $name "$repository/tests/guests/probe"
        ;;
    pricing | recommend)
        file=$out/$name.wasm
        build_$name
        ;;
    esac
    chmod 644 "$file"
    echo "$name: $(wc -c <"$file") bytes in ${file#"$repository"/}"
done
