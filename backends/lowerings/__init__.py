"""Lowerings from torch-mlir's backend contract, one module per dialect; `cascade` goes on from a dialect to linalg.

A lowering lowers a module and verifies the result; running the result belongs to `executors`. Start with `lowering`,
the base class, then read `linalg`, its smallest subclass.
"""
