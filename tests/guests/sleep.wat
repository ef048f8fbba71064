;; Preview 1 command: waits for the milliseconds given on stdin in decimal, then replies "slept".
;; Expect outcome `ok` (almost no CPU time), or `timeout` where the wait is longer than allowed.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the input buffer (64, 20 bytes); 8: count; 16: iovec of the reply.
  (data (i32.const 0) "\40\00\00\00\14\00\00\00")
  (data (i32.const 16) "\30\00\00\00\05\00\00\00")
  (data (i32.const 48) "slept")
  ;; 128: the subscription, 48 bytes: tag 0 (clock) at 8, clock id 1 (monotonic) at 16, time-out in ns at 24,
  ;; flags 0 (relative) at 40. 192: the event, 32 bytes.
  (data (i32.const 144) "\01")

  ;; The decimal number on stdin; stops at the first other character.
  (func $number (result i64)
    (local $at i32) (local $end i32) (local $digit i32) (local $value i64)
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $at (i32.const 64))
    (local.set $end (i32.add (i32.const 64) (i32.load (i32.const 8))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (local.set $value
          (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $value))

  (func (export "_start")
    (i64.store (i32.const 152) (i64.mul (call $number) (i64.const 1000000)))
    (if (call $poll_oneoff (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 8))
      (then (call $proc_exit (i32.const 1))))
    (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))
