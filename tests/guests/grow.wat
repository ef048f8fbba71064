;; Preview 1 command: grows its memory by 1 MiB at a time, touching each, until that is refused; then traps.
;; Expect outcome `out_of_memory`, and a peak within 1 MiB of the limit.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (local $pages i32)
    (block $refused
      (loop $more
        (local.set $pages (memory.grow (i32.const 16)))
        (br_if $refused (i32.eq (local.get $pages) (i32.const -1)))
        (i32.store8 (i32.shl (local.get $pages) (i32.const 16)) (i32.const 1))
        (br $more)))
    (unreachable)))
