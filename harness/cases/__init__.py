"""What a case is and how samples are drawn from it: plain data and hypothesis strategies, without torch.

Start with `case.py` (the registry's entry for one op), then `sample.py` (one invocation as data) and `draw.py` (the
census of a cell). Tensors are made of samples in `harness/programs`; the cases themselves are in `op_suites`.
"""
