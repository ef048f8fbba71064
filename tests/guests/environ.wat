;; Preview 1 command: replies its environment variables, one KEY=VALUE line each, in the host's order.
;; Expect those of the function and nothing of the host's own.
(module
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get"
    (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  ;; 0: count of variables; 4: bytes of all; 8: iovec; 16: bytes written;
  ;; 64: the pointers (at most 16,000); 65536: the text (at most 64 KiB).
  (memory (export "memory") 2)

  (func (export "_start")
    (local $at i32) (local $end i32)
    (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
    (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 16000)) (then (unreachable)))
    (if (i32.gt_u (i32.load (i32.const 4)) (i32.const 65536)) (then (unreachable)))
    (drop (call $environ_get (i32.const 64) (i32.const 65536)))
    ;; The variables lie one after the other, each ended by a zero byte: make that a newline, and write all at once.
    (local.set $at (i32.const 65536))
    (local.set $end (i32.add (i32.const 65536) (i32.load (i32.const 4))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (if (i32.eqz (i32.load8_u (local.get $at)))
          (then (i32.store8 (local.get $at) (i32.const 10))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (i32.store (i32.const 8) (i32.const 65536))
    (i32.store (i32.const 12) (i32.load (i32.const 4)))
    (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))
