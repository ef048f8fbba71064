;; Preview 1 command: writes 64 MiB of "x" to stdout, 64 KiB at a time, and exits with 1 once a write fails.
;; Expect the reply limit to stop it.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  ;; 0: iovec (pointer, length); 8: bytes written; the second page: the text.
  (memory (export "memory") 2)

  (func (export "_start")
    (local $left i32)
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 65536))
    (local.set $left (i32.const 67108864))
    (i32.store (i32.const 0) (i32.const 65536))
    (loop $more
      ;; The last piece may be shorter, since a write may accept less than it was given.
      (i32.store (i32.const 4)
        (select (i32.const 65536) (local.get $left)
          (i32.gt_u (local.get $left) (i32.const 65536))))
      (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $proc_exit (i32.const 1))))
      (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
      (br_if $more (local.get $left)))))
