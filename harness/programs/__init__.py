"""Turn a sample into a torch program, say what frontends, backends and executors must do, and find the installed ones.

No implementation of the protocols belongs here (those are in `backends` and in plugins), and no comparison of results.
Start reading at `protocols.py`, which is what an author of a plugin needs; `program.py` builds the program.
"""
