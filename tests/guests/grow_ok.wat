;; Preview 1 command: asks for all of the address space, is refused, and goes on.
;; Expect outcome `ok` and the reply "refused" ("granted" only where 4 GiB is allowed): a refusal alone is no failure.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; Two iovecs: one for each reply.
  (data (i32.const 0) "\20\00\00\00\07\00\00\00")
  (data (i32.const 8) "\28\00\00\00\07\00\00\00")
  (data (i32.const 32) "refused")
  (data (i32.const 40) "granted")
  (func (export "_start")
    (drop (call $fd_write
      (i32.const 1)
      (select (i32.const 0) (i32.const 8)
        (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)))
      (i32.const 1)
      (i32.const 24)))))
