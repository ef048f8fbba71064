;; Preview 1 command: grows its memory by 16 MiB at a time and writes to every page, also when it is refused, for ever.
;; Expect the memory to stay below its limit, and the time limit to end it.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (local $at i32)
    (loop $again
      (drop (memory.grow (i32.const 256)))
      (local.set $at (i32.const 0))
      (loop $touch
        (i32.store8 (local.get $at) (i32.const 1))
        (local.set $at (i32.add (local.get $at) (i32.const 4096)))
        (br_if $touch (i32.lt_u (i32.shr_u (local.get $at) (i32.const 16)) (memory.size))))
      (br $again))))
