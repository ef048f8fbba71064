;; Preview 1 command: writes 1 GiB of "x" to stdout, 1 MiB at a time, whatever the host answers.
;; Expect the reply limit to end it.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  ;; 0: iovec (pointer 65536, length 1 MiB); 8: bytes written; from the second page on: the text.
  (memory (export "memory") 17)
  (data (i32.const 0) "\00\00\01\00\00\00\10\00")
  (func (export "_start")
    (local $left i32)
    (memory.fill (i32.const 65536) (i32.const 120) (i32.const 1048576))
    (local.set $left (i32.const 1024))
    (loop $more
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $more (local.get $left)))))
