"""What a run writes down and reads back: outcomes, the journal, the toolchain, and the verdict on a cell; no torch.

Start with `outcome.py` (what happened to one sample on one backend), then `journal.py` (the file that holds it). What
produces outcomes is in `harness/judging` and `harness/running`; what summarizes a journal is in `reports`.
"""
