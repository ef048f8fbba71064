;; A valid module that is no command: it has no `_start`. Expect the deploy to be refused with that reason.
(module
  (memory (export "memory") 1)
  (func (export "run")))
