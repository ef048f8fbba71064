;; Preview 1 command: writes log lines of 64 bytes to stderr for ever, whatever the host answers.
;; Expect the log to be cut at its limit, and the time limit to end it.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: iovec of the line (pointer 64, length 64); 16: count.
  (data (i32.const 0) "\40\00\00\00\40\00\00\00")
  (data (i32.const 64) "a line of a flood that does not end, that nobody will ever read\0a")
  (func (export "_start")
    (loop $next
      (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)))
      (br $next))))
