;; Preview 1 command: replies how many bytes of its memory, of 4 MiB, are not zero at its start, as four digits or "more";
;; then fills them all. Expect "0000" every time: no call sees what another one left.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 65)
  ;; In the first page, which is not looked at: 0: iovec (pointer 32, length 4); 16: count; 32: the reply.
  (data (i32.const 0) "\20\00\00\00\04\00\00\00")
  (data (i32.const 32) "more")
  (func (export "_start")
    (local $at i32) (local $found i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (local.set $found (i32.add (local.get $found) (i32.ne (i32.load8_u (local.get $at)) (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 4259840))))
    (memory.fill (i32.const 65536) (i32.const 255) (i32.const 4194304))
    (if (i32.lt_u (local.get $found) (i32.const 10000))
      (then
        (local.set $at (i32.const 35))
        (loop $digit
          (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $found) (i32.const 10))))
          (local.set $found (i32.div_u (local.get $found) (i32.const 10)))
          (local.set $at (i32.sub (local.get $at) (i32.const 1)))
          (br_if $digit (i32.ge_u (local.get $at) (i32.const 32))))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
