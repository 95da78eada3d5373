"""Executors, which run lowered IR on the CPU: one module per compiler or interpreter.

An executor returns results or raises `CannotExecute`; whether results are right is decided in `harness.judging`. Start
with `llvm_jit`: the harness asks it first, and the other executors use its helpers.
"""
