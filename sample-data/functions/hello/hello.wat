;; hello: greets the shop's visitor. WASI preview 1 command, written by hand: the smallest of the samples.
;;
;; Payload: a name as plain text, at most 200 bytes of it, may be empty.
;; Reply:   {"greeting":"Hello, Ada!"}; without a name {"greeting":"Hello, world!"}.
;; Quotes, backslashes and control characters are left out, so the reply is valid JSON for any name that fits.
;; `wait_ms` in the query waits so long. One JSON line goes to stderr, which is the function's log.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get"
    (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get"
    (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the name (256, 200 bytes); 8: bytes read or written; 16: iovec of what is written, set below;
  ;; 24, 28: variables and their bytes; 128: subscription to a clock; 192: its event;
  ;; 8192: addresses of the variables; 16384: the variables.
  (data (i32.const 0) "\00\01\00\00\c8\00\00\00")
  (data (i32.const 32) "world")
  (data (i32.const 48) "QUERY_STRING=")
  (data (i32.const 64) "wait_ms=")
  (data (i32.const 512) "{\22greeting\22:\22Hello, ")
  (data (i32.const 1024) "{\22level\22:\22info\22,\22msg\22:\22visitor greeted\22,\22name_bytes\22:")
  ;; Where text is appended.
  (global $end (mut i32) (i32.const 0))

  (func $append (param $char i32)
    (i32.store8 (global.get $end) (local.get $char))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))

  (func $append_name (param $at i32) (param $length i32)
    (local $stop i32) (local $char i32)
    (local.set $stop (i32.add (local.get $at) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $stop)))
        (local.set $char (i32.load8_u (local.get $at)))
        (if (i32.and
              (i32.ge_u (local.get $char) (i32.const 32))
              (i32.and
                (i32.ne (local.get $char) (i32.const 34))
                (i32.ne (local.get $char) (i32.const 92))))
          (then (call $append (local.get $char))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next))))

  (func $append_number (param $number i32)
    (if (i32.ge_u (local.get $number) (i32.const 10))
      (then (call $append_number (i32.div_u (local.get $number) (i32.const 10)))))
    (call $append (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10)))))

  ;; Writes what stands from $start to $end, at once so that a log line arrives whole.
  (func $write (param $file i32) (param $start i32)
    (i32.store (i32.const 16) (local.get $start))
    (i32.store (i32.const 20) (i32.sub (global.get $end) (local.get $start)))
    (drop (call $fd_write (local.get $file) (i32.const 16) (i32.const 1) (i32.const 8))))

  ;; Whether the text at $at begins with the $length bytes at $prefix.
  (func $begins (param $at i32) (param $prefix i32) (param $length i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (local.get $at)) (i32.load8_u (local.get $prefix))) (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $prefix (i32.add (local.get $prefix) (i32.const 1)))
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; The digits at $at, at most 60000.
  (func $milliseconds (param $at i32) (result i64)
    (local $value i64) (local $digit i32)
    (block $done
      (loop $next
        (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
        (br_if $done (i32.gt_u (local.get $digit) (i32.const 9)))
        (local.set $value
          (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
        (if (i64.gt_u (local.get $value) (i64.const 60000)) (then (return (i64.const 60000))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $value))

  ;; What the query at $at, which ends with a zero, gives for wait_ms.
  (func $asked (param $at i32) (result i64)
    (loop $pair
      (if (call $begins (local.get $at) (i32.const 64) (i32.const 8))
        (then (return (call $milliseconds (i32.add (local.get $at) (i32.const 8))))))
      (loop $char
        (if (i32.eqz (i32.load8_u (local.get $at))) (then (return (i64.const 0))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $pair (i32.eq (i32.load8_u (i32.sub (local.get $at) (i32.const 1))) (i32.const 38))) ;; &
        (br $char)))
    (unreachable))

  ;; Waits as long as the query asks for, on a clock that only moves forward: as if for a database.
  (func $wait
    (local $variable i32) (local $ms i64)
    (drop (call $environ_sizes_get (i32.const 24) (i32.const 28)))
    (if (i32.or
          (i32.gt_u (i32.load (i32.const 24)) (i32.const 2000))
          (i32.gt_u (i32.load (i32.const 28)) (i32.const 48000)))
      (then (return)))
    (drop (call $environ_get (i32.const 8192) (i32.const 16384)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (i32.load (i32.const 24))))
        (i32.store (i32.const 24) (i32.sub (i32.load (i32.const 24)) (i32.const 1)))
        (local.set $variable
          (i32.load (i32.add (i32.const 8192) (i32.shl (i32.load (i32.const 24)) (i32.const 2)))))
        (if (call $begins (local.get $variable) (i32.const 48) (i32.const 13))
          (then (local.set $ms (call $asked (i32.add (local.get $variable) (i32.const 13))))))
        (br $next)))
    (if (i64.eqz (local.get $ms)) (then (return)))
    (i32.store (i32.const 144) (i32.const 1)) ;; the monotonic clock
    (i64.store (i32.const 152) (i64.mul (local.get $ms) (i64.const 1000000)))
    (drop (call $poll_oneoff (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 8))))

  (func (export "_start")
    (local $length i32)
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $length (i32.load (i32.const 8)))
    (call $wait)
    (global.set $end (i32.const 532)) ;; 512 and the 20 characters that stand there
    (if (local.get $length)
      (then (call $append_name (i32.const 256) (local.get $length)))
      (else (call $append_name (i32.const 32) (i32.const 5))))
    (call $append (i32.const 33)) ;; !
    (call $append (i32.const 34)) ;; "
    (call $append (i32.const 125)) ;; }
    (call $write (i32.const 1) (i32.const 512))
    (global.set $end (i32.const 1077)) ;; 1024 and the 53 characters that stand there
    (call $append_number (local.get $length))
    (call $append (i32.const 125)) ;; }
    (call $append (i32.const 10)) ;; end of the line
    (call $write (i32.const 2) (i32.const 1024))))
