"""The harness: draws samples, runs them in isolation through every stage, judges the results and records them.

Its packages stand in layers, and each imports only packages below it; `docs/architecture.md` draws them. What belongs
to one op is in `op_suites`, to one compiler in `backends`, to the reading of journals in `reports`.
"""
