"""Samples run through all stages here, each in a child process whose death is an outcome.

Cells and their samples, the pipeline inside the worker, the worker and its supervisor belong here. `judging` decides
whether a result is right, `records` defines what is written down. Start at `runner.py` (a cell, in the parent process)
and `pipeline.py` (a sample, in the worker process).
"""
