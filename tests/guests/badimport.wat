;; A command that needs a host function nobody offers. Expect the deploy to be refused, naming env.open_till.
(module
  (import "env" "open_till" (func $open_till (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (drop (call $open_till (i32.const 1)))))
