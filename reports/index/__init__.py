"""The index beside a journal: an SQLite file that holds, per op, what the reports need of its records.

A *fold* maps all records of one op to a small JSON value. Answers and pages reduce these values over the ops, so none
of them loads all records. This package knows no fold; `reports.folds` names those that there are. Start at `index.py`
(what can be asked), then `writer.py` (how it is made) and `store.py` (where it is kept, and when it is made again).
"""
