;; hello: greets the shop's visitor. WASI preview 1 command, written by hand: the smallest of the samples.
;;
;; Payload: a name as plain text, at most 200 bytes of it, may be empty.
;; Reply:   {"greeting":"Hello, Ada!"}; without a name {"greeting":"Hello, world!"}.
;; Quotes, backslashes and control characters are left out, so the reply is valid JSON for any name that fits.
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the name (256, 200 bytes); 8: bytes read or written; 16: iovec of the reply (512, length set below).
  (data (i32.const 0) "\00\01\00\00\c8\00\00\00")
  (data (i32.const 16) "\00\02\00\00")
  (data (i32.const 32) "world")
  (data (i32.const 512) "{\22greeting\22:\22Hello, ")
  ;; Where the reply goes on: 512 and the 20 characters above.
  (global $end (mut i32) (i32.const 532))

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

  (func (export "_start")
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (i32.load (i32.const 8))
      (then (call $append_name (i32.const 256) (i32.load (i32.const 8))))
      (else (call $append_name (i32.const 32) (i32.const 5))))
    (call $append (i32.const 33)) ;; !
    (call $append (i32.const 34)) ;; "
    (call $append (i32.const 125)) ;; }
    (i32.store (i32.const 20) (i32.sub (global.get $end) (i32.const 512)))
    (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))))
