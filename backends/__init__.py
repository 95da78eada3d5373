"""Everything that uses torch-mlir or another compiler: the frontend, the lowerings, the executors and the mutants.

No other package imports `torch_mlir` or `jaxlib`; judging results belongs to `harness`, which finds the built-in
backends and executors by entry points, as it finds plugins. Start with `frontend`, which turns a program into
torch-dialect IR once; then read one module of `lowerings` (from that IR to one dialect) and one of `executors` (from
lowered IR to results).
"""
