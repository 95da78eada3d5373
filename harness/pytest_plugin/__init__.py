"""The main job, `pytest op_suites`, as a pytest plugin: its options, its items, their scheduling and their recording.

What a cell is and how one is run lives in `harness.running`; how a journal is shown lives in `reports`. Start at
`items.py`: one pytest item is one cell of the matrix.
"""
