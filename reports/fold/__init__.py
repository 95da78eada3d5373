"""What a journal folds into: the matrix of cells, their statuses, the reasons for failures, rules and provenance.

Here are facts that several answers and pages need, and the one-line spelling of a sample. What answers a single
question of a user belongs in `answers`, layout in `pages`. Start at `matrix.fold`.
"""
