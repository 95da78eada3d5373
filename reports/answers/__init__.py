"""One module per question, each with its answer as text and as JSON: why an op fails, what to lower next, and others.

Reports that join several answers belong in `pages`, facts that several answers need in `fold`. Start at `explain`.
"""
