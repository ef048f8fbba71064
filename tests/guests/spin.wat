;; Preview 1 command: loops for ever and calls nothing. Expect outcome `timeout`.
(module
  (memory (export "memory") 1)
  (func (export "_start") (loop $again (br $again))))
