;; Preview 1 command: says why on stderr, then exits with code 3. Expect outcome `error`, exit code 3.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  ;; The iovec of the message: pointer 16, length 22.
  (data (i32.const 0) "\10\00\00\00\16\00\00\00")
  (data (i32.const 16) "stock file is damaged\n")
  (func (export "_start")
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $proc_exit (i32.const 3))))
