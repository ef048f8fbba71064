;; Preview 1 command: writes 100,000 numbered log lines of 64 bytes (6.4 MB) to stderr, whatever the host
;; answers, then replies "flooded". Expect the log to be cut at its limit, and nothing worse.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the line (pointer 64, length 64); 8: iovec of the reply; 16: count.
  (data (i32.const 0) "\40\00\00\00\40\00\00\00")
  (data (i32.const 8) "\20\00\00\00\07\00\00\00")
  (data (i32.const 32) "flooded")
  ;; 63 characters and a newline; the six digits start at 69.
  (data (i32.const 64) "line 000000 of a flood that nobody asked for, and nobody reads.\0a")

  ;; Writes `n` over the digits, from the last to the first.
  (func $number (param $n i32)
    (local $at i32)
    (local.set $at (i32.const 74))
    (loop $next
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (br_if $next (i32.ge_u (local.get $at) (i32.const 69)))))

  (func (export "_start")
    (local $n i32)
    (loop $next
      (call $number (local.get $n))
      (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $n) (i32.const 100000))))
    (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))
