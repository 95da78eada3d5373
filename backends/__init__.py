"""Frontend, lowerings and executors: the only package that imports `torch_mlir`.

`frontend` takes a program to torch-dialect IR once; each module of `lowerings` takes that IR to one dialect; each
module of `executors` runs lowered IR on the CPU. The built-in ones are found by entry points, as plugins are.
"""
