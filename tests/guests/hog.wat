;; Preview 1 command: burns CPU for 1,000 loop steps times the decimal number on stdin, then replies "burned".
;; Expect outcome `ok` with CPU time near the duration, or `timeout`. A step costs 1 to 2 ns.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the input buffer (64, 20 bytes); 8: count; 16: iovec of the reply; 32: what the loop computed.
  (data (i32.const 0) "\40\00\00\00\14\00\00\00")
  (data (i32.const 16) "\30\00\00\00\06\00\00\00")
  (data (i32.const 48) "burned")

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
    (local $left i64) (local $x i64)
    (local.set $left (i64.mul (call $number) (i64.const 1000)))
    (block $done
      (loop $step
        (br_if $done (i64.eqz (local.get $left)))
        ;; A linear congruential generator: each step needs the one before.
        (local.set $x
          (i64.add
            (i64.mul (local.get $x) (i64.const 6364136223846793005))
            (i64.const 1442695040888963407)))
        (local.set $left (i64.sub (local.get $left) (i64.const 1)))
        (br $step)))
    ;; Kept, so that no compiler may leave the loop out.
    (i64.store (i32.const 32) (local.get $x))
    (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))
