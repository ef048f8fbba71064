;; Preview 1 command: traps at once. Expect outcome `error`, caused by `unreachable`.
(module
  (memory (export "memory") 1)
  (func (export "_start") (unreachable)))
