"""Lowerings from torch-mlir's backend contract, one module per dialect."""
