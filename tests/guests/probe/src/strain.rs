//! What strains the host: CPU, stack and memory.

use std::hint::black_box;

const PIECE_BYTES: usize = 1 << 20;

pub(crate) fn spin() -> ! {
    loop {
        black_box(0);
    }
}

pub(crate) fn hog(steps: u64) {
    let step = |value: u64, _| value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    black_box((0..black_box(steps)).fold(0, step));
}

/// Never returns in practice: the stack ends first.
#[expect(unconditional_recursion, reason = "this is the probe")]
pub(crate) fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 8]);
    recurse(depth + 1) + black_box(frame)[7]
}

/// Takes 1 MiB at a time until that is refused; returns how many it got.
pub(crate) fn grow() -> usize {
    take_all().len()
}

pub(crate) fn grow_and_abort() -> ! {
    let pieces = take_all();
    eprintln!("memory refused after {} MiB", pieces.len());
    std::process::abort()
}

fn take_all() -> Vec<Vec<u8>> {
    // Reserved before memory runs out: 4,096 MiB is all that a guest can address.
    let mut pieces = Vec::with_capacity(4096);
    loop {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(PIECE_BYTES).is_err() {
            return pieces;
        }
        piece.resize(PIECE_BYTES, 1u8);
        pieces.push(piece);
    }
}
