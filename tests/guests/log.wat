;; Preview 1 command: three lines on stderr (plain, JSON with a level and a field, plain with a level in front),
;; then the reply "logged". Expect three log records: without level, warn with n = 7, error.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; Four iovecs: the three lines, then the reply; 32: bytes written.
  (data (i32.const 0) "\40\00\00\00\0b\00\00\00")
  (data (i32.const 8) "\50\00\00\00\2b\00\00\00")
  (data (i32.const 16) "\80\00\00\00\16\00\00\00")
  (data (i32.const 24) "\a0\00\00\00\06\00\00\00")
  (data (i32.const 64) "plain line\0a")
  (data (i32.const 80) "{\22level\22:\22warn\22,\22message\22:\22careful\22,\22n\22:7}\0a")
  (data (i32.const 128) "ERROR something broke\0a")
  (data (i32.const 160) "logged")

  (func (export "_start")
    (local $line i32)
    (loop $next
      (drop (call $fd_write (i32.const 2) (local.get $line) (i32.const 1) (i32.const 32)))
      (local.set $line (i32.add (local.get $line) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $line) (i32.const 24))))
    (drop (call $fd_write (i32.const 1) (i32.const 24) (i32.const 1) (i32.const 32)))))
